"""Contexts beyond a config: as a model's card documents them, or as far as a factor stretches positions."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import infercost
from infercost.errors import BadFile, BadValue
from infercost.models.families.table import read_model
from infercost.models.find import find_model
from infercost.parts import catalog
from tests.conftest import Run
from tests.models.test_config import LLAMA

ON_TWO: dict[str, Any] = {"gpu": "h100:2", "tp": 2, "model": "qwen3-32b"}


def test_what_the_card_documents_is_assumed() -> None:
    """Qwen3's card: 32,768 tokens, and 131,072 by YaRN with a factor of 4; its config says 40,960."""
    report = infercost.fit(context=131072, **ON_TWO)
    assert report["kv_bytes_per_token"] == 2 * 64 * 8 * 128 * 2
    assert report["longest_context"] == 131072
    (rope,) = [each for each in report.inputs if each.key == "rope_scaling"]
    assert (rope.value, rope.origin) == (4, "assumed: its card documents 131,072 tokens by YaRN")
    assert rope.source == "Qwen3 model cards, Processing Long Texts"
    assert [note.code for note in report.notes].count("rope-scaling") == 1


def test_within_the_config_nothing_is_stretched() -> None:
    report = infercost.fit(context=40960, **ON_TWO)
    assert "rope_scaling" not in {each.key for each in report.inputs}
    assert report["longest_context"] == 40960


def test_a_request_is_as_long_as_its_prompt_and_its_answer() -> None:
    report = infercost.utilization(input_tokens=100_000, output_tokens=1000, **ON_TWO)
    assert {each.key: each.value for each in report.inputs}["rope_scaling"] == 4
    with pytest.raises(BadValue, match="is more than qwen3-32b was made for") as caught:
        infercost.utilization(input_tokens=131_072, output_tokens=1, **ON_TWO)
    assert "131,072 tokens by YaRN; --rope-scaling 5" in caught.value.hint


def test_further_only_with_a_factor() -> None:
    with pytest.raises(BadValue, match="--context 262,144 is more than qwen3-32b was made for") as caught:
        infercost.fit(context=262_144, **ON_TWO)
    assert caught.value.hint.startswith("its config says 40,960 positions, its card 131,072 tokens by YaRN")
    assert caught.value.hint.endswith("--rope-scaling 8 stretches them further")
    wide = infercost.fit(context=262_144, rope_scaling=8, **{**ON_TWO, "gpu": "h100:4", "tp": 4})
    assert (wide["fits"], wide["longest_context"]) == (True, 8 * 32768)
    with pytest.raises(BadValue, match="--context 262,145") as caught:
        infercost.fit(context=262_145, rope_scaling=8, **ON_TWO)
    assert caught.value.hint.startswith("they reach 262,144 tokens, stretched 8 times; --rope-scaling 9")


def test_a_model_without_such_a_card_is_stretched_from_its_config() -> None:
    """Llama 3.1 names 131,072 positions."""
    with pytest.raises(BadValue) as caught:
        infercost.fit(gpu="h100:8", model="llama-3.1-8b", context="1M")
    assert caught.value.hint == "its config says 131,072 positions; --rope-scaling 8 stretches them further"
    assert infercost.fit(gpu="h100:8", model="llama-3.1-8b", context="1M", rope_scaling=8)["fits"]


def test_a_sweep_of_contexts_goes_as_far_as_the_card(run: Run) -> None:
    swept = run("fit", "--model", "qwen3-32b", "--gpu", "h100:4", "--sweep", "context=32k,128k,256k", "--json").json
    (note,) = [note["text"] for note in swept["notes"] if "no answer" in note["text"]]
    assert note == "no answer at context 256,000: --context 256,000 is more than qwen3-32b was made for"


def test_the_command_stretches_them_too(run: Run) -> None:
    said = run(
        "fit", "--model", "qwen3-32b", "--gpu", "h100:2", "--tp", "2", "--context", "131072", "--format", "plain"
    )
    settings = said.out.partition("--hf-overrides '")[2].partition("'")[0]
    assert json.loads(settings) == {
        "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    }
    said = run("fit", "--model", "qwen3.5-9b", "--gpu", "h100:2", "--context", "300000", "--rope-scaling", "2")
    assert "--hf-overrides" not in said.out
    assert "text part of its config" in " ".join((said.out + said.err).split())


@pytest.mark.parametrize("name", ["compare", "frontier", "sweep-batch", "userbase", "economies", "utilization", "fit"])
def test_every_command_takes_the_factor(name: str, run: Run) -> None:
    part = ("h100",) if name == "compare" else ("--gpu", "h100:8") if name != "frontier" else ("--gpu", "h100")
    more = ("--users", "1000") if name in ("userbase", "economies") else ()
    said = run(name, *part, "--model", "qwen3-8b", "--context", "140000", "--rope-scaling", "5", *more, "--json")
    assert said.code == 0, said.err
    assert said.json["inputs"]["rope_scaling"] == 5


@pytest.mark.parametrize("key", ["rope_scaling", "rope_parameters"])
def test_a_config_that_stretches_itself(key: str) -> None:
    config = {**LLAMA, "max_position_embeddings": 40960}
    rope = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
    assert read_model({**config, key: rope}, "m", "test").max_context == 131072
    assert read_model({**config, key: {**rope, "factor": 1.0}}, "m", "test").max_context == 40960
    assert read_model({**config, key: {"type": "yarn", "factor": 4.0}}, "m", "test").max_context == 40960
    assert read_model({**config, key: {"rope_type": "llama3", "factor": 8.0}}, "m", "test").max_context == 40960
    # vLLM 0.33, config/model.py: Vicuna 16K names 4,096 positions and a linear factor of 4
    for kind in ("linear", "dynamic"):
        rope = {"type": kind, "factor": 4.0}
        assert read_model({**config, "max_position_embeddings": 4096, key: rope}, "m", "test").max_context == 16384
    assert read_model({**config, key: {"rope_type": "longrope", "factor": 32.0}}, "m", "test").max_context == 40960
    # every other kind of a factor stretches there too; newer files have settings for each kind of layer
    assert read_model({**config, key: {"rope_type": "ntk", "factor": 2.0}}, "m", "test").max_context == 81920
    by_kind = {"full_attention": {**rope, "rope_type": "yarn", "original_max_position_embeddings": 32768}}
    both = {**by_kind, "sliding_attention": {"rope_type": "default", "rope_theta": 1e4}}
    assert read_model({**config, key: both}, "m", "test").max_context == 131072


@pytest.mark.parametrize("name", ["qwen3-vl-8b", "qwen3-vl-235b-a22b", "qwen3.5-122b-a10b"])
def test_a_million_tokens_that_a_publisher_documents(name: str) -> None:
    assert infercost.fit(gpu="b200:8", model=name, context=1_000_000)["fits"]


def test_a_preset_that_extends_nothing_is_refused(tmp_path: Path) -> None:
    text = Path(catalog.find("models", "qwen3-8b")[1]).read_text()
    path = tmp_path / "mine.yaml"
    for wrong in ("extended: far", "extended: {context: 131072, source: card, date: 2025-05}"):
        lines = [wrong if line.startswith("extended") else line for line in text.splitlines()]
        path.write_text("\n".join(lines))
        with pytest.raises(BadFile, match="extended says no longer context"):
            find_model(str(path))


@pytest.mark.parametrize(
    ("name", "tokens"), [("qwen3.5-27b", 1_010_000), ("qwen3.6-35b-a3b", 1_010_000), ("qwen3-coder-30b-a3b", 1_000_000)]
)
def test_a_card_of_a_million_tokens(name: str, tokens: int) -> None:
    """Their cards: 262,144 natively and extensible up to 1,010,000, and up to 1M by YaRN."""
    assert infercost.fit(gpu="h200:8", model=name, context=tokens)["fits"]


def test_presets_say_what_a_token_takes(run: Run) -> None:
    """Llama 3.1 8B: 2 x 7,504,924,672 multiplied, and 32 layers of 8 KV heads of 128, keys and values of 2 bytes."""
    said = " ".join(run("presets", "show", "llama-3.1-8b").out.split())
    assert pytest.approx(15.01, abs=0.005) == 2 * (8_030_261_248 - 128_256 * 4096) / 1e9
    assert "; a token takes 15.01 GFLOP, more with context, and 131.1 kB (128 KiB) of KV cache, a quarter of " in said
    # its publisher says 39B
    sparse = " ".join(run("presets", "show", "mixtral-8x22b").out.split())
    assert re.search(r" layers, 38\.96B of them for each token; a token takes ", sparse)


def test_presets_say_what_their_card_does(run: Run) -> None:
    said = run("presets", "show", "qwen3-next-80b-a3b")
    assert "1,010,000 tokens by YaRN, 4 times 262,144" in " ".join(said.err.split())
