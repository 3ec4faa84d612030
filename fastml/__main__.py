"""`python -m fastml`: the same as the command `fastml`."""

import sys

from fastml.cli import main

if __name__ == "__main__":
    sys.exit(main())
