"""What a step needs beyond its case: the work of a pass, how fast it goes at best and under the profile, the price."""

from typing import NamedTuple

from infercost.case import FLOPS_PER_PARAM, Case
from infercost.engine import roofline
from infercost.errors import BadValue, Missing
from infercost.formats import FORMATS
from infercost.hardware import Rate, rate_for
from infercost.question import Asked
from infercost.sharding import Layout
from infercost.timing.mixed import matrix_rate
from infercost.timing.replica import Replica
from infercost.timing.speeds import COUNTS, PER_REQUEST, SHARES, TIMES, Speeds, bounds_of, speeds_of
from infercost.timing.work import Work, work_of


class StepInputs(NamedTuple):
    """What a step needs beyond the case: its rate and price, the work of a pass, and how fast it goes at best or so."""

    rate: Rate
    price: float | None
    replica: Replica
    bounds: Speeds

    @property
    def work(self) -> Work:
        """What one pass asks of a replica."""
        return self.replica.work

    @property
    def speeds(self) -> Speeds:
        """The part's rates under the case's profile."""
        return self.replica.speeds

    @property
    def overlap(self) -> str:
        """What overlaps in a step."""
        return self.replica.speeds.overlap


def read_step_inputs(asked: Asked, case: Case) -> StepInputs:
    """The inputs of a step on a case.

    Raises:
        Missing: the part has no rate for the format; layers without width, or width without layers.
    """
    part, profile = case.part, case.profile
    rate = rate_for(part, case.format)
    asked.use(part, rate.key, "memory_bandwidth")
    asked.use(profile, *SHARES, *TIMES, *COUNTS, *PER_REQUEST)
    work = _read_work(asked, case)
    sends = bool(work.layers) and case.devices > 1
    wire = FORMATS["bf16" if case.model else rate.name]
    if sends:
        asked.use(part, "link_bandwidth")
        wire = asked.take("activation_dtype", wire, "as engines send it")
    overlap = asked.take("overlap", profile.labels.get("overlap", "full"), f"by profile {profile.name}")
    if profile.value("kernel_time") and not work.layers:
        raise Missing(
            f"profile {profile.name} counts kernels by layers, and a bare count has none",
            "give --layers and --hidden-size, or ask for --efficiency ideal",
        )
    peak = matrix_rate(case.model, part) if case.model else rate.fact.value
    speeds = speeds_of(part, profile, peak, overlap, wire.bytes_per_value)
    return StepInputs(
        rate=rate,
        price=asked.take("price"),
        replica=Replica(work, speeds, *(profile.value(key) for key in PER_REQUEST)),
        bounds=bounds_of(part, peak, wire.bytes_per_value),
    )


def _read_work(asked: Asked, case: Case) -> Work:
    """The work of a pass: of a model's layers, or of a bare count with the layers that were given.

    Raises:
        BadValue: layers without width, or width without layers.
    """
    if case.plan:
        return work_of(case.plan.model, case.plan.layout)
    layers, hidden_size = asked.take("layers"), asked.take("hidden_size")
    if (layers is None) != (hidden_size is None):
        missing = "--hidden-size" if hidden_size is None else "--layers"
        raise BadValue(f"communication needs {missing} too", "give both --layers and --hidden-size, or neither")
    return Work(
        ranks=case.devices,
        layout=Layout(tp=case.devices),
        layers=layers,
        sparse_layers=0,
        hidden_size=hidden_size,
        bytes=case.weight_bytes,
        flops=roofline.flops_per_token(active_params=case.active_params, flops_per_param=FLOPS_PER_PARAM),
        active_share=case.active_share,
    )
