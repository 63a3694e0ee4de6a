"""One measurement, from any source: the run, its hardware, and the number."""

import re
from typing import Any, NamedTuple

#: How the sequences of a run came together: one batch, requests that are each followed by another, arrivals at a rate,
#: all at once until throughput peaks, all at once with start and end counted, the decoding half of a server whose
#: prompts have replicas of their own, or as many as memory holds.
PROTOCOLS = ("batch", "closed", "rate", "peak", "burst", "pool", "full")

#: The last release of vLLM whose 4-bit experts are Marlin's on Hopper: vllm-project/vllm pull request 27523.
MARLIN = (0, 11, 0)

#: Words in the notes of runs with flags for speed: a benchmark that sets them, its lengths, and experts over DeepEP.
TUNED = ("InferenceX", "0.8 to 1", "DeepEP")


class Measured(NamedTuple):
    """A measured number and its run; None where the source does not say.

    ``batch`` counts sequences in the step or requests in flight, ``request_rate`` arrivals a second when only these are
    known. ``metric`` is the column's own name (``decode_ms_per_token``) or ``itl``, ``ttft``, ``e2e`` in seconds.
    ``value`` is in the unit of the metric. ``kind`` is the protocol where the source names one, ``requests`` those of
    the whole run, ``random`` whether they arrived at random, ``statistic`` whether the number is a mean or a median.
    ``head_dtype`` is the type of the output head, or of the table that is the head too, where a file's is another than
    its format's; ``weight_bits`` are those of a weight in the mean of a file that states its size and its parameters,
    which are ``weight_params``; ``device_layers`` those that llama.cpp was asked to keep on its GPU, the head the last.
    What a run set of its engine: ``chunk_tokens`` a pass, ``captured_tokens`` of the largest pass with prompts in a
    graph, ``experts_kernel``, steps between polls, tokens of a streamed message. What it met as a benchmark: how many
    of its first prompts an earlier run had left in the cache (``prompts_seen``), a server that was not warm.
    ``draft`` is the head that drafted (``mtp``, ``eagle3``) or a model, with tokens of a step and the share accepted.
    ``is_held_out`` marks rows that nothing was fitted to.
    """

    id: str
    source: str
    framework: str
    model: str
    accelerator: str
    metric: str
    value: float
    year: int | None = None
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    attention_dp: int | None = None
    expert_tp: int | None = None
    weight_dtype: str = ""
    weight_bits: float | None = None
    weight_params: float | None = None
    kv_dtype: str = ""
    head_dtype: str = ""
    batch: float | None = None
    request_rate: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    prefix_share: float = 0.0
    random: bool = False
    kind: str = ""
    requests: int | None = None
    statistic: str = ""
    most_sequences: int | None = None
    device_layers: int | None = None
    chunk_tokens: int | None = None
    captured_tokens: float | None = None
    experts_kernel: str = ""
    flags: str = ""
    prompts_seen: float = 0.0
    unwarmed: bool = False
    is_held_out: bool = False
    poll_steps: float | None = None
    stream_tokens: int | None = None
    draft: str = ""
    draft_tokens: int | None = None
    acceptance: float | None = None
    notes: str = ""

    @property
    def protocol(self) -> str:
        """How sequences came together, one of ``PROTOCOLS``."""
        if self.request_rate is not None:
            return "rate"
        if self.kind in PROTOCOLS:
            return self.kind
        if self.kind == "llama_bench":
            return "batch"
        if "closed-loop" in self.notes:
            return "closed"
        return "batch" if self.batch else "full"

    @property
    def settings(self) -> dict[str, Any]:
        """What the run set of its engine, or what its release did by itself."""
        kernel = self.experts_kernel or ("marlin" if self._is_vllm_of_marlin else None)
        given = {"captured_tokens": self.captured_tokens, "experts_kernel": kernel}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def is_tuned(self) -> bool:
        """Whether the engine ran with flags for speed: as the row says, or its source."""
        if self.flags:
            return self.flags == "tuned"
        return any(word in self.notes for word in TUNED) or self.id.startswith("aic-")

    @property
    def _is_vllm_of_marlin(self) -> bool:
        """Whether the run is of a vLLM whose 4-bit experts are Marlin's on Hopper."""
        name, _, release = self.framework.partition(" ")
        numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", release)
        return name.lower() == "vllm" and numbers is not None and tuple(int(n or 0) for n in numbers.groups()) <= MARLIN
