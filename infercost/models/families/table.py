"""Every family of models in one table, the parts of its layers and its class defaults; and a config.json read by it.

A new family is a row: functions for the attention and the feed-forward part of layer i, norms and biases, and the
defaults of its configuration class for keys that a file may leave out.
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from infercost.errors import BadFile, InfercostError, Missing, closest
from infercost.models.families import attention, config, ffn, latents, towers
from infercost.models.families.attention import Attends
from infercost.models.families.config import (
    LLAMA,
    Config,
    Names,
    altup_streams,
    check_lists,
    encoder_head,
    encoder_tables,
    engram_tables,
    half_rope,
    kinds_of_text,
    labels_of,
    layer_inputs,
    layer_tables,
    modernbert_head,
    more_words,
    mpnet_head,
    ngram_tables,
    opt_positions,
    positions,
    stream_mixer,
    streams_head,
    vectors,
)
from infercost.models.families.ffn import DENSE, Feeds
from infercost.models.families.towers import audio_params, vision_params
from infercost.models.model import Layer, Model, Quantization, as_prefill_only
from infercost.models.quantization import kv_bits, quantization

Defaults = dict[str, Any]


class Family(NamedTuple):
    """What a model type means beyond its keys; ``defaults`` are those of its configuration class in transformers 5.

    ``norms`` counts norm vectors of the hidden size in a layer; ``norm_bias`` doubles them and the last one.
    ``extra`` counts parameters outside layers and tables, ``lookup`` those of tables other than the input's, or of an
    encoder beside the decoder, whose config ``decoder`` takes out of the whole one.
    """

    attention: Attends
    ffn: Feeds
    norms: int
    norm_bias: bool
    tied: bool
    extra: Callable[[Config], int]
    lookup: Callable[[Config], int]
    names: Names
    defaults: Defaults
    decoder: Callable[[Config], Config] | None = None


def family(
    attention: Attends = attention.grouped,
    ffn: Feeds = ffn.dense,
    *,
    norms: int = 2,
    norm_bias: bool = False,
    tied: bool = False,
    extra: Callable[[Config], int] = lambda _: 0,
    lookup: Callable[[Config], int] = lambda _: 0,
    names: Names = LLAMA,
    **defaults: Any,
) -> Family:
    """A row: the parts of its layers, then class defaults by key or meaning, and flags such as ``qk_norm``."""
    return Family(attention, ffn, norms, norm_bias, tied, extra, lookup, names, defaults)


_BIASED: Defaults = {"qkv_bias": True, "o_bias": True, "ffn_bias": True, "gated": False}
_GEMMA2: Defaults = {"head_dim": 256, "num_key_value_heads": 4, "sliding_window": 4096}
_QWEN: Defaults = {"num_key_value_heads": 32, "sliding_window": 4096, "max_window_layers": 28}
_QWEN_WINDOWS = attention.if_switched_on(attention.late_windowed)
_QWEN_MOE_WINDOWS = attention.if_switched_on(attention.windowed)
_GLM4: Defaults = {"num_key_value_heads": 2, "head_dim": 128, "attention_bias": True, "o_bias": False}
_GRANITE: Defaults = {"experts": 8, "active": 2}
# fmt: off
_LATENT: Defaults = {
    "kv_lora_rank": 512, "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
}
_INDEXER: Defaults = {"index_n_heads": 64, "index_head_dim": 128, "index_topk": 2048}
_DEEPSEEK_EXPERTS: Defaults = {
    "experts": 256, "active": 8, "shared_experts": 1, "expert_width": 2048, "first_k_dense_replace": 3,
    "router_bias": True,
}
_DEEPSEEK3: Defaults = {**_LATENT, **_DEEPSEEK_EXPERTS}
_GLM_LATENT: Defaults = {**_DEEPSEEK3, "qk_nope_head_dim": 192, "v_head_dim": 256}
_GLM4_MOE: Defaults = {
    **_DEEPSEEK_EXPERTS, "experts": 128, "expert_width": 1408, "first_k_dense_replace": 1, "num_key_value_heads": 8,
    "o_bias": False, "has_qk_norm": "use_qk_norm",
}
_QWEN_STATES: Defaults = {
    "head_dim": 256, "qk_norm": "head", "full_attention_interval": 4, "linear_conv_kernel_dim": 4,
    "linear_key_head_dim": 128, "linear_value_head_dim": 128, "linear_num_key_heads": 16, "linear_num_value_heads": 32,
}
_MAMBA: Defaults = {"ssm_state": 16, "ssm_kernel": 4, "ssm_expand": 2}
_MAMBA2: Defaults = {
    "mamba_n_heads": 128, "mamba_n_groups": 1, "mamba_d_state": 256, "mamba_d_conv": 4, "mamba_expand": 2,
}

FAMILIES: dict[str, Family] = {
    # dense, every layer alike
    "llama": family(),
    "granite": family(),
    "llava": family(
        hidden_size=4096, intermediate_size=11008, num_hidden_layers=32, num_attention_heads=32, vocab_size=32000,
        max_position_embeddings=2048,
    ),
    "gemma": family(tied=True, head_dim=256),
    "cohere": family(norms=1, tied=True, qk_norm="all", has_qk_norm="use_qk_norm"),
    "palm": family(norms=1, tied=True),
    "phi": family(norms=1, norm_bias=True, **_BIASED, head_bias=True),
    "phi3small": family(
        attention.phi3_small, norm_bias=True, tied=True, names=Names(own=("query_key_value", "dense", "up_proj")),
        qkv_bias=True, o_bias=True, ffn_bias=True,
    ),
    "arcee": family(gated=False),
    "nemotron": family(norm_bias=True, gated=False),
    "apertus": family(gated=False, activation_params=2, qk_norm="head"),
    "stablelm": family(
        ffn=ffn.stablelm, norms=1, norm_bias=True,
        qkv_bias="use_qkv_bias", o_bias=False, qk_norm="all", has_qk_norm="qk_layernorm",
    ),
    "smollm3": family(tied=True, num_key_value_heads=4),
    "glm": family(**_GLM4),
    "glm4": family(norms=4, **_GLM4),
    "glm4v": family(norms=4, num_key_value_heads=2, attention_bias=True, o_bias=False),
    "chatglm": family(
        attention.chatglm, names=config.FALCON._replace(layer="transformer.encoder.layers"),
        qkv_bias="add_qkv_bias", o_bias="add_bias_linear", ffn_bias="add_bias_linear",
    ),
    "hunyuan_v1_dense": family(qk_norm="head"),
    "ernie4_5": family(
        tied=True, num_key_value_heads=2, head_dim=128, qkv_bias="use_bias", o_bias="use_bias", ffn_bias="use_bias",
    ),
    "internlm": family(qkv_bias="bias", o_bias="bias"),
    "orion": family(norm_bias=True),
    "qwen": family(ffn=ffn.half_wide, qkv_bias=True, o_bias=False),
    "telechat": family(ffn=ffn.gte, qkv_bias=False, o_bias=True),
    "glm_ocr": family(norms=4),
    "hyperclovax": family(ffn=ffn.post_normed),
    "seed_oss": family(num_key_value_heads=8, head_dim=128, attention_bias=True, o_bias="attention_out_bias"),
    "minicpm": family(tied=True),
    "internlm3": family(
        num_key_value_heads=2, head_dim=128, qkv_bias="qkv_bias", o_bias="bias", ffn_bias="bias",
    ),
    "jais2": family(norm_bias=True, gated=False, attention_bias=True, mlp_bias=True, head_dim=128),
    "olmo": family(norms=0, extra=vectors(-1)),  # no norm has parameters
    "olmo2": family(qk_norm="all"),
    "nemotron-nas": family(attention.nemotron_nas, ffn.nemotron_nas, norms=0),
    "mllama": family(
        attention.mllama, names=Names(other=("cross_attn",)),
        lookup=vectors(8),  # rows of image tokens, in the input table alone
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=40, num_attention_heads=32, num_key_value_heads=8,
        vocab_size=128256, max_position_embeddings=131072, cross_attention_layers=[3, 8, 13, 18, 23, 28, 33, 38],
    ),

    # dense, before Llama
    "gpt2": family(ffn=ffn.four_wide, norm_bias=True, tied=True, extra=positions, names=config.GPT2, **_BIASED),
    "gpt_bigcode": family(
        attention.multi_query, ffn.four_wide, norm_bias=True, tied=True, extra=positions, names=config.GPT2,
        **_BIASED,
    ),
    "gptj": family(
        ffn=ffn.four_wide, norms=1, norm_bias=True, names=config.GPT2._replace(own=("fc_in", "fc_out", "out_proj")),
        gated=False, ffn_bias=True, head_bias=True,
    ),
    "gpt_neox": family(
        norm_bias=True, names=config.FALCON._replace(layer="gpt_neox.layers", attention=("attention",)), **_BIASED,
    ),
    "opt": family(
        norm_bias=True, tied=True, extra=opt_positions,
        names=Names("model.decoder.layers", ffn=("",), own=("out_proj", "fc1", "fc2")), **_BIASED,
    ),
    "bloom": family(
        ffn=ffn.four_wide, norm_bias=True, tied=True, names=config.FALCON, **_BIASED,
        extra=vectors(2),  # a norm with bias after the input table
    ),
    "falcon": family(
        attention.falcon, ffn.four_wide, norms=0, norm_bias=True, tied=True, names=config.FALCON,
        gated=False, qkv_bias="bias", o_bias="bias", ffn_bias="bias",
    ),
    "mpt": family(
        ffn=ffn.four_wide, tied=True, names=Names("transformer.blocks", ("attn",), ("ffn",), own=("Wqkv", "out_proj")),
        gated=False,
    ),

    # dense, some or all layers with a window
    "mistral": family(attention.windowed, num_key_value_heads=8, sliding_window=4096),
    "ministral3": family(attention.windowed, num_key_value_heads=8, head_dim=128),
    "phi3": family(attention.windowed, names=Names(own=("qkv_proj", "gate_up_proj"))),
    "starcoder2": family(
        attention.windowed, norm_bias=True, tied=True, gated=False, num_key_value_heads=2,
        use_bias=True, qkv_bias="use_bias", o_bias="use_bias", ffn_bias="use_bias",
    ),
    "qwen2": family(_QWEN_WINDOWS, **_QWEN, qkv_bias=True, o_bias=False),
    "qwen3": family(_QWEN_WINDOWS, **_QWEN, head_dim=128, qk_norm="head"),
    "gemma2": family(attention.even_windowed, norms=4, tied=True, **_GEMMA2),
    "gemma3": family(
        attention.full_every(6), norms=4, tied=True, **_GEMMA2,
        num_attention_heads=8, vocab_size=262208, max_position_embeddings=131072, qk_norm="head",
    ),
    "gemma3n": family(
        attention.gemma3n, ffn.gemma3n, norms=4, tied=True, extra=altup_streams, lookup=layer_tables,
        head_dim=256, num_key_value_heads=2, num_attention_heads=8, hidden_size=2048, intermediate_size=16384,
        num_hidden_layers=35, vocab_size=262400, max_position_embeddings=32768, sliding_window=512, qk_norm="head",
        vocab_size_per_layer_input=262144, hidden_size_per_layer_input=256, altup_num_inputs=4,
        num_kv_shared_layers=15, laurel_rank=64,
    ),
    "cohere2": family(attention.full_every(4), norms=1, tied=True, head_dim=128, sliding_window=4096),
    "olmo3": family(attention.full_every(4), qk_norm="all", sliding_window=4096),
    "exaone4": family(attention.full_every(4), num_key_value_heads=32, qk_norm="head", sliding_window=4096),

    "gpt_neo": family(
        attention.windows(lambda _, i: bool(i % 2)), ffn.four_wide, norm_bias=True, tied=True, extra=positions,
        names=config.GPT2, gated=False, o_bias=True, ffn_bias=True, window_size=256,
    ),
    "persimmon": family(attention.persimmon, norm_bias=True, **_BIASED),
    "bitnet": family(attention.bitnet, ffn.bitnet, num_key_value_heads=5),
    "cosmos3_edge": family(gated=False, num_key_value_heads=8, head_dim=128),
    "voxtral_realtime": family(attention.voxtral_realtime, tied=True, head_dim=128, num_key_value_heads=8),
    "molmo2": family(qk_norm="head", lookup=more_words, head_dim=128, num_key_value_heads=8, additional_vocab_size=128),
    "cwm": family(attention.full_every(4), head_dim=128, num_key_value_heads=8, sliding_window=8192),
    "vaultgemma": family(attention.even_windowed, tied=True, **_GEMMA2),
    "plamo3": family(attention.full_every(8), norms=4, qk_norm="head", sliding_window=2048),
    "granitemoe_swa": family(
        attention.windows(lambda _, i: bool(i % 4)), ffn.granite_shared, sinks=True, sliding_window=128,
        shared_intermediate_size=0,
        names=config.GRANITE, **_GRANITE,
    ),
    "granite_swa": family(attention.windows(lambda _, i: bool(i % 4)), tied=True, sinks=True, sliding_window=128),
    "muse_glimmer": family(
        attention.gated(attention.full_every(4)), norms=4, head_dim=128, num_key_value_heads=2, sliding_window=2048,
    ),
    "gemma4_unified": family(
        attention.gemma4, ffn.gemma4, norms=4, tied=True, head_dim=256, qk_norm="head", sliding_window=1024,
        num_key_value_heads=4, global_head_dim=512, hidden_size_per_layer_input=0, vocab_size_per_layer_input=0,
    ),

    "spark2_5": family(
        attention.gated(attention.full_every(4), per_head=True), tied=True, head_dim=256, sliding_window=512,
    ),
    "nanbeige": family(attention.looped, ffn.looped),

    # encoder-decoders
    "whisper": family(
        towers.whisper, norms=3, norm_bias=True, tied=True, extra=positions, lookup=towers.whisper_sounds,
        names=config.SEQ2SEQ, **_BIASED,
    )._replace(decoder=towers.decoder),
    "bart": family(
        towers.crossed, norms=3, norm_bias=True, tied=True, extra=towers.bart_positions, lookup=towers.bart_encoder,
        names=config.SEQ2SEQ, **_BIASED,
    )._replace(decoder=towers.decoder),
    "m2m_100": family(
        towers.crossed, norms=3, norm_bias=True, tied=True, lookup=towers.m2m_encoder, names=config.SEQ2SEQ,
        **_BIASED,
    )._replace(decoder=towers.decoder),
    "t5": family(
        towers.t5, norms=3, tied=True, extra=towers.t5_tables, lookup=towers.t5_encoder, names=config.T5,
    )._replace(decoder=towers.t5_decoder),

    # encoders, which decode nothing
    "bert": family(
        attention.encoder, ffn.jina, norm_bias=True, extra=encoder_head, lookup=encoder_tables, names=config.BERT,
        type_vocab_size=2, max_position_embeddings=512, **_BIASED,
    ),
    "distilbert": family(
        attention.encoder, norm_bias=True, extra=encoder_head, lookup=encoder_tables, names=config.BERT, pooler=False,
        max_position_embeddings=512, **_BIASED,
    ),
    "mpnet": family(
        attention.encoder, norm_bias=True, extra=mpnet_head, lookup=encoder_tables, names=config.BERT,
        max_position_embeddings=512, **_BIASED,
    ),
    "nomic_bert": family(
        attention.encoder, ffn.nomic, norm_bias=True, extra=encoder_head, lookup=kinds_of_text, names=config.BERT,
        pooler=False, type_vocab_size=2, qkv_bias="qkv_proj_bias", o_bias="qkv_proj_bias", ffn_bias="mlp_fc1_bias",
        gated=False,
    ),
    "gte": family(
        attention.encoder, ffn.gte, norm_bias=True, extra=encoder_head, lookup=kinds_of_text, names=config.BERT,
        pooler=False, type_vocab_size=1, qkv_bias=True, o_bias=True,
    ),
    "modernbert": family(
        attention.modernbert, extra=modernbert_head, names=config.BERT, pooler=False,
        local_attention=128, global_attn_every_n_layers=3,
    ),
    "eurobert": family(attention.encoder),

    # experts
    "afmoe": family(
        attention.gated(attention.full_every(4)), ffn.lfm2_moe, norms=4, qk_norm="head", router_bias=True,
        head_dim=128, sliding_window=1024, num_dense_layers=1, experts=64, active=6, shared_experts=2,
        expert_width=1408,
    ),
    "hy_v3": family(
        ffn=ffn.first_dense, qk_norm="head", router_bias=True, head_dim=128, num_key_value_heads=8, experts=192,
        active=8, shared_experts=1, expert_width=1536, first_k_dense_replace=1,
    ),
    "kolibri1": family(
        attention.full_every(5), ffn.ungated, norms=4, qk_norm="head", router_bias=True, head_dim=128,
        num_key_value_heads=4, sliding_window=513, experts=384, active=6, expert_width=512,
        shared_expert_intermediate_size=512,
    ),
    "flint": family(
        attention.windows(lambda config, i: i > 1 and i % 4 != 1 and i < config.need("layers") - 1), ffn.ungated,
        qk_norm="head", sinks=True, head_dim=128, num_key_value_heads=4, sliding_window=513, experts=256, active=6,
        expert_width=512, shared_expert_intermediate_size=1024, mlp_only_layers=[0, 1],
    ),
    "beam": family(
        attention.beam, ffn.first_dense, norms=4, qk_norm="head", router_bias=True, head_dim=128, num_key_value_heads=8,
        sliding_window=512, experts=256, active=8, expert_width=2560, first_k_dense_replace=3,
    ),
    "muse_spark": family(
        attention.gated(attention.windows(lambda config, i: bool((config.need("layers") - 1 - i) % 4))), ffn.muse_spark,
        norms=5, router_bias=True, head_dim=64, num_key_value_heads=16, sliding_window=2048, experts=256, active=8,
        expert_width=4096, moe_hidden_size=4096,
    ),
    "aria": family(ffn=ffn.experts, experts=8, active=2, shared_experts=2),
    "laguna": family(
        attention.laguna, ffn.laguna, qk_norm="head", router_bias=True, gating=True, head_dim=128,
        num_key_value_heads=8, sliding_window=512, experts=256, active=8, expert_width=512,
        shared_expert_intermediate_size=512,
    ),
    "mellum": family(
        attention.windows(lambda *_: False), ffn.first_dense, qk_norm="head", head_dim=128, num_key_value_heads=4,
        sliding_window=1024, experts=64, active=8, expert_width=896, first_k_dense_replace=0,
    ),
    "solar_open": family(
        ffn=ffn.first_dense, router_bias=True, qk_norm="head", has_qk_norm="use_qk_norm", head_dim=128,
        num_key_value_heads=8, experts=128, active=8, shared_experts=1, expert_width=1280, first_k_dense_replace=0,
    ),
    "bailing_moe": family(
        ffn=ffn.first_dense, qk_norm="head", has_qk_norm="use_qk_norm", qkv_bias="use_qkv_bias", o_bias="use_bias",
        ffn_bias="use_bias", router_bias="moe_router_enable_expert_bias", first_k_dense_replace=0, shared_experts=0,
    ),
    "step3p5": family(
        attention.step3, ffn.step3, qk_norm="head", router_bias="use_moe_router_bias",
        use_moe_router_bias=True, head_dim=128,
        num_key_value_heads=8, experts=288, active=8, expert_width=1280, share_expert_dim=1280,
    ),
    "grok-1": family(ffn=ffn.experts, norms=4, tied=True, experts=8, active=2, num_key_value_heads=8),
    "arctic": family(ffn=ffn.arctic, experts=128, active=2, num_key_value_heads=8),
    "step3_text": family(
        attention.multi_matrix, ffn.step3, head_dim=256, share_q_dim=2048, share_expert_dim=5120, expert_width=5120,
        moe_layers_enum=list(range(4, 60)), experts=48, active=3,
    ),
    "cohere2_moe": family(
        attention.full_every(4), ffn.first_dense, norms=1, tied=True, head_dim=128, sliding_window=4096, experts=8,
        active=2, shared_experts=0, first_k_dense_replace=0,
    ),
    "k2_horizon": family(
        attention.k2_horizon, ffn.k2_horizon, qk_norm="all", has_qk_norm="query_key_norm", query_key_norm=False,
        router_bias="moe_gate_bias", moe_gate_bias=True,
    ),
    "inkling": family(
        attention.inkling, ffn.inkling, qk_norm="head", router_bias=True, extra=vectors(1), head_dim=128,
        num_key_value_heads=8, swa_num_attention_heads=64, swa_num_key_value_heads=16, swa_head_dim=128,
        sliding_window=512, d_rel=16, rel_extent=1024, sconv_kernel_size=4, experts=256, active=6, shared_experts=2,
    ),
    "mixtral": family(
        attention.windowed, ffn.experts, names=config.SPARSE_MOE, experts=8, active=2, num_key_value_heads=8,
    ),
    "phimoe": family(
        attention.windowed, ffn.experts, norm_bias=True, names=config.SPARSE_MOE,
        experts=16, active=2, num_key_value_heads=8,
    ),
    "olmoe": family(attention.windowed, ffn.experts, experts=64, active=8, qk_norm="all"),
    "minimax_m2": family(
        attention.windowed, ffn.experts, names=config.SPARSE_MOE,
        experts=256, active=8, head_dim=128, qk_norm="all", num_key_value_heads=8, router_bias=True,
    ),
    "minimax_m3": family(
        attention.minimax_m3, ffn.first_dense, qk_norm="head", router_bias=True, head_dim=128, num_key_value_heads=4,
        experts=128, active=4, shared_experts=1, index_n_heads=4, index_head_dim=128, index_block_size=128,
        index_topk_blocks=16, shared_width="shared_intermediate_size",
    ),
    "granitemoe": family(attention.windowed, ffn.experts, names=config.GRANITE, **_GRANITE),
    "granitemoeshared": family(ffn=ffn.granite_shared, names=config.GRANITE, **_GRANITE, shared_intermediate_size=0),
    "qwen2_moe": family(
        attention.if_switched_on(attention.early_windowed), ffn.stepped,
        experts=60, active=4, expert_width=1408, shared_expert_intermediate_size=5632, qkv_bias=True, o_bias=False,
        num_key_value_heads=16, sliding_window=4096, max_window_layers=28,
    ),
    "qwen3_moe": family(
        _QWEN_MOE_WINDOWS, ffn.stepped,
        experts=128, active=8, expert_width=768, num_key_value_heads=4, qk_norm="head", sliding_window=4096,
    ),
    "qwen3_vl_moe": family(
        _QWEN_MOE_WINDOWS, ffn.stepped, experts=60, active=4, expert_width=1408, num_key_value_heads=16, qk_norm="head",
    ),
    "gemma4": family(
        attention.gemma4, ffn.gemma4, norms=4, tied=True, extra=layer_inputs, lookup=layer_tables,
        names=Names(experts=("experts", "moe"), shared=("mlp",)),
        head_dim=256, qk_norm="head", sliding_window=512, num_key_value_heads=4, global_head_dim=512,
        vocab_size_per_layer_input=262144, hidden_size_per_layer_input=256,
    ),
    "hunyuan": family(attention.hunyuan, ffn.hunyuan, tied=True, qk_norm="head", has_qk_norm="use_qk_norm"),
    "hunyuan_v1_moe": family(ffn=ffn.hunyuan_v1, qk_norm="head"),
    "dbrx": family(
        attention.dbrx, ffn.dbrx, experts=4, active=1, kv_n_heads=1, ffn_hidden_size=3584,
        names=Names("transformer.blocks", ("norm_attn_norm.attn",), experts=("ffn.experts.mlp", "ffn.experts")),
    ),
    "gpt_oss": family(
        attention.even_windowed, ffn.experts, names=Names(own=("q_proj", "k_proj", "v_proj", "gate_up_proj")),
        experts=128, active=4, head_dim=64, num_key_value_heads=8, sliding_window=128, qkv_bias=True, o_bias=True,
        sinks=True, router_bias=True, expert_bias=True,
    ),
    "deepseek": family(ffn=ffn.first_dense),
    "glm4_moe": family(ffn=ffn.first_dense, **_GLM4_MOE, qk_norm="head"),
    "glm4v_moe": family(ffn=ffn.first_dense, **_GLM4_MOE, attention_bias=True),
    "dots1": family(
        attention.late_windowed, ffn.first_dense, qk_norm="head", router_bias=True, sliding_window=4096,
        max_window_layers=62, expert_width=1408, first_k_dense_replace=0,
    ),
    "exaone_moe": family(
        attention.full_every(4), ffn.first_dense, experts=64, active=8, shared_experts=1, expert_width=1024,
        first_k_dense_replace=1, router_bias=True, qk_norm="head", sliding_window=4096,
    ),
    "mimo_v2_flash": family(
        attention.mimo_v2, ffn.first_dense,
        experts=256, active=8, router_bias=True, expert_width=2048, head_dim=192, v_head_dim=128,
    ),
    "ernie4_5_moe": family(
        ffn=ffn.ernie, tied=True, experts=64, active=6, shared_experts=2, expert_width=1536, num_key_value_heads=4,
        router_bias=True, moe_layer_start_index=1,
    ),
    "ernie4_5_vl_moe": family(
        ffn=ffn.ernie_vl, tied=True, experts=64, active=6, shared_experts=2, num_key_value_heads=4, router_bias=True,
        moe_intermediate_size=[1536, 512], moe_layer_start_index=1, lookup=ffn.experts_for_images,
    ),
    "llama4": family(
        attention.llama4, ffn.llama4, names=config.FORWARD, experts=16, active=1, num_key_value_heads=8,
        head_dim=128, intermediate_size=8192, intermediate_size_mlp=16384,
    ),

    # latent attention
    "deepseek_v2": family(
        latents.deepseek_v2, ffn.first_dense, **_LATENT,
        experts=64, shared_experts=2, expert_width=1407, first_k_dense_replace=0,
    ),
    "deepseek_v3": family(latents.latent, ffn.first_dense, **_DEEPSEEK3),
    "hy_v4": family(
        latents.hy_v4, ffn.first_dense, extra=streams_head,
        **_GLM_LATENT | _INDEXER | {"index_n_heads": 16, "index_topk_freq": 4}
        | {"expert_width": 768, "first_k_dense_replace": 1, "hc_mult": 4},
    ),
    "mistral_large4": family(
        latents.mistral_large4, ffn.first_dense, extra=half_rope, **_LATENT | _INDEXER | {"index_n_heads": 32}
        | {"q_lora_rank": 0, "qk_nope_head_dim": 64}, experts=128, active=4, shared_experts=1, expert_width=6144,
        first_k_dense_replace=1,
    ),
    "axk2": family(
        latents.axk2, ffn.first_dense, **_LATENT | _INDEXER | {"index_n_heads": 16, "q_lora_rank": 384}
        | {"kv_lora_rank": 128, "qk_nope_head_dim": 64, "qk_rope_head_dim": 32, "v_head_dim": 64}, router_bias=True,
        experts=128, active=8, shared_experts=1, expert_width=512, first_k_dense_replace=1, gated_norm_rank=16,
    ),
    "axk1": family(latents.latent, ffn.normed_experts, **_DEEPSEEK3 | {"first_k_dense_replace": 1}),
    "deepseek_v32": family(latents.indexed_latent, ffn.first_dense, **_DEEPSEEK3, **_INDEXER),
    "deepseek_v4": family(
        latents.deepseek_v4, ffn.deepseek_v4, extra=streams_head, names=config.DEEPSEEK_V4,
        experts=256, active=6, shared_experts=1, expert_width=2048, router_bias=True, head_dim=512, q_lora_rank=1024,
        sliding_window=128, o_groups=8, o_lora_rank=1024, hc_mult=4, num_hash_layers=3,
        index_n_heads=64, index_head_dim=128, index_topk=512,
    ),
    "deepseek_v41": family(
        latents.deepseek_v41, ffn.deepseek_v41, lookup=engram_tables, names=config.DEEPSEEK_V4,
        router_bias=True,
    ),
    "kimi_k2": family(latents.latent, ffn.first_dense, router_bias=True),
    "glm_moe_dsa": family(
        latents.indexed_latent, ffn.first_dense,
        **_GLM_LATENT | _INDEXER | {"q_lora_rank": 2048, "index_n_heads": 32},
    ),
    "glm4_moe_lite": family(
        latents.latent, ffn.first_dense, **_GLM_LATENT
        | {"q_lora_rank": 768, "experts": 64, "active": 4, "expert_width": 1536, "first_k_dense_replace": 1},
    ),
    "mistral4": family(
        latents.latent, ffn.first_dense, experts=128, active=4, shared_experts=1, expert_width=2048,
        first_k_dense_replace=0, kv_lora_rank=256, q_lora_rank=1024, qk_nope_head_dim=64, qk_rope_head_dim=64,
        v_head_dim=128,
    ),
    "dots3_note": family(
        latents.dots3, ffn.first_dense, **_LATENT | _INDEXER | {"q_lora_rank": 1024}, sliding_window=512,
        router_bias=True, experts=256, active=8, shared_experts=1, expert_width=1536, first_k_dense_replace=1,
        swa_num_attention_heads=64, swa_q_lora_rank=1024, swa_kv_lora_rank=1024, swa_head_dim=256,
        swa_qk_nope_head_dim=192, swa_v_head_dim=128, shared_width="shared_experts_intermediate_size",
    ),
    "minicpm3": family(
        latents.latent, tied=True, kv_lora_rank=256, q_lora_rank=768, qk_nope_head_dim=64, qk_rope_head_dim=32,
        v_head_dim=64,
    ),
    "youtu": family(latents.latent, tied=True, **_LATENT),
    "longcat_flash": family(
        latents.longcat, ffn.longcat, norms=4,
        names=Names(attention=("self_attn.0", "self_attn.1"), shared=("mlps.0", "mlps.1")),
        experts=512, active=12, expert_width=2048, zero_expert_num=256, ffn_hidden_size=12288, **_LATENT,
    ),
    "kimi_linear": family(
        latents.kimi_linear, ffn.first_dense,
        **_DEEPSEEK3 | {"q_lora_rank": 0, "expert_width": 1024, "first_k_dense_replace": 1},
    ),

    # layers with a state of fixed size
    "glm5_next": family(
        latents.glm5_next, ffn.first_dense, router_bias=True, experts=288, active=8, shared_experts=1,
        expert_width=2048, first_k_dense_replace=3, q_lora_rank=1536, kv_lora_rank=512, qk_nope_head_dim=256,
        qk_rope_head_dim=0, v_head_dim=256, index_n_heads=32, index_head_dim=128, index_topk=2048, index_kpool=16,
        linear_num_heads=64, linear_head_dim=128, linear_conv_kernel_dim=4, hc_mult=4,
    ),
    "qwen4_exp": family(
        latents.qwen4_exp, ffn.stepped, names=config.DELTA, **_QWEN_STATES, extra=stream_mixer, lookup=ngram_tables,
        num_key_value_heads=2, experts=512, active=10, expert_width=512, shared_expert_intermediate_size=512,
        hc_count=4, hc_lowrank=320, ple_conv_kernel_size=4, ngram_size=3, heads_per_ngram=8,
        ngram_vocab_size_base=20_000_000, make_ngram_vocab_size_divisible_by=128,
    ),
    "qwen3_next": family(
        latents.gated_delta, ffn.stepped, names=config.DELTA, **_QWEN_STATES,
        num_key_value_heads=2, experts=512, active=10, expert_width=512, shared_expert_intermediate_size=512,
    ),
    "qwen3_5_moe": family(
        latents.gated_delta, ffn.stepped, names=config.DELTA, **_QWEN_STATES,
        num_key_value_heads=2, experts=256, active=8, expert_width=512, shared_expert_intermediate_size=512,
    ),
    "lara_mini": family(
        latents.lara, ffn.ungated, tied=True, names=config.DELTA, **_QWEN_STATES | {"head_dim": 128},
        num_key_value_heads=4, experts=128, active=4, expert_width=512, shared_expert_intermediate_size=512,
        sliding_window=512,
    ),
    "olmo_hybrid": family(
        latents.olmo_hybrid, names=config.DELTA, qk_norm="all", linear_conv_kernel_dim=4, num_key_value_heads=None,
    ),
    "lfm3": family(
        latents.lfm3, norms=4, tied=True, names=config.FORWARD, head_dim=128, num_key_value_heads=4, conv_L_cache=7,
        qk_norm="head", sliding_window=256,
    ),
    "plamo2": family(
        latents.plamo2, norms=4, tied=True, qk_norm="all", names=Names(attention=("mixer",), other=("mixer",)),
    ),
    "zaya": family(
        latents.zaya, ffn.zaya, tied=True, extra=vectors(2), head_dim=128, num_key_value_heads=2, experts=16, active=1,
        expert_width=2048, router_hidden_size=256, cca_time0=2, cca_time1=2,
    ),
    "qwen3_5": family(latents.gated_delta, ffn.stepped, names=config.DELTA, **_QWEN_STATES, num_key_value_heads=4),
    "bailing_hybrid": family(
        latents.bailing, ffn.first_dense,
        **_LATENT | {"q_lora_rank": 0}, router_bias=True, experts=512, active=8, shared_experts=1, expert_width=768,
        first_k_dense_replace=2, head_dim=128, short_conv_kernel_size=4, layer_group_size=6,
    ),
    "recurrent_gemma": family(
        latents.recurrent_gemma, ffn.half_wide, tied=True, o_bias=True, ffn_bias=True,
    ),
    "bamba": family(
        latents.bamba, names=config.FORWARD, num_key_value_heads=8, **_MAMBA2,
    ),
    "minimax": family(
        latents.minimax, ffn.experts, names=config.SPARSE_MOE, experts=8, active=2, num_key_value_heads=8,
    ),
    "lfm2": family(
        latents.lfm2, ffn.lfm2, tied=True, names=config.FORWARD,
        num_key_value_heads=8, conv_L_cache=3, qk_norm="head",
    ),
    "lfm2_moe": family(
        latents.lfm2, ffn.lfm2_moe, tied=True, names=config.FORWARD,
        experts=32, active=4, expert_width=1792, num_key_value_heads=8, conv_L_cache=3, qk_norm="head",
        num_dense_layers=2, use_expert_bias=True, router_bias="use_expert_bias",
    ),
    "mamba": family(latents.mamba1, ffn.none, norms=1, tied=True, names=config.MAMBA, **_MAMBA),
    "jamba": family(
        latents.jamba, ffn.jamba, names=config.FORWARD, **_MAMBA, experts=16, active=2, num_key_value_heads=8,
        attn_layer_period=8, attn_layer_offset=4, expert_layer_period=2, expert_layer_offset=1,
    ),
    "mamba2": family(
        latents.mamba2, ffn.none, norms=1, names=config.MAMBA,
        num_heads=128, head_dim=64, n_groups=8, state_size=128, conv_kernel=4,
    ),
    "granitemoehybrid": family(
        latents.granite_hybrid, ffn.granite_shared, names=config.GRANITE_HYBRID, **_GRANITE, **_MAMBA2,
        shared_intermediate_size=1024,
    ),
    "falcon_h1": family(latents.falcon_h1, names=config.FALCON_H1, **_MAMBA2, num_key_value_heads=8, mamba_d_ssm=1024),
    "nemotron_h": family(
        latents.nemotron, latents.nemotron_ffn, norms=1, names=config.MAMBA,
        experts=8, active=2, expert_width=7688, moe_shared_expert_intermediate_size=7688, num_key_value_heads=8,
        head_dim=128, gated=False, router_bias=True, intermediate_size=21504, mamba_num_heads=128, mamba_head_dim=64,
        n_groups=8, ssm_state_size=128, conv_kernel=4,
    ),
    "zamba2": family(
        latents.zamba2, latents.zamba2_ffn, norms=1, tied=True, names=config.ZAMBA2,
        ssm_expand=2, ssm_state=64, ssm_kernel=4, mamba_ngroups=1, num_mem_blocks=1,
    ),
}
# fmt: on


# A config.json of the Hugging Face form, read as a model by its row: exactly, or not at all.


#: The language model of a composite one, and the task of a class.
_PART = re.compile(r"_(text|text_model|language_model|language|llm|lm|decoder)$")
_CLASS = re.compile(r"(For[A-Z]\w*|LMHeadModel|Model)$")
#: Eight bits and a scale of eight for 32 of them.
_ENGRAM_BITS = 8 + 8 / 32
#: No model has more layers.
MOST_LAYERS = 10_000
#: Raised when a value of the wrong kind is read.
MALFORMED = (ArithmeticError, AttributeError, LookupError, MemoryError, StopIteration, TypeError, ValueError)
#: Class defaults that files leave out within another model's, where only what differs is saved (LLaVA 1.5 and 1.6).
_WITHIN = {
    "llama": FAMILIES["llava"].defaults,
    "mistral": FAMILIES["llava"].defaults | {"intermediate_size": 14336, "max_position_embeddings": 131072},
}
#: Families whose class without a task in its name has a head all the same.
_WHOLE = ("chatglm",)
#: Model types that another row describes; the language model of a composite one is ``..._text`` besides.
ALIASES = {
    **dict.fromkeys(("yi", "exaone", "baichuan", "xverse", "aquila", "solar", "iquestcoder"), "llama"),
    "stablelm_epoch": "stablelm",
    "codegen": "gptj",
    "flex_olmo": "olmoe",
    **dict.fromkeys(("keye", "keye_vl1_5"), "qwen3"),
    **dict.fromkeys(("bailing_moe_v2_5", "bailing_moe_v3"), "bailing_hybrid"),
    "telechat2": "telechat",
    "apertus1p5": "apertus",
    "paddleocr_vl": "ernie4_5",
    "granite_docling": "granite",
    **dict.fromkeys(("mistral3", "ministral"), "mistral"),
    **dict.fromkeys(("qwen2_vl", "qwen2_5_vl", "qwen2_5_omni", "qwen2_5_omni_thinker", "dots_ocr", "mimo"), "qwen2"),
    **dict.fromkeys(("minimax_text_01", "minimax_m1"), "minimax"),
    **dict.fromkeys(("RefinedWeb", "RefinedWebModel"), "falcon"),
    **dict.fromkeys(("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "xlm_roberta"), "bert"),
    "bailing_moe_v2": "bailing_moe",
    **dict.fromkeys(("phi4mm", "phi4_multimodal"), "phi3"),
    "step3p7": "step3p5",
    "exaone4_5": "exaone4",
    "inkling_mm_model": "inkling",
    "intern_s2_preview": "qwen3_5_moe",
    "falcon_mamba": "mamba",
    "mbart": "bart",
    **dict.fromkeys(("mt5", "umt5"), "t5"),
    "internlm2": "internlm",
    "kimi_k25": "deepseek_v3",
    "mimo_v2": "mimo_v2_flash",
    "minimax_m3_vl": "minimax_m3",
    **dict.fromkeys(("hy_v4_vl", "hunyuan_v4"), "hy_v4"),
    "unlimited_ocr": "deepseek",
    **dict.fromkeys(("telechat3", "step1", "teleflm"), "llama"),  # vLLM 0.33, models/registry.py and step1.py
    "hunyuan_vl": "hunyuan_v1_dense",
    **dict.fromkeys(("ernie4_5_moe_vl", "ernie4_5_vl"), "ernie4_5_vl_moe"),
    "new": "gte",
    "llava_next": "llava",
    "mllama_text_model": "mllama",
    "qwen3_omni_moe": "qwen3_moe",
    "qwen3_vl": "qwen3",
}


def read_model(data: dict[str, Any], name: str, where: str, sidecar: dict[str, Any] | None = None) -> Model:
    """The model of a config and its ``hf_quant_config.json``; Missing for a family or key, BadFile for a value."""
    config = Config(data, where)
    try:
        model = _read(config, name, sidecar)
    except MALFORMED as error:
        if isinstance(error, InfercostError):
            raise
        # a list where a number goes, deep in a part that one family alone has
        what = f"has no {error}" if isinstance(error, KeyError) else f"holds a value that cannot be: {error}"
        raise BadFile(f"{where}: {what}", "give the config.json as it was published") from error
    if model.is_encoder:  # whose head is counted with its class
        return as_prefill_only(model)
    if _classifies(config):
        return as_prefill_only(model, labels_of(config))
    return as_prefill_only(model) if _is_headless(config) and not model.has_encoder else model


def _read(config: Config, name: str, sidecar: dict[str, Any] | None) -> Model:
    family = family_of(config)
    config.defaults = _defaults(config, family)
    config = family.decoder(config) if family.decoder else config
    layers = layers_of(config, family)
    kinds = list(dict.fromkeys(layers))
    vision, sound = vision_params(config), audio_params(config)
    hidden, vocab, tables = config.need("hidden"), config.need("vocab"), family.lookup(config)
    return Model(
        name=name,
        family=config.family,
        hidden_size=hidden,
        vocab_size=vocab,
        layers=tuple(layer._replace(times=layers.count(layer)) for layer in kinds),
        embedding=vocab * hidden,
        head=0 if _is_tied(config, family) else vocab * hidden,
        small=hidden * (2 if family.norm_bias else 1)
        + vocab * config.flag("head_bias", "lm_head_bias")
        + family.extra(config),
        max_context=longest_context(config),
        quantization=_with_tables(quantization(config, family.names, sidecar, layers), config, vocab * hidden, tables),
        kv_bits=kv_bits(config, sidecar),
        state_bits=_state_bits(config),
        vision_params=(vision or 0) + (sound or 0),
        mtp_params=prediction_params(config, layers),
        mtp=prediction_layers(config, layers) if _modules(config) and not config.raw("dspark_block_size") else (),
        vision_known=vision is not None and sound is not None,
        lookup=tables,
        has_encoder=family.decoder is not None,
        order=tuple(kinds.index(layer) for layer in layers),
    )


def _defaults(config: Config, family: Family) -> dict[str, Any]:
    """What a file may leave out: more of it within another model's file."""
    return family.defaults if config.inner is config.outer else _WITHIN.get(config.family, {}) | family.defaults


def _is_tied(config: Config, family: Family) -> bool:
    """Whether the input table is the output head too, by the file or else the family."""
    ties = (place.get("tie_word_embeddings") for place in (config.outer, config.inner))
    return next((bool(value) for value in ties if value is not None), family.tied)


def _with_tables(found: Quantization, config: Config, embedding: int, tables: int) -> Quantization:
    """DeepSeek-V4.1 keeps its tables of n-grams in FP8 beside an input table in 16 bits: the mean of both.

    So do quantizations of it by others, NVIDIA's among them.
    """
    if found.default == min(found.bits.values(), default=found.default) or not config.entries("engram_layer_ids"):
        return found
    mean = (found.of("embedding") * embedding + _ENGRAM_BITS * tables) / (embedding + tables)
    return found._replace(bits={**found.bits, "embedding": mean})


def _state_bits(config: Config) -> int:
    """Engines keep a recurrent state in 32 bits unless the config says otherwise."""
    named = config.raw("mamba_ssm_dtype", config.raw("mamba_ssm_cache_dtype", "float32"))
    return 32 if "32" in str(named) else 16


#: Kinds of rope scaling whose factor is in the positions that the config names already, as vLLM 0.33 reads it
#: (config/model.py, _get_and_verify_max_len); that of every other kind stretches them.
_NAMED_STRETCHED = ("su", "longrope", "llama3", "deepseek_llama_scaling")
_YARN = ("yarn", "deepseek_yarn")


def longest_context(config: Config) -> int:
    """Positions that a config names, times its factor where that stretches them; of YaRN the original ones, if more.

    Gemma 3 names them stretched already (vllm-project/vllm, config/model.py at 0.33).
    """
    named = config.opt("context")
    for rope in _ropes(config):
        kind, factor = rope.get("rope_type", rope.get("type")), rope.get("factor")
        original = rope.get("original_max_position_embeddings") if kind in _YARN else named
        stretches = kind in _YARN or not (kind in _NAMED_STRETCHED or config.family.startswith("gemma3"))
        if stretches and isinstance(factor, (int, float)) and isinstance(original, int):
            return max(named, int(factor * original))
    return named


def _ropes(config: Config) -> Iterator[dict[str, Any]]:
    """Settings of rope scaling: one for all layers, or one for each kind of them."""
    for rope in map(config.raw, ("rope_parameters", "rope_scaling")):
        if isinstance(rope, dict):
            yield rope
            yield from (inside for inside in rope.values() if isinstance(inside, dict))


def _classifies(config: Config) -> bool:
    """Whether a decoder's class puts labels in place of the head that predicts tokens."""
    classes = config.raw("architectures")
    return isinstance(classes, list) and str(next(iter(classes), "")).endswith("ForSequenceClassification")


def _is_headless(config: Config) -> bool:
    """Whether a decoder's class is the one without a head, as embedders publish it: MistralModel, Gemma3TextModel.

    ChatGLMModel and InternVLChatModel have theirs (vLLM 0.33, model_executor/models/registry.py).
    """
    classes = config.raw("architectures")
    name = str(next(iter(classes), "")) if isinstance(classes, list) else ""
    family = plain(config.family)
    return name.endswith("Model") and family not in _WHOLE and plain(name.removesuffix("Model")) == family


#: What answers for a model whose layers are not known.
_BY_COUNT = "count it by its parameters: --params 8B, with --active-params where a token uses only some"


def family_of(config: Config) -> Family:
    """The row of the table for a config's model type; Missing where there is none."""
    rows = {plain(name): row for name, row in (*zip(FAMILIES, FAMILIES, strict=True), *ALIASES.items())}
    if row := next((rows[name] for name in map(plain, _names(config)) if name in rows), ""):
        return FAMILIES[row]
    what = f"the model family {config.family!r} is not known" if config.family else "has no model_type"
    hint = f"{closest(config.family, sorted(FAMILIES))}{_BY_COUNT}"
    raise Missing(f"{config.where}: {what}", hint if config.family else "give the config.json as it was published")


#: Language models of MiniCPM-V and -o by the version that the file says (vLLM 0.33, minicpmv.py).
_VERSIONS = {"2.5": "llama", "2.6": "qwen2", "4.0": "llama", "4": "llama", "4.5": "qwen3"}


def _names(config: Config) -> Iterator[str]:
    """What may name the family: the model type, without the word for a part of a whole, then the class of the model."""
    if config.family in ("minicpmv", "minicpmo"):
        yield _VERSIONS.get(str(config.raw("version")), config.family)
    yield config.family
    yield _PART.sub("", config.family)
    for level in (config.inner, config.outer):
        classes = level.get("architectures")
        for name in classes if isinstance(classes, list) else ():
            yield _CLASS.sub("", str(name))


@lru_cache(1000)
def plain(name: str) -> str:
    """A family's name for comparison: Qwen3Moe is qwen3_moe."""
    return re.sub(r"[_-]", "", name.lower())


def layers_of(config: Config, family: Family) -> list[Layer]:
    """Every layer, in order; BadFile for more or fewer than a model has, Missing for experts that a family has not."""
    blocks = config.raw("layers_block_type") or config.raw("block_configs")
    depth = len(blocks) if isinstance(blocks, list) else config.need("layers")
    if not 0 < depth <= MOST_LAYERS:
        raise BadFile(f"{config.where}: {depth:,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    check_lists(config, depth)
    if family.ffn in DENSE and (count := config.opt("experts")) > 1:
        what = f"{config.where}: has {count} experts, and {config.family} is known without any"
        raise Missing(what, _BY_COUNT)
    small = family.norms * config.need("hidden") * (2 if family.norm_bias else 1)
    own = [config.layer(i) for i in range(depth)] * max(config.number("num_loops", 1), 1)
    if len(own) > MOST_LAYERS:
        raise BadFile(f"{config.where}: num_loops makes {len(own):,} layers", f"a model has 1 to {MOST_LAYERS:,}")
    return [Layer(1, family.attention(each, i), family.ffn(each, i), small * (i < depth)) for i, each in enumerate(own)]


def prediction_params(config: Config, layers: list[Layer]) -> int:
    """Parameters of multi-token prediction: for each module one more layer, a joining matrix and three norms.

    ``num_mtp_modules`` of MiniMax is left alone: its published checkpoints hold no such modules.
    """
    hidden, like = config.need("hidden"), prediction_layers(config, layers)
    if config.raw("dspark_n_routed_experts"):
        return _dspark_params(config, layers)
    return _modules(config) * (sum(map(_layer_params, like)) + 2 * hidden * hidden + 3 * hidden)


def _modules(config: Config) -> int:
    return config.number("num_nextn_predict_layers", config.number("mtp_num_hidden_layers", 0))


def _dspark_params(config: Config, layers: list[Layer]) -> int:
    """DeepSeek's block of draft layers: windows alone, fewer experts, a way in and a way out in place of joins."""
    hidden, rank = config.need("hidden"), config.number("dspark_markov_rank")
    near = next(layer for layer in layers if not layer.attention.has_past)
    fewer = config.number("dspark_n_routed_experts")
    left = (near.ffn.experts - fewer) * (near.ffn.expert + hidden + 2)
    way_in = config.entries("dspark_target_layer_ids") * hidden * hidden + hidden
    way_out = hidden + 2 * config.need("vocab") * rank + hidden + rank
    return config.number("num_nextn_predict_layers") * (_layer_params(near) - left) + way_in + way_out


def prediction_layers(config: Config, layers: list[Layer]) -> tuple[Layer, ...]:
    """The layers of one prediction module: one like the last that attends, or those that the config lists."""
    if not (words := config.raw("mtp_layers_block_type")):
        return tuple([layer for layer in layers if layer.attention.cache][-1:] or layers[-1:])
    attends = next(layer for layer in layers if layer.attention.cache)
    chooses = next(layer for layer in layers if layer.ffn.experts)
    return tuple(attends if word == "attention" else chooses for word in words)


def _layer_params(layer: Layer) -> int:
    attention, ffn = layer.attention, layer.ffn
    experts = ffn.experts * (ffn.expert + ffn.expert_small)
    fed = ffn.dense + ffn.shared + experts + ffn.router + ffn.small
    return layer.small + attention.split + attention.copied + attention.small + fed
