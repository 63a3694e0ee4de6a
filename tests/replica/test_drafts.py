"""Drafts take memory and bandwidth of their own: weights, a cache, reads of each token."""

import pytest

from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.model import prediction_head
from infercost.replica.layout import Layout, rank_weight_bytes
from tests.conftest import Run

DRAFT_405B = "--gpu h200:8 --model llama-3.1-405b-fp8 --tp 8 --context 8192 --draft-model llama-3.1-8b"


def results(run: Run, command: str, args: str) -> dict[str, float]:
    said = run(command, *args.split(), "--json")
    assert said.code in (0, 3), said.err
    return dict(said.json["results"])


def test_a_draft_has_a_cache_of_its_own(run: Run) -> None:
    """405B keeps 516,096 B a token and 8B 131,072, each on 8 ranks: without the draft's, 25% more would seem to fit."""
    found = results(run, "fit", DRAFT_405B)
    assert found["kv_bytes_per_token"] == 516_096 + 131_072
    both = (516_096 + 131_072) / 8 * 8192
    assert found["max_sequences"] == int(found["kv_pool_bytes_per_gpu"] / both)
    assert found["kv_pool_tokens"] == int(found["kv_pool_bytes_per_gpu"] / ((516_096 + 131_072) / 8))
    alone = results(run, "fit", DRAFT_405B.partition(" --draft")[0])
    taken = alone["kv_pool_bytes_per_gpu"] - found["kv_pool_bytes_per_gpu"]
    assert taken == pytest.approx(found["draft_bytes_per_gpu"]) == pytest.approx(16.06e9 / 8, rel=0.01)


def test_the_prediction_head_of_deepseek() -> None:
    """One more layer with 256 experts and a matrix that joins two states: 11.6 billion, the tables shared."""
    model = find_model("deepseek-v3").model
    head = prediction_head(model)
    assert head is not None
    assert counting.total_params(head) - head.head == pytest.approx(model.mtp_params, rel=1e-6)
    assert model.mtp_params == pytest.approx(11.6e9, rel=0.002)
    assert counting.growing_cache_bytes(head) == 1152
    stored = rank_weight_bytes(head._replace(head=0), Layout(8))
    joins = 2 * 7168**2 * 2  # whole on every rank, like what latents come from
    assert stored == pytest.approx(11.5e9 / 8 + joins * 7 / 8 / 2, rel=0.06)
    assert prediction_head(find_model("llama-3.1-8b").model) is None


def test_a_head_is_loaded_when_asked_for(run: Run) -> None:
    args = "--gpu h200:8 --model deepseek-v3 --tp 8"
    plain, headed = results(run, "fit", args), results(run, "fit", f"{args} --draft mtp")
    assert headed["kv_bytes_per_token"] == plain["kv_bytes_per_token"] * 62 / 61
    assert headed["kv_pool_bytes_per_gpu"] == plain["kv_pool_bytes_per_gpu"] - headed["draft_bytes_per_gpu"]
    line = run("fit", *args.split(), "--draft", "mtp", "--json").json["engine_command"]
    assert """--speculative-config '{"method":"mtp","num_speculative_tokens":1}'""" in line


def test_a_recurrent_model_keeps_a_state_for_each_token_to_verify(run: Run) -> None:
    args = "--gpu rtx-pro-6000 --model qwen3.8-27b-fp8 --context 1024 --draft mtp --draft-tokens"
    one, three = (results(run, "fit", f"{args} {tokens}")["max_sequences"] for tokens in (1, 3))
    assert one / three == pytest.approx(2, rel=0.1)


def test_bandwidth_is_what_model_and_draft_read(run: Run) -> None:
    """8B with a draft of 1B, 4 tokens, by hand: 15.0 GB once and 2.47 GB four times in a step."""
    args = "--gpu h100 --model llama-3.1-8b --draft-model llama-3.2-1b --draft-tokens 4 --acceptance 70% --context 1"
    found = results(run, "utilization", args)
    step = found["tpot_s"] * (1 - 0.7**5) / (1 - 0.7)
    assert found["memory_bandwidth_utilization"] * step * 3.35e12 == pytest.approx(15.01e9 + 4 * 2.47e9, rel=0.01)


def test_a_draft_that_slows_down_is_said(run: Run) -> None:
    args = ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--draft-model", "llama-3.2-1b")
    bad, good = (
        run(*args, *more.split(), "--json").json
        for more in (
            "--draft-tokens 4 --acceptance 20% --batch 256 --context 2k",
            "--draft-tokens 3 --acceptance 80% --batch 1",
        )
    )
    assert "leave the draft out" in bad["verdict"]
    assert bad["advice"][0].startswith("leave the draft out: a token takes ")
    assert not any("leave the draft out" in line for line in (good["verdict"], *good["advice"]))
    assert "x as fast; an estimate" in good["verdict"]


def test_what_a_draft_is_worth_is_a_token_without_it_over_one_with_it(run: Run) -> None:
    """A draft of a tenth of a step that is never right: four tenths and the pass that verifies, for a token."""
    args = "--gpu h100 --model llama-3.1-8b --batch 4 --efficiency ideal"
    plain = results(run, "utilization", args)
    drafted = results(run, "utilization", f"{args} --draft-tokens 4 --acceptance 0 --draft-cost 10%")
    assert drafted["plain_tpot_s"] == plain["tpot_s"]
    assert drafted["draft_passes_time_s"] == pytest.approx(0.4 * plain["tpot_s"], rel=1e-6)
    assert drafted["draft_speedup"] == pytest.approx(1 / 1.4, rel=0.01)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ("--model llama-3.1-8b --draft mtp", "carries no prediction head"),
        ("--model deepseek-v3 --draft mtp --draft-model llama-3.2-1b", "two ways to say one thing"),
    ],
)
def test_drafts_that_cannot_be(args: str, said: str, run: Run) -> None:
    result = run("fit", "--gpu", "h200:8", *args.split())
    assert (result.code, said in result.err) == (2, True)
