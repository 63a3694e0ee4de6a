"""Models that read texts and decode nothing: how many a second, and what their tokens cost."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.models.test_family_shapes import ENCODER

#: Two layers of 64: 104,321 parameters beside the tables multiply for each token.
MULTIPLIED, WIDTH, LAYERS, TEXT = 104_321, 64, 2, 500
HALF, BANDWIDTH, PRICE = 989.4e12, 3.35e12, 2.0


@pytest.fixture
def encoder(tmp_path: Path) -> str:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(ENCODER))
    return str(path)


@pytest.mark.parametrize("batch", [1, 50])
def test_texts_of_an_encoder_by_hand(batch: int, encoder: str, run: Run) -> None:
    """Each of 500 tokens sees all 500: 4 x 64 x 500^2 operations a layer, twice those of a decoder."""
    said = run(
        *("utilization", "--gpu", "h100", "--model", encoder, "--efficiency", "ideal", "--price", f"{PRICE}"),
        *("--input-tokens", f"{TEXT}", "--batch", f"{batch}", "--json"),
    )
    results = said.json["results"]
    flops = 2 * MULTIPLIED * TEXT + LAYERS * 4 * WIDTH * TEXT**2
    assert results["prefill_flops"] == flops == 232_321_000
    step = max(batch * flops / HALF, 2 * MULTIPLIED / BANDWIDTH)
    assert results["step_time_s"] == pytest.approx(step, rel=1e-12)
    assert results["utilization"] == pytest.approx(1)
    assert results["texts_per_s"] == pytest.approx(batch / step)
    assert results["input_tokens_per_s"] == pytest.approx(batch * TEXT / step)
    assert results["usd_per_million_tokens_input"] == pytest.approx(PRICE / 3600 / (batch * TEXT / step) * 1e6)


def test_a_decoder_that_embeds_sees_half_of_the_pairs(run: Run) -> None:
    """Qwen3-Embedding-0.6B: 28 layers of 16 heads of 128, 440,467,456 parameters beside the table."""
    said = run("utilization", "--gpu", "h100", "--model", "qwen3-embedding-0.6b", "--input-tokens", "1000", "--json")
    matrices = 28 * (2 * 1024 * 2048 + 2 * 1024 * 1024 + 3 * 1024 * 3072 + 2 * 1024 + 2 * 128) + 1024
    assert matrices == 595_776_512 - 151_669 * 1024 == 440_467_456
    assert said.json["results"]["prefill_flops"] == 2 * matrices * 1000 + 28 * 4 * 16 * 128 * 1000**2 / 2
    assert said.json["results"]["weight_bytes"] == 2 * 595_776_512


def test_as_many_texts_as_a_pass_takes_are_assumed(run: Run) -> None:
    """vLLM takes 8,192 tokens a pass."""
    said = run("utilization", "--gpu", "h100", "--model", "bge-m3", "--json").json
    assert (said["inputs"]["input_tokens"], said["results"]["batch"]) == (512, 16)
    assert said["results"]["step_time_s"] > said["results"]["bound_step_time_s"]
    both = run("utilization", "--gpu", "h100", "--model", "bge-m3", "--dp", "2", "--json").json["results"]
    assert both["texts_per_s"] == pytest.approx(2 * said["results"]["texts_per_s"])


@pytest.mark.parametrize(
    ("command", "options", "what"),
    [
        ("utilization", "--output-tokens 10", "--output-tokens is of decoded tokens"),
        ("utilization", "--concurrency 4", "--concurrency is of decoded tokens"),
        ("utilization", "--draft-model qwen3-0.6b --draft-tokens 2 --acceptance 0.5", "is of decoded tokens"),
        ("utilization", "--input-tokens 9000", "reads texts of at most 8,194 tokens"),
        ("utilization", "--efficiency ideal", "needs --input-tokens"),
        ("compare", "", "decodes no tokens"),
        ("sweep-batch", "", "decodes no tokens"),
    ],
)
def test_what_decodes_is_refused(command: str, options: str, what: str, run: Run) -> None:
    said = run(command, "--gpu", "h100", "--model", "bge-m3", *options.split())
    assert (said.code, said.out) == (2, "")
    assert what in " ".join(said.err.split())


def test_what_does_not_fit_has_no_times(run: Run) -> None:
    said = run("utilization", "--gpu", "l4:1", "--usable", "30%", "--model", "qwen3-embedding-8b", "--json")
    assert said.code == 3
    assert said.json["results"]["texts_per_s"] is None
    assert said.json["results"]["prefill_flops"] > 0


def test_the_command_serves_it_as_what_it_is(run: Run) -> None:
    said = run("fit", "--gpu", "h100", "--model", "qwen3-embedding-8b", "--json").json
    assert said["engine_command"].startswith("vllm serve Qwen/Qwen3-Embedding-8B --runner pooling")
    assert said["results"]["max_sequences"] is None
    ranks = run("fit", "--gpu", "h100", "--model", "qwen3-reranker-4b", "--json").json
    assert ranks["engine_command"] is None
    assert "its card says" in " ".join(note["text"] for note in ranks["notes"])


@pytest.mark.parametrize(("model", "gpu", "devices"), [("bge-m3", "a10g", 4), ("qwen3-embedding-8b", "h100", 8)])
def test_each_device_that_holds_an_embedder_reads_its_own_texts(model: str, gpu: str, devices: int, run: Run) -> None:
    """No layout reads more than replicas of one device, which read as many times what one reads."""
    asked = ("utilization", "--model", model, "--input-tokens", "400", "--json", "--gpu")
    one, said = run(*asked, gpu).json, run(*asked, f"{gpu}:{devices}").json
    assert said["inputs"]["dp"] == devices
    assert said["results"]["texts_per_s"] == pytest.approx(devices * one["results"]["texts_per_s"])
    for widths in (("--tp", f"{devices}"), ("--tp", "2")):
        other = run(*asked, f"{gpu}:{devices}", *widths).json["results"]
        assert other["texts_per_s"] < said["results"]["texts_per_s"]
    assert f"{devices} replicas of one device are chosen: " in str(said["notes"])
    assert run("fit", "--model", model, "--gpu", f"{gpu}:{devices}", "--json").json["inputs"]["dp"] == devices


def test_fewer_texts_than_devices_leave_some_without_work(run: Run) -> None:
    said = run("utilization", "--model", "bge-m3", "--gpu", "a10g:4", "--batch", "3", "--json").json
    assert (said["results"]["gpus"], said["inputs"]["dp"]) == (3, 3)
    assert "1 of the 4 devices has no part in it" in str(said["notes"])


def test_a_job_of_texts_takes_all_replicas(run: Run) -> None:
    """200 million texts: the rate of all, and the hours of four devices at 1.01 USD."""
    asked = ("utilization", "--gpu", "a10g:4", "--model", "bge-m3", "--price", "1.01")
    said = run(*asked, "--input-tokens", "400", "--requests", "200M", "--json").json
    results = said["results"]
    seconds = 200e6 / results["texts_per_s"]
    assert results["job_time_s"] == pytest.approx(seconds)
    assert results["job_usd"] == pytest.approx(4 * 1.01 * seconds / 3600)
    start = f"200,000,000 texts take {seconds / 86400:.3g} days and ${results['job_usd']:.2f} on 4 replicas of 1 x a10g"
    assert said["verdict"].startswith(start)
    refused = run(*asked, "--requests", "10")
    assert (refused.code, "the length of a text" in refused.err) == (2, True)


def test_texts_a_second_need_devices(run: Run) -> None:
    """As many L4 as the rate of one goes into 2,000 a second; those that are counted are busy, or too few."""
    asked = ("utilization", "--model", "bge-reranker-v2-m3", "--input-tokens", "512", "--price", "0.8")
    asked += ("--request-rate", "2000", "--gpu")
    free, many, few = (run(*asked, gpu, "--json") for gpu in ("l4", "l4:32", "l4:16"))
    one = free.json["results"]["texts_per_s"]
    needed = -int(-2000 // one)
    for said in (free, many, few):
        assert said.json["results"]["gpus_needed"] == needed == 23
    assert free.json["verdict"].startswith(f"2,000 texts a second need 23 x l4 ({one:.2f} each), $18.40 an hour. ")
    assert (free.code, many.code, few.code) == (0, 0, 3)
    assert many.json["results"]["texts_load_share"] == pytest.approx(2000 / (32 * one))
    assert many.json["verdict"].startswith(
        "2,000 texts a second keep 32 x l4 busy 70.0% of the time, $25.60 an hour; 23"
    )
    assert few.json["verdict"].startswith(
        "Overloaded: 2,000 texts a second arrive and 16 x l4 read at most 1,429; 23 x"
    )
    assert "replicas that read a rate of texts" in run(*asked, "l4", "--steps").out


def test_a_rate_of_texts_is_refused_with_a_way_out(run: Run) -> None:
    for lengths in ((), ("--input-tokens", "512"), ("--isl", "512", "--osl", "1")):
        asked = ("userbase", "--gpu", "l4", "--model", "bge-reranker-v2-m3", "--request-rate", "2000", *lengths)
        refused = run(*asked)
        hint = " ".join(refused.err.split()).partition("ask ")[2].rpartition("infercost ")[2]
        assert (refused.code, hint) == (2, "utilization --input-tokens 512 --request-rate 2000")
        assert run(*hint.split(), "--gpu", "l4", "--model", "bge-reranker-v2-m3").code == 0
