"""Every family of models in one table: class defaults, and how its layers are made.

A new family is a row: the defaults of its configuration class for keys that a file may leave out, what its layers
have besides (``norms`` vectors of the hidden size, biases, query and key norms), and, where its layers are not all
alike, a function from the layer's number to an attention and a feed-forward part.
"""

from infercost.families import dense, gemma, table_experts, table_states, tables
from infercost.families.family import Family

_BIASED = {"qkv_bias": True, "o_bias": True, "ffn_bias": True, "gated": False}
_GEMMA = {"head_dim": 256}
_GEMMA2 = {**_GEMMA, "num_key_value_heads": 4, "sliding_window": 4096}
_QWEN_WINDOW = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
FAMILIES: dict[str, Family] = {
    **table_experts.FAMILIES,
    **table_states.FAMILIES,
    "llama": Family(),
    "llava": Family(
        defaults={
            "hidden_size": 4096,
            "intermediate_size": 11008,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "vocab_size": 32000,
            "max_position_embeddings": 2048,
        }
    ),
    "mllama": Family(
        dense.mllama,
        {
            "hidden_size": 4096,
            "intermediate_size": 14336,
            "num_hidden_layers": 40,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
            "vocab_size": 128256,
            "max_position_embeddings": 131072,
            "cross_attention_layers": [3, 8, 13, 18, 23, 28, 33, 38],
        },
        lookup=tables.image_tokens,
    ),
    "mistral": Family(dense.windowed, {"num_key_value_heads": 8, "sliding_window": 4096}),
    "ministral3": Family(dense.windowed, {"num_key_value_heads": 8, "head_dim": 128}),
    "qwen2": Family(dense.qwen_window, {**_QWEN_WINDOW, "qkv_bias": True, "o_bias": False}),
    "qwen3": Family(dense.qwen_window, {**_QWEN_WINDOW, "head_dim": 128, "qk_norm": "head"}),
    "phi3": Family(dense.windowed),
    "phi3small": Family(dense.phi3_small, {**_BIASED, "gated": True}, norm_bias=True, tied=True),
    "phi": Family(defaults=_BIASED, norms=1, norm_bias=True, extra=tables.head_bias),
    "gemma": Family(defaults=_GEMMA, tied=True),
    "gemma2": Family(dense.gemma2, _GEMMA2, norms=4, tied=True),
    "gemma3": Family(
        dense.gemma3,
        {
            **_GEMMA2,
            "num_attention_heads": 8,
            "vocab_size": 262208,
            "max_position_embeddings": 131072,
            "qk_norm": "head",
        },
        norms=4,
        tied=True,
    ),
    "gemma3n": Family(
        gemma.gemma3n,
        {
            **_GEMMA,
            "num_key_value_heads": 2,
            "num_attention_heads": 8,
            "hidden_size": 2048,
            "intermediate_size": 16384,
            "num_hidden_layers": 35,
            "vocab_size": 262400,
            "max_position_embeddings": 32768,
            "sliding_window": 512,
            "qk_norm": "head",
            "vocab_size_per_layer_input": 262144,
            "hidden_size_per_layer_input": 256,
            "altup_num_inputs": 4,
            "num_kv_shared_layers": 15,
            "laurel_rank": 64,
        },
        norms=4,
        tied=True,
        extra=gemma.streams,
        lookup=gemma.layer_tables,
    ),
    "cohere": Family(defaults={"qk_norm": "all", "has_qk_norm": "use_qk_norm"}, norms=1, tied=True),
    "cohere2": Family(dense.cohere2, {"head_dim": 128, "sliding_window": 4096}, norms=1, tied=True),
    "falcon": Family(
        dense.falcon,
        {"gated": False, "qkv_bias": "bias", "o_bias": "bias", "ffn_bias": "bias"},
        norms=0,
        tied=True,
        norm_bias=True,
    ),
    "bloom": Family(dense.bloom, _BIASED, norm_bias=True, tied=True, extra=tables.embedding_norm),
    "gptj": Family(
        dense.four_wide, {"gated": False, "ffn_bias": True}, norms=1, norm_bias=True, extra=tables.head_bias
    ),
    "gpt_neox": Family(defaults=_BIASED, norm_bias=True),
    "gpt2": Family(dense.four_wide, _BIASED, norm_bias=True, tied=True, extra=tables.positions),
    "gpt_bigcode": Family(dense.bigcode, _BIASED, norm_bias=True, tied=True, extra=tables.positions),
    "opt": Family(defaults=_BIASED, norm_bias=True, tied=True, extra=tables.opt_positions),
    "mpt": Family(dense.mpt, {"gated": False}, tied=True),
    "palm": Family(defaults={"gated": True}, norms=1, tied=True),
    "starcoder2": Family(
        dense.windowed,
        {
            "gated": False,
            "num_key_value_heads": 2,
            "use_bias": True,
            "qkv_bias": "use_bias",
            "o_bias": "use_bias",
            "ffn_bias": "use_bias",
        },
        norm_bias=True,
        tied=True,
    ),
    "stablelm": Family(
        dense.stablelm,
        {"qkv_bias": "use_qkv_bias", "o_bias": False, "qk_norm": "all", "has_qk_norm": "qk_layernorm"},
        norms=1,
        norm_bias=True,
    ),
    "arcee": Family(defaults={"gated": False}),
    "nemotron": Family(defaults={"gated": False}, norm_bias=True),
    "apertus": Family(dense.apertus, {"gated": False, "qk_norm": "head"}),
    "smollm3": Family(defaults={"num_key_value_heads": 4}, tied=True),
    "glm": Family(defaults={"num_key_value_heads": 2, "head_dim": 128, "attention_bias": True, "o_bias": False}),
    "glm4": Family(
        defaults={"num_key_value_heads": 2, "head_dim": 128, "attention_bias": True, "o_bias": False}, norms=4
    ),
    "hunyuan_v1_dense": Family(defaults={"qk_norm": "head"}),
    "ernie4_5": Family(
        defaults={
            "num_key_value_heads": 2,
            "head_dim": 128,
            "qkv_bias": "use_bias",
            "o_bias": "use_bias",
            "ffn_bias": "use_bias",
        },
        tied=True,
    ),
    "olmo": Family(norms=0, extra=tables.no_last_norm),
    "olmo2": Family(defaults={"qk_norm": "all"}),
    "olmo3": Family(dense.cohere2, {"qk_norm": "all", "sliding_window": 4096}),
    "granite": Family(),
    "nemotron-nas": Family(dense.nemotron_nas, norms=0),
    "exaone4": Family(dense.cohere2, {"num_key_value_heads": 32, "qk_norm": "head", "sliding_window": 4096}),
    "internlm": Family(defaults={"qkv_bias": "bias", "o_bias": "bias"}),
    "seed_oss": Family(
        defaults={"num_key_value_heads": 8, "head_dim": 128, "attention_bias": True, "o_bias": "attention_out_bias"}
    ),
}
#: Model types that another row describes.
ALIASES = {
    "gemma3_text": "gemma3",
    "gemma3n_text": "gemma3n",
    "gemma4_text": "gemma4",
    "mllama_text_model": "mllama",
    "qwen3_5_text": "qwen3_5",
    "qwen3_5_moe_text": "qwen3_5_moe",
    "qwen3_vl_text": "qwen3",
    "qwen3_vl_moe_text": "qwen3_vl_moe",
    "qwen3_omni_moe_text": "qwen3_moe",
    "qwen2_vl": "qwen2",
    "qwen2_vl_text": "qwen2",
    "qwen2_5_vl": "qwen2",
    "qwen2_5_vl_text": "qwen2",
    "mimo": "qwen2",
    "RefinedWeb": "falcon",
    "RefinedWebModel": "falcon",
    "falcon_mamba": "mamba",
    "kimi_k25": "deepseek_v3",
    "ministral": "mistral",
    "yi": "llama",
    "exaone": "llama",
    "baichuan": "llama",
    "internlm2": "internlm",
    "glm4v_text": "glm4",
    "mistral3": "mistral",
    "llava_next": "llava",
    "glm4v_moe": "glm4v_moe_text",
    "minimax_text_01": "minimax",
    "minimax_m1": "minimax",
}
