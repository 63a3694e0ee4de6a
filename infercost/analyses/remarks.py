"""Words that several answers share: bound or estimate, what is left out, what does not fit, why a value is null."""

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infercost.analyses.hosts import host_notes, short_with_host, unknown
from infercost.models.model import gains
from infercost.parts.accelerator import MEMORY_BASES, has_endless_rate, is_owned
from infercost.parts.bands import (
    CLASSES,
    REGIMES,
    Band,
    band_of,
    band_of_host,
    decode_kind,
    is_local,
    sets_of,
    unmeasured,
)
from infercost.parts.catalog import is_of_a_size, other_sizes
from infercost.parts.preset import Preset
from infercost.parts.stack import is_ideal, is_nominal, law, splits_layers
from infercost.quantities import KEYS
from infercost.replica.memory import Rack
from infercost.replica.step import Running, bound_times, critical_batch
from infercost.replica.work import Over
from infercost.report import Input, Note, Report, Row, Series
from infercost.scenario.options import flag
from infercost.scenario.rack import OF_A_HOST
from infercost.scenario.read import Question, counted_name
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import LENGTHS
from infercost.units import digits, many, show

if TYPE_CHECKING:
    from infercost.replica.kernels import Timing


#: Laws whose passes know what overlaps.
IN_TURN = ("kernels", "llama.cpp")
#: What overlaps in a pass.
OVERLAP = {
    "full": "everything overlaps",
    "operator": "arithmetic and reads overlap, collectives wait",
    "none": "nothing overlaps",
    "kernels": "kernels one after another",
    "llama.cpp": "operators one after another",
}
#: What happens at the critical batch.
CRITICAL = "arithmetic and weight reads balance"
#: Tokens a second of a batch that stays full with its prompts, as the price has them.
ALL_PAID = ("tokens_per_s_all_in", "tokens_per_s_per_user_all_in", "tokens_per_s_per_gpu_all_in")
#: Why a result of a step or of a request has no value, by JSON key.
_OF_PRICE = (*(f"usd_per_million_tokens{end}" for end in ("", "_decode", "_all_in")), "usd_per_request", "job_usd")
_OF_REQUEST = (
    "prefill_time_s",
    "ttft_s",
    "request_time_s",
    "prefill_per_decode",
    "itl_s",
    "prompt_itl_s",
    *ALL_PAID,
)
#: What only a model that fits serves, and what has no end where requests pile up.
_OF_QUEUE = (*_OF_PRICE, "ttft_s", "request_time_s", "in_flight", "job_time_s")
#: The share of the memory that people let an engine plan with where its own default is too little.
MOST_USABLE = 0.95
PILED = "requests pile up: the queue has no end"
#: What no more users than a service keeps up with have, by the start of its key.
_OF_USERS = (
    *("usd_per_million_tokens", "usd_per_user_month", "usd_per_request", "charged_usd", "gross_margin", "ttft_s"),
    *("in_flight", "mean_wait_s", "tokens_per_month", "api_usd_per_month", "api_gross_margin"),
)
_OF_SERVING = (
    *(
        *_OF_QUEUE,
        "ttft_all_at_once_s",
        "prefill_time_s",
        "prefill_per_decode",
        "cache_transfer_time_s",
        "cache_transfer_bytes_per_s",
        "itl_s",
        "prompt_itl_s",
    ),
    *("tokens_per_s", *ALL_PAID, "tokens_per_s_per_user", "tokens_per_s_per_gpu", "joules_per_token"),
    *("wh_per_request", "joules_per_output_token", "input_tokens_per_s"),
)
#: Times with the flags of published benchmarks, or with tuned kernels.
TUNED = ("tuned_step_time_s", "tuned_ttft_s")
#: What only a model that fits has, beside its step.
OF_WHAT_FITS = (*_OF_SERVING, *TUNED, "gpus_needed")
NULL_REASONS = {
    "communication_time_s": "needs --layers and --hidden-size",
    **dict.fromkeys(("joules_per_token", "wh_per_request"), "no power is known"),
    **dict.fromkeys(("utilization", "memory_bandwidth_utilization"), "the law beats the bound: no share is above one"),
    **dict.fromkeys(_OF_PRICE, "needs --price"),
    **dict.fromkeys(_OF_REQUEST, "needs --input-tokens and --output-tokens"),
    **dict.fromkeys(TUNED, "tuned flags and kernels change nothing here"),
    "attention_gain_bound": "kernels overlap: attention has no time of its own",
    "gpus_needed": "these devices keep up",
    "mixed_usd_per_million_tokens": "needs --price",
}
_SERVICE_NULL_REASONS = {
    "gpus_needed": "no number of replicas keeps the service level",
    **dict.fromkeys(
        (
            *("users_at_api_price", "break_even_users", "break_even_tokens_per_month", "break_even_usd_per_month"),
            *("break_even_capacity_share", "break_even_token_share", "break_even_users_for_good"),
            "api_gross_margin",
            *("full_usd_per_month", "full_api_usd_per_month", "full_gross_margin"),
        ),
        "needs --price, or an API that bills more than the floor",
    ),
    "paying_users": "no number of users pays at that price",
    "break_even_usd_per_gpu_hour": "needs --price, and an API that bills less than the floor",
    "joules_per_token": "no power is known",
    **dict.fromkeys(("users_within_2x", "users_within_10_percent", "users_at_trough"), "no number of users reaches it"),
    **dict.fromkeys(
        ("people_online", "minutes_per_day", "decoding_share"),
        "--messages-per-day says how much a user asks for, not how long",
    ),
}
#: What a step has of the arithmetic rate.
OF_RATE = ("compute_time_s", "utilization", "critical_batch", "flops_per_byte")
#: What is charged to each kind of token, by the end of its key.
CHARGED = {"input": "prefill share only", "output": "decode share only", "blended": "input and output at one price"}
#: Parts that a sentence names.
NAMED = 6
#: Where a service level counts on one queue.
ONE_QUEUE = Note("queue", "one queue for all replicas is assumed: with a queue each, more requests wait")
#: Down to here a figure is so much less than another, below a fraction of it.
HALF = 0.5


Shown = Callable[[], object] | Mapping[str, Callable[[], object]]
UNMET = "no number of replicas meets the limit"


Bands = dict[str, tuple[float, float]]
#: Kinds of the numbers of an answer where they are not gaps between tokens: of a request, of a server.
REQUEST = {
    "prefill_time_s": "first_token",
    "ttft_s": "first_token",
    "busy_ttft_s": "first_token",
    "ttft_all_at_once_s": "first_token",
    "request_time_s": "tokens_per_s",
}
#: What a batch sets: gaps between its tokens, and what follows from these.
OF_BATCH = (
    *("step_time_s", "tpot_s", "itl_s", "tokens_per_s", "tokens_per_s_per_user", "tokens_per_s_per_gpu"),
    *("usd_per_million_tokens", "usd_per_million_tokens_decode", "device_seconds_per_token", "joules_per_token"),
    *(*ALL_PAID, "input_tokens_per_s", "job_time_s", "job_usd"),
)
#: What a token costs where its prompt is paid too.
ALL_IN = (
    *("usd_per_million_tokens_all_in", "usd_per_million_tokens_busy", "device_seconds_per_token_all_in"),
    *("usd_per_million_tokens_input", "usd_per_million_tokens_output", "usd_per_million_tokens_blended"),
    *(f"charged_usd_per_million_tokens{end}" for end in ("", "_input", "_output", "_at_users")),
    *("floor_usd_per_million_tokens", "floor_device_seconds", "floor_tokens_per_s_per_user", "floor_tokens_per_s"),
    *("wh_per_request", "joules_per_output_token"),
)
#: What sets the load, and the numbers that it sets with it, however fast requests are served.
LOADS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("batch", "slots"), ()),
    "arrivals": (
        *("tokens_per_s", "tokens_per_s_per_gpu", "input_tokens_per_s", "joules_per_token", "wh_per_request"),
        "joules_per_output_token",
        *("usd_per_million_tokens", "usd_per_million_tokens_decode", "job_time_s", "job_usd"),
    ),
    "users": ("tokens_per_s",),
    "prompts": (),
}
#: What follows from the time of a prompt where prompts are all that is read.
READ = (*("request_time_s", "usd_per_million_tokens", "input_tokens_per_s", "wh_per_request", "job_time_s", "job_usd"),)
#: What arrivals meet: measured runs at a rate say how sure they are.
MET = ("itl_s", "tpot_s", "tokens_per_s_per_user", "request_time_s")
#: What a draft changes: whatever follows from the tokens that a step yields.
DRAFTED = {*OF_BATCH, *ALL_IN, "request_time_s"}
KINDS = {**dict.fromkeys(OF_BATCH, ""), **dict.fromkeys(ALL_IN, "tokens_per_s"), **REQUEST}


#: What a verdict may say of its load, behind which stands what was assumed of it.
_LOADS = (r"\d daily users?\b", r"\d users?\b", r"\d requests? a second\b", r"million output tokens\b")


#: Options that make the time of a request one among many, and commands that ask nothing of a queue.
_OF_MANY, _OF_RUNS = ("request_rate", "max_ttft"), ("validate", "calibrate")


#: Regimes of an answer with many batches.
OF_ANY_BATCH = tuple(kind for _, kind in CLASSES)


def null_notes(rows: Iterable[Mapping[str, Any]], reason: Callable[[str], str]) -> list[Note]:
    """A note for each key that has no value in some row, with the reason or the option that would give it one."""
    empty = dict.fromkeys(key for row in rows for key, value in row.items() if value is None)
    return [Note("null", f"{key} is null: {reason(key)}") for key in empty]


def few_names(names: Iterable[str], most: int = NAMED) -> str:
    """A few names, and how many more there are."""
    names = [*names]
    more = f" and {many(len(names) - most, 'other')}" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def leaders(rows: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """The names of the parts with the cheapest token and the fastest one, for scripts; nothing where none is known."""
    for key, figure, sign in (("cheapest", "usd_per_million_tokens", 1), ("fastest", "tokens_per_s_per_user", -1)):
        known = [row for row in rows if row.get(figure) is not None]
        if known:
            yield Row(key, min(known, key=lambda row: sign * row[figure])["name"], shown=False)


def service_null_reason(key: str) -> str:
    """Why a result of a service has no value."""
    if key.endswith(("_input", "_blended")):
        return "needs the lengths of requests, and a price"
    streams = "streams of tokens have no requests: give --messages-per-day, --input-tokens and --output-tokens"
    return _SERVICE_NULL_REASONS.get(key, "needs --price" if "usd" in key else streams)


def price_rows(row: Mapping[str, Any], of: str = "") -> tuple[Row, ...]:
    """USD per million tokens in, out and of both at one price; a table shows them where there are prompts."""
    shown = row["usd_per_million_tokens_input"] is not None
    keys = {f"usd_per_million_tokens_{end}": charged for end, charged in CHARGED.items()}
    return tuple(Row(key, row[key], of + charged, shown=shown) for key, charged in keys.items())


def why_null(key: str, rack: Rack) -> str:
    """Why a result of a step has no value."""
    if key == "communication_time_s" and rack.model.hidden_size:
        return f"no link of {rack.part.name} is known"
    if key in OF_RATE and has_endless_rate(rack.part):
        return f"no dense rate of {rack.part.name} is known"
    return unknown(key, rack) or NULL_REASONS[key]


def unserved(rack: Rack, *, overloaded: bool) -> dict[str, str]:
    """Why results have no value where a model does not fit or requests pile up, by JSON key."""
    if not rack.plan.fits:
        return dict.fromkeys(OF_WHAT_FITS, "the model does not fit")
    return dict.fromkeys(_OF_QUEUE if overloaded else (), PILED)


def has_an_end(key: str) -> bool:
    """Whether a result of a service has a value where requests pile up too."""
    return not key.startswith(_OF_USERS)


def room_rows(rack: Rack) -> tuple[Row, Row]:
    """Whether memory holds the model and its sequences, and what is missing: a table has both in its verdict."""
    return Row("fits", rack.plan.fits, shown=False), Row("shortfall_bytes", rack.plan.shortfall, shown=False)


def misfit(rack: Rack, enough: int | None = None) -> str:
    """The start of a verdict where the devices do not hold the weights or the cache, else nothing.

    How many the weights alone take is left out where as many are ``enough`` for all, which a verdict says too.
    """
    plan = rack.plan
    if plan.fits:
        return ""
    load = f" with {plan.batch:,} x {many(plan.context, 'token')}" if plan.cache else ""
    where = f"{named(rack)}{load} on {rack.place}"
    if plan.host:
        return f"Does not fit: {where}, short by {short_with_host(plan)}. "
    weights = rack.gpus_for_weights
    least = f"; the weights alone take {many(weights, 'device')}" if rack.devices < weights != enough else ""
    each = "" if rack.devices == 1 else " a device"
    return f"Does not fit: {where}, short by {show(-plan.left, 'B')}{each}{'' if is_one(rack) else least}. "


def named(rack: Rack) -> str:
    """The model in a verdict on its memory, with the format and the bytes of its weights, and the draft beside it."""
    draft = f" and its draft {rack.plan.draft.model.name}" if rack.plan.draft else ""
    return rack.model.called(f"{rack.model.quantization.words}, {show(rack.weight_bytes, 'B')}") + draft


def with_habits(verdict: str, inputs: Iterable[Input]) -> str:
    """A verdict with what its users do all day, and how long their messages are, behind its load, unless given."""
    given = {item.key: item for item in inputs}
    habits, lengths = _habits(given), _assumed_lengths(given)
    if lengths and (plain := lengths.removesuffix(" assumed")) in verdict:
        return verdict.replace(plain, lengths, 1)
    if not (words := habits or lengths):
        return verdict
    if (each := " minutes a day each") in verdict:
        return verdict.replace(each, f"{each} assumed", 1)
    found = next((place for load in _LOADS if (place := re.search(load, verdict))), None)
    return f"{verdict[: found.end()]} ({words}){verdict[found.end() :]}" if found else verdict


def _assumed_lengths(given: Mapping[str, Input]) -> str:
    """How long messages or requests that were counted are, where nobody said it; empty where it was given."""
    counted_ones = any(key in given and not given[key].assumed for key in ("messages_per_day", "request_rate"))
    ways = [
        (digits(given[key].value), way)
        for key, way in zip(LENGTHS, ("in", "out"), strict=True)
        if counted_ones and key in given and given[key].assumed
    ]
    said = [f"{count}{'' if at else ' tokens'} {way}" for at, (count, way) in enumerate(ways)]
    return f"{' and '.join(said)} assumed" if said else ""


def _habits(given: Mapping[str, Input]) -> str:
    """Minutes that were assumed, or messages of a workload; empty where they were given."""
    minutes, share, messages = (given.get(key) for key in ("minutes_per_day", "decoding_share", "messages_per_day"))
    if minutes and minutes.assumed:
        of = " of decoding" if share and share.value == 1 else ""
        whose = "; --users says how many have them" if {"tokens_per_month", "seat_price"} <= {*given} else ""
        return f"{digits(minutes.value)} minutes{of} a day assumed{whose}"
    if messages and messages.origin.startswith(preset := "workload "):
        return f"by {messages.origin.removeprefix(preset)} {digits(messages.value)} messages a day"
    return ""


def overlap_words(running: Running) -> str:
    """What overlaps in a pass, and whether that was measured on such parts."""
    return OVERLAP[running.overlap] + (", as measured" if running.overlap in IN_TURN and is_timed(running) else "")


def gives_length(scenario: Scenario) -> bool:
    """Whether anybody said how long a request is."""
    return any(item.key in LENGTHS and not item.assumed for item in scenario.inputs)


def is_one(rack: Rack) -> bool:
    """Whether it is one part that its owner has, for a model that has layers."""
    return rack.devices == 1 and is_owned(rack.part) and rack.model.has_cache


def count_remark(rack: Rack) -> str:
    """Where the count of devices comes from."""
    if rack.idle:
        return idle_words(rack.devices, rack.idle)
    if rack.given or is_one(rack):
        return "as given" if rack.given else "one of it"
    if rack.plan.fits:
        return "least that fits"
    return f"up to {OF_A_HOST} do not fit either" if rack.plan.host else "least that fits"


def idle_words(used: int, idle: int) -> str:
    """That of the devices given some are idle."""
    return f"of the {used + idle:,} given; {idle:,} {'has' if idle == 1 else 'have'} no part in it"


def rack_notes(rack: Rack) -> list[Note]:
    """Which memory was counted, and whether its figure is weak."""
    part, key = rack.part, rack.setup.memory_key
    counted = part.facts[key].text or show(rack.plan.device_memory, "B")
    notes = [Note("memory-counted", f"memory is counted {MEMORY_BASES[key]}: {counted} a device"), *_weak(rack, [key])]
    notes += _size_notes(rack)
    if why := part.labels.get("unchecked"):
        notes.append(Note("unchecked", f"{part.name} is not checked by hand: {why}"))
    return notes


def _size_notes(rack: Rack) -> list[Note]:
    """The other sizes of a part whose name says none, and the one to ask about: a larger one where it does not fit."""
    part, memory = rack.part, rack.part.facts["memory"]
    if memory.source.startswith("--set") or is_of_a_size(part) or not (sizes := other_sizes(part)):
        return []
    larger = [name for name, fact in sizes.items() if fact.value > memory.value]
    smaller = [name for name in sizes if name not in larger]
    nearest = (smaller[-1:] or larger[:1]) if rack.plan.fits else larger[:1]
    sold = " and ".join(fact.text.partition(" ")[0] for fact in sizes.values())
    text = f"{part.name} is counted with {memory.text}; it is sold with {sold} too"
    return [Note("sizes", f"{text}: --gpu {nearest[0]}" if nearest else f"{text}, and no larger")]


def _weak(rack: Rack, keys: Iterable[str]) -> list[Note]:
    facts = rack.part.facts
    weak = {key: facts[key].weak for key in keys if key in facts and facts[key].weak}
    return [Note("weak-figure", f"{rack.part.name} {key} is uncertain: {why}") for key, why in weak.items()]


def kind(running: Running, batch: float | None = None) -> str:
    """``bound`` where no stack can be faster, else ``estimate``: shares of a profile, partial overlap.

    The experts that a batch reads are a mean of even routing, and so the bound is that of a mean step. A vector rate
    that stands in leaves a bound where a step of the batch, the only one there is, waits for reads.
    """
    rack = running.rack
    if not is_ideal(rack.setup.stack) or running.overlap != "full":
        return "estimate"
    guessed = _is_stand_in(running) if batch is None else guesses(running, batch)
    return "estimate" if guessed else "bound"


def sure(running: Running, batch: float | None = None) -> str:
    """How a verdict calls its figures, ``batch`` the only one there is: one token reads its own experts and no others.

    A mean step of evenly routed tokens takes no less time than one that reads the mean of experts; others read fewer.
    """
    if kind(running, batch) == "estimate":
        return "an estimate"
    return f"at best{'' if batch == 1 else _evenly(running)}"


def surest(each: Iterable[Running]) -> str:
    """What figures of several are called: a bound only where all are."""
    words = {sure(running) for running in each}
    return max(words, default="an estimate", key=lambda word: (word == "an estimate", len(word)))


def bounded(running: Running | None, batch: float | None = None) -> str:
    """What stands before a figure of a bound; nothing before an estimate, which its note and intervals are about."""
    return "" if running is None or (words := sure(running, batch)) == "an estimate" else f"{words} "


def _evenly(running: Running) -> str:
    return " with even routing" if running.rack.model.is_sparse else ""


def guesses(running: Running, batch: float) -> bool:
    """Whether the bound on a step rests on a vector rate that stands in."""
    if not _is_stand_in(running):
        return False
    times = bound_times(running, batch)
    return bool(times.parts.compute >= times.step)


def _is_stand_in(running: Running) -> bool:
    """Whether a vector rate stands in for a matrix rate that nobody published."""
    return running.rate.name == "fp32" and running.rack.format.name != "fp32"


def step_notes(running: Running, regimes: Iterable[str] = OF_ANY_BATCH, batch: float | None = None) -> list[Note]:
    """What a step leaves out or assumes, and its weak figures.

    ``regimes`` are the kinds of bands of its batches, ``batch`` the only one of them.
    """
    rack, labels = running.rack, running.rack.part.labels
    sends = bool(running.work.hidden_size)
    notes = [
        *rack_notes(rack),
        Note(kind(running, batch), _basis(running, regimes, batch)),
        *_kernel_notes(running),
        *_local_notes(running),
        *_rate_notes(running),
    ]
    if rack.model.is_sparse:
        share = "1 - (1 - active/all)^batch of the routed parameters"
        share += ", fewer where tokens agree" if batch != 1 and kind(running, batch) == "bound" else ""
        notes.append(Note("coverage", f"even routing is assumed: a batch reads {share}"))
    if rack.devices > 1 and sends:
        notes.append(_layout_note(rack))
    if labels.get("note_8bit") and rack.format.name == "8bit":
        notes.append(Note("see-also", labels["note_8bit"]))
    notes += host_notes(running)
    return notes + _weak(rack, [running.rate.key, "memory_bandwidth", "power", *(["link_bandwidth"] if sends else [])])


def _basis(running: Running, regimes: Iterable[str], batch: float | None) -> str:
    """What a bound leaves out; of an estimate how far off it is, where that was measured."""
    stack, model, part = running.rack.setup.stack, running.rack.model, running.rack.part
    if isinstance(running.speeds.over, Over):
        return f"an estimate by profile {stack.name}, of which no run with a part in a host was measured"
    if is_ideal(stack) and "error" not in stack.labels:
        bound = f"a bound{'' if batch == 1 else _evenly(running)}"
        article = bound if kind(running, batch) == "bound" else "an estimate"
        left_out = "activation traffic" if running.work.attending else "KV cache, activations"
        return f"{article}: {left_out}, kernel launches and link latency are left out"
    slower = running.rack.not_covered
    if (engine := unmeasured(model.quantization.name)) and not is_ideal(stack):
        reads = f"{engine} alone reads {model.quantization.name}"
        return f"an estimate without a measured error: {reads}, {slower}, and profile {stack.name} stands in"
    if slower and running.replica.timing:
        own = "; infercost calibrate fits a profile to runs of yours" if part.own else ""
        return f"an estimate by profile {stack.name} on {part.name}, without a measured error: {slower}{own}"
    if known := stack.labels.get("error"):
        nearer = stack.labels.get("nearer", "")
        advice = f"; nearer to engines of today: --efficiency {nearer.replace(', ', ' or ')}" if nearer else ""
        again = "; infercost validate runs them again" if stack.labels.get("frameworks") or nearer else ""
        less = f"; not on {part.name}: {slower}" if slower else ""
        return f"an estimate by profile {stack.name}: {known}{again}{advice}{less}"
    bands = {each: band for each in regimes if (band := band_of(stack, part, each, sparse=model.is_sparse))}
    if bands:
        near = [f"{low:g} to {high:g} ({REGIMES[each]})" for each, (low, high) in bands.items()]
        near[0] = near[0].replace(" (", " times as long a token (")
        return f"an estimate by profile {stack.name}: eight of ten measured runs took {', '.join(near)}"
    if law(stack) == "erdil-2025":
        even = "which divides everything evenly: it may beat the bound of a real layout"
        return f"an estimate by the law of profile {stack.name}, {even}"
    return f"an estimate by profile {stack.name}, whose error nobody has noted"


def untuned_switch(timing: "Timing") -> str:
    """The options that ask for a build with tuned kernels for all shapes."""
    figures = ("untuned_factor", "untuned_decode_factor")
    slow = [name for name in figures if getattr(timing.engine, name) != 1]
    return " ".join(f"--set efficiency.{name}=1" for name in slow)


def tuned_note(running: Running, tuned: dict[str, Any]) -> Note:
    """What the flags of published benchmarks would give, where an engine runs without them."""
    labels, name = running.rack.setup.stack.labels, running.rack.setup.stack.title
    of = labels.get("flags", "its flags")
    is_newest = "newest" in labels and "@" not in running.rack.setup.stack.name
    newest = f" of its newest known release, {labels['newest']}" if is_newest else ""
    text = f"{name} with {of}{newest}; tuned (--efficiency {labels.get('tuned', '')}): {step_times(tuned)}"
    return Note("tuned", text)


def step_times(results: dict[str, Any]) -> str:
    """The time of a token, and of the first one where there are requests."""
    times = (("tpot_s", "a token"), ("ttft_s", "to the first one"))
    return " and ".join(f"{show(results[key], 's')} {what}" for key, what in times if results[key] is not None)


def is_timed(running: Running) -> bool:
    """Whether the kernels of its own part were timed, where its law is one of kernels, or its law was measured."""
    if (timing := running.replica.kernels) is None:
        return not running.rack.not_covered
    return timing.chip.part.id in timing.chip.architecture.labels.get("timed", "").split(", ")


def of_peak(running: Running, what: str) -> str:
    """What a time of arithmetic or of reads is by, before its peak: that alone only where no share of it is lost."""
    if running.overlap in IN_TURN:
        return f"in {'measured ' if is_timed(running) else ''}kernels; peak"
    speeds = running.speeds
    shares = {
        "compute": (speeds.compute_share, speeds.attention_share),
        "memory": (speeds.memory_share, speeds.cache_share),
    }
    return "at" if shares[what] == (1, 1) else f"by profile {running.rack.setup.stack.name}; peak"


def count_flag(question: Question, devices: int) -> str:
    """The flag that asks for so many devices, in place of the one that said how many."""
    part, gpus = _part(question), question.given.get("gpus")
    name = part.asked if isinstance(part, Preset) else part
    counted = gpus and not gpus.origin.startswith("assumed")
    return f"--gpus {devices}" if counted else f"--gpu {shlex.quote(f'{name}:{devices}')}"


def on_devices(question: Question, devices: int) -> dict[str, Any]:
    """So many devices of the part that was asked about, in place of those that were given."""
    return {"gpu": _part(question), "gpus": devices}


def _part(question: Question) -> Preset | str:
    """The part that was asked about, without a count."""
    given = question.get("gpu")
    given = given[0] if isinstance(given, tuple) else given
    return given if isinstance(given, Preset) else counted_name(given)[0].strip()


def in_kernels(running: Running) -> str:
    """Whose the critical batch is: of measured kernels, at watts that hold them back, or of a profile's shares.

    Nothing where that is the chip's peak.
    """
    rack, kernels = running.rack, running.replica.kernels
    if has_endless_rate(rack.part) or critical_batch(running) == critical_batch(running, at_peak=True):
        return ""
    if kernels is None:
        return f" by profile {rack.setup.stack.name}"
    watts = f" at {show(rack.part.value('power'), 'W')}" if kernels.held_by_watts else ""
    return f" in measured kernels{watts}"


def balance_remark(running: Running) -> str:
    """What happens at the critical batch, in which kernels, and where it lies at the chip's peak."""
    if not (kernels := in_kernels(running)):
        return CRITICAL
    return f"of the weights alone{kernels}; {show(critical_batch(running, at_peak=True))} at the chip's peak"


def _kernel_notes(running: Running) -> Iterator[Note]:
    """Whose kernels stand in for those of a part that was not timed, and which are not tuned."""
    if (timing := running.replica.kernels) is None:
        return
    chip, part, architecture = timing.chip, timing.chip.part, timing.chip.architecture
    if timing.untuned:
        often, passes = timing.engine.untuned_decode_factor, "all passes"
        if often == 1:
            often, passes = timing.engine.untuned_factor, "passes with prompts"
        what = f"products of {timing.untuned} take {often:g} times as long in {passes}"
        yield Note("untuned", f"{what}, for want of tuned kernels: {untuned_switch(timing)} for a build that has them")
    rate = running.rate
    if rate.fact.source.startswith("--set") and (sustained := timing.held_by_watts):
        most = f"{show(part.value('power'), 'W')} sustain {show(sustained, 'FLOP/s')} in {rate.name}"
        yield Note("power", f"{most}: a higher peak than that makes nothing faster, --set gpu.power does")
    timed = architecture.labels.get("timed", "")
    if is_timed(running):
        return
    whose = f"those of {architecture.title} ({timed}) stand in" if timed else f"{chip.other.labels['note']} stands in"
    yield Note("kernels", f"no kernels of {part.name} were timed: {whose}")


def _local_notes(running: Running) -> Iterator[Note]:
    """What no run of llama.cpp tells: requests that come and go."""
    if running.replica.in_turn and not unmeasured(running.rack.model.quantization.name):
        served = "one user, batches and prompts were measured; requests that come and go were not"
        yield Note("served", f"profile {running.rack.setup.stack.name}: {served}")


def _rate_notes(running: Running) -> Iterator[Note]:
    rate, part, weights = running.rate.name, running.rack.part.name, running.rack.format.name
    if has_endless_rate(running.rack.part):
        yield Note(
            "stands-in",
            f"no dense rate of {part} is known: 1e21 FLOP/s stand in, so memory alone sets the bound",
        )
    elif _is_stand_in(running):
        text = f"no matrix rate of {part} is known: its {rate} vector rate stands in, and real arithmetic may be faster"
        yield Note("stands-in", text)
    elif timing := running.replica.in_turn:
        if timing.multiplies_in_8_bits and rate != "int8":
            text = (
                f"llama.cpp multiplies in 8 bits on {part}; utilization is held against its {running.rate.words} rate"
            )
            yield Note("arithmetic", text)
    elif rate not in {"8bit": ("fp8", "int8"), "4bit": ("fp4",)}.get(weights, (weights,)):
        yield Note("arithmetic", f"{part} computes with {weights} weights at its {running.rate.words} rate")


def _layout_note(rack: Rack) -> Note:
    layout, domain = rack.plan.layout, rack.part.facts.get("link_domain")
    text = f"tensor parallel over all {rack.width} devices is assumed"
    if layout.dp > 1:
        text = f"{layout.dp} groups attend for themselves; experts get tokens in 8 bits and return 16"
        if domain and layout.ranks > domain.value and "network_bandwidth" in rack.part.facts:
            text += ", and across nodes a prompt's token goes once to each"
    if layout.pp > 1:
        text = f"{layout.pp} pipeline stages of {rack.width} take turns on parts of the batch"
    if layout.pp > 1 and splits_layers(rack.setup.stack):
        text = f"{layout.pp} devices take turns, each on its layers: they hold more, and one layer is no faster"
    if domain and rack.width > domain.value and "network_bandwidth" not in rack.part.facts:
        text += f"; no network figure is known, so the link inside a node of {domain.value:g} is used for all"
    return Note("layout", text)


# Two of a kind side by side: their figures, and those of the second over the first in words.


def ratios_of(rows: Sequence[Mapping[str, Any]], keys: Iterable[str]) -> dict[str, float]:
    """Each figure of the second of two rows over that of the first, where both have it."""
    first, second = rows
    return {key: second[key] / first[key] for key in keys if first[key] and second[key]}


def ratio_words(ratio: float, word: str) -> str:
    """What the second has of a figure of the first: ``1.766x the memory``."""
    if ratio >= 1:
        return f"{show(ratio, 'x')} the {word}"
    return f"{show(1 - ratio, 'share')} less {word}" if ratio > HALF else f"1/{show(1 / ratio)} of the {word}"


def side_by_side(
    rows: Sequence[dict[str, Any]], columns: Sequence[str], words: Mapping[str, str], notes: Iterable[Note]
) -> Report:
    """Two presets as columns: the verdict has the ratios of what ``words`` names, with both figures."""
    first, second = rows
    ratios = ratios_of(rows, [key for key in columns if not isinstance(first[key], str)])
    said = [_said(ratios[key], word, second[key], first[key], key) for key, word in words.items() if key in ratios]
    has = f"{', '.join(said[:-1])} and {said[-1]}" if len(said) > 1 else "".join(said) or "no figure that both have"
    return Report(
        command="presets",
        verdict=f"Beside {first['name']}, {second['name']} has {has}.",
        inputs=(),
        series=Series(("name", *columns), tuple(rows), ratios=ratios),
        notes=(*notes, Note("sources", "infercost presets show NAME has the sources of one")),
    )


def _said(ratio: float, word: str, second: float, first: float, key: str) -> str:
    """A ratio and the figures that it is of."""
    unit = KEYS[key].unit or "param"
    times = show(ratio, "x") if ratio > HALF else f"1/{show(1 / ratio)} of"
    return f"{times} the {word} ({show(second, unit)} against {show(first, unit)})"


# The answer of a service whose limit on latency not even one user meets, on however many replicas.


def unmet(scenario: Scenario, results: Iterable[Row], keys: Collection[str], work: Shown) -> Report:
    """The least possible and what would do, with results of some keys alone: what depends on replicas has no value."""
    rows = tuple(row if row.key in keys else Row(row.key, None, UNMET, shown=False) for row in results)
    remedies, asked = scenario.remedies, {row.key for row in results if row.value is None and row.key in keys}
    limits = "the limit" if len((remedies or ("",))[-1].split()) < 3 else "the limits"
    report = Report(
        command=scenario.question.command,
        verdict=f"{scenario.service.missed}More replicas do not help.",
        inputs=scenario.inputs,
        results=rows,
        advice=(f"{', or '.join(remedies)} would meet {limits}",) if remedies else (),
        notes=(
            *step_notes(scenario.service.running),
            *null_notes(
                [{row.key: row.value for row in rows}],
                lambda key: service_null_reason(key) if key in asked else UNMET,
            ),
            *scenario.notes,
        ),
        met=False,
        work=work,
    )
    return with_bands(report, scenario.rack, "users")


# The interval of each number of an estimate: eight of ten measured runs of its kind lie inside.


def bands_of(values: Mapping[str, Any], rack: Rack, load: str = "batch") -> Bands:
    """The interval of each time, rate and cost among some values, nothing where the law of a stack has no bands."""
    profile, sparse = rack.setup.stack, rack.model.is_sparse
    local = is_local(profile)
    if rack.not_covered or (local and load not in ("batch", "prompts")):
        return {}
    decode, found = decode_kind(values.get("batch") or 1, local=local), {}
    for key, value in values.items():
        if key in KINDS and value and key not in LOADS[load]:
            kind = "first_token" if load == "prompts" and key in READ else KINDS[key] or decode
            kind = "served" if load == "arrivals" and key in MET else kind
            if band := band_of(profile, rack.part, kind, sparse=sparse):
                found[key] = interval(key, value, with_draft(band, rack) if key in DRAFTED else band)
    return found


def ends_in(row: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    """The interval of a number in a row; None where its law has none: rows of one table need not be of one law."""
    return (row.get("bands") or {}).get(key)


def with_draft(band: Band, rack: Rack) -> Band:
    """The band of a time that a draft shortens: wider by what published pairs of runs gained of what is said."""
    if rack.setup.drafting is None:
        return band
    known = gains()
    return Band(band.low / known.high, band.high / known.low)


def interval(key: str, value: float, band: Band) -> tuple[float, float]:
    """The interval of a number: times and costs grow with the measured time, rates fall."""
    if "tokens_per_s" in key:
        return value / band.high, value / band.low
    return value * band.low, value * band.high


def _of_host(values: Mapping[str, Any], rack: Rack) -> Bands:
    """The interval of what follows from a step that continues in a host under llama.cpp, where reports know it."""
    assert rack.plan.split is not None
    experts, layers, cache = rack.plan.split.offload
    known = is_local(rack.setup.stack) and experts and not (layers or cache)
    if (band := band_of_host(bool(known))) is None:
        return {}
    band = with_draft(band, rack)
    return {key: interval(key, value, band) for key in OF_BATCH if (value := values.get(key))}


def with_bands(report: Report, rack: Rack, load: str = "batch") -> Report:
    """The report with the intervals of its results and of each of its rows."""
    host = rack.plan.split and rack.plan.split.host_layers
    if not host and not sets_of(rack.setup.stack, rack.part):
        return report
    series = report.series
    if series:
        rows = tuple({**row, "bands": bands_at(row, rack, load)} for row in series.rows)
        series = series._replace(rows=rows)
    return report.replace(bands=bands_at(report.values, rack, load), series=series)


def bands_at(values: Mapping[str, Any], rack: Rack, load: str = "batch") -> Bands:
    """The interval of each time, rate and cost among some values, of a rack with a part in a host too."""
    if rack.plan.split and rack.plan.split.host_layers:
        return _of_host(values, rack) if load == "batch" else {}
    return bands_of(values, rack, load)


def likely_gain(rack: Rack, worth: float) -> tuple[float, float] | None:
    """What a draft would gain if it reached as little of it as published pairs of runs did; None where none tells."""
    if rack.setup.drafting is None or is_nominal(rack.setup.stack):
        return None
    known = gains()
    return worth * known.low, worth * known.high


def gain_remark(rack: Rack, worth: float) -> str:
    """That what a draft gains by arithmetic is the most, and what published pairs of runs would have had of it."""
    if (likely := likely_gain(rack, worth)) is None:
        return ""
    return f"at best; likely {likely[0]:.3g}x to {likely[1]:.3g}x"


def gain_words(rack: Rack, worth: float) -> str:
    """How many times as fast a draft makes a token, at best and by published pairs of runs, and a loss."""
    likely, factor = likely_gain(rack, worth), f"{show(worth, 'x')} as fast"
    low, high = likely or (worth, worth)
    loss = "" if low >= 1 else ": leave the draft out" if high < 1 else ": it may be slower"
    if likely is None:
        return factor + loss
    known = gains()
    reached = f"published runs reached {known.low:.0%} to {known.high:.0%} of that, {low:.3g}x to {high:.3g}x"
    return f"{factor} at best; {reached}{loss}"


# That times under a load are means: lengths which no option says decide how long the slowest of them are.


def with_means(report: Report, question: Question) -> Report:
    """The report with a note that its times are means, where a rate, a limit on a first token or users were asked of.

    The wait of a prompt is Kingman's mean for prompts of one length; a measured p99 has lengths of all kinds, caches
    and the wait for a step in it.
    """
    axes = [text.partition("=")[0].strip().replace("-", "_") for text in question.get("sweep") or ()]
    given = {*question.given, *axes, *(name for case in question.cases for name in case)}
    rows = (report.values, *(report.series.rows if report.series else ()))
    of_users = "users" in given or question.command == "userbase"
    of_users = of_users and any(row.get("ttft_s") is not None for row in rows)
    if question.command in _OF_RUNS or not (of_users or given.intersection(_OF_MANY)):
        return report
    text = "times are means: p95 and p99 are not modelled"
    if "max_ttft" in given and question.command == "frontier":
        text += f"; {flag('max_ttft')} is held beside a full batch, the wait for a slot is in infercost userbase"
    elif "max_ttft" in given:
        text = text.replace(":", f", which {flag('max_ttft')} is held against:")
    return report.replace(notes=(*report.notes, Note("means", text)))
