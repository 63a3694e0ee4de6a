"""The feed-forward part of layer i, from a config: dense matrices, or experts and shared parts."""

from collections.abc import Callable

from infercost import formulas
from infercost.errors import BadFile
from infercost.models.families.attention import grouped, shares_cache
from infercost.models.families.config import Config
from infercost.models.model import Ffn

Feeds = Callable[[Config, int], Ffn]


def none(config: Config, i: int) -> Ffn:
    """A layer without a feed-forward part."""
    return Ffn(kind="none")


def _matrices(config: Config) -> int:
    """Matrices of a feed-forward part: three when it is gated, two when it is not."""
    return 3 if config.defaults.get("gated", True) else 2


def dense(config: Config, i: int, width: int = 0) -> Ffn:
    """A feed-forward part that every token uses whole."""
    hidden, width, matrices = config.need("hidden"), width or config.need("width"), _matrices(config)
    small = (width * (matrices - 1) + hidden) * config.flag("ffn_bias", "mlp_bias")
    small += config.defaults.get("activation_params", 0)
    total = formulas.layer.ffn_params(matrices=matrices, input_width=hidden, ffn_width=width)
    return Ffn(kind="gated" if matrices == 3 else "plain", width=width, dense=total, small=small)


def experts(config: Config, i: int, *, width: int = 0, shared_width: int = -1, small: int = 0) -> Ffn:
    """Experts behind a router, and shared experts: by ``shared_width``, or below zero so many as the config says."""
    hidden, count, latent = config.need("hidden"), config.need("experts"), config.opt("expert_input")
    width = width or config.opt("expert_width") or config.need("width")
    if shared_width < 0:
        shared_width = config.opt("shared_experts") * width
    matrices, active = _matrices(config), config.need("active")
    if active > count:
        raise BadFile(f"{config.where}: num_experts_per_tok is {active} of {count}", "a token has as many at most")
    shared = formulas.layer.ffn_params(matrices=matrices, input_width=hidden, ffn_width=shared_width)
    groups, token_groups = config.opt("expert_groups"), config.opt("token_groups")
    limited = 0 < token_groups < groups
    return Ffn(
        kind="experts",
        width=width,
        shared=shared + 2 * hidden * latent,
        experts=count,
        active=active,
        expert=formulas.layer.ffn_params(matrices=matrices, input_width=latent or hidden, ffn_width=width),
        expert_input=latent,
        expert_small=(width * (matrices - 1) + hidden) * config.flag("expert_bias"),
        router=hidden * count,
        small=small + latent * bool(config.raw("latent_moe_use_norm")) + count * config.flag("router_bias"),
        groups=groups * limited,
        token_groups=token_groups * limited,
    )


def four_wide(config: Config, i: int) -> Ffn:
    """Four times as wide inside, or ``expansion_ratio`` times, unless a key gives the width."""
    return dense(config, i, config.opt("width", config.number("expansion_ratio", 4) * config.need("hidden")))


def nemotron_nas(config: Config, i: int) -> Ffn:
    """Blocks from an architecture search: their own width, none at all, or one matrix instead."""
    block, hidden = config.at("block_configs", i)["ffn"], config.need("hidden")
    if block.get("no_op"):
        return none(config, i)
    if block.get("replace_with_linear"):
        return Ffn(kind="linear", dense=hidden * hidden, small=hidden)
    width = int(2 * float(block["ffn_mult"]) * hidden / 3)
    return dense(config, i, -(-width // 256) * 256)._replace(small=hidden)


def gte(config: Config, i: int) -> Ffn:
    """A bias on the way down alone."""
    part = dense(config, i)
    return part._replace(small=part.small + config.need("hidden"))


def post_normed(config: Config, i: int) -> Ffn:
    """HyperCLOVA X: two norms more behind the parts of a layer, unless ``use_post_norm`` is off."""
    part, has_norms = dense(config, i), config.raw("use_post_norm", True)
    return part._replace(small=part.small + 2 * config.need("hidden") * bool(has_norms))


def half_wide(config: Config, i: int) -> Ffn:
    """RecurrentGemma and the first Qwen: half as wide as ``intermediate_size`` says."""
    return dense(config, i, config.need("width") // 2)


def arctic(config: Config, i: int) -> Ffn:
    """Experts in every ``moe_layer_frequency``-th layer, beside a dense part as wide as the model behind a norm."""
    if (i + 1) % max(config.number("moe_layer_frequency", 2), 1):
        return dense(config, i)
    hidden = config.need("hidden") * bool(config.raw("use_residual", True))
    return experts(config, i, shared_width=hidden, small=hidden)


#: Activations of encoders whose feed-forward part has a gate.
_GATED = ("swiglu", "geglu", "glu")


def jina(config: Config, i: int) -> Ffn:
    """BERT's, or that of Jina's BERT with a gate, which has a bias on the way down alone (its modeling_bert.py)."""
    if config.raw("feed_forward_type", "original") not in _GATED:
        return dense(config, i)
    part = dense(config.gated(), i)
    return part._replace(small=config.need("hidden"))


def nomic(config: Config, i: int) -> Ffn:
    """Gated as its activation says; experts without gates in every ``moe_every_n_layers``-th layer from the second on.

    Source: nomic-ai/nomic-bert-2048, modeling_hf_nomic_bert.py.
    """
    step = config.number("moe_every_n_layers", 0)
    if config.opt("experts") and step and i % step == 1 % step:
        return experts(config, i, small=config.need("hidden"))  # one bias for all of them
    return dense(config.gated() if config.raw("activation_function", "swiglu") in _GATED else config, i)


def stablelm(config: Config, i: int) -> Ffn:
    """A second norm with bias unless attention and feed-forward part are parallel."""
    part = dense(config, i)
    return part._replace(small=part.small + (0 if config.raw("use_parallel_residual") else 2 * config.need("hidden")))


def stepped(config: Config, i: int) -> Ffn:
    """Qwen: experts in every ``decoder_sparse_step``-th layer that ``mlp_only_layers`` does not name.

    With them goes a gated shared expert where the config has one.
    """
    step, dense_layers = config.number("decoder_sparse_step", 1), config.raw("mlp_only_layers", [])
    if config.get("experts") is None or i in dense_layers or (i + 1) % step:
        return dense(config, i)
    shared = config.number("shared_expert_intermediate_size", 0)
    return experts(config, i, shared_width=shared, small=config.need("hidden") * bool(shared))


def ungated(config: Config, i: int) -> Ffn:
    """The same without a gate of the shared expert."""
    part = stepped(config, i)
    return part._replace(small=part.small - config.need("hidden") * bool(part.shared))


def muse_spark(config: Config, i: int) -> Ffn:
    """Experts of a narrower model, between two matrices and two norms."""
    if config.raw("mlp_layer_types") is not None and config.at("mlp_layer_types", i) == "dense":
        return dense(config, i)
    return experts(config, i, shared_width=0, small=2 * config.opt("expert_input"))


def bitnet(config: Config, i: int) -> Ffn:
    """With a norm before the way down."""
    part = dense(config, i)
    return part._replace(small=part.small + part.width)


def zaya(config: Config, i: int) -> Ffn:
    """Experts behind a router of three small matrices, which may pass a token on as it is; eight scales a layer."""
    part, width = experts(config, i), config.number("router_hidden_size")
    choices = part.experts + 1
    router = config.need("hidden") * width + 2 * width * width + choices * width
    small = 4 * width + width * bool(i) + choices + 8 * config.need("hidden")
    return part._replace(router=router, small=part.small + small)


def first_dense(config: Config, i: int) -> Ffn:
    """Experts where a list of layers says so, else from ``first_k_dense_replace`` on.

    Shared ones are as wide as the others unless a key of newer files gives their width.
    """
    listed = next((key for key in ("moe_layer_freq", "is_moe_layer") if isinstance(config.raw(key), list)), None)
    if config.raw("mlp_layer_types") is not None:
        has_experts = config.at("mlp_layer_types", i) != "dense"
    elif listed:
        has_experts = bool(config.at(listed, i))
    else:
        step = max(config.number("moe_layer_freq", 1), 1)
        has_experts = i >= config.count("first_k_dense_replace") and i % step == 0
    none_at_all = config.has("experts") and config.get("experts") is None
    if none_at_all or not has_experts:
        return dense(config, i, config.number("dense_intermediate_size", config.need("width")))
    if "shared_width" in config.defaults:
        own = config.number(config.defaults["shared_width"], 0)
        return experts(config, i, shared_width=own * config.opt("shared_experts", 1) if own else -1)
    return experts(config, i)


def normed_experts(config: Config, i: int) -> Ffn:
    """As ``first_dense``, with a norm behind the experts."""
    part = first_dense(config, i)
    return part._replace(small=part.small + config.need("hidden") * bool(part.experts))


def laguna(config: Config, i: int) -> Ffn:
    """Experts where ``mlp_layer_types`` says so, and from the second layer on without it, with a shared part."""
    usual = "sparse" if i else "dense"
    word = usual if config.raw("mlp_layer_types") is None else config.at("mlp_layer_types", i)
    shared = config.number("shared_expert_intermediate_size")
    return experts(config, i, shared_width=shared) if word == "sparse" else dense(config, i)


def step3(config: Config, i: int) -> Ffn:
    """Experts on the layers that ``moe_layers_enum`` lists or ``mlp_layer_types`` names, a shared one beside them."""
    listed = config.raw("moe_layers_enum")
    chosen = [int(item) for item in (listed.split(",") if isinstance(listed, str) else listed or ())]
    if config.raw("mlp_layer_types") is not None:
        has_experts = config.at("mlp_layer_types", i) == "sparse"
    else:
        has_experts = i in chosen if listed is not None else i > 2
    shared = config.number("share_expert_dims", config.number("share_expert_dim"))
    return experts(config, i, shared_width=shared) if has_experts else dense(config, i)


def dbrx(config: Config, i: int) -> Ffn:
    """Keys in a section ``ffn_config``."""
    return experts(config.section("ffn_config"), i)


def hunyuan(config: Config, i: int) -> Ffn:
    """Experts as wide as a dense part."""
    return experts(config, i, width=config.need("width"))


def hunyuan_v1(config: Config, i: int) -> Ffn:
    """Experts in every layer, one of them shared; counts of experts may be a list with one entry a layer."""
    listed = [key for key in ("moe_topk", "num_experts", "num_shared_expert") if isinstance(config.raw(key), list)]
    counts = {key: config.at(key, i) for key in listed}
    return one_shared(Config({**config.inner, **counts}, config.where, config.defaults), i)


def one_shared(config: Config, i: int) -> Ffn:
    """Experts as wide as a dense part, and one of them shared."""
    return experts(config, i, width=config.need("width"), shared_width=config.need("width"))


def ernie(config: Config, i: int) -> Ffn:
    """Experts between ``moe_layer_start_index`` and ``moe_layer_end_index``."""
    start, end = config.number("moe_layer_start_index", 0), config.raw("moe_layer_end_index", -1)
    last = config.need("layers") - 1 if end == -1 else config.number("moe_layer_end_index")
    has_experts = start <= i <= last and (i + 1) % config.number("moe_layer_interval", 1) == 0
    return experts(config, i) if has_experts else dense(config, i)


def ernie_vl(config: Config, i: int) -> Ffn:
    """The experts for text, which keys with two values give first."""
    keys = ("moe_num_experts", "moe_intermediate_size", "moe_layer_start_index", "moe_layer_end_index", "moe_k")
    text = config.having({key: config.raw(key)[0] for key in keys if isinstance(config.raw(key), list)})
    return (ernie if config.raw("mlp_layer_types") is None else first_dense)(text, i)


def experts_for_images(config: Config) -> int:
    """ERNIE 4.5 VL: as many narrower experts again for images, with a router and its biases, where text has experts."""
    width, hidden = config.raw("moe_intermediate_size"), config.need("hidden")
    inner = config.whole(width[1], "moe_intermediate_size") if isinstance(width, list) and len(width) > 1 else 512
    parts = [ernie_vl(config, i) for i in range(config.need("layers"))]
    return sum(part.experts * (3 * hidden * inner + hidden + 1) for part in parts)


def llama4(config: Config, i: int) -> Ffn:
    """Experts and one shared expert in every ``interleave_moe_layer_step``-th layer."""
    if (i + 1) % config.number("interleave_moe_layer_step", 1):
        return dense(config, i, config.number("intermediate_size_mlp"))
    return one_shared(config, i)


def granite_shared(config: Config, i: int) -> Ffn:
    """Experts and a shared part, or that alone."""
    shared = config.number("shared_intermediate_size")
    if config.get("experts") in (0, None):
        return dense(config, i, shared)
    return experts(config, i, width=config.need("width"), shared_width=shared)


def longcat(config: Config, i: int) -> Ffn:
    """Two dense parts a layer, and experts, some of which pass a token on as it is."""
    part, idle = experts(config, i), config.number("zero_expert_num")
    choices = part.experts + idle
    return part._replace(
        active=round(part.active * part.experts / choices),
        shared=2 * dense(config, i).dense,
        router=config.need("hidden") * choices,
        small=part.small + choices,
    )


def gemma3n(config: Config, i: int) -> Ffn:
    """A dense part whose width may be listed, a low-rank residual, and streams that are mixed."""
    hidden, streams = config.need("hidden"), config.number("altup_num_inputs")
    listed = isinstance(config.raw("intermediate_size"), list)
    width = config.whole(config.at("intermediate_size", i), "intermediate_size") if listed else config.need("width")
    part = dense(config, i, width)
    low_rank = 2 * hidden * config.number("laurel_rank") + hidden
    mixing = streams**2 + streams**3 + streams * hidden + 2 * hidden
    return part._replace(small=part.small + low_rank + mixing + _layer_input(config))


def gemma4(config: Config, i: int) -> Ffn:
    """Experts and a dense part, or that alone, twice as wide where a layer shares a cache."""
    hidden, width = config.need("hidden"), config.need("width")
    if config.raw("enable_moe_block"):
        part = experts(config, i, shared_width=width, small=4 * hidden + config.need("experts"))
    else:
        doubled = bool(config.raw("use_double_wide_mlp")) and shares_cache(config, i)
        part = dense(config, i, width * (2 if doubled else 1))
    return part._replace(small=part.small + _layer_input(config))


def _layer_input(config: Config) -> int:
    """Parameters that let a layer's own input in: two matrices and a norm."""
    hidden, width = config.need("hidden"), config.count("hidden_size_per_layer_input")
    return (2 * hidden * width + hidden) if width else 0


def deepseek_v4(config: Config, i: int) -> Ffn:
    """Experts in every layer, in the first ``num_hash_layers`` by a fixed table of tokens, without a bias.

    Newer files list the layers in ``mlp_layer_types``.
    """
    part, is_hashed = experts(config, i), i < config.number("num_hash_layers", 0)
    if config.raw("mlp_layer_types") is not None:
        is_hashed = config.at("mlp_layer_types", i) == "hash_moe"
    return part._replace(small=part.small - part.experts) if is_hashed else part


def deepseek_v41(config: Config, i: int) -> Ffn:
    """Experts in every layer, with a second bias of the router for images."""
    part = experts(config, i)
    return part._replace(small=part.small + part.experts)


def lfm2(config: Config, i: int) -> Ffn:
    """A dense part whose width is scaled and rounded unless ``block_auto_adjust_ff_dim`` is off."""
    width = config.number("block_ff_dim", 0) or config.need("width")
    if config.raw("block_auto_adjust_ff_dim", True):
        width = int(2 * width / 3)
        if (share := config.raw("block_ffn_dim_multiplier", 1.0)) is not None:
            multiple = config.number("block_multiple_of", 256)
            width = -(-int(share * width) // multiple) * multiple
    return dense(config, i, width)


def looped(config: Config, i: int) -> Ffn:
    """A dense part in a stack that runs ``num_loops`` times: later rounds multiply its layers again."""
    part = dense(config, i)
    if i < config.need("layers"):
        return part
    return part._replace(dense=0, small=0, reused=part.dense + grouped(config, i).split)


def k2_horizon(config: Config, i: int) -> Ffn:
    """Experts on all layers but those that ``mlp_only_layers`` names, where there are any."""
    is_dense = not config.opt("experts") or i in (config.raw("mlp_only_layers") or ())
    return dense(config, i) if is_dense else experts(config, i)


def inkling(config: Config, i: int) -> Ffn:
    """A dense part in the first ``dense_mlp_idx`` layers, then experts and shared ones, which the router scores too."""
    own = config.raw("dense_intermediate_size")
    if config.raw("mlp_layer_types") is not None:
        is_dense = config.at("mlp_layer_types", i) == "dense"
    else:
        is_dense = i < config.number("dense_mlp_idx", 0)
    if is_dense:
        part = dense(config, i, config.number("dense_intermediate_size", config.need("width")))
        return part._replace(small=part.small + 1)
    width = config.need("width") if own is not None else config.need("expert_width")
    shared = config.need("shared_experts")
    part = experts(config, i, width=width, shared_width=shared * width, small=1)
    return part._replace(router=part.router + shared * config.need("hidden"))


def lfm2_moe(config: Config, i: int) -> Ffn:
    """Experts after ``num_dense_layers``."""
    return dense(config, i) if i < config.number("num_dense_layers") else experts(config, i)


def jamba(config: Config, i: int) -> Ffn:
    """Experts in one layer of ``expert_layer_period``."""
    has_experts = i % config.number("expert_layer_period") == config.number("expert_layer_offset")
    return experts(config, i) if has_experts else dense(config, i)


#: Those that no key makes experts of.
DENSE: tuple[Feeds, ...] = (dense, four_wide, gte, post_normed, half_wide, jina, stablelm, bitnet, lfm2)
