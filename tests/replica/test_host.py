"""A model in two memories: what lies where, how long a pass takes, and reports of others."""

import csv
from collections.abc import Mapping
from statistics import median, quantiles

import pytest

import infercost
from infercost.cli.app import main
from infercost.errors import BadValue, Missing
from infercost.parts import catalog
from tests.conftest import ROOT
from tools.offload_error import errors

REPORTS = list(csv.DictReader((ROOT / "tests" / "data" / "offload.csv").read_text().splitlines()))
#: Channels, bytes of each and million transfers a second, from the makers' pages.
CHANNELS = {
    "desktop-ddr4": (2, 8, 3200),
    "desktop-ddr5": (2, 8, 6400),
    "laptop-ddr5": (2, 8, 5600),
    "laptop-lpddr5x": (2, 8, 8400),
    "epyc-milan": (8, 8, 3200),
    "epyc-genoa": (12, 8, 4800),
    "epyc-turin": (12, 8, 6400),
    "xeon-sapphire-rapids": (8, 8, 4800),
    "xeon-6980p": (12, 8, 6400),
}
QWEN = {"gpu": "rtx-5080", "model": "qwen3.6-35b-a3b", "dtype": "q4_k_m", "host": "desktop-ddr5"}
#: Experts of Qwen3.6 35B-A3B by hand: 40 layers, 256 of three matrices of 2,048 x 512, 8 of them for a token.
EXPERT = 3 * 2048 * 512


def values(command: str, **options: str) -> Mapping[str, object]:
    return getattr(infercost, command)(**{**QWEN, **options}).values


def test_reports_of_experts_in_host_memory_are_met() -> None:
    off = sorted(abs(ratio - 1) for ratio in errors(REPORTS))
    assert len(off) == 10
    assert median(off) < 0.23
    assert quantiles(off, n=10, method="inclusive")[-1] < 0.45


@pytest.mark.parametrize("name", CHANNELS)
def test_nominal_bandwidth_is_channels_times_bytes_times_transfers(name: str) -> None:
    host, (channels, width, transfers) = catalog.load("hosts", name), CHANNELS[name]
    assert host.value("channels") == channels
    assert host.value("memory_bandwidth") == pytest.approx(channels * width * transfers * 1e6)


def test_every_host_is_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert {*CHANNELS, "grace"} == set(catalog.names("hosts"))
    assert main(["presets", "list", "hosts"]) == 0
    assert "grace" in capsys.readouterr().out
    assert main(["presets", "show", "hosts/epyc-turin"]) == 0
    assert "768 GiB" in capsys.readouterr().out


def test_all_experts_in_the_host_are_read_at_what_it_reaches_and_take_a_hand_over_a_layer() -> None:
    said = values("utilization", offload="experts")
    # gate and up in 4.5 bits; of down half of the layers in 6.5625, the rest in 4.5
    bits = (2 * 4.5 + (4.5 + 6.5625) / 2) / 3
    by_hand = 40 * 8 * EXPERT * bits / 8 / (0.64 * 102.4e9) + 40 * 375e-6
    assert said["host_time_s"] == pytest.approx(by_hand, rel=0.01)
    assert said["tokens_per_s_per_user"] == pytest.approx(36, rel=0.05)


def test_a_host_alone_takes_what_does_not_fit_and_is_faster() -> None:
    needed, everything = values("utilization"), values("utilization", offload="experts")
    assert needed["tokens_per_s"] > 1.5 * everything["tokens_per_s"]  # type: ignore[operator]
    held = values("fit")
    assert held["fits"]
    assert 0 < held["host_layers"] < 40
    fewer = str(int(held["host_layers"]) - 1)  # type: ignore[call-overload]
    assert not values("fit", offload_layers=fewer, gpus="1")["fits"]


def test_what_is_on_the_card_and_in_the_host_is_the_whole_model() -> None:
    for options in ({}, {"offload": "experts"}, {"offload": "layers"}, {"offload_layers": "7", "gpus": "1"}):
        held = values("fit", **options)
        both = held["weight_bytes_per_gpu"] + held["host_weight_bytes"]  # type: ignore[operator]
        assert both == pytest.approx(held["weight_bytes"])
    assert values("fit", offload_layers="7", gpus="1")["host_weight_bytes"] == pytest.approx(
        values("fit", offload="experts")["host_weight_bytes"] * 7 / 40  # type: ignore[operator]
    )


def test_a_cache_in_the_host_leaves_the_card() -> None:
    here, there = values("fit", gpus="2"), values("fit", gpus="2", offload="kv")
    moved = here["kv_pool_tokens"], there["kv_pool_tokens"]
    assert moved[0]
    assert not there["host_weight_bytes"]
    # ten layers with two KV heads of 256, keys and values of 2 bytes
    assert there["host_kv_bytes_per_sequence"] == pytest.approx(10 * 2 * 2 * 256 * 2 * 8192)


def test_first_tokens_with_a_part_in_the_host_have_no_value_and_a_note() -> None:
    report = infercost.utilization(**QWEN)
    assert all(report.values[key] is None for key in ("prefill_time_s", "ttft_s", "request_time_s"))
    assert any(note.code == "host-prompts" for note in report.notes)


def test_the_verdict_says_what_lies_where_and_what_one_more_card_changes() -> None:
    verdict = infercost.fit(**QWEN).verdict
    assert "lie in desktop-ddr5: the experts of" in verdict
    assert "the card's memory binds" in verdict
    assert "One more card would hold all of it" in verdict
    step = infercost.utilization(**QWEN)
    assert " tokens/s for one user. The host binds: desktop-ddr5 takes" in step.verdict
    better = infercost.utilization(**{key: value for key, value in QWEN.items() if key != "host"}, gpus=2)
    speed, times = better["tokens_per_s_per_user"], step["step_time_s"] / better["step_time_s"]
    assert f" One more card: nothing in the host, {speed:.4g} tokens/s, {times:.4g}x as fast." in step.verdict


def test_a_host_that_is_too_small_is_what_binds() -> None:
    report = infercost.fit(**{**QWEN, "gpus": "1", "set": "host.memory=4GB"})
    assert not report.met
    assert "in desktop-ddr5" in report.verdict


def test_the_band_of_experts_in_a_host_is_that_of_reports_left_out() -> None:
    report = infercost.utilization(**QWEN)
    low, high = report.bands["step_time_s"]
    step = report.values["step_time_s"]
    assert (low / step, high / step) == pytest.approx((0.65, 1.55))
    assert "step_time_s" not in infercost.utilization(**QWEN, offload="layers").bands


def test_vllm_reads_what_lies_in_the_host_over_the_link_in_every_pass() -> None:
    report = infercost.utilization(gpu="h100", model="llama-3.1-70b", host="epyc-turin")
    held = infercost.fit(gpu="h100", model="llama-3.1-70b", host="epyc-turin").values
    far = held["host_weight_bytes"] + held["host_kv_bytes_per_sequence"]
    assert report.values["host_time_s"] == pytest.approx(far / 63e9)
    assert report.values["step_time_s"] > report.values["host_time_s"]
    assert any(note.code == "host-link" and "computes in the host sends less" in note.text for note in report.notes)


@pytest.mark.parametrize("command", ["sweep_batch", "economies"])
def test_other_commands_take_a_host(command: str) -> None:
    report = getattr(infercost, command)(**QWEN)
    assert "desktop-ddr5" in report.verdict
    assert all(row.get("ttft_s") is None for row in report.series.rows)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"gpu": "h100", "model": "llama-3.1-70b", "offload": "layers"}, Missing),
        ({"gpu": "h100", "model": "llama-3.1-70b", "host": "grace", "offload": "experts"}, BadValue),
        ({"gpu": "m5-max", "model": "qwen3-30b-a3b", "host": "grace", "dtype": "q4_k_m"}, BadValue),
        ({**QWEN, "offload": "kv", "offload_layers": "3"}, BadValue),
        ({**QWEN, "request_rate": "1"}, BadValue),
        ({"gpu": "h100", "params": "70B", "host": "grace"}, Missing),
    ],
)
def test_what_cannot_lie_in_a_host_is_refused(options: dict[str, str], kind: type[Exception]) -> None:
    with pytest.raises(kind):
        infercost.utilization(**options)


@pytest.mark.parametrize(("name", "sockets"), [("epyc-turin", 1), ("xeon-6980p", 1), ("epyc-turin-2p", 2)])
def test_a_cpu_alone_reads_every_weight_and_takes_a_hand_over_a_layer(name: str, sockets: int) -> None:
    said = infercost.utilization(gpu=name, model="llama-3.1-8b", dtype="q8_0", context="256").values
    # 8.03B parameters less the input table, in 8.5 bits; a cache of 256 positions, 32 layers of 2 x 8 x 128 of 2 bytes
    read = (8.03e9 - 128256 * 4096) * 8.5 / 8 + 256 * 32 * 2 * 8 * 128 * 2
    assert said["step_time_s"] == pytest.approx(read / (0.64 * sockets * 614.4e9) + 32 * 375e-6, rel=0.005)
