"""Files of one's own: what they are called in answers, and what asks for them again."""

import shlex
from pathlib import Path

import pytest

from tests.conftest import Run

OWN_CARD = """
name: {name}
memory: {{value: 48 GB, source: HERE}}
memory_bandwidth: {{value: {bandwidth}, source: HERE}}
flops_bf16: {{value: 200 TFLOP/s, source: HERE}}
link_bandwidth: {{value: 50 GB/s, source: HERE}}
sources: {{HERE: {{title: own, date: 2026-01}}}}
"""
OWN_HOST = """
name: A big box
memory: {value: 256 GB, source: HERE}
channels: {value: 8, source: HERE}
memory_bandwidth: {value: 200 GB/s, source: HERE}
link_bandwidth: {value: 32 GB/s, source: HERE}
sources: {HERE: {title: own, date: 2026-01}}
"""


def card(path: Path, name: str = "Acme X1", bandwidth: str = "1.2 TB/s") -> str:
    path.write_text(OWN_CARD.format(name=name, bandwidth=bandwidth))
    return str(path)


def test_a_part_of_ones_own_has_the_name_that_its_file_gives(run: Run, tmp_path: Path) -> None:
    """And is asked for by its path, which a line to paste has."""
    path, host = card(tmp_path / "mine.yaml"), tmp_path / "box.yaml"
    host.write_text(OWN_HOST)
    said = run("utilization", "--gpu", path, "--model", "llama-3.1-8b", "--json").json
    assert "on 1 x Acme X1, an estimate" in said["verdict"]
    assert said["inputs"]["gpu"] == path
    assert not any("mine" in note["text"] for note in said["notes"])
    job = ("--model", "llama-3.1-8b", "--concurrency", "4", "--price", "2", "--json")
    replay = {row["name"]: row["replay"] for row in run("compare", path, "h100", *job).json["rows"]}["Acme X1"]
    assert f"--gpu {path}:1" in replay
    assert run(*shlex.split(replay)[1:]).code == 0
    held = run("fit", "--gpu", path, "--model", "qwen3-30b-a3b", "--host", str(host), "--offload", "experts", "--json")
    assert "lie in A big box" in held.json["verdict"]
    nameless = tmp_path / "nameless.yaml"
    nameless.write_text(Path(path).read_text().replace("name: Acme X1", ""))
    assert "on 1 x nameless" in run("utilization", "--gpu", str(nameless), "--params", "8B", "--json").json["verdict"]


@pytest.mark.parametrize("efficiency", ["realistic", "vllm", "sglang", "tensorrt-llm"])
def test_what_is_said_of_a_part_without_a_vendor_names_none(efficiency: str, run: Run, tmp_path: Path) -> None:
    asked = ("utilization", "--gpu", card(tmp_path / "mine.yaml"), "--model", "llama-3.1-8b", "--json", "--efficiency")
    notes = [note["text"] for note in run(*asked, efficiency).json["notes"]]
    missing = " on Acme X1, without a measured error: no run of today's engines on such a part was measured"
    assert any(f"{missing}; infercost calibrate fits a profile to runs of yours" in note for note in notes)
    assert not any("  " in note for note in notes)
    assert "and Acme X1 names no vendor" in run(*asked, "llama.cpp-hip").err


@pytest.mark.parametrize("command", ["compare", "job", "economies", "frontier", "figures"])
def test_two_parts_of_one_name_go_by_their_files(command: str, run: Run, tmp_path: Path) -> None:
    """Neither row is taken for the other's, nor for that of a preset whose name a file gives."""
    files = card(tmp_path / "a.yaml"), card(tmp_path / "b.yaml", bandwidth="2.4 TB/s")
    model = ("--model", "llama-3.1-8b", "--price", "2")
    asked = {
        "compare": ("compare", *files, "--model", "llama-3.1-8b"),
        "job": ("compare", *files, *model, "--concurrency", "4"),
        "economies": ("economies", "--gpu", files[0], "--gpu", files[1], *model, "--users", "100", "--points", "2"),
        "frontier": ("frontier", "--gpu", files[0], "--gpu", files[1], *model, "--max-gpus", "1"),
        "figures": ("compare", *files),
    }[command]
    rows = run(*asked, "--json").json["rows"]
    assert {row["name"] for row in rows} == set(files)
    named = card(tmp_path / "c.yaml", name="h100-sxm")
    assert {row["name"] for row in run("compare", named, "h100", "--json").json["rows"]} == {named, "h100-sxm"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("usable: 0.9", "usable has no source; there is no overlap, no memory"),
        (
            "overlap: full\nusable: 0.9\nmemory_share: {value: 0.8, source: HERE}",
            "usable has no source; its source 'HERE' has no title or no date; there is no memory",
        ),
        ("like: vllm\nusable: 0.9\nmemory_share: 0.8", "memory_share and usable have no source"),
        ("law: kernels\nmemory: engine", "profile mine has no launch_scale, no exchange_latency, no "),
    ],
)
def test_a_profile_of_ones_own_is_told_at_once_all_that_it_lacks(
    text: str, said: str, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"name: Mine\n{text}\n")
    asked = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", str(path))
    refused = " ".join(run(*asked).err.split())
    assert said in refused
    whole = refused.partition("yours in place of examples: ")[2]
    if whole:  # and the smallest file that works is one
        path.write_text(whole)
        assert run(*asked).code == 0
