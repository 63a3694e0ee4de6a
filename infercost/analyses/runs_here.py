"""What runs on this part: the models that fit, each in the richest format that it is published in and that fits."""

import re
import shlex
from collections.abc import Iterable, Iterator
from math import inf
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.hosts import holds, offloaded
from infercost.analyses.needs import Alone, ways_of
from infercost.analyses.remarks import bands_at, bounded, ends_in, null_notes, step_notes
from infercost.errors import BadFile, InfercostError, UnknownName, closest
from infercost.models import counting
from infercost.models.find import Checkpoint, find_model
from infercost.models.gguf import FILES, has_file, stand_in
from infercost.models.model import Model
from infercost.parts import catalog
from infercost.parts.accelerator import MEMORY_BASES, is_of_a_desktop
from infercost.parts.bands import decode_kind, is_local
from infercost.parts.files import reading_once
from infercost.parts.formats import GGUF, MIXES, TYPES, WEIGHTS
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import reads_gguf
from infercost.quantities import KEYS
from infercost.replica.layout import asking
from infercost.replica.memory import Rack
from infercost.replica.step import Running, pace_of
from infercost.report import Note, Report, Series
from infercost.scenario.options import CHOOSING, flag
from infercost.scenario.rack import read_rack
from infercost.scenario.read import Question, Reading, beside
from infercost.scenario.running import read_running
from infercost.scenario.scenario import Scenario
from infercost.scenario.usual import AS_PUBLISHED, USUAL_CONTEXT
from infercost.units import many, show

#: Rows of a table where nobody says how many.
LIMIT = 20
#: Models published in the years before the newest one come first.
YEARS = 2
#: The end of a preset's name that says in which format it holds another preset's model.
_COPY = re.compile(r"-(fp8|fp8-dynamic|fp8-kv|w8a8|w4a16|int4|awq|gptq|nvfp4|mxfp4|bnb-4bit|bnb-nf4)$")
#: Formats of checkpoints that vLLM loads on parts of NVIDIA alone (docs.vllm.ai, Supported Hardware, 2026-08).
_NVIDIA_ALONE = ("nvfp4", "bitsandbytes", "bnb")
#: Where the weights of a row are from: published so, made by llama-quantize, or in a format that somebody has to make.
CHECKPOINT, FILE, ASSUMED = "checkpoint", "gguf", "assumed"
#: How a name of a family may go on: ``qwen`` is of ``qwen3`` and ``qwen2.5`` too.
_GOES_ON = r"[\d.]*"
_MONTH = re.compile(r"(19|20)\d\d(-\d\d)?", re.ASCII)
#: Inputs of rows that all of them share, and reasons that are said of models that cannot be tried.
_SHARED, _REASONS = ("efficiency", "gpu.memory"), 3
#: Models of this share of another's parameters are nearly as large; a speed this many times another's is worth a word.
NEARLY, FASTER = 0.75, 1.5
_COLUMNS = ("name", "dtype", "weight_bytes", "max_context", "tokens_per_s_per_user", "band")
_HOSTED = ("name", "dtype", "weight_bytes", "host_bytes", "max_context", "tokens_per_s_per_user", "band")
#: Heads of a table that has no room for their own.
_HEADS = {"tokens_per_s_per_user": KEYS["tokens_per_s_per_user"]._replace(head="tok/s")}
#: An interval has no decimals from here on.
WHOLE_FROM = 10
#: Why a value of a row is missing.
_NULL = {
    "tokens_per_s_per_user": "it reads whole texts and decodes no tokens",
    "max_context": "its config names no longest context, and its cache does not grow",
    "released": "its preset does not say",
    "offload": "nothing lies in a host",
}


class Offer(NamedTuple):
    """A format that a model is to be had in: the preset to ask for, the ``dtype`` if not its own, bits of a weight.

    ``efficiency`` is the profile of its engine where that is not the one assumed.
    """

    preset: str
    dtype: str
    bits: float
    weights_from: str
    efficiency: str = ""

    @property
    def flags(self) -> str:
        """The options that ask for it."""
        options = {"--model": self.preset, "--dtype": self.dtype, "--efficiency": self.efficiency}
        return " ".join(f"{name} {shlex.quote(value)}" for name, value in options.items() if value)


class Candidate(NamedTuple):
    """A model, the presets of quantized copies of it, and the other name by which alone a family found it."""

    base: Checkpoint
    copies: tuple[Checkpoint, ...] = ()
    alias: str = ""

    @property
    def every(self) -> tuple[Checkpoint, ...]:
        """All checkpoints of the model."""
        return (self.base, *self.copies)


class Tried(NamedTuple):
    """An offer on the part: its rack, its tokens a second for one user, None where it decodes nothing, its reading."""

    candidate: Candidate
    offer: Offer
    rack: Rack
    reading: Reading
    running: Running | None = None
    speed: float | None = None


class Place(NamedTuple):
    """Where models are to run: the question without one, the part, how many, the least speed; ``room`` is in bytes."""

    question: Question
    part: Preset
    devices: int
    room: float
    least: float
    hosted: bool = False


def answer(scenario: Scenario) -> Report:
    """A row a model that fits, those of the last years first and the larger first; the least misfit where none does.

    Raises:
        InfercostError: no model can be tried on this part, or no model is of that family.
    """
    question, ((part, count),) = scenario.question, scenario.parts
    with reading_once():
        candidates, left_out = _candidates(question)
        place = Place(question, part, count or 1, _room(part) * (count or 1), scenario.goal.tokens_per_s)
        done = question.progress("models", len(candidates))
        found, slow, errors = [], [], []
        for number, candidate in enumerate(candidates, 1):
            best, slower, problems = _best(place, candidate)
            found += [best] if best else []
            slow += slower
            errors += problems
            if done:
                done(number)
        if not found:
            return _nothing(scenario, place, candidates, slow, errors).replace(notes=(*left_out, *scenario.notes))
    newest = max((_released(each.base) for each in candidates), default="")
    since = f"{int(newest[:4]) - YEARS}{newest[4:]}" if newest else ""
    found.sort(key=lambda one: (_released(one.candidate.base) < since, -one.rack.params, one.offer.preset))
    return _report(scenario, found, len(candidates), since, [*left_out, _order_note(since), *_problem_notes(errors)])


# The models, and the formats they are to be had in


def _candidates(question: Question) -> tuple[list[Candidate], list[Note]]:
    """The models to try, copies with the model that they are of, and notes on those that are not tried."""
    groups: dict[str, list[Checkpoint]] = {}
    names = _named(question.get("family"))
    for name in names:
        checkpoint = find_model(name)
        if checkpoint.published.get("weights") == "none":
            continue
        groups.setdefault(_base_of(name), []).append(checkpoint)
    every = [_candidate(base, checkpoints)._replace(alias=names.get(base, "")) for base, checkpoints in groups.items()]
    asked = question.get("context") or 0
    short = [each for each in every if 0 < _longest(each.base) < asked]
    notes = [Note("left-out", f"{many(len(short), 'model')} made for fewer than {asked:,} tokens left out")]
    return [each for each in every if each not in short], notes * bool(short)


def _named(family: str | None) -> dict[str, str]:
    """The presets of a family, with the alias that it is a word of where no name of theirs has it; or all.

    Where no name or alias has it, those whose config names it.

    Raises:
        UnknownName: no preset is of that family.
    """
    names = catalog.names("models")
    if family is None:
        return dict.fromkeys(names, "")
    asked = family.lower()
    word = re.compile(re.escape(asked) + (_GOES_ON if asked[-1:].isalpha() else ""))

    def has(name: str) -> bool:
        own = name.rpartition("/")[2].lower()  # who published it is no family
        return f"{own}-".startswith(f"{asked}-") or any(map(word.fullmatch, own.split("-")))

    by_name = dict.fromkeys(filter(has, names), "")
    for alias, name in catalog.aliases("models").items():
        if name not in by_name and has(alias):
            by_name[name] = alias
    if by_name:
        return dict(sorted(by_name.items()))
    families = {name: find_model(name).model.family for name in names}
    found = [name for name, each in families.items() if asked in (each, each.removesuffix("_text"))]
    if not found:
        known = {*families.values(), *(name.partition("-")[0] for name in names)}
        hint = f"{closest(asked, sorted(known))}infercost presets list models shows all"
        raise UnknownName(f"--family: no model is of {family!r}", hint)
    return dict.fromkeys(found, "")


def _base_of(name: str) -> str:
    """The preset that a preset's name says it is a copy of, its own name where it says none."""
    if (match := _COPY.search(name)) is None:
        return name
    try:
        return catalog.find("models", name[: match.start()])[0]
    except UnknownName:
        return name[: match.start()]


def _candidate(base: str, checkpoints: list[Checkpoint]) -> Candidate:
    """A model by its own preset, else by the copy with most bits."""
    ordered = sorted(checkpoints, key=lambda each: (each.model.name != base, -_bits(each)))
    return Candidate(ordered[0], tuple(ordered[1:]))


def _bits(checkpoint: Checkpoint) -> float:
    """Bits of a weight of most matrices as they are published, scales included."""
    return min(checkpoint.model.quantization.of(part) for part in ("attention", "ffn", "experts"))


def _longest(checkpoint: Checkpoint) -> int:
    """The longest context that a config or a card documents, 0 where neither does."""
    card = checkpoint.extended.context if checkpoint.extended else 0
    return max(checkpoint.model.max_context, card)


def _released(checkpoint: Checkpoint) -> str:
    """The month, or the year, in which a model was published; empty where its preset does not say."""
    match = _MONTH.match(checkpoint.published.get("date", ""))
    return match[0] if match else ""


def offers(question: Question, part: Preset, candidate: Candidate, *, hosted: bool) -> list[Offer]:
    """The formats that a model is to be had in on a part, the richest first."""
    if (asked := question.get("dtype")) is not None:
        return _asked_for(candidate, asked.name)
    files, checkpoints = _reads(question, part, hosted)
    found = list(_published(candidate, part)) if checkpoints else []
    if files:
        found += _of_files(candidate.base, own=not checkpoints)
    return sorted(found, key=lambda offer: -offer.bits)


def _reads(question: Question, part: Preset, hosted: bool) -> tuple[bool, bool]:
    """Whether GGUF files, and whether checkpoints, are read by the engines that people run on a part."""
    given = question.get("efficiency")
    if given is not None:
        files = reads_gguf(given if isinstance(given, Preset) else catalog.load("efficiency", given))
        return files, not files
    if part.labels.get("engine", "").startswith("llama.cpp"):
        return True, False
    return is_of_a_desktop(part), not (hosted and is_of_a_desktop(part))


def _asked_for(candidate: Candidate, dtype: str) -> list[Offer]:
    """The offer in a format that was asked for: a copy that is published so, else the model put into it."""
    for each in candidate.every:
        if dtype in (each.model.quantization.name, short_name(each.model.quantization.name)):
            return [Offer(each.model.name, "", _bits(each), CHECKPOINT)]
    model = candidate.base.model
    if dtype in GGUF:
        bits = TYPES[MIXES[dtype].base].bits
        return [Offer(model.name, dtype, bits, FILE)] if has_file(model) and not model.is_encoder else []
    return [Offer(model.name, dtype, WEIGHTS[dtype].stored_bits, ASSUMED)]


def _published(candidate: Candidate, part: Preset) -> Iterator[Offer]:
    """A model's own checkpoint, and those of its copies that the part's engine loads."""
    for each in candidate.every:
        names = each.model.name, each.model.quantization.name
        if part.labels.get("vendor") == "NVIDIA" or not any(word in name for name in names for word in _NVIDIA_ALONE):
            yield Offer(each.model.name, "", min(_bits(each), 16.0), CHECKPOINT)  # fp32 is loaded as bf16


def _of_files(checkpoint: Checkpoint, *, own: bool) -> list[Offer]:
    """The GGUF files of a model with fewer bits than its checkpoint, and one that stands for it where wanted."""
    model, bits = checkpoint.model, _bits(checkpoint)
    if model.is_encoder or not has_file(model):
        return []
    stored = "bf16" if model.quantization.name == "fp32" else stand_in(model.quantization)
    sizes = {name: TYPES[MIXES[name].base].bits for name in FILES}
    whole = [Offer(model.name, "", sizes.get(stored, bits), FILE)] if own and stored else []
    if not own and stored in AS_PUBLISHED:  # llama.cpp sets less memory aside
        whole = [Offer(model.name, "", bits, FILE, "llama.cpp")]
    leaner = [name for name in FILES if sizes[name] < bits or (name == stored and not own)]
    return whole + [Offer(model.name, name, sizes[name], FILE) for name in leaner]


def short_name(quantization: str) -> str:
    """A checkpoint's format without the library that made it: ``fp8`` of ``compressed-tensors fp8``."""
    return quantization.removesuffix(" 4-bit").removesuffix(" 8-bit").rpartition(" ")[2]


def _called(model: Model) -> str:
    """The format of a model's weights for people."""
    name, words = model.quantization.name, model.quantization.words
    return words if words != name else short_name(name)


# Each of them on the part


def _room(preset: Preset) -> float:
    """The largest of the figures of a memory."""
    return max((preset.value(key) for key in MEMORY_BASES if key in preset.facts), default=0.0)


def _best(place: Place, candidate: Candidate) -> tuple[Tried | None, list[Tried], list[InfercostError]]:
    """The richest offer that fits and is fast enough, alone or else beside a host; those that are too slow; errors."""
    slow: list[Tried] = []
    errors: list[InfercostError] = []
    for where in (_alone(place), *_with_host(place, candidate)):
        if slow:  # a part in the host is slower still
            break
        for offer in offers(place.question, place.part, candidate, hosted=where.hosted):
            if offer.bits / 8 * counting.total_params(candidate.base.model) > where.room:
                continue
            try:
                tried = _try(where, candidate, offer)
            except (BadFile, UnknownName):
                raise
            except InfercostError as error:
                errors.append(error)
                continue
            if not tried.rack.plan.fits or _takes_too_much(where, tried.rack):
                continue
            if not where.least or (tried.speed or 0.0) >= where.least:
                return tried, [], []
            slow.append(tried)
    return None, slow, errors


def _takes_too_much(place: Place, rack: Rack) -> bool:
    """Whether a host holds more than experts, though nobody asked for that."""
    return place.question.get("offload") is None and offloaded(rack) not in (None, "experts")


def _alone(place: Place) -> Place:
    """The part without a host."""
    question = place.question
    if question.get("host") is None:
        return place
    changed = question.changed(dict.fromkeys(("host", "offload", "offload_layers", "set")), "")
    if sets := tuple(text for text in question.get("set") or () if not text.strip().startswith("host.")):
        changed = changed.changed({"set": sets}, question.given["set"].origin)
    return place._replace(question=changed)


def _with_host(place: Place, candidate: Candidate) -> Iterator[Place]:
    """The part beside its host, which takes experts where nothing else was asked for."""
    question, model = place.question, candidate.base.model
    if (host := question.get("host")) is None or model.prefill_only:
        return
    if question.get("offload") in (None, "experts") and not model.is_sparse:
        return
    preset = host if isinstance(host, Preset) else catalog.load("hosts", str(host))
    yield place._replace(room=place.room + max(_room(preset), _room_set(question)), hosted=True)


def _room_set(question: Question) -> float:
    """No bound where a host's memory was set."""
    return inf if any(text.strip().startswith("host.memory") for text in question.get("set") or ()) else 0.0


def _try(place: Place, candidate: Candidate, offer: Offer) -> Tried:
    """An offer on all devices of the place, or on as many of them as split the model.

    Raises:
        InfercostError: the engine does not take it.
    """
    counts = [place.devices, *(1 << power for power in range(place.devices.bit_length() - 1, -1, -1))]
    for count in dict.fromkeys(counts):
        reading = _reading(place, offer, count)
        try:
            rack = read_rack(reading)
            break
        except InfercostError:
            if count == 1:
                raise
    tried = Tried(candidate, offer, rack, reading)
    if not rack.plan.fits or rack.model.prefill_only:
        return tried
    running = read_running(reading, rack)
    speed = formulas.cost.tokens_per_s_per_user(step_time=pace_of(running, rack.plan.batch).tpot)
    return tried._replace(running=running, speed=speed)


def _reading(place: Place, offer: Offer, count: int) -> Reading:
    """The question about one model on so many devices."""
    own = {"model": offer.preset, "gpu": place.part, "gpus": count, "dtype": WEIGHTS.get(offer.dtype)}
    own |= {"efficiency": offer.efficiency} if offer.efficiency else {}
    return Reading(place.question.changed(own, "each"))


# What is said of them


def _report(scenario: Scenario, found: list[Tried], tried: int, since: str, notes: list[Note]) -> Report:
    """The answer where some fit."""
    limit, hosted = scenario.question.get("limit"), scenario.question.get("host") is not None
    rows = tuple(_row(one, hosted=hosted) for one in found[:limit])
    shown = tuple({**row, "band": _band(row)} for row in rows[: limit or LIMIT])
    if limit is None and len(rows) > LIMIT:
        text = f"{LIMIT} of {len(rows)} rows: --limit {len(rows)} shows all, and JSON and CSV hold them"
        notes = [Note("table", text), *notes]
    inputs = list(scenario.inputs)
    for one in found[:limit]:
        inputs = beside(inputs, (item for item in one.reading.inputs if item.key.startswith(_SHARED)))
    return Report(
        command="fit",
        verdict=_verdict(scenario, found, tried, since),
        inputs=tuple(inputs),
        series=Series(_HOSTED if hosted else _COLUMNS, rows, shown=shown, keys=_HEADS),
        advice=tuple(_advice(scenario, rows)),
        notes=(*notes, *_notes(found[:limit], rows), *scenario.notes),
    )


def _row(one: Tried, *, hosted: bool) -> dict[str, Any]:
    """A row of the answer, beside a host with what lies in it."""
    rack, base, plan = one.rack, one.candidate.base, one.rack.plan
    return {
        "name": one.offer.preset,
        "alias": one.candidate.alias,
        "released": _released(base) or None,
        "family": base.model.family,
        "total_params": rack.params,
        "active_params": rack.active_params,
        "dtype": short_name(plan.model.quantization.name),
        "weights_from": FILE if reads_gguf(rack.setup.stack) else one.offer.weights_from,
        "efficiency": rack.setup.stack.name,
        "gpus": rack.devices,
        **{key: getattr(plan.layout, key) for key in ("tp", "pp", "ep", "dp")},
        "weight_bytes": rack.weight_bytes,
        "max_context": plan.usable_context,
        "tokens_per_s_per_user": one.speed,
        **({"offload": offloaded(rack), "host_bytes": plan.host_bytes} if hosted else {}),
        "flags": " ".join((one.offer.flags, *_widths(rack))),
        "source": rack.setup.checkpoint.source if rack.setup.checkpoint else "",
        "bands": {key: list(band) for key, band in bands_at(_speed_of(one), rack).items()},
    }


def _speed_of(one: Tried) -> dict[str, Any]:
    return {"batch": one.rack.plan.batch, "tokens_per_s_per_user": one.speed} if one.speed else {}


def _band(row: dict[str, Any]) -> str | None:
    """The interval of a speed, for people."""
    ends = ends_in(row, "tokens_per_s_per_user")
    return "-".join(f"{end:.0f}" if end >= WHOLE_FROM else f"{end:.1f}" for end in ends) if ends else None


def _advice(scenario: Scenario, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """What makes slow models faster."""
    if not scenario.goal.tokens_per_s and any(row["weights_from"] == FILE for row in rows):
        yield "--min-tokens-per-s 20 asks for each model in the richest format that is so fast"


def _verdict(scenario: Scenario, found: list[Tried], tried: int, since: str) -> str:
    """How many fit, the largest alone on the part, and the largest beside a host."""
    here = [one for one in found if not holds(one.rack)]
    there = [one for one in found if holds(one.rack)]
    fast = _fast_enough(scenario)
    text = f"{len(here):,} of {many(tried, 'model')} {'fits' if len(here) == 1 else 'fit'} on {_where(scenario)}{fast}."
    if here:
        new = [one for one in here if since and _released(one.candidate.base) >= since]
        text += f" The largest{f' published since {since}' if new else ''} is {_largest(here)}.{_fastest(new or here)}"
    if there:
        name = there[0].rack.plan.host.preset.name if there[0].rack.plan.host else ""
        text += f" {len(there):,} more fit with {_parts_of(there)} in {name}: the largest is {_largest(there)}."
    return text


def _where(scenario: Scenario) -> str:
    ((part, count),) = scenario.parts
    question = scenario.question
    sequences = f"{question.get('batch'):,} x " if (question.get("batch") or 1) > 1 else ""
    return f"{counted(count or 1, part.name)} with {sequences}{many(question.get('context') or USUAL_CONTEXT, 'token')}"


def _fast_enough(scenario: Scenario) -> str:
    least = scenario.goal.tokens_per_s
    return f" at {least:g} tokens/s or more for one user" if least else ""


def _largest(some: list[Tried]) -> str:
    """The first of some models in its format, with its speed."""
    one = some[0]
    speed = f", {bounded(one.running, one.rack.plan.batch)}{show(one.speed)} tokens/s for one user" if one.speed else ""
    return f"{_preset_of(one)} in {_called(one.rack.model)}{speed}"


def _preset_of(one: Tried) -> str:
    """A preset's name, with the other one by which a family found it."""
    return f"{one.offer.preset}{f' ({alias})' if (alias := one.candidate.alias) else ''}"


def _fastest(some: list[Tried]) -> str:
    """The fastest of those that are nearly as large as the first, the largest, where it is much faster."""
    near = (one for one in some if one.rack.params >= NEARLY * some[0].rack.params)
    best = max(near, key=lambda one: one.speed or 0.0)
    if not some[0].speed or not best.speed or best.speed < FASTER * some[0].speed:
        return ""
    name = f"{_preset_of(best)} in {_called(best.rack.model)}"
    return f" Of those nearly as large {name} is fastest, {show(best.speed)} tokens/s."


def _parts_of(some: list[Tried]) -> str:
    """What lies in the host, in a word."""
    return " or ".join(dict.fromkeys(offloaded(one.rack) or "" for one in some))


def _nothing(
    scenario: Scenario, place: Place, candidates: list[Candidate], slow: list[Tried], errors: list[InfercostError]
) -> Report:
    """The answer where none fits: the fastest of those that are too slow, else by how much the smallest is too large.

    Raises:
        InfercostError: no model can be tried on this part.
    """
    if errors and not slow and len(errors) >= len(candidates):
        raise errors[0]
    ways = None
    if slow:
        fastest = max(slow, key=lambda one: one.speed or 0.0)
        name = f"{_preset_of(fastest)} in {_called(fastest.rack.model)}"
        said = f"the fastest that fits is {name}, {show(fastest.speed)} tokens/s"
    elif candidates:
        said, ways = _smallest(place, candidates)
    else:
        said = "none is made for so many tokens"
    return Report(
        command="fit",
        verdict=f"None of {many(len(candidates), 'model')} fits on {_where(scenario)}{_fast_enough(scenario)}: {said}."
        + (ways.words if ways else ""),
        inputs=scenario.inputs,
        advice=ways.advice if ways else (),
        met=False,
    )


def _smallest(place: Place, candidates: list[Candidate]) -> tuple[str, Alone | None]:
    """By how much the smallest model does not fit in its leanest format, and what holds it all the same."""
    each = ((offers(place.question, place.part, one, hosted=False), one) for one in candidates)
    leanest = [(offered[-1], one) for offered, one in each if offered]
    if not leanest:
        return "none is to be had in a format that runs there", None
    least, candidate = min(leanest, key=lambda pair: pair[0].bits * counting.total_params(pair[1].base.model))
    place = _alone(place)
    rack = _try(place, candidate, least).rack
    said = f"the smallest, {least.preset} in {_called(rack.model)}, is {show(-rack.plan.left, 'B')} a device short"
    return said, None if place.least else ways_of(place.question, least.preset)


def _order_note(since: str) -> Note:
    text = f"models published since {since} come first, and the larger before the smaller"
    return Note("order", f"{text}: presets have no figure of quality")


def _problem_notes(errors: Iterable[InfercostError]) -> list[Note]:
    """Why models could not be tried, each reason once."""
    return [Note("left-out", f"left out: {what}") for what in dict.fromkeys(error.what for error in errors)][:_REASONS]


def _notes(found: list[Tried], rows: Iterable[dict[str, Any]]) -> Iterator[Note]:
    """How sure the speeds are, by profile; what a GGUF file stands for; values that are missing."""
    files = [row for row in rows if row["weights_from"] == FILE]
    if files:
        text = "a GGUF file is what llama-quantize makes of a checkpoint: that somebody published it is not known here"
        yield Note("files", text)
    if any(row["weights_from"] == ASSUMED for row in rows):
        yield Note("assumed-format", "no checkpoint in this format is known here: somebody has to make it")
    if also := [_preset_of(one) for one in found if one.candidate.alias]:
        yield Note("aliases", f"found by another name: {', '.join(also)}")
    yield Note("see-row", f"the first in full: infercost fit {' '.join(_flags(found[0]))}")
    if any(row["bands"] for row in rows):
        yield Note("estimate", "speeds are estimates: 8 of 10 measured runs of a kind lay in the interval beside each")
    codes = ("bound", "stands-in", "memory-counted", "sizes", "unchecked", "weak-figure")
    said: dict[str, Note] = {}
    for one in {_kind(one): one for one in reversed(found) if one.running}.values():
        assert one.running
        regime = decode_kind(one.rack.plan.batch, local=is_local(one.rack.setup.stack))
        kept = codes if bands_at(_speed_of(one), one.rack) else (*codes, "estimate")
        said |= {note.text: note for note in step_notes(one.running, (regime,)) if note.code in kept}
    yield from said.values()
    yield from null_notes(rows, lambda key: _NULL[key])


def _flags(one: Tried) -> Iterator[str]:
    """The options that ask for a row alone: its devices, its host, its format, and all others that were given."""
    rack, question = one.rack, one.reading.question
    yield f"--gpu {shlex.quote(rack.part.asked + (f':{rack.devices}' if rack.devices > 1 else ''))}"
    yield one.offer.flags
    yield from _widths(rack)
    said = {"gpu", "gpus", "model", "dtype", *CHOOSING, *(["efficiency"] if one.offer.efficiency else [])}
    for name, (value, *_) in question.given.items():
        texts = value if name == "set" else () if name in said else (getattr(value, "name", value),)
        yield from (f"{flag(name)} {shlex.quote(str(text))}" for text in texts)


def _widths(rack: Rack) -> list[str]:
    """The layout as flags, nothing on one device: what fit would choose on several may be replicas."""
    layout = rack.plan.layout
    return [f"--{name} {width}" for name, width in asking(rack.model, layout).items() if width > 1 or name == "ep"]


def _kind(one: Tried) -> tuple[str, bool, bool]:
    """What decides how sure a speed is: the profile, experts, a part in a host."""
    return one.rack.setup.stack.name, one.rack.model.is_sparse, holds(one.rack)
