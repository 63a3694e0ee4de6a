"""The feed-forward part of one layer, from a config: dense matrices, or experts and what stands beside them."""

from infercost import formulas
from infercost.errors import BadFile
from infercost.models.families import attention
from infercost.models.families.config import Config, Made, all_but_every, window_of
from infercost.models.model import Attention, Ffn


def uniform(config: Config, i: int) -> Made:
    """Layers all alike: full attention, dense."""
    return attention.grouped(config), dense(config)


def windowed(config: Config, i: int) -> Made:
    """A window on every layer, or on those that ``layer_types`` names, where the config has one."""
    return attention.grouped(config, window_of(config, i, lambda _: True)), dense(config)


def qwen_window(config: Config, i: int) -> Made:
    """A window from ``max_window_layers`` on, and only where ``use_sliding_window`` says so."""
    first = config.number("max_window_layers")
    window = window_of(config, i, lambda n: n >= first) if config.raw("use_sliding_window") else 0
    return attention.grouped(config, window), dense(config)


def gemma2(config: Config, i: int) -> Made:
    """Even layers see a window."""
    return attention.grouped(config, window_of(config, i, lambda n: n % 2 == 0)), dense(config)


def gemma3(config: Config, i: int) -> Made:
    """Five layers of six see a window."""
    return attention.grouped(config, all_but_every(config, i, 6)), dense(config)


def cohere2(config: Config, i: int) -> Made:
    """Every fourth layer is full, the others see a window."""
    return attention.grouped(config, all_but_every(config, i)), dense(config)


def falcon(config: Config, i: int) -> Made:
    """One KV head unless the decoder is the new one; four times as wide inside."""
    hidden, new = config.need("hidden"), bool(config.raw("new_decoder_architecture"))
    heads = config.need("heads")
    kv_heads = config.need("kv_heads") if new else 1 if config.raw("multi_query", True) else heads
    parallel_norms = config.number("num_ln_in_parallel_attn", 2 if new else 1)
    norms = parallel_norms if config.raw("parallel_attn", True) else 2
    width = config.opt("width", 4 * hidden)
    made = attention.grouped(config, kv_heads=kv_heads)
    return made._replace(small=made.small + 2 * norms * hidden), dense(config, width)


def bloom(config: Config, i: int) -> Made:
    """Multi-head, four times as wide inside."""
    return attention.grouped(config), dense(config, 4 * config.need("hidden"))


def four_wide(config: Config, i: int) -> Made:
    """Four times as wide inside unless ``n_inner`` says otherwise."""
    return attention.grouped(config), dense(config, config.opt("width", 4 * config.need("hidden")))


def mpt(config: Config, i: int) -> Made:
    """Multi-head, ``expansion_ratio`` times as wide inside."""
    ratio = config.number("expansion_ratio", 4)
    return attention.grouped(config), dense(config, ratio * config.need("hidden"))


def nemotron_nas(config: Config, i: int) -> Made:
    """Blocks found by search: their own KV groups, parts left out or replaced by one matrix."""
    block, hidden = config.at("block_configs", i), config.need("hidden")
    seen, fed = block["attention"], block["ffn"]
    if seen.get("no_op"):
        made = Attention(kind="none")
    elif seen.get("replace_with_linear"):
        made = Attention(kind="none", split=hidden * hidden, small=hidden)
    else:
        made = attention.grouped(config, kv_heads=config.need("heads") // int(seen["n_heads_in_group"]), small=hidden)
    if fed.get("no_op"):
        return made, none()
    if fed.get("replace_with_linear"):
        return made, Ffn(kind="linear", dense=hidden * hidden, small=hidden)
    width = int(2 * float(fed["ffn_mult"]) * hidden / 3)
    ffn = dense(config, -(-width // 256) * 256)
    return made, ffn._replace(small=hidden)


def bigcode(config: Config, i: int) -> Made:
    """All heads share one KV head unless ``multi_query`` says otherwise."""
    kv_heads = 1 if config.raw("multi_query", True) else config.need("heads")
    width = config.opt("width", 4 * config.need("hidden"))
    return attention.grouped(config, kv_heads=kv_heads), dense(config, width)


def apertus(config: Config, i: int) -> Made:
    """Full attention; an activation with two learned numbers."""
    ffn = dense(config)
    return attention.grouped(config), ffn._replace(small=ffn.small + 2)


def stablelm(config: Config, i: int) -> Made:
    """A second norm with bias unless the two parts are parallel."""
    ffn = dense(config)
    norm = 0 if config.raw("use_parallel_residual") else 2 * config.need("hidden")
    return attention.grouped(config), ffn._replace(small=ffn.small + norm)


def mllama(config: Config, i: int) -> Made:
    """Some layers attend to the image alone: nothing of the text is cached there, and two gates scale what they add."""
    if i not in config.raw("cross_attention_layers"):
        return uniform(config, i)
    made = attention.grouped(config)
    seen = made._replace(
        kind="image", cache=0, decode_flops=0, prefill_flops=0, small=made.small + 2 * made.head_dim + 2
    )
    return seen, dense(config)


def phi3_small(config: Config, i: int) -> Made:
    """Sparse blocks on all layers but every so many-th: the cache is whole, and counted as read whole."""
    made = attention.grouped(config)
    sparse = (i + 1) % max(config.number("dense_attention_every_n_layers"), 1)
    return made._replace(kind="blocks" if sparse else made.kind), dense(config)


def matrices(config: Config) -> int:
    """Matrices of a feed-forward part: three when it is gated, two when it is not."""
    return 3 if config.defaults.get("gated", True) else 2


def dense(config: Config, width: int = 0) -> Ffn:
    """A feed-forward part that every token uses whole."""
    hidden, width = config.need("hidden"), width or config.need("width")
    each = matrices(config)
    biases = (width * (each - 1) + hidden) if config.flag("ffn_bias", "mlp_bias") else 0
    total = formulas.layer.ffn_params(matrices=each, input_width=hidden, ffn_width=width)
    return Ffn(kind="gated" if each == 3 else "plain", width=width, dense=total, small=biases)


def mixture(config: Config, *, width: int = 0, shared_width: int = -1, latent: int = 0, small: int = 0) -> Ffn:
    """Experts behind a router, shared experts beside them; ``latent`` is the width that experts see when it is less.

    ``shared_width`` below zero means: so many shared experts of the experts' own width.
    """
    hidden, experts = config.need("hidden"), config.need("experts")
    width = width or config.opt("expert_width") or config.need("width")
    if shared_width < 0:
        shared_width = config.opt("shared_experts") * width
    each, active = matrices(config), config.need("active")
    if active > experts:
        raise BadFile(f"{config.where}: num_experts_per_tok is {active} of {experts}", "a token has as many at most")
    down_and_up = 2 * hidden * latent
    return Ffn(
        kind="experts",
        width=width,
        shared=formulas.layer.ffn_params(matrices=each, input_width=hidden, ffn_width=shared_width) + down_and_up,
        experts=experts,
        active=active,
        expert=formulas.layer.ffn_params(matrices=each, input_width=latent or hidden, ffn_width=width),
        router=hidden * experts,
        small=small + latent * bool(config.raw("latent_moe_use_norm")) + experts * config.flag("router_bias"),
    )


def none() -> Ffn:
    """A layer without a feed-forward part."""
    return Ffn(kind="none")
