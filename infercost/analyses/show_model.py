"""A model's architecture as a small table: layers by kind, parameters by part, cache and arithmetic per token."""

from typing import Any

from infercost import counting
from infercost.analyses.stored import stored_notes
from infercost.model import Attention, Layer, Model
from infercost.models import Found
from infercost.report import Input, Note, Report, Row, Series
from infercost.units import show

#: A prompt that most models take.
PROMPT = 8192


def show_model(found: Found) -> Report:
    """What ``presets show`` prints of a model."""
    model = found.model
    total = counting.total_params(model)
    return Report(
        command="presets",
        verdict=f"{model.name}: {found.title}, {show(total, 'param')} parameters in {model.depth} layers.",
        inputs=(Input("model", model.name, "", "given", found.source, found.date),),
        results=_rows(found),
        parts=tuple((part, float(count), "param") for part, count in counting.params_by_part(model).items()),
        series=Series(("layers", "attention", "heads", "cache_elements", "ffn"), tuple(map(_layer_row, model.layers))),
        notes=tuple(_notes(found)),
    )


def _published(found: Found) -> str:
    active = found.published.get("active")
    return f"publisher says {active}" if active else "multiplied for one token"


def _rows(found: Found) -> tuple[Row, ...]:
    model = found.model
    full = model.max_context or PROMPT
    prompt = min(full, PROMPT)
    empty, whole = (
        2 * counting.active_params(model) + counting.decode_attention_flops(model, context) for context in (0, full)
    )
    return (
        Row("total_params", counting.total_params(model), "the language model alone"),
        Row("active_params", counting.active_params(model), _published(found)),
        Row("vision_params", model.vision_params, shown=bool(model.vision_params)),
        Row("mtp_params", model.mtp_params, "predict further tokens", shown=bool(model.mtp_params)),
        Row("weight_bytes", counting.weight_bytes(model), model.quantization.name),
        Row("kv_bytes_per_token", counting.growing_cache_bytes(model), _growth_remark(model)),
        Row("kv_bytes_per_sequence", counting.cache_bytes(model, full), f"at {full:,} tokens"),
        Row("flops_per_token", empty, "at an empty context"),
        Row("flops_per_token_full", whole, f"at {full:,} tokens"),
        Row("prefill_flops", counting.prefill_flops(model, prompt), f"a prompt of {prompt:,} tokens"),
        Row("max_context", model.max_context or None, "" if model.max_context else "its config does not say"),
    )


def _growth_remark(model: Model) -> str:
    """When the cache grows by so much a token."""
    if any(layer.attention.window for layer in model.layers):
        return f"{model.kv_bits:g} bits, once windows are full"
    return f"{model.kv_bits:g} bits" if counting.growing_cache_bytes(model) else "a state of fixed size"


def _kind(attention: Attention) -> str:
    """A kind of attention, with how many positions share an entry and how many a window keeps."""
    if attention.compress > 1:
        return f"{attention.kind.removesuffix(' compressed')} {attention.compress:,}x + {attention.window:,}"
    return f"{attention.kind} {attention.window:,}" if attention.window else attention.kind


def _layer_row(layer: Layer) -> dict[str, Any]:
    attention, ffn = layer.attention, layer.ffn
    heads = f"{attention.heads}/{attention.kv_heads} x {attention.head_dim}" if attention.cache else "-"
    wide = f"{ffn.experts} of {ffn.width:,}, {ffn.active} active" if ffn.experts else f"{ffn.width:,}"
    return {
        "layers": layer.times,
        "attention": _kind(attention),
        "heads": heads,
        "cache_elements": attention.cache + attention.index_cache,
        "ffn": f"{ffn.kind} {wide}" if ffn.width else ffn.kind,
        "parameters": attention.split + attention.copied + ffn.dense + ffn.shared + ffn.experts * ffn.expert,
    }


def _notes(found: Found) -> list[Note]:
    told = found.published
    notes = [Note("source", f"read in {found.source}, {found.date}" if found.date else f"read in {found.source}")]
    if "total" in told:
        active = f", {told['active']} active" if "active" in told else ""
        said = f"{told.get('source', 'the publisher')} says {told['total']} parameters{active}"
        notes.append(Note("published", f"{said}; publishers count active ones in three ways"))
    if found.note:
        notes.append(Note("note", found.note))
    if not found.model.vision_known:
        notes.append(Note("vision", "its vision tower is not known and not counted"))
    return notes + stored_notes(found)
