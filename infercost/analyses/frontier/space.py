"""What a frontier searches: a model on a part in every layout that holds it, and how fast it goes at every batch."""

from functools import cache
from typing import Any, NamedTuple

from infercost.analyses.drafting import Draft, beside, pace_with
from infercost.analyses.request import Asking as Requested
from infercost.analyses.request import request_results
from infercost.analyses.step import Pace
from infercost.case import Case
from infercost.derivation import not_recording
from infercost.efficiency import law
from infercost.plan import Plan
from infercost.served import Asking
from infercost.sharding import Layout, every_layout
from infercost.stepping import StepInputs
from infercost.timing.replica import prefill_time
from infercost.timing.work import work_of

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 16, 65_536

At = tuple[Case, StepInputs]


class Space(NamedTuple):
    """One model in one format on one part, with a draft or without: what all its layouts have in common.

    ``most`` is the most devices of all replicas, ``reach`` that of one; ``devices`` and ``widths`` are those given.
    """

    name: str
    asking: Asking
    case: Case
    inputs: StepInputs
    requested: Requested
    draft: Draft | None
    most: int
    reach: int
    devices: int | None
    widths: Layout
    flags: dict[str, str]

    @property
    def by_law(self) -> bool:
        """Whether steps follow a paper's law, which knows devices and no layout."""
        return law(self.case.profile) != "roofline"

    def layouts(self) -> list[Layout]:
        """The layouts that an engine accepts, fewest devices first."""
        found = every_layout(self.asking.model, min(self.most, self.reach), self.widths)
        return [layout for layout in found if self.devices in (None, layout.devices)]

    def on(self, plan: Plan, batch: int = 1) -> At:
        """The case and the inputs of a step under a plan."""
        case = self.case._replace(plan=plan._replace(batch=batch), devices=plan.layout.devices)
        work = work_of(plan.model, plan.layout)
        return case, self.inputs._replace(replica=self.inputs.replica._replace(work=work))

    def pace(self, at: At, batches: Any) -> Pace:
        """How each of an array of batches goes on under a plan, as ``on`` reads it."""
        with not_recording():
            return pace_with(*at, self.draft, batches)

    def ttft(self, at: At) -> float | None:
        """Seconds to the first token of the request under a plan; None where there is none."""
        with not_recording():
            return request_results(*at, self.requested, 1, 0.0, None).get("ttft_s")

    def prefill_time(self, at: At) -> float:
        """Seconds that one prompt takes all of a replica under a plan; 0 where there is no request."""
        if self.requested.request is None:
            return 0.0
        with not_recording():
            return prefill_time(at[1].replica, 1, self.requested.request)


class Held(NamedTuple):
    """A layout that holds the model, and the most sequences to try on it."""

    plan: Plan
    sequences: int


@cache
def batches(unit: int, most: int) -> tuple[int, ...]:
    """Batches to try up to the most: one, whole shares of a layout's parts, the last of them too, and the most."""
    found, parts = {1, most, max(most // unit * unit, 1)}, 1
    while unit * parts <= most:
        found.add(unit * parts)
        parts = max(parts + 1, round(parts * 2 ** (1 / STEPS)))
    return tuple(sorted(found))


def plans(space: Space, layouts: list[Layout]) -> tuple[list[Held], int]:
    """The layouts that hold the model and a sequence, and how many do not.

    By the law of a paper one a count of devices is enough.
    """
    held: dict[Any, Held] = {}
    misfits = 0
    for layout in layouts:
        key = layout.devices if space.by_law else layout
        if key not in held:
            plan = beside(space.asking.plan(layout), space.draft)
            most = plan.max_sequences
            if most == 0:
                misfits += 1
            else:
                held[key] = Held(plan, min(most or MOST_BATCH, MOST_BATCH))
    return list(held.values()), misfits
