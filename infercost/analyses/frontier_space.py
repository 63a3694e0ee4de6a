"""What a frontier searches: a model on a part in every layout that holds it, and how fast it goes at every batch."""

from functools import cache
from typing import Any, NamedTuple

from infercost.analyses.drafting import Draft, beside, pace_with, read_draft
from infercost.analyses.request import Asking as Requested
from infercost.analyses.request import read_request, request_results
from infercost.analyses.step import Pace
from infercost.case import Case, case_of
from infercost.derivation import not_recording
from infercost.efficiency import law
from infercost.errors import BadValue, Missing
from infercost.models import find_model
from infercost.options import DRAFT
from infercost.plan import Plan
from infercost.question import Asked, Given, read_part, read_profile
from infercost.served import MOST_DEVICES, USUAL_CONTEXT, Asking, asked_widths, read_asking
from infercost.service.prices import read_price
from infercost.sharding import Layout, check, every_layout
from infercost.stepping import StepInputs, read_step_inputs
from infercost.timing.work import work_of
from infercost.units import many

#: Batches of a search in each doubling, and the most where memory sets no end.
STEPS, MOST_BATCH = 8, 65_536
#: Output over context of the request that is assumed where nobody gives one: 1,024 of 8,192.
OUTPUT_SHARE = 8
#: What is asked of each of several models, parts and formats in turn.
_VARIED = ("gpu", "model", "dtype")


class Space(NamedTuple):
    """One model in one format on one part, with a draft or without: what all its layouts have in common."""

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

    @property
    def widest(self) -> int:
        """The most devices of a replica."""
        return min(self.most, self.reach)

    def layouts(self) -> list[Layout]:
        """The layouts that an engine accepts, fewest devices first."""
        found = every_layout(self.asking.model, self.widest, self.widths)
        return [layout for layout in found if self.devices in (None, layout.devices)]

    def on(self, plan: Plan, batch: int = 1) -> tuple[Case, StepInputs]:
        """The case and the inputs of a step under a plan."""
        case = self.case._replace(plan=plan._replace(batch=batch), devices=plan.layout.devices)
        work = work_of(plan.model, plan.layout)
        return case, self.inputs._replace(replica=self.inputs.replica._replace(work=work))

    def pace(self, at: tuple[Case, StepInputs], batches: Any) -> Pace:
        """How each of an array of batches goes on under a plan, as ``on`` reads it."""
        with not_recording():
            return pace_with(*at, self.draft, batches)

    def ttft(self, at: tuple[Case, StepInputs]) -> float | None:
        """Seconds to the first token of the request under a plan; None where there is none."""
        with not_recording():
            return request_results(*at, self.requested, 1, 0.0, None).get("ttft_s")


def spaces(asked: Asked) -> list[Space]:
    """A space for each model, part and format that was asked for, and with a draft a second one.

    Raises:
        Missing: no model or no part.
        BadValue: a fixed layout that no engine accepts.
    """
    models = asked.need("model", "--model llama-3.1-70b")
    parts = asked.need("gpu", "--gpu h100")
    del asked.inputs[:]
    formats = asked.get("dtype") or (None,)
    drafts = (False, True) if "draft_tokens" in asked.given else (False,)
    found = [
        _space(asked, {"gpu": part, "model": model, "dtype": format}, drafting)
        for model in dict.fromkeys(models)
        for part in dict.fromkeys(parts)
        for format in formats
        for drafting in drafts
    ]
    if len({space.inputs.price is None for space in found}) > 1:
        raise Missing("not all prices are known, so costs cannot be compared", "give --price, the same for all")
    return found


def _space(asked: Asked, varied: dict[str, Any], drafting: bool) -> Space:
    inner = _ask_one(asked, varied, drafting)
    _assume_request(inner)
    asking, counted = read_asking(inner)
    given = inner.get("gpus")
    if counted is not None and given not in (None, counted):
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    most = int(inner.take("max_gpus", MOST_DEVICES, "as many as are searched"))
    reach, widths = _reach(asking), asked_widths(inner)
    case = case_of(asking, asking.plan(_largest(asking, min(most, reach), widths)))
    requested = read_request(inner, case)
    price = read_price(inner, asking.part)
    inputs = read_step_inputs(inner, case)._replace(price=price)
    draft = read_draft(inner)
    _merge(asked, inner)
    name, flags = _name(asked, asking, drafting), _flags(inner, price, drafting)
    return Space(name, asking, case, inputs, requested, draft, most, reach, given or counted, widths, flags)


def _largest(asking: Asking, most: int, widths: Layout) -> Layout:
    """The layout of most devices.

    Raises:
        BadValue: a width that was given does not split the model, or takes more devices than there may be.
    """
    if found := every_layout(asking.model, most, widths):
        return found[-1]
    check(asking.model, Layout(*(max(width, 1) for width in widths)))
    raise BadValue(f"{widths.flags} takes more than {many(most, 'device')}", "raise --max-gpus, or free a width")


def _merge(asked: Asked, inner: Asked) -> None:
    """Note the inputs and notes of one question among those of all."""
    known = {item.key for item in asked.inputs}
    asked.inputs += [item for item in inner.inputs if item.key not in known]
    asked.notes += [note for note in inner.notes if note not in asked.notes]


def _ask_one(asked: Asked, varied: dict[str, Any], drafting: bool) -> Asked:
    """The question about one model on one part, the draft left out where none is wanted."""
    inner = Asked(asked.command, origin=asked.origin)
    inner.given = {
        name: given for name, given in asked.given.items() if name not in _VARIED and (drafting or name not in DRAFT)
    }
    for name, value in varied.items():
        if value is not None:
            inner.given[name] = Given(value, asked.given[name].origin)
    return inner


def _assume_request(asked: Asked) -> None:
    """Take a usual request where no context and no lengths were given, under a profile that has requests."""
    lengths = ("input_tokens", "output_tokens")
    nominal = read_profile(asked, "realistic", "for a named model").labels.get("memory") == "nominal"
    if nominal or any(name in asked.given for name in ("context", *lengths)):
        return
    longest = find_model(str(asked.get("model"))).model.max_context or USUAL_CONTEXT * 2
    context = min(USUAL_CONTEXT, longest * 2 * OUTPUT_SHARE // (2 * OUTPUT_SHARE + 1))
    output = max(context // OUTPUT_SHARE, 1)
    for name, value in zip(lengths, (context - output // 2, output), strict=True):
        asked.given[name] = Given(value, "assumed: a usual request")


def _reach(asking: Asking) -> int:
    """Devices that a replica may span: one without a link, a node's without a network."""
    facts = asking.part.facts
    if "link_bandwidth" not in facts:
        return 1
    return MOST_DEVICES if "network_bandwidth" in facts else asking.domain


def _name(asked: Asked, asking: Asking, drafting: bool) -> str:
    """What tells a space from the others: its part, and whatever else there are several of."""
    words = [asking.part.name]
    if len(asked.get("model")) > 1:
        words.insert(0, asking.model.name)
    if len(asked.get("dtype") or ()) > 1:
        words.append(asking.model.quantization.name)
    if drafting:
        words.append("draft")
    return " ".join(words)


def _flags(asked: Asked, price: float | None, drafting: bool) -> dict[str, str]:
    """The options of ``utilization`` that all layouts share, by name, as text that reads back to the same value."""
    names = ["model", "gpu", "dtype", "kv_dtype", "efficiency", "overlap", "usable", "context"]
    names += ["input_tokens", "output_tokens", "prefix_share", *(DRAFT if drafting else ())]
    values = {name: asked.get(name) for name in names}
    values["gpu"] = str(values["gpu"]).removesuffix(f":{read_part(asked, values['gpu'])[1]}")
    values["price"] = price
    flags = {name: _as_text(value) for name, value in values.items() if value is not None}
    return flags | {f"set {number}": str(text) for number, text in enumerate(asked.get("set") or ())}


def _as_text(value: Any) -> str:
    return str(getattr(value, "name", None) or (repr(value) if isinstance(value, float) else value))


@cache
def batches(unit: int, most: int) -> tuple[int, ...]:
    """Batches to try up to the most: one, whole shares of a layout's parts in eight steps a doubling, and the last."""
    found, parts = {1, most}, 1
    while unit * parts <= most:
        found.add(unit * parts)
        parts = max(parts + 1, round(parts * 2 ** (1 / STEPS)))
    return tuple(sorted(found))


def plans(space: Space, layouts: list[Layout]) -> tuple[list[tuple[Plan, int]], int]:
    """The plans that hold the model and a sequence, each with the most sequences to try; and how many do not.

    By the law of a paper one plan a count of devices is enough.
    """
    held: dict[Any, tuple[Plan, int]] = {}
    misfits = 0
    for layout in layouts:
        key = layout.devices if space.by_law else layout
        if key not in held:
            plan = beside(space.asking.plan(layout), space.draft)
            most = plan.max_sequences
            if most == 0:
                misfits += 1
            else:
                held[key] = plan, min(most or MOST_BATCH, MOST_BATCH)
    return list(held.values()), misfits
