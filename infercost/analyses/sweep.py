"""One question over ranges of its inputs: a row a point, each answered as if it had been asked alone."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from math import ceil, inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.many import (
    HELD,
    LAYOUT,
    Answer,
    Outcome,
    Rows,
    Values,
    left_out,
    met_at,
    notes_of,
    nulls_of,
    outcomes_of,
    refuse_side_by_side,
)
from infercost.analyses.prices import own_words, savings
from infercost.analyses.remarks import ends_in, on_devices
from infercost.models.model import gains
from infercost.parts import catalog
from infercost.parts.accelerator import is_owned
from infercost.parts.files import reading_once
from infercost.parts.stack import SHARED
from infercost.quantities import KEYS, Key
from infercost.report import Input, Note, Report, Series
from infercost.scenario.layouts import ALIKE, EACH_ALONE
from infercost.scenario.read import (
    Axis,
    Point,
    Question,
    Reading,
    at_words,
    counted_name,
    in_words,
    plain,
    points_of,
    read_axes,
    read_cases,
    read_part,
)
from infercost.scenario.usual import is_of_api
from infercost.units import digits, lasting, many, show

#: An engine as people call it, of all its profiles, and the word between two that are compared.
LLAMA_CPP, AGAINST = "llama.cpp", " against "
#: The parallel widths of a layout.
WIDTHS = LAYOUT[1:]
#: Columns that a table shows where they vary, before the others.
VARYING = ("gpus", "gpus_per_replica", "fits", "stable")
#: What one point takes of KV cache, by what varies: who, the figure, and the word before each value.
OF_CACHE = {"model": ("A token", "kv_bytes_per_token", "of"), "kv_dtype": ("A sequence", "kv_bytes_per_sequence", "in")}
#: Options of what a cache has of prompts.
CACHED = ("prefix_share", "shared_prefix")
#: Options of prompts: who sweeps them asks for the time to the first token.
OF_PROMPTS = ("input_tokens", *CACHED, "chunk_tokens")
#: What a sweep of an option is asked for, beside the columns of all.
ASKED_FOR = {
    **{option: key for option, (_, key, _) in OF_CACHE.items()},
    "chunk_tokens": "prompt_itl_s",
    **dict.fromkeys(CACHED, "most_requests_per_s"),
}
#: Letters of a table and of the bars at its end, and between columns: as a rule, and at the least.
WIDTH, BARS, GAP, LEAST_GAP = 80, 9, 2, 1
#: Requests always in flight, those of them that run, and how many requests or sequences there are otherwise.
IN_FLIGHT, AT_ONCE, OF_MANY = "in_flight", "requests_at_once", ("concurrency", "batch")
#: Bars are drawn by logarithm where the largest value is more than this many times the least.
FAR = 50
#: From so many points on a progress bar is shown.
LONG = 200
#: Prefix of a result that has the name of a swept option but another meaning: all devices beside those of a replica.
OWN = "answered_"
#: Figures of ``fit`` that say nothing without the count of devices.
OF_A_COUNT = ("max_sequences", "kv_pool_bytes_per_gpu", "shortfall_bytes")
#: Inputs of which the first is the rate that a share of the arithmetic is held against.
RATE = "gpu.flops_"
#: Inputs that a row's place in the sweep shows already.
_PLACED = ("points", "set")
#: So many points that do not fit are named, and figures of so many that are no numbers.
NAMED = 4


class Told(NamedTuple):
    """What is ``served`` where more arrives, by how much memory is ``short``, and ``in`` which layout not all are best.

    The last is that which all points share, empty where none is better in another.
    """

    served: str
    short: str
    layout: str


class Headline(NamedTuple):
    """Keys of an answer: a table's columns, the bar beside them, the ``most`` figures of a verdict, of a sensitivity.

    The bar, each figure of the verdict and the main figure of a sensitivity are the first of their keys with a value.
    """

    columns: tuple[str, ...]
    bar: tuple[str, ...]
    verdict: tuple[tuple[str, ...], ...]
    main: tuple[str, ...]
    figures: tuple[str, ...]
    most: int = 2


_SPEED, _USD, _ALL, _EACH = "tokens_per_s_per_user", "usd_per_million_tokens", "tokens_per_s", "tokens_per_s_per_gpu"
_STEP = Headline(
    columns=(_SPEED, _USD, "step_time_s", "ttft_s", "bound", "tokens_per_s_per_gpu"),
    bar=("utilization",),
    verdict=((_SPEED,), (_USD, "utilization"), ("ttft_s",)),
    main=(_USD, "step_time_s"),
    figures=(_SPEED, "utilization", "ttft_s", "step_time_s", "tokens_per_s_per_gpu"),
)
_UNPRICED_STEP = _STEP._replace(verdict=((_SPEED,), ("utilization",), ("ttft_s",)), main=("step_time_s",))
_OWN_STEP = _UNPRICED_STEP._replace(verdict=((_SPEED,), ("ttft_s",)))
_PROMPT_STEP = _STEP._replace(verdict=((_SPEED,), ("ttft_s",), (_USD,)), most=3)
_FIRST_STEP = _STEP._replace(verdict=(("ttft_s",), (_USD,)))  # of requests that end with their first token
_OF_PROMPTS = _STEP._replace(
    columns=(_SPEED, _USD, "step_time_s", "bound"), bar=("ttft_s",), verdict=(("ttft_s",), (_SPEED,))
)
_PRICED_PROMPTS = _OF_PROMPTS._replace(verdict=(*_OF_PROMPTS.verdict, (_USD,)), most=3)
_READ_PROMPTS = _STEP._replace(  # nothing is decoded
    columns=("ttft_s", "input_tokens_per_s", _USD, "bound"), verdict=(("ttft_s",), ("input_tokens_per_s",))
)
_JOB = _STEP._replace(  # a user's speed among the prompts of others is that of the time between tokens
    columns=("job_usd", "job_time_s", "tokens_per_s_all_in", "itl_s", _USD, "ttft_s", "bound"),
    verdict=(("job_usd",), ("job_time_s",), ("itl_s", _SPEED)),
    main=("job_usd", "job_time_s"),
    most=3,
)
_LOADED_STEP = _STEP._replace(
    columns=(AT_ONCE, _ALL, _SPEED, _USD, "ttft_s", "step_time_s", "bound", _EACH),
    verdict=((_ALL,), (_SPEED,), (_USD, "utilization")),
    most=3,
)
_LOADED_UNLIKE = _LOADED_STEP._replace(
    columns=(AT_ONCE, _EACH, _SPEED, _USD, "ttft_s", _ALL, "step_time_s", "bound"),
    verdict=((_ALL,), (_EACH,), (_USD, "utilization")),
)
_ARRIVING_STEP = _LOADED_STEP._replace(verdict=_LOADED_STEP.verdict[1:], most=2)  # what arrives is what leaves
_PREFIX_STEP = _STEP._replace(verdict=(("ttft_s",), ("most_requests_per_s",), (_USD,)), most=3)
_CLAIMED = _STEP._replace(
    columns=("measured_tokens_per_s", "measured_utilization", "measured_over_estimate", _EACH, "bound"),
    bar=("measured_over_bound",),
    verdict=(("measured_tokens_per_s",), ("measured_over_bound",)),
)
_CLAIMS = {
    "measured_mfu": _CLAIMED,
    "measured_tokens_per_s": _CLAIMED._replace(verdict=(("measured_utilization",), *_CLAIMED.verdict[1:])),
}
_STEP_API = _STEP._replace(
    columns=("api_usd_per_million_tokens", "own_over_api_cost", *_STEP.columns),
    verdict=(("api_usd_per_million_tokens",), ("own_over_api_cost",)),
)
_FIT = Headline(
    columns=("max_sequences", "kv_pool_tokens", "weight_bytes_per_gpu", "gpus_for_weights"),
    bar=("kv_pool_bytes_per_gpu",),
    verdict=(("gpus",), ("max_sequences",), ("kv_pool_bytes_per_gpu",), ("shortfall_bytes",)),
    main=("shortfall_bytes", "kv_pool_bytes_per_gpu", "weight_bytes_per_gpu"),
    figures=("kv_pool_tokens", "weight_bytes_per_gpu", "kv_bytes_per_sequence"),
)
_NEEDS = Headline(
    columns=("weight_bytes", "kv_bytes_of_batch", "kv_bytes_per_token"),
    bar=("memory_needed_bytes",),
    verdict=(("memory_needed_bytes",), ("kv_bytes_of_batch",)),
    main=("memory_needed_bytes",),
    figures=("weight_bytes", "kv_bytes_of_batch"),
)
_FLOOR_COST = ("floor_usd_per_million_tokens", "floor_device_seconds")
_FLOOR = Headline(
    columns=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "batch_limit"),
    bar=_FLOOR_COST,
    verdict=(_FLOOR_COST, ("users_within_2x",)),
    main=_FLOOR_COST,
    figures=("users_within_2x", "users_per_replica", "lone_user_cost_ratio", "floor_device_seconds"),
)
_EVEN = _FLOOR._replace(
    columns=("api_usd_per_million_tokens", "break_even_users", *_FLOOR.columns),
    verdict=(("api_usd_per_million_tokens",), ("break_even_users",)),
)
_AT_LOAD = _FLOOR._replace(
    columns=("load_gross_margin", "load_left_usd_per_month"),
    bar=("usd_per_million_tokens_at_load",),
    verdict=(("usd_per_million_tokens_at_load",), ("load_gross_margin",)),
)
_USERS_COST = (_USD, "device_seconds_per_token")
_USERS = Headline(
    columns=("gpus", "batch", "utilization", _SPEED, "cost_ratio"),
    bar=_USERS_COST,
    verdict=(_USERS_COST, ("utilization",)),
    main=_USERS_COST,
    figures=(_SPEED, "utilization", "device_seconds_per_token"),
)
_BILL = Headline(
    columns=("gpus", "usd_per_month", "api_usd_per_user_month", "api_usd_per_request", "api_usd_per_million_tokens"),
    bar=("api_usd_per_month",),
    verdict=(("api_usd_per_month",), ("break_even_users",)),
    main=("api_usd_per_month",),
    figures=("api_usd_per_million_tokens",),
)
_SERVICE = Headline(
    columns=("users", "slots", _USD, "utilization"),
    bar=("usd_per_month", "slots"),
    verdict=(("usd_per_month", "slots"), (_USD, "users")),
    main=("usd_per_month", "slots"),
    figures=(_USD, "utilization"),
)
_FILLED = _SERVICE._replace(verdict=(("users",), (_USD,)))  # as many users as so many replicas take
_SEATS = _SERVICE._replace(
    columns=("users", "gross_margin", "paying_users", _USD),
    bar=("usd_per_month", "api_usd_per_month"),
    verdict=(("gross_margin",), ("paying_users", "usd_per_month")),
    main=("gross_margin",),
)
LOG_BARS = "bars are on a logarithmic scale: their values span a wide range"
#: What a draft gains against none, and what says that it is the most.
GAIN, AT_BEST = "draft_speedup", "at best"
#: Gains, or widths, that are all named where a sweep has no more; else the first and the last, or none.
FEW_LEVELS = 3
#: What is swept that takes devices.
OF_LOADS = {"users", "concurrent", "request_rate", "messages_per_day"}
#: What is swept whose points have errors of their own.
UNSURE = ("efficiency", "gpu", "dtype")


def headline(question: Question, axes: Iterable[Axis] = (), rows: Rows = ()) -> Headline:
    """The headline of a command's answer; a price that nobody gave is the preset's rent, which only scales the time.

    Parts, models, formats and layouts are told apart by what their tokens cost all the same; under a load of many first
    by the tokens of all users, of each device where the ``rows`` have unlike counts of these.
    """
    axes = tuple(axes)
    given = {name for name in ("users", "price") if question.get(name) is not None} | {axis.key for axis in axes}
    if question.command == "economies":
        if question.get("load_share") is not None or any(axis.key == "load_share" for axis in axes):
            return _AT_LOAD
        return _USERS if "users" in given else _EVEN if "api_price" in given else _FLOOR
    if question.command == "fit":
        return _FIT if "gpu" in question.given or any(axis.key == "gpu" for axis in axes) else _NEEDS
    if question.command == "userbase":
        if "seat_price" in question.given or any(axis.key == "seat_price" for axis in axes):
            return _SEATS
        if "api_price" in given or is_of_api(question):
            return _BILL
        if "users" not in given and {"replicas", "budget"} & {*question.given, *given}:
            return _FILLED
        grown = {axis.key for axis in axes} & OF_LOADS and len({row.get("gpus") for row in rows}) > 1
        return _SERVICE._replace(verdict=(("gpus",), *_SERVICE.verdict)) if grown else _SERVICE
    if "api_price" in given:
        return _STEP_API
    if question.get("requests") is not None or "requests" in given:
        return _with_draft(_JOB, rows)
    return _with_draft(_with_prompts(_of_steps(question, axes, rows, is_priced="price" in given), rows), rows)


def _with_draft(head: Headline, rows: Rows) -> Headline:
    """The headline with what a draft gains against none, in place of how much of the arithmetic is used."""
    if all(row.get(GAIN) is None for row in rows):
        return head
    first, *others = head.columns
    kept = [keys for keys in head.verdict if keys[0] in (_USD, *head.verdict[0]) or keys[0].startswith((_SPEED, "job"))]
    return head._replace(columns=(first, GAIN, *others), verdict=(*kept[:2], (GAIN,)), most=3)


def _with_prompts(head: Headline, rows: Rows) -> Headline:
    """The headline with tokens a second as an answer alone has them: prompts paid where the price has them."""
    known = [row for row in rows if row.get(_SPEED) is not None]
    paid = {key: f"{key}_all_in" for key in (_ALL, _SPEED, _EACH)}
    if not known or any(row.get(key) is None for row in known for key in paid.values()):
        return head
    if all(show(row[_SPEED]) == show(row[paid[_SPEED]]) for row in known):  # nobody else's prompts lie between
        return head
    columns = tuple(paid.get(key, key) for key in head.columns)
    verdict = tuple(tuple(paid.get(key, key) for key in keys) for keys in head.verdict)
    return head._replace(columns=columns, verdict=verdict)


def _of_steps(question: Question, axes: tuple[Axis, ...], rows: Rows, *, is_priced: bool) -> Headline:
    """The headline of steps and requests that are no job: by what varies, and whether requests come and go."""
    if any(axis.key in CACHED for axis in axes):
        return _PREFIX_STEP
    if claims := [_CLAIMS[axis.key] for axis in axes if axis.key in _CLAIMS]:
        return claims[0]
    apart = any(axis.key in WIDTHS or not axis.is_numeric for axis in axes)
    if _is_of_many(question, axes) and (apart or any(axis.key == "gpus" for axis in axes)):
        if len({row.get("gpus") for row in rows if row["fits"]}) > 1:
            return _LOADED_UNLIKE
        arrive = any(row.get("stable") and row.get(AT_ONCE) is None for row in rows)
        return _ARRIVING_STEP if arrive else _LOADED_STEP
    reads = question.get("output_tokens") == 1
    if any(axis.key in OF_PROMPTS for axis in axes):
        return _READ_PROMPTS if reads else _PRICED_PROMPTS if apart or is_priced else _OF_PROMPTS
    if any(axis.key == "gpu" for axis in axes) and question.get("input_tokens") is not None:
        return _FIRST_STEP if reads else _PROMPT_STEP
    if apart or is_priced:
        return _STEP
    return _OWN_STEP if _is_of_one(question, axes) else _UNPRICED_STEP


def _is_of_one(question: Question, axes: tuple[Axis, ...]) -> bool:
    """Whether every point has one user on a part of its own, who asks how fast it is, not how much of it is used."""
    if "gpu" not in question.given or any(axis.key == "batch" for axis in axes) or _is_of_many(question, axes):
        return False
    return is_owned(read_part(Reading(question), question.get("gpu"))[0])


def _is_of_many(question: Question, axes: Iterable[Axis]) -> bool:
    """Whether every point has requests that arrive, or more than one request or sequence at a time.

    Batches that are swept are what is asked about, and no load.
    """
    swept = {axis.key: axis.values for axis in axes if axis.key != "batch" or question.cases}
    loads = [[n for n in swept.get(key, (question.get(key),)) if n is not None] for key in OF_MANY]
    return "request_rate" in {*swept, *question.given} or any(load and min(load) > 1 for load in loads)


def sweep(question: Question, answer: Answer) -> Report:
    """A row a combination of the swept values, with every result of the command.

    Raises:
        InfercostError: a sweep that cannot be read, a name that does not exist, or no answer at any point.
    """
    axes = read_axes(question)
    refuse_side_by_side(question)
    return _over(question, answer, axes, points_of(axes), question.given["sweep"].origin)


def listed(question: Question, answer: Answer) -> Report:
    """A row for each question of a list, as it is answered alone; InfercostError as of a sweep."""
    axes, points = read_cases(question)
    origin = next(given.origin for case in question.cases for given in case.values())
    for point in points:
        refuse_side_by_side(question.changed(point, origin))
    return _over(question, answer, axes, points, origin)


def _over(question: Question, answer: Answer, axes: tuple[Axis, ...], points: list[Point], origin: str) -> Report:
    """A row a point; ``origin`` is who gave what varies."""
    done = question.progress("points", len(points)) if len(points) >= LONG else None
    with reading_once():
        outcomes = outcomes_of(answer, question, points, origin, done)
    reports, rows = _answered(outcomes), _rows(outcomes)
    head = _on_one_rate(headline(question, axes, rows), reports)
    named = _telling_apart(axes, points) if question.cases else axes
    series = _series(named, head, rows)
    notes = [
        *(held := [*_on_one_count(question, axes, reports)]),
        *left_out(named, outcomes),
        *notes_of(reports),
        *nulls_of(reports, rows),
        *question.notes,
        *([Note("bars", LOG_BARS)] if series.scale == "log" else ()),
    ]
    return Report(
        command=question.command,
        verdict=_apart_words(question, answer, axes, rows)
        + _verdict(named, head, rows, _told(named, head, outcomes, reports))
        + _draft_words(head, reports)
        + _held_words(named, head, outcomes, held)
        + _lone_words(axes, reports)
        + _critical_words(question, axes, rows),
        inputs=tuple(_inputs(origin, axes, reports)),
        series=series,
        notes=tuple(notes),
        met=any(report.met for report in reports),
    )


def _answered(outcomes: list[Outcome]) -> list[Report]:
    """The answers of all points that have one; the error of the first where none has."""
    if reports := [each.report for each in outcomes if each.report]:
        return reports
    raise next(each.error for each in outcomes if each.error)


def _critical_words(question: Question, axes: tuple[Axis, ...], rows: Rows) -> str:
    """The critical batches of a few models side by side, where nobody asked about another batch; else nothing."""
    batches = [row["critical_batch"] for row in rows if row.get("critical_batch")]
    named = [axis.key for axis in axes] == ["model"] and 1 < len(rows) <= NAMED
    if not named or question.get("batch") is not None or len(batches) < len(rows) or len(set(batches)) == 1:
        return ""
    each = _enumerated(f"{show(batch, '')} ({axes[0].name(row)})" for batch, row in zip(batches, rows, strict=True))
    return f" The critical batch is {each}, {show(max(batches) / min(batches), 'x')}."


def _on_one_rate(head: Headline, reports: list[Report]) -> Headline:
    """The headline, without shares of the arithmetic in its verdict where rows are held against different rates."""
    rates = {next((item.key for item in each.inputs if item.key.startswith(RATE)), None) for each in reports}
    if len(rates) == 1:
        return head
    return head._replace(verdict=tuple(tuple(key for key in keys if key != "utilization") for keys in head.verdict))


def _telling_apart(axes: tuple[Axis, ...], points: list[Point]) -> tuple[Axis, ...]:
    """The fewest options, two of several, that tell the questions of a list apart: those that most of them name."""
    usual = sorted(axes, key=lambda axis: sum(point[axis.key] is None for point in points))
    for count in range(2, len(usual)):
        if len({tuple(str(point[axis.key]) for axis in usual[:count]) for point in points}) == len(points):
            return tuple(usual[:count])
    return tuple(usual)


def _on_one_count(question: Question, axes: tuple[Axis, ...], reports: list[Report]) -> Iterator[Note]:
    """That all points are on as many devices as the largest takes, where nobody gave a count and some take fewer."""
    parts = next((axis.values for axis in axes if axis.key == "gpu"), (question.get("gpu"),))
    is_given = question.get("gpus") or any(isinstance(part, str) and counted_name(part)[1] for part in parts)
    counts = [item for report in reports for item in report.inputs if item.key == "gpus"]
    if is_given or not any(item.origin == HELD for item in counts):
        return
    one = len({item.value for item in counts}) == 1
    which, count = ("", many(counts[0].value, "device")) if one else (" of an accelerator or a model", "devices")
    text = f"all points{which} are on the {count} that the largest takes: --gpus gives another count"
    yield Note("held", f"{text}, --sweep gpus=1,2,4 several")


def _rows(outcomes: list[Outcome]) -> tuple[dict[str, Any], ...]:
    """The swept values, assumed inputs that vary with them, and every result; None where a point has none."""
    points = [
        {key: _said(each, key) if value is None else plain(value) for key, value in each.point.items()}
        for each in outcomes
    ]
    pairs = list(zip(points, outcomes, strict=True))
    own = {
        key: OWN + key
        for key in points[0]
        if any(point[key] not in (None, each.values.get(key, point[key])) for point, each in pairs)
    }
    assumed = [_assumed(each.report) for each in outcomes]
    laid_out = [inputs for inputs in assumed if {"tp", "pp", "ep"} & {*inputs}]
    partly = {"dp"} if len({"dp" in inputs for inputs in laid_out}) > 1 else set()
    for inputs in laid_out if partly else ():
        inputs.setdefault("dp", 1)  # what a point has that nothing is said of
    rows = [
        point
        | {"fits": each.fits}
        | inputs
        | {own.get(key, key): value for key, value in each.values.items()}
        | {"met": each.report and each.report.met}
        for (point, each), inputs in zip(pairs, assumed, strict=True)
    ]
    results = {key for each in outcomes for key in each.values}
    constant = {key for inputs in assumed for key in inputs if len({str(row.get(key)) for row in rows}) == 1}
    constant -= partly | {*points[0]}
    keys = dict.fromkeys(key for row in rows for key in row if key not in constant - results)
    return tuple({key: row.get(key) for key in keys} for row in rows)


def _said(outcome: Outcome, key: str) -> Any:
    """What an answer says of an option that its question left out."""
    inputs = outcome.report.inputs if outcome.report else ()
    return next((item.value for item in inputs if item.key == key), None)


def _assumed(report: Report | None) -> dict[str, Any]:
    """Inputs that nobody gave, which may vary with the point: a layout, a context."""
    inputs = report.inputs if report else ()
    return {item.key: item.value for item in inputs if item.assumed and item.key not in _PLACED}


def _inputs(origin: str, axes: tuple[Axis, ...], reports: list[Report]) -> list[Input]:
    """The swept values, and the inputs that are the same at every point."""
    values = (tuple(plain(value) for value in axis.values if value is not None) for axis in axes)
    swept = [Input(axis.key, each, axis.column.unit, origin) for axis, each in zip(axes, values, strict=True)]
    hidden = {axis.key for axis in axes}.union(_PLACED)
    others = [{item.key: item.value for item in report.inputs} for report in reports]
    common = [item for item in reports[0].inputs if all(each.get(item.key) == item.value for each in others)]
    return [*swept, *(item for item in common if item.key not in hidden)]


def _series(axes: tuple[Axis, ...], head: Headline, rows: tuple[dict[str, Any], ...]) -> Series:
    """The swept values as columns, the results that a table has room for, and a bar of the main one."""
    keys = {axis.key: axis.column for axis in axes}
    own = {key: OWN + key for key in keys if OWN + key in rows[0]}
    hidden = ({*keys} | ({"gpus_per_replica"} if "gpus" in keys else set())) - {*own}
    bar = next((key for key in head.bar if any(row.get(key) is not None for row in rows)), head.bar[-1])
    varying, others = ([own.get(key, key) for key in some if key not in hidden] for some in _columns(head, rows))
    others = [ASKED_FOR[key] for key in keys if key in ASKED_FOR and rows[0].get(ASKED_FOR[key])] + others
    names = KEYS | keys | {name: KEYS[key] for key, name in own.items()}
    columns = _within(names, rows, (*keys, *varying, *others), (bar, len(keys), len(keys) + len(varying)))
    sizes = [row[bar] for row in rows if row.get(bar)]
    scale = "share" if KEYS[bar].unit == "share" else "log" if sizes and max(sizes) > FAR * min(sizes) else "size"
    rows = tuple(row | {key: None for key in (*columns, bar) if key not in row} for row in rows)  # without an answer
    return Series(columns, rows, bar=bar, scale=scale, keys={key: names[key] for key in (*keys, *own.values())})


def _within(
    names: Mapping[str, Key], rows: Rows, columns: tuple[str, ...], fixed: tuple[str, int, int]
) -> tuple[str, ...]:
    """The first of the columns that fit into a table beside its bar; ``fixed`` are the bar and how many must stay.

    Of these two the first have to, the second while one space between columns does.
    """
    bar, least, usual = fixed

    def is_wide(gap: int) -> bool:
        texts = ([names[key].head, *(show(row.get(key), names[key].unit) for row in rows)] for key in (*columns, bar))
        return sum(max(map(len, text)) + gap for text in texts) + BARS > WIDTH

    for gap, stay in ((GAP, usual + 1), (LEAST_GAP, least)):
        while len(columns) > stay and is_wide(gap):
            columns = columns[:-1]
    return columns


def _columns(head: Headline, rows: Rows) -> tuple[list[str], list[str]]:
    """What varies with the layout, and the headline's columns that are not empty."""
    keys = (*VARYING, *WIDTHS, *head.columns)
    counts = {key: len({row[key] for row in rows if row.get(key) is not None}) for key in keys}
    varying = [key for key in VARYING if counts[key] > 1]
    if all(row.get("gpus") == row.get("gpus_per_replica") for row in rows):  # one says what the other does
        varying = [key for key in varying if key != "gpus_per_replica"]
    widths = [key for key in WIDTHS if counts[key] > 1]
    if widths == ["tp"]:  # as wide as the devices are many
        widths = []
    least = {AT_ONCE: 2}  # different counts from which on a column says something
    return [*varying, *widths], [key for key in head.columns if counts[key] >= least.get(key, 1) and key not in varying]


def _served_words(reports: Iterable[Report]) -> str:
    """How many requests a second are served where more arrive, as the middle of a sentence; else nothing."""
    late = [(report.values, {item.key: item.value for item in report.inputs}) for report in reports]
    rates = [
        values["tokens_per_s"] / given["output_tokens"]
        for values, given in late
        if values.get("stable") is False and values.get("tokens_per_s") and given.get("output_tokens")
        if values.get("request_time_s") is None  # not where prompts apart take further devices, and all are served
    ]
    ends = dict.fromkeys(show(rate) for rate in (min(rates), max(rates))) if rates else ()
    return f": {' to '.join(ends)} requests/s are served" if ends else ""


def _told(axes: tuple[Axis, ...], head: Headline, outcomes: list[Outcome], reports: list[Report]) -> Told:
    """What a verdict has of answers beside their rows."""
    better = [each.alone.held for each in outcomes if each.alone and _gain(head, each) > 1 + ALIKE]
    return Told(_served_words(reports), _short_words(axes, outcomes), f" in {better[0]}" if better else "")


def _verdict(axes: tuple[Axis, ...], head: Headline, rows: Rows, told: Told) -> str:
    """How many points do not fit, keep up or have an answer, then the main figures over the others."""
    said = head is _FIT and not any(row["fits"] for row in rows)  # what is missing is a figure of it
    start = _infeasible(axes, rows, told.served, "" if said else told.short) + _cache_words(axes, rows)
    feasible = feasible_rows(rows)
    if head is not _FIT and not any(row["fits"] for row in rows):  # no figure of what cannot run
        return start.strip()
    first, waiting = feasible[0], _waiting_words(axes, feasible)
    times = _times_of(axes, figures, feasible) if (figures := varying_figures(axes, head, feasible)) else ""
    waiting += _engine_words(axes, feasible, times) + _stage_words(axes, feasible)
    start += own_words(axes, first)
    if not figures:
        figures = _figures(axes, head, feasible) or ["fits"]
        figures = figures[: 2 if figures[0] == "gpus" else 1]  # devices that were counted are no news
        words = "; ".join(_is(figure, _shown(figure, first)) for figure in figures)
        if len(feasible) > 1:
            return f"{start}At each of {len(feasible):,} points {words}."
        where = at_words(axes, first)
        return f"{start}{where[0].upper()}{where[1:]}, {words}."
    if len(axes) > 1 or not axes[0].is_numeric:
        if len(axes) == 1 and len(feasible) <= NAMED:
            first_words, *others = (_each(axes[0], figure, feasible) for figure in figures)
            words = "; ".join([first_words + times, *others])
            return f"{start}{words[0].upper()}{words[1:]}.{savings(axes[0], figures, feasible)}{waiting}"
        ranges = "; ".join(_range(axes, figure, feasible) for figure in figures)
        return f"{start}Over {many(len(feasible), 'point')}, {ranges}.{waiting}"
    return f"{start}{_trends(axes, figures, feasible, told.layout)}.{waiting}"


def _stage_words(axes: tuple[Axis, ...], rows: Rows) -> str:
    """That narrower tensor parallelism is paid on as many devices, the rest of them stages; empty where it is not."""
    stages = {row.get("tp"): row.get("pp") for row in rows}
    staged = [f"tp {tp} in {pp} stages" for tp, pp in stages.items() if (pp or 1) > 1]
    counts = {row.get("gpus_per_replica") or row.get("gpus") for row in rows}
    if [axis.key for axis in axes] != ["tp"] or len(counts) > 1 or len({*stages.values()}) < 2:
        return ""
    return f" All {many(counts.pop() or 0, 'device')} are paid at each: {_enumerated(staged)}."


def _apart_words(question: Question, answer: Answer, axes: tuple[Axis, ...], rows: Rows) -> str:
    """What as many devices give full as replicas of each width that is swept, where one on all of them has stages."""
    good = [row for row in rows if row["fits"] and row["met"]]
    if question.command != "economies" or len(good) > FEW_LEVELS or not _stage_words(axes, good):
        return ""
    found = [_as_replicas(question, answer, row) for row in good]
    limit, rates = question.get("max_tpot"), [rate for _, rate, _ in found]
    ends = ["" if usd is None else f" at {show(usd, 'USD')}" for *_, usd in found]
    texts = [f"{name} {show(rate)}{end}" for (name, rate, _), end in zip(found, ends, strict=True)]
    give = "gives" if found[0][0].startswith("one") else "give"
    texts[0] = f"{found[0][0]} {give} {show(rates[0])} tokens/s in all{ends[0]}{ends[0] and ' a million'}"
    within = f"Within {show(limit, 's')} a token" if limit else "Full,"
    return f"{within} {_enumerated(texts)} ({digits(max(rates) / min(rates), 3)}x). "


def _as_replicas(question: Question, answer: Answer, row: Values) -> tuple[str, float, float | None]:
    """The name of the replicas of a row's width alone, their tokens/s in all and price of a million; else of stages."""
    copies, stages = row.get("pp") or 1, ""
    if copies > 1:
        size = on_devices(question, row["gpus_per_replica"] // copies)
        if alone := met_at(answer, question, {"tp": row["tp"], **size}):
            row = {**row, **alone}
        else:
            copies, stages = 1, f" in {copies} stages"
    rate = formulas.cost.total_tokens_per_s(replicas=copies, tokens_per_s=row["floor_tokens_per_s"])
    name = f"{copies:,} replicas of" if copies > 1 else "one of"
    return f"{name} tp {row['tp']}{stages}", rate, row["floor_usd_per_million_tokens"]


def _times_of(axes: tuple[Axis, ...], figures: Sequence[str], rows: Rows) -> str:
    """How many times its least the first figure is, over a few points with names; else nothing."""
    if not _has_names(axes) or len(rows) > NAMED or _is_of_models(axes[0], figures[0]):
        return ""
    return _times_words(axes[0], figures[0], rows)


def _trends(axes: tuple[Axis, ...], figures: Sequence[str], rows: Rows, layout: str) -> str:
    """The figures over one axis of numbers; of a few lengths of prompts each time to the first token.

    What a draft gains is said to be of the ``layout`` that all points share where one is better in another.
    """
    axis, first, last = axes[0], rows[0], rows[-1]
    if best := _best_words(axis, figures, rows):
        return best
    span = f"from {axis.text(first)} to {axis.text(last)}"
    *others, trend = (trend_words(axes, figure, rows) for figure in figures)
    trend += (crossed := _crossed(axis, rows) if GAIN in figures else "") and f"{crossed}{layout}"
    if axis.key in OF_PROMPTS and figures[0] == "ttft_s" and 2 < len(rows) <= NAMED:
        span = _enumerated(axis.text(row) for row in rows)
        each = f"TTFT is {_enumerated(show(row['ttft_s'], 's') for row in rows)}"
        *others, trend = (each, *others[1:], trend) if others else (each,)
    trends = f"{', '.join(others)} and {trend}" if others else trend
    return f"With {axis.column.head} {span}, {trends}"


def _crossed(axis: Axis, rows: Rows) -> str:
    """The first points at which what a draft gains is past whole numbers, the first and the last of them; or empty."""
    worth = [row[GAIN] for row in rows if row[GAIN] is not None]
    low, high = sorted((worth[0], worth[-1]))
    rises, levels = worth[-1] > worth[0], list(range(max(ceil(low), 1), ceil(high)))
    if not levels or worth != sorted(worth, reverse=not rises):
        return ""
    levels = levels if rises else levels[::-1]
    levels = levels if len(levels) <= FEW_LEVELS else [levels[0], levels[-1]]
    past = (next(row for row in rows if (row[GAIN] > level if rises else row[GAIN] < level)) for level in levels)
    texts = (f"{level}x from {{}}{axis.text(row)} on" for level, row in zip(levels, past, strict=True))
    first, *others = texts
    words = _enumerated((first.format(f"{axis.column.head} "), *(text.format("") for text in others)))
    return f", {'above' if rises else 'below'} {words}"


def _draft_words(head: Headline, reports: Iterable[Report]) -> str:
    """What gains of a draft in a verdict leave out: what engines do between its passes, and prompts of others."""
    if (GAIN,) not in head.verdict:
        return ""
    rows = [row for report in reports for row in report.results if row.key == GAIN]
    known = gains()
    best = [f"{AT_BEST} (published runs reached {known.low:.0%} to {known.high:.0%} of that)"]
    told = [*best * any(AT_BEST in row.remark for row in rows)]
    told += ["between prompts"] * any(keys[0].endswith("_all_in") for keys in head.verdict)
    return f" Gains are {' and '.join(told)}." if told else ""


def _enumerated(texts: Iterable[str]) -> str:
    """Values in their order: ``1, 2 and 3``."""
    *others, last = texts
    return f"{', '.join(others)} and {last}" if others else last


def _best_words(axis: Axis, figures: Sequence[str], rows: Rows) -> str:
    """The width at which all figures are best, between others at which they are worse; empty where none is."""
    if axis.key not in WIDTHS or not 2 < len(rows) <= NAMED or len(figures) < 2:
        return ""
    if any(row[figure] is None for row in rows for figure in figures):
        return ""
    ends = (_extremes(figure, rows)[0 if KEYS[figure].unit in ("USD", "s") else 1] for figure in figures)
    best = next(ends)
    if any(other is not best for other in ends) or best in (rows[0], rows[-1]):
        return ""
    others = [row for row in rows if row is not best]
    named = ", ".join(f"{_shown(figures[0], row)} {at_words((axis,), row)}" for row in others)
    texts = [named, *(", ".join(_shown(figure, row) for row in others) for figure in figures[1:])]
    words = (f"{_is(figure, _shown(figure, best))} ({text})" for figure, text in zip(figures, texts, strict=True))
    return f"{axis.name(best)} is best: {_enumerated(words)}"


def _lone_words(axes: tuple[Axis, ...], reports: list[Report]) -> str:
    """That counts of devices are of replicas with one user each, where one alone would be faster on fewer of them."""
    counted = any(axis.key in ("gpu", "gpus") for axis in axes) and all(axis.key not in WIDTHS for axis in axes)
    if not counted or not any(EACH_ALONE in note.text for report in reports for note in report.notes):
        return ""
    return f" Layouts are those that serve most when full, {EACH_ALONE} replica: --batch 1 has one user's fastest."


def _held_words(axes: tuple[Axis, ...], head: Headline, outcomes: list[Outcome], held: list[Note]) -> str:
    """The layout that all points of a load share, and a point that another layout serves clearly better alone.

    With a note that they are on the devices that the largest takes it says how many these are.
    """
    better = [(gain, each) for each in outcomes if each.alone and (gain := _gain(head, each)) > 1 + ALIKE]
    if not better:
        return ""
    gain, best = max(better, key=lambda pair: pair[0])
    assert best.alone is not None
    own, month = best.alone.values, best.alone.values.get("usd_per_month")
    usd, paid, speed = own.get(_USD), best.values.get(_USD), _speed_of(head)
    after = " after the first token" if speed != _SPEED else ""
    figures = [f"{show(own[speed])} tokens/s a user{after}"] if own.get(speed) else []
    if usd and (paid is None or paid > usd * (1 + ALIKE)):
        figures.append(f"{show(month, 'USD')} a month" if month else show(usd, "USD"))
    place = in_words(axes, {axis.key: best.point[axis.key] for axis in axes})
    what = " at ".join(figures) or "it keeps up"
    what += f", {show(own[GAIN], 'x')} of no draft" if own.get(GAIN) and (GAIN,) in head.verdict else ""
    counts = {each.values["gpus"] for each in outcomes if "gpus" in each.values} if held else set()
    devices = many(counts.pop(), "device") if len(counts) == 1 else ""
    on = f"on the {devices} that the largest takes, in {best.alone.held}" if devices else ""
    return f" All are {on or f'in {best.alone.held}'}; {place} alone takes {best.alone.own}: {what}."


def _speed_of(head: Headline) -> str:
    """The rate of a user that a headline has."""
    return next((keys[0] for keys in head.verdict if keys[0].startswith(_SPEED)), _SPEED)


def _gain(head: Headline, each: Outcome) -> float:
    """How many times as fast for a user, or as cheap, a point is alone; endless where it keeps up only there."""
    own, held = each.alone.values if each.alone else each.values, each.values
    if own.get("stable") is False:
        return 0.0
    if held.get("stable") is False:
        return inf
    speed = _speed_of(head)
    pairs = ((own.get(speed), held.get(speed)), (held.get(_USD), own.get(_USD)))
    return max((more / less for more, less in pairs if more and less), default=0.0)


def _waiting_words(axes: tuple[Axis, ...], rows: Rows) -> str:
    """Where requests wait for others, and how many run: of a few points of each, else of how many; empty elsewhere."""
    queued = [row for row in rows if row.get(AT_ONCE) and row[AT_ONCE] < (row.get(IN_FLIGHT) or 0)]
    if not queued:
        return ""
    if len(queued) > NAMED:
        return f" At {len(queued):,} of {many(len(rows), 'point')} requests wait for others."
    whole = len({row[IN_FLIGHT] for row in rows}) == 1
    texts = [f"{show(row[AT_ONCE])} of {many(round(row[IN_FLIGHT]), 'request')}" for row in queued]
    if whole:
        texts[1:] = [show(row[AT_ONCE]) for row in queued[1:]]
    first, *others = (f"{text}{{}} {at_words(axes, row)}" for text, row in zip(texts, queued, strict=True))
    words = ", ".join((first.format(" run at once"), *(text.format("") for text in others)))
    return f" {words}."


def _engine(row: Values) -> str:
    """The engine that runs a point as people call it; empty where the points do not tell."""
    name = str(row.get("efficiency") or "")
    if name.startswith(LLAMA_CPP):
        return LLAMA_CPP
    if name == SHARED:
        return f"profile {SHARED}"
    return catalog.load("efficiency", name).title if name in catalog.names("efficiency") else name


def _engine_words(axes: tuple[Axis, ...], rows: Rows, said: str) -> str:
    """Which points each of several engines runs where nobody asked for these and it is not ``said``; else nothing."""
    engines = dict.fromkeys(engine for row in rows if (engine := _engine(row)))
    if len(engines) < 2 or AGAINST in said or any(axis.key == "efficiency" for axis in axes):
        return ""
    named = len(axes) == 1 and len(rows) <= NAMED
    own = {each: ", ".join(axes[0].text(row) for row in rows if _engine(row) == each) for each in engines}
    return f" Engines differ: {', '.join(f'{each} ({own[each]})' if named else each for each in engines)}."


def _cache_words(axes: tuple[Axis, ...], rows: Rows) -> str:
    """What two models, or formats of a cache, take of it; empty for other sweeps."""
    if len(axes) > 1 or len(rows) != 2 or axes[0].key not in OF_CACHE:
        return ""
    who, key, of = OF_CACHE[axes[0].key]
    first, second = (row.get(key) for row in rows)
    if not (first and second):
        return ""
    more = f"{show(second / first, 'x')} as much" if second >= first else f"{show(1 - second / first, 'share')} less"
    each = [f"{of} {axes[0].text(row)}" for row in rows]
    return f"{who} takes {show(first, 'B')} of KV cache {each[0]}, {show(second, 'B')} {each[1]}: {more}. "


def feasible_rows(rows: Rows) -> list[Values]:
    """The points that fit, keep up and miss no limit; where none does, those that have an answer."""
    feasible = [row for row in rows if row["fits"] and row["met"]]
    return feasible or [row for row in rows if row["fits"] is not None]


def varying_figures(axes: tuple[Axis, ...], head: Headline, rows: Rows) -> list[str]:
    """The main figures that differ from row to row."""
    return [key for key in _figures(axes, head, rows) if len({row[key] for row in rows}) > 1][: head.most]


def _figures(axes: tuple[Axis, ...], head: Headline, rows: Rows) -> list[str]:
    """The figures of the verdict that have a value and are not swept."""
    figures = (
        next((key for key in keys if any(row.get(key) is not None for row in rows)), "") for keys in head.verdict
    )
    return [key for key in figures if key and all(axis.key != key for axis in axes)]


def _infeasible(axes: tuple[Axis, ...], rows: Rows, served: str, short: str) -> str:
    """Which points, or how many, are no good, by what is wrong with them, and which fit beside those that do not.

    Behind those that do not fit stands by how much they are ``short``, behind those that do not keep up what is
    ``served``.
    """
    others = ""
    if (fitting := [row for row in rows if row["fits"]]) and _has_names(axes):
        others = f", {_which(axes, fitting, rows)} {'does' if len(fitting) == 1 else 'do'}"
    kinds = (
        ([row for row in rows if row["fits"] is False], f"does not fit{short}{others}", f"do not fit{short}{others}"),
        ([row for row in rows if row.get("stable") is False], f"does not keep up{served}", f"do not keep up{served}"),
        ([row for row in rows if _misses(row)], "misses the limit", "miss the limit"),
        ([row for row in rows if row["fits"] is None], "has no answer", "have no answer"),
    )
    return "".join(f"{_which(axes, such, rows)} {one if len(such) == 1 else all}. " for such, one, all in kinds if such)


def _short_words(axes: tuple[Axis, ...], outcomes: Iterable[Outcome]) -> str:
    """By how much each of the points that do not fit is short; empty where they have no names or are many."""
    unfit = [(each.values, each.report.inputs) for each in outcomes if each.report and each.fits is False]
    if not (_has_names(axes) and 0 < len(unfit) <= NAMED and all(row.get("shortfall_bytes") for row, _ in unfit)):
        return ""
    if any(item.key == "host" for _, inputs in unfit for item in inputs):
        devices, where = [1 for _ in unfit], " with the host"
    else:
        devices = [next((item.value for item in inputs if item.key == "gpus"), 1) for _, inputs in unfit]
        where = " a device" if max(devices) > 1 else ""
    texts = (show(row["shortfall_bytes"] / count, "B") for (row, _), count in zip(unfit, devices, strict=True))
    return f" (short by {_enumerated(texts)}{where})"


def _misses(row: Values) -> bool:
    """Whether a point fits and keeps up, but cannot meet a limit."""
    return bool(row["fits"]) and row.get("stable") is not False and not row["met"]


def _which(axes: tuple[Axis, ...], some: Rows, rows: Rows) -> str:
    """Some of the points by their names, where these are few, else by their number."""
    if not _has_names(axes) or len(some) > NAMED or len(some) == len(rows):
        return f"{len(some)} of {many(len(rows), 'point')}"
    *others, last = (axes[0].text(row) for row in some)
    return f"{', '.join(others)} and {last}" if others else last


def _has_names(axes: tuple[Axis, ...]) -> bool:
    """Whether points are told by a name each: those of one axis that has no numbers."""
    return len(axes) == 1 and not axes[0].is_numeric


def trend_words(axes: tuple[Axis, ...], figure: str, rows: Rows) -> str:
    """A figure from the first point to the last, and its lowest and highest where they lie between."""
    known = [row for row in rows if row[figure] is not None]
    first, last = known[0], known[-1]
    counted, phrase = _is_counted(axes, figure, known), KEYS[figure].phrase
    start, end = (f"{_shown(figure, row)}{_on(row, counted)}" for row in (first, last))
    ends, turns = {_shown(figure, row) for row in (first, last)}, {}
    for name, row in zip(("lowest", "highest"), _extremes(figure, known), strict=True):
        if _shown(figure, row) not in ends:
            turns[name] = f"{_shown(figure, row)}{_on(row, counted)} {at_words(axes, row)}"
    if len(turns) == 1 and _has_one_turn([row[figure] for row in known]):
        verbs = ("rises", "falls") if "highest" in turns else ("falls", "rises")
        return f"{phrase} {verbs[0]} from {start} to {''.join(turns.values())}, then {verbs[1]} to {end}"
    if start == end:
        text = f"{phrase} is {start} {'at both ends' if turns else 'throughout'}"
    else:
        low, high = sorted((first[figure], last[figure]))
        is_gain = bool(first.get(GAIN))  # how many times as much is no gain against no draft
        times = f"{digits(high / low, 3)}x" if low > 0 and not (counted or is_gain) else "1x"
        verb = "rises" if last[figure] > first[figure] else "falls"
        text = f"{phrase} {verb} from {start} to {end}{f' ({times})' if times != '1x' else ''}"
    return text + "".join(f", {name} {words}" for name, words in turns.items())


def _has_one_turn(values: Sequence[float]) -> bool:
    """Whether values rise and then fall, or fall and then rise."""
    steps = [later > sooner for sooner, later in pairwise(values) if later != sooner]
    return sum(one != other for one, other in pairwise(steps)) == 1


def _is_counted(axes: tuple[Axis, ...], figure: str, rows: Rows) -> bool:
    """Whether a figure is of a count of devices that differs from row to row, and that nobody asked to vary."""
    varies = len({row.get("gpus") for row in rows}) > 1
    return figure in OF_A_COUNT and varies and all(axis.key != "gpus" for axis in axes)


def _on(row: Values, counted: bool) -> str:
    """The count of devices behind a figure that is of one."""
    return f" on {many(row['gpus'], 'device')}" if counted else ""


def _each(axis: Axis, figure: str, rows: Rows) -> str:
    """A figure in each of a few rows, and those of which none is known."""
    known = [row for row in rows if row[figure] is not None]
    unknown = [axis.name(row) for row in rows if row[figure] is None and figure not in OF_A_COUNT]
    none = f", none is known of {' and '.join(unknown)}" if unknown else ""
    counted = _is_counted((axis,), figure, known)
    texts = [f"{_shown(figure, row)}{_on(row, counted)}" for row in known]
    if len(set(texts)) == 1 and not none:
        return f"{_is(figure, texts[0])} for each"
    names = [axis.name(row) for row in known]
    if _is_of_models(axis, figure):
        low = min(row[figure] for row in known)
        ratios = (f"{digits(row[figure] / low, 3)}x" for row in known)
        names = [f"{name}{f', {times}' * (times != '1x')}" for name, times in zip(names, ratios, strict=True)]
    first, *others = (f"{text} ({name})" for text, name in zip(texts, names, strict=True))
    start = _is(figure, texts[0]) + f" ({names[0]})" if figure == "gpus" else f"{KEYS[figure].phrase} is {first}"
    return f"{', '.join([start, *others])}{none}"


def _is_of_models(axis: Axis, figure: str) -> bool:
    """Whether a figure is what each of several models costs, which has how many times the least it is behind it."""
    return axis.key == "model" and KEYS[figure].unit.startswith("USD")


def _is(figure: str, value: str) -> str:
    """What a figure is; of devices how many it takes."""
    return (
        f"it takes {value} device{'' if value == '1' else 's'}"
        if figure == "gpus"
        else f"{KEYS[figure].phrase} is {value}"
    )


def _times_words(axis: Axis, figure: str, rows: Rows) -> str:
    """How many times the least of a figure its most is, and whose they are; empty where counts of devices vary."""
    known = [row for row in rows if row[figure] is not None]
    least, most = _extremes(figure, known)
    low, high = least[figure], most[figure]
    if _is_counted((axis,), figure, known) or low <= 0 or (times := f"{digits(high / low, 3)}x") == "1x":
        return ""
    verb, of = "takes" if figure == "gpus" else "has", "that of"
    if KEYS[figure].unit.startswith("USD"):
        verb, of = "costs", "as much as"
    of = "as many as" if KEYS[figure].phrase.startswith("the number of ") else of
    near = ", within the error of these estimates" if axis.key in UNSURE and _overlap(figure, least, most) else ""
    pair = [] if axis.key == "efficiency" else [_engine(row) for row in (most, least)]
    other = "and another engine, " if axis.key == "kv_dtype" else ""
    engines = f", {other}{AGAINST.join(pair)}" if all(pair) and len({*pair}) > 1 else ""
    return f": {axis.name(most)} {verb} {times} {of} {axis.name(least)}{engines}{near}"


def _overlap(figure: str, least: Values, most: Values) -> bool:
    """Whether each of two estimates lies in the interval of the other, so that their order is open."""
    low, high = (ends_in(row, figure) or (inf, inf) for row in (least, most))
    return bool(high[0] <= least[figure] and most[figure] <= low[1] < inf)


def _range(axes: tuple[Axis, ...], figure: str, rows: Rows) -> str:
    """The lowest and the highest of a figure, and where they are."""
    known = [row for row in rows if row[figure] is not None]
    counted, ends = _is_counted(axes, figure, known), _extremes(figure, known)
    (low, least), (high, most) = ((f"{_shown(figure, row)}{_on(row, counted)}", in_words(axes, row)) for row in ends)
    lacking = 0 if figure in OF_A_COUNT else len(rows) - len(known)
    none = f", none is known at {lacking} of {many(len(rows), 'point')}" if lacking else ""
    if low == high:
        return f"{_is(figure, low)}{none or ' at each'}"
    return f"{KEYS[figure].phrase} ranges from {low} ({least}) to {high} ({most}){none}"


def _extremes(figure: str, rows: Rows) -> tuple[Values, Values]:
    """The first row with the least of a figure, and the first with the most."""
    return min(rows, key=lambda row: row[figure]), max(rows, key=lambda row: row[figure])


def _shown(figure: str, row: Values) -> str:
    """A figure of a verdict; beside the time between a user's tokens how many he has a second."""
    if figure == "job_time_s":
        return lasting(row[figure])
    text = show(row[figure], KEYS[figure].unit)
    if figure != "itl_s":
        return text
    return f"{text} or {show(formulas.cost.tokens_per_s_per_user(step_time=row[figure]), '')} tokens/s a user"
