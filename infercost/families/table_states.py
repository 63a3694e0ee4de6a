"""Families that keep a state besides or in place of a cache: class defaults, and how their layers are made."""

from infercost.families import hybrids, zamba
from infercost.families.family import Family, moe

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

FAMILIES: dict[str, Family] = {
    "qwen3_next": Family(
        hybrids.gated_delta, moe(512, 10, expert_width=512, shared_expert_intermediate_size=512, **_QWEN_STATES)
    ),
    "qwen3_5_moe": Family(
        hybrids.gated_delta, moe(256, 8, expert_width=512, shared_expert_intermediate_size=512, **_QWEN_STATES)
    ),
    "qwen3_5": Family(hybrids.gated_delta, {**_QWEN_STATES, "num_key_value_heads": 4}),
    "granitemoehybrid": Family(
        hybrids.granite_hybrid,
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
        zamba.zamba2,
        {"ssm_expand": 2, "ssm_state": 64, "ssm_kernel": 4, "mamba_ngroups": 1, "num_mem_blocks": 1},
        norms=1,
        tied=True,
    ),
    "jamba": Family(
        hybrids.jamba,
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
    "mamba": Family(hybrids.mamba, _MAMBA, norms=1, tied=True),
    "lfm2_moe": Family(
        hybrids.lfm2_moe,
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
        hybrids.nemotron,
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
    "minimax": Family(hybrids.minimax, moe(8, 2, num_key_value_heads=8)),
    "mamba2": Family(
        hybrids.mamba2,
        {"num_heads": 128, "head_dim": 64, "n_groups": 8, "state_size": 128, "conv_kernel": 4},
        norms=1,
    ),
    "falcon_h1": Family(
        hybrids.falcon_h1,
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
    "lfm2": Family(hybrids.lfm2, {"num_key_value_heads": 8, "conv_L_cache": 3, "qk_norm": "head"}, tied=True),
}
