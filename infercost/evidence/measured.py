"""One measurement, from any source: the run, its hardware, and the number."""

from typing import NamedTuple


class Measured(NamedTuple):
    """A measured number and its run; None where the source does not say.

    ``batch`` counts sequences in the step or requests in flight, ``request_rate`` arrivals a second when only these are
    known. ``metric`` is the column's own name (``decode_ms_per_token``) or ``itl``, ``ttft``, ``e2e`` in seconds.
    ``value`` is in the unit of the metric.
    """

    id: str
    source: str
    framework: str
    model: str
    accelerator: str
    metric: str
    value: float
    devices: int | None = None
    tp: int | None = None
    pp: int | None = None
    ep: int | None = None
    weight_dtype: str = ""
    kv_dtype: str = ""
    batch: float | None = None
    request_rate: float | None = None
    input_tokens: float | None = None
    output_tokens: float | None = None
    prefix_share: float = 0.0
    most_sequences: int | None = None
    chunk_tokens: int | None = None
    notes: str = ""
