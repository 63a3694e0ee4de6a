"""The answer where devices do not hold the model: what is short, what would fit, and nothing that it would cost."""

from collections.abc import Collection, Iterable

from infercost.case import Case, case_notes, misfit
from infercost.commands import COMMANDS
from infercost.question import Asked
from infercost.report import Report, Row

#: What people ask for, whatever serves them.
OF_USERS = ("users", "people_online", "minutes_per_day", "decoding_share")


def unfit(asked: Asked, case: Case, results: Iterable[Row], kept: Collection[str]) -> Report:
    """The results without a value but for those that are kept, since devices that cannot run cost nothing a token."""
    rows = [row if row.key in kept else Row(row.key, None, "the model does not fit", shown=False) for row in results]
    return Report(
        command=asked.command.name,
        verdict=misfit(case).strip(),
        inputs=tuple(asked.inputs),
        results=tuple(rows),
        advice=what_fits(asked, case),
        notes=(*case_notes(case), *asked.notes),
        met=False,
    )


def what_fits(asked: Asked, case: Case) -> tuple[str, ...]:
    """Single changes that make it fit, as ``infercost fit`` says them."""
    if case.plan is None:
        return (f"ask for --gpus {case.gpus_for_weights}, or store the weights in fewer bytes (--dtype)",)
    from infercost.analyses.fit_next import advice  # loads what an answer that fits does not need
    from infercost.served import choose, read_asking

    inner = Asked(COMMANDS["fit"], origin=asked.origin)
    inner.given = asked.given
    asking, counted = read_asking(inner)
    return advice(inner, asking, choose(inner, asking, counted))
