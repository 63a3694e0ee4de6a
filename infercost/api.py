"""The same questions from Python: options as keywords, as text or numbers, the same frozen reports."""

from dataclasses import replace
from importlib import import_module
from typing import Any

from infercost.errors import BadValue
from infercost.formulas.formula import recording
from infercost.report import Report
from infercost.scenario.options import MANY
from infercost.scenario.read import Asked, ask


def answer(asked: Asked, steps: bool = False, charts: bool = False) -> Report:
    """The report of a question, with the work shown and pictures made when asked for.

    Raises:
        BadValue: a question asked many times, which has no one derivation, two ways at once, a picture of elasticities.
    """
    many = [name for name in MANY if asked.get(name)]
    if len(many) > 1:
        raise BadValue("--sweep and --sensitivity are two questions", "ask one of them")
    if many and steps:
        raise BadValue(f"--{many[0]} answers many questions, --steps shows the work of one", "ask for one point alone")
    if charts and "sensitivity" in many:
        raise BadValue("--sensitivity has no picture", "leave --plot out: its table has a bar for each input")
    report = _answer(asked, f"infercost.analyses.{many[0]}" if many else asked.command.module, steps)
    if not charts:
        return report
    from infercost.analyses.pictures import charts as charts_of

    return replace(report, charts=charts_of(asked, report))


def _answer(asked: Asked, module: str, steps: bool) -> Report:
    analyse = import_module(module).answer
    if not steps:
        report: Report = analyse(asked)
        return report
    with recording() as calls:
        report = analyse(asked)
    from infercost.formulas.formula import explain

    distinct = {(call.about, call.function, tuple(call.inputs.items())): call for call in calls}
    printed = {(step.meaning, step.symbols, step.numbers): step for step in map(explain, distinct.values())}
    return replace(report, steps=tuple(printed.values()))


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


def frontier(**options: Any) -> Report:
    """Speed per user against cost per token: ``frontier(gpu="h100", model="llama-3.1-405b").series.rows``.

    With ``all=True`` and ``output="all.parquet"`` every configuration is written to a file.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    output = options.pop("output", None)
    report = _question("frontier", options)
    if report.export and output is not None:
        from infercost.render.export import write

        write(report.export.chunks(), str(output))
    return report


def calibrate(*files: str, **options: Any) -> Report:
    """A profile fitted to benchmark results: ``calibrate("run.json", gpu="h100", model="llama-3.1-8b").file.text``.

    Raises:
        InfercostError: see its ``what`` and ``hint``.
    """
    return _question("calibrate", options, files)
