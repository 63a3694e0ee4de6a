"""The spaces of a frontier: what was asked of several models, parts and formats, one after the other."""

from itertools import product
from typing import Any

from infercost.analyses.drafting import read_draft
from infercost.analyses.frontier.search import MOST_BATCH, Found, Space
from infercost.analyses.remarks import NULL_REASONS, step_notes
from infercost.analyses.request import read_asking as read_requested
from infercost.errors import BadValue, Missing
from infercost.models.find import find_model
from infercost.replica.layout import Layout, check, every_layout
from infercost.report import Note, Report, Row
from infercost.scenario.options import DRAFT
from infercost.scenario.prices import read_price
from infercost.scenario.read import Asked, Given, read_part, read_profile
from infercost.scenario.scenario import (
    MOST_DEVICES,
    USUAL_CONTEXT,
    Asking,
    asked_widths,
    case_of,
    read_asking,
    read_step_inputs,
)
from infercost.units import many, show

#: What would move an end of the frontier, by what binds there.
_REMEDIES = {
    "memory": "faster memory or fewer bits",
    "compute": "more arithmetic for the money",
    "communication": "faster links",
    "latency": "fewer or faster kernel launches",
}


def counts(searched: list[Space], found: list[Found]) -> list[Row]:
    """How much was tried, and what memory left out."""
    context = f"{searched[0].case.context:,.0f} tokens"
    return [
        Row("configurations", sum(each.tried for each in found), "layouts x batches that were tried"),
        Row("layouts", sum(each.layouts for each in found), "that an engine accepts"),
        Row("layouts_excluded", sum(each.misfits for each in found), f"cannot hold the model and {context}"),
    ]


def advice(front: list[dict[str, Any]]) -> tuple[str, ...]:
    """What would move either end, and what prompts would ask for."""
    fast, cheap = front[0]["bound"], front[-1]["bound"]
    prompts = front[-1]["prefill_per_decode"] or 0.0
    shared = ("prompts cost more than answers where tokens are cheapest: share their start, --prefix-share",)
    if fast == cheap:
        moves: tuple[str, ...] = (f"{fast} binds at both ends, so {_REMEDIES[fast]} would move all of it",)
    else:
        moves = (f"{_REMEDIES[fast]} for faster users, {_REMEDIES[cheap]} for cheaper tokens",)
    return (*moves, *(shared if prompts > 1 else ()))


def notes_of(searched: list[Space], found: list[Found], front: list[dict[str, Any]], shown: int | None) -> list[Note]:
    """What a reader should know: how times are counted, what is in the cost, which rows are left out."""
    notes = notes_of_spaces(searched)
    if searched[0].requested.request:
        text = "the second cost pays replicas for prompts too, of the same layout: prefill_per_decode for each"
        notes.append(Note("prompts", f"times are of decoding alone; {text}"))
    if (unheld := sum(each.unheld for each in found)) > 0:
        notes.append(Note("left-out", f"memory does not hold {many(unheld, 'pair')} of a layout and a batch asked for"))
    if front[-1]["batch"] == MOST_BATCH:
        notes.append(Note("batch-limit", f"memory ends no batch before {MOST_BATCH:,}, the largest that is tried"))
    if shown is not None and shown < len(front):
        notes.append(Note("thinned", f"the table shows {shown} of the {len(front)} choices; --json and --csv have all"))
    if len(searched) > 1:
        text = "rows that another one beats are the best of their own kind: on_frontier is false"
        notes.append(Note("on-frontier", text))
    return notes


def notes_of_spaces(searched: list[Space]) -> list[Note]:
    """How the steps of all spaces are counted, and how far their replicas reach."""
    notes: list[Note] = []
    for space in searched:
        alone = space.case._replace(devices=1)
        notes += [note for note in step_notes(alone, space.inputs) if note not in notes]
        if space.reach < MOST_DEVICES:
            text = f"no network of {space.asking.part.name} is known: replicas of at most {many(space.reach, 'device')}"
            notes.append(Note("reach", text))
    return list(dict.fromkeys(notes))


def nulls(rows: list[dict[str, Any]]) -> list[Note]:
    """Why values of rows are missing."""
    keys = [key for key in rows[0] if any(row[key] is None for row in rows)]
    why = {
        **NULL_REASONS,
        "usd_per_million_tokens_all_in": NULL_REASONS["usd_per_million_tokens"],
        "prefill_per_decode": NULL_REASONS["ttft_s"],
    }
    return [Note("null", f"{key} is null: {why[key]}") for key in keys]


def none_found(asked: Asked, searched: list[Space], found: list[Found]) -> Report:
    """The answer where no configuration is left: what memory holds, or what comes nearest to the demand."""
    tried = sum(each.tried for each in found)
    if tried:
        verdict, advised = f"Nothing meets this: {_nearest(asked, searched, found)}.", "ask less of it"
    elif any(each.misfits < each.layouts for each in found):
        verdict = f"Does not fit: memory holds fewer than {min(asked.get('batch')):,} sequences in every layout."
        advised = "ask for smaller batches, or leave --batch out"
    else:
        most = max(min(space.most, space.reach) for space in searched)
        verdict = f"Does not fit: no layout of up to {many(most, 'device')} holds the model and a sequence."
        advised = "see infercost fit for what would make it fit"
    return Report(
        command="frontier",
        verdict=verdict,
        inputs=tuple(asked.inputs),
        results=tuple(counts(searched, found)),
        advice=(advised,),
        notes=(*notes_of_spaces(searched), *asked.notes),
        met=False,
    )


def _nearest(asked: Asked, searched: list[Space], found: list[Found]) -> str:
    """The limit that nothing keeps and what comes nearest to it, or the devices that would carry the load."""
    fastest, soonest = max(each.fastest for each in found), min(each.soonest for each in found)
    fewest, most = min(each.fewest for each in found), searched[0].most
    if 1 / fastest > (asked.get("max_tpot") or 1 / fastest):
        return f"the fastest takes {show(1 / fastest, 's')} a token"
    if soonest > (asked.get("max_ttft") or soonest):
        return f"the soonest first token takes {show(soonest, 's')}"
    if fewest > most and fewest < float("inf"):
        return f"it takes {many(fewest, 'device')}, and {many(most, 'device')} may be used (--max-gpus)"
    return "what keeps one of the limits does not keep the other"


#: Output over context of the request that is assumed where nobody gives one: 1,024 of 8,192.
OUTPUT_SHARE = 8
#: What is asked of each of several models, parts and formats in turn.
_VARIED = ("gpu", "model", "dtype")


def spaces(asked: Asked) -> list[Space]:
    """A space for each model, part and format that was asked for, and with a draft a second one.

    Raises:
        Missing: no model or no part, or prices that are known in part.
        BadValue: widths or counts that no layout has.
    """
    models = asked.need("model", "--model llama-3.1-70b")
    parts = asked.need("gpu", "--gpu h100")
    drafts = (False, True) if "draft_tokens" in asked.given else (False,)
    asked.inputs = [item for item in asked.inputs if item.key not in _VARIED]
    found: dict[str, Space] = {}
    for model, part, format, drafting in product(models, parts, asked.get("dtype") or (None,), drafts):
        space = _space(asked, {"gpu": part, "model": model, "dtype": format}, drafting)
        found.setdefault(space.name, space)
    every = list(found.values())
    unknown = [space.asking.part.name for space in every if space.inputs.price is None]
    if 0 < len(unknown) < len(every):
        said = ", ".join(dict.fromkeys(unknown))
        raise Missing(f"no price of {said} is known, so costs cannot be compared", "give --price, the same for all")
    _name_all(asked, every)
    return every


def _space(asked: Asked, varied: dict[str, Any], drafting: bool) -> Space:
    inner = _ask_one(asked, varied, drafting)
    _assume_request(inner)
    asking, counted = read_asking(inner)
    given, most = inner.get("gpus"), int(inner.take("max_gpus", MOST_DEVICES, "as many as are searched"))
    if counted is not None and given not in (None, counted):
        raise BadValue(f"--gpu NAME:{counted} and --gpus {given} disagree", "give the count once")
    reach, widths, devices = _reach(asking), asked_widths(inner), given or counted
    case = case_of(asking, asking.plan(_some_layout(asking, min(most, reach), devices, widths)))
    requested, price = read_requested(inner, case), read_price(inner, asking.part)
    inputs = read_step_inputs(inner, case)._replace(price=price)
    draft = read_draft(inner)
    for name in ("gpus", "tp", "pp", "ep"):
        if name in inner.given:
            inner.take(name)
    _merge(asked, inner, asking.part.name)
    name, flags = _name(asked, asking, drafting), _flags(inner, price, drafting)
    return Space(name, asking, case, inputs, requested, draft, most, reach, devices, widths, flags)


def _some_layout(asking: Asking, most: int, devices: int | None, widths: Layout) -> Layout:
    """The layout of most devices.

    Raises:
        BadValue: a width that was given does not split the model, or counts that exclude each other.
    """
    found = [one for one in every_layout(asking.model, most, widths) if devices in (None, one.devices)]
    if found:
        return found[-1]
    check(asking.model, Layout(*(max(width, 1) for width in widths)))
    count = f"of {many(devices, 'device')}" if devices else f"of up to {many(most, 'device')}"
    said = f" with {widths.flags}" if any(widths) else ""
    where = f" on {asking.part.name}, where {many(most, 'device')} may share a model" if most < (devices or 0) else ""
    raise BadValue(f"there is no layout {count}{said}{where}", "free a width, or allow more with --max-gpus")


def _merge(asked: Asked, inner: Asked, part: str) -> None:
    """Note the inputs and notes of one question among those of all; figures of several parts by their names."""
    several = len(asked.get("gpu")) > 1
    items = [
        item._replace(key=f"{part}.{item.key[4:]}") if several and item.key.startswith("gpu.") else item
        for item in inner.inputs
        if item.key not in _VARIED or not any(item.key == known.key for known in asked.inputs)
    ]
    known = {item.key for item in asked.inputs}
    asked.inputs += [item for item in items if item.key not in known]
    asked.notes += [note for note in inner.notes if note not in asked.notes]


def _name_all(asked: Asked, found: list[Space]) -> None:
    """Put the names of all models, parts and formats where the first one's stand."""
    names = {
        "gpu": [space.asking.part.name for space in found],
        "model": [space.asking.model.name for space in found],
        "dtype": [space.asking.model.quantization.name for space in found],
    }
    for index, item in enumerate(asked.inputs):
        if len(distinct := tuple(dict.fromkeys(names.get(item.key, ())))) > 1:
            asked.inputs[index] = item._replace(value=distinct)


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
        words.insert(0, f"{asking.model.name} on")
    if len(asked.get("dtype") or ()) > 1:
        words.append(asking.model.quantization.name)
    return " ".join(words) + (" with a draft" if drafting else "")


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
