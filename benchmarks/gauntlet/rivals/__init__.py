"""What other tools say about the same draws, read generously."""
