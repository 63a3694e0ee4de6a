"""What a model needs of memory whatever holds it, the least card for it, and the ways onto one that is too small."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from infercost import formulas
from infercost.analyses.many import at_point
from infercost.analyses.remarks import is_one, kind, step_notes, with_bands
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.models.find import Checkpoint
from infercost.models.model import Attention, Model
from infercost.parts import catalog
from infercost.parts.accelerator import COMPUTERS, is_owned
from infercost.parts.bands import decode_kind, is_local
from infercost.parts.catalog import other_sizes
from infercost.parts.formats import CACHES, WEIGHTS
from infercost.parts.preset import Preset, counted
from infercost.parts.stack import eight_bit_cache, is_other_engine
from infercost.replica.memory import Rack
from infercost.replica.step import Running, pace_of
from infercost.replica.work import held_memory
from infercost.report import Note, Report, Row
from infercost.scenario.options import CHOOSING, options_of
from infercost.scenario.rack import LOADS, read_rack
from infercost.scenario.read import Question, Reading
from infercost.scenario.running import read_running
from infercost.scenario.scenario import Need, Scenario
from infercost.scenario.usual import OF_FILES, keeps
from infercost.units import many, show

ORIGIN = "what holds it"
#: Where a card is sold that is looked for by its memory, and whose: most people run models on these.
SEGMENTS, VENDOR = ("desktop", "workstation"), "NVIDIA"
#: Cards of 6 and 8 GB that many people own; no preset is as small.
SMALL = ("rtx-2060", "rtx-4060")
#: The kind of a part that is a whole computer with its memory.
SHARED = "soc"
#: Bits of a cache that nobody made narrower.
WIDE_BITS = 16
#: What serves many: devices of a server that most people know.
SERVER = "h100-sxm"
BEFORE = "before what an engine takes"
#: Binary units, the largest first, and fractions that have a name.
_BINARY = (2**20, "MiB"), (2**10, "KiB")
_FRACTIONS: dict[float, str] = {
    2: "half",
    3: "a third",
    4: "a quarter",
    5: "a fifth",
    6: "a sixth",
    7: "a seventh",
    8: "an eighth",
}
#: Norms and headers that a config does not name stay below this share of a checkpoint.
ROUNDING = 0.01


TRIED = "what one holds"
#: Formats of files that people run where richer ones do not fit, the richest first, and those of other models.
SMALLER = ("iq4_xs", "q3_k_m", "iq3_m", "iq3_xs", "iq3_xxs", "q2_k", "iq2_m", "iq2_s", "iq2_xs", "iq2_xxs")
WITHOUT_FILE = ("fp8", "int4")
#: The host of a card, by where cards are sold.
HOSTS = {"laptop": "laptop-lpddr5x", "desktop": "desktop-ddr5", "workstation": "desktop-ddr5"}


class Alone(NamedTuple):
    """What holds it: an engine, a cache or a format on the parts, larger ones, a host beside with a format, more.

    ``both`` are a richer format than ``format`` and the cache that it takes. ``beside`` is empty where a host holds it
    as asked; ``parts`` is how many there are of ``part``. The speeds are tokens a second of one user in that
    format, under that engine, with that cache and with the host, 0 where several are asked about. ``noun`` is what one
    is called.
    """

    parts: int = 1
    part: str = ""
    engine: str = ""
    cache: str = ""
    both: tuple[str, str] = ("", "")
    format: str = ""
    larger: str = ""
    host: str = ""
    beside: str = ""
    devices: int | None = None
    speed: float = 0.0
    engine_speed: float = 0.0
    cache_speed: float = 0.0
    both_speed: float = 0.0
    hosted_speed: float = 0.0
    noun: str = "device"

    @property
    def words(self) -> str:
        """The same as the end of a verdict; empty where nothing holds it."""
        with_host = f"with part of it in a host's memory{_at(self.hosted_speed)} (--host {self.host})"
        of = "its weights in" if self.cache else "in"  # beside a format of the cache that of the weights is told apart
        ways = [f"under {self.engine}{_at(self.engine_speed)}"] if self.engine else []
        ways += [f"with its KV cache in {self.cache}{_at(self.cache_speed)}"] if self.cache else []
        ways += ["in {} with its KV cache in {}{}".format(*self.both, _at(self.both_speed))] if any(self.both) else []
        ways += [f"{of} {self.format}{_at(self.speed)}"] if self.format else []
        ways += [f"in {self.beside} {with_host}" if self.beside else with_host] if self.host else []
        they = f"One {self.noun} holds" if self.parts == 1 else "They hold"
        one = f" {they} it {', or '.join(ways)}." if ways else ""
        whole = [counted(self.parts, self.larger)] if self.larger else []
        if self.devices:
            whole += [counted(self.devices, self.part) if self.larger else many(self.devices, self.noun)]
        holds = "hold" if self.devices or self.parts > 1 else "holds"
        return f"{one} {' or '.join(whole)} {holds} it as asked." if whole else one

    @property
    def advice(self) -> tuple[str, ...]:
        """What to change for it, with the flags; the devices are for whoever knows how they were asked for."""
        there = f"part of it in a host's memory ({self.beside and f'--dtype {self.beside} '}--host {self.host})"
        of = f":{self.parts}" if self.parts > 1 else ""
        return (
            *([f"under {self.engine} it fits (--efficiency {self.engine})"] if self.engine else []),
            *([f"KV cache in {self.cache} (--kv-dtype {self.cache})"] if self.cache else []),
            *(["weights in {0} and KV cache in {1} (--dtype {0} --kv-dtype {1})".format(*self.both)] * any(self.both)),
            *([f"weights in {self.format} (--dtype {self.format})"] if self.format else []),
            *([f"the same with more memory (--gpu {self.larger}{of})"] if self.larger else []),
            *([there] if self.host else []),
        )


def answer(scenario: Scenario) -> Report:
    """Bytes of the weights, of the cache of a token, a sequence and the batch, and their sum."""
    need = scenario.need
    assert need is not None
    rows = _rows(need)
    values = {row.key: row.value for row in rows}
    cache = values["kv_bytes_of_batch"] or 0.0
    parts = ("weights", values["weight_bytes"], "B"), ("KV cache", cache, "B")
    return Report(
        command="fit",
        verdict=_verdict(scenario, need, values["weight_bytes"], cache),
        inputs=scenario.inputs,
        results=rows,
        parts=parts if cache else (),
        notes=(*_notes(need), *scenario.notes),
        work=lambda: _needed(need),
    )


def _weights(need: Need) -> float:
    if need.checkpoint:
        return counting.weight_bytes(need.model)
    of_param = need.model.quantization.default / 8
    return formulas.memory.weight_bytes(params=need.params, bytes_per_param=of_param)


def _needed(need: Need) -> tuple[float, float | None, float | None, float]:
    """Bytes of the weights, of one sequence's cache and of all sequences' (None of a bare count), and of all."""
    weights, held, each = _weights(need), None, None
    if need.model.has_cache:
        each = counting.cache_bytes(need.model, need.context)
        held = formulas.memory.batch_cache(batch=need.batch, sequence_cache=each)
        counting.growing_cache_bytes(need.model)
    return weights, each, held, formulas.memory.model_memory(weight_bytes=weights, batch_cache=held or 0.0)


def _rows(need: Need) -> tuple[Row, ...]:
    model, (weights, each, held, total) = need.model, _needed(need)
    of_weights = weight_rows(model, need.checkpoint, (need.params, need.active_params, weights))
    if not model.has_cache:
        reason = "it keeps no cache" if model.prefill_only else "a bare parameter count does not say"
        keys = ("kv_bytes_per_token", "kv_bytes_per_sequence", "kv_bytes_of_batch")
        of_cache = tuple(Row(key, None, reason, shown=False) for key in keys)
    else:
        kinds = filter(None, (cache_kind(model), cache_saved(model)))
        load = f"{need.batch:,} x {many(need.context, 'token')}"
        of_cache = (
            Row("kv_bytes_per_token", counting.growing_cache_bytes(model), "; ".join(kinds)),
            Row("kv_bytes_per_sequence", each, f"at {many(need.context, 'token')}"),
            Row("kv_bytes_of_batch", held, load, shown=need.batch > 1),
        )
    most = "" if model.max_context else "its config does not say"
    return (
        *of_weights,
        *of_cache,
        Row("memory_needed_bytes", total, f"all on one, {BEFORE}"),
        Row("longest_context", model.max_context or None, most or "what the model was made for", shown=not most),
    )


def _verdict(scenario: Scenario, need: Need, weights: float, cache: float) -> str:
    model, total = need.model, weights + cache
    stored = f"{model.called(model.quantization.words)} need{'s' if need.checkpoint else ''} {show(weights, 'B')}"
    its = "its" if need.checkpoint else "their"
    if not model.has_cache:
        beside = BEFORE if model.prefill_only else f"before a KV cache and {BEFORE.removeprefix('before ')}"
        return f"{stored} for {its} weights, {beside}.{_card_words(scenario)}"
    tokens = many(need.context, "token")
    load = f"a sequence of {tokens}" if need.batch == 1 else f"{need.batch:,} sequences of {tokens}"
    sizes = f"{stored} for {its} weights and {show(cache, 'B')} for {load}: {show(total, 'B')}, {BEFORE}"
    return f"{sizes}.{_card_words(scenario)}{_cache_words(model, need.context)}"


def _card_words(scenario: Scenario) -> str:
    """The least card that holds it beside its engine, else devices of a server, and for one user the least computer.

    Empty for rows, and where none of them does.
    """
    need = scenario.need
    if scenario.is_row or need is None or need.checkpoint is None:
        return ""
    if part := next(_that_hold(scenario, _cards()), None):
        return f" A card of {show(part.value('memory'), 'B')} holds it ({part.id})."
    held, own = on(scenario, {"gpu": SERVER}), ""
    if need.batch == 1 and (part := next(_that_hold(scenario, _computers()), None)):
        kind = "Mac" if part.labels.get("vendor") == "Apple" else "computer"
        own = f" of {show(part.value('memory'), 'B')} ({part.id})"
        own = f", or a {kind}{own}" if held else f" A {kind}{own} holds it"
    server = f" {counted(held.copies * held.rack.devices, SERVER)} hold it" if held else ""
    return f"{server}{own}." if server or own else ""


def _cards() -> list[Preset]:
    """Cards that people have in a computer of their own."""
    parts = [catalog.load("accelerators", name) for name in (*catalog.names("accelerators"), *SMALL)]
    return [part for part in parts if part.labels.get("segment") in SEGMENTS and part.labels.get("vendor") == VENDOR]


def _computers() -> list[Preset]:
    """Computers whose memory a chip's processor and its GPU share, in all their sizes."""
    names = (*catalog.names("accelerators"), *catalog.variants("accelerators"))
    return [part for name in names if (part := catalog.load("accelerators", name)).labels.get("kind") == SHARED]


def _that_hold(scenario: Scenario, parts: list[Preset]) -> Iterator[Preset]:
    """Parts one of which holds it, one of each size, the least first, as ``fit --gpu`` counts them."""
    sizes = {part.value("memory"): part for part in reversed(parts)}
    return (sizes[size] for size in sorted(sizes) if on(scenario, {"gpu": sizes[size].id, "gpus": 1}))


def on(scenario: Scenario, devices: dict[str, Any]) -> Scenario | None:
    """The same question on devices that hold it; None where these do not."""
    try:
        held = at_point(scenario.question, devices, ORIGIN)
    except InfercostError:
        return None
    return held if held.rack.plan.fits else None


def _notes(need: Need) -> Iterator[Note]:
    yield Note("engine", "activations, graphs and buffers of an engine come on top: with --gpu they are counted")
    if need.checkpoint is None:
        return
    yield from stored_notes(need.checkpoint)
    if not need.model.vision_known:
        yield Note("vision", "a tower for images or sound is not known and not counted")


# A model's own memory, wherever it stands: rows of its weights, the kind of its cache, its checkpoint's bytes.


def weight_rows(
    model: Model, checkpoint: Checkpoint | None, counts: tuple[float, float, float], loads_head: bool = False
) -> tuple[Row, ...]:
    """Parameters and bytes of the weights; ``counts`` are all parameters, those of a token, and the bytes."""
    params, active_params, weight_bytes = counts
    published = checkpoint.published.get("active") if checkpoint else None
    beside = model.vision_params or model.mtp_params
    active = f"publisher says {published}" if published else "multiplied for one token"
    mtp = "" if loads_head else "not loaded by default"
    return (
        Row("total_params", params, "the language model alone" if beside else ""),
        Row("active_params", active_params, active, shown=active_params < params),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, mtp, shown=bool(model.mtp_params)),
        Row("weight_bytes", weight_bytes, model.quantization.label),
    )


def token_cache(model: Model) -> str:
    """Bytes that a token adds to a cache, in binary units too where these are whole."""
    held = counting.growing_cache_bytes(model)
    binary = next((f" ({held / size:g} {name})" for size, name in _BINARY if held >= size and not held % size), "")
    return f"{show(held, 'B')}{binary} of KV cache"


def cache_remark(model: Model) -> str:
    """What the cache per token is made of, and its share of what all heads would keep."""
    share = _share_of_heads(model, "{} heads")
    return "; ".join(filter(None, (cache_kind(model), share)))


def cache_saved(model: Model) -> str:
    """How much less grouped heads or latents keep than all heads would; empty where these do."""
    if not (times := _times_heads(model)) or (attention := _growing(model)) is None:
        return ""
    if attention.latent:
        wide = f", {times * narrow:.3g} than theirs in 16 bits" if (narrow := _times_narrower(model)) > 1 else ""
        return f"{times:.3g} times less than keys and values of its {attention.heads:,} heads{wide}"
    return _share_of_heads(model)


def _times_heads(model: Model) -> float:
    """How many times as much a token would take if each head kept keys and values; 0 where each does."""
    attention = _growing(model)
    if attention is None or attention.has_past:
        return 0.0
    if not (attention.latent or attention.index_cache):
        times = attention.heads / attention.kv_heads
    else:
        elements = attention.heads * (attention.head_dim + (attention.v_head_dim or attention.head_dim))
        times = elements * model.kv_bits / 8 / counting.growth(model, attention)
    return times if times > 1 else 0.0


def _times_narrower(model: Model) -> float:
    """How many times fewer bits a value of the cache has than the 16 that most keep."""
    return WIDE_BITS / model.kv_bits


def _share_of_heads(model: Model, of: str = "what {} heads would keep") -> str:
    """The share of what all heads would keep, in the cache's bits and in 16; empty where it is all."""
    times, narrow, attention = _times_heads(model), _times_narrower(model), _growing(model)
    if not times or attention is None:
        return ""
    wide = f", {_fraction(times * narrow)} of them in 16 bits" if narrow > 1 else ""
    return f"{_fraction(times)} of {of.format(f'{attention.heads:,}')}{wide}"


def _fraction(times: float) -> str:
    return _FRACTIONS.get(times) or f"1/{times:.3g}"


def _cache_words(model: Model, context: int) -> str:
    """What a token takes, its share of all heads', and a sequence without its windows; empty for what keeps none."""
    token = ", ".join(filter(None, (f"a token takes {token_cache(model)}", _share_of_heads(model))))
    token = token if counting.growing_cache_bytes(model) else ""
    more = f"{_times_windows(model, context):.3g}"
    windows = f"without windows a sequence takes {more}x as much" if more != "1" else ""
    words = "; ".join(filter(None, (token, windows)))
    return f" {words[0].upper()}{words[1:]}." if words else ""


def states_layers(model: Model) -> int:
    """Layers that keep a state of one size in place of a cache."""
    return sum(layer.times for layer in model.layers if layer.attention.state)


def states_kept(model: Model) -> str:
    """In how many layers a token is kept, behind its bytes, and what others keep of a sequence at any context."""
    kept = sum(layer.times for layer in model.layers if layer.attention.grows)
    state = f"{show(counting.cache_bytes(model, 0), 'B')} a sequence"
    if not kept:
        return f"; no layer keeps a cache, {states_layers(model):,} a state of {state}"
    return f" in {kept:,} of its {many(model.depth, 'layer')}; {states_layers(model):,} keep a state instead, {state}"


def windows_saved(model: Model, context: int) -> str:
    """How much less a sequence keeps than if every layer with a window attended all of it; empty without windows."""
    times = _times_windows(model, context)
    return f"{times:.3g} times less at {many(context, 'token')} than without windows" if times > 1 else ""


def _times_windows(model: Model, context: int) -> float:
    """How many times as much a sequence would take if every layer with a window attended all of it; 1 without any."""
    layers = [layer for layer in model.layers if layer.attention.window and not layer.attention.has_past]
    unlimited = [layer._replace(attention=layer.attention._replace(window=0)) for layer in layers]
    kept, all_of = (counting.cache_bytes(model._replace(layers=tuple(each)), context) for each in (layers, unlimited))
    return 1 + (all_of - kept) / counting.cache_bytes(model, context) if layers else 1.0


def _growing(model: Model) -> Attention | None:
    """The attention whose cache grows the most with each token; None where none does."""
    growing = [layer for layer in model.layers if layer.attention.grows and not layer.attention.window]
    growing = growing or [layer for layer in model.layers if layer.attention.grows]
    return max((layer.attention for layer in growing), key=lambda each: each.cache, default=None)


def cache_kind(model: Model) -> str:
    """What the cache per token is made of: KV heads, latents, or a state that does not grow."""
    if (attention := _growing(model)) is None:
        return "a state or windows that do not grow"
    kind = f"{many(attention.kv_heads, 'KV head')} of {attention.head_dim}, {model.kv_bits:g} bits"
    if attention.latent:
        kind = f"latents of {attention.cache}, {model.kv_bits:g} bits"
        if packed := counting.packed_bytes(model, attention):
            kind = f"latents in {packed} B"
    index = [layer for layer in model.layers if layer.attention.index_cache]
    if index:
        size = counting.index_element_bytes(model, index[0].attention) * index[0].attention.index_cache
        kind += f", index keys in {size:g} B"
    windowed = sum(layer.times for layer in model.layers if layer.attention.window and not layer.attention.grows)
    if not windowed:
        return kind
    return f"{model.depth - windowed} of {model.depth} layers, once windows are full: {kind}"


def stored_notes(checkpoint: Checkpoint) -> list[Note]:
    """The bytes of the checkpoint where they are known, and why they are not those that were counted."""
    stored, model = checkpoint.stored_bytes, checkpoint.model
    if checkpoint.unsaid:
        return [Note("formats", f"counted in {model.quantization.name}, though {checkpoint.unsaid}")]
    if stored is None:
        return []
    text = f"the checkpoint's tensors hold {show(stored, 'B')}"
    counted, language = counting.weight_bytes(model), sum(counting.weight_bytes_by_part(model).values())
    excess = stored / counted - 1
    if abs(excess) <= ROUNDING:
        return [Note("checkpoint", text)]
    prediction = language / counting.total_params(model) * model.mtp_params
    side = "more" if excess > 0 else "less"
    reason = _reason(model, excess, with_prediction=abs(stored / (counted + prediction) - 1) <= ROUNDING)
    return [Note("checkpoint", f"{text}, {show(abs(excess), 'share')} {side} than the weights counted here: {reason}")]


def _reason(model: Model, excess: float, *, with_prediction: bool) -> str:
    """A likely reason: a config does not list the tensors of its checkpoint."""
    if excess < 0:
        return "likely a file is missing, or a format or a tied table that its config does not tell"
    if with_prediction and model.mtp_params:
        return "likely its prediction layers, which are not loaded by default"
    if not model.vision_known:
        return "likely a tower for images or sound, which is not counted"
    also = "prediction layers, " if model.mtp_params else ""
    return f"likely {also}padding, a stored tied table, or a format that its config does not tell"


# A part that its owner has, or a few: what holds a model that they do not hold as asked, each way tried by asking.


def _at(speed: float) -> str:
    return f" at {show(speed)} tokens/s" if speed else ""


def has_room(part: Preset) -> bool:
    """Whether there can be more of a part beside it: not in a laptop."""
    return part.labels.get("segment") != "laptop"


def _noun(rack: Rack) -> str:
    """What people call the one part that they have."""
    kind = rack.part.labels.get("kind")
    if rack.devices == 1 and kind in COMPUTERS:
        return "machine"
    return "card" if rack.devices == 1 and kind == "gpu" and has_room(rack.part) else "device"


def alone(scenario: Scenario, devices: int | None) -> Alone | None:
    """What holds a model that parts do not hold, so many of them too; None where they are not what their owner has."""
    rack = scenario.rack
    few = is_one(rack) or (rack.given and is_owned(rack.part) and rack.model.has_cache)
    if scenario.is_row or scenario.copies != 1 or not few:
        return None
    format = _richest(scenario, {})
    ways = _engine(scenario), _cache(scenario), _both(scenario, format), format, _larger(scenario)
    found = Alone(rack.devices, rack.part.name, *ways, devices=devices, noun=_noun(rack))
    if found.engine:
        found = found._replace(engine_speed=_speed(scenario, {"efficiency": found.engine}))
    if found.cache:
        found = found._replace(cache_speed=_speed(scenario, {"kv_dtype": CACHES[found.cache]}))
    if format:
        found = found._replace(speed=_speed(scenario, {"dtype": WEIGHTS[format]}))
    if any(found.both):
        changes = {"dtype": WEIGHTS[found.both[0]], "kv_dtype": CACHES[found.both[1]]}
        found = found._replace(both_speed=_speed(scenario, changes))
    hosted = "host" in options_of(scenario.question.command) and rack.part.labels.get("kind") not in COMPUTERS
    return _with_host(scenario, found) if hosted and not rack.plan.host else found


def more_in_host(scenario: Scenario) -> tuple[int, float]:
    """The least layers in a host, more than were asked for, with which it fits, and tokens a second; else zeros."""
    given, model = scenario.question.get("offload_layers"), scenario.rack.model
    if given is None or scenario.is_row or scenario.rack.plan.fits:
        return 0, 0.0
    for layers in range(int(given) + 1, int(sum(layer.times for layer in model.layers)) + 1):
        try:
            other = at_point(scenario.question, {"offload_layers": layers}, ORIGIN)
        except InfercostError:
            break
        if other.rack.plan.fits:
            return layers, _speed(scenario, {"offload_layers": layers})
    return 0, 0.0


def with_speed(report: Report, scenario: Scenario) -> Report:
    """An answer that says how fast one user's tokens come too, where who asks has the part and one is asked about."""
    rack = scenario.rack
    if scenario.is_row or scenario.copies != 1 or not (is_owned(rack.part) and rack.model.has_cache and report.met):
        return report
    if (found := _decoding(scenario, {})) is None:
        return report
    running, speed = found
    regime = decode_kind(1, local=is_local(rack.setup.stack))
    notes = [note for note in step_notes(running, (regime,), 1) if note.code in ("estimate", "bound")]
    about = "About" if kind(running, 1) == "estimate" else "At most"
    drafted = ""
    if rack.plan.draft:
        drafted = " without the draft; infercost utilization --acceptance 0.8 has it with the draft"
    said = f" {about} {show(float(f'{speed:.2g}'))} tokens/s for one user{drafted}."
    row = Row("tokens_per_s_per_user", speed, "one user, no draft" if drafted else "one user", shown=False)
    report = report.replace(verdict=report.verdict + said, results=(*report.results, row))
    return with_bands(report.replace(notes=(*notes, *report.notes)), rack)


def ways_of(question: Question, model: str) -> Alone | None:
    """What holds a model of those that a question without one is about; None where it cannot be asked by itself."""
    try:
        return alone(at_point(question, {**dict.fromkeys(CHOOSING), "model": model}, TRIED), None)
    except InfercostError:
        return None


def _with_host(scenario: Scenario, found: Alone) -> Alone:
    """The same with a host that holds a part of the model: as asked, or in a format richer than fits without one."""
    rack = scenario.rack
    host = HOSTS.get(rack.part.labels.get("segment", ""), "desktop-ddr5")
    room = catalog.load("hosts", host).value("memory")
    if _size(rack.model) <= _room(scenario) + room and _holds(scenario, {"host": host}):
        if not _lies_in_host(scenario, {"host": host}):
            return found
        return found._replace(host=host, hosted_speed=_speed(scenario, {"host": host}))
    beside = _richest(scenario, {"host": host}, room)
    if beside in ("", found.format) or not _lies_in_host(scenario, {"host": host, "dtype": WEIGHTS[beside]}):
        return found
    speed = _speed(scenario, {"host": host, "dtype": WEIGHTS[beside]})
    return found._replace(host=host, beside=beside, hosted_speed=speed)


def _engine(scenario: Scenario) -> str:
    """The profile of llama.cpp where it holds the same weights, which an engine of servers does not; else empty."""
    from infercost.models.gguf import has_file, is_same_in_file

    rack = scenario.rack
    model, stack = rack.model, rack.setup.stack
    if not is_other_engine(stack) or not keeps(scenario.question.get("kv_dtype")):
        return ""
    if not (has_file(model) and is_same_in_file(model)):
        return ""
    name = OF_FILES.get(rack.part.labels.get("vendor", ""), "llama.cpp")
    return name if _holds(scenario, {"efficiency": name}) else ""


def _cache(scenario: Scenario) -> str:
    """The format of eight bits, or of llama.cpp four, in which a cache makes it fit; empty where none does."""
    eight = eight_bit_cache(scenario.rack.setup.stack)
    names = (eight, "q4_0") if eight == "q8_0" else (eight,)
    fewer = (name for name in names if scenario.rack.model.kv_bits > CACHES[name].bytes_per_value * 8)
    return next((name for name in fewer if _holds(scenario, {"kv_dtype": CACHES[name]})), "")


def _both(scenario: Scenario, alone: str) -> tuple[str, str]:
    """A format that fits with a cache in eight bits and is richer than what fits ``alone``, and that cache's format."""
    formats = _formats(scenario)
    name = "q8_0" if SMALLER[0] in formats else eight_bit_cache(scenario.rack.setup.stack)
    if scenario.rack.model.kv_bits <= CACHES[name].bytes_per_value * 8:
        return "", ""
    found = _richest(scenario, {"kv_dtype": CACHES[name]})
    richer = found and (not alone or formats.index(found) < formats.index(alone))
    return (found, name) if richer else ("", "")


def _larger(scenario: Scenario) -> str:
    """The smallest of the larger sizes that a part is sold with that holds it as asked; empty where none does."""
    part = scenario.rack.part
    own = part.facts["memory"]
    sizes = {} if own.source.startswith("--set") else other_sizes(part)
    larger = (name for name, fact in sizes.items() if fact.value > own.value)
    count = {"gpus": scenario.rack.devices}
    return next((name for name in larger if _holds(scenario, {"gpu": name, **count})), "")


def _richest(scenario: Scenario, changes: Mapping[str, Any], more: float = 0.0) -> str:
    """The richest format smaller than the model's own that fits, with so many bytes of a host; empty where none does.

    What is larger than all memory is not asked about.
    """
    from infercost.models.find import stored_in

    model, room = scenario.rack.model, _room(scenario) + more
    names = _formats(scenario)
    if not names or _size(stored_in(model, WEIGHTS[names[-1]])) > room:
        return ""
    for name in names:
        smaller = _size(stored_in(model, WEIGHTS[name])) < min(_size(model), room)
        if smaller and _holds(scenario, {**changes, "dtype": WEIGHTS[name]}):
            return name
    return ""


def _speed(scenario: Scenario, changes: Mapping[str, Any]) -> float:
    """Tokens a second of one user with some options changed; 0 where several are asked about, or none is known."""
    found = _decoding(scenario, changes)
    return found[1] if found else 0.0


def _decoding(scenario: Scenario, changes: Mapping[str, Any]) -> tuple[Running, float] | None:
    """What decodes for one user with some options changed, and its tokens a second; None where ``_speed`` is 0."""
    question = scenario.question
    if scenario.rack.plan.batch > 1 or any(question.get(name) for name in LOADS):
        return None
    reading = Reading(question._replace(notes=()).changed(changes, TRIED))
    try:
        rack = read_rack(reading)
        running = read_running(reading, rack)
        step = pace_of(running, rack.plan.batch).tpot
    except InfercostError:
        return None
    return running, formulas.cost.tokens_per_s_per_user(step_time=step)


def _formats(scenario: Scenario) -> tuple[str, ...]:
    """Formats to try: files, but where several are served, or an engine was named, those of an engine of servers."""
    from infercost.models.gguf import FILES, has_file

    question, rack = scenario.question, scenario.rack
    served = rack.plan.batch > 1 or any(question.get(name) for name in LOADS)
    kept = is_other_engine(rack.setup.stack) and (served or question.get("efficiency"))
    has_files = has_file(rack.model) and not kept
    own = min(rack.model.quantization.of(part) for part in ("attention", "ffn", "experts"))
    without = tuple(name for name in WITHOUT_FILE if int(WEIGHTS[name].stored_bits) < int(own))
    return (*FILES, *SMALLER) if has_files else without


def _size(model: Model) -> float:
    return sum(counting.weight_bytes_by_part(model).values())


def _room(scenario: Scenario) -> float:
    """Bytes of memory of all devices, and of the host that was asked for."""
    plan = scenario.rack.plan
    return plan.device_memory * scenario.rack.devices + (held_memory(plan.host) if plan.host else 0.0)


def _lies_in_host(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether a host that was asked for holds anything of what fits."""
    plan = at_point(scenario.question, changes, TRIED).rack.plan
    return bool(plan.far_weights or plan.far_cache)


def _holds(scenario: Scenario, changes: Mapping[str, Any]) -> bool:
    """Whether one part holds the model with some options changed: the same question, asked again."""
    try:
        return at_point(scenario.question, changes, TRIED).rack.plan.fits
    except InfercostError:
        return False
