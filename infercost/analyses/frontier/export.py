"""Every configuration behind a frontier, as columns of arrays: layouts x batches x replicas, chunk by chunk."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from infercost import formulas
from infercost.analyses.frontier.search import Demand, Found, Held, Space, batches_of, plans
from infercost.analyses.frontier.spaces import none_found, notes_of_spaces, spaces
from infercost.analyses.step import step_results
from infercost.errors import BadValue
from infercost.formulas.formula import not_recording
from infercost.replica.memory import Plan
from infercost.report import Export, Input, Report, Row
from infercost.scenario.ranges import Shard
from infercost.scenario.read import Asked
from infercost.units import many

#: Rows of a chunk, about: memory holds a few of them, however long the export is.
CHUNK = 65_536
#: Up to here every batch is tried.
EVERY = 1024
#: What a file of all configurations is for: to be filtered later.
_FILTERS = ("max_tpot", "max_ttft", "min_tokens_per_s", "users", "minutes_per_day", "decoding_share", "best")
_OF_STEP = (
    "step_time_s", "tpot_s", "bound_step_time_s", "compute_time_s", "memory_time_s", "communication_time_s",
    "overhead_time_s", "bound", "utilization", "memory_bandwidth_utilization", "tokens_per_s",
    "tokens_per_s_per_user", "tokens_per_s_per_gpu", "usd_per_million_tokens", "joules_per_token",
)  # fmt: skip


class Unit(NamedTuple):
    """One layout of a space that holds the model, and the batches that were asked for, if any."""

    space: Space
    held: Held
    demand: Demand

    @property
    def plan(self) -> Plan:
        """The plan of its layout."""
        return self.held.plan

    @property
    def batches(self) -> Any:
        """Batches to try: as asked, or every one up to ``EVERY`` and beyond it those of a search."""
        tried = batches_of(self.space, self.demand, self.held)
        every = () if self.demand.batches else range(1, min(self.held.sequences, EVERY) + 1)
        return np.array(sorted({*every, *tried}), dtype=float)

    @property
    def replicas(self) -> int:
        """The most replicas that there are devices for."""
        return self.space.most // self.plan.layout.devices

    @property
    def rows(self) -> int:
        """Its configurations."""
        return len(self.batches) * self.replicas


def answer_all(asked: Asked) -> Report:
    """All configurations, or a piece of them, as chunks to write.

    Raises:
        BadValue: a filter or one answer, which an export has no use for; a piece of nothing.
    """
    if "all" not in asked.given:
        raise BadValue("--shard cuts an export into pieces", "give --all too")
    if stray := [name for name in _FILTERS if name in asked.given]:
        raise BadValue(f"--{stray[0].replace('_', '-')} and --all disagree", "filter the file, or leave --all out")
    searched, shard = spaces(asked), asked.get("shard") or Shard(1, 1)
    if "shard" in asked.given:
        asked.inputs.append(Input("shard", f"{shard.number}/{shard.total}", "", asked.given["shard"].origin))
    demand = Demand(batches=asked.take("batch") if "batch" in asked.given else ())
    found = [plans(space, space.layouts()) for space in searched]
    whole = [Unit(space, one, demand) for space, (held, _) in zip(searched, found, strict=True) for one in held]
    misfits = sum(misfits for _, misfits in found)
    if not whole:
        return none_found(asked, searched, [Found(layouts=misfits, misfits=misfits)])
    units = [whole[index] for index in shard.of(len(whole))]
    rows = sum(unit.rows for unit in units)
    piece = f"Piece {shard.number} of {shard.total}: " if shard.total > 1 else ""
    return Report(
        command="frontier",
        verdict=f"{piece}{many(rows, 'configuration')} of {many(len(units), 'layout')}, on as many replicas as may be.",
        inputs=tuple(asked.inputs),
        results=(
            Row("configurations", rows, "layouts x batches x replicas that memory holds"),
            Row("layouts", len(units), "that an engine accepts and that hold the model"),
            Row("layouts_excluded", misfits, "of all pieces: cannot hold the model and a sequence"),
        ),
        notes=(*notes_of_spaces(searched), *asked.notes),
        export=Export(rows, lambda: chunks(units) if units else _none_of(whole)),
    )


def chunks(units: Iterable[Unit]) -> Iterator[dict[str, Any]]:
    """All rows of some layouts, in order, as columns of about ``CHUNK`` rows; no chunk mixes two spaces."""
    pending: list[dict[str, Any]] = []
    rows, space = 0, None
    for unit in units:
        if pending and unit.space is not space:
            yield _joined(pending)
            pending, rows = [], 0
        space = unit.space
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
    space, layout, batch = unit.space, unit.plan.layout, unit.batches
    at = space.on(unit.plan)
    with not_recording():
        results = step_results(*at, batch, space.pace(at, batch))
    found = {key: results[key] for key in _OF_STEP}
    return {
        "model": space.asking.model.name,
        "gpu": space.asking.part.name,
        "dtype": space.asking.model.quantization.name,
        "draft_tokens": space.draft.tokens if space.draft else 0,
        "gpus": layout.devices,
        **layout._asdict(),
        "batch": batch.astype(int),
        "context": int(space.case.context),
        **found,
        "ttft_s": space.ttft(at),
    }
