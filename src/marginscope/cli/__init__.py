"""The command line: one thin file a command, each calls public functions and prints."""
