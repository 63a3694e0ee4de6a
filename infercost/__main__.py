"""The console script, and ``python -m infercost``."""

import gc
import sys


def entry() -> None:
    """Run the command line and exit with its code."""
    # Modules live until the end: a search for garbage among them costs a run 5%. ``run`` turns it on for the answer.
    gc.disable()
    from infercost.cli.app import main

    code = main()
    gc.freeze()  # nor is there anything to search for when all of it goes
    sys.exit(code)


if __name__ == "__main__":
    entry()
