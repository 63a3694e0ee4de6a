"""How fast a part works under a profile: rates of the part, shares and fixed times of the profile."""

from typing import TYPE_CHECKING, Any, NamedTuple

from infercost import formulas
from infercost.parts.accelerator import find_rate, mesh_share
from infercost.parts.formats import FORMATS
from infercost.parts.preset import Preset
from infercost.replica.host import Over, Read

if TYPE_CHECKING:  # work needs no speeds
    from infercost.replica.work import MatrixRates

#: Figures of a profile that a pass is timed with.
SHARES = ("compute_share", "attention_share", "memory_share", "cache_share", "link_share")

TIMES = ("collective_latency", "network_latency", "hop_latency", "kernel_time", "step_overhead", "sequence_overhead")

#: What a profile adds to each request rather than to a pass.
PER_REQUEST = ("request_overhead", "steps_waited")

COUNTS = ("kernels_per_layer", "kernels_per_sparse_layer", "activation_traffic", "expert_imbalance", "cache_rereads")


class Speeds(NamedTuple):
    """A part's rates and a profile's constants, in base units."""

    peak_flops: float
    body_flops: float
    head_flops: float
    attention_flops: float
    memory_bandwidth: float
    link_bandwidth: float
    network_bandwidth: float
    domain: int
    activation_bytes: float
    overlap: str
    compute_share: float = 1.0
    attention_share: float = 1.0
    memory_share: float = 1.0
    cache_share: float = 1.0
    link_share: float = 1.0
    collective_latency: float = 0.0
    network_latency: float = 0.0
    hop_latency: float = 0.0
    kernel_time: float = 0.0
    step_overhead: float = 0.0
    sequence_overhead: float = 0.0
    kernels_per_layer: float = 0.0
    kernels_per_sparse_layer: float = 0.0
    activation_traffic: float = 0.0
    expert_imbalance: float = 0.0
    cache_rereads: float = 0.0
    alike: bool = False
    part: Preset | None = None
    over: Over | Read | None = None

    def link(self, ranks: int) -> float:
        """B/s, one direction, that a rank has to a group of so many."""
        return self.link_bandwidth * (mesh_share(self.part, ranks) if self.part else 1.0)


def speeds_of(part: Preset, profile: Preset, rates: "MatrixRates", overlap: str, activation_bytes: float) -> Speeds:
    """The speeds of a part under a profile."""
    bare = bounds_of(part, rates, activation_bytes)
    constants: dict[str, Any] = {key: profile.value(key) for key in (*SHARES, *TIMES, *COUNTS)}
    return bare._replace(**constants, overlap=overlap)


def bounds_of(part: Preset, rates: "MatrixRates", activation_bytes: float) -> Speeds:
    """The speeds that no stack can beat: all shares one, nothing added, everything overlaps.

    ``rates`` are those of the matrices, which may be stored in several formats; attention computes in 16 bits.
    """
    half = find_rate(part, FORMATS["bf16"])
    link = part.facts.get("link_bandwidth")
    network = part.facts.get("network_bandwidth")
    domain = part.facts.get("link_domain")
    return Speeds(
        peak_flops=rates.all,
        body_flops=rates.body,
        head_flops=rates.head,
        attention_flops=min(rates.all, half.fact.value) if half else rates.all,
        memory_bandwidth=part.value("memory_bandwidth"),
        link_bandwidth=link.value if link else 0.0,
        network_bandwidth=network.value if network else 0.0,
        domain=int(domain.value) if domain else 0,
        activation_bytes=activation_bytes,
        overlap="full",
        part=part if part.labels.get("link") == "mesh" else None,
    )


def spread(ranks: int, speeds: Speeds) -> tuple[int, int]:
    """Ranks inside a node that share a collective, and nodes; one flat ring where the network is not known."""
    if not speeds.domain or ranks <= speeds.domain or not speeds.network_bandwidth:
        return ranks, 1
    return speeds.domain, formulas.memory.nodes(devices=ranks, domain=speeds.domain)
