"""A start that all prompts share: found in a cache, and stored once by a data parallel group."""

from typing import Any

import pytest

import infercost
from infercost.errors import BadValue, Missing

#: Llama 3.1 70B keeps 80 layers x 2 x 8 heads x 128 x 2 B of a token.
TOKEN = 80 * 2 * 8 * 128 * 2
LLAMA: dict[str, Any] = {"gpu": "h100:2", "model": "llama-3.1-70b", "tp": 2}
REQUEST: dict[str, Any] = {"input_tokens": 5000, "output_tokens": 200}
HELD: dict[str, Any] = {**LLAMA, "context": 5100}


def fit(**asked: Any) -> dict[str, Any]:
    """The values of ``fit``."""
    return dict(infercost.fit(**asked).values)


def test_a_system_prompt_is_stored_once() -> None:
    """By hand: the pool holds 10,077 tokens, so 4,000 of a prefix leave room for 5 sequences of 1,100 more."""
    apart, shared = fit(**HELD), fit(**HELD, shared_prefix=4000)
    assert apart["kv_pool_tokens"] == shared["kv_pool_tokens"] == 10_077
    assert (apart["max_sequences"], shared["max_sequences"]) == (10_077 // 5100, (10_077 - 4000) // 1100) == (1, 5)
    assert shared["kv_bytes_per_sequence"] == apart["kv_bytes_per_sequence"] == 5100 * TOKEN


def test_a_batch_keeps_its_prefix_once_on_each_replica() -> None:
    """By hand: five sequences keep 4,000 + 5 x 1,100 tokens, and what is left lets each grow evenly."""
    held = fit(**HELD, batch=5, shared_prefix=4000)
    assert held["kv_bytes_of_batch"] == (4000 + 5 * 1100) * TOKEN
    assert held["longest_context"] == 4000 + (10_077 - 4000) // 5
    two = fit(**HELD | {"gpu": "h100:4"}, batch=10, shared_prefix=4000, dp=2)
    assert two["kv_bytes_of_batch"] == (2 * 4000 + 10 * 1100) * TOKEN


def test_windows_and_states_are_each_sequence_s_own() -> None:
    """By hand: gpt-oss-20b has 12 layers with all tokens and 12 with 128, 2 x 8 heads x 64 x 2 B a token each."""
    asked = {"gpu": "h100:1", "context": 5100, "batch": 10}
    layers, whole, windows = 12 * 2 * 8 * 64 * 2, 4000 + 10 * 1100, 128 + 10 * 128
    held = fit(**asked, model="gpt-oss-20b", shared_prefix=4000)
    assert held["kv_bytes_of_batch"] == layers * (whole + windows)
    # Qwen3-Next: 12 layers of attention, 2 x 2 heads x 256 x 2 B a token each; a state is kept of the prefix too
    asked |= {"gpu": "h100:4", "model": "qwen3-next-80b-a3b"}
    layers = 12 * 2 * 2 * 256 * 2
    state = fit(**asked)["kv_bytes_per_sequence"] - layers * 5100
    assert fit(**asked, shared_prefix=4000)["kv_bytes_of_batch"] == pytest.approx(layers * whole + 11 * state)


def test_more_requests_run_at_once() -> None:
    """Of 16 that are always in flight memory holds one, and five where they share 4,000 tokens."""
    at_once = [
        infercost.utilization(**LLAMA, **REQUEST, concurrency=16, **more)["requests_at_once"]
        for more in ({"prefix_share": 0.8}, {"shared_prefix": 4000})
    ]
    assert at_once == [1, 5]


def test_its_tokens_are_found_in_the_cache() -> None:
    """As with a share of 4,000 / 5,000; of a share and a start the larger counts."""
    asked = {**LLAMA, **REQUEST}
    first = [
        infercost.utilization(**asked, **more)["ttft_s"]
        for more in (
            {"prefix_share": 0.8},
            {"shared_prefix": 4000},
            {"prefix_share": 0.2, "shared_prefix": 4000},
            {"prefix_share": 0.9},
            {"prefix_share": 0.9, "shared_prefix": 4000},
        )
    ]
    assert first[0] == first[1] == first[2] > first[3] == first[4]


def test_a_cached_share_names_what_a_shared_start_would_do() -> None:
    """Where memory caps what runs at once; a llama.cpp that shares nothing, and what was asked already, say nothing."""
    asked = {**LLAMA, **REQUEST, "concurrency": 16}
    own = (
        "once for each sequence, as histories are: memory holds 1; of a prefix that all share, 5 (--shared-prefix 4000)"
    )
    said = [
        any(own in note.text for note in infercost.utilization(**asked, **more).notes)
        for more in ({"prefix_share": 0.8}, {"prefix_share": 0.8, "shared_prefix": 100}, {})
    ]
    assert said == [True, False, False]
    few = infercost.utilization(**asked | {"concurrency": 1}, prefix_share=0.8)
    assert not any(own in note.text for note in few.notes)


def test_none_is_no_prefix() -> None:
    """A sweep may begin without one."""
    said = infercost.utilization(**LLAMA, **REQUEST, concurrency=16, sweep=["shared_prefix=0,4000"]).to_dict()
    assert [row["requests_at_once"] for row in said["rows"]] == [1, 5]
    assert all(row["most_requests_per_s"] > 0 for row in said["rows"])
    assert fit(**HELD, shared_prefix=0) == fit(**HELD)


def test_slots_of_llama_cpp_share_nothing() -> None:
    """A slot that is in use lends its cache to no other: no memory is saved, which is said."""
    asked: dict[str, Any] = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "dtype": "q4_k_m", "context": 5100}
    said = infercost.fit(**asked, shared_prefix=4000)
    assert dict(said.values) == fit(**asked)
    assert any("once for each slot" in note.text for note in said.notes)


@pytest.mark.parametrize(
    ("ask", "asked", "words"),
    [
        ("utilization", {**LLAMA, **REQUEST, "shared_prefix": 5000}, "not below --input-tokens 5,000"),
        ("fit", {**HELD, "shared_prefix": 5100}, "not below --context 5,100"),
        ("fit", {"gpu": "h100", "model": "bge-m3", "shared_prefix": 4}, "keeps none"),
        ("fit", {"gpu": "h100", "params": "7B", "shared_prefix": 4}, "bare count"),
        ("utilization", {"gpu": "h100", "model": "bge-m3", "input_tokens": 512, "shared_prefix": 4}, "keeps none"),
    ],
)
def test_no_start_of_anything_is_refused(ask: str, asked: dict[str, Any], words: str) -> None:
    """A start as long as the prompt, or of what keeps no cache."""
    with pytest.raises((BadValue, Missing), match=words):
        getattr(infercost, ask)(**asked)
