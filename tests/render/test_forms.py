"""What the forms of an answer do with long words, repeated sources and bars."""

import csv
from io import StringIO

import pytest

from infercost.render import to_text
from infercost.render.csv import render as as_csv
from infercost.render.layout import wrapped
from infercost.report import Report, Row
from tests.conftest import Run

STEP = ("utilization", "--gpu", "h200:8", "--model", "llama-3.1-70b")


def test_a_path_is_broken_after_its_slashes() -> None:
    path = "llm-d-planner 56dc5b7, accuracy/results/v0.19.0/logs, 2026"
    assert wrapped(path, 24) == ["llm-d-planner 56dc5b7,", "accuracy/results/", "v0.19.0/logs, 2026"]


@pytest.mark.parametrize("form", ["plain", "table"])
def test_each_source_stands_once_within_80_columns(run: Run, form: str) -> None:
    said = run(*STEP, "--sources", "--format", form).out
    assert max(map(len, said.splitlines())) <= 80
    words = " ".join(said.split())
    assert words.count("kernel timings of aiconfigurator-core 0.12.0, systems/data (NVIDIA, Apache-2.0), fitted") == 1
    assert "efficiency.activation_floor 859 MB" in words


def test_a_source_in_the_row_above_is_not_repeated(run: Run) -> None:
    said = " ".join(run("presets", "show", "realistic", "--format", "plain").out.split())
    assert said.count("least squares on 605 runs") == 1
    assert "step_overhead 100us 2026-11 as collective_latency" in said
    rows = csv.DictReader(StringIO(run("presets", "show", "realistic", "--csv").out))
    assert all(not row["source"].startswith("as ") for row in rows)


def test_markdown_has_heads_and_no_bars(run: Run) -> None:
    lines = run(*STEP, "--format", "markdown").out.splitlines()
    assert "| result | value | remark |" in lines
    assert "| part | value | share |" in lines
    assert not any(set(line) <= {"|", " "} and line for line in lines)
    assert "█" not in "".join(lines)
    across = run("compare", "h100", "h200", "--format", "markdown").out.splitlines()
    assert "| figure | h100-sxm | h200-sxm | ratio |" in across


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.0000000000000038, "1.0"), (0.1 + 0.2, "0.3"), (1 / 3, "0.3333333333333333"), (2.039e12, "2039000000000.0")],
)
def test_csv_has_no_rounding_errors_of_the_last_bits(value: float, text: str) -> None:
    report = Report(command="fit", verdict="", inputs=(), results=(Row("batch", value),))
    assert as_csv(report, 80, sources=False).splitlines()[1] == f"batch,{text},"


def test_no_command_is_cut_in_the_list(run: Run) -> None:
    assert "..." not in run("--help").out.partition("Commands:")[2]


def test_counts_of_billions_leave_room_for_remarks(run: Run) -> None:
    asked = ("economies", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--dtype", "fp8", "--workload", "chat")
    asked = (*asked, "--api-price", "0.20/0.60")
    assert "38.93B" in run(*asked, "--format", "table").out.partition("break-even, tokens a month")[2].split("\n")[0]
    assert run(*asked, "--json").json["results"]["break_even_tokens_per_month"] > 38e9


def test_a_unit_is_never_broken_and_a_long_path_is() -> None:
    """At any width a rate stays whole; a path of a source that is longer than a column breaks after its slashes."""
    text = "at best 186.3 tokens/s, and 8.06 TB/s in all"
    for width in range(12, 60):
        lines = wrapped(text, width)
        assert " ".join(lines) == text
        assert all(len(line) <= width for line in lines)
    path = "techpowerup.com/gpu-specs/tesla-p100-pcie-16-gb.c2888"
    assert wrapped(path, 30)[0] == "techpowerup.com/gpu-specs/"


@pytest.mark.parametrize("band", [(1.0, 2.0), (1_234_567.0, 23_456_789.0)])
@pytest.mark.parametrize("form", ["plain", "table"])
def test_no_line_is_wider_than_the_terminal(form: str, band: tuple[float, float]) -> None:
    """Not even where a long label and a wide interval leave no room for a remark, which then stands below."""
    remark = "per output token, as --api-price bills the request, and replica-hours"
    rows = (Row("break_even_users", 12_345_678_901, remark), Row("usd_per_million_tokens", 1_500_000.0, "all-in"))
    bands = {"break_even_users": band, "usd_per_million_tokens": band}
    report = Report(command="userbase", verdict="Enough.", inputs=(), results=rows, bands=bands)
    text = to_text(report, form, 80, sources=False)
    assert max(map(len, text.splitlines())) <= 80
    if form == "plain":
        assert remark in " ".join(text.split())


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--offload", "layers", "--offload-layers", "50"), "offload layers 50. Assumed:"),
        (("--offload-layers", "50"), "offload layers 50. Assumed:"),
        (("--offload", "layers"), "offload layers. Assumed:"),
        ((), "offload layers 40."),
    ],
)
def test_an_option_that_another_says_with_a_number_is_said_once(run: Run, asked: tuple[str, ...], said: str) -> None:
    """What was asked is repeated only where a number was assumed for it: all 80 layers."""
    host = ("--gpu", "rtx-4090", "--host", "desktop-ddr5", "--set", "host.memory=96GB")
    out = " ".join(run("fit", "--model", "llama-3.3-70b", "--dtype", "q4_k_m", *host, *asked).out.split())
    assert said in out
    assert out.count("offload layers") == 1 + (asked == ("--offload", "layers"))


def test_options_are_said_in_words(run: Run) -> None:
    asked = ("userbase", "--gpu", "h100:4", "--model", "llama-3.3-70b", "--users", "100k", "--traffic", "one-region")
    out = " ".join(run(*asked, "--scale-down").out.split())
    assert "traffic one-region, scale down, users 100,000." in out


def test_csv_says_beside_it_how_many_devices_were_chosen(run: Run) -> None:
    """It has no place for what was asked and assumed, as the other forms have."""
    said = run("sweep-batch", "--gpu", "h100", "--model", "deepseek-v3", "--csv", "--batch", "1,2")
    assert "note: Asked: gpu h100-sxm, model deepseek-v3, " in said.err
    assert "gpus 16" in " ".join(said.err.split())
    assert "Asked" not in said.out + run("sweep-batch", "--gpu", "h100", "--model", "deepseek-v3", "--batch", "1").err


def test_sources_name_where_a_count_of_parameters_is_from(run: Run) -> None:
    asked = ("fit", "--gpu", "h100", "--model", "llama-3.1-70b")
    said = " ".join(run(*asked, "--sources").err.split())
    assert "70,553,706,496 parameters are counted from shapes: meta-llama/" in said
    assert "says 70.6B parameters" in said
    assert "counted from shapes" not in run(*asked).err
