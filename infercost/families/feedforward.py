"""The feed-forward part of one layer, from a config: dense matrices, or experts and what stands beside them."""

from infercost.engine import architecture
from infercost.errors import BadFile
from infercost.families.config import Config
from infercost.model import Ffn


def matrices(config: Config) -> int:
    """Matrices of a feed-forward part: three when it is gated, two when it is not."""
    return 3 if config.defaults.get("gated", True) else 2


def dense(config: Config, width: int = 0) -> Ffn:
    """A feed-forward part that every token uses whole."""
    hidden, width = config.need("hidden"), width or config.need("width")
    each = matrices(config)
    biases = (width * (each - 1) + hidden) if config.flag("ffn_bias", "mlp_bias") else 0
    total = architecture.ffn_params(matrices=each, input_width=hidden, ffn_width=width)
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
        shared=architecture.ffn_params(matrices=each, input_width=hidden, ffn_width=shared_width) + down_and_up,
        experts=experts,
        active=active,
        expert=architecture.ffn_params(matrices=each, input_width=latent or hidden, ffn_width=width),
        router=hidden * experts,
        small=small + latent * bool(config.raw("latent_moe_use_norm")) + experts * config.flag("router_bias"),
    )


def none() -> Ffn:
    """A layer without a feed-forward part."""
    return Ffn(kind="none")
