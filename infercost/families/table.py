"""Every family of models in one table: class defaults, and how its layers are made.

A new family is a row: the defaults of its configuration class for keys that a file may leave out, what its layers
have besides (``norms`` vectors of the hidden size, biases, query and key norms), and, where its layers are not all
alike, a function from the layer's number to an attention and a feed-forward part.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from infercost.families import dense, hybrids, mixtures, tables
from infercost.families.config import Config
from infercost.model import Attention, Ffn

Made = tuple[Attention, Ffn]


class Family(NamedTuple):
    """What a model type means beyond its keys; defaults are those of its configuration class in transformers 5.

    ``norms`` counts norm vectors of the hidden size in a layer; ``norm_bias`` doubles them and the last one.
    """

    make: Callable[[Config, int], Made] = dense.uniform
    defaults: dict[str, Any] = {}  # noqa: RUF012 - a row of a table, never changed
    norms: int = 2
    norm_bias: bool = False
    tied: bool = False
    extra: Callable[[Config], int] = tables.nothing


_BIASED = {"qkv_bias": True, "o_bias": True, "ffn_bias": True, "gated": False}
_GEMMA = {"head_dim": 256}
FAMILIES: dict[str, Family] = {
    "llama": Family(),
    "mistral": Family(dense.windowed, {"num_key_value_heads": 8}),
    "mixtral": Family(mixtures.every_expert, {"num_key_value_heads": 8}),
    "qwen2": Family(dense.qwen_window, {"qkv_bias": True}),
    "qwen3": Family(defaults={"head_dim": 128, "qk_norm": "head"}),
    "qwen3_moe": Family(mixtures.sparse_steps, {"head_dim": 128, "qk_norm": "head", "num_key_value_heads": 4}),
    "qwen2_moe": Family(mixtures.sparse_steps, {"qkv_bias": True, "shared_gate": True}),
    "qwen3_next": Family(hybrids.gated_delta, {"head_dim": 256, "qk_norm": "head", "full_attention_interval": 4}),
    "qwen3_5_moe": Family(hybrids.gated_delta, {"head_dim": 256, "qk_norm": "head", "full_attention_interval": 4}),
    "qwen3_5": Family(hybrids.gated_delta, {"head_dim": 256, "qk_norm": "head", "full_attention_interval": 4}),
    "phi3": Family(),
    "phi": Family(defaults=_BIASED, norms=1, norm_bias=True, extra=tables.head_bias),
    "gemma": Family(defaults=_GEMMA, tied=True),
    "gemma2": Family(dense.gemma2, {**_GEMMA, "num_key_value_heads": 4}, norms=4, tied=True),
    "gemma3": Family(
        dense.gemma3,
        {
            **_GEMMA,
            "num_attention_heads": 8,
            "num_key_value_heads": 4,
            "vocab_size": 262208,
            "sliding_window": 4096,
            "qk_norm": "head",
        },
        norms=4,
        tied=True,
    ),
    "gemma4": Family(mixtures.gemma4, {**_GEMMA, "qk_norm": "head"}, norms=4, tied=True),
    "cohere": Family(defaults={"qk_norm": ""}, norms=1, tied=True, make=dense.cohere),
    "cohere2": Family(dense.cohere2, {"head_dim": 128}, norms=1, tied=True),
    "falcon": Family(dense.falcon, {"gated": False}, norms=0, tied=True, norm_bias=True),
    "bloom": Family(dense.bloom, _BIASED, norm_bias=True, tied=True, extra=tables.embedding_norm),
    "gptj": Family(
        dense.four_wide, {"gated": False, "ffn_bias": True}, norms=1, norm_bias=True, extra=tables.head_bias
    ),
    "gpt_neox": Family(defaults=_BIASED, norm_bias=True),
    "gpt2": Family(dense.four_wide, _BIASED, norm_bias=True, tied=True, extra=tables.positions),
    "opt": Family(defaults=_BIASED, norm_bias=True, tied=True, extra=tables.opt_positions),
    "mpt": Family(dense.mpt, {"gated": False}, tied=True),
    "palm": Family(defaults={"gated": True}, norms=1, tied=True),
    "dbrx": Family(mixtures.dbrx),
    "gpt_oss": Family(mixtures.gpt_oss, {"head_dim": 64, "num_key_value_heads": 8, "qkv_bias": True, "o_bias": True}),
    "olmoe": Family(mixtures.every_expert, {"qk_norm": "all"}),
    "phimoe": Family(
        mixtures.every_expert,
        {"qkv_bias": True, "o_bias": True, "num_key_value_heads": 8},
        norm_bias=True,
        extra=tables.head_bias,
    ),
    "granite": Family(),
    "granitemoe": Family(mixtures.every_expert, tied=True),
    "granitemoehybrid": Family(hybrids.granite_hybrid, tied=True),
    "jamba": Family(hybrids.jamba, {"num_key_value_heads": 8}),
    "mamba2": Family(hybrids.mamba2, norms=1),
    "nemotron_h": Family(hybrids.nemotron, {"head_dim": 128, "gated": False, "router_bias": True}, norms=1),
    "nemotron-nas": Family(dense.nemotron_nas, norms=0),
    "deepseek_v2": Family(mixtures.deepseek),
    "deepseek_v3": Family(mixtures.deepseek, {"router_bias": True}),
    "deepseek_v32": Family(mixtures.deepseek_sparse, {"router_bias": True}),
    "deepseek_v4": Family(hybrids.deepseek_v4, {"router_bias": True}, extra=hybrids.streams_head),
    "kimi_k2": Family(mixtures.deepseek, {"router_bias": True}),
    "kimi_linear": Family(hybrids.kimi_linear, {"router_bias": True}),
    "glm4_moe": Family(mixtures.glm4, {"num_key_value_heads": 8, "router_bias": True}),
    "glm_moe_dsa": Family(mixtures.deepseek_sparse, {"router_bias": True}),
    "minimax_m2": Family(
        mixtures.every_expert, {"head_dim": 128, "qk_norm": "all", "num_key_value_heads": 8, "router_bias": True}
    ),
    "minimax_m3": Family(mixtures.minimax_m3, {"qk_norm": "head", "router_bias": True}),
    "mimo_v2_flash": Family(mixtures.mimo_v2, {"router_bias": True}),
    "hunyuan": Family(mixtures.hunyuan, tied=True),
    "ernie4_5_moe": Family(mixtures.ernie, {"num_key_value_heads": 4, "router_bias": True}, tied=True),
    "llama4_text": Family(mixtures.llama4),
    "exaone4": Family(dense.exaone4, {"qk_norm": "head", "sliding_window": 4096}),
    "internlm": Family(dense.internlm),
    "olmo2": Family(defaults={"qk_norm": "all"}),
    "seed_oss": Family(defaults={"head_dim": 128, "qkv_bias": True}),
}
#: Model types that another row describes.
ALIASES = {
    "gemma3_text": "gemma3",
    "gemma4_text": "gemma4",
    "qwen3_5_text": "qwen3_5",
    "qwen3_5_moe_text": "qwen3_5_moe",
    "qwen3_vl_text": "qwen3",
    "qwen3_vl_moe_text": "qwen3_moe",
    "qwen2_vl": "qwen2",
    "qwen2_5_vl": "qwen2",
    "qwen2_5_vl_text": "qwen2",
    "RefinedWeb": "falcon",
    "RefinedWebModel": "falcon",
    "kimi_k25": "deepseek_v3",
    "ministral": "mistral",
    "yi": "llama",
    "mistral3": "mistral",
}
