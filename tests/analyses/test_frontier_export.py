"""Every configuration behind a frontier: the rows that one question each gives, in pieces that add up to the whole."""

import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import infercost
from infercost.analyses.frontier.export import CHUNK
from infercost.errors import InfercostError
from tests.conftest import Run, calls_of, child, grid

SMALL: dict[str, Any] = {"model": "llama-3.1-8b", "gpu": "h100", "max_gpus": 4, "context": 4096, "all": True}


def written(path: Path, **options: Any) -> list[dict[str, Any]]:
    infercost.frontier(**{**SMALL, **options}, output=path)
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_layouts_times_batches_times_replicas(tmp_path: Path) -> None:
    """1, 2 and 4 divide 32 heads: seven layouts of up to four devices, as often as four devices hold them."""
    rows = written(tmp_path / "all.jsonl", batch=[1, 8, 64])
    found = {(row["tp"], row["pp"], row["replicas"], row["batch"]) for row in rows}
    replicas = {(1, 1): 4, (1, 2): 2, (2, 1): 2, (1, 3): 1, (1, 4): 1, (2, 2): 1, (4, 1): 1}
    assert found == {
        (tp, pp, count, batch)
        for (tp, pp), most in replicas.items()
        for count in range(1, most + 1)
        for batch in (1, 8, 64)
    }
    assert len(rows) == len(found) == 36


@grid("efficiency", ["realistic", "vllm-2024", "ideal", "erdil-2025"])
def test_a_row_is_what_one_question_answers(tmp_path: Path, efficiency: str) -> None:
    rows = written(tmp_path / "all.jsonl", model="mixtral-8x7b", max_gpus=8, efficiency=efficiency, price=2)
    for row in rows[:: len(rows) // 12]:
        alone = infercost.utilization(
            model="mixtral-8x7b", gpu=f"h100:{row['gpus']}", tp=row["tp"], pp=row["pp"], ep=row["ep"],
            batch=row["batch"], context=4096, efficiency=efficiency, price=2,
        )  # fmt: skip
        assert row["total_tokens_per_s"] == pytest.approx(row["replicas"] * alone["tokens_per_s"], rel=1e-12)
        assert row["bound"] == alone["bound"]
        for key in ("step_time_s", "utilization", "usd_per_million_tokens", "joules_per_token"):
            assert row[key] == pytest.approx(alone[key], rel=1e-12), key


def test_every_batch_to_1024_is_there(tmp_path: Path) -> None:
    rows = written(tmp_path / "all.jsonl", context=512, gpus=1)
    assert {row["batch"] for row in rows} >= set(range(1, 513))


@pytest.mark.parametrize("pieces", [2, 7, 50])
def test_pieces_add_up_to_the_whole(tmp_path: Path, pieces: int) -> None:
    options = {**SMALL, "gpu": ["h100", "b200"], "batch": [1, 4, 9]}
    infercost.frontier(**options, output=tmp_path / "whole.jsonl")
    for number in range(1, pieces + 1):
        infercost.frontier(**options, shard=f"{number}/{pieces}", output=tmp_path / f"{number}.jsonl")
    joined = b"".join((tmp_path / f"{number}.jsonl").read_bytes() for number in range(1, pieces + 1))
    assert joined == (tmp_path / "whole.jsonl").read_bytes()


def test_a_piece_of_nothing_has_the_columns(tmp_path: Path) -> None:
    options = {**SMALL, "gpus": 1, "batch": [1]}
    for number in (1, 2):
        infercost.frontier(**options, shard=f"{number}/2", output=tmp_path / f"{number}.csv")
    headers = [(tmp_path / f"{number}.csv").read_text().splitlines()[0] for number in (1, 2)]
    assert headers[0] == headers[1]
    assert {len((tmp_path / f"{number}.csv").read_text().splitlines()) for number in (1, 2)} == {1, 5}


def test_chunks_are_bounded_and_of_one_shape() -> None:
    export = infercost.frontier(model="llama-3.1-405b", gpu="h100", all=True, shard="1/8").export
    assert export
    sizes, names = [], set()
    for chunk in export.chunks():
        sizes.append(len(chunk["batch"]))
        names.add(tuple(chunk))
        assert {len(column) for column in chunk.values() if isinstance(column, np.ndarray)} == {sizes[-1]}
    assert sum(sizes) == export.rows
    assert max(sizes) < 2 * CHUNK
    assert len(names) == 1


def test_the_command_writes_a_file_and_says_what(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "all.csv"
    asked = ["frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "2", "--batch", "1,2", "--all"]
    said = run(*asked, "--output", str(path))
    assert said.code == 0
    lines = path.read_text().splitlines()
    assert said.out.startswith(f"{len(lines) - 1} configurations of 3 layouts")
    streamed = run(*asked, "--csv")
    assert streamed.out == path.read_text()


@pytest.mark.parametrize(
    ("flags", "hint"), [([], "--output"), (["--output", "all.txt"], ".parquet"), (["--best", "cost"], "--all")]
)
def test_what_it_refuses(run: Run, flags: list[str], hint: str) -> None:
    said = run("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--all", *flags)
    assert (said.code, said.out) == (2, "")
    assert hint in said.err


def test_no_piece_of_what_does_not_exist() -> None:
    with pytest.raises(InfercostError):
        infercost.frontier(**SMALL, shard="3/2")


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    asked = ["frontier", "--model", "deepseek-v3", "--gpu", "h100", "--all", "--output", str(tmp_path / "all.csv")]
    with child("-m", "infercost", *asked) as job:
        for _ in range(2000):
            if any(path.stat().st_size for path in tmp_path.iterdir()):
                break
            time.sleep(0.01)
        job.send_signal(signal.SIGINT)
        _, said = job.communicate(timeout=30)
    assert job.returncode == 130
    assert b"Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_rows_are_made_by_arrays_and_not_one_by_one() -> None:
    export = infercost.frontier(model="llama-3.1-405b", gpu="h100", all=True, shard="1/4").export
    assert export
    assert calls_of(lambda: sum(1 for _ in export.chunks())) < export.rows / 2


def test_without_numpy_it_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "infercost.analyses.frontier.export")
    said = run("frontier", "--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "2", "--all", "--csv")
    assert (said.code, said.out) == (2, "")
    assert "frontier --all needs NumPy" in said.err
    assert "pip install 'infercost[export]'" in said.err
