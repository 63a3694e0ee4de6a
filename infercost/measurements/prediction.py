"""What infercost says to a measurement: the same passes as every other answer, arranged as the run was."""

from collections.abc import Callable
from math import log
from typing import NamedTuple

from infercost.efficiency import part_under
from infercost.errors import BadValue, Missing
from infercost.hardware import summing_in_16_bits
from infercost.measured import Measured
from infercost.measurements.setups import (
    FAULTS,
    layout_of_run,
    model_of_run,
    part_of_run,
    same_prompts,
    sequences_held,
    stored_as,
)
from infercost.preset import Preset
from infercost.timing.mixed import matrix_rate
from infercost.timing.replica import Replica, Request, decode_time, prefill_time, serve_closed, serve_rate
from infercost.timing.speeds import PER_REQUEST, bounds_of, speeds_of
from infercost.timing.work import Work, work_of

#: Sequences that an engine runs at once when nobody says how many.
USUAL_MOST = 256
#: A measurement this far below the bound is faster than it, not a rounding of it.
ROUNDING = 1e-3


class Prepared(NamedTuple):
    """A measurement made ready: the work of its model under its layout, and how its number follows from times.

    ``most`` is the batch of the bound: that of the run, or where memory was filled all that it could hold.
    """

    measured: Measured
    work: Work
    part: Preset
    peak_flops: float
    copies: float
    batch: float
    most: float
    alike: bool

    def under(self, profile: Preset) -> float:
        """The number that a profile predicts, in the unit of the metric."""
        overlap = profile.labels.get("overlap", "full")
        part = part_under(self.part, profile)
        speeds = speeds_of(part, profile, self._peak(part), overlap, 2.0)
        return self._value(Replica(self.work, speeds, *(profile.value(key) for key in PER_REQUEST)))

    def at_best(self) -> float:
        """The number that no stack can beat, in the unit of the metric."""
        part = summing_in_16_bits(self.part)
        return self._replace(batch=self.most)._value(Replica(self.work, bounds_of(part, self._peak(part), 2.0)))

    def _peak(self, part: Preset) -> float:
        model = self.work.model
        return self.peak_flops if part is self.part or model is None else matrix_rate(model, part)

    def _value(self, replica: Replica) -> float:
        speeds = replica.speeds._replace(alike=replica.speeds.alike or self.alike)
        return METRICS[self.measured.metric](self, replica._replace(speeds=speeds))

    @property
    def request(self) -> Request:
        """The tokens of one request; a benchmark of a step alone has none out."""
        row = self.measured
        return Request(row.input_tokens or 0, row.output_tokens or 0, row.prefix_share, row.chunk_tokens)


def prepare(row: Measured) -> Prepared:
    """A measurement made ready to be predicted.

    Raises:
        InfercostError: what cannot be expressed, and why: an unknown model or part, a layout that is not stated, ...
    """
    if row.metric not in METRICS:
        raise BadValue(f"no such metric: {row.metric}", f"metrics are {', '.join(METRICS)}")
    if fault := next((why for word, why in FAULTS.items() if word in row.notes), None):
        raise BadValue(fault, "leave it out")
    part = part_of_run(row.accelerator)
    model = stored_as(model_of_run(row.model), row)
    layout = layout_of_run(row, model, part)
    if layout.devices > 1:
        part.fact("link_bandwidth")
    copies = (row.devices or layout.devices) / layout.devices
    batch = row.batch / copies if row.batch else sequences_held(row, model, layout, part)
    if batch > 1 and row.input_tokens is None and not is_prompt(row.metric):
        raise Missing("the context is not stated", "fill in input_tokens")
    most = batch if row.batch else sequences_held(row, model, layout, part, most=True)
    return Prepared(
        measured=row,
        work=work_of(model, layout),
        part=part,
        peak_flops=matrix_rate(model, part),
        copies=copies,
        batch=batch,
        most=most,
        alike=same_prompts(row),
    )


def _is_served(run: Prepared) -> bool:
    """Whether requests came and went, so that prompts ride along with decoding."""
    return run.measured.request_rate is not None or "closed-loop" in run.measured.notes


def _decode(run: Prepared, replica: Replica) -> float:
    """Seconds of a decoding step: with prompts riding along where the run was served."""
    if _is_served(run):
        return _served(run, replica)[0]
    return decode_time(replica, run.batch, run.request.context)


def _first(run: Prepared, replica: Replica) -> float:
    """Seconds to the first token: of the whole batch's prompts, or of one where the run was served."""
    if _is_served(run):
        return _served(run, replica)[1]
    return replica.request_overhead + prefill_time(replica, run.batch, run.request)


def _whole(run: Prepared, replica: Replica) -> float:
    """Seconds of a whole batch: all prompts, then all other tokens."""
    if _is_served(run) or run.measured.batch is None:
        return _served(run, replica)[2]
    return _first(run, replica) + max(run.request.output_tokens - 1, 0) * _decode(run, replica)


def _served(run: Prepared, replica: Replica) -> tuple[float, float, float]:
    """Inter-token latency, time to first token and request time of a server in steady state."""
    row = run.measured
    if row.request_rate is not None:
        served = serve_rate(replica, row.request_rate / run.copies, run.request, row.most_sequences or USUAL_MOST)
    else:
        served = serve_closed(replica, run.batch, run.request)
    return served.itl, served.ttft, served.request_time


def _rate(run: Prepared, replica: Replica, tokens: float) -> float:
    """Tokens a second of all copies, so many of each request; of steps alone where no length is stated."""
    if not run.measured.output_tokens:
        return run.copies * run.batch / _decode(run, replica)
    return run.copies * run.batch * tokens / _whole(run, replica)


def _prompt_rate(run: Prepared, replica: Replica) -> float:
    return run.copies * run.batch * run.request.new / prefill_time(replica, run.batch, run.request)


def _devices(run: Prepared) -> float:
    return run.copies * run.work.layout.devices


#: How each metric follows from the times of a run; those of rates are per second, those in ``ms`` are milliseconds.
METRICS: dict[str, Callable[[Prepared, Replica], float]] = {
    "decode_ms_per_token": lambda run, replica: 1e3 * _decode(run, replica),
    "ttft_ms": lambda run, replica: 1e3 * _first(run, replica),
    "total_latency_ms": lambda run, replica: 1e3 * _whole(run, replica),
    "itl": lambda run, replica: _decode(run, replica),
    "ttft": lambda run, replica: _first(run, replica),
    "e2e": lambda run, replica: _whole(run, replica),
    "tok_s_single_user": lambda run, replica: 1 / _decode(run, replica),
    "output_tok_s_total": lambda run, replica: _rate(run, replica, run.request.output_tokens),
    "output_tok_s_per_gpu": lambda run, replica: _rate(run, replica, run.request.output_tokens) / _devices(run),
    "output_tok_s_per_node": lambda run, replica: 8 * _rate(run, replica, run.request.output_tokens) / _devices(run),
    "total_tok_s": lambda run, replica: _rate(run, replica, run.request.input_tokens + run.request.output_tokens),
    "input_tok_s_total": lambda run, replica: _prompt_rate(run, replica),
    "input_tok_s_per_gpu": lambda run, replica: _prompt_rate(run, replica) / _devices(run),
    "input_tok_s_per_node": lambda run, replica: 8 * _prompt_rate(run, replica) / _devices(run),
}


def is_prompt(metric: str) -> bool:
    """Whether a metric is of prompts alone."""
    return metric.startswith(("input_tok", "ttft"))


def is_rate(metric: str) -> bool:
    """Whether a larger number of this metric is faster."""
    return "tok_s" in metric


def beats_bound(metric: str, measured: float, bound: float) -> bool:
    """Whether a measurement is faster than the bound."""
    return (measured / bound if is_rate(metric) else bound / measured) > 1 + ROUNDING


def log_ratio(metric: str, predicted: float, measured: float) -> float:
    """Logarithm of predicted over measured time: positive where the prediction is slower."""
    ratio = log(predicted / measured)
    return -ratio if is_rate(metric) else ratio
