"""What surrounds a frontier: what was tried and left out, what a reader should know, and answers of nothing."""

from typing import Any

from infercost.analyses.frontier.search import Found
from infercost.analyses.frontier.space import MOST_BATCH, Space
from infercost.analyses.remarks import NULL_REASONS, step_notes
from infercost.question import Asked
from infercost.report import Note, Report, Row
from infercost.served import MOST_DEVICES
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
