"""How a service keeps the level that was asked for: as it runs, what is missed and by how much, what would keep it."""

from collections.abc import Iterator
from typing import NamedTuple

from infercost.analyses.service.cost import most_users
from infercost.analyses.service.provision import Service, largest
from infercost.derivation import not_recording
from infercost.numeric import floor
from infercost.question import Asked
from infercost.service.curve import curve_of
from infercost.service.fleet import Day, Fleet, day_of, wait
from infercost.units import show

#: Limits of the batch that are a wish, where the others are what the machine and its engine can do.
WISHED = ("latency", "first token")
#: A time so little above its limit keeps it.
CLOSE = 1e-6


class Run(NamedTuple):
    """A service as it runs for a day, the fleet that would keep its level, and what is missed of that in words."""

    service: Service
    day: Day
    level: Fleet
    missed: tuple[str, ...]

    @property
    def needed(self) -> int:
        """Replicas that keep the service level in the busiest hour."""
        return self.level.replicas(self.day.users, max(self.level.hours))

    def capacity(self, replicas: int) -> int:
        """The most users for whom so many replicas keep the service level."""
        with not_recording():
            return int(floor(most_users(self.level, replicas)))


def run_of(asked: Asked, service: Service, users: float) -> Run:
    """The service on as many replicas as its level needs, or on as many as were asked for."""
    level = service.fleet._replace(fixed=0)
    if not service.fleet.fixed or service.missed:
        return Run(service, day_of(service.fleet, users), level, ())
    service, day = _as_it_runs(service, users)
    run = Run(service, day, level, ())
    return run._replace(missed=tuple(_missed(asked, run))) if day.stable else run


def _as_it_runs(service: Service, users: float) -> tuple[Service, Day]:
    """The service and its day: where so few replicas cannot keep to a latency, batches grow past it if they can."""
    day = day_of(service.fleet, users)
    limits = {name: limit for name, limit in service.limits.items() if name not in WISHED}
    if day.stable or limits == service.limits:
        return service, day
    most = largest(limits)
    curve = curve_of(service.inputs.replica, most, service.request, service.case.context, service.demand.decoded)
    grown = service._replace(fleet=service.fleet._replace(curve=curve, slots=most), limits=limits)
    late = day_of(grown.fleet, users)
    return (grown, late) if late.stable else (service, day)


def _missed(asked: Asked, run: Run) -> Iterator[str]:
    """What users see against what was asked for, of every limit that is not kept."""
    service, day = run.service, run.day
    first = max(service.fleet.curve.ttft(hour.batch) for hour in day.hours)
    seen = {"max_tpot": (day.slowest.itl, "a token takes"), "max_ttft": (first, "a first token takes")}
    for name, (time, words) in seen.items():
        if name in asked.given and time > float(asked.get(name)) * (1 + CLOSE):
            yield f"{words} {show(time, 's')} in the slowest hour and may take {show(float(asked.get(name)), 's')}"
    fleet = service.fleet
    if fleet.waiting < 1 and day.replicas < run.needed:
        chance, _ = wait(fleet, day.users, day.replicas, max(fleet.hours))
        yield f"{show(chance, 'share')} wait for a slot in the busiest hour and {show(fleet.waiting, 'share')} may"
