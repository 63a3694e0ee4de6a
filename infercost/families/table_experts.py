"""Families with experts, or latent attention: class defaults, and how their layers are made."""

from infercost.families import gemma, hybrids, mixtures, tables
from infercost.families.family import Family, moe

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

FAMILIES: dict[str, Family] = {
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
        gemma.gemma4,
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
        extra=gemma.layer_inputs,
        lookup=gemma.layer_tables,
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
        extra=tables.stated_head_bias,
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
        hybrids.deepseek_v4,
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
        extra=hybrids.streams_head,
    ),
    "kimi_k2": Family(mixtures.deepseek, {"router_bias": True}),
    "kimi_linear": Family(
        hybrids.kimi_linear,
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
