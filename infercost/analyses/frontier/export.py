"""Every configuration behind a frontier, as columns of arrays: layouts x batches x replicas, chunk by chunk."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from infercost import formulas
from infercost.analyses.frontier.search import (
    Found,
    Held,
    batches_of,
    layouts_of,
    none_found,
    notes_of_spaces,
    plans,
    running_on,
)
from infercost.analyses.step import bracket_of, request_results, step_results
from infercost.replica.memory import Plan
from infercost.replica.step import pace_of
from infercost.report import Export, Report, Row
from infercost.scenario.ranges import Shard
from infercost.scenario.scenario import Goal, Scenario
from infercost.units import many

#: Rows of a chunk, about: memory holds a few of them, however long the export is.
CHUNK = 65_536
#: Up to here every batch is tried.
EVERY = 1024
_OF_STEP = (
    "step_time_s", "tpot_s", "bound_step_time_s", "compute_time_s", "memory_time_s", "communication_time_s",
    "overhead_time_s", "bound", "utilization", "memory_bandwidth_utilization", "tokens_per_s",
    "tokens_per_s_per_user", "tokens_per_s_per_gpu", "usd_per_million_tokens", "joules_per_token",
)  # fmt: skip


class Unit(NamedTuple):
    """One layout of a space that holds the model, and the batches that were asked for, if any."""

    scenario: Scenario
    held: Held
    goal: Goal

    @property
    def plan(self) -> Plan:
        """The plan of its layout."""
        return self.held.plan

    @property
    def batches(self) -> Any:
        """Batches to try: as asked, or every one up to ``EVERY`` and beyond it those of a search."""
        tried = batches_of(self.scenario, self.goal, self.held)
        every = () if self.goal.batches else range(1, min(self.held.sequences, EVERY) + 1)
        return np.array(sorted({*every, *tried}), dtype=float)

    @property
    def replicas(self) -> int:
        """The most replicas that there are devices for."""
        return self.scenario.search.most // self.plan.layout.devices

    @property
    def rows(self) -> int:
        """Its configurations."""
        return len(self.batches) * self.replicas


def answer_all(scenario: Scenario) -> Report:
    """All configurations, or a piece of them, as chunks to write."""
    searched, shard = scenario.each, scenario.goal.shard or Shard(1, 1)
    found = [plans(one, layouts_of(one)) for one in searched]
    whole = [Unit(one, each, scenario.goal) for one, (held, _) in zip(searched, found, strict=True) for each in held]
    misfits = sum(misfits for _, misfits in found)
    if not whole:
        return none_found(scenario, searched, [Found(layouts=misfits, misfits=misfits)])
    units = [whole[index] for index in shard.of(len(whole))]
    rows = sum(unit.rows for unit in units)
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
        notes=(*notes_of_spaces(searched), *scenario.notes),
        export=Export(rows, lambda: chunks(units) if units else _none_of(whole)),
    )


def chunks(units: Iterable[Unit]) -> Iterator[dict[str, Any]]:
    """All rows of some layouts, in order, as columns of about ``CHUNK`` rows; no chunk mixes two spaces."""
    pending: list[dict[str, Any]] = []
    rows, space = 0, None
    for unit in units:
        if pending and unit.scenario is not space:
            yield _joined(pending)
            pending, rows = [], 0
        space = unit.scenario
        for block in _blocks(unit):
            pending.append(block)
            rows += len(block["batch"])
            if rows >= CHUNK:
                yield _joined(pending)
                pending, rows = [], 0
    if pending:
        yield _joined(pending)


def _none_of(units: list[Unit]) -> Iterator[dict[str, Any]]:
    """The columns of some layouts without a row: a piece of nothing is a table too."""
    for unit in units[:1]:
        block = next(_blocks(unit))
        yield {key: value if isinstance(value, str) else value[:0] for key, value in block.items()}


def _joined(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    """Blocks one after another; what is text in all of them stays one value."""
    return {
        key: value if isinstance(value, str) else np.concatenate([block[key] for block in blocks])
        for key, value in blocks[0].items()
    }


def _blocks(unit: Unit) -> Iterator[dict[str, Any]]:
    """A layout at all batches, for some numbers of replicas at a time."""
    columns = _columns(unit)
    size = len(columns["batch"])
    each = max(CHUNK // max(size, 1), 1)
    for first in range(1, unit.replicas + 1, each):
        counts = np.arange(first, min(first + each, unit.replicas + 1))
        yield _with_replicas(unit, columns, counts, size)


def _with_replicas(unit: Unit, columns: dict[str, Any], counts: Any, size: int) -> dict[str, Any]:
    """The columns once for each of some numbers of replicas."""
    replicas: Any = np.repeat(counts, size)
    block = {key: _repeated(value, len(counts), size) for key, value in columns.items()}
    total = formulas.cost.total_tokens_per_s(replicas=replicas, tokens_per_s=block["tokens_per_s"])
    return block | {
        "replicas": replicas,
        "total_gpus": replicas * unit.plan.layout.devices,
        "total_tokens_per_s": total,
    }


def _repeated(value: Any, times: int, size: int) -> Any:
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray):
        return np.tile(value, times)
    return np.full(times * size, np.nan if value is None else value)


def _columns(unit: Unit) -> dict[str, Any]:
    """A layout at all batches, on one replica: arrays, or one value for all."""
    one, layout, batch = unit.scenario, unit.plan.layout, unit.batches
    running, setup = running_on(one, unit.plan), one.search.setup
    pace = pace_of(running, batch, one.draft)
    results = step_results(running, batch, pace, bracket_of(running, batch, pace), one.price)
    found = {key: results[key] for key in _OF_STEP}
    return {
        "model": setup.model.name,
        "gpu": setup.part.name,
        "dtype": setup.model.quantization.name,
        "draft_tokens": one.draft.tokens if one.draft else 0,
        "gpus": layout.devices,
        **layout._asdict(),
        "batch": batch.astype(int),
        "context": int(one.rack.plan.context),
        **found,
        "ttft_s": request_results(running, one.load, 1, 0.0, None).get("ttft_s"),
    }
