"""``python -m bp_core``: the same as the command ``bp-core``."""

import sys

from bp_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
