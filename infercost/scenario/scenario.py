"""A question resolved once: all that an analysis may know, with nothing to parse and nothing left to assume."""

from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from infercost.errors import BadValue, InfercostError
from infercost.models.model import Model
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.replica.layout import Layout
from infercost.replica.memory import Rack, Setup, start_of
from infercost.replica.serving import LEAST_OUTPUT, USUAL_SEQUENCES, Request
from infercost.replica.step import Draft, Running
from infercost.report import Input, Note
from infercost.scenario.options import flag
from infercost.scenario.read import Question, Reading, counted_name
from infercost.units import ApiPrice, Shard

if TYPE_CHECKING:
    from infercost.evidence.readers.record import Results
    from infercost.fleet.cost import Service
    from infercost.models.find import Checkpoint


#: Minutes of use a day, the share of them in which tokens are decoded, and why, where nobody says otherwise.
USUAL_MINUTES = 10, "about what chat services see"
USUAL_DECODING = 1.0, "all minutes decode, as in the note"


class Load(NamedTuple):
    """Requests on a replica: their rate a second or how many are always in flight, and the most that run at once.

    ``apart`` is whether prompts have replicas of their own, ``run`` the requests of a run that starts all slots at
    once.
    """

    request: Request | None = None
    rate: float | None = None
    most: float = USUAL_SEQUENCES
    apart: bool = False
    concurrent: float | None = None
    run: float = 0.0

    @property
    def is_steady(self) -> bool:
        """Whether requests come and go, so that the batch is an answer."""
        return self.rate is not None or self.concurrent is not None

    @property
    def reads(self) -> bool:
        """Whether replicas read prompts and nothing else: the one token of an answer comes with its prompt."""
        return self.request is not None and not self.apart and 0 < self.request.output_tokens < LEAST_OUTPUT

    @property
    def decoding(self) -> Request | None:
        """The request as replicas that decode see it: where prefill has its own, with all of its prompt's cache."""
        if self.request is None or not self.apart:
            return self.request
        return self.request._replace(prefix_share=1.0, chunk_tokens=None)


class Habits(NamedTuple):
    """How people use a service in the note's arithmetic: minutes a day, the share decoding, trough and peak.

    ``waiting`` is the share of requests that may wait for a slot (1: no headroom is kept for chance).
    """

    minutes: float
    decoding_share: float
    trough: float
    peak: float
    waiting: float = 1.0
    peakedness: float = 1.0


class Search(NamedTuple):
    """What a frontier searches: a setup over layouts of at most ``reach`` devices, ``most`` in all replicas.

    ``devices`` and ``widths`` are those given, ``flags`` the options of ``utilization`` that all its rows share.
    """

    name: str
    setup: Setup
    most: int
    reach: int
    devices: int | None
    widths: Layout
    flags: Mapping[str, str]


class Goal(NamedTuple):
    """What a frontier must reach: sequences decoding at once, tokens a second in all, latencies, batches to try.

    ``users`` are those who keep the sequences decoding, with their habits, ``best`` is the one row that was asked for,
    ``shard`` the piece of an export of all configurations.
    """

    concurrent: float = 0.0
    users: Mapping[str, float] = MappingProxyType({})
    tokens_per_s: float = 0.0
    max_tpot: float = float("inf")
    max_ttft: float = float("inf")
    batches: tuple[int, ...] = ()
    best: str | None = None
    shard: Shard | None = None

    @property
    def is_of_rate(self) -> bool:
        """Whether tokens a second in all are what is paid for; of users it is theirs, a rate or none beside them."""
        return self.tokens_per_s > 0 and not self.concurrent


class Job(NamedTuple):
    """What a part is chosen for: sequences in flight, the longest times, USD an hour, and the order of parts.

    ``users`` are those who keep the sequences in flight, with their habits, ``refused`` the parts that cannot be asked,
    each with the error, ``is_of_day`` whether users send messages over a day, as ``userbase`` counts them.
    """

    concurrent: float
    users: Mapping[str, float] = MappingProxyType({})
    max_tpot: float = float("inf")
    max_price: float = float("inf")
    sort: str = "cost"
    max_ttft: float = float("inf")
    refused: tuple[tuple[Preset, InfercostError], ...] = ()
    is_of_day: bool = False


class Need(NamedTuple):
    """A model wherever it stands, with all its parameters and those of a token, and sequences of so many tokens.

    ``checkpoint`` is a named model's, None for a bare count.
    """

    checkpoint: "Checkpoint | None"
    model: Model
    params: float
    active_params: float
    context: int = 0
    batch: int = 1


class Calibration(NamedTuple):
    """The profile to start from, and the file where the new one goes."""

    base: Preset
    path: str


class Scenario(NamedTuple):
    """One question, resolved: what stands in the rack, what is asked of it, and where each input came from.

    ``measured`` is the tokens/s of a replica that were measured, ``measured_mfu`` the same as a share of its
    arithmetic. ``each`` holds the scenarios of several parts, models or formats that are asked about together. A
    command without hardware has neither ``rack`` nor ``running``; ``fit`` has a rack alone, or a ``need`` where no
    accelerator is named. ``others`` are services on other devices than were chosen for theirs, ``requests`` those
    of a job, ``deadline`` its longest time in seconds, ``remedies`` flags with which a limit on latency is met,
    ``instead`` what a budget would take that pays for no replica, ``files`` is what was read of benchmarks, ``is_row``
    whether this is one of many rows, whose advice nobody reads.
    """

    question: Question
    inputs: tuple[Input, ...] = ()
    notes: tuple[Note, ...] = ()
    rack: Rack = None  # type: ignore[assignment]
    running: Running = None  # type: ignore[assignment]
    batch: float = 1
    copies: int = 1
    batches: tuple[float, ...] = ()
    load: Load = Load()
    draft: Draft | None = None
    price: float | None = None
    measured: float | None = None
    measured_mfu: float | None = None
    requests: float | None = None
    deadline: float | None = None
    service: "Service" = None  # type: ignore[assignment]
    others: "tuple[Service, ...]" = ()
    remedies: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    habits: Habits | None = None
    users: float | None = None
    concurrent: float | None = None
    points: int = 0
    api_price: ApiPrice | None = None
    each: "tuple[Scenario, ...]" = ()
    search: Search = None  # type: ignore[assignment]
    goal: Goal = Goal()
    job: Job | None = None
    need: Need | None = None
    parts: tuple[tuple[Preset, int | None], ...] = ()
    format: Format = FORMATS["8bit"]
    stack: Preset | None = None
    calibration: Calibration = None  # type: ignore[assignment]
    files: "tuple[Results, ...]" = ()
    is_row: bool = False

    @property
    def is_claimed(self) -> bool:
        """Whether a rate that was measured is held against the answer."""
        return self.measured is not None or self.measured_mfu is not None


#: Origins of a layout that was chosen, and of a count of devices that nobody gave.
CHOSEN, AS_LEAST, CHEAPEST = "assumed: chosen", "assumed: least that fits", "assumed: where a token costs least"
IN_TIME = "assumed: least that end in time"
FOR_LOAD, ONE = "assumed: where its load costs least", "assumed: one of it"
#: Options that say how large a load is, and the start of an origin of what a trace says.
LOADS, TRACED = ("users", "concurrent", "tokens_per_month"), "trace "
#: Origin of users where so many replicas were asked about in their place.
ALL_TAKEN = "assumed: all that so many replicas take"
#: Code of a remark that belongs to the verdict: what one user gets in a layout that is not best when full.
FOR_ONE = "for-one"
#: Origin of parts that are asked about side by side.
COMPARED = "compare"


def frozen(reading: Reading, **fields: Any) -> Scenario:
    """What was read as a scenario, with the inputs as they were understood."""
    notes = (*reading.question.notes, *reading.notes)
    return Scenario(reading.question, tuple(reading.inputs), notes, **fields)


# Replicas that share devices, sequences and load: what one of them has of each.


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
