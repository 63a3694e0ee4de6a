"""What is drawn is what was answered: the note's curves to the digit, and jumps where a replica is added."""

from inspect import signature
from itertools import pairwise
from typing import Any

import pytest

import infercost
from infercost.analyses.pictures import DRAWN, frontier_chart
from infercost.cli.app import COMMANDS
from infercost.parts import catalog
from infercost.picture import Bars, Chart, Line
from infercost.report import Report

NOTE: dict[str, Any] = {"gpu": "h100-note", "params": 1.6e12, "charts": True}
MODEL: dict[str, Any] = {"gpu": "h100:4", "model": "llama-3.1-70b", "context": 8000, "charts": True}


def chart(report: infercost.Report, number: int = 0) -> Chart:
    found = report.charts[number]
    assert isinstance(found, Chart)
    return found


def bars(report: infercost.Report, number: int = 0) -> Bars:
    found = report.charts[number]
    assert isinstance(found, Bars)
    return found


def named(drawn: Chart, name: str) -> Line:
    return next(line for line in drawn.lines if line.name.startswith(name))


def at(line: Line, x: float) -> float:
    return line.ys[line.xs.index(x)]


def test_every_command_that_takes_the_option_has_a_picture_and_no_other() -> None:
    drawn = {name for name, function in COMMANDS.items() if "plot" in signature(function).parameters}
    assert drawn == {*DRAWN} & {*COMMANDS}


def test_nothing_is_drawn_that_nobody_asked_for() -> None:
    assert infercost.utilization(gpu="h100-note", params=1.6e12).charts == ()


def test_a_picture_of_batches_ends_at_the_largest_that_memory_holds() -> None:
    """Of llama-3.1-70b in bf16 80 GB cards hold some sequences of 8,000 tokens, and no 4,096 of them."""
    cut, short = (chart(infercost.sweep_batch(batch=batch, **MODEL)) for batch in ("1,8,4096", "1,8"))
    assert cut == short
    assert max(named(cut, "estimate").xs) == 8


def test_an_answer_that_has_no_picture_says_so() -> None:
    with pytest.raises(infercost.InfercostError, match="userbase has no picture"):
        infercost.userbase(concurrent=5, charts=True)


def test_the_lone_user_of_the_note_stands_under_its_roof() -> None:
    """The note: 3e15 FLOP/s and 3e12 B/s meet at 1,000 FLOP a byte; a lone user does 2, so 0.2% of 3e15."""
    drawn = chart(infercost.utilization(**NOTE))
    roof, step = named(drawn, "the device at peak"), named(drawn, "this step (a bound)")
    assert at(roof, 1000) == 3e15
    assert step.xs == pytest.approx([2])
    assert step.ys == pytest.approx([6e12])
    assert step.labels == ("batch 1: 0.200% used",)
    assert len(drawn.lines) == 2
    assert drawn.title.endswith("a bound")


def test_an_estimate_stands_under_what_its_profile_reaches_and_that_under_the_bound() -> None:
    drawn = chart(infercost.utilization(batch=16, efficiency="vllm-2024", **MODEL))
    best, reached, step = (
        named(drawn, name) for name in ("the device at peak", "the device with profile vllm-2024", "this step")
    )
    assert step.ys[0] < max(reached.ys) < max(best.ys) == 989.4e12  # H100 SXM, bf16, dense
    assert drawn.title.endswith("an estimate")


def test_a_profile_that_is_handed_over_is_called_by_its_name() -> None:
    profile = catalog.load("efficiency", "vllm-2024")
    drawn = chart(infercost.utilization(gpu="h100", model="llama-3.1-8b", efficiency=profile, charts=True))
    assert [line.name for line in drawn.lines][1] == "the device with profile vllm-2024"


def test_utilization_and_cost_against_batch_are_the_notes() -> None:
    """20 devices at $2 decode 37.5 tokens/s alone: 40 / 3600 / 37.5 x 1e6 = $296.30, a 500th of it at batch 500."""
    report = infercost.sweep_batch(batch="1,8,64,500", price=2, **NOTE)
    used, cost = chart(report), chart(report, 1)
    assert at(named(used, "bound"), 1) == pytest.approx(0.002)
    assert at(named(used, "bound"), 500) == pytest.approx(1)
    assert at(named(cost, "bound"), 1) == pytest.approx(296.296, rel=1e-5)
    assert at(named(cost, "bound"), 500) == pytest.approx(0.592592, rel=1e-5)
    assert cost.y.unit == "USD"
    assert len(used.lines) == 1


def test_a_sweep_of_a_model_has_its_bound_beside_the_estimate() -> None:
    used, cost = (chart(infercost.sweep_batch(**MODEL), number) for number in (0, 1))
    for guess, best in zip(named(used, "estimate").ys, named(used, "bound").ys, strict=True):
        assert guess <= best
    for guess, best in zip(named(cost, "estimate").ys, named(cost, "bound").ys, strict=True):
        assert guess >= best
    assert cost.y.unit == "s"


def test_a_sweep_is_a_line_over_what_is_swept() -> None:
    """The note's reads: 20 devices of 3 TB/s decode 37.5 tokens/s alone, of 30 TB/s 375, for a tenth of the price."""
    speed, price = infercost.utilization(price=2, sweep="gpu.memory_bandwidth=3TB/s:30TB/s:x10,10TB/s", **NOTE).charts
    assert isinstance(speed, Chart)
    assert isinstance(price, Chart)
    assert speed.title == "Tokens/s per user against memory bandwidth, on h100-note: a bound"
    (line,) = speed.lines
    assert line.xs == (3e12, 10e12, 30e12), "in rising order, as asked or not"
    assert line.ys == pytest.approx((37.5, 125, 375))
    assert price.lines[0].ys == pytest.approx((296.296, 88.889, 29.63), rel=1e-4)
    assert (speed.x.unit, speed.x.log, price.y.unit) == ("B/s", True, "USD")


def test_a_second_key_is_a_line_a_value() -> None:
    """1.6 TB over 20 or 40 devices of 3 TB/s; below the knee the batch moves only utilization."""
    report = infercost.utilization(sweep=["gpus=20,40", "batch=100:400:100"], **NOTE)
    speed, used = chart(report), chart(report, 1)
    assert [line.name for line in speed.lines] == ["gpus 20", "gpus 40"]
    assert [line.ys for line in speed.lines] == [pytest.approx((37.5,) * 4), pytest.approx((75,) * 4)]
    assert used.lines[0].xs == (100, 200, 300, 400)
    assert used.lines[0].ys == pytest.approx((0.2, 0.4, 0.6, 0.8))
    assert not used.x.log, "even steps"
    names = infercost.utilization(sweep=["batch=8,16", "efficiency=realistic,ideal"], **MODEL)
    assert [line.name for line in chart(names).lines] == ["realistic", "ideal"]


def test_points_that_do_not_fit_are_not_drawn() -> None:
    """1.6 TB need 20 devices of 80 GB; 32 of them have 30 GB left, 40 have 40 GB: 100% is what the note plans with."""
    drawn = chart(infercost.fit(sweep="gpus=16,32,40", **NOTE))
    assert (drawn.lines[0].xs, drawn.lines[0].ys) == ((32, 40), pytest.approx((30e9, 40e9)))
    assert drawn.title.endswith(": a bound")


@pytest.mark.parametrize(
    ("sweep", "what"),
    [
        ("dtype=8bit,bf16", "over one key of numbers"),
        (["batch=1,2", "gpus=20,40", "price=1,2"], "at most one other"),
        (["gpus=20:28:1", "batch=1,2"], "9 lines"),
        ("gpus=4,20", "no figure varies"),
    ],
)
def test_a_sweep_without_a_line_is_refused(sweep: object, what: str) -> None:
    with pytest.raises(infercost.InfercostError, match=what):
        infercost.utilization(sweep=sweep, **NOTE)


def test_a_sensitivity_has_its_bars_in_the_table() -> None:
    with pytest.raises(infercost.InfercostError, match="--sensitivity has no picture"):
        infercost.utilization(sensitivity=True, **NOTE)


def test_a_further_replica_is_a_jump_of_the_cost() -> None:
    """72,000 users fill a replica; the curve ends at four full ones, so three are added on the way."""
    drawn = chart(infercost.economies(price=2, **NOTE))
    paid, busy = named(drawn, "every hour"), named(drawn, "only busy")
    assert paid.ys[0] == pytest.approx(42_666.67, rel=1e-6)  # 72,000 times the floor of 0.5926
    assert busy.ys[0] == pytest.approx(296.296, rel=1e-2)
    jumps = [left for (left, low), (_, high) in pairwise(zip(paid.xs, paid.ys, strict=True)) if high > low * 1.2]
    assert [round(left / 72_000) for left in jumps] == [1, 2, 3]
    assert named(drawn, "floor").ys == pytest.approx([0.592592] * 2, rel=1e-5)


def test_devices_side_by_side_are_a_line_each() -> None:
    drawn = chart(infercost.economies(gpu=["h100:4", "mi300x:2"], model="llama-3.1-70b", charts=True))
    assert [line.name for line in drawn.lines] == ["4 x h100-sxm", "2 x mi300x"]
    assert drawn.title == "Cost per token against users: an estimate"
    bare = chart(infercost.economies(**{**NOTE, "gpu": ["h100-note:20", "h100-note:40"]}))
    assert [line.name for line in bare.lines] == ["20 x h100-note", "40 x h100-note"]
    assert bare.title == "Cost per token against users: a bound"


@pytest.mark.parametrize(("devices", "fits"), [(4, True), (2, False)])
def test_the_parts_of_memory_fill_it_or_go_beyond(devices: int, fits: bool) -> None:
    drawn = bars(infercost.fit(batch=32, gpus=devices, **{**MODEL, "gpu": "h100"}))
    assert all(left.start + left.value == pytest.approx(right.start) for left, right in pairwise(drawn.bars))
    assert drawn.limit is not None
    assert (drawn.bars[-1].start + drawn.bars[-1].value <= drawn.limit[1] * (1 + 1e-9)) is fits
    assert drawn.end == max(drawn.limit[1], drawn.bars[-1].start + drawn.bars[-1].value)


def test_a_bare_count_that_does_not_fit_is_drawn_too() -> None:
    drawn = bars(infercost.fit(gpus=2, **NOTE))
    assert [(bar.name, bar.value) for bar in drawn.bars] == [("weights", 800e9)]  # 1.6 TB on two devices
    assert drawn.limit == ("memory of the device", 80e9)


def test_accelerators_are_compared_by_bars() -> None:
    balance, drain = (bars(infercost.compare("h100-note", "human-brain", charts=True), number) for number in (0, 1))
    assert [bar.value for bar in balance.bars] == [1000, 2]  # the note, and 2 FLOP for each synapse that is read
    assert [bar.name for bar in drain.bars] == ["h100-note", "human-brain"]


def test_what_has_no_figure_has_no_bar() -> None:
    drain = bars(infercost.compare("cerebras-wse3", charts=True))  # no dense rate is published
    assert [bar.value for bar in drain.bars] == [pytest.approx(44e9 / 21e15)]


def test_a_model_on_accelerators_is_marked_with_its_bound() -> None:
    user, device = (
        bars(infercost.compare("h100", "mi300x", model="llama-3.1-70b", charts=True), number) for number in (0, 1)
    )
    assert all(bar.mark is not None and bar.mark > bar.value for bar in user.bars)
    assert user.legend == "the mark is the bound"
    assert [bar.name for bar in device.bars] == ["2 x h100-sxm", "1 x mi300x"]
    assert user.title == "Tokens/s for one user: llama-3.1-70b, an estimate"
    best = bars(infercost.compare("h100", model="llama-3.1-70b", efficiency="ideal", charts=True))
    assert best.title == "Tokens/s for one user: llama-3.1-70b, a bound"
    assert best.legend == ""


def row(name: str, speed: float, cost: float | None, **layout: int) -> dict[str, Any]:
    sizes = {"gpus": 8, "tp": 8, "pp": 1, "ep": 1, "batch": 64} | layout
    return {
        "name": name,
        "tokens_per_s_per_user": speed,
        "usd_per_million_tokens": cost,
        "usd_per_million_tokens_all_in": cost,
        "device_seconds_per_token_all_in": 1e-3,
        **sizes,
    }


def test_a_frontier_is_a_line_a_name_from_slow_to_fast() -> None:
    rows = [row("b", 90, 9.0), row("a", 50, 2.0, tp=4, pp=2), row("a", 20, 1.0, batch=256)]
    report = Report(command="frontier", verdict="", inputs=())
    drawn = frontier_chart(rows, report)
    assert [(line.name, line.xs, line.ys) for line in drawn.lines] == [("b", (90,), (9,)), ("a", (20, 50), (1, 2))]
    assert [label for _, _, label in drawn.lines[1].captions] == [
        "tp 8, batch 256",
        "tp 4, pp 2, batch 64",
    ]
    (alone,) = frontier_chart([row("a", 20, 1.0, gpus=1, tp=1), row("a", 30, 2.0, tp=1, ep=8)], report).lines
    assert alone.labels == ("1 device, batch 64", "8 devices, ep 8, batch 64")
    assert frontier_chart([row("a", 20, None)], report).y.unit == "s"


def test_one_row_of_a_frontier_stands_on_the_whole_of_it() -> None:
    whole = infercost.frontier(model="llama-3.1-8b", gpu="h100", max_gpus=4, charts=True)
    report = infercost.frontier(model="llama-3.1-8b", gpu="h100", max_gpus=4, best="knee", charts=True)
    line, point = report.charts[0].lines
    assert (line.xs, line.ys) == (whole.charts[0].lines[0].xs, whole.charts[0].lines[0].ys)
    assert (point.name, point.xs) == ("best knee", (report.series.rows[0]["tokens_per_s_per_user"],))
    assert point.xs[0] in line.xs


def test_where_nothing_meets_the_limits_nothing_is_drawn() -> None:
    assert infercost.frontier(model="llama-3.1-8b", gpu="h100", gpus=1, max_tpot=1e-6, charts=True).charts == ()
