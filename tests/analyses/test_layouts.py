"""The layout that is chosen where nobody asks for one: replicas, widths, and the line that says why."""

import math
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run, grid

LLAMA = ("--model", "llama-3.1-8b")
REQUEST = ("--input-tokens", "2000", "--output-tokens", "500")
WIDTHS = ("gpus", "tp", "pp", "ep", "dp")


def layout(answer: dict[str, Any]) -> dict[str, int]:
    """The devices and widths of an answer's inputs; one replica where none are noted."""
    return {"dp": 1} | {key: value for key, value in answer["inputs"].items() if key in WIDTHS}


def why(answer: dict[str, Any]) -> str:
    """The line that says why a layout was chosen, empty where there was nothing to choose."""
    return next((note["text"] for note in answer["notes"] if note["code"] == "choice"), "")


@pytest.mark.parametrize("command", ["fit", "utilization"])
def test_eight_devices_of_a_small_model_are_eight_replicas(run: Run, command: str) -> None:
    """Who gives devices and no batch asks for capacity: the smallest replicas, a sequence on each."""
    said = run(command, *LLAMA, "--gpu", "h100:8", "--json").json
    one = run(command, *LLAMA, "--gpu", "h100", "--json").json["results"]
    assert layout(said) == {"gpus": 8, "tp": 1, "pp": 1, "ep": 1, "dp": 8}
    assert said["inputs"]["batch"] == said["results"].get("batch", 8) == 8
    assert said["results"].get("step_time_s") == one.get("step_time_s")
    assert said["results"].get("max_sequences") == (8 * one["max_sequences"] if command == "fit" else None)
    assert why(said).startswith("8 replicas of one device are chosen: ")
    assert "tp 2" in why(said)


def test_a_lone_sequence_gets_the_fastest_replica(run: Run) -> None:
    """A batch of one keeps one replica busy: its devices share each layer."""
    said = run("utilization", *LLAMA, "--gpu", "h100:8", "--batch", "1", "--json").json
    assert layout(said) == {"gpus": 8, "tp": 8, "pp": 1, "ep": 1, "dp": 1}
    assert why(said).startswith("tp 8 is chosen: ")


def test_a_large_batch_is_held_by_single_devices(run: Run) -> None:
    """More than a node holds goes to replicas, rather than to one that spans many nodes."""
    for batch, devices in (("5000", 93), ("20000", 371)):
        said = run("utilization", *LLAMA, "--gpu", "h100", "--batch", batch, "--json").json
        assert layout(said) == {"gpus": devices, "tp": 1, "pp": 1, "ep": 1, "dp": devices}
        assert said["results"]["batch"] == int(batch)
        held = run("fit", *LLAMA, "--gpu", "h100", "--json").json["results"]["max_sequences"]
        assert (devices - 1) * held < int(batch) <= devices * held


@pytest.mark.parametrize("count", [5, 7, 997, 1000, 1025])
def test_a_count_that_no_width_divides_becomes_replicas(run: Run, count: int) -> None:
    for command in ("fit", "utilization"):
        said = run(command, *LLAMA, "--gpu", f"h100:{count}", "--json")
        assert said.code == 0, said.err
        assert said.json["results"]["gpus"] == layout(said.json)["dp"] == count


def test_devices_that_have_no_part_are_said(run: Run) -> None:
    """A replica of a large model leaves some of seven, and a lone sequence all that no faster layout uses."""
    said = run("fit", "--model", "llama-3.1-70b", "--gpu", "h100:7", "--json").json
    assert said["results"]["gpus"] == 4
    assert "3 of the 7 devices have no part in it" in [note["text"] for note in said["notes"]]
    alone = run("utilization", *LLAMA, "--gpu", "h100:1000", "--batch", "1", "--json").json
    assert f"{1000 - alone['results']['gpus']} of the 1,000" in str(alone["notes"])


def test_a_model_that_does_not_fit_has_an_answer_on_any_count(run: Run) -> None:
    said = run("utilization", *LLAMA, "--gpu", "h100:1000", "--batch", "9000000", "--json")
    assert said.code == 3
    assert said.json["results"]["gpus"] == 1000


LOADS = [
    ("llama-3.1-8b", "h100", 8, ("--batch", "8")),
    ("llama-3.1-8b", "h100", 8, ("--batch", "400")),
    ("llama-3.1-8b", "h100", 8, ("--batch", "2000", "--context", "1000")),
    ("llama-3.1-8b", "h100", 8, ("--concurrency", "64", *REQUEST)),
    ("llama-3.1-8b", "rtx-4090", 2, ("--batch", "6")),
    ("llama-3.1-8b", "apple-m2-ultra", 2, ("--batch", "8")),
    ("llama-3.1-70b", "h100", 8, ("--batch", "64")),
    ("llama-3.1-70b", "mi300x", 4, ("--batch", "96")),
    ("qwen3-30b-a3b", "h100", 4, ("--batch", "100")),
    ("mixtral-8x7b", "a100-80gb", 8, ("--batch", "128", "--context", "2000")),
    ("deepseek-v3", "h200", 8, ("--batch", "100", "--context", "32k")),
    ("deepseek-v3", "h200", 16, ("--batch", "512",)),
    ("gpt-oss-120b", "b200", 4, ("--batch", "64", "--efficiency", "sglang")),
    ("llama-3.1-8b", "h100", 7, ("--batch", "64")),
]  # fmt: skip


@grid(("model", "part", "devices", "load"), LOADS)
def test_no_layout_of_the_same_devices_serves_more(
    run: Run, model: str, part: str, devices: int, load: tuple[str, ...]
) -> None:
    """All widths by hand: at the load that was asked none gives more tokens a second than the one that was chosen.

    Prompts are paid where their length is known, as in the price; what more stages would give is said in a note.
    """

    def served(answer: Any) -> float:
        results = answer.json["results"]
        return float(results.get("tokens_per_s_all_in") or results["tokens_per_s"])

    asked = ("utilization", "--model", model, "--gpu", f"{part}:{devices}", *load, "--json")
    chosen = run(*asked)
    assert chosen.code == 0, chosen.err
    parts = [each for each in range(1, devices + 1) if devices % each == 0]
    tried = 0
    for dp, tp, pp in product(parts, parts, parts):
        for ep in {1, devices // dp // pp}:
            if dp * pp * max(tp, ep) != devices:
                continue
            widths = ("--dp", str(dp), "--tp", str(tp), "--pp", str(pp), "--ep", str(ep))
            other = run(*asked, *widths)
            if other.code == 0 and other.json["results"].get("stable", True):
                tried += 1
                is_staged = pp > layout(chosen.json)["pp"]
                assert is_staged or served(other) <= served(chosen) * (1 + 1e-9), widths
    assert tried > 1


def test_a_rate_that_several_keep_up_with_has_the_shortest_request(run: Run) -> None:
    """Replicas give the same tokens a second where all keep up; none answers a tenth sooner than the one chosen."""
    for rate in ("5", "50"):
        asked = ("utilization", *LLAMA, "--gpu", "h100:8", *REQUEST, "--request-rate", rate, "--json")
        chosen = run(*asked)
        assert chosen.code == 0
        for dp, tp in ((1, 8), (2, 4), (4, 2), (8, 1)):
            other = run(*asked, "--dp", str(dp), "--tp", str(tp), "--pp", "1").json["results"]
            if other["stable"]:
                assert chosen.json["results"]["request_time_s"] <= other["request_time_s"] / 0.9


@pytest.mark.parametrize(
    ("model", "gpu", "chosen"),
    [
        ("llama-3.1-70b", "h100:8", {"tp": 8, "dp": 1}),
        ("llama-3.1-70b", "h200:8", {"tp": 4, "dp": 2}),
    ],
)
def test_replicas_of_a_large_model_are_as_many_as_serve_most(
    run: Run, model: str, gpu: str, chosen: dict[str, int]
) -> None:
    """When full; a device that weights leave little room serves few, so fewer and wider replicas serve more."""
    said = run("fit", "--model", model, "--gpu", gpu, "--json").json
    assert chosen.items() <= layout(said).items()
    rates = {}
    for dp in (1, 2, 4):
        widths = ("--model", model, "--gpu", gpu, "--dp", str(dp), "--tp", str(8 // dp), "--pp", "1", "--json")
        held = run("fit", *widths)
        if held.code == 0:
            full = min(held.json["results"]["max_sequences"], 256 * dp)
            rates[dp] = run("utilization", *widths, "--batch", str(full)).json["results"]["tokens_per_s"]
    assert rates[chosen["dp"]] >= 0.9 * max(rates.values())


@grid(
    ("asked", "all_widths"),
    [
        ("fit --gpu h200:8 --model deepseek-v3 --context 32k", ("--tp 8", "--tp 4 --ep 8", "--ep 8")),
        ("fit --gpu h100:8 --model qwen3-235b-a22b", ("--tp 8", "--tp 8 --ep 8", "--tp 4 --ep 8", "--tp 2 --ep 8")),
        ("economies --gpu b200:8 --model deepseek-v3", ("--tp 8", "--tp 8 --ep 8", "--tp 4 --ep 8", "--ep 8")),
        ("economies --gpu b200:8 --model deepseek-v3 --workload chat", ("--tp 8", "--tp 2 --ep 8", "--ep 8")),
        ("economies --gpu h100:8 --model gpt-oss-120b", ("--tp 8", "--tp 4 --ep 8", "--ep 8")),
        (
            "userbase --gpu h200:8 --model deepseek-v3 --users 10M --workload chat",
            ("--tp 8", "--tp 4 --ep 8", "--ep 8"),
        ),
    ],
)
def test_experts_are_spread_where_that_serves_more(run: Run, asked: str, all_widths: tuple[str, ...]) -> None:
    """What is chosen for a full replica is within a tenth of the best of all widths, each asked by hand."""

    def merit(*widths: str) -> float:
        said = run(*asked.split(), *widths, "--json").json
        if said["command"] == "fit":
            chosen = [f"--{key} {said['results'][key]}" for key in ("tp", "pp", "ep")]
            most = min(said["results"]["max_sequences"], 256)
            given = (*asked.split()[1:], *" ".join(chosen).split(), "--batch", str(most), "--json")
            return float(run("utilization", *given).json["results"]["tokens_per_s"])
        floor = "floor_usd_per_million_tokens" if said["command"] == "economies" else "gpus"
        return 1 / float(said["results"][floor])

    assert merit() >= 0.9 * max(merit(*widths.split()) for widths in all_widths)


def test_the_nearest_layout_is_shown_where_none_holds_a_batch_and_the_advice_holds_it(run: Run) -> None:
    """By hand: eight H200 hold 20 sequences of 32k as tp 8 and 104 as ep 8, of which ep 8 is nearer 200."""
    asked = ("fit", "--model", "deepseek-v3", "--context", "32k", "--batch", "200", "--json")
    said = run(*asked, "--gpu", "h200:8")
    assert said.code == 3
    assert said.json["results"]["ep"] == 8
    held = said.json["results"]["max_sequences"]
    assert held == run("fit", *asked[1:5], "--gpu", "h200:8", "--ep", "8", "--json").json["results"]["max_sequences"]
    for model, gpu, batch in (
        ("deepseek-v3", "h200", 200),
        ("llama-3.1-8b", "h100", 5000),
        ("llama-3.1-70b", "h100", 999),
    ):
        few = run("fit", "--model", model, "--gpu", f"{gpu}:8", "--batch", str(batch), "--context", "32k", "--json")
        assert few.code == 3
        count = next(re.findall(rf"--gpu {gpu}:(\d+)", line) for line in few.json["advice"] if "devices" in line)[0]
        more = run(
            "fit", "--model", model, "--gpu", f"{gpu}:{count}", "--batch", str(batch), "--context", "32k", "--json"
        )
        assert more.code == 0, (model, count)


def test_a_part_without_a_link_holds_a_batch_on_the_least_devices_that_fit(run: Run) -> None:
    """MI250 has no published link: 130.6 GB of weights leave one of 137.4 GB no room for 8 sequences, two have it."""
    asked = ("fit", "--gpu", "mi250", "--model", "llama-1-65b", "--batch", "8", "--context", "2000", "--json")
    for usable, devices in (("50%", 4), ("90%", 2), ("100%", 2)):
        said = run(*asked, "--usable", usable)
        assert (said.code, said.json["results"]["gpus"]) == (0, devices), usable
    given = run(*asked, "--gpus", "8").json["results"]
    assert (given["fits"], given["tp"], given["pp"]) == (True, 8, 1)


def test_advice_on_replicas_is_of_all_of_them(run: Run) -> None:
    asked = ("fit", *LLAMA, "--dp", "7", "--gpus", "7", "--gpu", "h100")
    said = run(*asked, "--batch", "500", "--json").json
    held = said["results"]["max_sequences"]
    assert f"a batch of {held} (--batch {held})" in said["advice"]
    assert run(*asked, "--batch", str(held)).code == 0
    assert run(*asked, "--batch", str(held + 7)).code == 3


def test_prices_of_a_token_are_equal_at_the_same_share(run: Run) -> None:
    first: dict[str, Any] = {}
    for copies in (1, 3, 8):
        asked = ("--gpu", f"h100:{copies}", "--dp", str(copies), "--tp", "1", "--batch", str(20 * copies))
        said = run("utilization", *LLAMA, *asked, "--price", "2", *REQUEST, "--json").json["results"]
        first = first or said
        for key in ("usd_per_million_tokens", "step_time_s", "tokens_per_s_per_gpu", "ttft_s"):
            assert said[key] == first[key]
        assert said["tokens_per_s"] == pytest.approx(copies * first["tokens_per_s"])


def test_a_sweep_and_a_sweep_of_batches_have_one_layout(run: Run) -> None:
    """The same rows on the same devices, of one replica unless more are asked for."""
    for batches, replicas in (("1:64", ()), ("64:256:x2", ()), ("8:64", ("--dp", "8"))):
        asked = (*LLAMA, "--gpu", "h100:8", *replicas, "--json")
        swept = run("utilization", *asked, "--sweep", f"batch={batches}").json
        rows = run("sweep-batch", *asked, "--batch", batches).json
        assert layout(swept) == layout(rows)
        assert layout(rows)["dp"] == (8 if replicas else 1)
        for key in ("batch", "gpus", "step_time_s", "tokens_per_s", "usd_per_million_tokens"):
            assert [row[key] for row in swept["rows"]] == pytest.approx([row[key] for row in rows["rows"]])


def test_a_sweep_without_a_count_says_whose_devices_it_has_and_what_fewer_answer(run: Run) -> None:
    """4 x 72 GB hold 256 x 8,192 tokens, 275 GB, as stages alone; one user pays for four devices where one would do."""
    swept = run("sweep-batch", *LLAMA, "--gpu", "h100", "--batch", "1:256", "--json").json
    alone = run("utilization", *LLAMA, "--gpu", "h100:1", "--batch", "1", "--json").json["results"]
    room = run("fit", *LLAMA, "--gpu", "h100:1", "--json").json["results"]["max_sequences"]
    usd, here = alone["usd_per_million_tokens"], swept["rows"][0]["usd_per_million_tokens"]
    assert here == pytest.approx(4 * usd, rel=0.01)
    assert swept["verdict"].startswith(
        f"All rows are on the 4 x h100-sxm (pp 4) that batch 256 takes; --gpu h100:1 holds batches to {room}: "
        f"batch 1 costs ${usd:.2f} a million tokens there, ${here:.2f} here. No batch that fits"
    )
    assert {row["gpus"] for row in swept["rows"]} == {row["pp"] for row in swept["rows"]} == {4}
    points = run("utilization", *LLAMA, "--gpu", "h100", "--sweep", "batch=1:256", "--json").json["verdict"]
    assert " All are on the 4 devices that the largest takes, in pp 4; batch 1 alone takes one device: " in points
    users = run("userbase", *LLAMA[:1], "llama-3.1-70b", "--gpu", "h100", "--sweep", "users=100,100k", "--json").json
    assert " All are in tp 4; " in users["verdict"]  # of replicas, more for more users
    for counted in ("h100:4", "h100:1"):
        assert (
            "All rows" not in run("sweep-batch", *LLAMA, "--gpu", counted, "--batch", "1:32", "--json").json["verdict"]
        )
    prompts = run("sweep-batch", *LLAMA, "--gpu", "l4", "--osl", "1", "--batch", "1:64", "--json").json["verdict"]
    assert prompts.startswith(
        "Nothing is decoded, so that all batches are alike on the 4 x l4 (tp 4) that the largest "
    )


def test_replicas_in_a_sweep_of_batches_and_side_by_side(run: Run) -> None:
    rows = run("sweep-batch", *LLAMA, "--gpu", "h100:8", "--dp", "8", "--batch", "8,64", "--json").json
    one = run("sweep-batch", *LLAMA, "--gpu", "h100", "--batch", "1,8", "--json").json
    assert rows["results"]["max_batch"] == 8 * one["results"]["max_batch"]
    for mine, other in zip(rows["rows"], one["rows"], strict=True):
        assert mine["step_time_s"] == other["step_time_s"]
        assert [mine[key] for key in ("gpus", "batch")] == [8 * other[key] for key in ("gpus", "batch")]
        assert mine["bands"]["tokens_per_s"] == pytest.approx([8 * each for each in other["bands"]["tokens_per_s"]])
    beside = run("compare", "h100:8", "mi300x:4", *LLAMA, "--batch", "64", "--json").json
    assert [row["gpus"] for row in beside["rows"]] == [8, 4]
    assert "2 of h100-sxm, 4 of mi300x" in str(beside["notes"])


@pytest.mark.parametrize("command", ["userbase", "economies", "frontier"])
def test_replicas_that_follow_from_users_are_refused_in_words(run: Run, command: str) -> None:
    said = run(command, *LLAMA, "--gpu", "h100", "--dp", "2")
    assert (said.code, said.out) == (2, "")
    assert "leave --dp out" in said.err


MIXED = ("--gpu", "h200:8", "--model", "qwen3-235b-a22b", "--dtype", "fp8", "--concurrency", "128")


@pytest.mark.parametrize(
    "given",
    ["--dp 2", "--dp 2 --ep 4", "--dp 2 --tp 4", "--tp 4", "--ep 4", "--tp 4 --pp 1", "--dp 2 --tp 4 --pp 1 --ep 4"],
)
def test_a_part_of_the_best_layout_that_is_given_leads_to_the_rest_of_it(run: Run, given: str) -> None:
    """Eight devices as 2 replicas of tp 4 ep 4 serve most: who asks for a part of that gets the same answer."""
    best, said = (run("utilization", *MIXED, *extra, "--json").json for extra in ((), given.split()))
    assert layout(best) == layout(said) == {"gpus": 8, "tp": 4, "pp": 1, "ep": 4, "dp": 2}
    assert said["results"] == best["results"]


@pytest.mark.parametrize(("given", "kept"), [("--tp 8", {"tp": 8}), ("--dp 1", {"dp": 1}), ("--ep 1", {"ep": 1})])
def test_no_layout_with_the_widths_given_serves_more(run: Run, given: str, kept: dict[str, int]) -> None:
    """Every other layout of eight devices, asked for in full, that keeps what was given is slower or does not fit.

    More stages than are needed are named where they make much more, and not chosen.
    """
    said = run("utilization", *MIXED, *given.split(), "--json").json
    assert kept.items() <= layout(said).items()
    rate, others = said["results"]["tokens_per_s"], 0
    for tp, pp, dp in product((1, 2, 4, 8), repeat=3):
        for ep in {1, tp}:
            widths = {"tp": tp, "pp": pp, "ep": ep, "dp": dp}
            if tp * pp * dp == 8 and kept.items() <= widths.items() and pp <= layout(said)["pp"]:
                flags = [text for name, width in widths.items() for text in (f"--{name}", str(width))]
                other = run("utilization", *MIXED, *flags, "--json")
                others += other.code == 0
                assert other.code != 0 or other.json["results"]["tokens_per_s"] <= rate * (1 + 1e-9)
    assert others > 1


def test_capacity_is_counted_over_the_replicas_that_were_asked_for(run: Run) -> None:
    """``--dp`` is kept: four replicas of an 8B model on eight devices are of two each."""
    for command in ("fit", "utilization"):
        said = run(command, *LLAMA, "--gpu", "h100:8", "--dp", "4", "--json").json
        assert layout(said) == {"gpus": 8, "tp": 2, "pp": 1, "ep": 1, "dp": 4}
        assert run(command, *LLAMA, "--gpu", "h100:8", "--dp", "3", "--json").code == 2


def test_the_command_of_a_row_gives_its_numbers_where_experts_might_be_spread(run: Run) -> None:
    """A row that does not spread experts says so, as its command would choose otherwise."""
    asked = "--model qwen3-235b-a22b --dtype fp8 --concurrency 128 --isl 7680 --osl 1024 --json"
    row = run("compare", "h200", *asked.split()).json["rows"][0]
    again = run(*row["replay"].split()[1:], "--json").json
    assert [again["inputs"][key] for key in ("tp", "pp", "ep")] == [row[key] for key in ("tp", "pp", "ep")]
    assert again["results"]["usd_per_million_tokens"] == pytest.approx(row["usd_per_million_tokens"], rel=1e-9)


@pytest.mark.parametrize("part", ["h100", "h100:16"])
@pytest.mark.parametrize("command", ["fit", "economies"])
def test_nodes_share_layers_and_their_devices_matrices(run: Run, command: str, part: str) -> None:
    """As vLLM's guide to parallelism has it: tensor parallel over the devices of a node, pipeline over the nodes.

    405B in 16 bits takes two nodes of eight; tensor parallel over both would send each layer over the network.
    """
    few = ("--points", "2") if command == "economies" else ()
    said = run(command, "--model", "llama-3.1-405b", "--gpu", part, *few, "--json").json
    assert layout(said) == {"gpus": 16, "tp": 8, "pp": 2, "ep": 1, "dp": 1}


@pytest.mark.parametrize(
    ("part", "model"), [("h200", "deepseek-v3.2"), ("b200", "glm-5.2-fp8"), ("l40s", "gpt-oss-120b")]
)
def test_the_least_devices_hold_as_much_as_when_they_are_given(run: Run, part: str, model: str) -> None:
    least = run("fit", "--gpu", part, "--model", model, "--json").json
    given = run("fit", "--gpu", f"{part}:{least['results']['gpus']}", "--model", model, "--json").json
    assert layout(least) == layout(given)
    assert least["results"]["max_sequences"] == given["results"]["max_sequences"]


def test_stages_that_make_much_more_are_named(run: Run) -> None:
    """A latent cache is whole on each tensor rank; with a stage on each device it is cut by layers, and holds more."""
    asked = ("economies", "--gpu", "h200:8", "--model", "glm-5.2-fp8", "--workload", "agentic-coding", "--points", "2")
    said = run(*asked, "--json").json
    assert layout(said)["pp"] == 1
    (named,) = (note["text"] for note in said["notes"] if note["code"] == "stages")
    staged = run(*asked, "--tp", "1", "--pp", "8", "--json").json
    assert named.endswith("--tp 1 --pp 8")
    assert staged["results"]["floor_usd_per_million_tokens"] < said["results"]["floor_usd_per_million_tokens"] / 1.25


@pytest.mark.parametrize(("part", "model"), [("h100:6", "llama-3.1-70b"), ("h100:8", "llama-3.1-8b")])
def test_parts_side_by_side_are_as_fast_as_one_user_finds_them(run: Run, part: str, model: str) -> None:
    """In the layout that is best when full six were slower for one user than four of them."""
    beside = run("compare", part, "--model", model, "--json").json["rows"][0]
    alone = run("utilization", "--gpu", part, "--model", model, "--batch", "1", "--json").json["results"]
    few = run("utilization", "--gpu", f"h100:{beside['gpus']}", "--tp", "4", "--model", model, "--json").json["results"]
    assert beside["tokens_per_s_per_user"] == alone["tokens_per_s_per_user"] >= few["tokens_per_s_per_user"]


def test_alike_in_tokens_all_requests_run_at_once(run: Run) -> None:
    """tp 4 ep 8 serves 6% more, but holds 78 of 128 requests: the others waited a minute for their first token."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "deepseek-v3", "--dtype", "fp4", "--concurrency", "128")
    said = run(*asked, "--pp", "1", "--json").json
    assert "run at once" not in said["verdict"]
    assert said["results"]["ttft_s"] < 5
    assert why(said).endswith("runs all at once")


def test_a_load_has_stages_where_they_serve_it_much_better(run: Run) -> None:
    """256 requests cost $4.70 a million tokens in tp 2 ep 8, which has one stage, and $3.67 in the row of compare."""
    job = ("--model", "deepseek-v3", "--dtype", "fp8", "--concurrency", "256", "--price", "3", "--json")
    said = run("utilization", "--gpu", "h200:8", *job).json
    cheapest = run("compare", "h200", *job).json["rows"][0]["usd_per_million_tokens"]
    flat = run("utilization", "--gpu", "h200:8", "--pp", "1", *job).json["results"]["usd_per_million_tokens"]
    assert said["results"]["usd_per_million_tokens"] * 0.9 < cheapest < 0.9 * flat


@pytest.mark.parametrize("tokens", ["20B", "60B"])
def test_tokens_a_month_take_no_more_devices_than_the_users_who_have_them(tokens: str, run: Run) -> None:
    asked = ("userbase", "--model", "gpt-oss-120b", "--gpu", "h100", "--isl", "2000", "--osl", "400", "--json")
    by_tokens = run(*asked, "--tokens-per-month", tokens).json["results"]
    by_users = run(*asked, "--users", str(by_tokens["users"])).json["results"]
    assert by_tokens["gpus"] == by_users["gpus"]


def test_no_knee_is_named_that_another_row_beats(run: Run) -> None:
    """At one batch the row between prompts is faster, and slower and dearer with the prompts of the others."""
    asked = ("frontier", "--gpu", "b200", "--gpus", "8", "--model", "llama-3.1-405b", "--dtype", "fp8", "--json")
    few, all_ = run(*asked, "--batch", "64").json, run(*asked).json
    knee = few["results"]["knee_usd_per_million_tokens"]
    assert knee > few["results"]["least_usd_per_million_tokens"]
    assert ("The knee is" in few["verdict"], "The knee is" in all_["verdict"]) == (False, True)


def test_prompts_have_whole_replicas_beside(run: Run) -> None:
    """581 GB do not fit the part of four B200 that prompts keep busy: all four, beside twice as many that decode."""
    asked = "utilization --gpu b200:8 --model kimi-k2 --dtype nvfp4 --isl 8000 --osl 1000 --disaggregated --json"
    said = run(*asked.split(), "--request-rate", "5").json
    assert 0 < said["results"]["prefill_per_decode"] < 1
    ratio = said["results"]["prefill_per_decode"]
    words = f" Prompts take 4 devices more (1 replica of 4, {200 * ratio:.1f}% used), which the price"
    assert said["verdict"].count(f"{words} counts in, ") == 1
    assert said["results"]["tokens_per_s_per_gpu"] == pytest.approx(5 * 1000 / 12)


def test_a_node_has_the_tokens_of_all_that_serves_and_caches_are_sent(run: Run) -> None:
    """61 layers of 576 values in 16 bits are 70,272 B a token: 4,000 of them five times a second are 1.405 GB/s."""
    asked = "utilization --gpu h100:16 --model deepseek-r1 --isl 4k --osl 1k --disaggregated --request-rate 5 --json"
    said = run(*asked.split()).json
    assert ", 5,000 in all (1,250 a node of 8), at " in said["verdict"]
    assert said["results"]["cache_transfer_bytes_per_s"] == pytest.approx(5 * 4000 * 70_272)


@pytest.mark.parametrize(("context", "replicas"), [("1", 2), ("8192", 1)])
def test_a_batch_that_nobody_gave_is_one_on_each_replica(run: Run, context: str, replicas: int) -> None:
    """Short sequences fill two replicas better, long ones one; a lone sequence gets the fastest whatever its length."""
    asked = ("utilization", "--model", "qwen3-235b-a22b", "--gpu", "h200:8", "--context", context, "--json")
    said, lone = run(*asked).json, run(*asked, "--batch", "1").json
    assert said["inputs"]["batch"] == said["inputs"].get("dp", 1) == replicas
    assert why(said).endswith("a sequence on each: --batch 1 asks for the fastest for one alone") == (replicas > 1)
    assert "dp" not in lone["inputs"]
    assert lone["results"]["step_time_s"] <= said["results"]["step_time_s"]
    assert "(one on each replica when absent)" in " ".join(run("utilization", "--help").out.split())


def test_a_layout_that_is_best_when_full_says_what_one_user_gets_in_another(run: Run) -> None:
    """Llama 405B on two nodes: stages serve most when full, all sixteen ranks are fastest for one."""
    asked = ("utilization", "--gpu", "h100:16", "--model", "llama-3.1-405b")
    said, lone = run(*asked, "--json").json, run(*asked, "--batch", "1", "--json").json
    assert layout(said)["tp"] < layout(lone)["tp"] == 16
    fastest = f"{lone['results']['tokens_per_s_per_user']:.4g}"
    here = f"{said['results']['tokens_per_s_per_user']:.4g}"
    words = f"{here} tokens/s for one user in tp 8 pp 2, which serves most when full; {fastest} in tp 16 (--batch 1). "
    assert said["verdict"].startswith(words)
    assert "most when full" not in lone["verdict"] + "".join(note["text"] for note in said["notes"])
    alike = run("utilization", "--gpu", "h100:8", "--model", "llama-3.1-70b", "--json").json
    assert "most when full" not in alike["verdict"]
    claimed = run(*asked, "--measured-tokens-per-s", "10", "--json").json["verdict"]
    assert f"times the estimate of {fastest} tokens/s" in claimed  # of one user where nobody says how many there were
    assert "most when full" not in claimed


@pytest.mark.parametrize("model", ["deepseek-v3", "kimi-k2", "llama-3.3-70b"])
def test_a_batch_that_is_assumed_has_the_layout_of_one_that_is_given(run: Run, model: str) -> None:
    """DeepSeek-V3 takes two nodes of H100: one user's layers are split within a node, where links are fast."""
    assumed, given = (
        run("utilization", "--model", model, "--gpu", "h100", *more, "--json").json for more in ((), ("--batch", "1"))
    )
    assert layout(assumed) == layout(given)
    assert assumed["results"] == given["results"]
    assert layout(assumed)["tp"] == min(layout(assumed)["gpus"], 8)


USERS = [
    ("deepseek-v3", "h200:8", ("--users", "10000", "--messages-per-day", "30", "--traffic", "chat-global")),
    ("deepseek-v3", "h200:8", ("--users", "90000", "--messages-per-day", "30")),
    ("deepseek-v3", "b200", ("--tokens-per-month", "20B",)),
    ("gpt-oss-120b", "l40s", ("--users", "20000", "--messages-per-day", "8", "--scale-down", "--traffic", "work")),
    ("qwen3-235b-a22b", "h100:8", ("--users", "3000", "--messages-per-day", "30", "--max-tpot", "60ms")),
]  # fmt: skip


@grid(("model", "gpu", "load"), USERS)
def test_of_layouts_that_cost_users_the_same_none_is_faster(
    run: Run, model: str, gpu: str, load: tuple[str, ...]
) -> None:
    """All widths of as many devices by hand: within 2% of the cost no user gets more tokens a second, or pays less."""

    def of(answer: Any) -> tuple[float, float]:
        rows = answer.json["rows"] or [answer.json["results"]]  # a flat day has one
        return answer.json["results"]["usd_per_month"], 1 / max(row["tpot_s"] for row in rows)

    asked = ("userbase", "--model", model, "--gpu", gpu, *load, "--isl", "2000", "--osl", "400", "--json")
    chosen = run(*asked)
    assert chosen.code == 0, chosen.err
    (paid, speed), count, tried = of(chosen), chosen.json["inputs"]["gpus"], 0
    counted = () if ":" in gpu else ("--gpus", str(count))
    for tp in (each for each in range(1, count + 1) if count % each == 0):
        for ep in {1, count}:
            other = (
                run(*asked, *counted, "--tp", str(tp), "--pp", "1", "--ep", str(ep)) if max(tp, ep) == count else None
            )
            if other and other.code == 0:
                tried += 1
                usd, fast = of(other)
                assert paid <= usd * 1.02 * (1 + 1e-9)
                assert usd > paid * 1.02 or fast <= speed * 1.02 * (1 + 1e-9), (tp, ep)
    assert tried > 1
    assert "tokens/s in the slowest hour" in why(chosen.json) or load != USERS[0][2]


def test_widths_that_were_given_are_kept_for_users(run: Run) -> None:
    asked = ("userbase", "--model", "deepseek-v3", "--gpu", "h200:8", *USERS[0][2], "--isl", "2000", "--osl", "400")
    assert layout(run(*asked, "--tp", "2", "--json").json) == {"gpus": 8, "tp": 2, "pp": 1, "ep": 8, "dp": 1}


def test_what_a_scenario_leaves_unused_is_said_where_a_layout_is_chosen(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "service.yaml"
    path.write_text("{model: deepseek-v3, gpu: 'h200:8', users: 10000, draft_tokens: 3}")
    codes = [note["code"] for note in run("userbase", "--scenario", str(path), "--json").json["notes"]]
    assert {"choice", "unused-keys"} <= {*codes}


def test_sequences_at_once_take_the_replicas_on_which_they_cost_least(run: Run) -> None:
    request = ("--isl", "2000", "--osl", "500", "--max-tpot", "33ms")
    asked = ("--model", "llama-3.3-70b", "--dtype", "fp8", *request, "--concurrent", "200", "--json")
    results = {
        gpu: run("userbase", "--gpu", gpu, *asked).json["results"]
        for gpu in ("h100", *(f"h100:{n}" for n in (2, 4, 8)))
    }
    free = results.pop("h100")["usd_per_million_tokens"]
    assert free == pytest.approx(min(each["usd_per_million_tokens"] for each in results.values()))


def test_batches_on_a_count_that_no_replica_takes_are_an_error_that_says_so(run: Run) -> None:
    said = run("sweep-batch", "--gpu", "trainium2", "--model", "llama-4-scout", "--batch", "2", "--gpus", "55")
    assert said.code == 2
    assert "no layout of 55 devices splits llama-4-scout evenly" in said.err


def test_a_narrow_width_leaves_the_rest_to_replicas_before_it_leaves_it_to_stages(run: Run) -> None:
    """A width alone is asked of eight devices: no stages where fewer devices hold the model without."""
    asked = ("utilization", "--gpu", "h100:8", "--model", "qwen3-32b")
    rows = run(*asked, "--sweep", "tp=2,4,8", "--json").json["rows"]
    assert [(row["tp"], row["dp"]) for row in rows] == [(2, 4), (4, 2), (8, 1)]
    alone = run(*asked, "--tp", "2", "--json").json
    both = run(*asked, "--tp", "2", "--dp", "4", "--json").json
    assert alone["results"] == both["results"]
    assert layout(alone) == {"gpus": 8, "tp": 2, "pp": 1, "ep": 1, "dp": 4}
    staged = run("utilization", "--gpu", "h100:16", "--model", "deepseek-r1", "--tp", "8", "--json").json
    assert layout(staged)["pp"] == 2  # 16 devices of 80 GB are what holds 673 GB, over nodes by stages


def test_a_sweep_of_counts_says_whom_its_layouts_serve(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100", "--model", "qwen3-32b", "--sweep", "gpus=2,4,8", "--json")
    said = "a sequence on each replica: --batch 1 has one user's fastest."
    assert run(*asked).json["verdict"].endswith(said)
    lone = run(*asked, "--batch", "1").json
    assert said not in lone["verdict"]
    assert lone["rows"][-1]["tp"] == 8


def test_a_table_of_batches_says_its_layout_and_that_memory_ends_before_its_knee(run: Run) -> None:
    """All rows are in the layout that holds the largest; a batch alone has the one that serves it best."""
    on = ("--gpu", "h200:8", "--model", "deepseek-v3")
    said = run("sweep-batch", *on, "--batch", "1,32,256", "--json").json
    alone = run("utilization", *on, "--batch", "1", "--json").json
    most = said["results"]["max_batch"]
    assert f": no batch that fits reaches it, memory holds {most}. " in said["verdict"]
    assert layout(said)["tp"] == 1
    assert layout(alone) == {"gpus": 8, "tp": 8, "pp": 1, "ep": 8, "dp": 1}
    ends = ", all in ep 8, which holds the largest (utilization --batch 1 takes tp 8 ep 8)."
    assert said["verdict"].endswith(ends)
    same = run("sweep-batch", "--gpu", "h100:4", "--model", "llama-3.1-70b", "--json").json["verdict"]
    assert same.endswith(", all in tp 4.")


def test_the_room_for_sequences_is_that_of_a_layout_which_is_said(run: Run) -> None:
    """Latents lie on each device of a group: 16 groups hold 8 times as many of them as 2 do, less the weights."""
    on = ("--gpu", "h200:16", "--model", "kimi-k2")
    fits = run("fit", *on, "--context", "119500", "--json").json
    job = run("utilization", *on, "--isl", "119k", "--osl", "1k", "--requests", "100", "--json").json
    assert layout(fits) != layout(job)
    assert f"room for {fits['results']['max_sequences']} such sequences in ep 16" in fits["verdict"]
    assert f"at batch {job['inputs']['batch']} (what memory holds in tp 2 pp 8 ep 2)" in job["verdict"]
    staged = ("--tp", "2", "--pp", "8", "--ep", "2")
    for widths, held in ((("--tp", "1", "--ep", "16"), fits), (staged, job)):
        both = (
            run("fit", *on, *widths, "--context", "119500", "--json").json["results"]["max_sequences"],
            run("utilization", *on, *widths, "--isl", "119k", "--osl", "1k", "--requests", "100", "--json").json[
                "inputs"
            ]["batch"],
        )
        assert both == (held["results"].get("max_sequences") or held["inputs"]["batch"],) * 2


def test_a_layout_in_stages_that_makes_more_is_named_and_compare_keeps_the_same_rule(run: Run) -> None:
    """Seven in a hundred more is no more than estimates tell apart: the layout in one stage is both answers."""
    load = ("--model", "deepseek-r1", "--concurrency", "64", "--isl", "8k", "--osl", "1k", "--json")
    said, compared = run("utilization", "--gpu", "b200:8", *load).json, run("compare", "--gpu", "b200", *load).json
    assert layout(said) == {"gpus": 8, "tp": 8, "pp": 1, "ep": 8, "dp": 1}
    row = compared["rows"][0]
    assert {key: row[key] for key in ("gpus", "tp", "pp", "ep")} == {"gpus": 8, "tp": 8, "pp": 1, "ep": 8}
    assert row["usd_per_million_tokens"] == pytest.approx(said["results"]["usd_per_million_tokens"])
    assert "next best in as few stages tp 4 ep 8" in why(said)
    staged = run("utilization", "--gpu", "b200:8", "--tp", "4", "--pp", "2", "--ep", "4", *load).json["results"]
    rate = staged["tokens_per_s"]
    assert said["results"]["tokens_per_s"] < rate < said["results"]["tokens_per_s"] / 0.9
    (note,) = [each["text"] for each in said["notes"] if each["code"] == "stages"]
    assert note.startswith(f"tp 4 pp 2 ep 4 makes {rate:,.0f} and is not chosen: within 10% of it")
    assert note.endswith("few measured runs have stages (--tp 4 --pp 2 --ep 4)")


@pytest.mark.parametrize(("model", "requests"), [("qwen2.5-72b", 500), ("llama-3.1-8b", 700)])
def test_without_a_count_a_load_has_the_least_replicas_that_hold_it(run: Run, model: str, requests: int) -> None:
    """By the room that each size has alone: three replicas of four, where a power of two would be sixteen devices."""
    lengths = ("--model", model, "--dtype", "fp8", "--isl", "3500", "--osl", "500")
    counts = []
    for tp in (1, 2, 4, 8):
        asked = ("fit", "--gpu", f"h100:{tp}", "--tp", str(tp), *lengths[:4], "--context", "3750", "--json")
        if room := run(*asked).json["results"]["max_sequences"]:
            counts.append(math.ceil(requests / room) * tp)
    said = run("utilization", "--gpu", "h100", *lengths, "--concurrency", str(requests), "--json").json
    assert said["results"]["gpus"] == min(counts)
    assert "the others wait" not in said["verdict"]
    if model == "qwen2.5-72b":
        assert "on 4 x h100-sxm each (12 devices), an estimate." in said["verdict"]
