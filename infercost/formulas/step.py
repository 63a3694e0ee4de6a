"""One step: arithmetic against memory traffic, what overlaps, and how well the hardware is used."""

from infercost.formulas.formula import formula
from infercost.numeric import logarithm, maximum, minimum, root

NOTE = "Erdil, Memory bandwidth constraints imply economies of scale in AI inference"
BOOK = "Austin et al., How to Scale Your Model (2025), roofline chapter"
LATER = "Erdil, Inference economics of language models, arXiv 2506.04645"
WILLIAMS = "Williams, Waterman, Patterson: Roofline, an insightful visual performance model, CACM 52(4), 2009"


@formula(source=NOTE)
def flops_per_token(*, active_params: float, flops_per_param: float) -> float:
    """Operations for one token: each parameter multiplies once and adds once."""
    return flops_per_param * active_params


@formula(source=NOTE)
def compute_time(
    *, flops_per_token: float, batch: float, devices: float, peak_flops: float, compute_share: float
) -> float:
    """Seconds of arithmetic in one step of a batch, split evenly over the devices."""
    return flops_per_token * batch / (devices * peak_flops * compute_share)


@formula(source=NOTE)
def memory_time(*, bytes_read: float, devices: float, memory_bandwidth: float, memory_share: float) -> float:
    """Seconds to read a step's bytes once, for any batch that shares the read."""
    return bytes_read / (devices * memory_bandwidth * memory_share)


@formula(source=BOOK)
def full_overlap_step(
    *, compute_time: float, memory_time: float, communication_time: float, overhead_time: float
) -> float:
    """Seconds of a step in which arithmetic, reads and collectives all overlap: the least that is possible."""
    return maximum(compute_time, memory_time, communication_time) + overhead_time


@formula(source=LATER)
def operator_overlap_step(
    *, matrix_time: float, attention_time: float, communication_time: float, overhead_time: float
) -> float:
    """Seconds of a step in which arithmetic overlaps reads inside an operator, and operators wait for each other."""
    return matrix_time + attention_time + communication_time + overhead_time


@formula(source=BOOK)
def operator_time(*, compute_time: float, memory_time: float) -> float:
    """Seconds of operators of one kind: their arithmetic or their reads, whichever takes longer."""
    return maximum(compute_time, memory_time)


@formula(source="Yuan et al., LLM Inference Unveiled, arXiv 2402.16363: operators are launched one after another")
def kernel_overhead(
    *,
    layers: float,
    sparse_layers: float,
    kernels_per_layer: float,
    kernels_per_sparse_layer: float,
    kernel_time: float,
) -> float:
    """Seconds that a pass spends on starting and draining its kernels, whatever they work on."""
    return ((layers - sparse_layers) * kernels_per_layer + sparse_layers * kernels_per_sparse_layer) * kernel_time


@formula(source="derived: hottest of e ranks when tokens choose experts at random, Gaussian tail sqrt(2 ln e)")
def hottest_rank(*, tokens: float, active_experts: float, ranks: float, expert_imbalance: float) -> float:
    """How many times the mean load the rank with the most popular experts has."""
    return 1 + expert_imbalance * root(2 * logarithm(ranks) * ranks / (tokens * active_experts))


@formula(source="a pass waits for its scheduler once, and for each sequence's token once")
def overhead_time(*, kernel_overhead: float, step_overhead: float, sequences: float, sequence_overhead: float) -> float:
    """Seconds of a pass that neither arithmetic nor memory nor links account for."""
    return kernel_overhead + step_overhead + sequences * sequence_overhead


@formula(source=BOOK)
def no_overlap_step(
    *, compute_time: float, memory_time: float, communication_time: float, overhead_time: float
) -> float:
    """Seconds of a step in which nothing overlaps: at most three times the full overlap."""
    return compute_time + memory_time + communication_time + overhead_time


@formula(source=NOTE)
def utilization(*, flops_per_token: float, batch: float, devices: float, peak_flops: float, step_time: float) -> float:
    """Share of the devices' peak arithmetic that a step uses."""
    return flops_per_token * batch / (devices * peak_flops) / step_time


@formula(source="Databricks, LLM inference performance engineering (2023): model bandwidth utilization")
def memory_bandwidth_utilization(
    *, bytes_read: float, devices: float, memory_bandwidth: float, step_time: float
) -> float:
    """Share of the devices' memory bandwidth that a step uses."""
    return bytes_read / (devices * memory_bandwidth) / step_time


@formula(source=BOOK)
def critical_batch(
    *,
    peak_flops: float,
    compute_share: float,
    weight_bytes: float,
    memory_bandwidth: float,
    memory_share: float,
    flops_per_token: float,
) -> float:
    """Batch at which arithmetic takes as long as reading all the weights once."""
    return peak_flops * compute_share * weight_bytes / (memory_bandwidth * memory_share * flops_per_token)


@formula(source=NOTE)
def flops_per_byte(*, peak_flops: float, memory_bandwidth: float) -> float:
    """Operations that an accelerator does in the time it reads one byte: its balance."""
    return peak_flops / memory_bandwidth


@formula(source=WILLIAMS)
def arithmetic_intensity(*, flops_per_byte: float, utilization: float, memory_bandwidth_utilization: float) -> float:
    """Operations for each byte that a step reads, from the shares of the arithmetic and of the bandwidth it uses."""
    return flops_per_byte * utilization / memory_bandwidth_utilization


@formula(source=WILLIAMS)
def attainable_flops(*, peak_flops: float, memory_bandwidth: float, arithmetic_intensity: float) -> float:
    """Operations per second of one accelerator at most, for work that does so many for each byte."""
    return minimum(peak_flops, memory_bandwidth * arithmetic_intensity)


@formula(source="operations per second over joules per second")
def flops_per_joule(*, peak_flops: float, power: float) -> float:
    """Operations that an accelerator does for one joule at its peak."""
    return peak_flops / power
