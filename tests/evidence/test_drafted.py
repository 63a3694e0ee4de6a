"""Runs with a draft are predicted with it, and how far off the gains of published ones are is what the answers say."""

import csv
from pathlib import Path
from typing import Any

import pytest

from infercost.models.model import gains
from tests.conftest import ROOT, Run

COLUMNS = (ROOT / "presets/measurements/drafted.csv").read_text().splitlines()[0].split(",")
LOOP: dict[str, Any] = {
    "id": "a",
    "source": "by hand",
    "framework": "vLLM 0.19",
    "model": "deepseek-v3",
    "accelerator": "h200-sxm",
    "n_accelerators": 8,
    "tp": 8,
    "batch_or_concurrency": 8,
    "input_tokens": 1000,
    "output_tokens": 200,
    "metric": "decode_ms_per_token",
    "value": 12,
}


def predicted(run: Run, path: Path, *rows: dict[str, Any]) -> list[float]:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS, "acceptance"])
        table.writeheader()
        table.writerows(rows)
    said = run("validate", str(path), "--efficiency", "stack", "--json")
    assert said.code == 0, said.err
    return [row["predicted"] for row in said.json["rows"]]


def test_a_run_with_a_draft_is_predicted_with_it(run: Run, tmp_path: Path) -> None:
    """A batch steps as in an answer; how much is accepted is a share, or the mean of the tokens that a step yields."""
    draft = {"draft": "mtp", "draft_tokens": 1}
    drafted = [{"acceptance": 0.85}, {"accept_length": 1.85}, {"acceptance": 0.5}]
    plain, *rest = predicted(run, tmp_path / "a.csv", LOOP, *(LOOP | draft | each for each in drafted))
    asked = "--gpu h200:8 --model deepseek-v3 --tp 8 --dp 1 --batch 8 --context 1100 --draft mtp --acceptance 85%"
    assert rest[0] == pytest.approx(
        1e3 * run("utilization", *asked.split(), "--json").json["results"]["tpot_s"], rel=1e-9
    )
    assert rest[0] == pytest.approx(rest[1], rel=1e-9)
    assert rest[0] < rest[2] < plain


def test_gains_are_as_far_off_as_is_said(run: Run) -> None:
    """Runs with and without a head: how much more was gained than predicted, the least and the most."""
    said = run("validate", str(ROOT / "presets/measurements/drafted.csv"), "--efficiency", "stack", "--json").json
    ratios = {row["id"]: row["measured"] / row["predicted"] for row in said["rows"]}
    off = [ratios[name] / ratios[name.replace("-eagle3", "-plain")] for name in ratios if name.endswith("-eagle3")]
    assert len(off) == 9
    assert (round(min(off), 2), round(max(off), 2)) == (gains().low, gains().high)


def test_the_interval_of_a_draft_holds_what_published_pairs_gained(run: Run) -> None:
    """A plain token takes 0.89 to 1.12 times what is said, and a pair gained 0.79 to 0.98 times as much."""
    asked = ("utilization", "--gpu", "5090", "--model", "qwen3.8-27b", "--dtype", "q4_k_m", "--json")
    plain, drafted = run(*asked).json, run(*asked, "--draft", "mtp").json
    there, here = (each["results"]["tokens_per_s_per_user"] for each in (plain, drafted))
    low, high = drafted["bands"]["tokens_per_s_per_user"]
    ends = [end / there for end in plain["bands"]["tokens_per_s_per_user"]]
    assert ends == pytest.approx([1 / 1.12, 1 / 0.89], rel=0.001)
    assert (low / here, high / here) == pytest.approx((0.79 / 1.12, 0.98 / 0.89), rel=0.001)
    token = drafted["bands"]["tpot_s"]
    assert [1 / each for each in token[::-1]] == pytest.approx([low, high])
    assert plain["bands"]["ttft_s"][0] / plain["results"]["ttft_s"] == pytest.approx(
        drafted["bands"]["ttft_s"][0] / drafted["results"]["ttft_s"]
    )
    assert "1.618x as fast at best; published runs reached 79% to 98% of that, 1.28x to 1.59x." in drafted["verdict"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ({"draft": "mtp", "draft_tokens": 1, "model": "llama-3.1-8b", "n_accelerators": 1, "tp": 1}, "not stated"),
        ({"draft": "mtp", "draft_tokens": 1, "acceptance": 0.8, "model": "llama-3.1-8b"}, "carries no prediction head"),
        ({"draft": "mtp", "draft_tokens": 1, "accept_length": 2.5}, "a step of 1 drafted tokens yields 1 to 2"),
        ({"draft": "mtp", "draft_tokens": 1, "acceptance": 1}, "no share below 1"),
    ],
)
def test_rows_of_drafts_that_cannot_be(row: dict[str, Any], why: str, run: Run, tmp_path: Path) -> None:
    with (tmp_path / "a.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, [*COLUMNS, "acceptance"])
        table.writeheader()
        table.writerow(LOOP | row)
    said = run("validate", str(tmp_path / "a.csv"))
    assert (said.code, why in said.err) == (2, True), said.err
