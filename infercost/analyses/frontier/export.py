"""Every configuration behind a frontier, as columns of arrays: layouts x batches x replicas, chunk by chunk."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from infercost import formulas
from infercost.analyses.frontier import search
from infercost.analyses.step import step_results
from infercost.replica.step import pace_of
from infercost.report import Export, Report, Row
from infercost.scenario.scenario import Scenario
from infercost.units import Shard, many

#: Rows of a chunk, about: memory holds a few of them, however long the export is.
CHUNK = 65_536
#: Up to here every batch is tried.
EVERY = 1024
_OF_STEP = (
    "step_time_s", "tpot_s", "bound_step_time_s", "compute_time_s", "memory_time_s", "communication_time_s",
    "overhead_time_s", "bound", "utilization", "memory_bandwidth_utilization", "tokens_per_s",
    "tokens_per_s_per_user", "tokens_per_s_per_gpu", "usd_per_million_tokens",
    "usd_per_million_tokens_decode", "joules_per_token", "ttft_s",
)  # fmt: skip


def _batches(unit: Scenario) -> Any:
    """Batches to try: those asked for, else every one up to ``EVERY`` and beyond it those of a search."""
    every = () if unit.goal.batches else range(1, min(search.most_batch(unit), EVERY) + 1)
    return np.array(sorted({*every, *search.batches_of(unit)}), dtype=float)


def _replicas(unit: Scenario) -> int:
    """The most replicas that there are devices for."""
    return unit.search.most // unit.rack.devices


def answer_all(scenario: Scenario) -> Report:
    """All configurations, or a piece of them, as chunks to write."""
    shard, whole, misfits = scenario.goal.shard or Shard(1, 1), list[Scenario](), 0
    for space in scenario.each:
        held, _, unheld = search.candidates(space)
        whole += held
        misfits += unheld
    if not whole:
        return search.no_frontier(scenario, [search.Frontier(layouts=misfits, misfits=misfits)])
    units = [whole[index] for index in shard.of(len(whole))]
    rows = sum(len(_batches(unit)) * _replicas(unit) for unit in units)
    piece = f"Piece {shard.number} of {shard.total}: " if shard.total > 1 else ""
    return Report(
        command="frontier",
        verdict=f"{piece}{many(rows, 'configuration')} of {many(len(units), 'layout')}, on as many replicas as may be.",
        inputs=scenario.inputs,
        results=(
            Row("configurations", rows, "layouts x batches x replicas that memory holds"),
            Row("layouts", len(units), "that an engine accepts and that hold the model"),
            Row("layouts_excluded", misfits, "of all pieces: cannot hold the model and a sequence"),
        ),
        notes=(*search.notes_of_spaces(scenario.each), *scenario.notes),
        export=Export(rows, lambda: chunks(units) if units else iter([_empty(next(_blocks(whole[0])))])),
    )


def chunks(units: Iterable[Scenario]) -> Iterator[dict[str, Any]]:
    """All rows of some layouts, in order, as columns of about ``CHUNK`` rows; no chunk mixes two spaces."""
    pending: list[dict[str, Any]] = []
    rows, space = 0, None
    for unit, block in ((each, block) for each in units for block in _blocks(each)):
        if pending and (rows >= CHUNK or unit.search is not space):
            yield _joined(pending)
            pending, rows = [], 0
        pending.append(block)
        rows, space = rows + len(block["batch"]), unit.search
    if pending:
        yield _joined(pending)


def _empty(block: dict[str, Any]) -> dict[str, Any]:
    return {key: value if isinstance(value, str) else value[:0] for key, value in block.items()}


def _joined(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Blocks one after another; what is text in all of them stays one value."""
    return {
        key: value if isinstance(value, str) else np.concatenate([block[key] for block in blocks])
        for key, value in blocks[0].items()
    }


def _blocks(unit: Scenario) -> Iterator[dict[str, Any]]:
    """A layout at all batches, for some numbers of replicas at a time."""
    columns = _columns(unit)
    size = len(columns["batch"])
    at_once = max(CHUNK // max(size, 1), 1)
    for first in range(1, _replicas(unit) + 1, at_once):
        counts = np.arange(first, min(first + at_once, _replicas(unit) + 1))
        replicas: Any = np.repeat(counts, size)
        rates: Any = np.tile(columns["tokens_per_s"], len(counts))
        block = {key: each if isinstance(each, str) else np.tile(each, len(counts)) for key, each in columns.items()}
        yield block | {
            "replicas": replicas,
            "total_gpus": replicas * unit.rack.devices,
            "total_tokens_per_s": formulas.cost.total_tokens_per_s(replicas=replicas, tokens_per_s=rates),
        }


def _columns(unit: Scenario) -> dict[str, Any]:
    """A layout at all batches, on one replica: arrays, or one text for all."""
    batch, setup = _batches(unit), unit.search.setup
    results = step_results(unit, batch, pace_of(unit.running, batch, unit.draft))
    columns = {
        "draft_tokens": unit.draft.tokens if unit.draft else 0,
        "gpus": unit.rack.devices,
        **unit.rack.plan.layout.widths,
        "batch": batch.astype(int),
        "context": int(unit.rack.plan.context),
        **{key: results[key] for key in _OF_STEP},
    }
    names = {"model": setup.model.name, "gpu": setup.part.name, "dtype": setup.model.quantization.name}
    return names | {key: np.full(len(batch), np.nan if each is None else each) for key, each in columns.items()}
