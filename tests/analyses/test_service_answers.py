"""How a service's answers read: units, grammar, width, and what a limit that nothing meets is answered with."""

import json
from pathlib import Path

import pytest

import infercost
from infercost.errors import BadValue
from infercost.units import many
from tests.conftest import Run

CHAT = ("--gpu", "h100:4", "--model", "llama-3.1-70b", "--messages-per-day", "8", "--isl", "1155", "--osl", "211")
CHATTING = {"gpu": "h100:4", "model": "llama-3.1-70b", "messages_per_day": 8, "isl": 1155, "osl": 211}
NOTE = ("--gpu", "h100-note", "--params", "1.6e12")


@pytest.mark.parametrize("option", ["--max-tpot", "--max-ttft"])
def test_a_limit_on_latency_names_its_unit(option: str, run: Run, tmp_path: Path) -> None:
    """40 is meant as milliseconds and was read as seconds."""
    said = run("userbase", *CHAT, "--users", "1000", option, "40")
    assert (said.code, said.out) == (2, "")
    assert f"{option}: '40' has no unit" in said.err
    assert "40ms or 0.04s" in said.err
    scenario = tmp_path / "case.json"
    scenario.write_text(json.dumps({option.strip("-"): 40}))
    assert "has no unit" in run("userbase", *CHAT, "--users", "1000", "--scenario", str(scenario)).err


def test_a_number_of_python_is_in_seconds_as_in_answers() -> None:
    text, number = (infercost.userbase(**CHATTING, users=1000, max_tpot=limit) for limit in ("40ms", 0.04))
    assert text.values == number.values
    with pytest.raises(BadValue, match="has no unit"):
        infercost.userbase(**CHATTING, users=1000, max_tpot="0.04")


@pytest.mark.parametrize(
    ("option", "name", "who"),
    [
        ("max-tpot", "time between tokens", "one user alone takes "),
        ("max-ttft", "mean time to the first token", "one user who asks without a pause takes "),
    ],
)
@pytest.mark.parametrize("command", ["userbase", "economies"])
def test_a_limit_that_nothing_meets_is_answered_with_the_least(
    command: str, option: str, name: str, who: str, run: Run
) -> None:
    asked = (command, *CHAT, "--users", "1000")
    said = run(*asked, f"--{option}", "1ms")
    assert said.code == 3
    verdict = " ".join(said.out.split())
    assert f"Cannot meet a longest {name} of 1 ms: {who}" in verdict
    least = verdict.partition(who)[2].partition(" ms")[0]
    assert run(*asked, f"--{option}", f"{float(least) + 0.1}ms").code == 0
    assert run(*asked, f"--{option}", f"{float(least) - 0.1}ms").code == 3
    answer = run(*asked, f"--{option}", "1ms", "--json").json
    assert answer["results"]["batch_limit"] == 1
    of_replicas = {key for key in answer["results"] if "usd" in key or key in ("replicas", "gpus", "users_per_replica")}
    assert of_replicas
    assert {answer["results"][key] for key in of_replicas} == {None}
    reasons = {note["text"] for note in answer["notes"] if note["code"] == "null"}
    assert {f"{key} is null: no number of replicas meets the limit" for key in of_replicas} <= reasons
    assert "$" not in answer["verdict"]


@pytest.mark.parametrize("command", ["userbase", "economies"])
def test_a_limit_that_is_advised_costs_at_most_twice_the_least(command: str, run: Run) -> None:
    """A longer limit would hardly be cheaper: the price with none at all is more than half of the price with it."""
    asked = (command, *CHAT, "--users", "100k")
    words = " ".join(run(*asked, "--max-ttft", "1ms").out.split()).partition("What to change: ")[2]
    advised = words.rpartition("--max-ttft ")[2].partition(" ")[0]
    key = "usd_per_million_tokens" if command == "userbase" else "floor_usd_per_million_tokens"
    floor = run("economies", *CHAT, "--json").json["results"]["floor_usd_per_million_tokens"]
    met = run("economies", *CHAT, "--max-ttft", advised, "--json")
    assert met.code == 0
    assert floor <= met.json["results"]["floor_usd_per_million_tokens"] <= 2 * floor * 1.001
    assert run(*asked, "--max-ttft", advised, "--json").json["results"][key] >= floor


def test_parts_side_by_side_say_which_cannot_meet_a_limit() -> None:
    report = infercost.economies(**{**CHATTING, "gpu": ["h100:4", "b200:4"], "max_tpot": "14ms"})
    assert not report.met
    assert report.verdict.startswith("h100-sxm: Cannot meet")
    assert next(item.value for item in report.inputs if item.key == "gpu") == ("h100-sxm", "b200-sxm")
    assert "b200-sxm: Cannot" not in report.verdict
    assert "b200-sxm is cheapest for one user and for" in report.verdict


@pytest.mark.parametrize(("seconds", "words"), [(58, "58 s"), (600, "10 minutes"), (7200, "2 hours")])
def test_a_trace_of_less_than_a_day_says_so(seconds: int, words: str, tmp_path: Path) -> None:
    """101 requests, evenly, from the first to the last of them."""
    rows = [f"{seconds / 100 * number},10,10" for number in range(101)]
    path = tmp_path / "short.csv"
    path.write_text("\n".join(["Timestamp,Request tokens,Response tokens", *rows]))
    notes = {note.code: note.text for note in infercost.economies(**CHATTING, trace=str(path)).notes}
    assert f"the trace lasts {words}, less than a day" in notes["trace-short"]
    assert f"101 requests over {words}" in notes["trace"]
    assert ("flat day" in notes["trace-short"]) == (seconds < 3600)


def test_a_trace_of_a_day_says_nothing_of_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "day.csv"
    path.write_text("\n".join(["requests", *map(str, range(24))]))
    assert "trace-short" not in {note.code for note in infercost.economies(**CHATTING, trace=str(path)).notes}


@pytest.mark.parametrize("form", ["plain", "table"])
@pytest.mark.parametrize(
    "more", [(), ("--users", "1e9"), ("--users", "1e10", "--messages-per-day", "0.01"), ("--price", "900")]
)
@pytest.mark.parametrize("ask", [CHAT, (*NOTE, "--price", "2")], ids=["chat", "note"])
def test_every_line_fits_a_terminal(ask: tuple[str, ...], more: tuple[str, ...], form: str, run: Run) -> None:
    if ask != CHAT and "--messages-per-day" in more:
        more = more[:2]
    out = run("economies", *ask, *more, "--steps", "--format", form).out
    assert [line for line in out.splitlines() if len(line.rstrip()) > 80] == []


def test_rows_hold_declared_keys_alone(run: Run) -> None:
    header = run("economies", *CHAT, "--csv").out.splitlines()[0].split(",")
    assert "drawn" not in header
    assert "cost_ratio" in header


def test_the_bar_is_the_logarithm_of_the_cost(run: Run) -> None:
    """72,000 times the floor are 5 blocks, 36,000 times ln 36000 / ln 72000 of them: 4.69, in eighths 4 and 6/8."""
    lines = run("economies", *NOTE, "--format", "plain").out.splitlines()
    cells = [line.split() for line in lines if "x  █" in line or "x █" in line]
    assert [(cell[-2], cell[-1]) for cell in cells[:2]] == [("72,000x", "█████"), ("36,000x", "████▊")]


def test_prices_of_input_and_output_are_shown_and_add_up() -> None:
    """Of a dollar for output with everything charged to it: its own part, and input tokens for each at their price."""
    report = infercost.userbase(**CHATTING, users=100_000)
    shown = {row.key for row in report.results if row.shown}
    parts = {name: report[f"usd_per_million_tokens_{name}"] for name in ("input", "output", "blended")}
    assert {f"usd_per_million_tokens_{name}" for name in parts} <= shown
    each = 1155 / 211
    assert parts["output"] + each * parts["input"] == pytest.approx(report["usd_per_million_tokens"])
    assert (1 + each) * parts["blended"] == pytest.approx(report["usd_per_million_tokens"])
    floor = infercost.economies(**CHATTING)
    whole = floor["usd_per_million_tokens_output"] + each * floor["usd_per_million_tokens_input"]
    assert whole == pytest.approx(floor["floor_usd_per_million_tokens"])


def test_one_is_singular(run: Run) -> None:
    said = " ".join(run("userbase", *CHAT, "--users", "1", "--max-sequences", "1").out.split())
    assert "1 daily user needs 1 replica" in said
    assert "full at 1 sequence:" in said
    alone = run("userbase", "--users", "1")
    assert "1 daily user at 10 min/day averages" in alone.out
    assert "1 daily user needs 1 of your 2 replicas" in run("userbase", *CHAT, "--users", "1", "--replicas", "2").out
    assert " daily users fill 2 replicas" in run("userbase", *CHAT, "--replicas", "2").out
    assert "1 concurrent decode comes from" in run("userbase", "--concurrent", "1").out
    assert [many(count, "user") for count in (1, 2, 0.5, 90_389.6)] == [
        "1 user",
        "2 users",
        "0.5 users",
        "90,390 users",
    ]


@pytest.mark.parametrize("users", ["0.5", "1e15"])
@pytest.mark.parametrize("command", ["userbase", "economies"])
def test_users_are_a_number_of_people(command: str, users: str, run: Run) -> None:
    said = run(command, *CHAT, "--users", users)
    assert said.code == 2
    assert "a number of users is at" in said.err


@pytest.mark.parametrize("more", [(), ("--replicas", "1")])
def test_a_concurrency_that_nobody_has_is_refused(more: tuple[str, ...], run: Run) -> None:
    said = run("userbase", *CHAT, "--concurrent", "1e15", *more)
    assert (said.code, said.out) == (2, "")
    assert "nobody has so many users" in said.err


def test_whole_users_fill_a_replica_by_one_rule() -> None:
    """What a replica holds is not rounded up: with one user more it is too small."""
    holds = infercost.economies(**CHATTING)["users_per_replica"]
    assert infercost.userbase(**CHATTING, users=holds)["users_capacity"] == holds
    assert infercost.userbase(**CHATTING, users=holds, replicas=1).met
    assert not infercost.userbase(**CHATTING, users=holds + 1, replicas=1).met
    two = infercost.userbase(**CHATTING, users=holds, replicas=2)["users_capacity"]
    assert f"{two:,} users in all" in infercost.userbase(**CHATTING, users=holds).advice[0]


@pytest.mark.parametrize("more", [{"traffic": "flat"}, {"traffic": "work", "scale_down": True}])
def test_no_bar_of_rounding(more: dict) -> None:
    """No hour stands idle on a flat day, or where replicas go with the load: floats said 6e-16 and 9e-7 of them."""
    report = infercost.economies(gpu="h100-note", params="70B", **more)
    assert [name for name, _, _ in report.parts] == ["arithmetic"]


def test_hours_that_stand_idle_are_a_part_of_the_floor() -> None:
    parts = infercost.economies(gpu="h100-note", params="70B", traffic="work").parts
    assert [name for name, _, _ in parts] == ["arithmetic", "idle hours"]


def test_every_null_has_one_note_that_fits_it(run: Run) -> None:
    document = run("userbase", *CHAT, "--users", "1000", "--json").json
    empty = [key for key, value in document["results"].items() if value is None]
    assert {"minutes_per_day", "decoding_share"} <= set(empty)
    notes = [note["text"] for note in document["notes"] if note["code"] == "null"]
    assert sorted(text.partition(" is null: ")[0] for text in notes) == sorted(empty)
    assert all("--messages-per-day says how much" in text for text in notes)


@pytest.mark.parametrize(
    ("option", "value", "hint"),
    [
        ("--years", "0.5", "write a number of years as 5 or 2.5"),
        ("--pue", "0.9", "a ratio is at least 1"),
        ("--interest", "-1", "is below zero"),
        ("--api-price", "cheap", "a price of a million tokens as IN/OUT or IN/OUT/CACHED, 0.20/0.60 or "),
        ("--power-price", "cheap", "a price of a kWh as 0.08"),
        ("--points", "0", "write a number of rows as 2, 16 or 100"),
        ("--points", "1", "a number of rows is at least 2"),
        ("--points", "1e6", "a number of rows is at most 10,000"),
    ],
)
def test_hints_speak_of_the_option(option: str, value: str, hint: str, run: Run) -> None:
    said = run("economies", *CHAT, option, value)
    assert said.code == 2
    assert hint in said.err


def test_two_points_are_two_rows(run: Run) -> None:
    rows = run("economies", *CHAT, "--points", "2", "--users", "500k", "--json").json["rows"]
    assert [row["users"] for row in rows] == [1, 500_000]


def test_a_price_below_a_dollar_has_its_cents() -> None:
    report = infercost.economies(**CHATTING, api_price="0.1")
    said = next(row.remark for row in report.results if row.key == "users_at_api_price")
    assert said == "never: the floor is above $0.10 a million"


def test_steps_say_whose_they_are(run: Run) -> None:
    for command in ("economies", "userbase"):
        steps = run(command, *CHAT, "--users", "1000", "--traffic", "work", "--steps", "--json").json["steps"]
        (user,) = [step["meaning"] for step in steps if step["name"] == "user_request_rate"]
        assert user == "requests a second of one user, day's mean"
        shown = [(step["meaning"], step["symbols"], step["numbers"]) for step in steps]
        assert len(shown) == len(set(shown))
        tokens = [step["meaning"] for step in steps if "device_seconds" in step["name"] or step["unit"] == "USD"]
        assert len(tokens) == len(set(tokens))
        of = {meaning.partition(": ")[0] for meaning in tokens if ": " in meaning}
        assert of == ({"a full replica", "the floor", "a lone user"} if command == "economies" else set())
        assert len([step for step in steps if step["name"] == "memory_left" or step["name"] == "kv_pool"]) == 1
