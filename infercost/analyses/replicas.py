"""The answer of one replica as that of all that share a load."""

from collections.abc import Mapping
from typing import Any

from infercost import formulas
from infercost.analyses.remarks import idle_words
from infercost.replica.rack import Rack
from infercost.report import Note, Report, Row
from infercost.scenario.replicas import FOR_ONE
from infercost.scenario.scenario import Scenario

#: What all replicas have together; what is not listed is of each.
OF_ALL = (
    *("gpus", "batch", "knee_batch", "max_batch", "max_sequences", "kv_pool_tokens"),
    *("in_flight", "tokens_per_s", "tokens_per_s_all_in", "texts_per_s", "input_tokens_per_s"),
    *("most_requests_per_s", "requests_at_once"),
    "cache_transfer_bytes_per_s",
    "shortfall_bytes",
)

#: The start of a verdict on what all replicas together cannot keep up with.
OVERLOADED = "Overloaded: "


def of_all(report: Report, scenario: Scenario) -> Report:
    """The report with what all replicas have together, for one unchanged but for devices that are idle."""
    copies, rack = scenario.copies, scenario.rack
    if said := [note for note in report.notes if note.code == FOR_ONE]:
        notes = tuple(note for note in report.notes if note not in said)
        report = report.replace(verdict=f"{report.verdict} {said[0].text}", notes=notes)
    if idle := scenario.question.idle:
        used = copies * rack.devices
        report = report.replace(results=tuple(_beside_idle(row, used, idle) for row in report.results))
    if copies == 1:
        return report
    text = f"{copies:,} replicas share devices, sequences and load; times, memory and the rest are of each"
    command = [Note("replicas", f"start the command on each of {copies:,}, behind a router")] if report.follow else []
    series = report.series
    if series:
        series = series._replace(rows=tuple(_values(row, copies) for row in series.rows))
    return report.replace(
        series=series,
        verdict=report.verdict if in_all(scenario) in report.verdict else _of_each(report.verdict, _words(scenario)),
        results=tuple(_row(row, copies, rack) for row in report.results),
        bands=_bands(report.bands or {}, copies),
        notes=(Note("replicas", text), *command, *report.notes),
    )


def _words(scenario: Scenario) -> str:
    """The replicas, and on how many of the devices where not all that were given have a part."""
    copies, idle, used = scenario.copies, scenario.question.idle, scenario.copies * scenario.rack.devices
    return f"{copies:,} replicas" + (f" ({used:,} of {used + idle:,} devices)" if idle else "")


def in_all(scenario: Scenario) -> str:
    """Behind what is of all replicas together: of one ``in all``, of several how many these are."""
    return "in all" if scenario.copies == 1 else f"on {_words(scenario)}"


def place_of_all(scenario: Scenario) -> str:
    """The devices of one replica, or those of several, in a verdict on what these do together."""
    return scenario.rack.place if scenario.copies == 1 else f"{_words(scenario)} of {scenario.rack.place}"


def _beside_idle(row: Row, used: int, idle: int) -> Row:
    """A count of devices, or a price, beside which some that were given are idle."""
    if row.key == "gpus":
        layout = f"{row.remark}; " if row.remark.startswith("tp ") else ""
        return row._replace(remark=f"{layout}{idle_words(used, idle)}")
    paid = row.key.startswith("usd_per_million_tokens") and row.value is not None
    return row._replace(remark=f"{row.remark}; of the {used:,} in use") if paid else row


def _of_each(verdict: str, replicas: str) -> str:
    """The verdict on one replica as that on each of several: ``Fits as 2 replicas, each: ...``."""
    start, _, rest = verdict.partition(": ")
    if start in ("Fits", "Barely fits", "Does not fit"):
        return f"{start} as {replicas}, each: {rest}"
    if verdict.startswith(OVERLOADED):
        load, _, rest = verdict.partition(". ")
        return f"{load}. {replicas}, each: {rest}"
    return f"{replicas}, each: {verdict[:1].lower()}{verdict[1:]}"


def shown_share(scenario: Scenario) -> None:
    """Work out what one replica has of the batch or of the load; nothing where there is only one."""
    load, copies = scenario.load, scenario.copies
    if copies == 1:
        return
    shares = scenario.batches[:1] or (load.rate or load.concurrent or scenario.batch,)
    shares += (load.run,) if load.concurrent else ()
    for share in shares:
        formulas.step.replica_share(shared=share * copies, replicas=copies)


def _row(row: Row, copies: int, rack: Rack) -> Row:
    """A result of all replicas, and which kind of them the devices are."""
    if row.key == "nodes" and row.value is not None:
        return row._replace(value=_nodes(rack, copies))
    if row.key == "dp":
        return row._replace(value=copies * rack.plan.layout.dp)
    if row.key == "gpus" and row.remark.startswith("tp "):
        row = row._replace(remark=f"{copies:,} replicas, each {row.remark}")
    return row._replace(value=_of_all(row.key, row.value, copies))


def _values(row: Mapping[str, Any], copies: int) -> dict[str, Any]:
    """A row of a table with what all replicas have together."""
    values = {key: _of_all(key, value, copies) for key, value in row.items()}
    return values | ({"bands": _bands(row["bands"], copies)} if "bands" in row else {})


def _nodes(rack: Rack, copies: int) -> int:
    """Nodes of all replicas: small ones share a node, and none is cut by its end."""
    domain = rack.setup.domain
    in_node = max(domain // rack.devices, 1)
    return -(-copies // in_node) * -(-rack.devices // domain)


def _of_all(key: str, value: Any, copies: int) -> Any:
    if key not in OF_ALL or value is None:
        return value
    total, whole = value * copies, round(value * copies)
    return whole if key.endswith("batch") and abs(total - whole) < 1e-6 else total  # the last bits of a share


def _bands(bands: Mapping[str, tuple[float, float]], copies: int) -> dict[str, tuple[float, float]]:
    return {key: (low * copies, high * copies) if key in OF_ALL else (low, high) for key, (low, high) in bands.items()}
