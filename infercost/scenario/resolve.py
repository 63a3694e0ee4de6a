"""Questions to scenarios, one function a command: defaults filled in, each input noted once."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infercost.errors import BadValue, Missing
from infercost.parts import catalog
from infercost.parts.accelerator import find_rate
from infercost.parts.formats import FORMATS, Format
from infercost.parts.preset import Preset
from infercost.parts.stack import complete, law
from infercost.replica.step import critical_batch, full_batch
from infercost.scenario.options import Rack as RackOptions
from infercost.scenario.options import Step, flag
from infercost.scenario.prices import read_price
from infercost.scenario.rack import read_draft, read_load, read_rack, read_running
from infercost.scenario.ranges import parse_batches
from infercost.scenario.read import Given, Question, Reading, apply_sets, read_part
from infercost.scenario.scenario import Calibration, Habits, Scenario, frozen

if TYPE_CHECKING:  # only calibrate reads runs
    from infercost.evidence.readers import Run

#: User counts of a table of economies, and full replicas at its end, where nobody says otherwise.
POINTS, REPLICAS = 16, 4
#: Options of ``userbase`` that ask for a service rather than for the note's arithmetic.
_OF_A_SERVICE = (
    *("traffic", "trace", "messages_per_day", "burstiness", "scale_down", "replicas", "max_tpot", "max_ttft"),
    *("max_wait_probability", "input_tokens", "output_tokens", "prefix_share", "chunk_tokens", "max_sequences"),
    *("purchase_price", "years", "interest", "power_price", "pue"),
)
#: Whose word stands for each row's own stack in ``validate``.
OWN_STACK = "stack"
#: Number formats of runs: their names say which arithmetic ran.
DTYPES = ("bf16", "fp16", "fp8", "int8", "fp4", "int4")
KV_DTYPES = ("bf16", "fp16", "fp8", "int8")
#: Endings of a profile.
ENDINGS = (".yaml", ".yml")


def resolve(question: Question) -> Scenario:
    """The scenario of a question.

    Raises:
        InfercostError: a name that does not exist, an option or a preset that cannot be used.
    """
    return _RESOLVERS[question.command](Reading(question))


def _fit(reading: Reading) -> Scenario:
    return frozen(reading, rack=read_rack(reading))


def _utilization(reading: Reading) -> Scenario:
    rack = read_rack(reading)
    load = read_load(reading, rack)
    batch = 1 if load.rate is not None else int(reading.take("batch", 1))
    running = read_running(reading, rack)
    price = read_price(reading, rack.part)
    draft = None if load.rate is not None else read_draft(reading)
    return frozen(reading, rack=rack, running=running, batch=batch, load=load, draft=draft, price=price)


def _sweep_batch(reading: Reading) -> Scenario:
    rack = read_rack(reading)
    running = read_running(reading, rack)
    price = read_price(reading, rack.part)
    most = rack.plan.max_sequences
    last = max(2, 2 ** int(2 * critical_batch(running)).bit_length())
    usual = parse_batches(f"1:{max(1, last if most is None else min(last, most))}")
    batches = reading.take("batch", usual, "powers of two past the critical batch")
    return frozen(reading, rack=rack, running=running, batches=batches, price=price)


def _userbase(reading: Reading) -> Scenario:
    if "concurrent" in reading.given and "users" in reading.given:
        raise BadValue("--concurrent and --users are two ways to ask one question", "give one of them")
    if any(name in reading.given for name in _OF_A_SERVICE):
        return _service_of_users(reading)
    rack, running, batch, price = _supply(reading)
    users = reading.take("users")
    concurrent = None
    if users is None:
        if "concurrent" not in reading.given and rack is None:
            raise Missing("userbase needs --concurrent, --users, or a --gpu to fill", "for example --concurrent 1000")
        concurrent = reading.take("concurrent", batch if rack else None, "one full batch")
    from infercost.scenario.people import USUAL_DECODING, USUAL_MINUTES

    habits = Habits(
        reading.take("minutes_per_day", *USUAL_MINUTES),
        reading.take("decoding_share", *USUAL_DECODING),
        reading.take("trough_to_mean", 1.0, "a flat day"),
        reading.take("peak_to_mean", 1.0, "a flat day"),
    )
    return frozen(
        reading,
        rack=rack,
        running=running,
        batch=batch,
        price=price,
        users=users,
        concurrent=concurrent,
        habits=habits,
    )


def _supply(reading: Reading) -> tuple[Any, Any, float, float | None]:
    """What serves the users of the note's arithmetic: rack, running, the batch of a replica, the price; or nothing."""
    if "gpu" not in reading.given:
        hardware = {*RackOptions.__annotations__, *Step.__annotations__, "batch"}
        if stray := [name for name in reading.given if name in hardware]:
            raise Missing(f"userbase needs --gpu for {', '.join(stray)}", "for example --gpu h100 --params 70B")
        return None, None, 1, None
    rack = read_rack(reading)
    running = read_running(reading, rack)
    batch, why = full_batch(running), "where the arithmetic is full"
    most = rack.plan.max_sequences
    if most is not None and (batch is None or most < batch):
        batch, why = max(1, most), "what memory holds"
    return rack, running, reading.take("batch", batch, why), read_price(reading, rack.part)


def _service_of_users(reading: Reading) -> Scenario:
    """A user base on a service: its level and the shape of its day."""
    from infercost.scenario.people import read_service

    for name in ("trough_to_mean", "peak_to_mean", "batch"):
        if name in reading.given:
            raise BadValue(f"{flag(name)} is an answer here", "leave it out: --traffic shapes the day")
    if "gpu" not in reading.given:
        raise Missing("a service needs --gpu and a model", "for example --gpu h100:4 --model llama-3.1-70b")
    service = read_service(reading)
    if reading.get("replicas") and reading.get("scale_down"):
        raise BadValue("--replicas and --scale-down both say how many run", "give one of them")
    service = service._replace(fleet=service.fleet._replace(fixed=int(reading.take("replicas") or 0)))
    if "users" not in reading.given and "concurrent" not in reading.given:
        raise Missing("a service needs --users or --concurrent", "for example --users 100k")
    users = reading.take("users")
    concurrent = reading.take("concurrent") if users is None else None
    running = service.running
    return frozen(reading, rack=running.rack, running=running, service=service, users=users, concurrent=concurrent)


def _economies(reading: Reading) -> Scenario:
    parts = reading.get("gpu") or ()
    if len(parts) > 1:
        each = tuple(_economies_on(reading.question, part) for part in parts)
        _merge(reading, each)
        first = each[0]
    else:
        if parts:
            reading.given["gpu"] = Given(parts[0], reading.given["gpu"].origin)
        each = ()
        first = _with_service(reading)
    fleets = [one.service.fleet for one in each or (first,) if one.rack.plan.fits]
    several = max((max(int(REPLICAS * fleet.users_a_replica), 2) for fleet in fleets), default=2)
    users, points = 1.0, POINTS
    if fleets:
        users = float(reading.take("users", several, f"{REPLICAS} full replicas"))
        points = int(reading.take("points", POINTS, "from one user to the last, evenly in ratio"))
    api_price = float(reading.take("api_price")) if "api_price" in reading.given and not each else None
    return first._replace(
        question=reading.question,
        inputs=tuple(reading.inputs),
        notes=(*reading.question.notes, *reading.notes),
        users=users,
        points=points,
        api_price=api_price,
        each=each,
    )


def _economies_on(question: Question, part: Any) -> Scenario:
    """The service on one of several parts."""
    reading = Reading(question)
    reading.given["gpu"] = Given(part, question.given["gpu"].origin)
    return _with_service(reading)


def _with_service(reading: Reading) -> Scenario:
    from infercost.scenario.people import read_service

    service = read_service(reading)
    return frozen(reading, rack=service.running.rack, running=service.running, service=service)


def _merge(reading: Reading, each: tuple[Scenario, ...]) -> None:
    """Note the inputs and remarks of several scenarios, each once."""
    for one in each:
        known = {item.key for item in reading.inputs}
        reading.inputs += [item for item in one.inputs if item.key not in known]
        known_notes = (*reading.question.notes, *reading.notes)
        reading.notes += [note for note in one.notes if note not in known_notes]


def _compare(reading: Reading) -> Scenario:
    question, modelled = reading.question, "model" in reading.given
    alone = ("dtype", "set", "gpu", "all")
    if not modelled and (stray := [name for name in reading.given if name not in alone]):
        raise Missing(f"compare needs --model for {', '.join(stray)}", "for example --model llama-3.1-70b")
    format = reading.take("dtype", None if modelled else FORMATS["8bit"], "8-bit weights") or FORMATS["8bit"]
    if reading.take("all"):
        if question.words or "gpu" in reading.given:
            raise BadValue("--all and names are two ways to ask one question", "give one of them")
        every = [apply_sets(reading, catalog.load("accelerators", name)) for name in catalog.names("accelerators")]
        every.sort(key=lambda part: (part.labels.get("released", "9999"), part.name))
        parts: tuple[tuple[Preset, int | None], ...] = tuple((part, None) for part in every)
    else:
        wanted = [*question.words, *(reading.get("gpu") or ())]
        if not wanted:
            raise Missing("compare needs accelerators", "for example infercost compare h100-note human-brain, or --all")
        parts = tuple(read_part(reading, name) for name in wanted)
        if not modelled and any(count is not None for _, count in parts):
            raise BadValue("compare takes no counts: it compares one accelerator with another", "leave out the :N")
    for part, _ in parts:
        rate = find_rate(part, format)
        used = ("memory", "memory_bandwidth", "power", *([rate.key] if rate else []))
        reading.use(part, *(key for key in used if key in part.facts), scope=part.name)
    if not modelled:
        reading.take("set")
    return frozen(reading, parts=parts, format=format)


def _validate(reading: Reading) -> Scenario:
    name = reading.take("efficiency", "realistic", "and each row's own stack beside it")
    for text in reading.get("set") or ():
        if text.strip().startswith("gpu."):
            raise BadValue(f"--set: {text!r}: each row names its own part", "copy the part's preset and name it there")
        if name == OWN_STACK:
            raise BadValue(f"--set: {text!r}: each row has its own profile", "name one profile: --efficiency vllm")
    if name == OWN_STACK:
        return frozen(reading)
    stack = name if isinstance(name, Preset) else catalog.load("efficiency", name)
    if law(stack) != "roofline":
        what = f"--efficiency: {stack.name} counts a step by the law of a paper"
        raise BadValue(what, "name a profile without a law")
    return frozen(reading, stack=apply_sets(reading, complete(stack)))


def _calibrate(reading: Reading) -> Scenario:
    path, base = _path_of_profile(reading), _start_of_fit(reading)
    if not reading.question.words:
        example = "for example infercost calibrate run.json --gpu h100 --model llama-3.1-8b"
        raise Missing("calibrate needs a result file", example)
    run = _run(reading)
    weights, cache = _format_of_runs(reading, "dtype", DTYPES), _format_of_runs(reading, "kv_dtype", KV_DTYPES)
    return frozen(reading, calibration=Calibration(run, weights, cache, base, path))


def _run(reading: Reading) -> "Run":
    """The user's word on benchmark runs, without a file."""
    from infercost.evidence.predict import model_of_run
    from infercost.evidence.readers import Run, Workload

    part, count = None, None
    if (gpu := reading.take("gpu")) is not None:
        part, count = read_part(reading, gpu)
    if (model := reading.take("model")) is not None:
        model_of_run(str(model))
    tp, pp, ep = (reading.take(name) for name in ("tp", "pp", "ep"))
    devices = count or max(tp or 1, ep or 1) * (pp or 1)
    workload = Workload(*(reading.take(name) for name in Workload._fields))
    return Run("", str(model or ""), part.path if part else "", devices, tp, pp, ep, workload)


def _format_of_runs(reading: Reading, option: str, known: tuple[str, ...]) -> str:
    """A number format for files that leave it out, empty by default.

    Raises:
        BadValue: one that does not say which arithmetic ran, or that no engine keeps a cache in.
    """
    given: Any = reading.take(option)
    name = given.name if isinstance(given, Format) else str(given or "")
    if name and name not in known:
        raise BadValue(f"{flag(option)} {name} does not say what ran", f"a run has one of {', '.join(known)}")
    return name


def _path_of_profile(reading: Reading) -> str:
    """The path of the fitted profile, empty by default.

    Raises:
        BadValue: a name that ``--efficiency`` would not take for a file.
    """
    path = str(reading.get("output") or "")
    if path and Path(path).suffix.lower() not in ENDINGS:
        raise BadValue(f"--output {path}: a profile is a YAML file", "end its name in .yaml: --output my-stack.yaml")
    return path


def _start_of_fit(reading: Reading) -> Preset:
    """The profile whose constants stay where the data do not determine them.

    Raises:
        BadValue: a profile with another law for a step.
    """
    from infercost.evidence.fit import CANDIDATES

    name = reading.take("efficiency", "realistic", "to start from")
    base = complete(name if isinstance(name, Preset) else catalog.load("efficiency", name))
    if law(base) != "roofline":
        raise BadValue(f"profile {base.name} has a law of its own, which is not fitted", "start from realistic")
    reading.use(base, *CANDIDATES)
    return base._replace(labels={**base.labels, "overlap": "operator", "memory": "engine"})


def _frontier(reading: Reading) -> Scenario:
    from infercost.scenario.search import read_frontier

    return read_frontier(reading)


_RESOLVERS: dict[str, Callable[[Reading], Scenario]] = {
    "fit": _fit,
    "utilization": _utilization,
    "sweep-batch": _sweep_batch,
    "userbase": _userbase,
    "economies": _economies,
    "frontier": _frontier,
    "compare": _compare,
    "validate": _validate,
    "calibrate": _calibrate,
    "presets": frozen,
}
