"""What the step law of Erdil's later paper works on: a named model, a part and a layout in his quantities."""

from typing import NamedTuple

from infercost.efficiency import PROTOCOLS
from infercost.engine import architecture, later_paper
from infercost.errors import BadValue
from infercost.formats import arithmetic_format
from infercost.hardware import rate_for
from infercost.model import Attention, Ffn, Model
from infercost.preset import Preset


class Sizes2025(NamedTuple):
    """A model in his quantities, and what he counts from them: no norms, no router, two tables whether tied or not.

    ``sparsity`` is the experts for each that a token uses, rounded down.
    """

    layers: int
    hidden_size: int
    vocab_size: int
    heads: int
    kv_heads: int
    head_dim: int
    attention_params: int
    ffn_params: int
    matrices: int
    ffn_width: int
    experts: int
    active_experts: int
    sparsity: int
    bytes_per_param: float
    cache_elements: int
    cache_element_bytes: float
    total_params: int
    active_params: float

    @property
    def head_bytes(self) -> float:
        """Bytes of the output head."""
        return later_paper.head_bytes(
            vocab_size=self.vocab_size, hidden_size=self.hidden_size, bytes_per_param=self.bytes_per_param
        )

    def cache_bytes(self, context: float) -> float:
        """Bytes of one sequence's cache."""
        return later_paper.cache_bytes(
            layers=self.layers,
            cache_elements=self.cache_elements,
            cache_element_bytes=self.cache_element_bytes,
            context=context,
        )

    def reduced_widths(self, square: bool) -> tuple[int, ...]:
        """Values of one token in each all-reduce of a layer: of the two outputs, and in a square of what is inside."""
        outputs = self.hidden_size, self.active_experts * self.hidden_size
        inner = self.active_experts * (self.matrices - 1) * self.ffn_width
        return (self.head_dim * (self.heads + 2 * self.kv_heads), inner, *outputs) if square else outputs


class Protocol2025(NamedTuple):
    """A way to send data: its share of the bandwidth and its latencies."""

    name: str
    share: float
    rank_latency: float
    node_latency: float
    base_latency: float


class Machine2025(NamedTuple):
    """A part and a profile in his quantities."""

    peak_flops: float
    compute_share: float
    memory_bandwidth: float
    memory_share: float
    link_bandwidth: float
    network_bandwidth: float
    domain: float
    protocols: tuple[Protocol2025, ...]
    kernel_launch: float
    serial_matmuls: int
    step_overhead: float


class Load2025(NamedTuple):
    """What a step works on: more than one token of each sequence when it verifies a draft."""

    devices: int
    batch: float
    context: float
    tokens: int = 1


class Layout2025(NamedTuple):
    """How a stage of so many devices splits its layers, and the ranks and nodes of one of its collectives."""

    square: bool
    width: float
    ranks: float
    rank_nodes: float
    stages: int

    @property
    def text(self) -> str:
        """The layout for people."""
        split = f"{self.width:.4g}-way tensor parallel" + (" in a square" if self.square else "")
        return split + (f", {self.stages} stages" if self.stages > 1 else "")


def sizes_2025(model: Model) -> Sizes2025:
    """A model in his quantities; its one precision is the mean of the layers' matrices.

    Raises:
        BadValue: layers of several kinds, or of a kind that he does not know.
    """
    attention, ffn = _one_kind(model)
    experts, active = ffn.experts or 1, ffn.active or 1
    each, sparsity = ffn.expert or ffn.dense, experts // active
    counted = {"layers": model.depth, "hidden_size": model.hidden_size, "vocab_size": model.vocab_size}
    counted |= {"grouped_query_params": attention.split, "experts": experts, "ffn_params": each}
    return Sizes2025(
        layers=model.depth,
        hidden_size=model.hidden_size,
        vocab_size=model.vocab_size,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        attention_params=attention.split,
        ffn_params=each,
        matrices=each // (model.hidden_size * ffn.width),
        ffn_width=ffn.width,
        experts=experts,
        active_experts=active,
        sparsity=sparsity,
        bytes_per_param=_mean_bits(model, attention.split, experts * each) / 8,
        cache_elements=attention.cache,
        cache_element_bytes=model.kv_bits / 8,
        total_params=later_paper.later_total_params(**counted),
        active_params=later_paper.later_active_params(**counted, sparsity=sparsity),
    )


def _one_kind(model: Model) -> tuple[Attention, Ffn]:
    kinds = {(layer.attention, layer.ffn) for layer in model.layers}
    attention, ffn = next(iter(kinds))
    if len(kinds) > 1 or not _is_plain(model, attention) or ffn.shared or bool(ffn.dense) == bool(ffn.experts):
        what = f"the law erdil-2025 knows layers all alike, of full attention; {model.name} has others"
        raise BadValue(what, "choose another profile: --efficiency realistic")
    return attention, ffn


def _is_plain(model: Model, attention: Attention) -> bool:
    """Whether attention is full and grouped-query, with the four matrices that he counts and no more."""
    if attention.kind != "full" or attention.copied or attention.index_cache:
        return False
    return attention.split == architecture.grouped_query_params(
        hidden_size=model.hidden_size,
        heads=attention.heads,
        kv_heads=attention.kv_heads,
        head_dim=attention.head_dim,
        v_head_dim=attention.head_dim,
    )


def _mean_bits(model: Model, attention: int, ffn: int) -> float:
    bits = model.quantization.of
    part = "experts" if model.layers[0].ffn.experts else "ffn"
    return (attention * bits("attention") + ffn * bits(part)) / (attention + ffn)


def machine_2025(model: Model, part: Preset, profile: Preset, devices: int) -> Machine2025:
    """A part and a profile in his quantities; where a part's node or network is not known, all devices share one node.

    Raises:
        Missing: a figure that the law needs is not in a preset.
    """
    figure, share = profile.value, profile.value("link_share")
    link = part.value("link_bandwidth") * share if devices > 1 else 0.0  # one device sends nothing
    apart = {"network_bandwidth", "link_domain"} <= part.facts.keys()
    return Machine2025(
        peak_flops=rate_for(part, arithmetic_format(model.quantization)).fact.value,
        compute_share=figure("compute_share"),
        memory_bandwidth=part.value("memory_bandwidth"),
        memory_share=figure("memory_share"),
        link_bandwidth=link,
        network_bandwidth=part.value("network_bandwidth") * share if apart else link,
        domain=part.value("link_domain") if apart else devices,
        protocols=tuple(_protocol(profile, name) for name in PROTOCOLS),
        kernel_launch=figure("kernel_launch"),
        serial_matmuls=int(figure("serial_matmuls")),
        step_overhead=figure("step_overhead"),
    )


def _protocol(profile: Preset, name: str) -> Protocol2025:
    latencies = (profile.value(f"{name}_{which}_latency") for which in ("rank", "node", "base"))
    return Protocol2025(name, profile.value(f"{name}_share"), *latencies)
