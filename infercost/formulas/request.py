"""One request: its prompt, its first token, its other tokens; and how requests share a replica."""

from infercost.formulas.formula import formula
from infercost.numeric import ceiling, maximum, minimum

BOOK = "Austin et al., How to Scale Your Model (2025), inference chapter"
LEVIATHAN = "Leviathan et al., Fast inference from transformers via speculative decoding, arXiv 2211.17192, eq. 1"
LITTLE = "Little's law: number in the system = arrival rate x time spent"


@formula(source="Agrawal et al., Sarathi-Serve, arXiv 2403.02310: a prompt is cut into chunks of so many tokens")
def prompt_passes(*, tokens: float, chunk_tokens: float) -> int:
    """Passes that a prompt's tokens take when each takes at most a chunk of them."""
    return ceiling(tokens / chunk_tokens)


@formula(source="Huang et al., GPipe, arXiv 1811.06965: m parts through p stages keep m of m + p - 1 slots busy")
def pipeline_utilization(*, microbatches: float, stages: float) -> float:
    """Share of the time that a stage works while parts of one batch flow through all stages once."""
    return microbatches / (microbatches + stages - 1)


@formula(source="Huang et al., GPipe, arXiv 1811.06965: a pipeline goes at the pace of its slowest stage")
def uneven_stages(*, layers: float, stages: float, microbatches: float) -> float:
    """How many times longer parts that follow each other take because the fullest stage has more layers than others."""
    return maximum(1, minimum(microbatches, stages) * ceiling(layers / stages) / layers)


@formula(source="Huang et al., GPipe, arXiv 1811.06965")
def pipelined_time(*, part_time: float, microbatches: float, stages: float, pipeline_utilization: float) -> float:
    """Seconds for all parts of a batch to flow through the stages; ``part_time`` is one part through all of them."""
    return part_time / stages * microbatches / pipeline_utilization


@formula(source=BOOK)
def ttft(*, prefill_time: float, waiting_time: float, request_overhead: float) -> float:
    """Seconds from a request to its first token."""
    return request_overhead + waiting_time + prefill_time


@formula(source=BOOK)
def request_time(*, ttft: float, output_tokens: float, tpot: float) -> float:
    """Seconds from a request to its last token: the first comes with the prompt."""
    return ttft + (output_tokens - 1) * tpot


@formula(source=LEVIATHAN)
def speculative_tokens(*, draft_tokens: float, acceptance: float) -> float:
    """Tokens that one verification yields on average when each draft token is accepted independently."""
    return (1 - acceptance ** (draft_tokens + 1)) / (1 - acceptance)


@formula(source=LEVIATHAN)
def speculative_tpot(
    *, draft_tokens: float, draft_time: float, verification_time: float, speculative_tokens: float
) -> float:
    """Seconds a token when a draft proposes tokens one by one and the model verifies them in one pass."""
    return (draft_tokens * draft_time + verification_time) / speculative_tokens


@formula(source="derived: of the steps, those that a prompt rides along with take its time too")
def shared_step(*, step_time: float, prompts: float, prompt_time: float) -> float:
    """Seconds of a mean step when so many prompts, or parts of one, ride along with a step, at most one with each."""
    return step_time + prompts * prompt_time


@formula(source=LITTLE)
def in_flight(*, request_rate: float, time_in_system: float) -> float:
    """Requests that are being served at once."""
    return request_rate * time_in_system


@formula(source=BOOK)
def prefill_per_decode(*, prefill_time: float, batch: float, step_time: float, output_tokens: float) -> float:
    """Replicas that prefill for each replica that decodes, when the two are apart."""
    return prefill_time * batch / (step_time * output_tokens)


@formula(source="Patel et al., Splitwise, arXiv 2311.18677: a prompt's cache moves to the decoding replica")
def cache_transfer_time(
    *, cache_per_sequence: float, devices: float, link_bandwidth: float, link_share: float
) -> float:
    """Seconds to send a prompt's cache between pools, each device over its own link."""
    return cache_per_sequence / (devices * link_bandwidth * link_share)
