"""A GGUF header as a model: its keys under the names of a config, its bits as its tensors really have them."""

from typing import Any

from infercost.errors import Missing, closest
from infercost.families import read_model
from infercost.model import Model, Quantization
from infercost.readers.gguf import Header, Tensor, read_header

#: What llama.cpp calls an architecture, and the model type that describes it.
ARCHITECTURES = {
    "llama": "llama",
    "mistral3": "mistral",
    "qwen2": "qwen2",
    "qwen2moe": "qwen2_moe",
    "qwen3": "qwen3",
    "qwen3moe": "qwen3_moe",
    "gemma": "gemma",
    "gemma2": "gemma2",
    "gemma3": "gemma3",
    "phi3": "phi3",
    "gpt-oss": "gpt_oss",
    "deepseek2": "deepseek_v3",
    "glm4moe": "glm4_moe",
    "command-r": "cohere",
    "falcon": "falcon",
    "olmoe": "olmoe",
    "granite": "granite",
    "granitemoe": "granitemoe",
    "dbrx": "dbrx",
    "minimax-m2": "minimax_m2",
    "glm4": "glm4",
    "smollm3": "smollm3",
    "starcoder2": "starcoder2",
    "nemotron": "nemotron",
    "ernie4_5": "ernie4_5",
    "seed_oss": "seed_oss",
}
#: A key below the architecture's name, and what a config calls it.
KEYS = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "attention.sliding_window": "sliding_window",
    "attention.q_lora_rank": "q_lora_rank",
    "attention.kv_lora_rank": "kv_lora_rank",
    "context_length": "max_position_embeddings",
    "expert_count": "num_local_experts",
    "expert_used_count": "num_experts_per_tok",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_shared_count": "n_shared_experts",
    "expert_shared_feed_forward_length": "shared_expert_intermediate_size",
    "leading_dense_block_count": "first_k_dense_replace",
    "vocab_size": "vocab_size",
}
_PARTS = (
    ("token_embd.", "embedding"),
    ("output.", "head"),
    ("_norm", "norms"),
    ("_exps.", "experts"),
    ("_shexp.", "shared"),
    ("ffn_gate_inp", "router"),
    (".attn_", "attention"),
    (".ffn_", "ffn"),
)


def read_gguf(path: str, name: str) -> Model:
    """The model of a GGUF file, from its header.

    Raises:
        Missing: an architecture that is not known, or a key that is missing.
        BadFile: see ``read_header``.
    """
    header = read_header(path)
    model = read_model(config_of(header, path), name, f"model {path}")
    return model._replace(quantization=_quantization(header))


def config_of(header: Header, path: str) -> dict[str, Any]:
    """The keys of a header under the names of a config.

    Raises:
        Missing: an architecture that is not known.
    """
    architecture = str(header.keys.get("general.architecture"))
    if architecture not in ARCHITECTURES:
        known = sorted(ARCHITECTURES)
        raise Missing(
            f"model {path}: the GGUF architecture {architecture!r} is not known",
            f"{closest(architecture, known)}give the model's config.json instead",
        )
    config: dict[str, Any] = {"model_type": ARCHITECTURES[architecture]}
    for key, called in KEYS.items():
        value = header.keys.get(f"{architecture}.{key}")  # what a header does not say, the model does not have
        config[called] = max(value) if isinstance(value, list) else value
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    if config["vocab_size"] is None:
        config["vocab_size"] = header.keys.get("tokenizer.ggml.tokens") or shapes.get("token_embd.weight", (0, 0))[-1]
    config["tie_word_embeddings"] = "output.weight" not in shapes
    return _adapted(config, architecture, header)


def _adapted(config: dict[str, Any], architecture: str, header: Header) -> dict[str, Any]:
    """What a file says in another way than a config does."""
    if architecture == "llama" and config["num_local_experts"]:
        config["model_type"] = "mixtral"
    if architecture == "deepseek2":
        rope = int(header.keys["deepseek2.rope.dimension_count"])
        keys = header.keys.get("deepseek2.attention.key_length_mla") or header.keys["deepseek2.attention.key_length"]
        values = (
            header.keys.get("deepseek2.attention.value_length_mla") or header.keys["deepseek2.attention.value_length"]
        )
        config.update(qk_rope_head_dim=rope, qk_nope_head_dim=int(keys) - rope, v_head_dim=int(values))
    return config


def _quantization(header: Header) -> Quantization:
    """The mean bits of each part, over the tensors that it is made of."""
    counts: dict[str, int] = {}
    bits: dict[str, float] = {}
    for tensor in header.tensors:
        part = _part_of(tensor)
        counts[part] = counts.get(part, 0) + tensor.weights
        bits[part] = bits.get(part, 0.0) + tensor.weights * tensor.bits
    whole = sum(bits.values()) / max(sum(counts.values()), 1)
    return Quantization(f"gguf {whole:.3g}-bit", 16, {part: bits[part] / counts[part] for part in counts})


def _part_of(tensor: Tensor) -> str:
    return next((part for mark, part in _PARTS if mark in tensor.name), "norms")
