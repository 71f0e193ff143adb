"""Run the command line with ``python -m marginscope``."""

import sys

from marginscope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
