"""The console script, and ``python -m infercost``."""

import gc
import sys


def entry() -> None:
    """Run the command line and exit with its code."""
    # Modules live until the end: a search for garbage among them costs a run 5%. ``main`` turns it on again.
    gc.disable()
    from infercost.cli.app import main

    sys.exit(main())


if __name__ == "__main__":
    entry()
