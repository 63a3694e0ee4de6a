"""What engines set aside: by the sequences and tokens that they start with, their links, their releases."""

import re

import pytest

from infercost.models.find import find_model, with_format
from infercost.parts import catalog
from infercost.parts.stack import complete
from infercost.replica.layout import Layout
from infercost.replica.memory import Blocks, plan, start_of
from tests.conftest import Run

GIB = 2**30


def results(run: Run, *args: str) -> dict[str, float]:
    said = run("fit", *args, "--json")
    assert said.code in (0, 3), said.err
    return dict(said.json["results"])


@pytest.mark.parametrize(
    ("args", "reserve"),
    [
        # vllm issues 17073 and 33920: 256 dummy requests below 70 GiB; 151,936 x 16,106 B are those of 1,024
        ("--gpu rtx-4090 --model qwen3-8b --efficiency vllm", 151_936 * 16_106 / 4),
        ("--gpu h100 --model qwen3-8b", 151_936 * 16_106),
        # vLLM takes the same on an A100 of 80 GB
        ("--gpu a100-80gb --model qwen3-8b", 151_936 * 16_106 / 4),
        ("--gpu h100 --model qwen3-8b --max-sequences 512", 151_936 * 16_106 / 2),
        # a quarter of the prompt tokens where logits take less
        ("--gpu rtx-4090 --model qwen3-8b --max-sequences 16", 0.8 * GIB / 4),
        ("--gpu h100 --model qwen3-8b --max-sequences 16", 0.8 * GIB),
        # to 0.16 a log had 5.64 GiB for this vocabulary, Qwen3-14B, and 4.76 GiB for 128,256
        ("--gpu h100 --model qwen3-14b --engine-version 0.16.0", 5.64 * GIB),
        ("--gpu h100 --model llama-3.1-8b --efficiency vllm@0.11.0", 4.76 * GIB),
        ("--gpu h100 --model qwen3-14b --engine-version 0.17.0", 2.28 * GIB),
    ],
)
def test_activations(args: str, reserve: float, run: Run) -> None:
    assert results(run, *args.split())["activation_bytes_per_gpu"] == pytest.approx(reserve, rel=0.01)


@pytest.mark.parametrize(
    ("args", "engine"),
    [
        ("--gpu h100:2 --model llama-3.1-8b --tp 2", 2.1),  # logged: 2.07
        ("--gpu h100:2 --model llama-3.1-8b --pp 2", 0.25),  # logged: 0.07 on the first stage, about 0.2 on the last
        ("--gpu rtx-4090:2 --model llama-3.1-8b --tp 2 --efficiency vllm", 0.25),  # vllm issue 13061
        ("--gpu h100:2 --model llama-3.1-8b --tp 2 --engine-version 0.11.0", 0.55),
    ],
)
def test_ranks_and_stages(args: str, engine: float, run: Run) -> None:
    assert results(run, *args.split())["engine_bytes_per_gpu"] == pytest.approx(engine * GIB)


def test_tensor_ranks_over_pcie_are_no_worse_off_than_stages(run: Run) -> None:
    found = results(run, "--gpu", "rtx-4090:2", "--model", "llama-3.1-70b", "--dtype", "int4", "--efficiency", "vllm")
    assert (found["fits"], found["tp"], found["pp"]) == (True, 2, 1)


def test_eight_ranks_over_pcie_as_logged() -> None:
    """vllm pull request 51590, 0.28: 8 x RTX PRO 4500 at 95%, 9.98 GiB of weights, leave 19.0 GiB."""
    model, part = find_model("gpt-oss-120b").model, catalog.load("accelerators", "rtx-pro-4500")
    profile = complete(catalog.load("efficiency", "vllm"))
    found = plan(
        model,
        Layout(8),
        profile,
        device_memory=31.38 * GIB,
        usable=0.95,
        context=8192,
        batch=1,
        start=start_of(profile, part),
    )
    assert (found.pool + found.weights) / GIB == pytest.approx(19.0 + 9.98, rel=0.01)


def test_no_reserve_is_larger_than_the_part(run: Run) -> None:
    said = run("fit", "--gpu", "groq-lpu-v1:64", "--model", "llama-3.1-8b", "--json").json
    assert (said["results"]["activation_bytes_per_gpu"], said["results"]["engine_bytes_per_gpu"]) == (0, 0)
    assert any(note["code"] == "reserves" for note in said["notes"])


@pytest.mark.parametrize(
    ("name", "bits", "tp", "pool", "blocks"),
    [
        # vllm-project/vllm issue 49064: Qwen3.8-27B on two cards of 20 GB, 3.86 GiB each
        ("qwen3.8-27b", 16, 2, 3.86, 161),
        # a log of Qwen3.5-VL 9B on one card: 1.74 GiB
        ("qwen3.5-9b", 16, 1, 1.74, 108),
    ],
)
def test_blocks_of_states_as_logged(name: str, bits: float, tp: int, pool: float, blocks: int) -> None:
    model = with_format(find_model(name).model, "bf16", bits)
    profile = complete(catalog.load("efficiency", "vllm"))
    empty = plan(model, Layout(tp), profile, device_memory=200e9, usable=0.9, context=1, batch=1)
    found = empty._replace(pool=pool * GIB).blocks
    assert found is not None
    assert found.total == pytest.approx(blocks, abs=1)
    assert found.of_sequence == 4


def test_blocks_are_few_before_they_are_too_few() -> None:
    assert Blocks(721, 4).are_few(1024)
    assert not Blocks(2000, 4).are_few(1024)
    assert Blocks(721, 4).sequences == 180


def test_windowed_layers_name_both_ends(run: Run) -> None:
    """A log of vLLM 0.19 counts 130,304 tokens for Gemma 3 12B at 95% of an H100, all layers whole."""
    args = ("--gpu", "h100", "--model", "gemma-3-12b", "--usable", "95%")
    said = run("fit", *args, "--json").json
    note = next(note["text"] for note in said["notes"] if note["code"] == "windows")
    assert note.startswith("vLLM holds what is said here; its log says ")
    assert note.endswith(" tokens, as if no layer had a window")
    tokens = int(re.sub(r"\D", "", note))
    assert tokens == pytest.approx(130_304, rel=0.02)
    assert said["results"]["kv_pool_tokens"] > 5 * tokens
    old = run("fit", *args, "--engine-version", "0.8.5", "--json").json
    assert old["results"]["kv_bytes_per_token"] == 48 * 8 * 256 * 2 * 2
    assert "keeps all layers whole" in str(old["notes"])
    short = run("fit", "--gpu", "l4:1", "--model", "gemma-3-12b", "--json")
    assert short.code == 3
    assert "windows" not in {note["code"] for note in short.json["notes"]}


def test_llama_cpp_keeps_windows_and_is_told_no_other_count(run: Run) -> None:
    for args in ("--gpu m4-max-128gb --model gpt-oss-120b", "--gpu 3090 --model gemma-3-27b --dtype q4_k_m"):
        said = run("fit", *args.split(), "--json").json
        assert "windows" not in {note["code"] for note in said["notes"]}
        assert said["results"]["max_sequences"] > 1


def test_a_part_whose_allocator_is_not_known_says_so(run: Run) -> None:
    """vllm-project/vllm-gaudi issue 1596: about 65,000 tokens of Gemma 4 31B on one Gaudi 3."""
    said = run("fit", "--gpu", "gaudi3:1", "--model", "gemma-4-31b", "--tp", "1", "--json").json
    note = next(note["text"] for note in said["notes"] if note["code"] == "windows")
    assert "all layers whole" in note
    assert int(note.partition("holds ")[2].partition(" ")[0].replace(",", "")) == pytest.approx(65_000, rel=0.3)


def test_a_release_is_given_once(run: Run) -> None:
    both = run(
        "fit", "--gpu", "h100", "--model", "qwen3-8b", "--efficiency", "vllm@0.16.0", "--engine-version", "0.16.0"
    )
    assert (both.code, "two ways to say one thing" in both.err) == (2, True)
    none = run("fit", "--gpu", "h100", "--model", "qwen3-8b", "--engine-version", "new")
    assert (none.code, "no release" in none.err) == (2, True)


@pytest.mark.parametrize(
    ("asked", "stands_in"),
    [("vllm@0.24.0", ""), ("vllm@9.9.9", "0.24.0"), ("sglang@0.5.19", ""), ("sglang@9.9.9", "0.5.19")],
)
def test_a_release_that_nobody_measured_names_the_one_that_stands_in(asked: str, stands_in: str, run: Run) -> None:
    notes = run("fit", "--gpu", "h100", "--model", "qwen3-8b", "--efficiency", asked, "--json").json["notes"]
    said = [note["text"] for note in notes if note["code"] == "release"]
    assert [f"the figures of {stands_in}, the newest that was, stand in" in text for text in said] == [True] * bool(
        stands_in
    )
    assert ["9.9.9" in note["text"] for note in notes if note["code"] == "engine"] == [False]
