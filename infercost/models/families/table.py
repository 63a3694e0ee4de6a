"""Every family of models in one table: class defaults, and how its layers are made.

A new family is a row: the defaults of its configuration class for keys that a file may leave out, what its layers
have besides (``norms`` vectors of the hidden size, biases, query and key norms), and, where its layers are not all
alike, a function from the layer's number to an attention and a feed-forward part.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from infercost.models.families import dense, mixtures, recurrent
from infercost.models.families.config import Config, Made


def nothing(config: Config) -> int:
    """No parameters beside layers, tables and the last norm."""
    return 0


def head_bias(config: Config) -> int:
    """A bias on the output table."""
    return config.need("vocab")


def stated_head_bias(config: Config) -> int:
    """A bias on the output table where ``lm_head_bias`` says so."""
    return config.need("vocab") * bool(config.raw("lm_head_bias"))


def embedding_norm(config: Config) -> int:
    """Bloom: a norm with bias after the input table."""
    return 2 * config.need("hidden")


def positions(config: Config) -> int:
    """A learned vector for each position."""
    return config.need("context") * config.need("hidden")


def opt_positions(config: Config) -> int:
    """OPT: the same, two rows to spare; narrower tables and their projections, and no last norm, in the smallest."""
    hidden = config.need("hidden")
    width = config.number("word_embed_proj_dim", hidden)
    narrower = (width - hidden) * config.need("vocab") + 2 * hidden * width * (width != hidden)
    last_norm = 0 if config.raw("do_layer_norm_before", True) else -2 * hidden
    return (config.need("context") + 2) * hidden + narrower + last_norm


def no_last_norm(config: Config) -> int:
    """OLMo: its norms have no parameters, the last one neither."""
    return -config.need("hidden")


def image_tokens(config: Config) -> int:
    """Llama 3.2 Vision: eight more rows of the input table than of the output's."""
    return 8 * config.need("hidden")


class Family(NamedTuple):
    """What a model type means beyond its keys; defaults are those of its configuration class in transformers 5.

    ``norms`` counts norm vectors of the hidden size in a layer; ``norm_bias`` doubles them and the last one.
    ``extra`` counts parameters beside layers and tables, ``lookup`` rows of tables beside the input's.
    """

    make: Callable[[Config, int], Made] = dense.uniform
    defaults: dict[str, Any] = {}  # noqa: RUF012 - a row of a table, never changed
    norms: int = 2
    norm_bias: bool = False
    tied: bool = False
    extra: Callable[[Config], int] = nothing
    lookup: Callable[[Config], int] = nothing


def moe(experts: int, active: int, **more: Any) -> dict[str, Any]:
    """Class defaults of a family with experts: how many there are, how many a token uses, and what else."""
    return {"experts": experts, "active": active, **more}


_QWEN_STATES = {
    "num_key_value_heads": 2,
    "head_dim": 256,
    "qk_norm": "head",
    "full_attention_interval": 4,
    "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128,
    "linear_value_head_dim": 128,
    "linear_num_key_heads": 16,
    "linear_num_value_heads": 32,
}
_MAMBA = {"ssm_state": 16, "ssm_kernel": 4, "ssm_expand": 2}

STATES: dict[str, Family] = {
    "qwen3_next": Family(
        recurrent.gated_delta, moe(512, 10, expert_width=512, shared_expert_intermediate_size=512, **_QWEN_STATES)
    ),
    "qwen3_5_moe": Family(
        recurrent.gated_delta, moe(256, 8, expert_width=512, shared_expert_intermediate_size=512, **_QWEN_STATES)
    ),
    "qwen3_5": Family(recurrent.gated_delta, {**_QWEN_STATES, "num_key_value_heads": 4}),
    "granitemoehybrid": Family(
        recurrent.granite_hybrid,
        {
            "num_local_experts": 8,
            "num_experts_per_tok": 2,
            "shared_intermediate_size": 1024,
            "mamba_n_heads": 128,
            "mamba_n_groups": 1,
            "mamba_d_state": 256,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
        },
    ),
    "zamba2": Family(
        recurrent.zamba2,
        {"ssm_expand": 2, "ssm_state": 64, "ssm_kernel": 4, "mamba_ngroups": 1, "num_mem_blocks": 1},
        norms=1,
        tied=True,
    ),
    "jamba": Family(
        recurrent.jamba,
        moe(
            16,
            2,
            num_key_value_heads=8,
            attn_layer_period=8,
            attn_layer_offset=4,
            expert_layer_period=2,
            expert_layer_offset=1,
            **_MAMBA,
        ),
    ),
    "mamba": Family(recurrent.mamba, _MAMBA, norms=1, tied=True),
    "lfm2_moe": Family(
        recurrent.lfm2_moe,
        moe(
            32,
            4,
            expert_width=1792,
            num_key_value_heads=8,
            conv_L_cache=3,
            qk_norm="head",
            num_dense_layers=2,
            use_expert_bias=True,
            router_bias="use_expert_bias",
        ),
        tied=True,
    ),
    "nemotron_h": Family(
        recurrent.nemotron,
        moe(
            8,
            2,
            expert_width=7688,
            moe_shared_expert_intermediate_size=7688,
            num_key_value_heads=8,
            head_dim=128,
            gated=False,
            router_bias=True,
            intermediate_size=21504,
            mamba_num_heads=128,
            mamba_head_dim=64,
            n_groups=8,
            ssm_state_size=128,
            conv_kernel=4,
        ),
        norms=1,
    ),
    "minimax": Family(recurrent.minimax, moe(8, 2, num_key_value_heads=8)),
    "mamba2": Family(
        recurrent.mamba2,
        {"num_heads": 128, "head_dim": 64, "n_groups": 8, "state_size": 128, "conv_kernel": 4},
        norms=1,
    ),
    "falcon_h1": Family(
        recurrent.falcon_h1,
        {
            "num_key_value_heads": 8,
            "mamba_d_ssm": 1024,
            "mamba_n_heads": 128,
            "mamba_n_groups": 1,
            "mamba_d_state": 256,
            "mamba_d_conv": 4,
            "mamba_expand": 2,
        },
    ),
    "lfm2": Family(recurrent.lfm2, {"num_key_value_heads": 8, "conv_L_cache": 3, "qk_norm": "head"}, tied=True),
}


_WINDOW = {"num_key_value_heads": 16, "sliding_window": 4096, "max_window_layers": 28}
_LATENT = {"kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128}
_DEEPSEEK3 = {
    **_LATENT,
    "router_bias": True,
    "n_routed_experts": 256,
    "num_experts_per_tok": 8,
    "n_shared_experts": 1,
    "moe_intermediate_size": 2048,
    "first_k_dense_replace": 3,
}
_INDEXER = {"index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
_GLM_LATENT = {**_DEEPSEEK3, "qk_nope_head_dim": 192, "v_head_dim": 256}
_GLM4_MOE = {
    "num_key_value_heads": 8,
    "router_bias": True,
    "o_bias": False,
    "has_qk_norm": "use_qk_norm",
    "qk_norm": "head",
    "n_routed_experts": 128,
    "num_experts_per_tok": 8,
    "n_shared_experts": 1,
    "moe_intermediate_size": 1408,
    "first_k_dense_replace": 1,
}
_GRANITE = {"num_local_experts": 8, "num_experts_per_tok": 2}

EXPERTS: dict[str, Family] = {
    "mixtral": Family(mixtures.every_expert, moe(8, 2, num_key_value_heads=8)),
    "qwen3_moe": Family(
        mixtures.sparse_steps,
        moe(128, 8, expert_width=768, num_key_value_heads=4, qk_norm="head", sliding_window=4096),
    ),
    "qwen3_vl_moe": Family(
        mixtures.sparse_steps,
        moe(60, 4, expert_width=1408, num_key_value_heads=16, qk_norm="head"),
    ),
    "qwen2_moe": Family(
        mixtures.qwen2,
        moe(60, 4, expert_width=1408, shared_expert_intermediate_size=5632, qkv_bias=True, o_bias=False, **_WINDOW),
    ),
    "gemma4": Family(
        mixtures.gemma4,
        {
            "head_dim": 256,
            "qk_norm": "head",
            "sliding_window": 512,
            "num_key_value_heads": 4,
            "global_head_dim": 512,
            "vocab_size_per_layer_input": 262144,
            "hidden_size_per_layer_input": 256,
        },
        norms=4,
        tied=True,
        extra=mixtures.layer_inputs,
        lookup=mixtures.layer_tables,
    ),
    "hunyuan_v1_moe": Family(mixtures.hunyuan_v1, {"qk_norm": "head"}),
    "dbrx": Family(mixtures.dbrx, moe(4, 1, kv_n_heads=1, ffn_hidden_size=3584)),
    "gpt_oss": Family(
        mixtures.gpt_oss,
        moe(128, 4, head_dim=64, num_key_value_heads=8, sliding_window=128, qkv_bias=True, o_bias=True),
    ),
    "olmoe": Family(mixtures.every_expert, moe(64, 8, qk_norm="all")),
    "phimoe": Family(
        mixtures.every_expert,
        moe(16, 2, num_key_value_heads=8),
        norm_bias=True,
        extra=stated_head_bias,
    ),
    "granitemoe": Family(mixtures.every_expert, _GRANITE),
    "granitemoeshared": Family(mixtures.granite_shared, {**_GRANITE, "shared_intermediate_size": 0}),
    "deepseek": Family(mixtures.first_layers_dense),
    "deepseek_v2": Family(
        mixtures.deepseek,
        {
            **_LATENT,
            "n_routed_experts": 64,
            "n_shared_experts": 2,
            "moe_intermediate_size": 1407,
            "first_k_dense_replace": 0,
        },
    ),
    "deepseek_v3": Family(mixtures.deepseek, _DEEPSEEK3),
    "deepseek_v32": Family(mixtures.deepseek_sparse, {**_DEEPSEEK3, **_INDEXER}),
    "deepseek_v4": Family(
        recurrent.deepseek_v4,
        moe(
            256,
            6,
            router_bias=True,
            n_shared_experts=1,
            expert_width=2048,
            head_dim=512,
            q_lora_rank=1024,
            sliding_window=128,
            o_groups=8,
            o_lora_rank=1024,
            hc_mult=4,
            num_hash_layers=3,
            **{**_INDEXER, "index_topk": 512},
        ),
        extra=recurrent.streams_head,
    ),
    "kimi_k2": Family(mixtures.deepseek, {"router_bias": True}),
    "kimi_linear": Family(
        recurrent.kimi_linear,
        {**_DEEPSEEK3, "q_lora_rank": 0, "moe_intermediate_size": 1024, "first_k_dense_replace": 1},
    ),
    "glm4_moe": Family(mixtures.first_layers_dense, _GLM4_MOE),
    "glm4v_moe_text": Family(mixtures.first_layers_dense, {**_GLM4_MOE, "attention_bias": True, "qk_norm": ""}),
    "glm_moe_dsa": Family(
        mixtures.deepseek_sparse, {**_GLM_LATENT, **_INDEXER, "q_lora_rank": 2048, "index_n_heads": 32}
    ),
    "glm4_moe_lite": Family(
        mixtures.deepseek,
        {
            **_GLM_LATENT,
            "q_lora_rank": 768,
            "n_routed_experts": 64,
            "num_experts_per_tok": 4,
            "moe_intermediate_size": 1536,
            "first_k_dense_replace": 1,
        },
    ),
    "longcat_flash": Family(
        mixtures.longcat,
        moe(512, 12, expert_width=2048, zero_expert_num=256, ffn_hidden_size=12288, **_LATENT),
        norms=4,
    ),
    "dots1": Family(
        mixtures.dots,
        {
            "qk_norm": "head",
            "router_bias": True,
            "sliding_window": 4096,
            "max_window_layers": 62,
            "moe_intermediate_size": 1408,
            "first_k_dense_replace": 0,
        },
    ),
    "exaone_moe": Family(
        mixtures.exaone,
        moe(
            64,
            8,
            router_bias=True,
            qk_norm="head",
            sliding_window=4096,
            num_shared_experts=1,
            expert_width=1024,
            first_k_dense_replace=1,
        ),
    ),
    "minimax_m2": Family(
        mixtures.every_expert,
        moe(256, 8, head_dim=128, qk_norm="all", num_key_value_heads=8, router_bias=True),
    ),
    "minimax_m3": Family(mixtures.minimax_m3, {"qk_norm": "head", "router_bias": True}),
    "mimo_v2_flash": Family(
        mixtures.mimo_v2, moe(256, 8, router_bias=True, expert_width=2048, head_dim=192, v_head_dim=128)
    ),
    "hunyuan": Family(mixtures.hunyuan, tied=True),
    "ernie4_5_moe": Family(
        mixtures.ernie,
        moe(
            64,
            6,
            num_key_value_heads=4,
            router_bias=True,
            expert_width=1536,
            moe_num_shared_experts=2,
            moe_layer_start_index=1,
        ),
        tied=True,
    ),
    "llama4_text": Family(
        mixtures.llama4,
        moe(16, 1, num_key_value_heads=8, head_dim=128, intermediate_size=8192, intermediate_size_mlp=16384),
    ),
}


_BIASED = {"qkv_bias": True, "o_bias": True, "ffn_bias": True, "gated": False}
_GEMMA = {"head_dim": 256}
_GEMMA2 = {**_GEMMA, "num_key_value_heads": 4, "sliding_window": 4096}
_QWEN_WINDOW = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
FAMILIES: dict[str, Family] = {
    **EXPERTS,
    **STATES,
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
        lookup=image_tokens,
    ),
    "mistral": Family(dense.windowed, {"num_key_value_heads": 8, "sliding_window": 4096}),
    "ministral3": Family(dense.windowed, {"num_key_value_heads": 8, "head_dim": 128}),
    "qwen2": Family(dense.qwen_window, {**_QWEN_WINDOW, "qkv_bias": True, "o_bias": False}),
    "qwen3": Family(dense.qwen_window, {**_QWEN_WINDOW, "head_dim": 128, "qk_norm": "head"}),
    "phi3": Family(dense.windowed),
    "phi3small": Family(dense.phi3_small, {**_BIASED, "gated": True}, norm_bias=True, tied=True),
    "phi": Family(defaults=_BIASED, norms=1, norm_bias=True, extra=head_bias),
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
        mixtures.gemma3n,
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
        extra=mixtures.streams,
        lookup=mixtures.layer_tables,
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
    "bloom": Family(dense.bloom, _BIASED, norm_bias=True, tied=True, extra=embedding_norm),
    "gptj": Family(dense.four_wide, {"gated": False, "ffn_bias": True}, norms=1, norm_bias=True, extra=head_bias),
    "gpt_neox": Family(defaults=_BIASED, norm_bias=True),
    "gpt2": Family(dense.four_wide, _BIASED, norm_bias=True, tied=True, extra=positions),
    "gpt_bigcode": Family(dense.bigcode, _BIASED, norm_bias=True, tied=True, extra=positions),
    "opt": Family(defaults=_BIASED, norm_bias=True, tied=True, extra=opt_positions),
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
    "olmo": Family(norms=0, extra=no_last_norm),
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
