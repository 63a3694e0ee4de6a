"""The bands of estimates, from how far off they are on models that nothing was fitted to: ``python tools/bands.py``.

Fits the constants of vLLM and TensorRT-LLM to all families of models but one, predicts that one, and pools the
logarithms of measured over estimated time, each family with equal weight. The 10% and 90% quantiles of each kind of
number are written to ``presets/bands.yaml``. SGLang without flags, parts of AMD and llama.cpp have bands of their own,
from rows that were found later, and a step that continues in a host from reports; these are few, so each is at least as
wide as runs that are not shipped showed. A kind with rows of one family takes the rows of dense and sparse models
together; first tokens are pooled by engine, since each begins in its own way. ``other`` is for engines without
constants of their own: each of the two predicted with those of the other, but for the steps between its messages,
which its runs chose. Needs SciPy and some five minutes.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from math import exp, log
from pathlib import Path
from typing import NamedTuple

from infercost.evidence.predict import Prepared, engine_name, kind_of_row, log_ratio, not_covered, rates_of, stack_of
from infercost.parts import catalog
from infercost.parts.bands import KINDS, sets_of
from infercost.parts.preset import Preset
from tools.engines import BOTH, LATER, TENSORRT, VLLM, family_of, fitted, report, runs_of, runs_of_today, weighed
from tools.offload_error import errors, read_reports

PATH = catalog.shipped() / "bands.yaml"
DATE = "2026-11"
#: The band of reports of sparse models alone.
HOST = "host"
#: The least that a band may span, by its set and the start of its kind: what twice as many runs, not shipped, showed.
LEAST = {
    ("untuned", "decode"): (0.9, 1.2),
    ("untuned", "tokens_per_s"): (0.9, 1.2),
    ("untuned", "first_token"): (0.7, 1.6),
    ("amd", "decode"): (0.8, 1.3),
    ("amd", "tokens_per_s"): (0.8, 1.3),
    ("amd", "first_token"): (0.75, 1.9),
    ("llama.cpp", "one_user"): (0.89, 1.11),
    ("llama.cpp", "batch"): (0.75, 1.35),
    ("llama.cpp", "first_token"): (0.95, 1.23),
    (HOST, "one_user"): (0.65, 1.55),
}
#: Since when runs on AMD's parts are of the engines that its bands are of.
TODAY = 2026
LOW, HIGH = 0.1, 0.9
#: Each engine has a band of its own for this: how they begin differs more than how they go on.
FIRST = "first_token"
#: Reports of experts in host memory.
REPORTS = Path(__file__).parent.parent / "tests" / "data" / "offload.csv"
#: A family of fewer rows moves no constant that the others determine.
ENOUGH = 20


class Off(NamedTuple):
    """How much longer a measured time is than its estimate, in logarithms: of which kind, of a sparse model or not."""

    engine: str
    family: str
    kind: str
    sparse: bool
    log: float


def offs(runs: Iterable[tuple[Prepared, Preset]]) -> list[Off]:
    """How far off estimates are, tokens per second of closed loops derived from both their times."""
    timed = [(run, run.under(profile)) for run, profile in runs]
    single = [
        _off(run, kind, -log_ratio(run.measured.metric, time, run.measured.value))
        for run, time in timed
        if (kind := kind_of_row(run.measured))
    ]
    return single + [_off(run, "tokens_per_s", log) for run, log in rates_of(timed)]


def found_later() -> dict[str, list[Off]]:
    """How far off the rows are that were found later, by the sets of bands that they are for."""
    sets: dict[str, list[tuple[Prepared, Preset]]] = {}
    for run in runs_of(LATER):
        profile, part = stack_of(run.measured, run.site.part.labels.get("vendor", "")), run.site.part
        name = next(iter(sets_of(profile, part)), "")
        is_today = name != "amd" or (run.measured.year or 0) >= TODAY
        if name in ("untuned", "amd", "llama.cpp") and is_today and not not_covered(run, profile):
            sets.setdefault(name, []).append((run, profile))
    return {name: offs(runs) for name, runs in sorted(sets.items(), reverse=True)}


def reported() -> list[Off]:
    """How far off steps are that continue in a host, by reports of sparse models."""
    rows = read_reports(REPORTS)
    return [Off("", row["model"], "one_user", True, log(ratio)) for row, ratio in zip(rows, errors(rows), strict=True)]


def _off(run: Prepared, kind: str, log: float) -> Off:
    engine = VLLM if engine_name(run.measured.framework) == "vLLM" else TENSORRT
    return Off(engine, family_of(run), kind, run.site.work.model.is_sparse, log)


def quantiles(rows: Sequence[Off]) -> tuple[float, float]:
    """The quantiles of measured over estimated time, each family with equal weight."""
    sizes = Counter(row.family for row in rows)
    rising, most = sorted(rows, key=lambda row: row.log), len(sizes)

    def at(share: float) -> float:
        so_far = 0.0
        for row in rising:
            so_far += 1 / sizes[row.family] / most
            if so_far >= share:
                return exp(row.log)
        return exp(rising[-1].log)

    return at(LOW), at(HIGH)


def bands_of(rows: Sequence[Off], name: str = "") -> dict[tuple[str, str], tuple[float, float, str]]:
    """Quantiles by kind of model and of number, and what they are of."""
    found = {}
    for kind in KINDS:
        pooled = [row for row in rows if row.kind == kind]
        for model, sparse in (("dense", False), ("sparse", True)):
            own = [row for row in pooled if row.sparse == sparse]
            families = sorted({row.family for row in own})
            if name == HOST and not own:
                continue
            if len(families) < 2:
                own, families = pooled, [*sorted({row.family for row in pooled})]
            if own:
                low, high = quantiles(own)
                least = [span for (of, start), span in LEAST.items() if of == name and kind.startswith(start)]
                lows, highs = zip((low, high), *least, strict=True)
                found[model, kind] = (min(lows), max(highs), _basis(own, families))
    return found


def _basis(rows: Sequence[Off], families: Sequence[str]) -> str:
    return f"{len(rows)} rows of {', '.join(families)}"


def held_out(runs: Sequence[tuple[Prepared, str]]) -> list[Off]:
    """How far off the rows of each family are with constants that are fitted to the others."""
    rows, found = weighed(runs), []
    everything = fitted(rows)
    report("all", everything)
    sizes = Counter(family_of(row.run) for row in rows)
    for family in sorted({family_of(run) for run, _ in runs}):
        best = everything
        if sizes[family] >= ENOUGH:
            best = fitted([row for row in rows if family_of(row.run) != family])
            report(f"without {family}", best)
        found += offs((run, best.profiles[name]) for run, name in runs if family_of(run) == family)
    return found


def crossed(runs: Sequence[tuple[Prepared, str]]) -> list[Off]:
    """How far off the rows of each engine are with the constants of the other."""
    found = []
    for name, other in (BOTH, BOTH[::-1]):
        best = fitted([row for row in weighed(runs) if row.profile == name])
        report(f"{name} alone", best)
        steps = catalog.load("efficiency", other).facts.get("streamed_steps")
        profile = best.profiles[name]._replace(facts={**best.profiles[name].facts, "streamed_steps": steps})
        found += offs((run, profile) for run, theirs in runs if theirs == other)
    return found


def written(sets: dict[str, list[Off]]) -> str:
    """The file of the bands."""
    lines = ["name: Bands of estimates", f"date: {DATE}", 'source: "tools/bands.py on presets/measurements"', ""]
    lines += ["# measured over estimated time: eight of ten rows of models that nothing was fitted to lie between"]
    for name, rows in sets.items():
        lines.append(f"{name}:")
        model = ""
        for (of, kind), (low, high, basis) in sorted(bands_of(rows, name).items(), key=lambda item: item[0][0]):
            lines += [f"  {of}:"] if of != model else []
            model = of
            lines.append(f'    {kind}: {{low: {low:.2f}, high: {high:.2f}, of: "{basis}"}}')
    return "\n".join(lines) + "\n"


def main() -> None:
    """Fit, predict and write."""
    runs = runs_of_today()
    own = held_out(runs)
    first = {name: [row for row in own if row.kind == FIRST and row.engine == name] for name in BOTH}
    sets = {**first, "own": own, "other": crossed(runs), **found_later(), HOST: reported()}
    text = written(sets)
    PATH.write_text(text)
    print(text)


if __name__ == "__main__":
    sys.exit(main())
