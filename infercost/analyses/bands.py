"""The interval of each number of an estimate: eight of ten measured runs of its kind lie inside."""

from collections.abc import Mapping
from typing import Any

from infercost.parts.bands import Band, band_of, band_of_host, decode_kind, is_local, sets_of
from infercost.parts.drafts import gains
from infercost.replica.rack import Rack
from infercost.report import Report

Bands = dict[str, tuple[float, float]]
#: Kinds of the numbers of an answer where they are not gaps between tokens: of a request, of a server.
REQUEST = {
    "prefill_time_s": "first_token",
    "ttft_s": "first_token",
    "ttft_all_at_once_s": "first_token",
    "request_time_s": "tokens_per_s",
}
#: What a batch sets: gaps between its tokens, and what follows from these.
OF_BATCH = (
    *("step_time_s", "tpot_s", "itl_s", "tokens_per_s", "tokens_per_s_per_user", "tokens_per_s_per_gpu"),
    *("usd_per_million_tokens", "usd_per_million_tokens_decode", "device_seconds_per_token", "joules_per_token"),
    *("tokens_per_s_all_in", "input_tokens_per_s"),
)
#: What a token costs where its prompt is paid too.
ALL_IN = (
    *("usd_per_million_tokens_all_in", "usd_per_million_tokens_busy", "device_seconds_per_token_all_in"),
    *("usd_per_million_tokens_input", "usd_per_million_tokens_output", "usd_per_million_tokens_blended"),
    *(f"charged_usd_per_million_tokens{end}" for end in ("", "_input", "_output", "_at_users")),
    *("floor_usd_per_million_tokens", "floor_device_seconds", "floor_tokens_per_s_per_user", "wh_per_request"),
)
#: What sets the load, and the numbers that it sets with it, however fast requests are served.
LOADS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("batch", "slots"), ()),
    "arrivals": (
        *("tokens_per_s", "tokens_per_s_per_gpu", "input_tokens_per_s", "joules_per_token", "wh_per_request"),
        *("usd_per_million_tokens", "usd_per_million_tokens_decode"),
    ),
    "users": ("tokens_per_s",),
}
#: What arrivals meet: measured runs at a rate say how sure they are.
MET = ("itl_s", "tpot_s", "tokens_per_s_per_user", "request_time_s")
#: What a draft changes: whatever follows from the tokens that a step yields.
DRAFTED = {*OF_BATCH, *ALL_IN, "request_time_s"}
KINDS = {**dict.fromkeys(OF_BATCH, ""), **dict.fromkeys(ALL_IN, "tokens_per_s"), **REQUEST}


def bands_of(values: Mapping[str, Any], rack: Rack, load: str = "batch") -> Bands:
    """The interval of each time, rate and cost among some values, nothing where the law of a stack has no bands."""
    profile, sparse = rack.setup.stack, rack.model.is_sparse
    local = is_local(profile)
    if rack.not_covered or (local and load != "batch"):
        return {}
    decode, found = decode_kind(values.get("batch") or 1, local=local), {}
    for key, value in values.items():
        if key in KINDS and value and key not in LOADS[load]:
            kind = "served" if load == "arrivals" and key in MET else KINDS[key] or decode
            if band := band_of(profile, rack.part, kind, sparse=sparse):
                found[key] = interval(key, value, with_draft(band, rack) if key in DRAFTED else band)
    return found


def with_draft(band: Band, rack: Rack) -> Band:
    """The band of a time that a draft shortens: wider by what published pairs of runs gained of what is said."""
    if rack.setup.drafting is None:
        return band
    known = gains()
    return Band(band.low / known.high, band.high / known.low)


def interval(key: str, value: float, band: Band) -> tuple[float, float]:
    """The interval of a number: times and costs grow with the measured time, rates fall."""
    if "tokens_per_s" in key:
        return value / band.high, value / band.low
    return value * band.low, value * band.high


def _of_host(values: Mapping[str, Any], rack: Rack) -> Bands:
    """The interval of what follows from a step that continues in a host under llama.cpp, where reports know it."""
    assert rack.plan.split is not None
    experts, layers, cache = rack.plan.split.offload
    known = is_local(rack.setup.stack) and experts and not (layers or cache)
    if (band := band_of_host(bool(known))) is None:
        return {}
    band = with_draft(band, rack)
    return {key: interval(key, value, band) for key in OF_BATCH if (value := values.get(key))}


def with_bands(report: Report, rack: Rack, load: str = "batch") -> Report:
    """The report with the intervals of its results and of each of its rows."""
    host = rack.plan.split and rack.plan.split.host_layers
    if not host and not sets_of(rack.setup.stack, rack.part):
        return report
    series = report.series
    if series:
        rows = tuple({**row, "bands": bands_at(row, rack, load)} for row in series.rows)
        series = series._replace(rows=rows)
    return report.replace(bands=bands_at(report.values, rack, load), series=series)


def bands_at(values: Mapping[str, Any], rack: Rack, load: str = "batch") -> Bands:
    """The interval of each time, rate and cost among some values, of a rack with a part in a host too."""
    if rack.plan.split and rack.plan.split.host_layers:
        return _of_host(values, rack) if load == "batch" else {}
    return bands_of(values, rack, load)
