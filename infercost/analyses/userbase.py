"""From sequences being decoded at once to the daily users of a service, and back to accelerators."""

from typing import NamedTuple

from infercost.analyses.step import full_batch
from infercost.case import Case, read_case
from infercost.commands import DEPLOYMENT, MODEL, OWNING, SERVED, STEP
from infercost.derivation import not_recording
from infercost.engine import economics, serving
from infercost.errors import BadValue, Missing
from infercost.numeric import ceiling
from infercost.question import Asked
from infercost.report import Note, Report, Row
from infercost.service.prices import read_price
from infercost.stepping import read_step_inputs
from infercost.units import digits, many

#: Options that ask for a service rather than for the note's arithmetic.
SERVED_PEOPLE = (
    *("traffic", "trace", "messages_per_day", "burstiness", "scale_down", "replicas", "max_tpot", "max_ttft"),
    *("max_wait_probability", "input_tokens", "output_tokens", "prefix_share", "chunk_tokens", "max_sequences"),
    *OWNING,
)
#: Results that follow from what serves.
SUPPLIED = ("gpus", "usd_per_month")
#: The note's guess of what a service that is consistent all day may need.
MILLION = 1e6


class Demand(NamedTuple):
    """How people use the service: minutes a day, the share of them decoding, and the shape of the day."""

    minutes: float
    decoding_share: float
    trough: float
    peak: float


class Supply(NamedTuple):
    """What serves them: devices of one replica, sequences it decodes together, and the price of a device."""

    case: Case
    batch: float
    price: float | None


def answer(asked: Asked) -> Report:
    """Daily users for a concurrency, or the concurrency of daily users, and the accelerators for either.

    Raises:
        Missing: neither a concurrency, nor users, nor hardware to fill.
        BadValue: both a concurrency and users.
    """
    if report := _of_a_service(asked):
        return report
    supply = _read_supply(asked)
    mean, users, demand = _both_ways(asked, supply)
    rows = _rows(mean, users, demand, supply)
    if supply and not supply.case.fits:
        from infercost.analyses.unfit import OF_USERS, unfit  # loads what nobody needs where all is well

        said = {"users", "concurrent"} & {*asked.given}
        return unfit(asked, supply.case, rows, {row.key for row in rows} - {*SUPPLIED} if said else OF_USERS[2:])
    return Report(
        command="userbase",
        verdict=_verdict(asked, mean, users, demand),
        inputs=tuple(asked.inputs),
        results=rows,
        advice=_advice(demand),
        notes=(*_notes(users), *asked.notes),
    )


def _rows(mean: float, users: float, demand: Demand, supply: Supply | None) -> tuple[Row, ...]:
    online = serving.people_online(users=users, minutes_per_day=demand.minutes)
    peak = serving.peak_concurrent(concurrent_users=mean, peak_to_mean=demand.peak)
    at_trough = serving.users_at_trough(users=users, trough_to_mean=demand.trough)
    return (
        Row("concurrent_users", mean, "one slot of a batch each"),
        Row("people_online", online, "reading and thinking included"),
        Row("minutes_per_day", demand.minutes),
        Row("decoding_share", demand.decoding_share),
        Row("users", users, "mean over the day"),
        Row("users_at_trough", at_trough, f"at trough/mean {demand.trough:g}"),
        _million_row(users),
        Row("mean_concurrent", mean),
        Row("peak_concurrent", peak, f"at peak/mean {demand.peak:g}"),
        Row("trough_concurrent", serving.trough_concurrent(concurrent_users=mean, trough_to_mean=demand.trough)),
        *_supply_rows(supply, peak),
    )


def _of_a_service(asked: Asked) -> Report | None:
    """The answer of a service, where anything beyond the note's minutes and concurrency was given."""
    if "concurrent" in asked.given and "users" in asked.given:
        raise BadValue("--concurrent and --users are two ways to ask one question", "give one of them")
    if not any(name in asked.given for name in SERVED_PEOPLE):
        return None
    from infercost.analyses.service.userbase import answer_service  # loads what a few numbers do not need

    return answer_service(asked)


def _read_supply(asked: Asked) -> Supply | None:
    if "gpu" not in asked.given:
        stray = [name for name in asked.given if name in ("model", *MODEL, *DEPLOYMENT, *SERVED, "batch", *STEP)]
        if stray:
            raise Missing(f"userbase needs --gpu for {', '.join(stray)}", "for example --gpu h100 --params 70B")
        return None
    case = read_case(asked)
    inputs = read_step_inputs(asked, case)
    full, why = full_batch(case, inputs), "where the arithmetic is full"
    most = case.plan.max_sequences if case.plan else None
    if most is not None and (full is None or most < full):
        full, why = max(1, most), "what memory holds"
    return Supply(case, asked.take("batch", full, why), read_price(asked, case.part))


def _both_ways(asked: Asked, supply: Supply | None) -> tuple[float, float, Demand]:
    """Mean concurrency, daily users, and the demand that joins them."""
    users = asked.take("users")
    concurrent = None
    if users is None:
        if "concurrent" not in asked.given and supply is None:
            raise Missing("userbase needs --concurrent, --users, or a --gpu to fill", "for example --concurrent 1000")
        concurrent = asked.take("concurrent", supply.batch if supply else None, "one full batch")
    demand = Demand(
        minutes=asked.take("minutes_per_day", 10, "about what chat services see"),
        decoding_share=asked.take("decoding_share", 1.0, "all minutes decode, as in the note"),
        trough=asked.take("trough_to_mean", 1.0, "a flat day"),
        peak=asked.take("peak_to_mean", 1.0, "a flat day"),
    )
    shape = {"minutes_per_day": demand.minutes, "decoding_share": demand.decoding_share}
    if concurrent is None:
        return serving.concurrent_users(users=users, **shape), users, demand
    return concurrent, serving.users(concurrent_users=concurrent, **shape), demand


def _million_row(users: float) -> Row:
    million = serving.trough_for_users(users=users, target_users=MILLION) if users <= MILLION else None
    return Row(
        "trough_to_mean_for_million_users", million, "the note's 'approach 1M'" if million else "already above 1M"
    )


def _supply_rows(supply: Supply | None, peak: float) -> tuple[Row, ...]:
    slots = ceiling(peak)
    if supply is None:
        return (
            Row("slots", slots, "busiest hour"),
            Row("gpus", None, "needs --gpu and --params"),
            Row("usd_per_month", None, "needs --gpu, --params and --price", shown=False),
        )
    replicas = serving.replicas(slots=slots, batch=supply.batch)
    devices = replicas * supply.case.devices
    month = supply.price and economics.usd_per_month(price=supply.price, devices=devices)
    return (
        Row("slots", slots, "busiest hour"),
        Row("gpus", devices, f"{replicas} x {supply.case.devices}, {many(supply.batch, 'sequence')} each"),
        Row("usd_per_month", month, "paid every hour" if month else "needs --price"),
    )


def _verdict(asked: Asked, mean: float, users: float, demand: Demand) -> str:
    per_day = f"{many(demand.minutes, 'minute')} a day"
    if "users" in asked.given:
        keep = "keeps" if users == 1 else "keep"
        return f"{many(users, 'daily user')} at {per_day} {keep} {many(mean, 'sequence')} being decoded at once."
    take = "takes" if mean == 1 else "take"
    text = f"{many(mean, 'sequence')} being decoded at once {take} {many(users, 'daily user')} at {per_day}"
    if demand.trough == 1:
        return f"{text}."
    with not_recording():
        at_trough = serving.users_at_trough(users=users, trough_to_mean=demand.trough)
    return f"{text}, or {digits(at_trough)} to fill the emptiest hour too."


def _advice(demand: Demand) -> tuple[str, ...]:
    if demand.decoding_share == 1:
        return ("people read and think: --decoding-share 18% counts only the minutes in which tokens are decoded",)
    return ()


def _notes(users: float) -> list[Note]:
    notes = [
        Note(
            "concurrency",
            "concurrency counts sequences being decoded; people with the app open are that / decoding share",
        )
    ]
    if users < MILLION:
        notes.append(
            Note(
                "approach-1m",
                f"{many(users, 'daily user')} would be 1,000,000 if the emptiest hour had {users / MILLION:.3g} of the "
                "mean load (or the same margin for users who stay away)",
            )
        )
    return notes
