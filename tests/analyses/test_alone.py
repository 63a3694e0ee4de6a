"""Who names a card or a computer of their own and no count has one of it: what it holds, and what would."""

import re
import shlex
from typing import Any

import pytest

import infercost
from infercost.analyses.needs import SMALLER
from infercost.models.gguf import FILES
from infercost.parts import catalog
from infercost.parts.accelerator import SEGMENTS, is_of_a_desktop, is_owned
from tests.conftest import Run, calls_of

ASKED = [
    ("rtx-4090", "llama-3.3-70b"),
    ("rx-7900-xtx", "qwen3-32b"),
    ("apple-m4-max-64gb", "llama-3.3-70b"),
    ("rtx-4070", "qwen3-30b-a3b"),
    ("rtx-5070-mobile", "gpt-oss-20b"),
    ("dgx-spark", "llama-3.1-405b"),
    ("rtx-a6000", "mixtral-8x22b"),
    ("rtx-3090:2", "llama-3.3-70b"),
    ("m4-max-64gb:2", "mixtral-8x22b"),
]


@pytest.mark.parametrize("command", ["fit", "utilization", "sweep-batch"])
def test_a_card_without_a_count_is_one(command: str, run: Run) -> None:
    said = run(command, "--gpu", "rtx-4090", "--model", "llama-3.3-70b", "--json")
    assert said.code == 3
    assert said.json["results"]["gpus"] == 1
    assert said.json["verdict"].startswith("Does not fit: llama-3.3-70b (bf16, 141.1 GB)")
    assert " on 1 x rtx-4090" in said.json["verdict"]
    assert "would bind" not in said.json["verdict"]


@pytest.mark.parametrize(("gpu", "model"), ASKED)
def test_what_one_card_is_said_to_hold_it_holds(gpu: str, model: str, run: Run) -> None:
    """Each change that is named is asked for: it fits on one where it says one, and one device less does not."""
    asked = ("fit", "--gpu", gpu, "--model", model)
    said = run(*asked, "--json")
    assert said.code == 3
    flags = [re.search(r"\((--[^()]*)\)$", line) for line in said.json["advice"]]
    ways = [shlex.split(found[1]) for found in flags if found]
    assert ways
    for way in ways:
        again = run("fit", "--model", model, *(() if "--gpu" in way else ("--gpu", gpu)), *way, "--json")
        assert again.code == 0, way
        own, _, number = gpu.partition(":")
        count = int(way[-1].partition(":")[2] or 1) if "--gpu" in way else int(number or 1)
        assert again.json["results"]["gpus"] == count
        if count > int(number or 1) and f"{count} devices, whole nodes" not in " ".join(said.json["advice"]):
            assert re.search(rf"\b{count:,} (cards|machines|devices|x \S+) holds? it as asked\.", said.json["verdict"])
            fewer = run("fit", "--gpu", f"{own}:{count // 2}", "--model", model)
            assert fewer.code in (2, 3)


@pytest.mark.parametrize("more", [{"efficiency": "vllm"}, {"concurrency": 4}])
def test_the_engine_that_holds_the_same_weights_is_named_first(more: dict[str, object]) -> None:
    """vLLM holds 13.76 GB and its reserves of 1.08 GB in 90% of 16.62 GB, which leaves no room for 205 MB of cache."""
    report = infercost.utilization(gpu="rtx-5080", model="gpt-oss-20b", **more)
    assert 0.9 * 16.62 - 13.76 - 1.08 < 0.205
    assert not report.met
    assert report.advice[0] == "under llama.cpp it fits (--efficiency llama.cpp)"
    assert re.search(r"One card holds it under llama\.cpp( at [\d.]+ tokens/s)?, or ", report.verdict)
    assert infercost.fit(gpu="rtx-5080", model="gpt-oss-20b", efficiency="llama.cpp").met


def test_a_richer_format_is_offered_with_a_smaller_cache(run: Run) -> None:
    """10.51 GB in q5_k_m, 0.53 of them the table that stays in the host (151,936 x 5,120 x 5.5 bits), 1.13 GB of cache
    (13,000 x 163.84 kB x 8.5/16) and 0.79 set aside: 11.90 of 11.99 GB, 95% of 11.75 GiB.
    """
    said = run("fit", "--gpu", "rtx-3060-12gb", "--model", "qwen3-14b", "--dtype", "q6_k", "--context", "13k", "--json")
    assert said.json["advice"][:2] == [
        "weights in q5_k_m and KV cache in q8_0 (--dtype q5_k_m --kv-dtype q8_0)",
        "weights in q4_k_m (--dtype q4_k_m)",
    ]
    again = {"gpu": "rtx-3060-12gb", "model": "qwen3-14b", "context": "13k"}
    both = infercost.fit(dtype="q5_k_m", kv_dtype="q8_0", **again)
    assert both["weight_bytes"] == pytest.approx(10.51e9, rel=0.01)  # Qwen3-14B-Q5_K_M.gguf holds 10.51 GB
    assert both["kv_bytes_per_sequence"] == pytest.approx(13_000 * 163_840 * 8.5 / 16, rel=0.01)
    assert both.met
    assert not infercost.fit(dtype="q5_k_m", **again).met


@pytest.mark.parametrize(("model", "dtype"), [("qwen3-32b", "awq"), ("qwen3-14b", "bf16"), ("gpt-oss-20b", "mxfp4")])
def test_no_file_is_offered_to_a_batch_of_a_server(model: str, dtype: str) -> None:
    """vLLM reads no GGUF files well enough to serve them, and a model of four bits is in no fewer of another kind."""
    report = infercost.fit(
        gpu="rtx-4090", model=model, dtype=dtype, batch=64, efficiency=None if dtype != "mxfp4" else "vllm"
    )
    assert not re.search(r"\bi?q\d_", str([report.verdict, report.advice]))
    assert dtype == "bf16" or "int4" not in str(report.advice)


@pytest.mark.parametrize("gpu", ["rtx-4090", "rtx-4090:1"])
def test_a_host_is_named_where_it_helps(gpu: str, run: Run) -> None:
    said = run("fit", "--gpu", gpu, "--model", "qwen3-32b", "--json").json
    assert "(--host desktop-ddr5)" in said["verdict"]
    assert "part of it in a host's memory (--host desktop-ddr5)" in said["advice"]
    mac = run("fit", "--gpu", "m4-max", "--model", "llama-3.3-70b", "--json").json
    assert "--host" not in str([mac["verdict"], mac["advice"]])
    huge = run("fit", "--gpu", gpu, "--model", "deepseek-v3", "--json").json
    assert "--host" not in str([huge["verdict"], huge["advice"]])


@pytest.mark.parametrize(
    ("gpu", "model", "named", "holds"),
    [
        ("m4-max", "qwen3-32b", "apple-m4-max-64gb", None),  # it fits: the next smaller may be meant
        ("m3-ultra", "mixtral-8x22b", "apple-m3-ultra-512gb", True),  # only a larger one would do
        ("m4-max", "llama-3.3-70b", None, None),  # there is no larger one
        ("m4-max-64gb", "qwen3-32b", "apple-m4-max", True),
        ("rtx-3080", "deepseek-v3", "rtx-3080-12gb", None),
    ],
)
def test_a_size_is_named_that_may_help(gpu: str, model: str, named: str | None, holds: bool | None) -> None:
    """A smaller one is never named where a larger is meant."""
    report = infercost.fit(gpu=gpu, model=model)
    said = [note.text for note in report.notes if note.code == "sizes"]
    flags = re.findall(r"--gpu ([\w-]+)", " ".join(said))
    if named is None:
        assert said[0].endswith("and no larger")
    elif "gb" not in gpu:
        assert flags == [named]
    own, size = (catalog.load("accelerators", name).value("memory") for name in (gpu, named or gpu))
    assert report.met == (size < own)
    assert bool(holds) == any(f"(--gpu {named})" in line for line in report.advice)
    if holds:
        assert named in report.verdict
        assert infercost.fit(gpu=named, model=model).met


@pytest.mark.parametrize("options", [{"gpu": "rtx-4090:2"}, {"gpu": "rtx-4090", "tp": 8}, {"gpu": "h100"}])
def test_a_count_a_layout_or_a_data_centre_is_no_lone_card(options: dict[str, object]) -> None:
    report = infercost.fit(model="llama-3.3-70b", **options)
    assert report["gpus"] > 1
    assert " holds it" not in report.verdict


@pytest.mark.parametrize("widths", [{"ep": 1}, {"tp": 1, "pp": 1}, {"dp": 1}])
def test_widths_of_one_leave_a_lone_card_its_engine(widths: dict[str, int]) -> None:
    """Its count said or not: gpt-oss is published in what llama.cpp reads."""
    alone = infercost.fit(gpu="rtx-4080-super", model="gpt-oss-20b", **widths)
    counted = infercost.fit(gpu="rtx-4080-super:1", model="gpt-oss-20b", **widths)
    assert {item.key: item.value for item in alone.inputs}["efficiency"] == "llama.cpp"
    assert alone["max_sequences"] == counted["max_sequences"]


def test_the_richest_file_that_fits_is_named_among_all_that_people_run() -> None:
    """235.1B parameters in 108 GB, cache and engine counted: 3.06 bits are 90 GB, q3_k_m with 3.9 of them 115 GB.

    With 2.63 bits 77 GB were left unused; 4.25 bits of 32.8B, 17.4 GB, are between q4_k_m and q3_k_m in 24 GB.
    """
    asked = {"gpu": "ryzen-ai-max-395", "model": "qwen3-235b-a22b"}
    report = infercost.fit(**asked)
    named = re.search(r"One machine holds it in (iq3_\w+) at", report.verdict)
    assert named
    assert f"--dtype {named[1]})" in report.advice[0]
    assert infercost.fit(**asked, dtype=named[1]).met
    assert 235.1e9 * 3.0625 / 8 < infercost.fit(**asked, dtype=named[1])["weight_bytes"] < 108e9
    for richer in SMALLER[: SMALLER.index(named[1])]:
        assert not infercost.fit(**asked, dtype=richer).met


@pytest.mark.parametrize("model", ["qwen3-235b-a22b", "qwen3-32b", "llama-3.1-8b", "mixtral-8x7b"])
def test_files_are_tried_the_largest_first(model: str) -> None:
    sizes = [infercost.fit(gpu="h100:8", model=model, dtype=name)["weight_bytes"] for name in (*FILES, *SMALLER)]
    assert sizes == sorted(sizes, reverse=True)


def test_what_one_holds_has_the_speed_of_that_question() -> None:
    """In fewer bits, with a cache in fewer too, alone or not, and with a host; not where several are asked about."""
    asked: dict[str, Any] = {"gpu": "rtx-4090", "model": "qwen3-32b", "context": 32_768}
    verdict = infercost.fit(**asked).verdict
    for words, more in (
        ("iq4_xs with its KV cache in q8_0", {"dtype": "iq4_xs", "kv_dtype": "q8_0"}),
        ("in iq3_m", {"dtype": "iq3_m"}),
        ("with part of it in a host's memory", {"host": "desktop-ddr5"}),
    ):
        speed = infercost.utilization(**asked, **more)["tokens_per_s_per_user"]
        assert f"{words} at {speed:.4g} tokens/s" in verdict
    assert "tokens/s" not in infercost.fit(**asked, batch=8).verdict
    pair: dict[str, Any] = {
        "gpu": "rtx-3090",
        "gpus": 2,
        "model": "llama-3.1-70b",
        "dtype": "q4_k_m",
        "context": 32_000,
    }
    speed = infercost.utilization(**pair, kv_dtype="q4_0")["tokens_per_s_per_user"]
    assert f"with its KV cache in q4_0 at {speed:.4g} tokens/s" in infercost.fit(**pair).verdict


def test_what_fits_on_a_part_of_ones_own_is_said_with_its_speed() -> None:
    """As `utilization` has it, in two digits; not on a part of data centres, for several, or of a bare count."""
    asked: dict[str, Any] = {"gpu": "m4-max-128gb", "model": "gpt-oss-120b"}
    report, speed = infercost.fit(**asked), infercost.utilization(**asked)["tokens_per_s_per_user"]
    assert report["tokens_per_s_per_user"] == speed
    assert report.verdict.endswith(f". About {speed:.2g} tokens/s for one user.")
    assert any(note.code == "estimate" and "llama.cpp-metal" in note.text for note in report.notes)
    bound = infercost.fit(gpu="rtx-4090", model="llama-3.1-8b", efficiency="ideal").verdict
    assert bound.endswith(f" At most {1.008e12 / (15.01e9 + 1.074e9):.2g} tokens/s for one user.")
    for other in ({"gpu": "h100"}, {"batch": 2}, {"model": None, "params": 8e9}):
        assert "tokens/s" not in infercost.fit(**{**asked, **other}).verdict


def test_a_host_that_was_asked_for_holds_its_part_of_a_richer_format() -> None:
    """30.5 billion parameters in 8.5 bits are 32 GB: more than the card's 12, less than those and a host's 40."""
    asked = {"gpu": "rtx-3060-12gb", "model": "qwen3-30b-a3b", "host": "desktop-ddr5", "set": "host.memory=48GB"}
    assert "One card holds it in q8_0 at " in infercost.fit(**asked, offload="experts").verdict
    assert infercost.fit(**asked, offload="experts", dtype="q8_0").met


def test_a_service_counts_its_cards() -> None:
    assert infercost.userbase(gpu="rtx-4090", model="llama-3.3-70b", users=100)["gpus"] == 8


@pytest.mark.parametrize(
    ("name", "owned", "of_a_desktop"),
    [
        ("rtx-4090", True, True),
        ("arc-b580", True, True),
        ("rtx-pro-6000", True, True),
        ("rtx-pro-6000-server", False, False),
        ("dgx-station-gb300", True, False),
        ("apple-m4-max", True, False),
        ("epyc-turin", True, False),
        ("p40", True, False),
        ("l40s", False, False),
        ("h100-sxm", False, False),
        ("rtx-4070", True, True),
        ("rtx-4060-mobile", True, True),
        ("pro-v620", True, False),
    ],
)
def test_a_preset_says_who_has_one(name: str, owned: bool, of_a_desktop: bool) -> None:
    part = catalog.load("accelerators", name)
    assert (is_owned(part), is_of_a_desktop(part)) == (owned, of_a_desktop)


def test_segments_are_those_that_are_known() -> None:
    parts = [catalog.load("accelerators", name) for name in catalog.names("accelerators")]
    found = {part.labels["segment"] for part in parts if "segment" in part.labels}
    assert found <= {*SEGMENTS}
    assert all(part.labels["kind"] == "gpu" for part in parts if "segment" in part.labels)


def test_a_laptop_has_room_for_no_second_card() -> None:
    report = infercost.fit(gpu="rtx-4070-mobile", model="qwen3-8b")
    assert not report.met
    assert "of them" not in report.verdict
    assert not any("devices" in line for line in report.advice)
    assert "--host laptop-lpddr5x" in report.verdict


def test_parts_are_compared_on_as_many_as_hold_it() -> None:
    """Cards share a computer; nothing links a Mac to another, so one of it is a row that says what it lacks."""
    rows = infercost.compare("rtx-4090", "m4-max", model="llama-3.3-70b").series.rows
    assert [row["gpus"] for row in rows] == [8, 1]
    assert rows[1]["tokens_per_s_per_user"] is None


def test_a_sweep_over_parts_has_one_of_a_card() -> None:
    rows = infercost.fit(model="qwen3-32b", sweep="gpu=rtx-4090,h100").series.rows
    assert [(row["gpus"], row["fits"]) for row in rows] == [(1, False), (1, True)]


def test_what_does_not_fit_is_not_varied(run: Run) -> None:
    said = run("utilization", "--gpu", "rtx-4090", "--model", "llama-3.3-70b", "--sensitivity")
    assert said.code == 3
    assert said.out.startswith("Does not fit: ")
    assert "--dtype iq2_xs" in said.out
    asked = {"gpu": "rtx-4090", "model": "llama-3.3-70b"}
    assert [infercost.fit(**asked, dtype=dtype).met for dtype in ("iq2_s", "iq2_xs")] == [False, True]


def test_rows_of_a_sweep_ask_for_no_advice() -> None:
    """Nobody reads what would make one of many points fit, and to find it asks ten times."""
    once = calls_of(lambda: infercost.fit(gpu="rtx-4090", model="llama-3.3-70b", sweep="context=1k,2k"))
    more = calls_of(lambda: infercost.fit(gpu="rtx-4090", model="llama-3.3-70b", sweep="context=1k:20k:1k"))
    alone = calls_of(lambda: infercost.fit(gpu="rtx-4090", model="llama-3.3-70b"))
    assert (more - once) / 18 < alone / 3


@pytest.mark.parametrize(
    ("gpu", "joined"),
    [("m2-16gb", False), ("m4-max", False), ("jetson-thor", False), ("dgx-spark", True), ("3090", True)],
)
def test_a_computer_without_a_link_is_not_told_to_take_several(gpu: str, joined: bool, run: Run) -> None:
    """Whatever is asked of it: a model too large, a full batch, a sweep of batches."""
    asked = (
        ("fit", "--model", "llama-3.1-405b"),
        ("utilization", "--model", "llama-3.1-70b", "--dtype", "q4_k_m", "--context", "100k"),
        ("sweep-batch", "--model", "llama-3.1-8b", "--dtype", "q8_0", "--context", "32k"),
    )
    said = [run(command, "--gpu", gpu, *words, "--json").json["advice"] for command, *words in asked]
    assert ("devices" in str(said)) is joined


def test_replicas_are_a_servers_however_they_are_counted(run: Run) -> None:
    """Two cards of 16 GB hold gpt-oss-20b each: with and without the count that follows it is one deployment."""
    asked = (
        "fit",
        "--gpu",
        "rtx-4060-ti-16gb",
        "--model",
        "gpt-oss-20b",
        "--dp",
        "2",
        "--batch",
        "8",
        "--context",
        "2000",
    )
    counted = run(*asked, "--gpus", "2", "--tp", "1", "--pp", "1", "--ep", "1", "--json").json
    assert counted["inputs"]["efficiency"] == "vllm"
    assert counted["results"] == run(*asked, "--json").json["results"]


def test_a_host_that_would_hold_nothing_is_not_offered() -> None:
    """29.5 GB and a cache lie in 32 GB under llama.cpp, which people run with a host: nothing is left for it."""
    asked = {"gpu": "rtx-5090:1", "model": "qwen3-14b", "dtype": "bf16"}
    assert "Nothing has to lie in desktop-ddr5." in infercost.fit(**asked, host="desktop-ddr5").verdict
    verdict = infercost.fit(**asked).verdict
    assert "One card holds it under llama.cpp at" in verdict
    assert "host" not in verdict
    assert "in a host's memory" in infercost.fit(gpu="rtx-4090:1", model="qwen3-32b", dtype="bf16").verdict
