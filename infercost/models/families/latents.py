"""Latent attention of newer families: with gates, with caches of earlier layers, and where positions are left out."""

from infercost.models.families.attention import grouped, indexed_latent, latent
from infercost.models.families.config import Config
from infercost.models.families.ffn import first_dense
from infercost.models.model import Attention


def gated(config: Config, base: Attention, name: str = "gate_proj") -> Attention:
    """With an output gate as wide as the values of all heads."""
    gate = config.need("hidden") * base.heads * base.v_head_dim
    return base._replace(split=base.split + gate, matrices=(*base.matrices, (name, gate)))


def hy_v4(config: Config, i: int) -> Attention:
    """Hunyuan 4: behind an indexer on the first layer and every fourth from the second on, a gate, a sink a head.

    Two mixers of residual streams stand before and after each part of a layer.
    """
    base, streams = gated(config, indexed_latent(config, i)), config.number("hc_mult")
    mixer = 2 * streams * (streams * config.need("hidden") + 1) + 2
    return base._replace(small=base.small + base.heads + 2 * mixer, streams=streams)


def mistral_large4(config: Config, i: int) -> Attention:
    """Mistral Large 4: an indexer that scales its scores, every fourth layer without positions, caches of others."""
    every, where = max(config.number("no_rope_layer_interval", 4), 1), "no_rope_layers"
    has_positions = bool(config.at(where, i)) if config.raw(where) is not None else bool((i + 1) % every)
    nope, rope = config.number("qk_nope_head_dim"), config.number("qk_rope_head_dim")
    own = {} if has_positions else {"qk_nope_head_dim": nope + rope, "qk_rope_head_dim": 0}
    base = indexed_latent(config.having(own), i)
    small = base.small + 2 * base.heads
    if base.index_cache:
        small += 2 * config.need("hidden") + 2 * config.number("index_n_heads")
    if config.raw("kv_source_layers") is None or config.at("kv_source_layers", i) == i:
        return base._replace(small=small)
    down = config.need("hidden") * base.cache
    matrices = tuple(each for each in base.matrices if not each[0].startswith("kv_a_proj"))
    small -= config.number("kv_lora_rank")
    return base._replace(
        copied=base.copied - down, small=small, cache=0, borrowed=base.cache, packed=0, packed_four=0, matrices=matrices
    )


def axk2(config: Config, i: int) -> Attention:
    """A.X K2: queries and their gate from a vector twice as wide as the query's rank; norms with a narrow gate."""
    base, rank = indexed_latent(config, i), config.number("q_lora_rank")
    plain = rank * base.heads * base.head_dim
    both = 2 * rank * base.heads * (base.head_dim + base.v_head_dim)
    rest = tuple(each for each in base.matrices if each[0] != "q_b_proj")
    gates = 1 + bool(first_dense(config, i).experts)
    small = base.small + gates * 2 * config.number("gated_norm_rank", 16) * config.need("hidden")
    matrices = (("q_gate_proj", both), *rest)
    return base._replace(split=base.split - plain + both, small=small, matrices=matrices)


def deepseek_v2(config: Config, i: int) -> Attention:
    """Latent attention, or that of Llama where ``use_mla`` is off, as in DeepSeek-OCR."""
    if config.raw("use_mla", True):
        return latent(config, i)
    return grouped(config, i, head_dim=config.need("hidden") // config.need("heads"))
