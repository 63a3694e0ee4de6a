"""Files by strangers, odd names and full disks: two lines of error at worst, and nothing that a terminal obeys."""

import csv
import json
import os
import struct
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from infercost import units
from infercost.errors import BadFile
from infercost.models.find import find_model
from infercost.parts import catalog
from infercost.render import writing
from infercost.units import WHOLE
from tests.conftest import ROOT, Result, Run, bare_env

FIT = ("fit", "--gpu", "h100", "--params", "70B")
H100 = (ROOT / "presets/accelerators/h100-sxm.yaml").read_text()
#: A window's title, a colour, and the start of a sequence in one byte.
ESCAPE = "\x1b]0;x\x07\x1b[31m\x9b2J\u202e"


def refused(result: Result) -> str:
    """The error of a question that was refused as it should be."""
    assert (result.code, result.out) == (2, "")
    error, hint = result.err.splitlines()
    assert error.startswith("error: ")
    assert hint.startswith("hint: ")
    assert writing.harmless(result.err) == result.err
    return error


def child(*args: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "infercost", *args], capture_output=True, env=bare_env(), **more)


# What is printed


def test_a_text_is_harmless_and_json_reads_it_back() -> None:
    assert writing.harmless("a\x1b[31m\x7f\x9b\u202e\udcff\r") == r"a\u001b[31m\u007f\u009b\u202e\udcff\u000d"
    assert writing.harmless("µ × 3\n\t█ né 日本") == "µ × 3\n\t█ né 日本"
    assert json.loads(writing.harmless(json.dumps("\x9b2J", ensure_ascii=False))) == "\x9b2J"


def test_an_error_shows_an_escape_and_does_not_send_it(run: Run, tmp_path: Path) -> None:
    assert "\\u001b]0;x" in refused(run("fit", "--scenario", ESCAPE))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "llama", "num_hidden_layers": ESCAPE}))
    assert "\\u001b]0;x" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path)))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": ESCAPE}))
    assert "]0;x" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path)))


@pytest.fixture
def foreign(tmp_path: Path) -> str:
    """A preset by a stranger whose name and alias would act on a terminal, and in a spreadsheet."""
    title = json.dumps(f"=1+1 {ESCAPE}")
    body = H100[H100.index("vendor:") :]
    path = tmp_path / "presets" / "accelerators" / "theirs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"name: {title}\naliases: [{title}]\n{body}")
    return str(path)


@pytest.mark.parametrize("form", ["table", "plain", "json", "csv", "markdown"])
def test_no_form_sends_what_a_preset_says_to_a_terminal(
    form: str, foreign: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERCOST_PRESETS", str(Path(foreign).parent.parent))
    for args in (("presets", "show", "theirs"), ("presets", "list", "accelerators"), (*FIT[:2], "theirs", *FIT[3:])):
        said = run(*args, "--format", form)
        assert said.code == 0
        assert writing.harmless(said.out) == said.out
        assert writing.harmless(said.err) == said.err


def test_a_coloured_table_has_no_colours_but_ours(foreign: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = run("presets", "show", foreign).out
    assert "\x1b[1m" in out
    assert "\\u001b[31m" in out
    assert "\x1b[31m" not in out
    assert "\x07" not in out


def test_a_cell_that_a_spreadsheet_would_compute_is_a_text(
    foreign: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERCOST_PRESETS", str(Path(foreign).parent.parent))
    rows = csv.DictReader(StringIO(run("presets", "list", "accelerators", "--csv").out))
    title = next(row["title"] for row in rows if row["name"] == "theirs")
    assert title.startswith("'=1+1")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_what_starts_as_a_formula_has_an_apostrophe(start: str) -> None:
    from infercost.render.csv import as_text

    assert as_text(f"{start}1+1") == f"'{start}1+1"
    assert as_text(f"a{start}1") == f"a{start}1"


FLAGS = ("--gpu mi355x:2 --tp 2", "--efficiency vllm@0.6.3", "--model org/a_b-1.5B --dtype fp8", "--usable 90%")


@pytest.mark.parametrize("flags", FLAGS)
def test_flags_are_pasted_as_they_are(flags: str) -> None:
    from infercost.render.csv import as_text

    assert as_text(flags) == flags


@pytest.mark.parametrize(
    "end", ["=1", "|'x'!A1", "(1)", "+1", "!A1", "*2", "&A1", ";1", '"', "\n", "\t=1", "ü", "<1", "^2"]
)
def test_flags_with_more_than_words_have_an_apostrophe(end: str) -> None:
    from infercost.render.csv import as_text

    for text in (f"--gpu h100{end}", f"--{end}"):
        assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("text", ["--1", "--", "-- gpu", "---gpu", "-gpu", "--=1", "-1", "@SUM", "+gpu"])
def test_what_is_no_flag_has_an_apostrophe(text: str) -> None:
    from infercost.render.csv import as_text

    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize(
    "args",
    [("compare", "h100", "l40s", "--users", "1k"), ("frontier", "--gpu", "l40s:2"), ("fit", "--gpu", "l40s")],
    ids=lambda args: args[0],
)
def test_the_column_of_flags_can_be_pasted(args: tuple[str, ...], run: Run) -> None:
    asked = () if args[0] == "fit" else ("--model", "llama-3.1-8b")
    rows = list(csv.DictReader(StringIO(run(*args, *asked, "--csv").out)))
    assert any(row["flags"].startswith("--") for row in rows)
    assert not any(row["flags"].startswith("'") for row in rows)


def test_numbers_below_zero_stay_numbers() -> None:
    from infercost.render.csv import _cell
    from infercost.render.export import _csv_cell

    assert _cell(-1.5) == -1.5
    assert _csv_cell(-1.5) == "-1.5"
    assert _csv_cell("-1+1") == "'-1+1"


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes there")
@pytest.mark.parametrize("ending", ["json", "csv", "md", "txt", "svg", "png", "html", "vl.json"])
def test_a_name_that_is_no_unicode_is_written(ending: str, run: Run, tmp_path: Path) -> None:
    part = os.fsdecode(os.fsencode(tmp_path) + b"/p\xff.yaml")
    Path(part).write_text(H100)
    out = str(tmp_path / f"o.{ending}")
    option = "--plot" if ending in ("svg", "png", "html", "vl.json") else "--output"
    said = run("utilization", "--gpu", part, "--params", "7B", option, out)
    assert said.code == 0
    assert Path(out).stat().st_size > 0


# Where it cannot be written


def test_an_unwritable_standard_error_leaves_the_answer_and_its_code() -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("needs a full device")
    for args, code in ((FIT, 0), ((*FIT, "--gpus", "x"), 2)):
        with open("/dev/full", "wb") as full:
            said = subprocess.run([sys.executable, "-m", "infercost", *args], stdout=-1, stderr=full, env=bare_env())
        assert said.returncode == code
        assert bool(said.stdout) is (code == 0)


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    code = (
        "import os, sys; os.mkdir('gone'); os.chdir('gone'); os.rmdir('../gone')\n"
        f"sys.path.insert(0, {str(ROOT)!r})\n"
        "from infercost.cli.app import main\n"
        "sys.exit(main(['fit', '--gpu', 'h100', '--params', '7B', '-o', 'x.json']))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=tmp_path, env=bare_env())
    assert said.returncode == 2
    assert said.stderr.startswith(b"error: --output x.json: no such file or directory\nhint: ")


def test_an_error_of_the_system_is_said_of_its_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from infercost.scenario import resolve

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/somewhere/else")

    monkeypatch.setattr(resolve, "_RESOLVERS", {"fit": refuse})
    assert refused(run(*FIT)) == "error: /somewhere/else: permission denied"


def test_a_folder_that_may_not_be_read_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", refuse)
    (tmp_path / "config.json").write_text("{}")
    assert "permission denied" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path)))
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    (tmp_path / "accelerators").mkdir()
    monkeypatch.setattr(os, "listdir", refuse)
    assert "permission denied" in refused(run(*FIT))


def test_one_preset_that_cannot_be_read_is_no_other_ones_fault(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    (tmp_path / "accelerators").mkdir()
    (tmp_path / "accelerators" / "broken.yaml").write_bytes(b"\xff\xfe")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "odd.yaml").write_text("name: Odd\npublished: [1]\n")
    said = run("presets", "list")
    assert said.code == 0
    assert "broken.yaml: is binary" in said.err
    assert "odd.yaml: published is" in said.err
    assert run(*FIT).code == 0
    assert "binary" in refused(run("presets", "show", "broken"))


def test_what_a_killed_run_left_is_swept_and_what_runs_is_not(tmp_path: Path) -> None:
    left = tmp_path / f".infercost-{'0' * 16}"
    left.write_text("half")
    mine = tmp_path / ".infercost-notes"
    mine.write_text("kept")
    with writing.replacing(str(tmp_path / "a.txt")) as file:
        file.write(b"first")
        writing.write_file(str(tmp_path / "b.txt"), "second")
        assert len(os.listdir(tmp_path)) == 3  # b.txt, notes, and the file that is being written
    assert sorted(os.listdir(tmp_path)) == [".infercost-notes", "a.txt", "b.txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"first"


def test_a_run_that_is_killed_leaves_its_file_to_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys; from infercost.render.writing import replacing\n"
        "with replacing(sys.argv[1]) as file:\n    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)"
    )
    path = tmp_path / "a.txt"
    assert subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT).returncode == -9
    assert [name.startswith(".infercost-") for name in os.listdir(tmp_path)] == [True]
    writing.write_file(str(path), "whole")
    assert os.listdir(tmp_path) == ["a.txt"]


def test_ctrl_c_while_modules_load_ends_quietly() -> None:
    code = (
        "import sys\n"
        "class Pressed:\n"
        "    def find_spec(self, name, *_):\n"
        "        if name == 'typer': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Pressed())\n"
        "from infercost.__main__ import entry\n"
        "entry()"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=ROOT, env=bare_env())
    assert (said.returncode, said.stdout, said.stderr) == (130, b"", b"")


# What does not fit


@pytest.mark.parametrize(
    "args",
    [
        ("economies", "--gpu", "h100:8", "--params", "671B"),
        ("economies", "--gpu", "h100:2", "--gpu", "l4:1", "--model", "llama-3.1-70b"),
        ("frontier", "--gpu", "h100", "--model", "deepseek-v3", "--max-gpus", "4"),
    ],
    ids=["one", "one of two", "frontier"],
)
def test_what_does_not_fit_is_answered_with_a_picture_or_without(
    args: tuple[str, ...], run: Run, tmp_path: Path
) -> None:
    bare = run(*args)
    assert bare.code == 3
    for plot in ("", "a.svg", "a.png", "a.html", "a.vl.json"):
        drawn = run(*args, f"--plot={tmp_path / plot if plot else ''}")
        assert drawn.code == 3
        assert drawn.out.startswith(bare.out.rstrip())
        assert ("no picture" in drawn.err) is ("--gpu" not in args[3:])


def test_a_part_that_is_given_twice_is_one_line(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.vl.json"
    args = ("economies", "--gpu", "h100", "--gpu", "h100", "--params", "70B")
    assert run(*args, "--plot", str(path)).code == 0
    layers = json.loads(path.read_text())["vconcat"][0]
    assert '"every hour paid"' not in json.dumps(layers)


def test_the_sensitivity_of_what_does_not_fit_is_its_answer(run: Run) -> None:
    args = ("economies", "--gpu", "h100:8", "--params", "671B")
    assert run(*args, "--sensitivity") == run(*args)


# Files of strangers


def header(value: bytes) -> bytes:
    """A GGUF file of one key ``k`` with a value."""
    return b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k" + value


GGUF = {
    "an unknown type": header(struct.pack("<I", 13)),
    "a list of an unknown type": header(struct.pack("<IIQ", 9, 13, 1)),
    "a list of lists": header(struct.pack("<IIQ", 9, 9, 1)),
    "a list beyond the file": header(struct.pack("<IIQ", 9, 0, 2**63)),
    "a list of texts without end": header(struct.pack("<IIQ", 9, 8, 2**40)),
    "a text of a gigabyte": header(struct.pack("<IQ", 8, 10**9)),
    "a text in a list beyond the file": header(struct.pack("<IIQQ", 9, 8, 1, 2**63)),
    "no key": b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63),
    "a tensor of a billion dimensions": b"GGUF" + struct.pack("<IQQQI", 3, 1, 0, 0, 10**9),
    "a tensor of no weights": b"GGUF" + struct.pack("<IQQQIQIQ", 3, 1, 0, 0, 1, 0, 0, 0),
    "a tensor of 2^126 weights": b"GGUF" + struct.pack("<IQQQIQQIQ", 3, 1, 0, 0, 2, 2**63, 2**63, 0, 0),
}


@pytest.mark.parametrize("content", GGUF.values(), ids=GGUF.keys())
def test_a_gguf_header_that_is_none(content: bytes, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(content)
    assert "a.gguf" in refused(run("fit", "--gpu", "h100", "--model", str(path)))


def key(name: str, kind: int, value: bytes) -> bytes:
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + value


def test_a_gguf_key_of_the_wrong_kind(run: Run, tmp_path: Path) -> None:
    """A number of layers that is a text, from which prediction layers are taken off."""
    architecture = key("general.architecture", 8, struct.pack("<Q", 5) + b"llama")
    layers = key("llama.block_count", 8, struct.pack("<Q", 1) + b"3")
    predicting = key("llama.nextn_predict_layers", 4, struct.pack("<I", 1))
    (tmp_path / "a.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 3) + architecture + layers + predicting)
    assert "a value that cannot be" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path / "a.gguf")))


def test_a_sparse_gguf_takes_no_memory(tmp_path: Path) -> None:
    """Six gigabytes of zeros behind the counts of a header with 10,000 keys."""
    path = tmp_path / "a.gguf"
    with open(path, "wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 0, 10_000) + struct.pack("<QIQ", 0, 8, 10**8))
        file.truncate(6_000_000_000)
    start = time.process_time()
    with pytest.raises(BadFile, match="cut short or broken"):
        find_model(str(path))
    assert time.process_time() - start < 2


def checkpoint(folder: Path, **more: Any) -> str:
    config = {
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text", "hidden_size": 2560, "intermediate_size": 10240, "num_hidden_layers": 34,
            "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256, "vocab_size": 262208,
        },
        "vision_config": {"model_type": "siglip_vision_model", **more},
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config).replace('"@e400"', "1e400").replace('"@huge"', "9" * 400))
    return str(folder)


@pytest.mark.parametrize("value", [-27, 1.5, "27", "x" * 1000, [27], 1e300, 1e-300, "@e400", "@huge", True], ids=repr)
@pytest.mark.parametrize("name", ["hidden_size", "intermediate_size", "num_hidden_layers", "patch_size", "image_size"])
def test_numbers_of_a_vision_tower_have_the_bounds_of_all(name: str, value: Any, run: Run, tmp_path: Path) -> None:
    error = refused(run("fit", "--gpu", "h100", "--model", checkpoint(tmp_path / "m", **{name: value})))
    assert f"vision_config: {name} is " in error


def test_a_patch_of_no_width(run: Run, tmp_path: Path) -> None:
    refused(run("fit", "--gpu", "h100", "--model", checkpoint(tmp_path / "m", patch_size=0)))


HUGE = "1" + "0" * 400


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors.index.json", f'{{"metadata": {{"total_size": {HUGE}}}}}'),
        ("model.safetensors.index.json", '{"metadata": {"total_size": 1e400}}'),
        ("hf_quant_config.json", f'{{"quantization": {{"quant_algo": "NVFP4", "group_size": {HUGE}}}}}'),
        ("hf_quant_config.json", '{"quantization": {"quant_algo": "NVFP4", "group_size": 1e400}}'),
    ],
)
def test_a_number_of_400_digits_beside_a_config(name: str, content: str, run: Run, tmp_path: Path) -> None:
    folder = Path(checkpoint(tmp_path / "m"))
    (folder / name).write_text(content)
    error = refused(run("fit", "--gpu", "h100", "--model", str(folder)))
    assert "total_size is " in error or "group_size is " in error


def test_a_tensor_beyond_all_files(run: Run, tmp_path: Path) -> None:
    folder = Path(checkpoint(tmp_path / "m"))
    text = f'{{"t": {{"data_offsets": [0, {HUGE}]}}}}'.encode()
    (folder / "a.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    assert "a.safetensors" in refused(run("fit", "--gpu", "h100", "--model", str(folder)))


@pytest.mark.parametrize("value", [[HUGE, 128], [128, f"-{HUGE}"], ["1e400", 1]], ids=["wide", "below", "infinite"])
def test_a_block_of_400_digits(value: list[Any], run: Run, tmp_path: Path) -> None:
    config = {
        "model_type": "llama", "hidden_size": 64, "intermediate_size": 64, "num_hidden_layers": 1, "vocab_size": 8,
        "num_attention_heads": 4, "quantization_config": {"quant_method": "fp8", "weight_block_size": "@"},
    }  # fmt: skip
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config).replace('"@"', f"[{value[0]}, {value[1]}]"))
    assert "weight_block_size" in refused(run("fit", "--gpu", "h100", "--model", str(path)))


@pytest.mark.parametrize("size", ["header", "index"])
def test_what_is_larger_than_any_checkpoints_is_not_read(size: str, run: Run, tmp_path: Path) -> None:
    folder = Path(checkpoint(tmp_path / "m"))
    name = "a.safetensors" if size == "header" else "model.safetensors.index.json"
    with open(folder / name, "wb") as file:
        file.write((21_000_000).to_bytes(8, "little"))
        file.truncate(21_000_100)
    assert name in refused(run("fit", "--gpu", "h100", "--model", str(folder)))


@pytest.mark.parametrize("key", ["gpu", "model", "efficiency", "traffic", "trace"])
@pytest.mark.parametrize("value", ["a\\0b.yaml", "a\\0/b", "a\\0b.json", "h100\\0"])
def test_a_nul_in_a_scenario(key: str, value: str, run: Run, tmp_path: Path) -> None:
    given = {"gpu": "h100", "params": "7B", "users": "1000", key: value}
    given.pop("params" if key == "model" else "", None)
    path = tmp_path / "s.yaml"
    path.write_text("".join(f'{name}: "{text}"\n' for name, text in given.items()))
    assert "holds a NUL" in refused(run("userbase", "--scenario", str(path)))


def test_a_nul_from_python() -> None:
    import infercost

    with pytest.raises(infercost.errors.InfercostError):
        infercost.fit(gpu="a\0/b.yaml", params="7B")
    with pytest.raises(BadFile, match="holds a NUL"):
        writing.write_file("a\0b", "x")


def test_a_profile_that_is_cut_short(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("law: kernels\nmemory: engine\nprompts: filled\n")
    args = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", str(path))
    assert "mine has no launch_scale" in refused(run(*args))


@pytest.mark.parametrize(
    ("old", "new"),
    [("aliases: [", "aliases: [[x], "), ("name: ", "name: [x]\nnote: "), ("published: {", "published: {other: [1], ")],
)
def test_a_model_preset_of_another_form(old: str, new: str, run: Run, tmp_path: Path) -> None:
    text = (ROOT / "presets/models/llama-3.1-8b.yaml").read_text()
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new, 1))
    assert "mine.yaml" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path / "mine.yaml")))


@pytest.mark.parametrize("key", ["as_of", "weak", "others"])
def test_a_figure_whose_words_are_none(key: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"memory: {{value: 24 GB, source: LAB, {key}: [x]}}\nsources:\n  LAB: {{title: ours, date: 2026-01}}\n"
    )
    with pytest.raises(BadFile, match=f"{key} is no text"):
        catalog.load("accelerators", str(path))


# Time and memory


def test_the_limit_of_points_is_one_of_the_list() -> None:
    with pytest.raises(Exception, match="more than 10,000 points"):
        units.parse_range(WHOLE, ",".join(f"{n}0000:{n}9998:1" for n in range(1, 61)), "batch")
    assert len(units.parse_range(WHOLE, "1:5000:1,5001:10000:1", "batch")) == 10_000


def test_a_line_without_end_is_no_trace(run: Run, tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "t.csv.gz"
    with gzip.open(path, "wb") as file:
        file.write(b"requests\n1\n")
        for _ in range(200):
            file.write(b"1" * 1_000_000)
    args = ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--trace", str(path))
    assert "longer than 1024 KiB" in refused(run(*args))


def test_a_trace_with_an_hour_without_requests(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("requests\n0\n5\n")
    args = ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--trace", str(path), "--json")
    assert run(*args).json["results"]["usd_per_million_tokens"] > 0


def test_a_model_of_one_position_has_no_usual_request(run: Run, tmp_path: Path) -> None:
    config = {"model_type": "qwen", "hidden_size": 24, "intermediate_size": 2, "max_position_embeddings": 1}
    config |= {"num_attention_heads": 6, "num_hidden_layers": 8, "vocab_size": 9}
    (tmp_path / "config.json").write_text(json.dumps(config))
    said = run("utilization", "--gpu", "h100", "--model", str(tmp_path), "--json")
    assert (said.code, said.json["results"]["ttft_s"]) == (0, None)


def test_headroom_in_every_hour_takes_no_minute(run: Run) -> None:
    args = ("economies", "--gpu", "h100:8", "--params", "70B", "--scale-down", "--traffic", "coding-week")
    start = time.process_time()
    assert run(*args, "--max-wait-probability", "1%").code == 0
    assert time.process_time() - start < 15


@pytest.mark.parametrize("option", [("--params", "0.03"), ("--params", "2", "--active-params", "0.02")])
def test_less_than_one_parameter_is_none(option: tuple[str, ...], run: Run) -> None:
    refused(run("sweep-batch", "--gpu", "h100", *option))


def test_a_model_of_experts_alone_has_a_critical_batch(run: Run) -> None:
    """So few parameters are active that no dense product is left beside the experts."""
    args = ("utilization", "--gpu", "v100", "--params", "6.30257e9", "--active-params", "1.0187e7")
    shape = ("--layers", "157", "--hidden-size", "27209", "--efficiency", "vllm")
    assert run(*args, *shape, "--json").json["results"]["critical_batch"] > 0


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="needs an endless device")
@pytest.mark.parametrize("args", [("validate", "/dev/zero"), ("calibrate", "/dev/zero")], ids=str)
def test_an_endless_device_is_refused_at_its_start(args: tuple[str, ...], run: Run) -> None:
    start = time.process_time()
    more = ("--gpu", "h100", "--model", "llama-3.1-8b", "--output", "a.yaml") if args[0] == "calibrate" else ()
    assert "binary" in refused(run(*args, *more))
    assert time.process_time() - start < 3  # most of it SciPy's import


@pytest.mark.parametrize(("dtype", "code"), [("int3", 0), ("awq-g64", 0), ("hqq", 0), (".5", 2), ("5", 2)])
def test_bits_and_groups_of_a_bare_count_have_a_rate(run: Run, dtype: str, code: int) -> None:
    """A number alone is no format: it may be bits, bytes or anything."""
    assert run("sweep-batch", "--gpu", "gaudi2:2", "--params", "1736242426", "--dtype", dtype).code == code


def test_what_a_driver_reports_is_of_a_part_that_is_sold_with_so_much(run: Run, tmp_path: Path) -> None:
    mine = tmp_path / "mine.yaml"
    figures = "memory_bandwidth: {value: 100 GB/s, source: A}\nflops_fp16: {value: 4 TFLOP/s, source: A}"
    mine.write_text(
        f"memory_reported: {{value: 24 GiB, source: A}}\n{figures}\nsources: {{A: {{title: x, date: 2025}}}}"
    )
    said = run("fit", "--gpu", str(mine), "--model", "llama-3.1-8b")
    assert (said.code, ": no memory" in said.err) == (2, True)


def test_a_profile_with_tuned_flags_and_no_newest_release(run: Run, tmp_path: Path) -> None:
    own = (ROOT / "presets/efficiency/sglang.yaml").read_text()
    mine = tmp_path / "mine.yaml"
    mine.write_text("\n".join(line for line in own.splitlines() if not line.startswith("newest:")))
    assert run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", str(mine)).code == 0


def test_a_speed_beyond_all_numbers_is_no_measurement(run: Run, tmp_path: Path) -> None:
    """Nine tokens in 1e-300 ns are as many a second as no float holds."""
    mine = tmp_path / "ollama.json"
    mine.write_text('{"eval_count": 9, "eval_duration": 1e-300}')
    said = run("calibrate", str(mine), "--gpu", "h100", "--model", "llama-3.1-8b")
    assert (said.code, "is no measured number" in said.err) == (2, True)


@pytest.mark.parametrize("backends", ["any s t", "any"])
def test_a_backend_that_is_none_is_refused(run: Run, tmp_path: Path, backends: str) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text(f"law: llama.cpp\nsplit: layers\nbackends: [{backends}]\n")
    said = run("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", str(mine))
    assert (said.code, said.err.startswith("error: ")) == (2, True)


# Laws of answers


def test_no_share_is_above_one_where_a_law_beats_the_bound(run: Run) -> None:
    """Of attention over KV heads reads alone are counted: at a rate set 300 times too low its arithmetic is more."""
    args = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "64", "--context", "100000")
    slow = ("--set", "gpu.flops_bf16=300GFLOP/s")
    said = " ".join(run(*args, *slow).out.split())
    assert "more than all of the arithmetic (MFU) and " in said
    assert "at batch 4 on each; compute binds. " in said
    answer = run(*args, *slow, "--json").json
    assert answer["results"]["utilization"] is None
    assert any("utilization is null: the law beats the bound" in note["text"] for note in answer["notes"])


def test_integers_of_a_part_are_no_faster_than_its_integer_units(run: Run) -> None:
    """B300 multiplies integers at 153.5 TOP/s, 4.5 PFLOP/s at 8-bit floats: weights of INT8 take the first."""
    args = ("utilization", "--gpu", "b300-sxm:1", "--model", "qwen2.5-7b-w8a8", "--batch", "512", "--json")
    results = run(*args).json["results"]
    assert results["utilization"] < 1
    assert results["bound_step_time_s"] < results["step_time_s"]


def test_prompts_that_cost_no_time_have_no_price_below_zero(run: Run) -> None:
    """llama.cpp takes a prompt with its batch by kernels of many rows, sooner than a small batch alone."""
    args = ("--gpu", "m2-ultra:2", "--model", "gemma-4-26b-a4b", "--efficiency", "llama.cpp-metal", "--price", "2")
    request = ("--input-tokens", "2725", "--output-tokens", "80", "--messages-per-day", "88.4747", "--traffic", "work")
    for command in (("economies", "--points", "7"), ("userbase", "--tp", "1", "--pp", "2")):
        answer = run(*command, *args, *request, "--users", "1091788", "--json").json
        prices = [row.get("usd_per_million_tokens_input") for row in (answer["results"], *answer["rows"])]
        assert min(price for price in prices if price is not None) >= 0


def test_a_picture_of_parts_on_which_nothing_fits(run: Run) -> None:
    said = run("compare", "apple-m1:4", "--model", "phi-3-mini", "--batch", "1679", "--plot")
    assert (said.code, said.out.startswith("The model fits none of these.")) == (3, True)
    assert said.err.endswith("note: no picture: nothing that fits to draw\n")


@pytest.mark.parametrize("memory", ["999 MB", "10 MB"])
def test_a_node_of_thousands_whose_devices_hold_little_is_searched_at_once(memory: str, run: Run) -> None:
    """9,216 chips share a domain: no width that no head divides is tried on each count of them."""
    start = time.process_time()
    said = run("fit", "--gpu", "tpu-v7x", "--model", "llama-1-13b", "--batch", "8", "--set", f"gpu.memory={memory}")
    assert said.code in (0, 3)
    assert time.process_time() - start < 10


def test_a_part_without_a_link_is_asked_for_it_whatever_the_engine(run: Run) -> None:
    """Maia 200 has a domain of 6,144 and no published link: layouts of several were tried at no bandwidth."""
    asked = ("utilization", "--gpu", "maia-200", "--model", "kimi-k2.5-nvfp4", "--set", "gpu.flops_bf16=310TFLOP/s")
    said = run(*asked, "--efficiency", "autoawq", "--batch", "1")
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("error: no link bandwidth of maia-200 is known\n")


def test_a_row_of_an_unknown_kind_is_of_a_known_batch(run: Run, tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text(
        "id,source,year,framework,model,accelerator,n_accelerators,tp,pp,ep,weight_dtype,kv_dtype,"
        "batch_or_concurrency,input_tokens,output_tokens,metric,value,notes,kind\n"
        + "".join(
            f"{kind}-{metric},a log,2026,vLLM 0.10,llama-3.1-8b,h100-sxm,1,1,,,bf16,,8,1000,1000,{metric},100,,{kind}\n"
            for kind in ("null", "llama_bench")
            for metric in ("ttft_ms", "decode_ms_per_token", "e2e", "output_tok_s")
        )
    )
    said = run("validate", str(tmp_path / "runs.csv"), "--json")
    assert said.code == 0, said.err
    assert said.json["results"]["count"] == 8


def test_names_of_a_preset_of_ones_own_are_read_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A notebook's presets change between two questions: a size that was there is gone."""
    (tmp_path / "accelerators").mkdir()
    monkeypatch.setenv("INFERCOST_PRESETS", str(tmp_path))
    shipped = (ROOT / "presets/accelerators/apple-m4-max.yaml").read_text()
    theirs = tmp_path / "accelerators" / "theirs.yaml"
    theirs.write_text(shipped)
    assert run("presets", "show", "theirs-64gb").code == 0
    theirs.write_text(shipped.replace("64gb:", "65gb:").replace("memory: 64 GB", "memory: 65 GB"))
    assert "64" in refused(run("presets", "show", "theirs-64gb"))


def test_numbers_of_files_that_no_model_and_no_run_has_are_refused(run: Run, tmp_path: Path) -> None:
    config = {"model_type": "deepseek_v4", "hidden_size": 7168, "num_attention_heads": 128, "num_hidden_layers": 2}
    config |= {"vocab_size": 129280, "compress_ratios": [128, 10**300]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "compress_ratios is 1000" in refused(run("fit", "--gpu", "h100", "--model", str(tmp_path)))
    result = {"max_concurrency": 2, "completed": 1e-300, "total_input_tokens": 10000, "request_throughput": 5}
    (tmp_path / "run.jsonl").write_text(json.dumps(result | {"mean_ttft_ms": 3}) + "\n")
    said = refused(run("validate", str(tmp_path / "run.jsonl"), "--gpu", "h100", "--model", "llama-3.1-8b"))
    assert "1e+304 input tokens a request" in said


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("economies --gpu b200-sxm:1 --params 6317492911 --sweep tokens_per_month=1:1e12", 0),
        ("economies --gpu l20 --model deepseek-v3 --tp 4 --sweep users=1,2", 3),
        ("economies --gpu l20 --model deepseek-v3 --tp 4 --sweep users=1,2 --json", 3),
    ],
)
def test_a_sweep_without_users_or_room_is_answered(run: Run, asked: str, code: int) -> None:
    """Fewer tokens than one user has, and devices that do not hold the model."""
    said = run(*asked.split())
    assert said.code == code, said.err
    assert said.out


@pytest.mark.parametrize(("command", "key"), [("compare", "gpu"), ("frontier", "model"), ("economies", "gpu")])
def test_an_empty_list_is_no_option_that_was_left_out(command: str, key: str, run: Run, tmp_path: Path) -> None:
    """Taken as all parts by the search of a replica, and as a part without a name by what would make it fit."""
    (tmp_path / "case.json").write_text(json.dumps({"gpu": "h100", "model": "qwen3-8b", key: []}))
    said = run(command, "--scenario", str(tmp_path / "case.json"))
    assert (said.code, said.out) == (2, "")
    assert f"{key}: an empty list names nothing\nhint: name one, or leave {key} out" in said.err
