"""A huge table as CSV, JSON lines or Parquet: read back by others' readers, whole or not there, in flat memory."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from infercost.errors import BadFile, BadValue, Missing
from infercost.render import export
from tests.conftest import bare_env, child

NAN = float("nan")
FORMS = ("csv", "jsonl", "ndjson", "parquet")
#: Two chunks whose rows are written out by hand below.
CHUNKS: list[dict[str, Any]] = [
    {
        "gpu": "h100, 80 GB",
        "draft": None,
        "100%s": 0.1,
        "gpus": np.array([1, 2]),
        "step_s": np.array([1 / 3, NAN]),
        "fits": np.array([True, False]),
        "note": np.array(['say "no"', None], dtype=object),
    },
    {
        "gpu": "b200 {0}",
        "draft": "größer\n",
        "100%s": NAN,
        "gpus": np.array([10**15]),
        "step_s": np.array([5e-324]),
        "fits": True,
        "note": np.array(["50%"]),
    },
]
ROWS = [
    {"gpu": "h100, 80 GB", "draft": None, "100%s": 0.1, "gpus": 1, "step_s": 0.3333333333333333, "fits": True}
    | {"note": 'say "no"'},
    {"gpu": "h100, 80 GB", "draft": None, "100%s": 0.1, "gpus": 2, "step_s": None, "fits": False, "note": None},
    {"gpu": "b200 {0}", "draft": "größer\n", "100%s": None, "gpus": 10**15, "step_s": 5e-324, "fits": True}
    | {"note": "50%"},
]
CSV = (
    "gpu,draft,100%s,gpus,step_s,fits,note\n"
    '"h100, 80 GB",,0.1,1,0.3333333333333333,true,"say ""no"""\n'
    '"h100, 80 GB",,0.1,2,,false,\n'
    'b200 {0},"größer\n",,1000000000000000,5e-324,true,50%\n'
)
#: A program that exports so many chunks of 4,096 rows to a file.
PROGRAM = """
import sys
import numpy as np
from infercost.render import export

def chunks(count):
    for number in range(count):
        yield {"gpu": "h100", "batch": np.arange(4096), "step_s": np.arange(4096) / (number + 3)}
"""


def read(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [
        json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in path.read_text().split("\n")[:-1]
    ]


def started(code: str, *args: str) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return child("-c", PROGRAM + code, *args)


@pytest.mark.parametrize("form", ["jsonl", "ndjson", "parquet"])
def test_the_rows_come_back(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form}"
    assert export.write(CHUNKS, str(path)) == 3
    assert read(path) == ROWS
    assert [list(row) for row in read(path)] == [list(ROWS[0])] * 3


def test_csv_is_what_a_spreadsheet_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.CSV"
    assert export.write(CHUNKS, str(path)) == 3
    assert path.read_bytes().decode() == CSV
    with open(path, newline="") as file:
        assert next(row for row in csv.DictReader(file))["note"] == 'say "no"'


def test_standard_output_is_csv(capsys: pytest.CaptureFixture[str]) -> None:
    assert export.write(CHUNKS, "-") == export.write(CHUNKS, None) == 3
    assert capsys.readouterr().out == CSV * 2


def test_types_are_those_of_the_columns(tmp_path: Path) -> None:
    export.write(CHUNKS, str(tmp_path / "a.parquet"))
    types = [str(field.type) for field in pq.read_schema(tmp_path / "a.parquet")]
    assert types == ["string", "string", "double", "int64", "double", "bool", "string"]


def test_a_chunk_of_scalars_is_a_row(tmp_path: Path) -> None:
    chunk = {"gpu": np.str_("h100"), "gpus": np.int64(8), "tco": np.float64(0.1), "fits": np.bool_(True)}
    for form in ("jsonl", "parquet"):
        assert export.write([chunk], str(tmp_path / f"a.{form}")) == 1
        assert read(tmp_path / f"a.{form}") == [{"gpu": "h100", "gpus": 8, "tco": 0.1, "fits": True}]


def test_more_rows_than_a_block_or_a_row_group_holds(tmp_path: Path) -> None:
    """Chunks of 70,000 rows: row groups of 140,000, the last of 70,000."""
    chunks = [{"name": "abc"[n], "row": np.arange(70_000) + 70_000 * n} for n in range(3)]
    for form in ("jsonl", "parquet"):
        seen: list[int] = []
        assert export.write(chunks, str(tmp_path / f"a.{form}"), progress=seen.append) == 210_000
        assert seen == [70_000, 140_000, 210_000]
        rows = read(tmp_path / f"a.{form}")
        assert [row["row"] for row in rows] == list(range(210_000))
        assert [rows[n]["name"] for n in (0, 69_999, 70_000, 209_999)] == ["a", "a", "b", "c"]
    file = pq.ParquetFile(tmp_path / "a.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [140_000, 70_000]


@pytest.mark.parametrize("form", FORMS)
def test_the_same_rows_are_the_same_bytes(form: str, tmp_path: Path) -> None:
    for name in "ab":
        export.write(iter(CHUNKS), str(tmp_path / f"{name}.{form}"))
    assert (tmp_path / f"a.{form}").read_bytes() == (tmp_path / f"b.{form}").read_bytes()


def test_a_table_of_no_rows_keeps_its_columns(tmp_path: Path) -> None:
    nothing = {"gpu": "h100", "gpus": np.array([], dtype=int)}
    for form in ("csv", "jsonl", "parquet"):
        assert export.write([nothing], str(tmp_path / f"a.{form}")) == 0
    assert (tmp_path / "a.csv").read_text() == "gpu,gpus\n"
    assert (tmp_path / "a.jsonl").read_text() == ""
    assert pq.read_table(tmp_path / "a.parquet").column_names == ["gpu", "gpus"]


def test_without_a_chunk_there_are_no_columns(tmp_path: Path) -> None:
    for form in ("csv", "jsonl", "parquet"):
        assert export.write([], str(tmp_path / f"a.{form}")) == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "a.jsonl").read_bytes() == b""
    assert pq.read_table(tmp_path / "a.parquet").shape == (0, 0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, BadValue("no", "yes")])
def test_an_export_that_is_ended_leaves_the_old_file_and_no_other(form: str, error: Any, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form}"
    path.write_text("old")

    def ended() -> Iterator[dict[str, Any]]:
        yield {"row": np.arange(200_000)}
        raise error

    with pytest.raises((KeyboardInterrupt, SystemExit, BadValue)):
        export.write(ended(), str(path))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(("name", "code"), [("SIGINT", -signal.SIGINT), ("SIGTERM", 128 + signal.SIGTERM)])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_signal_leaves_no_half_file(form: str, name: str, code: int, tmp_path: Path) -> None:
    program = (
        "export.write(chunks(10**9), sys.argv[1], progress=lambda rows: rows == 409600 and print(rows, flush=True))"
    )
    with started(program, str(tmp_path / f"a.{form}")) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"409600\n"
        assert [name[:11] for name in os.listdir(tmp_path)] == [".infercost-"]
        run.send_signal(getattr(signal, name))
        assert run.wait(20) == code
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux to say a process's own peak")
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_memory_does_not_grow_with_the_rows(form: str, tmp_path: Path) -> None:
    """The longer one is 610,000 lines, 16 MB, or 6 million rows of numbers, 100 MB.

    Its own peak: ``getrusage`` begins with that of the process that started it.
    """
    program = (
        "for count in map(int, sys.argv[2:]):\n"
        "    export.write(chunks(count), sys.argv[1])\n"
        "    print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM:')))"
    )
    counts = (100, 1500) if form == "parquet" else (20, 150)
    with started(program, str(tmp_path / f"a.{form}"), *map(str, counts)) as run:
        short, long = (int(peak) / 1024 for peak in run.communicate(timeout=60)[0].split())
    assert long - short < 8


def test_a_closed_pipe_ends_it() -> None:
    program = (
        "try:\n    export.write(chunks(10**9), None)\n"
        "except BrokenPipeError:\n    from infercost.render.writing import discard_output\n    discard_output()"
    )
    with started(program) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"gpu,batch,step_s\n"
        run.stdout.close()
        assert run.wait(20) == 0


@pytest.mark.parametrize("name", ["a.xlsx", "a", "a.parquet.gz"])
def test_an_ending_of_no_form_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue) as refused:
        export.write(CHUNKS, str(tmp_path / name))
    assert all(form in refused.value.hint for form in (".csv", ".jsonl", ".parquet"))
    assert os.listdir(tmp_path) == []


def test_parquet_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(Missing) as missing:
        export.write(CHUNKS, str(tmp_path / "a.parquet"))
    assert "pip install 'infercost[export]'" in missing.value.hint
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    for form in ("csv", "parquet"):
        with pytest.raises(BadFile, match="no such file or directory"):
            export.write(CHUNKS, str(tmp_path / "none" / f"a.{form}"))


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a full device")
@pytest.mark.parametrize("form", FORMS)
def test_a_full_disk_is_said(form: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{form}"
    path.symlink_to("/dev/full")
    with pytest.raises(BadFile, match="no space left"):
        export.write(CHUNKS, str(path))


@pytest.mark.parametrize("form", FORMS)
def test_a_disk_that_fills_up_keeps_the_old_file(form: str, tmp_path: Path) -> None:
    """A limit of 1 MB a file stands in for the disk."""
    path = tmp_path / f"a.{form}"
    path.write_text("old")
    program = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, 10**6))\n"
        "from infercost.errors import BadFile\n"
        "try:\n    export.write(chunks(1000), sys.argv[1])\n"
        "except BadFile as error:\n    print(error.what)"
    )
    with started(program, str(path)) as run:
        assert run.communicate(timeout=20) == (f"--output {path}: file too large\n".encode(), b"")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ({"b": 1, "a": np.zeros(2)}, "the columns are b, a, not a, b"),
        ({"a": np.zeros(2), "b": np.zeros(3)}, "b has 3 rows, not 2"),
        ({"a": np.array([1, -np.inf]), "b": 1}, "a holds an infinity"),
        ({"a": np.zeros(2), "b": float("inf")}, "b holds an infinity"),
    ],
)
def test_what_is_no_table_is_refused(second: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        export.write([{"a": np.zeros(2), "b": 1}, second], str(tmp_path / "a.csv"))
    assert os.listdir(tmp_path) == []


def test_the_module_loads_no_numpy_and_no_pyarrow() -> None:
    code = "import sys, infercost.render.export\nprint('\\n'.join(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, env=bare_env())
    assert not {"numpy", "pyarrow"} & set(said.stdout.decode().split())
