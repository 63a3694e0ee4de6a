"""A GGUF header as a model, its keys under the names of a config; and a model as llama-quantize stores it."""

import math
import re
import struct
from collections.abc import Callable, Iterator
from math import prod
from typing import Any, BinaryIO, NamedTuple

from infercost.errors import BadFile, Missing, closest, reason
from infercost.models import counting
from infercost.models.families.config import Matrix, matrices_of_attention
from infercost.models.families.table import read_model
from infercost.models.model import Attention, Ffn, Model, Quantization
from infercost.parts.formats import EIGHT_EXPERTS_OUTPUT, FALCON, IN_GROUPS, MANY, MIXES, TYPES, WHERE, Mix

#: Bits of a weight, block scales included, by the number of a tensor's type.
TYPE_BITS = {kind.number: kind.bits for kind in TYPES.values()}
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_TEXT, _ARRAY = 8, 9
#: Counts and bytes beyond these are no header: vocabularies have up to 300,000 entries, in some ten megabytes.
_MOST_KEYS, _MOST_TENSORS, _MOST_ITEMS, _LARGEST = 10_000, 100_000, 2_000_000, 50_000_000
#: Bytes of a text: at most a chat template.
_LONGEST = 1_000_000
#: Entries of a list that are kept: one a layer. A longer list is given by its length.
_KEPT = 4096
#: Dimensions that a tensor can have, and weights.
_MOST_DIMENSIONS, _MOST_WEIGHTS = 8, 10**15


class Tensor(NamedTuple):
    """One tensor of the file: its name, its shape, and the bits of one weight."""

    name: str
    shape: tuple[int, ...]
    bits: float


class Header(NamedTuple):
    """The keys and tensors of a GGUF file; long arrays are given by their length."""

    keys: dict[str, Any]
    tensors: tuple[Tensor, ...]


#: llama.cpp's architectures by the model type that describes them.
ARCHITECTURES = {
    "llama": "llama", "mistral3": "mistral", "qwen2": "qwen2", "qwen2moe": "qwen2_moe", "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe", "gemma": "gemma", "gemma2": "gemma2", "gemma3": "gemma3", "phi3": "phi3",
    "gpt-oss": "gpt_oss", "deepseek2": "deepseek_v3", "glm4": "glm4", "glm4moe": "glm4_moe", "command-r": "cohere",
    "falcon": "falcon", "olmoe": "olmoe", "granite": "granite", "granitemoe": "granitemoe", "dbrx": "dbrx",
    "minimax-m2": "minimax_m2", "smollm3": "smollm3", "starcoder2": "starcoder2", "nemotron": "nemotron",
    "ernie4_5": "ernie4_5", "seed_oss": "seed_oss",
}  # fmt: skip
#: Keys below the architecture's name, and those of a config.
KEYS = {
    "embedding_length": "hidden_size", "block_count": "num_hidden_layers", "context_length": "max_position_embeddings",
    "vocab_size": "vocab_size", "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads", "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim", "attention.sliding_window": "sliding_window",
    "attention.q_lora_rank": "q_lora_rank", "attention.kv_lora_rank": "kv_lora_rank",
    "expert_count": "num_local_experts", "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size", "leading_dense_block_count": "first_k_dense_replace",
    "nextn_predict_layers": "num_nextn_predict_layers",
    "expert_shared_count": "n_shared_experts", "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
}  # fmt: skip
#: Marks in the name of a matrix of the part that it belongs to; the first that fits counts.
_PARTS = (
    ("token_embd.", "embedding"),
    ("_exps.", "experts"),
    ("_shexp.", "shared"),
    ("ffn_gate_inp.", "router"),
    (".attn_", "attention"),
    (".ssm_", "attention"),
    (".shortconv.", "attention"),
    (".indexer.", "attention"),
    (".ffn_", "ffn"),
)
#: Marks of tensors that count as vectors whatever their shape.
_VECTORS = ("_norm.", "_conv1d.", ".conv.", "position_embd.", "_gate_inp_shexp.")
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


def read_header(path: str) -> Header:
    """The header of a GGUF file; BadFile if unreadable, no GGUF, cut short, or with a tensor type not known."""
    try:
        with open(path, "rb") as file:
            return _header(file, path)
    except OSError as error:
        raise BadFile(f"model {path}: {reason(error)}", "give a readable GGUF file") from error
    except (struct.error, LookupError, ValueError, MemoryError, OverflowError) as error:
        raise BadFile(f"model {path}: its header is cut short or broken", "download it again") from error


def _header(file: BinaryIO, path: str) -> Header:
    if file.read(4) != b"GGUF":
        raise BadFile(f"model {path}: is no GGUF file", "give a .gguf file")
    _, tensors, keys = struct.unpack("<IQQ", file.read(20))
    if keys > _MOST_KEYS or tensors > _MOST_TENSORS:
        raise BadFile(f"model {path}: its header is broken", "download it again")
    values = {_key(file): _value(file, _number(file, "I")) for _ in range(keys)}
    return Header(values, tuple(_tensor(file, path) for _ in range(tensors)))


def _key(file: BinaryIO) -> str:
    """The name of a key or a tensor; OverflowError beyond the end of any header."""
    if file.tell() > _LARGEST:
        raise OverflowError
    return _text(file)


def _number(file: BinaryIO, form: str) -> Any:
    return struct.unpack(f"<{form}", file.read(struct.calcsize(f"<{form}")))[0]


def _count(file: BinaryIO, most: int, form: str = "Q") -> int:
    """A count or a length that the header gives.

    Raises:
        OverflowError: more than any header has.
    """
    if (count := int(_number(file, form))) > most:
        raise OverflowError
    return count


def _text(file: BinaryIO) -> str:
    return file.read(_count(file, _LONGEST)).decode()


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == _TEXT:
        return _text(file)
    if kind != _ARRAY:
        return _number(file, _SCALARS[kind])
    item, length = _number(file, "I"), _count(file, _MOST_ITEMS)
    if item == _TEXT:  # a vocabulary: only its length counts
        for _ in range(length):
            file.seek(_count(file, _LONGEST), 1)
        return length
    size = struct.calcsize(f"<{_SCALARS[item]}")
    if length > _KEPT:
        file.seek(size * length, 1)
        return length
    return [_number(file, _SCALARS[item]) for _ in range(length)]


def _tensor(file: BinaryIO, path: str) -> Tensor:
    name = _key(file)
    shape = tuple(_number(file, "Q") for _ in range(_count(file, _MOST_DIMENSIONS, "I")))
    if not 0 < prod(shape) <= _MOST_WEIGHTS:
        raise ValueError
    kind = _number(file, "I")
    _number(file, "Q")
    if kind not in TYPE_BITS:
        raise BadFile(f"model {path}: tensor {name} is of type {kind}, which is not known", "update infercost")
    return Tensor(name, shape, TYPE_BITS[kind])


def read_gguf(path: str, name: str) -> Model:
    """The model of a GGUF file, from its header; Missing for an architecture or key, BadFile as ``read_header``."""
    header = read_header(path)
    try:
        config = config_of(header, path)
    except (TypeError, ValueError) as error:
        raise BadFile(f"model {path}: its header holds a value that cannot be: {error}", "download it again") from error
    model = read_model(config, name, f"model {path}")
    return model._replace(quantization=_quantization(header, model.depth))


def config_of(header: Header, path: str) -> dict[str, Any]:
    """The keys of a header under the names of a config; Missing for an architecture that is not known."""
    architecture = str(header.keys.get("general.architecture"))
    if architecture not in ARCHITECTURES:
        hint = f"{closest(architecture, sorted(ARCHITECTURES))}give the model's config.json instead"
        raise Missing(f"model {path}: the GGUF architecture {architecture!r} is not known", hint)
    config: dict[str, Any] = {"model_type": ARCHITECTURES[architecture]}
    for key, name in KEYS.items():
        value = header.keys.get(f"{architecture}.{key}")  # what a header does not say, the model does not have
        config[name] = max(value) if isinstance(value, list) else value
    if config["num_hidden_layers"] and (predicting := config["num_nextn_predict_layers"]):
        config["num_hidden_layers"] -= predicting
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    if config["vocab_size"] is None:
        config["vocab_size"] = header.keys.get("tokenizer.ggml.tokens") or shapes.get("token_embd.weight", (0, 0))[-1]
    config["tie_word_embeddings"] = "output.weight" not in shapes
    if architecture == "llama" and config["num_local_experts"]:
        config["model_type"] = "mixtral"
    if architecture == "deepseek2":
        config |= _latent_widths(header, path)
    return config


def _latent_widths(header: Header, path: str) -> dict[str, int]:
    """Head widths of latent attention, which newer files give apart from those of the absorbed form."""
    keys = {key.removeprefix("deepseek2."): value for key, value in header.keys.items()}
    try:
        rope = int(keys["rope.dimension_count"])
        key = keys.get("attention.key_length_mla") or keys["attention.key_length"]
        value = keys.get("attention.value_length_mla") or keys["attention.value_length"]
    except KeyError as error:
        raise Missing(
            f"model {path}: has no deepseek2.{error.args[0]}", "give the model's config.json instead"
        ) from error
    return {"qk_rope_head_dim": rope, "qk_nope_head_dim": int(key) - rope, "v_head_dim": int(value)}


def _quantization(header: Header, layers: int) -> Quantization:
    """The mean bits of each part, over the tensors that it is made of; layers of prediction are not loaded."""
    weights: dict[str, int] = {}
    bits: dict[str, float] = {}
    for tensor in header.tensors:
        layer = re.match(r"blk\.(\d+)\.", tensor.name)
        if layer and int(layer[1]) >= layers:
            continue
        part = _part(tensor)
        count = prod(tensor.shape)
        weights[part] = weights.get(part, 0) + count
        bits[part] = bits.get(part, 0.0) + count * tensor.bits
    whole = sum(bits.values()) / max(sum(weights.values()), 1)
    return Quantization(f"gguf {whole:.3g}-bit", 16, {part: bits[part] / weights[part] for part in weights})


def _part(tensor: Tensor) -> str:
    """The part of the weights that a tensor belongs to: vectors, biases and what is small are ``norms``."""
    name = tensor.name
    if name == "output.weight":
        return "head"
    if len(tensor.shape) == 1 or not name.endswith(".weight") or any(mark in name for mark in _VECTORS):
        return "norms"
    return next((part for mark, part in _PARTS if mark in name), "norms")


# A model as llama-quantize stores it: the mean bits of each part, from the type of each of its tensors.


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
    fits = {IN_GROUPS: grouped, MANY: many}
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
