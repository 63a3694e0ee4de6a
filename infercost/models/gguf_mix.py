"""A model as llama-quantize stores it: the mean bits of each part, from the type of each of its tensors."""

import math
from collections.abc import Callable, Iterator

from infercost.models import counting
from infercost.models.families.matrices import Matrix, matrices_of_attention
from infercost.models.model import Attention, Ffn, Model, Quantization
from infercost.parts.gguf import EIGHT_EXPERTS_OUTPUT, FALCON, GROUPED, MANY, MIXES, TYPES, WHERE, Mix

#: Families of the architecture Falcon, whose mixes differ.
FALCONS = ("falcon", "RefinedWeb", "RefinedWebModel")
#: Families whose files hold queries, keys and values as one tensor, which counts as values.
FUSED = (*FALCONS, "phi3", "mpt", "bloom", "gpt_neox", "gpt2", "gpt_bigcode", "dbrx")
#: Columns of a mix by the first name that a matrix of attention has in checkpoints; all others have the base type.
COLUMNS = {"q_proj": "queries", "k_proj": "keys", "v_proj": "values", "o_proj": "output", "in_proj_qkv": "values"}
QKV = ("queries", "keys", "values")
#: Families and layers that llama.cpp takes for a 70B, where query heads share KV heads.
FAMILIES_OF_70B, LAYERS_OF_70B = ("llama", "qwen2", "nemotron-nas"), 80
#: Query heads that share a KV head, or experts, from which on some formats give values more bits.
MANY_HEADS = 4
#: Bits of vectors, norms, biases and routers.
UNQUANTIZED = 32.0
#: Formats of GGUF files that stand for those of other engines under llama.cpp.
STAND_INS = {
    "bf16": "bf16", "fp16": "f16", "mxfp4": "mxfp4",
    **dict.fromkeys(("int4", "4bit", "awq", "gptq"), "q4_k_m"), **dict.fromkeys(("fp8", "int8", "8bit"), "q8_0"),
}  # fmt: skip
#: Families that llama.cpp has no architecture of, or no converter: ggml-org/llama.cpp, src/llama-arch.cpp at 00395eb2
#: and conversion/__init__.py at 00bdaa10.
WITHOUT_FILES = (
    *("opt", "palm", "gptj", "internlm", "hunyuan", "mllama", "mllama_text_model", "minimax", "minimax_text_01"),
    *("minimax_m1", "minimax_m3", "phi3small", "zamba2", "longcat_flash", "bailing_hybrid", "granite_swa"),
    *("deepseek_v41", "dots3_note", "glm5_next", "inkling", "k2_horizon", "muse_glimmer", "nanbeige", "phi4mm"),
    *("qwen4_exp", "spark2_5", "whisper", "bart", "mbart", "m2m_100"),
)
#: Formats of files that people run, the richest first.
FILES = ("q8_0", "q6_k", "q5_k_m", "q4_k_m")
#: A file this many times larger or smaller than its label's format is in another one.
OTHER_FILE = 1.2
#: Formats that no file is taken for by its size alone: others have the same tensors but a few.
OF_OTHERS = ("q2_k_l", "q3_k_xl", "q4_k_l", "q5_k_l", "q6_k_l")
#: Parts of the weights that formats leave as they are.
UNCHANGED = ("router", "norms")
#: Formats whose down projections are counted one by one; others count layers.
BY_TENSOR = ("iq1_s", "iq1_m", "iq2_xxs", "iq2_xs", "iq2_s", "iq2_m")


class _Columns:
    """The columns of a format as one model has them, and how many tensors of each were stored so far."""

    def __init__(self, model: Model, name: str) -> None:
        self.mix, self.by_tensor = _mix_of(model, name), name in BY_TENSOR
        self.layers = model.depth
        self.attention = [[*_attention(model, layer.attention)] for layer in model.layers]
        self.has_values = [any(column == "values" for column, _, _ in each) for each in self.attention]
        self.all_values = sum(self.has_values[kind] for kind in model.order)
        self.values = self.downs = 0
        self.options: dict[str, list[tuple[str, Callable[[int, int], bool]]]] = {}

    def bits(self, column: str, row: float, layer: int) -> float:
        """Bits of a column's tensor in a layer, with rows of a width."""
        i, count = layer, self.layers
        if column == "values":
            i, count = self.values, self.all_values
        if column == "down" and self.by_tensor:
            i = self.downs
        self.downs += column == "down"
        if column not in self.options:
            options = (option.partition(" ") for option in (getattr(self.mix, column) or self.mix.base).split(", "))
            self.options[column] = [(kind, WHERE[where]) for kind, _, where in options]
        for kind, holds in self.options[column]:
            if holds(i, count):
                return type_bits(kind, row)
        return type_bits(self.mix.base, row)


def gguf_mix(model: Model, name: str) -> Quantization:
    """The bits that a GGUF format gives each part of a model, scales included: means over its tensors."""
    columns = _Columns(model, name)
    mix, hidden = columns.mix, model.hidden_size
    sizes: dict[str, float] = {}
    stored: dict[str, float] = {}
    for i, kind in enumerate(model.order):
        for part, size, each in _tensors(model, kind, columns, i):
            sizes[part] = sizes.get(part, 0) + size
            stored[part] = stored.get(part, 0) + size * each
    head = type_bits(mix.head, hidden)
    table = type_bits(mix.table or mix.base, hidden) if model.head else head
    bits = {part: stored[part] / sizes[part] for part in sizes}
    bits |= {"embedding": table, "head": head, "router": UNQUANTIZED, "norms": UNQUANTIZED}
    return Quantization(name, 16, bits)


def as_gguf(model: Model, name: str) -> Model:
    """The model in a file of a GGUF format; a vision tower has a file of its own, which llama.cpp loads if asked."""
    return model._replace(quantization=gguf_mix(model, name), vision_params=0)


def as_file_of(model: Model, bits: float, label: str = "") -> Model:
    """The model in a file whose weights have so many bits in the mean, whatever its label says.

    It has the format that the label names, or the nearest one where that is none or far from the file; what the file's
    makers changed of the format is spread over all of its matrices and tables.
    """
    label = {"fp16": "f16"}.get(label, label)
    near = as_gguf(model, label) if label in MIXES else None
    if near is None or not 1 / OTHER_FILE < bits / _mean_bits(near) < OTHER_FILE:
        files = (as_gguf(model, name) for name in MIXES if name not in OF_OTHERS)
        near = min(files, key=lambda file: abs(math.log(bits / _mean_bits(file))))
    params, own = counting.params_by_part(near), near.quantization
    fixed = sum(params[part] * own.of(part) for part in UNCHANGED)
    rest = sum(params[part] * own.of(part) for part in params if part not in UNCHANGED)
    scale = (bits * sum(params.values()) - fixed) / rest
    scaled = {part: each * (1 if part in UNCHANGED else scale) for part, each in own.bits.items()}
    return near._replace(quantization=own._replace(bits=scaled))


def _mean_bits(model: Model) -> float:
    return 8 * counting.weight_bytes(model) / counting.total_params(model)


def stand_in(quantization: Quantization) -> str:
    """The format of a GGUF file in which llama.cpp holds what other engines hold so; empty where there is none."""
    name = quantization.name
    if name.startswith(("gptq ", "awq ")):
        return STAND_INS["int4" if " 4" in name else "int8"]
    is_mixed = name == "fp8" and quantization.of("experts") < quantization.of("attention")  # experts of four bits
    return "" if is_mixed else STAND_INS.get(name, "")


def is_same_in_file(model: Model) -> bool:
    """Whether a file of llama.cpp holds the weights of a model as they are: in 16 bits, or in MXFP4 with experts."""
    name = model.quantization.name
    return stand_in(model.quantization) in (name, f"f{name.removeprefix('fp')}") and (
        name != "mxfp4" or model.is_sparse
    )


def has_file(model: Model) -> bool:
    """Whether llama.cpp reads files of a model's family."""
    return model.family.removesuffix("_text") not in WITHOUT_FILES


def with_head(model: Model, kind: str) -> Model:
    """The model with its head, or the table that is the head too, in a type of tensor."""
    part = "head" if model.head else "embedding"
    bits = {**model.quantization.bits, part: type_bits(kind, model.hidden_size)}
    return model._replace(quantization=model.quantization._replace(bits=bits))


def type_bits(kind: str, row: float) -> float:
    """Bits of a weight in a tensor with such rows: where they are no whole blocks, of a type with smaller blocks."""
    if row % TYPES[kind].block:
        kind = TYPES[kind].fallback or "f16"
    return TYPES["f16" if row % TYPES[kind].block else kind].bits


# The mix of one model


def _mix_of(model: Model, name: str) -> Mix:
    """The columns of a format for one model: rules that depend on the model applied."""
    mix = MIXES[name]
    if TYPES[mix.base].bits >= TYPES["f16"].bits or mix.stacked:
        return mix
    if is_falcon := model.family in FALCONS:
        mix = mix._replace(**{"output": "", **FALCON.get(name, {})})
    if is_falcon or model.hidden_size % TYPES[mix.base].block:
        mix = mix._replace(head="q8_0")
    two_bits = name in BY_TENSOR
    mix = mix._replace(values=_values(model, mix, risen=_is_70b(model) and not two_bits))
    if max(layer.ffn.experts for layer in model.layers) == 8:
        kind = "q4_k" if two_bits else "q8_0"
        mix = mix._replace(values=kind, keys=kind, output="q5_k" if name in EIGHT_EXPERTS_OUTPUT else "")
        mix = mix._replace(down=f"{mix.down}, q4_k more") if name == "iq3_m" else mix
    return mix


def _values(model: Model, mix: Mix, *, risen: bool) -> str:
    """The column of values: types for other models taken out, those of a 70B raised."""
    first = next((layer.attention for layer in model.layers if layer.attention.kv_heads), Attention("none"))
    grouped = first.heads >= MANY_HEADS * first.kv_heads > 0
    many = grouped or max(layer.ffn.experts for layer in model.layers) >= MANY_HEADS
    fits = {GROUPED: grouped, MANY: many}
    options = [option.partition(" ") for option in f"{mix.values}, {mix.base}".split(", ") if option]
    kept = [(kind, "" if where in fits else where) for kind, _, where in options if fits.get(where, True)]
    raised = [("q5_k" if risen and kind in ("q3_k", "q4_k") else kind, where) for kind, where in kept]
    return ", ".join(f"{kind} {where}".strip() for kind, where in raised)


def _is_70b(model: Model) -> bool:
    shared = any(layer.attention.heads > layer.attention.kv_heads > 0 for layer in model.layers)
    return model.family in FAMILIES_OF_70B and model.depth == LAYERS_OF_70B and shared


# Its tensors


def _tensors(model: Model, kind: int, columns: _Columns, i: int) -> Iterator[tuple[str, float, float]]:
    """The matrices of layer i, which is of a kind: part of the weights, size, and bits of a weight."""
    for column, size, row in columns.attention[kind]:
        yield "attention", size, columns.bits(column, row, i)
    columns.values += columns.has_values[kind]
    yield from _fed(model.hidden_size, model.layers[kind].ffn, columns, i)


def _attention(model: Model, attention: Attention) -> Iterator[tuple[str, float, float]]:
    """The matrices of a layer's attention: the column of each, its size and the width of its rows."""
    matrices = [(names, size) for names, size in matrices_of_attention(model.hidden_size, attention) if size]
    for names, size in matrices:
        column = COLUMNS.get(names[0], "base")
        if column in QKV and model.family in FUSED:
            column = "values"
        yield column, size, _row(model, attention, names, size, matrices)


def _row(model: Model, attention: Attention, names: tuple[str, ...], size: float, matrices: list[Matrix]) -> float:
    """The width of a matrix's rows: of all heads for outputs, of a head's unrotated keys where latents become keys."""
    if names[0] in ("o_proj", "out_proj"):
        return size / model.hidden_size
    if names == ("kv_b_proj",):
        values = next(size for names, size in matrices if names[1:] == ("v_b_proj",))
        return size / values * attention.v_head_dim
    return model.hidden_size


def _fed(hidden: int, ffn: Ffn, columns: _Columns, i: int) -> Iterator[tuple[str, float, float]]:
    """The matrices of the feed-forward part of layer i: part of the weights, size, and bits of a weight."""
    if ffn.kind == "linear":
        yield "ffn", ffn.dense, columns.bits("base", hidden, i)
    elif ffn.dense:
        yield "ffn", ffn.dense, _projected(columns, ffn.dense / (hidden * ffn.width), hidden, ffn.width, i)
    if not ffn.experts:
        return
    row, projections = ffn.expert_input or hidden, 2 * hidden * ffn.expert_input
    matrices = round(ffn.expert / (row * ffn.width))
    bits = _projected(columns, matrices, row, ffn.width, i)
    stacked = columns.mix.stacked
    yield "experts", ffn.experts * ffn.expert, type_bits(stacked, row) if stacked else bits
    if projections:
        yield "shared", projections, columns.bits("base", hidden, i)
    if shared := ffn.shared - projections:
        yield "shared", shared, _projected(columns, matrices, hidden, shared / (matrices * hidden), i)


def _projected(columns: _Columns, matrices: float, row: float, width: float, i: int) -> float:
    """Mean bits of a gate if there is one, an up and a down projection, the last of which has rows of the width."""
    count = min(max(round(matrices), 2), 3)
    return ((count - 1) * columns.bits("gate", row, i) + columns.bits("down", width, i)) / count
