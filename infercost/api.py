"""The same questions from Python: options as keywords, as text or numbers, the same frozen reports."""

from dataclasses import replace
from importlib import import_module
from typing import Any

from infercost.derivation import recording
from infercost.question import Asked, ask
from infercost.report import Report


def answer(asked: Asked, steps: bool = False, charts: bool = False) -> Report:
    """The report of a question, with the work shown and pictures made when asked for."""
    report = _answer(asked, steps)
    if not charts:
        return report
    from infercost.analyses.pictures import charts as charts_of

    return replace(report, charts=charts_of(asked, report))


def _answer(asked: Asked, steps: bool) -> Report:
    analyse = import_module(asked.command.module).answer
    if not steps:
        report: Report = analyse(asked)
        return report
    with recording() as calls:
        report = analyse(asked)
    from infercost.expression import explain

    distinct = {(call.about, call.function, tuple(call.inputs.items())): call for call in calls}
    return replace(report, steps=tuple(map(explain, distinct.values())))


def _question(command: str, options: dict[str, Any], words: tuple[Any, ...] = ()) -> Report:
    steps, charts = (bool(options.pop(name, False)) for name in ("steps", "charts"))
    return answer(ask(command, options, words), steps=steps, charts=charts)


def fit(**options: Any) -> Report:
    """How many accelerators hold a model: ``fit(gpu="h100", params=1.6e12)``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("fit", options)


def utilization(**options: Any) -> Report:
    """One decoding step: ``utilization(gpu="h100", params="70B", batch=64)["step_time_s"]``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("utilization", options)


def sweep_batch(**options: Any) -> Report:
    """A step over batch sizes: ``sweep_batch(gpu="h100", params=1.6e12, batch=[1, 8, 64]).series.rows``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("sweep-batch", options)


def userbase(**options: Any) -> Report:
    """Users for a concurrency and back: ``userbase(concurrent=1000, minutes_per_day=10)["users"]``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("userbase", options)


def compare(*parts: Any, **options: Any) -> Report:
    """Accelerators side by side: ``compare("h100-note", "human-brain").series.rows``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("compare", options, parts)


def validate(*files: str, **options: Any) -> Report:
    """Predicted against measured: ``validate(efficiency="stack")["median_abs_error"]``, or of a table of one's own.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("validate", options, files)


def economies(**options: Any) -> Report:
    """Cost per token against users: ``economies(gpu="h100", params="1.6e12").series.rows``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("economies", options)


def calibrate(*files: str, **options: Any) -> Report:
    """A profile fitted to benchmark results: ``calibrate("run.json", gpu="h100", model="llama-3.1-8b").file.text``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("calibrate", options, files)
