"""Traces of LLM traffic as load by the hour; the form is told from the first line of the file."""

from contextlib import closing
from itertools import chain

from infercost.errors import BadFile
from infercost.fleet.traces.hourly import is_hourly, read_hourly
from infercost.fleet.traces.mooncake import Blocks, is_mooncake, read_json_lines
from infercost.fleet.traces.rows import AZURE, BURSTGPT, read_rows
from infercost.fleet.traces.source import Progress, Sheet, read_lines
from infercost.fleet.traces.tally import Trace, tally
from infercost.parts.cache import once

__all__ = ["Trace", "read_trace"]

_FORMS = (
    "give Azure's columns TIMESTAMP,ContextTokens,GeneratedTokens; BurstGPT's Timestamp,Request tokens,"
    "Response tokens; Mooncake's JSON lines with timestamp, input_length and output_length; or hourly counts in a "
    "column requests or count, alone or beside hour and day"
)


@once
def read_trace(path: str, progress: Progress | None = None) -> Trace:
    """The load in a trace, read in one pass and in memory that does not grow with it, gzipped or not.

    Only the block ids of a Mooncake trace are kept. ``progress`` is called with the bytes of the file read so far,
    every 65,536 lines and at the end; a pipe calls it never.

    Raises:
        BadFile: unreadable, binary, of an unknown form, without a request, or a line of it that cannot be read.
    """
    with closing(read_lines(path, progress)) as lines:
        first = next(lines, "")
        if not first:
            raise BadFile(f"trace {path}: is empty", "see whether it was written to its end")
        if first.lstrip().startswith("{") and is_mooncake(first):
            blocks = Blocks()
            trace = tally(read_json_lines(chain([first], lines), path, blocks), path)
            return trace._replace(prefix_share=blocks.share)
        return _read_sheet(Sheet(first, lines, path), path)


def _read_sheet(sheet: Sheet, path: str) -> Trace:
    header = sheet.header
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadFile(f"{sheet.where}: column {twice[0]!r} stands twice", "keep one of them")
    for form in (AZURE, BURSTGPT):
        if set(form.columns) <= set(header):
            return tally(read_rows(sheet, form), path)
    if is_hourly(header):
        return read_hourly(sheet, path)
    raise BadFile(f"{sheet.where}: {','.join(header)[:60]!r} is the first line of no trace known here", _FORMS)
