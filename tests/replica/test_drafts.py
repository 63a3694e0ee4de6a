"""Drafts take memory and bandwidth of their own: weights, a cache, reads of each token."""

import json
import shlex

import pytest

import infercost
from infercost.errors import Missing
from infercost.models import counting
from infercost.models.find import find_model
from infercost.models.model import HeadShape, head_of, prediction_head, shape_of
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
    assert "at best; published runs reached 79% to 98% of that, " in good["verdict"]


@pytest.mark.parametrize(
    ("accepted", "is_gain", "loss"),
    [("80%", (True, True), ""), ("56%", (False, True), ": it may be slower"), ("20%", (False, False), ": leave the ")],
)
def test_runs_reached_a_part_of_what_a_draft_gains_at_best(
    accepted: str, is_gain: tuple[bool, bool], loss: str, run: Run
) -> None:
    """What its times give is the most; published pairs had 0.79 to 0.98 of that, a loss where both are below one."""
    args = "--gpu h100 --model llama-3.1-8b --draft-model llama-3.2-1b --draft-tokens 4 --acceptance"
    said = run("utilization", *args.split(), accepted, "--json").json
    worth = said["results"]["plain_tpot_s"] / said["results"]["tpot_s"]
    low, high = worth * 0.79, worth * 0.98
    assert (low >= 1, high >= 1) == is_gain
    runs = f"published runs reached 79% to 98% of that, {low:.3g}x to {high:.3g}x"
    assert f"an estimate: {worth:.4g}x as fast at best; {runs}{loss or '.'}" in said["verdict"]
    assert all(low <= said["results"][key] <= high for key, (low, high) in said["bands"].items())
    table = " ".join(run("utilization", *args.split(), accepted, "--format", "plain").out.split())
    assert f"speed with the draft {worth:.4g}x at best; likely {low:.3g}x to {high:.3g}x" in table


def test_a_step_of_a_draft_says_how_many_tokens_it_yields(run: Run) -> None:
    """Four drafted, each accepted with 0.8 where those before it were: 1 + 0.8 + 0.64 + 0.512 + 0.4096."""
    args = "--gpu h100:4 --model llama-3.1-70b --draft-tokens 4 --acceptance 0.8 --draft-cost 0.1 --json"
    said = run("utilization", *args.split()).json
    assert said["results"]["accept_length"] == pytest.approx(3.3616)
    assert "with the draft (3.362 a step)" in said["verdict"]


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
        ("--model glm-5.2 --draft eagle3", "no EAGLE-3 head of glm-5.2 is known"),
        ("--model mamba-codestral-7b --draft eagle3", "its attention says nothing of one"),
        ("--params 70B --draft eagle3", "--draft"),
        ("--model deepseek-v3 --draft mtp --draft-model llama-3.2-1b", "two ways to say one thing"),
    ],
)
def test_drafts_that_cannot_be(args: str, said: str, run: Run) -> None:
    result = run("fit", "--gpu", "h200:8", *args.split())
    assert (result.code, said in result.err) == (2, True)


def test_the_head_of_llama_by_hand() -> None:
    """Features 12288 x 4096, queries 8192 x 4096, keys and values 8192 x 2048, output 4096 x 4096, three matrices
    of 4096 x 14336, 32,000 x 4096 and four norms: 424.7 million, of which one position caches 8 heads twice."""
    model = find_model("llama-3.1-8b").model
    head = head_of(model, shape_of(model))
    by_hand = 12288 * 4096 + 8192 * 4096 + 8192 * 2048 + 4096 * 4096 + 3 * 4096 * 14336 + 32000 * 4096 + 4 * 4096
    assert counting.total_params(head) == counting.active_params(head) == by_hand == 424_689_664
    assert counting.weight_bytes(head) == 2 * by_hand
    assert counting.growing_cache_bytes(head) == 2 * 8 * 128 * 2


@pytest.mark.parametrize(
    ("model", "shape", "size", "within"),
    [
        # model card of thomaskiefer/EAGLE3-Apertus-8B-Instruct-2509: about 513 million parameters in 16 bits
        ("llama-3.1-8b", HeadShape(32, 8, 128, 21504, 32000, 3), 2 * 513e6, 1e-3),
        # model card of thoughtworks/GLM-4.7-Flash-Eagle3: 277.4 MB, which are of 2^20 bytes
        ("glm-4.7-flash", None, 277.4 * 2**20, 2e-3),
        # model card of JinnP/SGLang-EAGLE3-Qwen3-Coder-30B-A3B-Instruct: about 350 MB
        ("qwen3-coder-30b-a3b", None, 350 * 2**20, 5e-3),
    ],
)
def test_heads_are_as_large_as_published_ones(model: str, shape: HeadShape | None, size: float, within: float) -> None:
    target = find_model(model).model
    head = head_of(target, shape or shape_of(target))
    assert counting.weight_bytes(head) == pytest.approx(size, rel=within)


def test_a_head_takes_its_place_in_memory(run: Run) -> None:
    """Two devices: the matrix that joins features, and the norms, whole on each; the rest split."""
    args = "--gpu h100:2 --model llama-3.1-8b --tp 2 --dp 1"
    plain, headed = results(run, "fit", args), results(run, "fit", f"{args} --draft eagle3")
    assert headed["draft_active_params"] == 424_689_664
    whole = 3 * 4096**2 + 4 * 4096
    assert headed["draft_bytes_per_gpu"] == 2 * (whole + (424_689_664 - whole) / 2)
    assert plain["kv_pool_bytes_per_gpu"] - headed["kv_pool_bytes_per_gpu"] == headed["draft_bytes_per_gpu"]
    assert headed["kv_bytes_per_token"] == plain["kv_bytes_per_token"] * 33 / 32


def test_what_guides_start_with_and_runs_accepted_is_said(run: Run) -> None:
    """Llama 3.1 8B, 3 drafted: 2.79 tokens a step are 1 + a + a^2 + a^3 at a = 0.763."""
    said = run(
        "utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--draft", "eagle3", "--json", "--sources"
    ).json
    inputs, notes = said["inputs"], [note["text"] for note in said["notes"]]
    assert {"draft_tokens", "acceptance"} <= set(said["assumed"])
    share = inputs["acceptance"]
    assert (inputs["draft_tokens"], share) == (3, pytest.approx(0.763, abs=5e-4))
    assert 1 + share + share**2 + share**3 == pytest.approx(2.79, rel=1e-9)
    assert any("2.79 tokens a step; vllm-project/vllm issue 20780" in note for note in notes)
    assert any("vllm-project/vllm issue 20780" in json.dumps(source) for source in said["sources"])


def test_mtp_is_assumed_as_its_report_says(run: Run) -> None:
    said = run("utilization", "--gpu", "h200:8", "--model", "deepseek-v3", "--draft", "mtp", "--json").json
    assert said["inputs"]["draft_tokens"] == 1
    assert said["inputs"]["acceptance"] == pytest.approx(0.85, rel=1e-9)


def test_what_is_given_wins(run: Run) -> None:
    args = "--gpu h100 --model llama-3.1-8b --draft eagle3 --draft-tokens 5 --acceptance 60%"
    said = run("utilization", *args.split(), "--json").json
    assert (said["inputs"]["draft_tokens"], said["inputs"]["acceptance"]) == (5, 0.6)
    assert not {"draft_tokens", "acceptance"} & set(said["assumed"])
    assert not any("accepted is assumed" in note["text"] for note in said["notes"])


@pytest.mark.parametrize(
    "args",
    [
        "--gpu h100 --model llama-3.1-8b --draft eagle3 --batch 1",
        "--gpu h100 --model llama-3.1-8b --draft eagle3 --batch 64 --efficiency ideal",
        "--gpu h200:8 --model deepseek-v3 --draft mtp --batch 32",
        "--gpu h100:2 --model qwen3-30b-a3b --draft eagle3 --batch 16 --draft-tokens 5",
    ],
)
def test_more_accepted_is_never_slower_and_none_never_faster(args: str, run: Run) -> None:
    shares = (0, 0.2, 0.5, 0.8, 0.99)
    times = [results(run, "utilization", f"{args} --acceptance {share}") for share in shares]
    assert times[0]["tpot_s"] >= times[0]["plain_tpot_s"]
    tpots = [each["tpot_s"] for each in times]
    assert tpots == sorted(tpots, reverse=True)


def test_what_is_assumed_of_a_draft_can_be_varied(run: Run) -> None:
    """More accepted is faster; the shape of a head is no figure that could change."""
    args = "--gpu h100 --model llama-3.1-8b --draft eagle3 --json"
    said = run("utilization", *args.split(), "--sensitivity").json
    found = {row["key"]: row for row in said["rows"]}
    assert found["acceptance"]["elasticity_tokens_per_s_per_user"] > 0
    assert not any(name.startswith("draft.") for name in found)


def test_each_length_of_a_draft_has_the_run_nearest_to_it(run: Run) -> None:
    args = "--gpu h100 --model llama-3.1-8b --draft eagle3 --sweep draft_tokens=2,7 --json"
    notes = " ".join(note["text"] for note in run("utilization", *args.split()).json["notes"])
    assert "2.36 tokens a step" in notes
    seven = run("utilization", *args.replace("--sweep draft_tokens=2,7", "--draft-tokens 7").split()).json
    assert any("3.54 tokens a step" in note["text"] for note in seven["notes"])


def test_a_draft_is_tried_beside_none(run: Run) -> None:
    args = "--gpu h100 --model llama-3.1-8b --draft eagle3 --max-gpus 1 --json"
    said = run("frontier", *args.split()).json
    assert {row["name"] for row in said["rows"]} >= {"h100-sxm with a draft"}
    assert said["inputs"]["draft"] == "eagle3"


@pytest.mark.parametrize(
    ("args", "flags"),
    [
        (
            "--model llama-3.1-8b",
            '{"method":"eagle3","model":"yuhuili/EAGLE3-LLaMA3.1-Instruct-8B","num_speculative_tokens":3}',
        ),
        (
            "--model qwen3-32b --efficiency sglang",
            "--speculative-algorithm EAGLE3 --speculative-draft-model-path RedHatAI/Qwen3-32B-speculator.eagle3 "
            "--speculative-eagle-topk 1 --speculative-num-steps 3 --speculative-num-draft-tokens 4",
        ),
    ],
)
def test_the_command_has_the_published_head(args: str, flags: str, run: Run) -> None:
    assert flags in run("fit", "--gpu", "h100", *args.split(), "--draft", "eagle3", "--json").json["engine_command"]


def test_a_head_that_nobody_published_has_no_command(run: Run) -> None:
    said = run("fit", "--gpu", "h200:8", "--model", "glm-4.5", "--draft", "eagle3", "--json").json
    notes = " ".join(note["text"] for note in said["notes"])
    assert "no published EAGLE-3 head of glm-4.5 is known" in notes
    assert "as wide as the 8 experts of a token, is assumed" in notes


@pytest.mark.parametrize(
    "asked",
    [
        "utilization --gpu h100:4 --model llama-3.1-70b --draft-model llama-3.1-8b",
        "utilization --gpu h100:2 --model llama-3.1-70b --dtype fp8 --batch 8 --set gpu.power=600W --draft-cost 0.05",
        "frontier --gpu h100 --gpu h200 --model qwen3-8b --draft-model qwen3-0.6b --max-tpot 40ms --max-gpus 2",
    ],
)
def test_half_a_draft_is_told_the_whole_command_and_it_answers(asked: str, run: Run) -> None:
    """No run of a pair of models is shipped, from which its tokens or their acceptance could be assumed."""
    said = run(*asked.split())
    assert said.code == 2
    _, _, command = said.err.partition("for example infercost ")
    words = shlex.split(command)
    assert words[-4:] == ["--draft-tokens", "4", "--acceptance", "0.8"]
    again, by_hand = run(*words, "--json"), run(*asked.split(), *words[-4:], "--json")
    assert again.code == 0
    assert again.json["results"] == by_hand.json["results"]


def test_half_a_draft_from_python_names_what_is_missing() -> None:
    with pytest.raises(Missing) as caught:
        infercost.utilization(gpu="h100", model="llama-3.1-8b", draft_model="llama-3.2-1b")
    assert caught.value.hint == "for example --draft-tokens 4 --acceptance 0.8"


def test_a_user_gains_less_than_a_step_where_prompts_lie_between(run: Run) -> None:
    """What the same batch gets without the draft is what the verdict says of it."""
    asked = ("utilization", "--gpu", "h200:8", "--model", "deepseek-v3", "--batch", "32", "--json")
    drafted, plain = run(*asked, "--draft", "mtp").json, run(*asked).json
    here, there = (f"{1 / said['results']['itl_s']:.4g}" for said in (drafted, plain))
    words = f"With prompts between, a user gets {here} tokens/s, {there} without the draft."
    assert words in drafted["verdict"]
    assert "With prompts between" not in run(*asked, "--draft", "mtp", "--batch", "1").json["verdict"]
