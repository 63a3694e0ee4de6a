"""Is the imbalance being engineered away? Growth of made-up parts that is known by hand, and of the presets."""

from pathlib import Path

import pytest

import infercost
from infercost.analyses.compare import class_of, year_of
from infercost.formulas import trend as law
from infercost.parts import catalog
from tests.conftest import Run

PART = """name: Part {name}
vendor: NVIDIA
kind: gpu
released: {{value: {year}, source: LAB}}
memory: {{value: {memory} GB, source: LAB}}
memory_bandwidth: {{value: {bandwidth} GB/s, source: LAB}}
flops_bf16: {{value: {flops} TFLOP/s, source: LAB}}
sources:
  LAB: {{title: "made up", date: 2026}}
"""
FIGURES = ("flops", "memory_bandwidth", "memory", "flops_per_byte", "drain_time")


def parts_in(folder: Path, rows: list[tuple[str, float, float, float]]) -> list[str]:
    """Files of made-up parts: a date, TFLOP/s, GB/s and GB of each."""
    files = []
    for number, (year, flops, bandwidth, memory) in enumerate(rows):
        path = folder / f"part-{number}.yaml"
        path.write_text(
            PART.format(name=number, year=year, flops=repr(flops), bandwidth=repr(bandwidth), memory=repr(memory))
        )
        files.append(str(path))
    return files


def test_growth_that_is_known_comes_out(tmp_path: Path) -> None:
    """FLOP/s x 2 and bandwidth x sqrt(2) a year: doublings in 1 and 2 years, of their ratio in 2; memory stays."""
    rows = [(f"{2016 + n}", 100.0 * 2**n, 1000.0 * 2 ** (n / 2), 80.0) for n in range(5)]
    report = infercost.compare(*parts_in(tmp_path, rows), trend=True)
    years = {figure: report[f"{figure}_doubling_years"] for figure in FIGURES}
    assert years["flops"] == pytest.approx(1)
    assert years["memory_bandwidth"] == pytest.approx(2)
    assert years["flops_per_byte"] == pytest.approx(2)
    assert years["drain_time"] == pytest.approx(-2)
    assert years["memory"] is None
    assert report["flops_doubling_years_error"] == pytest.approx(0, abs=1e-6)
    assert any("memory_doubling_years" in note.text for note in report.notes if note.code == "null")
    assert report.verdict.startswith("FLOP per byte grew 41% a year (± 0%) in data-centre GPUs (5 parts of ")
    assert "so the imbalance grows: it is not being engineered away." in report.verdict


def test_a_line_through_scattered_parts_by_hand(tmp_path: Path) -> None:
    """Doublings 0, 1, 1, 2 at years 0 to 3: slope 0.6, error sqrt(0.2 / 2 / 5) = 0.1414, so 1.667 +- 0.393 years."""
    rows = [("2016", 100.0, 1000.0, 80.0), ("2017", 200.0, 1000.0, 80.0)]
    rows += [("2018", 200.0, 1000.0, 80.0), ("2019", 400.0, 1000.0, 80.0)]
    report = infercost.compare(*parts_in(tmp_path, rows), trend=True)
    assert report["flops_doubling_years"] == pytest.approx(1 / 0.6)
    assert report["flops_doubling_years_error"] == pytest.approx(0.141421356 / 0.36)
    assert report["flops_per_byte_doubling_years"] == pytest.approx(1 / 0.6)


def test_two_points_fix_the_line() -> None:
    """From 3 to 12 in four years are two doublings: half a doubling a year, one in two years."""
    years, logs = [0.0, 4.0], [0.0, law.doublings(part_figure=12, first_figure=3)]
    middle = law.mean_years(years_of_parts=years, parts_fitted=2)
    mean = law.mean_doublings(doublings_of_parts=logs, parts_fitted=2)
    spread = law.years_spread(years_of_parts=years, parts_fitted=2, mean_years=middle)
    joint = law.joint_spread(
        years_of_parts=years, doublings_of_parts=logs, parts_fitted=2, mean_years=middle, mean_doublings=mean
    )
    slope = law.doublings_a_year(joint_spread=joint, years_spread=spread)
    assert (middle, mean, spread, joint, slope) == (2, 1, 8, 4, 0.5)
    assert law.doubling_years(doublings_a_year=slope) == 2


def test_a_shrinking_imbalance_is_called_one(tmp_path: Path) -> None:
    rows = [(f"{2016 + n}", 100.0, 1000.0 * 2**n, 80.0) for n in range(4)]
    report = infercost.compare(*parts_in(tmp_path, rows), trend=True)
    assert "so the imbalance shrinks: it is being engineered away." in report.verdict
    assert report["flops_per_byte_doubling_years"] == pytest.approx(-1)
    assert report.verdict.startswith("FLOP per byte fell 50% a year (± 0%)")


def test_growth_within_its_error_shows_nothing(tmp_path: Path) -> None:
    """Doublings 0, 1, 0, 1 at years 0 to 3: slope 0.2, error sqrt(0.8 / 2 / 5) = 0.2828; 2^-0.3657 and 2^0.7657."""
    rows = [(f"{2016 + n}", 100.0 * 2 ** (n % 2), 1000.0, 80.0) for n in range(4)]
    report = infercost.compare(*parts_in(tmp_path, rows), trend=True)
    assert report.verdict.startswith("FLOP per byte grew 15% a year (± 22%)")
    assert "the imbalance is being engineered away: two standard errors span -22% to +70%" in report.verdict


def test_fewer_than_four_parts_are_no_trend(run: Run) -> None:
    said = run("compare", "h100", "a100", "b200", "--trend", "--json")
    assert said.code == 3
    assert "no trend can be fitted" in said.json["verdict"]
    assert said.json["rows"] == []
    assert any("data-centre GPUs (3)" in note["text"] for note in said.json["notes"])


def test_every_class_of_the_presets_has_its_fit(run: Run) -> None:
    said = run("compare", "--all", "--trend", "--json").json
    rows = {row["name"]: row for row in said["rows"]}
    assert next(iter(rows)) == "data-centre GPUs"
    assert {"TPUs", "SoCs", "desktop cards", "inference cards", "other accelerators"} < set(rows)
    assert all(row["parts_fitted"] >= 4 for row in rows.values())
    for figure in FIGURES:
        assert said["results"][f"{figure}_doubling_years"] == rows["data-centre GPUs"][f"{figure}_doubling_years"]
    slopes = {figure: 1 / said["results"][f"{figure}_doubling_years"] for figure in FIGURES}
    assert slopes["flops_per_byte"] == pytest.approx(slopes["flops"] - slopes["memory_bandwidth"])
    assert slopes["drain_time"] == pytest.approx(slopes["memory"] - slopes["memory_bandwidth"])


@pytest.mark.parametrize(
    ("name", "which"),
    [
        ("h100", "data-centre GPUs"),
        ("v100", "data-centre GPUs"),
        ("l4", "inference cards"),
        ("rtx-4090", "desktop cards"),
        ("apple-m1", "SoCs"),
        ("tpu-v4", "TPUs"),
        ("gaudi3", "other accelerators"),
        ("human-brain", None),
    ],
)
def test_a_part_is_of_one_class(name: str, which: str | None) -> None:
    assert class_of(catalog.accelerator(name)) == which


@pytest.mark.parametrize(
    ("released", "year"),
    [("2023", 2023.5), ("2024-01-01", 2024), ("2023-07-02", 2023 + 182 / 365), ("2022-01", 2022 + 14 / 365)],
)
def test_a_date_is_a_year(released: str, year: float) -> None:
    part = catalog.accelerator("h100")
    assert year_of(part._replace(labels={**part.labels, "released": released})) == pytest.approx(year)


def test_it_has_a_picture_and_no_model(run: Run) -> None:
    report = infercost.compare(trend=True, charts=True)
    assert [chart.title.partition(" ")[0] for chart in report.charts] == ["Growth", "FLOP"]
    assert run("compare", "--trend", "--model", "llama-3.1-8b").code == 2
