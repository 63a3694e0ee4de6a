"""A GGUF header as a model: its keys under the names of a config, its bits as its tensors have them."""

import re
import struct
from math import prod
from typing import Any, BinaryIO, NamedTuple

from infercost.errors import BadFile, Missing, closest, reason
from infercost.models.families.read import read_model
from infercost.models.model import Model, Quantization
from infercost.parts.gguf import TYPES

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
