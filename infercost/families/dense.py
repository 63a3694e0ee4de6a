"""Layers of dense families: every token uses every matrix."""

from infercost.families import attention, feedforward
from infercost.families.config import Config
from infercost.families.pattern import Made, kind_of
from infercost.model import Attention, Ffn


def uniform(config: Config, i: int) -> Made:
    """Layers all alike: full attention, dense."""
    return attention.grouped(config), feedforward.dense(config)


def windowed(config: Config, i: int) -> Made:
    """A window on every layer where the config has one."""
    return attention.grouped(config, config.opt("window")), feedforward.dense(config)


def qwen_window(config: Config, i: int) -> Made:
    """A window from ``max_window_layers`` on, and only where ``use_sliding_window`` says so."""
    used = bool(config.raw("use_sliding_window")) and i >= config.number("max_window_layers", 0)
    window = config.opt("window") if used else 0
    return attention.grouped(config, window), feedforward.dense(config)


def gemma2(config: Config, i: int) -> Made:
    """Even layers see a window."""
    window = config.need("window") if kind_of(config, i, lambda n: n % 2 == 0) == "window" else 0
    return attention.grouped(config, window), feedforward.dense(config)


def gemma3(config: Config, i: int) -> Made:
    """Five layers of six see a window."""
    every = config.number("sliding_window_pattern", config.number("_sliding_window_pattern", 6))
    window = config.need("window") if kind_of(config, i, lambda n: bool((n + 1) % every)) == "window" else 0
    return attention.grouped(config, window), feedforward.dense(config)


def cohere(config: Config, i: int) -> Made:
    """Parallel attention and feed-forward part; norms of every head's queries and keys in the larger ones."""
    made = attention.grouped(config)
    norms = (made.heads + made.kv_heads) * made.head_dim if config.raw("use_qk_norm") else 0
    return made._replace(small=made.small + norms), feedforward.dense(config)


def cohere2(config: Config, i: int) -> Made:
    """Every fourth layer is full, the others see a window."""
    every = config.number("sliding_window_pattern", 4)
    window = config.need("window") if kind_of(config, i, lambda n: bool((n + 1) % every)) == "window" else 0
    return attention.grouped(config, window), feedforward.dense(config)


def falcon(config: Config, i: int) -> Made:
    """One KV head unless the decoder is the new one; four times as wide inside."""
    hidden, new = config.need("hidden"), bool(config.raw("new_decoder_architecture"))
    heads = config.need("heads")
    kv_heads = config.need("kv_heads") if new else 1 if config.raw("multi_query", True) else heads
    norms = 2 if new or not config.raw("parallel_attn", True) else 1
    width = config.opt("width", 4 * hidden)
    made = attention.grouped(config, kv_heads=kv_heads)
    return made._replace(small=2 * norms * hidden), feedforward.dense(config, width)


def bloom(config: Config, i: int) -> Made:
    """Multi-head, four times as wide inside."""
    return attention.grouped(config), feedforward.dense(config, 4 * config.need("hidden"))


def four_wide(config: Config, i: int) -> Made:
    """Four times as wide inside unless ``n_inner`` says otherwise."""
    return attention.grouped(config), feedforward.dense(config, config.opt("width", 4 * config.need("hidden")))


def mpt(config: Config, i: int) -> Made:
    """Multi-head, ``expansion_ratio`` times as wide inside."""
    ratio = config.number("expansion_ratio", 4)
    return attention.grouped(config), feedforward.dense(config, ratio * config.need("hidden"))


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
        return made, feedforward.none()
    if fed.get("replace_with_linear"):
        return made, Ffn(kind="linear", dense=hidden * hidden, small=hidden)
    width = int(2 * float(fed["ffn_mult"]) * hidden / 3)
    ffn = feedforward.dense(config, -(-width // 256) * 256)
    return made, ffn._replace(small=hidden)


def exaone4(config: Config, i: int) -> Made:
    """Every fourth layer is full where a pattern, a number or letters such as ``LLLG``, says so."""
    pattern = config.raw("sliding_window_pattern", 4)
    every = len(pattern) if isinstance(pattern, str) else config.number("sliding_window_pattern", 4)
    kind = kind_of(config, i, lambda n: bool((n + 1) % every))
    return attention.grouped(config, config.need("window") if kind == "window" else 0), feedforward.dense(config)


def internlm(config: Config, i: int) -> Made:
    """Llama with biases on all four matrices of attention where ``bias`` says so."""
    made = attention.grouped(config)
    biases = ((made.heads + 2 * made.kv_heads) * made.head_dim + config.need("hidden")) * bool(config.raw("bias"))
    return made._replace(small=made.small + biases), feedforward.dense(config)
