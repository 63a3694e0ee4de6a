"""What a model needs of memory where no accelerator is named, by hand from its configuration."""

import re

import pytest

import infercost
from infercost.errors import InfercostError
from tests.conftest import Run

#: Llama 3.1 8B: 8,030,261,248 parameters of 2 B; 32 layers x 2 x 8 heads x 128 x 2 B a token.
WEIGHTS, TOKEN = 2 * 8_030_261_248, 32 * 2 * 8 * 128 * 2


def test_a_model_without_a_card_is_its_weights_and_its_sequences(run: Run) -> None:
    """16.06 GB and 64 x 16,000 x 131,072 B = 134.2 GB are 150.3 GB."""
    asked = ("fit", "--model", "llama-3.1-8b", "--context", "16k", "--batch", "64")
    results = run(*asked, "--json").json["results"]
    assert results["weight_bytes"] == WEIGHTS
    assert results["kv_bytes_per_token"] == TOKEN
    assert results["kv_bytes_per_sequence"] == 16_000 * TOKEN
    assert results["kv_bytes_of_batch"] == 64 * 16_000 * TOKEN
    assert results["memory_needed_bytes"] == WEIGHTS + 64 * 16_000 * TOKEN
    said = " ".join(run(*asked).out.split())
    assert said.startswith("llama-3.1-8b (bf16) needs 16.06 GB for its weights and 134.2 GB for 64 sequences of 16,000")
    assert ": 150.3 GB, before what an engine takes." in said
    assert "A card of" not in said.partition("Asked")[0], "no card of a desktop holds as much"
    assert " 4 x h100-sxm hold it." in said, "2 x 72 GB are less than 150.3 GB"


def test_a_format_counts_as_fit_counts_it() -> None:
    """Mistral Small 3.1: 40 layers x 2 x 8 heads x 128 x 2 B a token, 8,192 of them 1.342 GB, in a q5_k_m file."""
    question = {"model": "mistral-small-3.1-24b", "dtype": "q5_k_m"}
    alone, on = infercost.fit(**question), infercost.fit(gpu="rtx-4090", **question)
    cache = 8_192 * 40 * 2 * 8 * 128 * 2
    assert alone["kv_bytes_per_sequence"] == on["kv_bytes_per_sequence"] == cache
    assert alone["weight_bytes"] == on["weight_bytes"]
    assert alone["memory_needed_bytes"] == on["weight_bytes"] + cache
    verdict = (
        "mistral-small-3.1-24b (q5_k_m) needs 16.76 GB for its weights and 1.342 GB for a sequence of 8,192 tokens"
    )
    assert alone.verdict.startswith(verdict)


@pytest.mark.parametrize(
    ("model", "dtype", "size", "card"),
    [
        ("llama-3.2-3b", "q4_k_m", 6, "rtx-2060"),
        ("llama-3.1-8b", "q6_k", 8, "rtx-4060"),
        ("phi-4", "q4_k_m", 12, "rtx-3060-12gb"),
    ],
)
def test_cards_that_people_own_are_among_those_looked_at(model: str, dtype: str, size: int, card: str) -> None:
    """Files of 2, 6.6 and 9 GB, beside 0.5 to 1 GB of cache and an engine's reserves."""
    question = {"model": model, "dtype": dtype, "context": 4096}
    assert f"A card of {size} GB holds it ({card})." in infercost.fit(**question).verdict
    assert infercost.fit(gpu=f"{card}:1", **question).met


@pytest.mark.parametrize(("card", "less"), [("rtx-3090", "rtx-4080")])
def test_the_least_card_is_the_one_that_fit_says_holds_it(card: str, less: str) -> None:
    question = {"model": "mistral-small-3.1-24b", "dtype": "q5_k_m"}
    assert f"A card of 24 GB holds it ({card})." in infercost.fit(**question).verdict
    assert infercost.fit(gpu=f"{card}:1", **question).met
    assert not infercost.fit(gpu=f"{less}:1", **question).met


@pytest.mark.parametrize(
    ("model", "dtype", "said", "least", "less"),
    [
        (
            "qwen3-235b-a22b",
            "q3_k_m",
            " x h100-sxm hold it, or a Mac of 192 GB (apple-m2-ultra).",
            "apple-m2-ultra:1",
            "apple-m4-max:1",
        ),
        ("llama-3-70b", "bf16", " 2 x h100-sxm hold it, or a Mac of 192 GB (apple-m2-ultra).", "h100:2", "h100:1"),
        ("deepseek-v3", "fp8", "16 x h100-sxm hold it.", "h100:16", "h100:8"),
    ],
)
def test_beyond_cards_the_least_computer_or_server_is_named(
    model: str, dtype: str, said: str, least: str, less: str
) -> None:
    """114 GB are more than three quarters of 128 GiB and less than those of 192; 674 GB are more than 8 x 80 GB."""
    question = {"model": model, "dtype": dtype}
    assert said in infercost.fit(**question).verdict
    assert infercost.fit(gpu=least, **question).met
    assert not infercost.fit(gpu=less, **question).met


def test_a_bare_count_is_its_weights(run: Run) -> None:
    """70e9 x 1 B; how much cache a token takes nobody knows."""
    result = run("fit", "--params", "70B", "--dtype", "fp8", "--json").json
    assert result["results"]["weight_bytes"] == result["results"]["memory_needed_bytes"] == 70e9
    assert result["results"]["kv_bytes_per_token"] is None
    assert "70B parameters (fp8) need 70 GB for their weights, before a KV cache" in result["verdict"]


def test_a_model_that_decodes_nothing_keeps_no_cache() -> None:
    report = infercost.fit(model="bge-m3")
    assert report["memory_needed_bytes"] == report["weight_bytes"]
    assert report["kv_bytes_of_batch"] is None
    assert "for its weights, before what an engine takes" in report.verdict


def test_the_work_of_it_ends_at_the_sum(run: Run) -> None:
    steps = run("fit", "--model", "llama-3.1-8b", "--batch", "4", "--steps", "--json").json["steps"]
    assert {step["name"] for step in steps} >= {"loaded_weights", "batch_cache", "model_memory"}


def test_a_sweep_has_a_row_a_context(run: Run) -> None:
    """8,000 and 32,000 tokens of 131,072 B beside 16.06 GB are 17.11 and 20.25 GB."""
    result = run("fit", "--model", "llama-3.1-8b", "--sweep", "context=8k,32k", "--json").json
    assert [row["memory_needed_bytes"] for row in result["rows"]] == [WEIGHTS + n * TOKEN for n in (8_000, 32_000)]
    assert "the memory needed rises from 17.11 GB to 20.25 GB" in result["verdict"]


def test_its_picture_has_the_weights_and_the_cache(run: Run) -> None:
    drawn = run("fit", "--model", "llama-3.1-8b", "--plot").out
    assert "Memory of llama-3.1-8b before what an engine takes" in drawn


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ("--model llama-3.1-8b --tp 2 --usable 0.9", "fit needs --gpu for --usable, --tp"),
        ("--model llama-3.1-8b --sensitivity", "fit needs --gpu for --sensitivity"),
        ("--params 70B --context 8k", "--context needs --model: a bare count has no layers"),
        ("--params 70B --model llama-3.1-8b", "--model says params already"),
        ("", "fit needs --gpu, and a model or none"),
    ],
)
def test_what_needs_a_card_is_refused(asked: str, what: str, run: Run) -> None:
    result = run("fit", *asked.split())
    assert (result.code, result.out) == (2, "")
    assert what in result.err


def test_a_plain_model_is_asked_from_python() -> None:
    with pytest.raises(InfercostError, match="fit needs --gpu for --host"):
        infercost.fit(model="llama-3.1-8b", host="desktop-ddr5")


@pytest.mark.parametrize(("gpu", "start"), [("h100:16", "Fits as 2 replicas"), ("h100:4", "Does not fit")])
def test_the_cache_of_a_batch_stands_in_the_verdict(gpu: str, start: str, run: Run) -> None:
    """Qwen2.5 72B: 80 layers x 2 x 8 heads x 128 x 2 B a token, of 64 x 32,000 tokens 671.1 GB."""
    asked = ("fit", "--gpu", gpu, "--model", "qwen2.5-72b", "--context", "32k", "--batch", "64")
    document = run(*asked, "--json").json
    assert document["results"]["kv_bytes_of_batch"] == 64 * 32_000 * 80 * 2 * 8 * 128 * 2
    assert document["verdict"].startswith(start)
    assert "oken takes 327.7 kB of KV cache, all 64 sequences 671.1 GB." in document["verdict"]
    assert "KV cache of the batch" in run(*asked).out


def test_a_batch_that_does_not_split_evenly_is_counted_as_it_is() -> None:
    """63 sequences of 8,192 x 131,072 B on two replicas of 32 and 31."""
    report = infercost.fit(gpu="h100:8", model="llama-3.1-8b", batch=63, dp=2)
    assert report["kv_bytes_of_batch"] == 63 * 8_192 * TOKEN


def test_a_host_has_its_part_of_the_cache() -> None:
    """Half of the layers in a host keep half of 4 x 8,192 x 131,072 B there."""
    question = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "dtype": "q4_k_m", "batch": 4, "host": "desktop-ddr5"}
    report = infercost.fit(**question, offload="layers", offload_layers=16)
    assert report["kv_bytes_of_batch"] == 4 * 8_192 * TOKEN


def test_one_sequence_is_no_batch() -> None:
    report = infercost.fit(gpu="h100", model="llama-3.1-8b")
    assert report["kv_bytes_of_batch"] == report["kv_bytes_per_sequence"]
    assert "all" not in report.verdict


def test_the_verdict_of_fit_has_the_weights_and_what_is_needed() -> None:
    """16.76 GB of weights; what is needed of a card of 25.38 GB, 96% planned with, leaves the rest of 24.36 GB."""
    report = infercost.fit(gpu="rtx-4090", model="mistral-small-3.1-24b", dtype="q5_k_m")
    needed = report["memory_needed_bytes"] / 1e9
    left = 0.96 * report["memory_per_gpu_bytes"] / 1e9 - needed
    start = "Fits: mistral-small-3.1-24b (q5_k_m, 16.76 GB) on 1 x rtx-4090 with 1 x 8,192 tokens"
    assert report.verdict.startswith(f"{start}, {needed:.4g} GB needed, {left:.4g} GB to spare")
    several = infercost.fit(gpu="h100:4", model="llama-3.1-70b")
    assert f"{several['memory_needed_bytes'] / 1e9:.4g} GB a device needed" in several.verdict
    short = infercost.fit(gpu="rtx-4090", model="mistral-small-3.1-24b", dtype="bf16")
    assert short.verdict.startswith("Does not fit: mistral-small-3.1-24b (bf16, 48.02 GB) with 1 x 8,192 tokens on")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            "llama-2-70b",
            "327.7 kB (320 KiB) of KV cache, an eighth of what 64 heads would keep.",
        ),  # 80 x 2 x 8 x 128 x 2
        ("falcon-7b", "8.192 kB (8 KiB) of KV cache, 1/71 of what 71 heads would keep."),  # 32 x 2 x 64 x 2
        ("llama-2-7b", "524.3 kB (512 KiB) of KV cache."),  # as many as there are heads
        # 128 x (128 + 64 + 128) values of keys and values, 512 + 64 of a latent
        # 62 layers of 131,072 tokens over 10 of them and 52 of 1,024
        (
            "gemma-3-27b",
            "81.92 kB (80 KiB) of KV cache, half of what 32 heads would keep, and 5.96 times less at 131,072 tokens "
            "than without windows.",
        ),
        ("deepseek-v3", "70.27 kB of KV cache, 71.1 times less than keys and values of its 128 heads."),
    ],
)
def test_what_grouped_heads_and_latents_save_is_said(model: str, words: str, run: Run) -> None:
    assert words in run("presets", "show", model, "--json").json["verdict"]
    said = " ".join(run("fit", "--model", model).out.split())
    held, _, saved = words.removesuffix(".").partition(", ")
    assert f"A token takes {held.removesuffix('.')}" in said
    assert saved.partition(", and ")[0] in said.partition("KV cache per token")[2]


@pytest.mark.parametrize(
    ("model", "context", "end"),
    [
        ("llama-2-70b", 4000, "of KV cache, an eighth of what 64 heads would keep."),  # 8 of 64
        ("falcon-7b", 2000, "of KV cache, 1/71 of what 71 heads would keep."),
        ("llama-2-7b", 4000, "of KV cache."),  # as many as there are heads
        ("deepseek-v3", 4000, "of KV cache, 1/71.1 of what 128 heads would keep."),  # 128 x (128 + 64 + 128) / 576
        # beside latents of 576 x 2 bytes the keys of its indexer in 132: 128 x 320 x 2 / 1,284
        ("deepseek-v3.2", 4000, "of KV cache, 1/63.8 of what 128 heads would keep."),
        ("qwen3-next-80b-a3b", 4000, "of KV cache, an eighth of what 16 heads would keep."),  # its states have 32
        # 62 layers of 4,000 tokens over 10 of them and 52 of 1,024; with 36 and 18 of 128, 1.94
        ("gemma-3-27b", 4000, "half of what 32 heads would keep; without windows a sequence takes 2.66x as much."),
        (
            "gpt-oss-120b",
            4000,
            "of what 64 heads would keep; without windows a sequence takes 1.94x as much.",
        ),
        ("gemma-3-27b", 512, "of KV cache, half of what 32 heads would keep."),  # no window is full
        ("mistral-7b-v0.1", 8192, "(rtx-3090). Without windows a sequence takes 2x as much."),  # all of 4,096
    ],
)
def test_the_verdict_has_what_grouped_heads_latents_and_windows_save(model: str, context: int, end: str) -> None:
    assert infercost.fit(model=model, context=context).verdict.endswith(end)


def test_the_cache_on_devices_says_what_grouped_heads_save(run: Run) -> None:
    said = " ".join(run("fit", "--gpu", "h100:4", "--model", "llama-2-70b").out.split())
    assert "an eighth of 64 heads" in said.partition("KV cache per token")[2]


@pytest.mark.parametrize(
    ("model", "words", "state"),
    [  # a state of 8,192 x 16 values of 4 bytes and 3 inputs of the convolution of 2 bytes, in 28 layers
        ("jamba-v0.1", " of KV cache in 4 of its 32 layers; 28 keep a state instead, 16.06 MB a sequence.", 16056320),
        # 32 heads of 128 x 128 values of 4 bytes, 3 inputs of 8,192 channels of 2 bytes, in 36 layers
        ("qwen3-next-80b-a3b", "in 12 of its 48 layers; 36 keep a state instead, 77.27 MB a sequence.", 77266944),
        ("mamba-codestral-7b", "; no layer keeps a cache, 64 a state of ", None),
    ],
)
def test_a_hybrid_model_says_which_layers_keep_a_state(model: str, words: str, state: int | None, run: Run) -> None:
    said = run("presets", "show", model, "--json").json
    assert words in said["verdict"]
    assert said["results"]["state_bytes_per_sequence"] == (state or said["results"]["kv_bytes_per_sequence"])
    assert "state per sequence" in run("presets", "show", model).out
    assert "state per sequence" not in run("presets", "show", "llama-3.1-8b").out


def test_the_context_at_which_attention_outweighs_the_weights_is_shown(run: Run) -> None:
    """Llama 3.1 8B: 7.505B x 2 operations, of attention 32 layers x 4 x 32 heads x 128 a token of context."""
    results = run("presets", "show", "llama-3.1-8b", "--json").json["results"]
    assert results["attention_context"] == 2 * results["active_params"] // (32 * 4 * 32 * 128) + 1 == 28_630
    short = run("presets", "show", "gemma-3-27b")  # never, within its windows and its longest context
    assert "attention outweighs" not in short.out


def test_a_format_of_the_weights_is_told_apart_from_one_of_the_cache() -> None:
    """Asked with a cache in q8_0, "or in q8_0" read as the cache."""
    said = infercost.fit(gpu="rtx-4090", model="qwen3-8b", context="128k", kv_dtype="q8_0").verdict
    assert re.search(r"holds it with its KV cache in q4_0 at [\d.]+ tokens/s, or its weights in q8_0 at ", said)


@pytest.mark.parametrize(
    ("model", "cache", "share"),
    [
        ("deepseek-v3", "fp8", "1/71.1 of what 128 heads would keep, 1/142 of them in 16 bits"),
        ("llama-3.1-70b", "fp8", "an eighth of what 64 heads would keep, 1/16 of them in 16 bits"),
    ],
)
def test_a_narrower_cache_counts_its_bits_too(model: str, cache: str, share: str) -> None:
    """128 x (192 + 128) / 576 is 71.1, twice that in half the bits; 64 / 8 x 2 is 16."""
    assert share in infercost.fit(model=model, kv_dtype=cache).verdict
    assert "in 16 bits" not in infercost.fit(model=model).verdict
