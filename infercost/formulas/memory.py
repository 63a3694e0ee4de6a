"""What holds the weights, and how many bytes a step reads."""

from infercost.formulas.formula import formula
from infercost.numeric import ceiling, floor, maximum

NOTE = "Erdil, Memory bandwidth constraints imply economies of scale in AI inference"


@formula(source=NOTE)
def weight_bytes(*, params: float, bytes_per_param: float) -> float:
    """Bytes of all weights."""
    return params * bytes_per_param


@formula(source=NOTE)
def gpus_for_weights(*, weight_bytes: float, device_memory: float, usable: float) -> int:
    """Least accelerators whose usable memory holds the weights."""
    return ceiling(weight_bytes / (device_memory * usable))


@formula(source="whole scale-up domains, as hardware is rented")
def nodes(*, devices: float, domain: float) -> int:
    """Scale-up domains (nodes) that hold the accelerators."""
    return ceiling(devices / domain)


@formula(source="Austin et al., How to Scale Your Model (2025), roofline chapter")
def drain_time(*, device_memory: float, memory_bandwidth: float) -> float:
    """Seconds to read an accelerator's whole memory once: the least step time of a model that fills it."""
    return device_memory / memory_bandwidth


VLLM = "vLLM 0.19.0 start-up logs on H100: pool = usable x memory - weights - activations - engine"


@formula(source="a block of threads a query head loads the head's cache; caches on the chip serve most of it")
def cache_reads(*, queries: float, cache_rereads: float) -> float:
    """Times that a step's attention reads the cache, where query heads that share a KV head read it apart."""
    return 1 + cache_rereads * (queries - 1)


@formula(source=VLLM)
def activation_reserve(*, activation_floor: float, activation_per_vocab: float, vocab_size: float) -> float:
    """Bytes that an engine sets aside for activations: logits grow with the vocabulary."""
    return maximum(activation_floor, activation_per_vocab * vocab_size)


@formula(source=VLLM)
def kv_pool(
    *,
    device_memory: float,
    usable: float,
    weight_bytes_per_gpu: float,
    activation_reserve: float,
    engine_overhead: float,
) -> float:
    """Bytes left on one accelerator for KV cache; negative when the model does not fit."""
    return device_memory * usable - weight_bytes_per_gpu - activation_reserve - engine_overhead


@formula(source="whole sequences")
def sequences_that_fit(*, kv_pool: float, cache_per_sequence: float) -> int:
    """Sequences whose cache the pool of one accelerator holds."""
    return floor(kv_pool / cache_per_sequence)
