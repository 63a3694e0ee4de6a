"""The same questions from Python: options as keywords, as text or numbers, the same frozen reports.

Each function raises an ``InfercostError``, which says ``what`` is wrong and has a ``hint``.
"""

from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any, TypedDict, Unpack

from infercost.errors import BadValue, Missing, closest
from infercost.parts.files import reading_once
from infercost.render import to_text
from infercost.report import Report
from infercost.scenario import options as takes
from infercost.scenario.options import MANY
from infercost.scenario.read import Question, ask, asked_of, names_no_model
from infercost.scenario.resolve import resolve
from infercost.scenario.scenario import Scenario

Analysis = Callable[[Scenario], Report]
#: Modules of analyses that are not called as their command is.
MODULES = {"sweep-batch": "sweep_batch"}


class Answer(Report):
    """A report that shows itself: the plain table in ``print``, tables in a notebook, a dictionary, a data frame."""

    def __str__(self) -> str:
        return to_text(self)

    def __repr__(self) -> str:
        return f"<Answer {self.command}: {self.verdict}>"

    def __getitem__(self, key: str) -> Any:
        """The value of a result by its JSON key, or else what ``to_dict`` has under it, as ``rows`` and ``verdict``.

        Raises:
            KeyError: neither has it, with what there is.
        """
        if key in self.values:
            return self.values[key]
        whole = self.to_dict()
        if key in whole:
            return whole[key]
        near = closest(str(key), [*self.values, "rows", "verdict", "notes"])
        there = f"results are {', '.join(self.values) or 'none'}; beside them {', '.join(whole)}"
        raise KeyError(f"{self.command} has no {key!r}: {near}{there}")

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a result by its JSON key, or what to take where the answer has no such result."""
        return self.values.get(key, default)

    def _repr_html_(self) -> str:
        from infercost.render.html import cell

        return cell(self)

    def to_dict(self) -> dict[str, Any]:
        """What ``--json`` prints, as a dictionary: values in base units."""
        from infercost.render.json import document

        return document(self, sources=True)

    def to_frame(self) -> Any:
        """The rows, or the results as one row, as a pandas ``DataFrame`` in base units; Missing without pandas."""
        from infercost.render.csv import flat_rows

        try:
            from pandas import DataFrame
        except ImportError as error:
            raise Missing("to_frame needs pandas", "pip install pandas") from error
        return DataFrame(flat_rows(self))


def asking(question: Question, steps: bool = False, charts: bool = False) -> Callable[[], Report]:
    """What asks a question: once, over ranges of its inputs, or with each input a little changed.

    Many questions have no steps to show, and elasticities no picture: a BadValue.
    """
    answer: Analysis = import_module(f"infercost.analyses.{MODULES.get(question.command, question.command)}").answer
    if _is_limited(question):
        from infercost.analyses.prices import within

        answer = partial(within, answer)
    if question.cases:
        return _each(question, answer, steps, charts)
    many = [name for name in MANY if question.get(name)]
    if names_no_model(question) and not _sweeps_models(question):
        return _listing(question, steps, charts)
    if len(many) > 1:
        raise BadValue("--sweep and --sensitivity are two questions", "ask one of them")
    if many and steps:
        raise BadValue(f"--{many[0]} answers many questions, --steps shows the work of one", "ask for one point alone")
    if many == ["sensitivity"] and charts:
        raise BadValue("--sensitivity has no picture", "leave --plot out: its table has a bar for each input")
    if not many:
        return partial(answer, resolve(question))
    if many == ["sweep"]:
        from infercost.analyses.sweep import sweep

        return partial(sweep, question, answer)
    from infercost.analyses.sensitivity import sensitivity

    return partial(sensitivity, question, answer)


def _is_limited(question: Question) -> bool:
    """Whether an answer is held against a limit that it was not made for: on a cost, a month's money, a step's time."""
    limits = ("max_cost", "budget", *(("max_tpot",) if question.command == "utilization" else ()))
    swept = (text.partition("=")[0].strip().replace("-", "_") for text in question.get("sweep") or ())
    return not {*limits}.isdisjoint({*question.given, *swept, *(name for each in question.cases for name in each)})


def _each(question: Question, answer: Analysis, steps: bool, charts: bool) -> Callable[[], Report]:
    """What asks the questions of a list; a BadValue for what makes many of each, for their work and for a picture."""
    if many := [name for name in MANY if any(name in each for each in (question.given, *question.cases))]:
        raise BadValue(f"--{many[0]} and a list of questions both make rows", "ask one question with it")
    if steps or charts:
        what = "no picture" if charts else "no one work to show"
        raise BadValue(f"a list of questions has {what}", "ask one of them alone")
    if any(names_no_model(question.changed(case, "")) for case in question.cases):
        raise BadValue("a list of models is one question, not a row of several", "name a model in each: model: NAME")
    from infercost.analyses.sweep import listed

    return partial(listed, question, answer)


def _sweeps_models(question: Question) -> bool:
    """Whether the models are those of a sweep."""
    axes = (text.partition("=")[0].strip() for text in question.get("sweep") or ())
    return any(name in ("model", "params") for name in axes)


def _listing(question: Question, steps: bool, charts: bool) -> Callable[[], Report]:
    """What asks which models run on a part; a BadValue for the work of all of them, or a picture."""
    if steps:
        raise BadValue("a list of models shows the work of none", "name one: --model with --steps")
    if charts:
        raise BadValue("a list of models has no picture", "leave --plot out, or name a --model: its memory has one")
    from infercost.analyses import runs_here

    return partial(runs_here.answer, resolve(question))


def answered(compute: Callable[[], Report], question: Question, steps: bool, charts: bool) -> Report:
    """The answer, with what ``--set`` changes of it, and that times under a load are means."""
    from infercost.analyses.remarks import with_means

    report = with_means(compute(), question)
    if not question.get("set"):
        return report
    from infercost.analyses.many import with_sets

    quiet = question._replace(progress=lambda *_: None)
    return with_sets(report, quiet, lambda other: with_means(asking(other, steps, charts)(), other))


def finished(report: Report, question: Question, steps: bool, charts: bool) -> Report:
    """The report with its work shown and its pictures made, where they are wanted."""
    report = report.replace(asked=asked_of(question))
    if steps and report.work:
        from infercost.formulas.recorder import work_of

        report = report.replace(steps=work_of(report.work))
    if charts:
        from infercost.analyses.pictures import charts as charts_of

        report = report.replace(charts=charts_of(question, report))
    return report


def _call(command: str, options: Mapping[str, Any], words: tuple[Any, ...] = ()) -> Answer:
    given = dict(options)
    steps, charts = (bool(given.pop(name, False)) for name in ("steps", "charts"))
    listed = [word if isinstance(word, list) or type(word) is tuple else (word,) for word in words]
    with reading_once():
        question = ask(command, given, [word for each in listed for word in each])
        report = answered(asking(question, steps, charts), question, steps, charts)
    return Answer(**vars(finished(report, question, steps, charts)))


def fit(**options: Unpack[takes.Fit]) -> Answer:
    """How many accelerators hold a model: ``fit(gpu="h100", params=1.6e12)``."""
    return _call("fit", options)


def utilization(**options: Unpack[takes.Utilization]) -> Answer:
    """One decoding step: ``utilization(gpu="h100", params="70B", batch=64)["step_time_s"]``."""
    return _call("utilization", options)


def sweep_batch(**options: Unpack[takes.SweepBatch]) -> Answer:
    """A step over batch sizes: ``sweep_batch(gpu="h100", params=1.6e12, batch=[1, 8, 64]).series.rows``."""
    return _call("sweep-batch", options)


def userbase(**options: Unpack[takes.Userbase]) -> Answer:
    """Users for a concurrency and back: ``userbase(concurrent=1000, minutes_per_day=10)["users"]``."""
    return _call("userbase", options)


def economies(**options: Unpack[takes.Economies]) -> Answer:
    """Cost per token against users: ``economies(gpu="h100", params="1.6e12").series.rows``."""
    return _call("economies", options)


class _Frontier(takes.Frontier, TypedDict, total=False):
    output: str


def frontier(**options: Unpack[_Frontier]) -> Answer:
    """Speed per user against cost per token: ``frontier(gpu="h100", model="llama-3.1-405b").series.rows``.

    With ``all=True`` and ``output="all.parquet"`` every configuration is written to a file.
    """
    output = options.pop("output", None)
    report = _call("frontier", options)
    if report.export and output is not None:
        from infercost.render.export import write

        write(report.export.chunks(), str(output))
    return report


def compare(*parts: takes.Part | list[takes.Part], **options: Unpack[takes.Compare]) -> Answer:
    """Accelerators side by side: ``compare("h100-note", "human-brain").series.rows``."""
    return _call("compare", options, parts)


def validate(*files: str | list[str], **options: Unpack[takes.Validate]) -> Answer:
    """Predicted against measured: ``validate(efficiency="stack")["median_abs_error"]``, or of a table of one's own."""
    return _call("validate", options, files)


def calibrate(*files: str | list[str], **options: Unpack[takes.Calibrate]) -> Answer:
    """A profile fitted to benchmark results: ``calibrate("run.json", gpu="h100", model="llama-3.1-8b").file.text``."""
    return _call("calibrate", options, files)
