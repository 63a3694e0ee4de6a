"""Replicas that share devices, sequences and load: what one of them has of each."""

from math import ceil

from infercost.errors import BadValue
from infercost.replica.memory import start_of
from infercost.replica.rack import Setup
from infercost.replica.serving import USUAL_SEQUENCES
from infercost.scenario.options import flag
from infercost.scenario.read import Reading, counted_name

#: Origins of a layout that was chosen, and of a count of devices that nobody gave.
CHOSEN, AS_LEAST, CHEAPEST = "assumed: chosen", "assumed: least that fits", "assumed: where a token costs least"
FOR_LOAD, ONE = "assumed: where its load costs least", "assumed: one of it"
PAYS_FIRST = "assumed: where it breaks even with the fewest users"
#: Options that say how large a load is, and the start of an origin of what a trace says.
LOADS, TRACED = ("users", "concurrent", "tokens_per_month"), "trace "
#: Origin of users where so many replicas were asked about in their place.
ALL_TAKEN = "assumed: all that so many replicas take"
#: Code of a remark that belongs to the verdict: what one user gets in a layout that is not best when full.
FOR_ONE = "for-one"
#: Origin of parts that are asked about side by side.
COMPARED = "compare"


def copies_of(reading: Reading) -> int:
    """Replicas that were asked for, one where none were."""
    return int(reading.get("dp") or 1)


def share_of_one(reading: Reading, name: str, count: int) -> float:
    """Sequences of one replica, of so many in all: the mean where some have one more than others.

    Raises:
        BadValue: fewer than there are replicas.
    """
    copies = copies_of(reading)
    if count % copies == 0:
        return count // copies
    if count < copies:
        hint = f"give at least {flag(name)} {copies}, or fewer replicas"
        raise BadValue(f"{flag(name)} {count}: does not divide among the {copies} replicas of --dp", hint)
    return count / copies


def devices_of_one(reading: Reading, devices: int | None) -> int | None:
    """Devices of one replica, where a count of all was given.

    Raises:
        BadValue: a count that does not divide among them.
    """
    copies = copies_of(reading)
    if devices and devices % copies:
        enough = copies * ceil(devices / copies)
        name, counted = counted_name(str(reading.get("gpu")))
        hint = f"ask for a multiple, as {f'--gpu {name}:{enough}' if counted else f'--gpus {enough}'}"
        raise BadValue(f"--dp {copies}: {devices} devices are no {copies} equal replicas", hint)
    return devices and devices // copies


def most_at_once(reading: Reading, setup: Setup, groups: int = 1) -> float:
    """Sequences that an engine runs at once, whatever memory holds: as asked, or as each of its groups starts."""
    return float(reading.get("max_sequences") or running_sequences(setup) * groups)


def running_sequences(setup: Setup) -> float:
    """Sequences that a data parallel group of an engine runs at once as it starts on a part."""
    facts = setup.stack.facts
    if "running_sequences" in facts:
        return setup.stack.value("running_sequences")
    return start_of(setup.stack, setup.part).sequences if "profiled_sequences" in facts else USUAL_SEQUENCES
