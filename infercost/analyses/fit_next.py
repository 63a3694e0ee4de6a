"""What follows from a plan: the single changes that make it fit, or the vLLM command that runs it."""

import re
import shlex

from infercost import counting
from infercost.formats import FORMATS, Format
from infercost.model import Quantization
from infercost.models import with_format
from infercost.plan import Plan
from infercost.preset import Preset
from infercost.question import Asked
from infercost.served import Asking, asked_widths, least
from infercost.sharding import Layout

#: A context or a batch that shrinks to less than this share is another question.
LEAST_SHARE = 1 / 8
#: Sequences that vLLM runs at once when nothing is said.
USUAL_SEQUENCES = 256
#: How vLLM is told to hold an unquantized checkpoint.
WEIGHTS = {
    "fp32": "--dtype float32",
    "bf16": "--dtype bfloat16",
    "fp16": "--dtype float16",
    "fp8": "--quantization fp8",
}


def advice(asked: Asked, asking: Asking, chosen: Plan) -> tuple[str, ...]:
    """Single changes that make a plan fit, the least first."""
    return tuple(_changes(asked, asking, chosen)) or (
        "no single change makes it fit: combine fewer bits with more devices",
    )


def _changes(asked: Asked, asking: Asking, chosen: Plan) -> list[str]:
    found, model = [], asking.model
    more = (least(asking, by_experts=True) if asked_widths(asked).ep > 1 else None) or least(asking)
    if more is not None:
        found.append(_devices(asked, more.layout))
    for name in ("fp8", "int4"):
        smaller = with_format(model, name, FORMATS[name].bytes_per_value * 8)
        fewer = counting.weight_bytes_by_part(smaller) != counting.weight_bytes_by_part(model)
        if fewer and asking.plan(chosen.layout, smaller).fits:
            found.append(f"weights in {name} (--dtype {name})")
            break
    if model.kv_bits > 8 and asking.plan(chosen.layout, model._replace(kv_bits=8)).fits:
        found.append("KV cache in fp8 (--kv-dtype fp8)")
    requested = "input_tokens" in asked.given  # its context follows from its lengths
    if not requested and (longest := chosen.longest_context) and longest >= LEAST_SHARE * chosen.context:
        found.append(f"a context of {longest:,} (--context {longest})")
    if (most := chosen.max_sequences) and most >= LEAST_SHARE * chosen.batch:
        found.append(f"a batch of {most:,} (--batch {most})")
    return found


def _devices(asked: Asked, more: Layout) -> str:
    """The devices and the layout that fit, as the flags that replace those that were given."""
    devices, given = more.devices, asked.get("gpu")
    part = given.name if isinstance(given, Preset) else re.sub(r":\d+$", "", given)
    flags = [f"--gpus {devices}" if "gpus" in asked.given else f"--gpu {shlex.quote(f'{part}:{devices}')}"]
    asked_for = asked_widths(asked)._asdict()
    if any(asked_for.values()):
        flags += [f"--{key} {new}" for key, new in more._asdict().items() if asked_for[key] or new > 1]
    return f"{devices} devices ({' '.join(flags)})"


def serve(asked: Asked, asking: Asking, chosen: Plan) -> tuple[str, str]:
    """The vLLM command that runs a plan, to paste, else why there is none."""
    found, layout = asking.found, chosen.layout
    format, cache = asked.get("dtype"), asked.get("kv_dtype")
    weights = _weights(format, found.model.quantization)
    kept = _cache(cache, format, found.model.kv_bits)
    if not found.hub_id:
        return "", f"no hub id or folder is known to hold weights of {found.title}"
    if found.model.quantization.name.startswith(("mlx", "exl2")):
        return "", f"vLLM does not load {found.model.quantization.name}"
    if weights is None:
        return "", f"vLLM loads {format.name} only from a checkpoint that is quantized so"
    if kept is None:
        return "", f"vLLM has no KV cache in {cache.name}"
    flags = [f"vllm serve {shlex.quote(found.hub_id)}"]
    flags += [f"--tensor-parallel-size {layout.tp}"] if layout.tp > 1 else []
    flags += [f"--pipeline-parallel-size {layout.pp}"] if layout.pp > 1 else []
    flags += [f"--data-parallel-size {layout.dp}"] if layout.dp > 1 else []
    flags += ["--enable-expert-parallel"] if layout.ep > 1 else []
    flags += [f"--max-model-len {chosen.context:.0f}", f"--gpu-memory-utilization {chosen.usable:g}"]
    flags += [f"--max-num-seqs {chosen.per_rank}"] if chosen.per_rank > USUAL_SEQUENCES else []
    return " ".join([*flags, *filter(None, (weights, kept))]), ""


def _weights(format: Format | None, own: Quantization) -> str | None:
    """The flag that makes vLLM hold weights so; None where it can not from this checkpoint."""
    if own.name == "fp32":
        return WEIGHTS.get(format.name if format else "bf16")
    if format is None or format.name == own.name:
        return ""
    return None if own.bits else WEIGHTS.get(format.name)


def _cache(format: Format | None, weights: Format | None, own_bits: float) -> str | None:
    """The flag that makes vLLM keep a cache so, by itself in the weights' 16 or 32 bits; None where it has none."""
    name = format.name if format else "fp8" if own_bits == 8 else ""
    if name in ("fp8", "8bit"):
        return "--kv-cache-dtype fp8"
    wide = weights is not None and weights.name == "fp32"
    if not name or (name == "fp32" and wide) or (name in ("bf16", "fp16") and not wide and own_bits > 8):
        return ""
    return "--kv-cache-dtype bfloat16" if name == "bf16" else None
