"""What an answer about a job says beside its rows: what was assumed, how they are counted, which parts have none."""

from collections.abc import Iterator
from math import ceil

from infercost.analyses.many import Rows
from infercost.analyses.remarks import few_names, step_notes
from infercost.parts.stack import SHARED
from infercost.report import Note
from infercost.scenario.layouts import TIMES
from infercost.scenario.prices import USUAL_BASIS, kind_of_price, rent_key
from infercost.scenario.scenario import Scenario

#: Rows of a table.
SHOWN = 20
UNPRICED, UNJOINED = "no price is known", "_bandwidth is not known"
#: The start of why a part is too slow, and the end of why it is too dear.
AT_BEST, HOURLY = "at best ", " an hour"
#: Codes of the notes on parts that are too slow, and too dear.
SLOW, DEAR = "too-slow", "too-dear"


def assumed(scenario: Scenario) -> str:
    """How many sequences are in flight where nobody said it, as an end of a verdict; else nothing."""
    job = scenario.job
    if job is None or job.users or scenario.question.get("concurrency"):
        return ""
    return f" Nobody said how many: {ceil(job.concurrent):,} are assumed (--concurrency)."


def rented_together(space: Scenario) -> int:
    """Devices of a part that its rent is for, where single ones are not rented out at it; else one."""
    part, given = space.search.setup.part, space.question.given
    basis = space.question.get("price_basis") or USUAL_BASIS[0]
    if "rented_devices" not in part.facts or kind_of_price(given) or rent_key(part, basis) != "rent_neocloud":
        return 1
    return int(part.value("rented_devices"))


def notes_of(scenario: Scenario, rows: Rows, able: int) -> Iterator[Note]:
    """How the rows of a job are counted, and which parts are left out; the first ``able`` rows do the job."""
    text = f"each row is where a token is cheapest on up to {TIMES[-1]} times the least devices that hold the model"
    yield Note("prompts", f"prompts ride along with decoding, and are paid; {text}")
    yield from _machines(scenario)
    if scenario.job and scenario.job.is_of_day:
        yield Note(
            "day", "each part has the replicas of the busiest hour, as userbase counts them; speeds are its mean"
        )
    kinds = (note for space in scenario.each if space.running for note in step_notes(space.running))
    if any(note.code == "estimate" for note in kinds):
        yield Note("estimate", "estimates, each by the engine that people run on the part; --json has the intervals")
    shared = [row["name"] for row in rows[:able] if row["efficiency"] == SHARED]
    if shared and scenario.question.get("efficiency") is None:
        yield Note(
            "efficiency", f"{SHARED} has what engines of today share, for want of their own: {few_names(shared)}"
        )
    unmeasured = [row["name"] for row in rows[:able] if "bands" not in row]
    if unmeasured:
        yield Note("bound", f"no measured run says how far off these are: {few_names(unmeasured)}")
    if able > SHOWN:
        yield Note("thinned", f"the table shows {SHOWN} of {able} parts that do it; --json and --csv have all")
    if able:
        yield from _left_out_notes([row for row in rows[able:] if row["usd_per_gpu_hour"]])
    yield from _unpriced(rows[able:])
    if without := [row["name"] for row in rows[:able] if not row["usd_per_gpu_hour"]]:
        yield Note("no-price", f"no price is known of {few_names(without)}: --price gives one")
    if any(row.get("weak") for row in rows[: min(able, SHOWN)]):
        yield Note("weak-figure", "~ marks a part with an uncertain figure: presets show NAME says which")
    if empty := ", ".join(dict.fromkeys(key for row in rows for key, value in row.items() if value is None)):
        yield Note("null", f"null where a part is left out, where none is, or where no figure is known: {empty}")


def _machines(scenario: Scenario) -> Iterator[Note]:
    """Which parts are rented out in whole machines alone at the price that they have."""
    if scenario.job is None or scenario.job.is_of_day:
        return
    for space in scenario.each:
        if (count := rented_together(space)) > 1:
            text = f"{space.search.name} is rented out in machines of {count} at its price, and has as many devices"
            yield Note("machines", text)


def _left_out_notes(rows: Rows) -> Iterator[Note]:
    """The parts with a price that do not do it, by why; figures of their own stand behind their names."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        *kind, own = _gathered(row["why_not"])
        kinds.setdefault((kind[0], kind[1]), []).append(f"{row['name']} {own}".rstrip())
    for (code, why), names in sorted(kinds.items(), key=lambda kind: kind[0][0] != SLOW):
        if code:
            yield Note(code, f"{why}: {few_names(names) if code == DEAR else ', '.join(names)}")
        else:
            yield Note("left-out", f"{', '.join(names)}: {why}")


def _gathered(why: str) -> tuple[str, str, str]:
    """The code of a note on all parts with such a figure, how it starts, and the figure; no code without a figure."""
    if why.startswith(AT_BEST):
        return SLOW, "too slow, a token takes at best", why.removeprefix(AT_BEST)
    if why.endswith(HOURLY):
        return DEAR, "above --max-price an hour", why.removesuffix(HOURLY)
    if why.endswith(UNJOINED):
        takes, _, key = why.partition(", and its ")
        return "left-out", key, takes
    return "", why, ""


def _unpriced(rows: Rows) -> Iterator[Note]:
    """Parts without a price: those that hold the model, and those that would not do it at any price."""
    rows = [row for row in rows if not row["usd_per_gpu_hour"]]
    if able := [row["name"] for row in rows if row["why_not"] == UNPRICED]:
        yield Note("left-out", f"no price is known of {few_names(able)}: --price gives one")
    if others := [row["name"] for row in rows if row["why_not"] != UNPRICED]:
        yield Note("left-out", f"without a price and no part for it: {few_names(others)}; --json says why")
