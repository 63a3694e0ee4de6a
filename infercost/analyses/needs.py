"""What a model needs of memory whatever holds it: its weights, its sequences, and the least card for both."""

from collections.abc import Iterator

from infercost import formulas
from infercost.analyses.many import at_point
from infercost.analyses.own_memory import cache_kind, stored_notes, weight_rows
from infercost.errors import InfercostError
from infercost.models import counting
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.report import Note, Report, Row
from infercost.scenario.scenario import Need, Scenario
from infercost.units import many, show

ORIGIN = "what holds it"
#: Where a card is sold that is looked for by its memory, and whose: most people run models on these.
SEGMENTS, VENDOR = ("desktop", "workstation"), "NVIDIA"
BEFORE = "before what an engine takes"


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
        load = f"{need.batch:,} x {many(need.context, 'token')}"
        of_cache = (
            Row("kv_bytes_per_token", counting.growing_cache_bytes(model), cache_kind(model)),
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
    token = f" A token takes {show(grows, 'B')} of KV cache." if (grows := counting.growing_cache_bytes(model)) else ""
    sizes = f"{stored} for {its} weights and {show(cache, 'B')} for {load}: {show(total, 'B')}, {BEFORE}"
    return f"{sizes}.{_card_words(scenario)}{token}"


def _card_words(scenario: Scenario) -> str:
    """The memory of the least card that holds it beside its engine; empty for rows, and where none does."""
    need = scenario.need
    if scenario.is_row or need is None or need.checkpoint is None:
        return ""
    card = next(_cards(scenario), None)
    return f" A card of {show(card.value('memory'), 'B')} holds it ({card.id})." if card else ""


def _cards(scenario: Scenario) -> Iterator[Preset]:
    """Cards that hold it, one of each size, the least first, as ``fit --gpu`` counts them."""
    parts = [catalog.load("accelerators", name) for name in catalog.names("accelerators")]
    cards = [part for part in parts if part.labels.get("segment") in SEGMENTS and part.labels.get("vendor") == VENDOR]
    sizes = {part.value("memory"): part for part in reversed(cards)}
    for size in sorted(sizes):
        try:
            rack = at_point(scenario.question, {"gpu": sizes[size].id, "gpus": 1}, ORIGIN).rack
        except InfercostError:
            continue
        if rack.plan.fits:
            yield sizes[size]


def _notes(need: Need) -> Iterator[Note]:
    yield Note("engine", "activations, graphs and buffers of an engine come on top: with --gpu they are counted")
    if need.checkpoint is None:
        return
    yield from stored_notes(need.checkpoint)
    if not need.model.vision_known:
        yield Note("vision", "a tower for images or sound is not known and not counted")
