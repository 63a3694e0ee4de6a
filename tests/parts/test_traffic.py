"""The shapes of a day and a week: as published, of mean 1, and refused where they are no load."""

import re
from math import fsum
from pathlib import Path

import pytest

import infercost
from infercost.errors import BadFile, BadValue
from infercost.parts import catalog
from infercost.parts.preset import Shape, shape_of
from tests.conftest import ROOT, Run

SHAPES = [shape_of(catalog.load("traffic", name)) for name in catalog.names("traffic")]


def shape(name: str) -> Shape:
    return shape_of(catalog.load("traffic", name))


@pytest.mark.parametrize(
    ("name", "peak", "trough"),
    [
        ("chat-global", 1.35, 0.67),
        ("work", 2.25, 0.22),
        ("one-region", 2.3, 0.1),
        ("coding-week", 2.99, 0.10),
        ("flat", 1, 1),
    ],
)
def test_the_busiest_and_the_emptiest_hour_are_as_published(name: str, peak: float, trough: float) -> None:
    """Azure's traces of May 2024 (weekdays 1.25 to 1.40 and 0.56 to 0.77, 2.24 to 2.29 and 0.20 to 0.25), BurstGPT.

    BurstGPT's own emptiest hour is 0.06 of the mean; that of a region is assumed to be 0.1.
    """
    found = shape(name)
    assert (found.peak, found.trough) == (pytest.approx(peak, rel=0.05), pytest.approx(trough, rel=0.05))


@pytest.mark.parametrize("found", SHAPES, ids=lambda found: found.name)
def test_the_mean_is_one(found: Shape) -> None:
    assert fsum(found.hours) / len(found.hours) == pytest.approx(1, abs=1e-12)
    assert len(found.hours) == (168 if found.name == "coding-week" else 24)


def test_a_weekend_of_coding_carries_two_fifths_of_the_mean() -> None:
    """Azure's coding service in the week of 10 May 2024; all its days but these two are above the mean."""
    hours = shape("coding-week").hours
    days = [fsum(hours[start : start + 24]) / 24 for start in range(0, 168, 24)]
    assert days[5:] == [pytest.approx(0.4, abs=0.02)] * 2
    assert min(days[:5]) > 1


def test_burstiness_is_one_where_people_chat() -> None:
    """Gaps between requests vary by 1.09 in Azure's chat of 2023, by 2.2 to 3.6 among ServeGen's clients."""
    found = {item.name: item.burstiness for item in SHAPES}
    assert found.items() >= {"chat-global": 1, "one-region": 1, "flat": 1, "work": 3, "coding-week": 3}.items()


@pytest.mark.parametrize(
    ("label", "name"), [("chat", "chat-global"), ("single-region", "one-region"), ("coding", "coding-week")]
)
def test_every_usual_name_is_found(label: str, name: str) -> None:
    assert catalog.find("traffic", label)[0] == name


def test_no_two_presets_of_any_family_claim_a_name() -> None:
    ours = {catalog.plain(name) for name in (*catalog.names("traffic"), *catalog.aliases("traffic"))}
    assert len(ours) == len(catalog.names("traffic")) + len(catalog.aliases("traffic"))
    for family in ("accelerators", "efficiency", "models"):
        assert not ours & set(map(catalog.plain, (*catalog.names(family), *catalog.aliases(family))))


HOURS = ", ".join(map(str, range(24)))
GOOD = f"""\
name: Ours
hours: {{values: [{HOURS}], source: LOG}}
burstiness: {{value: 2, source: LOG}}
sources:
  LOG: {{title: "our own log", date: 2026-01}}
"""


def write(folder: Path, text: str) -> str:
    path = folder / "ours.yaml"
    path.write_text(text)
    return str(path)


def test_a_file_of_ones_own_may_have_any_unit(tmp_path: Path) -> None:
    found = shape(write(tmp_path, GOOD))
    assert (found.name, found.peak, found.trough, found.burstiness) == ("ours", pytest.approx(2), 0, 2)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("hours:", "hour:", "unknown key 'hour'"),
        (f"hours: {{values: [{HOURS}], source: LOG}}\n", "", "hours is no list of loads"),
        (f"{{values: [{HOURS}], source: LOG}}", f"[{HOURS}]", "hours is no list of loads"),
        (f"[{HOURS}]", "1", "hours is no list of loads"),
        (", source: LOG}\nburst", "}\nburst", "hours is no list of loads"),
        (", source: LOG}\nburst", ", source: LOG, wek: 1}\nburst", "hours is no list of loads"),
        ("source: LOG}\nburst", "source: ELSEWHERE}\nburst", "hours: its source 'ELSEWHERE' has no title or no date"),
        ("[0, 1,", "[1,", "hours has 23 values"),
        (HOURS, f"{HOURS}, {HOURS}", "hours has 48 values"),
        (HOURS, "", "hours has 0 values"),
        (HOURS, ", ".join("0" * 24), "hours is zero throughout"),
        ("[0, 1,", "[0, -1,", "hours: '-1' is below zero"),
        ("[0, 1,", "[0, nan,", "hours: 'nan' is not a number"),
        ("[0, 1,", "[0, inf,", "hours: 'inf' is not a number"),
        ("[0, 1,", "[0, 1e999,", "hours: '1e999' is absurdly large"),
        ("[0, 1,", "[0, [1],", "is not a number"),
        ("{value: 2, source: LOG}", "2", "burstiness has no source"),
    ],
)
def test_refuses(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(BadFile) as error:
        catalog.load("traffic", write(tmp_path, GOOD.replace(old, new, 1)))
    assert said in error.value.what
    assert "ours.yaml" in error.value.what
    assert error.value.hint


def test_refuses_a_burstiness_below_zero(tmp_path: Path) -> None:
    with pytest.raises(BadValue, match="burstiness: '-2'"):
        catalog.load("traffic", write(tmp_path, GOOD.replace("value: 2", "value: -2")))


def test_a_missing_burstiness_is_assumed_and_said(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD.replace("burstiness: {value: 2, source: LOG}\n", ""))
    for more in ({"traffic": path}, {"trace": str(ROOT / "tests" / "data" / "traces" / "hourly.csv")}):
        report = infercost.economies(gpu="h100-note", params="1.6e12", **more)
        assumed = [item for item in report.inputs if item.key == "burstiness"]
        assert [(item.value, item.assumed) for item in assumed] == [(1, True)]
    known = infercost.economies(gpu="h100-note", params="1.6e12", traffic="work")
    assert "burstiness" not in {item.key for item in known.inputs}


def test_the_file_of_ones_own_in_the_docs_is_answered(tmp_path: Path) -> None:
    """Its hours, by hand: 1,300 at most over a mean of 542.5; it says nothing of gaps."""
    text = (ROOT / "docs" / "economies.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    report = infercost.userbase(gpu="h100-note", params="1.6e12", users=1000, traffic=write(tmp_path, example))
    assert report.series
    assert max(row["load"] for row in report.series.rows) == pytest.approx(1300 / 542.5)
    assert report.series.rows[3]["load"] == pytest.approx(20 / 542.5)


def test_presets_show_draws_the_hours(run: Run) -> None:
    rows = {row["key"]: row for row in run("presets", "show", "chat-global", "--json").json["rows"]}
    assert rows["peak_to_mean"]["value"] == pytest.approx(1.35, abs=0.001)
    assert rows["trough_to_mean"]["value"] == pytest.approx(0.67, abs=0.001)
    assert len(rows["hours"]["shown"]) == len(rows["hours"]["value"]) == 24
    assert all(row["source"] and row["date"] for row in rows.values())
    week = run("presets", "show", "coding-week").out
    assert [day for day in ("monday", "sunday", "burstiness") if day in week] == ["monday", "sunday", "burstiness"]


def test_presets_list_has_the_family(run: Run) -> None:
    listed = run("presets", "list", "traffic", "--json").json["rows"]
    assert {row["name"] for row in listed} >= {"chat-global", "coding-week", "flat", "one-region", "work"}
