"""Accelerators side by side: the trend, what is compared, and tables that fit."""

import pytest

import infercost
from infercost.analyses.compare import yearly_growth
from infercost.units import show
from tests.conftest import Run


def test_one_part_alone_has_its_critical_batch_in_the_verdict() -> None:
    """1,979 TFLOP/s over 4.8 TB/s are 412.3 operations a byte: a sequence does two with each."""
    said = infercost.compare("h200", dtype="fp8").verdict
    assert said.endswith("h200-sxm 412.3; its arithmetic is full at batch 206.1.")


def test_growth_is_the_median_slope() -> None:
    """Doubling every year is +100%, and one outlier does not move it."""
    doubling = [(2018.0 + year, 2.0**year) for year in range(7)]
    assert yearly_growth(doubling) == pytest.approx(1)
    assert yearly_growth([*doubling, (2021.0, 1e-9)]) == pytest.approx(1, rel=0.05)
    assert yearly_growth([(2020.0, 5.0), (2022.0, 5.0)]) == 0
    assert yearly_growth([(2020.0, 1.0), (2021.0, None)]) == 0


@pytest.mark.parametrize(
    "names",
    [
        ("h100", "4090", "m3-max"),
        ("rtx-pro-6000", "rtx-pro-4500"),
        ("jetson-agx-orin", "groq", "human-brain", "cerebras"),
        ("cerebras", "h100"),
        ("epyc",),
    ],
)
@pytest.mark.parametrize("form", ["table", "plain"])
def test_every_comparison_fits_in_80_columns_and_is_whole(names: tuple[str, ...], form: str, run: Run) -> None:
    result = run("compare", *names, "--format", form)
    assert result.code == 0
    assert max(map(len, result.out.splitlines())) <= 80
    assert "does - FLOP" not in result.out
    if "groq" in names:
        assert "1,876" in result.out or "0.00287" in result.out


def test_counts_and_a_second_question_are_refused(run: Run) -> None:
    assert "takes no counts" in run("compare", "h100:8").err
    assert run("compare", "--all", "h100").code == 2
    rows = run("compare", "--gpu", "h100", "--gpu", "a100", "--json").json["rows"]
    assert [row["name"] for row in rows] == ["h100-sxm", "a100-sxm-80gb"]


def test_its_figures_have_their_sources(run: Run) -> None:
    sources = run("compare", "h100", "a100", "--sources", "--json").json["sources"]
    assert {"h100-sxm.memory_bandwidth", "a100-sxm-80gb.flops_int8"} <= {item["key"] for item in sources}
    steps = run("compare", "h100", "a100", "--steps", "--json").json["steps"]
    assert any(step["meaning"].startswith("a100-sxm-80gb: ") for step in steps)


def test_the_imbalance_is_not_being_engineered_away(run: Run) -> None:
    said = run("compare", "--all").out.replace("\n", " ")
    assert "is not being engineered away" in said
    assert "median trend" in said


@pytest.mark.parametrize(
    ("names", "sizes", "basis"),
    [
        (("mi300x", "h200"), (191.7 * 2**30, 139.81 * 2**30), "as engines see it"),
        (("b200", "h200"), (178.35 * 2**30, 139.81 * 2**30), "as engines see it"),
        (("gb200", "h200"), (189_471 * 2**20, 143_771 * 2**20), "as the driver reports"),
        (("mi325x", "h200"), (256 * 2**30, 143_771 * 2**20), "as the driver reports"),
        (("mi300x", "a40"), (196_592 * 2**20, 46_068 * 2**20), "as the driver reports"),
        (("mi300x", "b100"), (192e9, 192e9), "as sold"),
        (("h100-note", "h100"), (80e9, 80e9), "as sold"),
    ],
)
def test_memories_are_compared_on_one_basis(names: tuple[str, str], sizes: tuple[float, float], basis: str) -> None:
    """GiB of one part are never held against GB of another, nor is the time to drain them."""
    report = infercost.compare(*names)
    assert report.series is not None
    rows = report.series.rows
    assert [row["memory_bytes"] for row in rows] == pytest.approx(sizes)
    for row, size in zip(rows, sizes, strict=True):
        assert row["drain_time_s"] == pytest.approx(size / row["memory_bandwidth_bytes_per_s"])
    assert report.series.ratios["memory_bytes"] == pytest.approx(sizes[1] / sizes[0])
    assert any(basis in note.text for note in report.notes if note.code == "memory-counted")


def test_the_heads_of_a_table_of_parts_are_explained(run: Run) -> None:
    """Once, below it; a comparison of steps has others."""
    said = " ".join(run("compare", "h100", "human-brain").err.split())
    for head in (
        "FLOP/B is arithmetic in",
        "drain the time to read all of memory once",
        "B* the critical batch: the seq",
    ):
        assert said.count(head) == 1
    assert "B* the critical" not in " ".join(run("compare", "h100", "h200", "--model", "llama-3.1-8b").err.split())


def test_a_part_that_takes_several_is_one_row_with_its_count(run: Run) -> None:
    """40 GB of 70 billion weights in 4.5 bits and more are above the 24 GB of one card, and below those of two."""
    asked = ("--model", "llama-3.3-70b", "--dtype", "q4_k_m")
    said = run("compare", "3090", "2x3090", *asked, "--json").json
    assert [(row["name"], row["gpus"]) for row in said["rows"]] == [("rtx-3090", 2)]
    assert said["verdict"].startswith("One rtx-3090 does not hold the model: 2 do. ")
    said = run("compare", "3090", "4x3090", *asked, "--json").json
    assert [row["gpus"] for row in said["rows"]] == [2]
    assert said["verdict"].startswith("One rtx-3090 does not hold the model: 2 do. ")
    assert said["verdict"].endswith(" One user is no faster on all 4 x rtx-3090 than on 2.")
    said = run("compare", "3090", "4090", *asked, "--json").json
    assert [row["gpus"] for row in said["rows"]] == [2, 2]
    assert "does not hold" not in said["verdict"]
    said = run("compare", "2x3090", "rtx-5090", *asked, "--json").json  # 42.5 GB on 32 GB
    assert [(row["name"], row["gpus"]) for row in said["rows"]] == [("rtx-3090", 2), ("rtx-5090", 2)]
    assert said["verdict"].startswith("One rtx-5090 does not hold the model: 2 do. ")
    said = run("compare", "3090", "2x3090", "--model", "qwen3-8b", "--dtype", "q4_k_m", "--json").json
    assert [row["gpus"] for row in said["rows"]] == [1]
    assert "does not hold" not in said["verdict"]


def test_who_is_beside_one_card_of_another_is_told_that_one_does_not_hold_it(run: Run) -> None:
    """Gemma 3 27B has 27.4B weights: 16.5 GB in q4_k_m (4.83 bits) are above the 16 GB of the one, not 24 GB."""
    said = run("compare", "rtx-3090", "rtx-5070-ti", "--model", "gemma-3-27b", "--dtype", "q4_k_m", "--json").json
    assert [row["gpus"] for row in said["rows"]] == [1, 2]
    assert said["verdict"].startswith("One rtx-5070-ti does not hold the model: 2 do. ")
    assert "Engines differ" not in said["verdict"]
    said = run("compare", "rtx-5090", "dgx-spark", "--model", "gpt-oss-120b", "--json").json  # 63 GB on 32 GB
    assert said["verdict"].startswith("One rtx-5090 does not hold the model: 4 do. ")
    assert said["verdict"].endswith(" Engines differ: llama.cpp on dgx-spark-gb10, vllm on rtx-5090.")


def test_cards_of_owners_are_told_the_format_that_takes_fewer(run: Run) -> None:
    """The counts are those of the same comparison in that format; who named a format or a count is told none."""
    asked = ("compare", "rtx-3090", "rtx-5090", "--model", "qwen2.5-32b")
    answer = run(*asked, "--json").json
    smaller = run(*asked, "--dtype", "q4_k_m", "--json").json
    counts = ", ".join(f"{row['gpus']} x {row['name']}" for row in smaller["rows"])
    assert sum(row["gpus"] for row in smaller["rows"]) < sum(row["gpus"] for row in answer["rows"])
    assert answer["advice"] == [f"--dtype q4_k_m takes {counts}"]
    assert not smaller["advice"]
    assert not run(*asked, "--efficiency", "vllm", "--dtype", "fp8", "--json").json["advice"]
    assert not run("compare", "2x3090", "rtx-5090", "--model", "qwen2.5-32b", "--json").json["advice"]
    assert not run("compare", "h100", "a100", "--model", "llama-3.1-70b", "--json").json["advice"]
    assert not run("compare", "rtx-3090", "rtx-5090", "--model", "qwen3-8b", "--json").json["advice"]


def test_two_parts_are_compared_by_speed_and_by_the_bandwidth_that_binds(run: Run) -> None:
    """4.8 TB/s against 3.35 are 1.433x; the speeds are those of the rows."""
    said = run("compare", "h100", "h200", "--model", "llama-3.1-8b", "--batch", "1", "--json").json
    slow, fast = (row["tokens_per_s_per_user"] for row in said["rows"])
    assert said["verdict"].endswith(
        f", {show(fast / slow, 'x')} the {show(slow)} of 1 x h100-sxm with 1.433x its bandwidth."
    )
    assert "throughput" not in said["verdict"]
    filled = run("compare", "h100", "h200", "--model", "llama-3.1-8b", "--batch", "64", "--json").json
    assert [row["gpus"] for row in filled["rows"]] == [2, 1]
    second = show(filled["rows"][1]["tokens_per_s_per_user"])
    assert f" the {second} of 1 x h200-sxm; h200-sxm has the highest throughput per device, " in filled["verdict"]


def test_the_second_of_several_parts_is_said_once(run: Run) -> None:
    asked = ("compare", "rtx-3090", "apple-m3-ultra", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "q4_k_m")
    said = run(*asked, "--json").json
    speeds = {row["name"]: show(row["tokens_per_s_per_user"]) for row in said["rows"]}
    assert said["verdict"].count("rtx-4090") == 1
    assert f", second 1 x rtx-3090, {speeds['rtx-3090']}." in said["verdict"]


def test_what_is_no_machine_is_not_searched_and_notes_of_many_are_one(run: Run) -> None:
    found = run("compare", "--all", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--batch", "1", "--json").json
    names = [row["name"] for row in found["rows"]]
    assert len(names) > 100
    assert not {"human-brain", "h100-note"} & {*names}
    (price,) = [note["text"] for note in found["notes"] if note["code"] == "price"]
    assert price.startswith("no price is known of ")
    assert price.endswith(" others: costs need --price")
    (unread,) = [note["text"] for note in found["notes"] if "llama.cpp, the engine of GGUF files" in note["text"]]
    assert {"trainium2", "inferentia2", "tpu-v5e", "gaudi3"} <= {*unread.partition(": ")[0].split(", ")}
    assert len(found["notes"]) < 30
    named = run("compare", "human-brain", "h100", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--json").json
    assert [row["name"] for row in named["rows"]] == ["human-brain", "h100-sxm"]
    prices = [note["text"] for note in named["notes"] if note["code"] == "price"]
    assert len(prices) == 2
    assert any("rent of h100-sxm" in price for price in prices)


@pytest.mark.parametrize(
    ("parts", "missed", "asked"),
    [
        (("rtx-5090:1", "dgx-spark"), "rtx-5090:1", ("--model", "gpt-oss-120b")),
        (("rtx-3090:2", "rtx-5090:1"), "rtx-5090:1", ("--model", "llama-3.3-70b", "--dtype", "q4_k_m")),
        (("rtx-3090:2", "h100"), "rtx-3090:2", ("--model", "llama-3.3-70b")),
        (("rtx-4090:1",), "rtx-4090:1", ("--model", "llama-3.3-70b")),
    ],
)
def test_a_named_part_that_does_not_hold_the_model_says_what_it_is_short_by(
    parts: tuple[str, ...], missed: str, asked: tuple[str, ...], run: Run
) -> None:
    """In the words of ``fit`` about as many of it; in its row too, where the others have no reason."""
    name, _, count = missed.partition(":")
    said = run("compare", *parts, *asked, "--json").json
    fit = run("fit", "--gpu", missed, *asked, "--json").json
    words = fit["verdict"].partition(", short by ")[2].partition(";")[0].partition(". ")[0]
    assert f" {count} x {name} does not hold it, short by {words}." in said["verdict"]
    whys = {row["name"]: (row["why_not"], row["shortfall_bytes"]) for row in said["rows"]}
    assert whys.pop(name) == (f"short by {words}", fit["results"]["shortfall_bytes"])
    assert {*whys.values()} <= {(None, 0.0)}
    assert f"short by {words.split()[0]}" in " ".join(
        run("compare", *parts, *asked).out.partition("why not")[2].split()
    )


def test_a_named_part_that_cannot_be_asked_is_in_the_verdict_and_of_all_their_number(run: Run) -> None:
    asked = ("--model", "llama-3.3-70b", "--dtype", "q4_k_m", "--json")
    said = run("compare", "trainium1", "h100", *asked).json
    why = "does not run llama.cpp, the engine of GGUF files"
    assert f" trainium1 is left out: {why}." in said["verdict"]
    assert [row["why_not"] for row in said["rows"]] == [why, None]
    of_all = run("compare", "--all", *asked).json
    left = sum(row["why_not"] is not None for row in of_all["rows"])
    assert f" {left} parts of {len(of_all['rows'])} left out: --json says why." in of_all["verdict"]


@pytest.mark.parametrize("names", [("h100",), ("h100", "h200")])
def test_the_verdict_says_the_batch_where_it_is_not_one(names: tuple[str, ...], run: Run) -> None:
    """A batch of one is said among what is assumed."""
    asked = ("compare", *names, "--model", "llama-3.1-8b")
    one, many = run(*asked, "--json").json, run(*asked, "--batch", "64", "--json").json
    assert "batch" in one["assumed"]
    assert one["inputs"]["batch"] == 1
    assert "batch" not in one["verdict"]
    assert "one user" in one["verdict"].lower()
    assert "a user at batch 64" in many["verdict"].lower().replace(",", "")
    assert "tokens/s between prompts (bound" in many["verdict"]  # as in utilization --batch 64, whose ITL has prompts
    assert "one user" not in many["verdict"].lower()


def test_a_computer_without_a_link_is_not_counted_twice(run: Run) -> None:
    """Eight GB of an M1 hold no 70 billion weights, and nothing joins it to the next; a count that was given stands."""
    said = run("compare", "m1", "rtx-3090", "--model", "llama-3.3-70b", "--dtype", "q4_k_m", "--json").json
    assert [(row["name"], row["gpus"], row["fits"]) for row in said["rows"]] == [
        ("apple-m1", 1, False),
        ("rtx-3090", 2, True),
    ]
    two = run("compare", "m1:2", "--model", "llama-3.1-8b", "--json").json
    assert [row["gpus"] for row in two["rows"]] == [2]


def test_a_bare_count_is_compared_on_the_least_devices_that_hold_it(run: Run) -> None:
    """1.8 TB take 10 x 186 GB and 23 x 80 GB; 280 GB a token from 10 x 8 TB/s and 23 x 3.35 TB/s."""
    answer = run("compare", "gb200", "h100", "--params", "1.8e12", "--active-params", "280e9", "--json").json
    first, second = answer["rows"]
    assert (first["gpus"], second["gpus"]) == (10, 23)
    assert first["tokens_per_s_per_user"] == pytest.approx(10 * 8e12 / 280e9)
    assert second["tokens_per_s_per_user"] == pytest.approx(23 * 3.35e12 / 280e9)
    assert first["tokens_per_s_per_gpu"] / second["tokens_per_s_per_gpu"] == pytest.approx(8 / 3.35)
    assert "285.7 tokens/s at best, 1.038x the 275.2 of 23" in answer["verdict"]
    assert any("KV cache" in note["text"] for note in answer["notes"])


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--concurrency", "64"), "a job needs --model: a bare count has no cache"),
        (("--context", "8k"), "--context needs --model: a bare count has no layers"),
        (("--model", "llama-3.1-8b"), "--model says params already"),
        (("--trend",), "--trend is of parts alone"),
    ],
)
def test_what_a_bare_count_has_not_is_refused(argv: tuple[str, ...], said: str, run: Run) -> None:
    refused = run("compare", "gb200", "h100", "--params", "70B", *argv)
    assert (refused.code, refused.out) == (2, "")
    assert said in " ".join(refused.err.split())


def test_devices_of_a_rack_are_said_to_be_its_gpus(run: Run) -> None:
    """gb200-nvl72 is one GPU of the 72, h100-nvl a card: its name is of no rack."""
    said = run("compare", "gb200", "h100-nvl", "--model", "llama-3.1-8b", "--json").json["verdict"]
    assert said.startswith("1 x gb200-nvl72 GPU is fastest")
    assert "1 x h100-nvl with" in said
    assert "on 4 x gb200-nvl72 GPU with" in run("fit", "--gpu", "gb200", "--model", "deepseek-v3").out
    users = run("userbase", "--gpu", "gb200", "--model", "deepseek-v3", "--users", "1M", "--json").json["verdict"]
    assert "replicas of 8 x gb200-nvl72 GPU (184 devices) at" in users


def test_the_rates_of_rows_are_those_of_the_steps(run: Run) -> None:
    """NVIDIA's dense rates of bf16: 312 TFLOP/s of an A100, 989.4 of an H100; MFU is arithmetic over them."""
    asked = ("compare", "a100", "h100", "--model", "qwen3-32b")
    said = run(*asked, "--json").json
    assert [(row["rate"], round(row["peak_flops_per_s"] / 1e12, 1)) for row in said["rows"]] == [
        ("bf16", 312.0),
        ("bf16", 989.4),
    ]
    flops = 2 * 31.99e9 + 4 * 64 * 64 * 128 * 8192  # weights, then 64 layers of 64 heads of 128 over 8,192 tokens
    for row in said["rows"]:
        done = row["tokens_per_s_per_user"] / row["gpus"] * flops
        assert row["utilization"] == pytest.approx(done / row["peak_flops_per_s"], rel=0.01)
    assert "rates" not in [note["code"] for note in said["notes"]]
    eight = [note["text"] for note in run(*asked, "--dtype", "fp8", "--json").json["notes"] if note["code"] == "rates"]
    text = "parts compute at the fastest format that serves these weights: bf16 on a100-sxm-80gb, fp8 on h100-sxm"
    assert eight == [text]


def test_two_parts_of_other_counts_have_their_ratio_a_device(run: Run) -> None:
    """568.9 tokens/s of each of 5 devices to 238.2 of each of 12 are 2.388; counts that are the same need none."""
    asked = ("--params", "1.8T", "--active-params", "280B", "--dtype", "4bit", "--batch", "64")
    verdict = run("compare", "gb200", "h100", *asked, "--json").json["verdict"]
    assert "throughput per device, 568.9 tokens/s, 2.388x the 238.2 of h100-sxm." in verdict
    same = run("compare", "h100:8", "h200:8", "--model", "llama-3.1-70b", "--batch", "64", "--json").json["verdict"]
    assert "a device" in same
    assert "per device, " not in same.partition("a device")[2]
    assert same.count("x the ") == 1


HOME = {"model": "gpt-oss-120b", "input_tokens": 8000}


def test_parts_are_told_apart_by_their_first_token_too_where_a_prompt_is_given() -> None:
    """A request is its first token and 499 more, one a step; the slower reader of weights may be the first to end."""
    report = infercost.compare("dgx-spark", "m4-max-128gb", **HOME, output_tokens=500)
    assert report.series is not None
    spark, apple = report.series.rows
    assert spark["ttft_s"] < apple["ttft_s"]
    assert spark["tokens_per_s_per_user"] < apple["tokens_per_s_per_user"]
    for row in (spark, apple):
        assert row["request_time_s"] == pytest.approx(row["ttft_s"] + 499 / row["tokens_per_s_per_user"])
    times = f"{apple['ttft_s'] / spark['ttft_s']:.4g}x as fast"
    first = f"; in prompts dgx-spark-gb10 is first: {spark['ttft_s']:.4g} s to the first token, {times}"
    whole = f"a request takes {spark['request_time_s']:.4g} s on dgx-spark-gb10, {apple['request_time_s']:.4g} s on "
    assert f"{first}; {whole}apple-m4-max-128gb." in report.verdict
    assert "ttft_s" in report.series.columns
    third = infercost.compare("dgx-spark", "m4-max-128gb", "m3-max-128gb", **HOME, output_tokens=500)
    assert f"{times} as 1 x apple-m4-max-128gb" in third.verdict
    alone = infercost.compare("dgx-spark", "m4-max-128gb", **HOME, output_tokens=1)
    assert alone.verdict.startswith(f"1 x dgx-spark-gb10 is first to the first token, {spark['ttft_s']:.4g} s: {times}")
    none = infercost.compare("dgx-spark", "m4-max-128gb", model="gpt-oss-120b")
    assert none.series is not None
    assert "ttft_s" not in none.series.rows[0]
    assert "prompts" not in none.verdict


@pytest.mark.parametrize(("tokens", "start"), [(500, "Tokens/s per user is "), (1, "The time to the first token is ")])
def test_a_sweep_over_parts_has_the_first_token_in_its_verdict(tokens: int, start: str) -> None:
    swept = infercost.utilization(**HOME, output_tokens=tokens, sweep=["gpu=dgx-spark,m4-max-128gb"])
    assert swept.verdict.startswith(start)
    assert f"ime to the first token is {swept['rows'][0]['ttft_s']:.4g} s (dgx-spark), " in swept.verdict


def test_desktop_cards_in_numbers_that_no_machine_has_are_cautioned() -> None:
    """671 GB in fp8 take 40 cards of 24 GB; 8 of them hold 70B in 16 bits."""
    far = infercost.compare("rtx-3060", "rtx-4090", model="deepseek-v3").verdict
    assert "No machine has 72 x rtx-3060-12gb, 40 x rtx-4090: desktop cards are at most 8 in one." in far
    for parts, model in ((("rtx-3090", "rtx-4090"), "llama-3.1-70b"), (("h100", "h200"), "deepseek-v3")):
        assert "No machine has" not in infercost.compare(*parts, model=model).verdict


def test_a_lead_within_the_error_of_the_estimates_is_said(run: Run) -> None:
    """Each of two speeds lies in the interval of the other; a chip with 1.4 times the bandwidth is out of it."""
    asked = ("compare", "rtx-3090:1", "rx-7900-xtx:1", "--model", "qwen3-32b", "--dtype", "q4_k_m", "--json")
    said = run(*asked).json
    fast, slow = sorted(said["rows"], key=lambda row: -row["tokens_per_s_per_user"])
    low, high = fast["bands"]["tokens_per_s_per_user"][0], slow["bands"]["tokens_per_s_per_user"][1]
    assert low < slow["tokens_per_s_per_user"] < fast["tokens_per_s_per_user"] < high
    assert said["verdict"].endswith(", within the error of these estimates.")
    for more in (("h100", "l40s", "--model", "llama-3.1-8b"), (*asked[1:-1], "--efficiency", "ideal")):
        assert "within the error" not in run("compare", *more, "--json").json["verdict"]


@pytest.mark.parametrize("more", [(), ("--batch", "8")])
def test_a_comparison_says_in_which_layout_its_users_are(more: tuple[str, ...], run: Run) -> None:
    """Alone or at a batch they are those of ``utilization --batch``, which says what it has when full beside it."""
    load = ("--model", "llama-3.1-405b")
    said = run("compare", "h100:16", *load, *more, "--json").json
    (row,) = said["rows"]
    asked = run("utilization", "--gpu", "h100:16", *load, *(more or ("--batch", "1")), "--json").json
    assert {key: row[key] for key in ("tp", "pp", "ep")} == {key: asked["inputs"][key] for key in ("tp", "pp", "ep")}
    assert row["tokens_per_s_per_user"] == asked["results"]["tokens_per_s_per_user"]
    assert f" on 16 x h100-sxm in tp {row['tp']}, " in said["verdict"]
    two = run("compare", "h100:16", "h200:16", *load, *more, "--json").json
    assert "h100-sxm tp 16, h200-sxm tp 16" in next(note["text"] for note in two["notes"] if note["code"] == "layout")


def test_parts_for_requests_of_a_length_are_told_by_speed_and_by_money(run: Run) -> None:
    lengths = ("--model", "llama-3.1-8b", "--isl", "512", "--osl", "128", "--json")
    said = run("compare", "--all", *lengths).json["verdict"]
    first = run("compare", "--all", *lengths, "--sort", "cost").json["rows"][0]
    usd = f"${first['usd_per_million_tokens']:.3f} a million output tokens"
    assert " is fastest for one user, " in said
    assert f" Cheapest with 64 users at once (--concurrency) is {first['gpus']} x {first['name']}, {usd}. " in said
    assumed = run("compare", "h800", "h100", *lengths).json["verdict"]
    assert " is 1 x h800-sxm, $" in assumed
    assert " a million output tokens, at an assumed price." in assumed
    for other in (("h100", "rx-7900-xtx"), ("h100:2", "h200:2"), ("h100", "h200", "--batch", "8")):
        assert "Cheapest" not in run("compare", *other, *lengths).json["verdict"]
    assert "Cheapest" not in run("compare", "h100", "h200", *lengths[:2], "--json").json["verdict"]


def test_parts_sorted_by_speed_alone_stay_the_question_of_one_user(run: Run) -> None:
    """A load makes it a job; the first of the rows is the fastest for one user, as without an order."""
    asked = ("compare", "dgx-spark", "rtx-5090", "--model", "gpt-oss-120b", "--json")
    usual, said = run(*asked).json, run(*asked, "--sort", "speed").json
    assert said["verdict"] == usual["verdict"]
    first = "One rtx-5090 does not hold the model: 4 do. 4 x rtx-5090 is fastest for one user, "
    assert said["verdict"].startswith(first)
    assert [row["name"] for row in usual["rows"]] == ["dgx-spark-gb10", "rtx-5090"]
    assert [row["name"] for row in said["rows"]] == ["rtx-5090", "dgx-spark-gb10"]
    assert "64 sequences" in run(*asked, "--sort", "throughput").json["verdict"]
    assert "8 sequences" in run(*asked, "--sort", "speed", "--concurrency", "8").json["verdict"]


def test_kinds_of_rent_are_told_where_a_price_is_compared() -> None:
    """The rent of a GB200 is a shop's, that of an H100 a neocloud's: of speeds it says nothing, a note has it."""
    speeds = infercost.compare("gb200", "h100", model="llama-3.1-70b")
    assert "price-bases" in {note.code for note in speeds.notes}
    assert "rents of one kind" not in speeds.verdict
    assert "rents of one kind" in infercost.compare("gb200", "h100", model="llama-3.1-70b", input_tokens=1000).verdict
