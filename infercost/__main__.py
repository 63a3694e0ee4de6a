"""The console script, and ``python -m infercost``."""

import gc
import sys

#: What a shell reports for a program that the keyboard ended.
INTERRUPTED = 130


def entry() -> None:
    """Run the command line and exit with its code."""
    # Modules live until the end: a search for garbage among them costs a run 5%. ``run`` turns it on for the answer.
    gc.disable()
    try:
        from infercost.cli.app import main

        code = main()
        gc.freeze()  # nor is there anything to search for when all of it goes
    except KeyboardInterrupt:  # while modules load
        code = INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    entry()
