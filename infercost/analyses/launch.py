"""The command to paste: the engine that an answer is for, started with the model, the layout and the memory of it."""

import shlex
from collections.abc import Callable
from json import dumps
from math import ceil
from typing import NamedTuple

from infercost.models.find import Checkpoint, find_model
from infercost.models.model import Quantization, Rope, method
from infercost.parts.bands import unmeasured
from infercost.parts.formats import PACKED, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import SHARED, is_nominal, reads_gguf
from infercost.replica.memory import Blocks, Plan, Rack
from infercost.replica.serving import USUAL_SEQUENCES
from infercost.scenario.scenario import Scenario, running_sequences

GIB = 2**30
#: Parts that no serving engine of accelerators runs on.
CPUS = ("epyc", "xeon")


class Engine(NamedTuple):
    """How an engine is started: its name, the vendors whose parts it runs on, and the flags of its command.

    ``weights`` are the flags that make it hold an unquantized checkpoint in a format, ``cache`` that of an 8-bit cache,
    ``positions`` that of settings of a config, empty where it has none.
    """

    name: str
    vendors: tuple[str, ...]
    flags: Callable[["Start"], list[str]]
    weights: dict[str, str]
    cache: str
    offloads: bool = True
    positions: str = ""


class Start(NamedTuple):
    """What a command says: the id of the weights, the plan, sequences at most (0: the engine's own), the draft.

    ``draft`` are its settings as vLLM takes them: its method, where it has one, and the id of its weights.
    """

    hub_id: str
    plan: Plan
    most: int
    draft: dict[str, str]


def serve(scenario: Scenario, checkpoint: Checkpoint) -> tuple[str, str]:
    """The command that runs it on the engine that was planned for, or why there is none."""
    rack = scenario.rack
    stack, part = rack.setup.stack, rack.part
    if reads_gguf(stack) or rack.model.quantization.is_gguf:
        return _serve_file(rack.plan, checkpoint)
    if is_nominal(stack) or "until" in stack.labels:
        return "", f"profile {stack.name} is of no engine of today"
    if "engine" not in part.labels and stack.name == SHARED:
        return "", f"no engine of {part.name} was measured"
    engine = engine_of(stack)
    if part.labels.get("vendor") not in engine.vendors or part.id.startswith(CPUS):
        return "", f"{engine.name} does not run on {part.name}"
    return _serve_checkpoint(scenario, checkpoint, engine)


#: How an engine spans nodes: docs.vllm.ai, Parallelism and Scaling; docs.sglang.io, Multi-Node Deployment (2026-11).
_OVER_NODES = {
    "vLLM": "start Ray on the first (ray start --head) and on each other (ray start --address), the command there",
    "SGLang": "start it on each, with --nnodes {nodes}, its own --node-rank and the first one's --dist-init-addr",
}


def on_nodes(rack: Rack) -> str:
    """What to add to a command whose replica spans several nodes; empty within one."""
    nodes, apart = ceil(rack.devices / rack.setup.domain), rack.plan.layout.dp > 1
    how = "" if apart else _OVER_NODES.get(engine_of(rack.setup.stack).name, "")
    how = how or "the command is that of one, and the engine's documentation has what each other needs"
    return f"a replica spans {nodes} nodes: {how.format(nodes=nodes)}" if nodes > 1 else ""


def engine_of(stack: Preset) -> Engine:
    """The engine of a profile that is not of llama.cpp: vLLM where it is of several."""
    names = stack.labels.get("frameworks", "")
    return next((ENGINES[name] for name in ENGINES if names.startswith(name)), ENGINES["vllm"])


def _serve_file(plan: Plan, checkpoint: Checkpoint) -> tuple[str, str]:
    """The command of llama.cpp, whose server shares one context among its slots, or why there is none."""
    if engine := unmeasured(plan.model.quantization.name):
        return "", f"{engine} alone loads {plan.model.quantization.name}, and its flags are not known here"
    if plan.draft:
        return "", "no flags of llama.cpp for a draft are known here"
    if not checkpoint.source.endswith(".gguf"):
        return "", f"llama.cpp loads a GGUF file of {checkpoint.title}: give yours as --model FILE.gguf"
    slots = [f"--parallel {plan.batch}"] if plan.batch > 1 else []
    whole = plan.split.offload.layers if plan.split else 0
    on_card = plan.model.depth - whole if whole else 999
    start = f"llama-server --model {shlex.quote(checkpoint.source)} --n-gpu-layers {on_card}"
    return " ".join([start, f"--ctx-size {plan.batch * plan.context:.0f}", *slots, *_in_host(plan)]), ""


def _in_host(plan: Plan) -> list[str]:
    """The flags of llama.cpp for what lies in a host beside whole layers."""
    if plan.split is None:
        return []
    offload = plan.split.offload
    first = offload.layers + offload.experts  # those with experts there follow the whole ones
    experts = [f"--n-cpu-moe {first}"] if offload.experts else []
    return experts + (["--no-kv-offload"] if offload.cache else [])


def _serve_checkpoint(scenario: Scenario, checkpoint: Checkpoint, engine: Engine) -> tuple[str, str]:
    """The command of a serving engine, or why there is none."""
    rack = scenario.rack
    format, cache = scenario.question.get("dtype"), scenario.question.get("kv_dtype")
    stored, name = checkpoint.model.quantization, engine.name
    weights_flag = _weights_flag(engine, format, stored)
    cache_flag = _cache_flag(engine, cache, format, checkpoint.model.kv_bits)
    if cache_flag and cache is not None and cache.name in _CACHES_OF_VLLM:
        cache_flag = _packed_flag(cache_flag, rack)
    if not checkpoint.hub_id:
        return "", f"no hub id or folder is known to hold weights of {checkpoint.title}"
    if stored.name.startswith(("mlx", "exl")):
        return "", f"{name} does not load {stored.name}"
    if weights_flag is None:
        return "", f"{name} loads {(format or stored).name} only from a checkpoint that is quantized so"
    if cache_flag is None:
        return "", f"{name} has no KV cache in {cache.name}"
    if refused := _refused_plan(rack.plan, engine) or _refused_task(checkpoint, engine):
        return "", refused
    if lacks_bf16(rack.part):
        if not engine.weights:
            return "", f"{name} runs on no part without bf16 arithmetic"
        weights_flag = _in_half(weights_flag)
    draft, refused = _draft(scenario, engine)
    if refused:
        return "", refused
    flags = engine.flags(Start(shlex.quote(checkpoint.hub_id), rack.plan, most_sequences(scenario, engine), draft))
    rope_flag = _rope_flag(engine, rack.model.rope)
    return " ".join([*flags, *filter(None, (rope_flag, weights_flag, cache_flag))]), ""


def _rope_flag(engine: Engine, rope: Rope | None) -> str:
    """The flag that stretches positions, empty where they are the config's own."""
    if rope is None:
        return ""
    settings = {"rope_type": "yarn", "factor": rope.factor, "original_max_position_embeddings": rope.original}
    return f"{engine.positions} {shlex.quote(dumps({'rope_scaling': settings}))}"


def _refused_plan(plan: Plan, engine: Engine) -> str:
    """Why an engine has no flags for a plan: what lies in the host, experts on some of the ranks."""
    layout, name = plan.layout, engine.name
    if plan.far_cache or (plan.far_weights and not engine.offloads):
        return f"{name} has no flag for {'a cache' if plan.far_cache else 'weights'} that is read in the host"
    if layout.ep not in (1, layout.tp * layout.dp):
        return f"{name} spreads experts over all {layout.tp * layout.dp} ranks of a stage, not over {layout.ep}"
    if name == "TensorRT-LLM" and layout.dp > 1:
        return f"{name} takes data parallel attention from a file alone (enable_attention_dp)"
    if rope := plan.model.rope:
        if plan.model.family.endswith("_text"):
            return "the parameters of YaRN go into the text part of its config: its card says which"
        if not engine.positions:
            return f"{name} has no flag for positions stretched {rope.factor:g} times"
    return ""


def _refused_task(checkpoint: Checkpoint, engine: Engine) -> str:
    """Why there is no command for a model that decodes nothing: one engine's flag for it is known."""
    model = checkpoint.model
    if not model.prefill_only:
        return ""
    if not model.is_encoder and "reranker" in checkpoint.title.lower():
        return f"{engine.name} ranks with a decoder by settings that its card says (--hf-overrides in vLLM)"
    return "" if engine.name == "vLLM" else f"no flag of {engine.name} is known for a model that decodes nothing"


def _draft(scenario: Scenario, engine: Engine) -> tuple[dict[str, str], str]:
    """A draft as vLLM is told of it, and why an engine has no flags for it."""
    drafting, model = scenario.rack.setup.drafting, scenario.rack.model
    if drafting is None:
        return {}, ""
    if engine.name == "TensorRT-LLM":
        return {}, f"{engine.name} has no flag for such a draft"
    if drafting.shape:
        head = method("eagle3").hub_id(model.name)
        return {
            "method": "eagle3",
            "model": head,
        }, "" if head else f"no published EAGLE-3 head of {model.name} is known"
    if drafting.model is None:
        return {"method": "mtp"}, ""
    own = find_model(str(scenario.question.get("draft_model"))).hub_id
    return {"model": own}, "" if own and engine.name == "vLLM" else f"{engine.name} has no flag for such a draft"


def lacks_bf16(part: Preset) -> bool:
    """Whether a part multiplies in fp16 and not in bf16, in which most checkpoints are stored."""
    return "flops_fp16" in part.facts and "flops_bf16" not in part.facts


def _in_half(flag: str) -> str:
    """The flag for weights on a part that has no bf16: activations, and weights that are not quantized, in fp16."""
    if "float32" in flag or "float16" in flag.replace("bfloat16", ""):
        return flag
    return " ".join(filter(None, ("--dtype half", "" if "bfloat16" in flag else flag)))


def few_blocks(rack: Rack) -> Blocks | None:
    """The blocks of states, where vLLM may want more than there are and refuse to start; else None."""
    plan, start = rack.plan, rack.plan.start
    is_few = plan.blocks is not None and plan.blocks.are_few(start.asked or max(start.sequences, plan.per_rank))
    return plan.blocks if is_few and engine_of(rack.setup.stack).name == "vLLM" else None


def most_sequences(scenario: Scenario, engine: Engine) -> int:
    """Sequences that the engine must be told to run at most, 0 where it starts with its own number."""
    plan, blocks = scenario.rack.plan, few_blocks(scenario.rack)
    asked = plan.start.asked or (plan.per_rank if plan.per_rank > USUAL_SEQUENCES else 0)
    if blocks:  # of the length that it is started for, where states leave room for no more of them
        held = (plan.max_sequences or 0) // plan.layout.dp or blocks.sequences
        return max(min(asked or held, blocks.sequences), plan.per_rank)
    return asked or _held(scenario, engine)


def _held(scenario: Scenario, engine: Engine) -> int:
    """Sequences of the context that was asked for that the cache holds, where the engine starts with more; else 0.

    More are begun and then thrown out (docs.vllm.ai, Optimization and Tuning, Preemption: lower max_num_seqs). SGLang
    counts all groups together (sgl-project/sglang, max_running_requests over the attention's data parallel ranks).
    """
    rack = scenario.rack
    groups = rack.plan.layout.dp
    held = (rack.plan.max_sequences or 0) // groups if "context" in scenario.question.given else 0
    if not 0 < held < running_sequences(rack.setup):
        return 0
    return held * groups if engine.name == "SGLang" else held


def _weights_flag(engine: Engine, format: Format | None, stored: Quantization) -> str | None:
    """The flag that makes an engine hold weights in a format; None where it cannot from this checkpoint."""
    if stored.name == "fp32":
        return engine.weights.get(format.name if format else "bf16")
    if format is None or format.name in (stored.name, stored.name.partition(" ")[0]):
        return ""
    return None if stored.bits else engine.weights.get(format.name)


#: vLLM 0.33, config/cache.py.
_CACHES_OF_VLLM = ("nvfp4", *PACKED)


def _packed_flag(flag: str, rack: Rack) -> str | None:
    """The flag of a packed cache as the model's attention takes it; None where neither does, or the part does not.

    FP4 is FlashInfer's, which is NVIDIA's; latents take it where they are sparse (vLLM 0.33, v1/attention/backends).
    """
    attends = [layer.attention for layer in rack.model.layers if layer.attention.cache]
    if rack.part.labels.get("vendor") != "NVIDIA" and flag.endswith("nvfp4"):
        return None
    if any(each.latent for each in attends):
        return f"{flag}_ds_mla" if flag.endswith("nvfp4") and all(each.packed_four for each in attends) else None
    return flag


def _cache_flag(engine: Engine, format: Format | None, weights: Format | None, stored_bits: float) -> str | None:
    """The flag that makes it keep a cache in a format, empty where it does so by itself; None where it cannot."""
    name = format.name if format else "fp8" if stored_bits == 8 else ""
    if name in ("fp8", "8bit"):
        return f"{engine.cache} {'fp8_e4m3' if engine.name == 'SGLang' else 'fp8'}"
    if (name == "nvfp4" and engine.name == "TensorRT-LLM") or (name in _CACHES_OF_VLLM and engine.name == "vLLM"):
        return f"{engine.cache} {name}"
    wide = weights is not None and weights.name == "fp32"
    if not name or (name == "fp32" and wide) or (name in ("bf16", "fp16") and not wide and stored_bits > 8):
        return ""
    return f"{engine.cache} bfloat16" if name == "bf16" and engine.name == "vLLM" else None


# Engines of checkpoints


def _vllm(start: Start) -> list[str]:
    plan, layout = start.plan, start.plan.layout
    widths = {"tensor": layout.tp, "pipeline": layout.pp, "data": layout.dp}
    return [
        f"vllm serve {start.hub_id}",
        *(["--runner pooling"] if plan.model.prefill_only else []),
        *(f"--{axis}-parallel-size {width}" for axis, width in widths.items() if width > 1),
        *(["--enable-expert-parallel"] if layout.ep > 1 else []),
        f"--max-model-len {plan.context:.0f} --gpu-memory-utilization {plan.usable:g}",
        *([f"--max-num-seqs {start.most}"] if start.most else []),
        *([f"--max-num-batched-tokens {plan.start.asked_tokens}"] if plan.start.asked_tokens else []),
        *_speculative(start),
        *_offloaded(plan),
    ]


def _speculative(start: Start) -> list[str]:
    """The flag of vLLM for a draft: the model's own head, or another or a model by its id."""
    draft = start.plan.draft
    if draft is None:
        return []
    settings = dumps({**start.draft, "num_speculative_tokens": draft.tokens}, separators=(",", ":"))
    return [f"--speculative-config {shlex.quote(settings)}"]


def _sglang(start: Start) -> list[str]:
    """SGLang finds its share by itself where none was given; attention that is data parallel shares its ranks."""
    plan, layout = start.plan, start.plan.layout
    widths = {"tp": layout.ranks, "pp": layout.pp, "dp": layout.dp, "ep": layout.ep}
    return [
        f"python -m sglang.launch_server --model-path {start.hub_id}",
        *(f"--{axis}-size {width}" for axis, width in widths.items() if width > 1),
        *(["--enable-dp-attention"] if layout.dp > 1 else []),
        f"--context-length {plan.context:.0f}",
        *([] if plan.start.rule else [f"--mem-fraction-static {plan.usable:g}"]),
        *([f"--max-running-requests {start.most}"] if start.most else []),
        *([f"--chunked-prefill-size {plan.start.asked_tokens}"] if plan.start.asked_tokens else []),
        *_drafting(start),
        *_offloaded(plan),
    ]


def _drafting(start: Start) -> list[str]:
    """SGLang's flags for a head, that a model carries or by its id: a chain of so many tokens."""
    draft = start.plan.draft
    if draft is None:
        return []
    tokens = f"--speculative-num-steps {draft.tokens} --speculative-num-draft-tokens {draft.tokens + 1}"
    head = f"EAGLE3 --speculative-draft-model-path {start.draft['model']}" if "model" in start.draft else "EAGLE"
    return [f"--speculative-algorithm {head} --speculative-eagle-topk 1 {tokens}"]


def _tensorrt_llm(start: Start) -> list[str]:
    """TensorRT-LLM plans with a share of what weights and its own buffers leave; a YAML file has the rest."""
    plan, layout = start.plan, start.plan.layout
    widths = {"tp": layout.ranks, "pp": layout.pp, "ep": layout.ep}
    return [
        f"trtllm-serve {start.hub_id}",
        *(f"--{axis}_size {width}" for axis, width in widths.items() if width > 1),
        f"--max_seq_len {plan.context:.0f}",
        f"--kv_cache_free_gpu_memory_fraction {plan.usable:g}",
        *([f"--max_batch_size {start.most}"] if start.most else []),
        *([f"--max_num_tokens {plan.start.asked_tokens}"] if plan.start.asked_tokens else []),
    ]


def _offloaded(plan: Plan) -> list[str]:
    return [f"--cpu-offload-gb {ceil(plan.far_weights / plan.layout.devices / GIB)}"] if plan.far_weights else []


_DTYPES = {"fp32": "--dtype float32", "bf16": "--dtype bfloat16", "fp16": "--dtype float16"}
_FP8 = {"fp8": "--quantization fp8"}
#: By the name under ``frameworks`` of a profile.
ENGINES = {
    "vllm": Engine(
        "vLLM",
        ("NVIDIA", "AMD", "Intel", "Google", "AWS"),
        _vllm,
        _DTYPES | _FP8,
        "--kv-cache-dtype",
        positions="--hf-overrides",
    ),
    "sglang": Engine(
        "SGLang",
        ("NVIDIA", "AMD", "Intel"),
        _sglang,
        _DTYPES | _FP8,
        "--kv-cache-dtype",
        positions="--json-model-override-args",
    ),
    "TensorRT": Engine("TensorRT-LLM", ("NVIDIA",), _tensorrt_llm, {}, "--kv_cache_dtype", offloads=False),
}
