"""The index that ``presets list`` reads in place of hundreds of files, written again: ``python tools/index.py``."""

import csv
from io import StringIO

from infercost.analyses.presets import COLUMNS, FAMILIES, INDEX, list_row
from infercost.parts import catalog

KEYS = (
    "family",
    "name",
    "released",
    "title",
    "aliases",
    "kind",
    "old",
    *(key for keys in COLUMNS.values() for key in keys),
)


def index() -> str:
    """A line for each shipped preset, from its file."""
    text = StringIO()
    writer = csv.DictWriter(text, KEYS, lineterminator="\n")
    writer.writeheader()
    for family in FAMILIES:
        for name in catalog.names(family):
            row = list_row(family, name)
            writer.writerow(row | {"old": "yes" if row["old"] else ""})
    return text.getvalue()


if __name__ == "__main__":
    (catalog.shipped() / INDEX).write_text(index(), encoding="utf-8")
