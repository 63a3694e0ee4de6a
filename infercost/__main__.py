"""``python -m infercost``."""

from infercost.cli.app import entry

entry()
