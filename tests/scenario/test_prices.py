"""One rule for what an hour costs: given, owned, or the preset's dated rent, said once."""

from typing import Any

import pytest

import infercost
from infercost.errors import InfercostError
from tests.conftest import Run, grid

MODEL = ("--model", "llama-3.1-8b", "--gpu", "h100:1")
COMMANDS = {
    "utilization": MODEL,
    "sweep-batch": (*MODEL, "--batch", "1,8"),
    "userbase": ("--users", "1000", *MODEL),
    "economies": (*MODEL, "--points", "2"),
    "frontier": ("--model", "llama-3.1-8b", "--gpu", "h100", "--max-gpus", "1"),
    "compare": ("h100:1", "h200:1", "--model", "llama-3.1-8b"),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_takes_the_rent_of_the_preset_and_says_so_once(run: Run, command: str) -> None:
    rent = infercost.accelerator("h100").fact("rent_neocloud")
    said = run(command, *COMMANDS[command], "--json").json
    notes = [note["text"] for note in said["notes"] if note["code"] == "price" and rent.date in note["text"]]
    assert len([text for text in notes if f"${rent.value:g}" in text]) == 1
    assert "needs --price" not in str(said)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_price_that_is_given_is_taken_instead(run: Run, command: str) -> None:
    said = run(command, *COMMANDS[command], "--price", "2", "--json").json
    assert said["inputs"]["price"] == 2
    assert not any("gpu.rent" in key for key in said["inputs"])
    assert [note for note in said["notes"] if note["code"] == "price"] == []


def test_a_part_without_a_rent_has_no_price_and_says_what_would_give_one(run: Run) -> None:
    said = run("utilization", "--gpu", "h100-note", "--params", "70B", "--json").json
    assert said["results"]["usd_per_million_tokens"] is None
    assert [note["text"] for note in said["notes"] if note["code"] == "price"] == [
        "no price of h100-note is known: costs need --price"
    ]


def test_the_price_of_a_step_is_that_of_the_rent() -> None:
    rent = infercost.accelerator("h100").value("rent_neocloud")
    step = infercost.utilization(model="llama-3.1-8b", gpu="h100:1")
    assert step["usd_per_million_tokens_decode"] == pytest.approx(rent / 3600 * step["tpot_s"] * 1e6)


@pytest.mark.parametrize(
    ("gpu", "basis", "key", "usd"),
    [
        ("h100", "neocloud", "rent_neocloud", 3.49),
        ("h100", "rental", "rent_rental", 2.00),
        ("mi355x", "owner", "rent_owner", 1.50),
        ("mi355x", "neocloud", "rent_neocloud", 2.59),
        ("l4", "owner", "rent", 0.80),
        ("a100", "rental", "rent_neocloud", 1.59),
        ("gb300", "rental", "rent_rental", 5.00),
        ("tpu-v5p", "rental", "rent_rental", 1.89),
        ("tpu-v5p", "neocloud", "rent", 4.20),
    ],
)
def test_a_basis_takes_its_rent_else_the_usual_one_else_the_listed(gpu: str, basis: str, key: str, usd: float) -> None:
    report = infercost.utilization(model="llama-3.1-8b", gpu=gpu, price_basis=basis)
    inputs = {item.key: item for item in report.inputs}
    assert inputs["price_basis"].value == basis
    assert inputs[f"gpu.{key}"].value == usd
    assert inputs[f"gpu.{key}"].date
    said = next(note.text for note in report.notes if note.code == "price")
    asked = key == f"rent_{basis}" or (key, basis) == ("rent", "neocloud")
    assert ("of it is known" in said) is not asked


def test_a_rent_that_is_set_is_taken_whatever_the_preset_has() -> None:
    step = infercost.utilization(model="llama-3.1-8b", gpu="h100:1", set="gpu.rent=36")
    assert step["usd_per_million_tokens_decode"] == pytest.approx(1e4 * step["tpot_s"])


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("economies", ("--price", "2", "--price-basis", "rental"), "give one of them"),
        ("userbase", ("--price", "2", "--power-price", "0.1"), "--purchase-price too"),
        ("utilization", ("--price-basis", "rental", "--power-price", "0.1"), "give one of them"),
        ("utilization", ("--power-price", "0.1", "--years", "3"), "--years needs what the machine costs"),
        ("sweep-batch", ("--pue", "1.2"), "give --power-price"),
        ("compare", ("--price", "2", "--purchase-price", "30k"), "userbase, economies and utilization"),
        ("frontier", ("--price-basis", "rental", "--purchase-price", "30k"), "userbase, economies and utilization"),
    ],
)
def test_prices_that_exclude_each_other_are_refused(
    run: Run, command: str, options: tuple[str, ...], words: str
) -> None:
    said = run(command, *COMMANDS[command], *options)
    assert (said.code, said.out) == (2, "")
    assert words in said.err


CARD = {"gpu": "rtx-4090", "model": "qwen3-14b", "dtype": "q4_k_m"}


def test_a_token_costs_the_rated_power_of_its_time() -> None:
    """450 W at $0.30 a kWh are $0.135 an hour; a joule of a token is a 3.6 millionth of a kWh."""
    report = infercost.utilization(**CARD, power_price=0.30)
    assert report["usd_per_gpu_hour"] == pytest.approx(0.135)
    assert report["usd_per_million_tokens_decode"] == pytest.approx(report["joules_per_token"] / 3.6 * 0.30)
    assert f"at ${report['usd_per_million_tokens']:.3f} a million output tokens" in report.verdict
    assert report.verdict.endswith("The price is electricity alone: $98.55 a month if always busy.")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_price_of_electricity_is_that_of_the_power_at_the_wall(run: Run, command: str) -> None:
    """Parts of 700 W at the wall twice as much: $0.42 an hour at $0.30 a kWh."""
    parts = ("h100:1", "h200:1") if command == "compare" else ()
    day = ("--traffic", "chat-global") if command in OVER_A_DAY else ()
    asked = (command, *parts, *COMMANDS[command][len(parts) :], *day)
    said, rented = (
        run(*asked, *price, "--json").json for price in (("--power-price", "0.30", "--pue", "2"), ("--price", "0.42"))
    )
    assert "electricity alone" in said["verdict"]
    assert said["inputs"]["power_price"] == 0.30
    usd = [usd_of(one) for one in (said, rented)]
    assert usd[0]
    if command in OVER_A_DAY:  # a rent is paid when nobody comes too
        paid, busy = ([_first(one, key) for one in (said, rented)] for key in _PAID_AND_BUSY)
        assert (paid[0], busy[0], busy[1]) == (pytest.approx(busy[1]),) * 3
        assert paid[0] < paid[1]
        return
    assert usd[0] == pytest.approx(usd[1])


#: Commands that know the hours in which nobody comes.
OVER_A_DAY = ("userbase", "economies")
_PAID_AND_BUSY = "usd_per_million_tokens", "usd_per_million_tokens_busy"


def _first(document: dict[str, Any], key: str) -> float:
    return float(document["rows"][0][key])


def test_a_lone_user_pays_the_electricity_of_the_seconds_that_a_card_works() -> None:
    """450 W at $0.30 are $0.135 an hour: 8 answers of 211 tokens take half a minute of a day, not all of its hours.

    A service's prompts ride along with a step of others, which a prompt alone does not: one step of 211.
    """
    asked = {"gpu": "rtx-4090", "model": "llama-3.1-8b", "power_price": 0.30, "workload": "chat"}
    report, step = infercost.userbase(users=1, **asked), infercost.utilization(**asked)
    assert report["usd_per_million_tokens"] == pytest.approx(step["usd_per_million_tokens"], rel=1e-2)
    seconds = 8 * 211 / step["tokens_per_s_all_in"]
    assert report["usd_per_month"] == pytest.approx(0.135 * seconds / 3600 * 365 / 12, rel=1e-2)
    assert infercost.economies(**asked, api_price="0.5/3", points=2)["break_even_users"] == 1


IDLE = "electricity is of the hours in which a replica works: what it draws idle is not known"


@pytest.mark.parametrize(
    ("asked", "counts"),
    [
        ("userbase --users 10", 1),
        ("economies --points 2", 1),
        ("economies --points 2 --gpu l40s", 1),
        ("compare --gpu l40s --users 10 --messages-per-day 8 --isl 1000 --osl 200", 1),
        ("utilization", 0),
    ],
)
def test_where_hours_count_the_draw_of_an_idle_card_is_said_to_be_left_out(run: Run, asked: str, counts: int) -> None:
    part = ("--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--power-price", "0.3", "--json")
    notes = [note["text"] for note in run(*asked.split(), *part).json["notes"] if note["code"] == "idle"]
    assert notes == [IDLE] * counts


def usd_of(document: dict[str, Any]) -> list[float]:
    """Every price of tokens, hours or months in an answer, in order."""
    rows = [document["results"], *document["rows"]]
    found = [row[key] for row in rows for key in sorted(row) if "usd_per" in key and "gpu_hour" not in key]
    return [value for value in found if value is not None]


@pytest.mark.parametrize(("gpu", "pue"), [("rtx-4090", 1.0), ("apple-m4-max", 1.0), ("h100", 1.3), ("l40s", 1.3)])
def test_a_part_at_home_cools_no_hall(gpu: str, pue: float) -> None:
    report = infercost.utilization(gpu=gpu, model="llama-3.1-8b", power_price=0.2)
    item = next(item for item in report.inputs if item.key == "pue")
    assert (item.value, item.assumed) == (pue, True)


def test_parts_at_home_and_in_a_hall_show_both() -> None:
    report = infercost.frontier(gpu=["h100", "rtx-4090"], model="qwen3-14b", max_gpus=1, power_price=0.2)
    assert next(item.value for item in report.inputs if item.key == "pue") == (1.3, 1.0)


@pytest.mark.parametrize("options", [("--power-price", "0.2"), ("--purchase-price", "2000")])
def test_a_part_without_a_known_power_is_refused_with_what_to_give(run: Run, options: tuple[str, str]) -> None:
    said = run("utilization", "--gpu", "apple-m4-pro", "--model", "llama-3.1-8b", *options)
    assert (said.code, said.out) == (2, "")
    assert "no power of apple-m4-pro is known" in said.err
    assert "--price" in said.err


#: $30,000 over 5 years at 8% are 7,513.7 a year or $0.8577 an hour, 700 W x 1.3 at 8 cents $0.0728: $0.9305.
OWNED = "Owned, a device-hour costs $0.931; "


@pytest.mark.parametrize("command", ["userbase", "economies"])
@pytest.mark.parametrize(("api", "bill"), [("0.9/0.9", 1800), ("0.03/0.03", 60)])
def test_what_is_bought_pays_back_against_an_apis_bill(run: Run, command: str, api: str, bill: float) -> None:
    """Two cards of $8,500; 2B tokens at $0.90 a million are $1,800; 600 W at 8 cents are $35.04 a month each."""
    asked = ("--gpu", "rtx-pro-6000:2", "--model", "llama-3.3-70b", "--dtype", "fp8", "--purchase-price", "8500")
    said = run(command, *asked, "--api-price", api, "--tokens-per-month", "2B", "--json", "--steps").json
    assert said["results"]["api_usd_per_month"] == pytest.approx(bill)
    if bill < 2 * 35.04:
        assert said["verdict"].endswith("what was bought never pays back, its electricity costs more.")
        assert "api_payback_months" not in said["results"]
        return
    months = 2 * 8500 / (1800 - 2 * 35.04)
    assert said["results"]["api_payback_months"] == pytest.approx(months)
    assert said["verdict"].endswith(f"; against the API's bill what was bought pays back in {months:.4g} months.")
    assert "api_payback_months" in {step["name"] for step in said["steps"]}


def test_without_a_load_what_was_bought_pays_back_when_full(run: Run) -> None:
    """One L4 of $2,500 draws 72 W x 1.3 at 8 cents, $5.466 a month."""
    asked = ("economies", "--gpu", "l4:1", "--model", "llama-3.1-8b", "--purchase-price", "2500")
    said = run(*asked, "--api-price", "0.1/0.2", "--json").json
    months = 2500 / (said["results"]["full_api_usd_per_month"] - 0.072 * 1.3 * 0.08 * 730)
    assert said["results"]["api_payback_months"] == pytest.approx(months)
    assert said["verdict"].endswith(f" what was bought pays back in {months:.4g} months when full.")


@pytest.mark.parametrize("command", ["utilization", "sweep-batch", "userbase", "economies"])
def test_what_is_owned_is_held_against_the_rent(run: Run, command: str) -> None:
    asked = (command, *COMMANDS[command], "--purchase-price", "30k", "--price", "2.5")
    said = run(*asked, "--json", "--steps").json
    months = 30_000 / ((2.5 - 0.0728) * 730)  # $0.0728 of electricity an hour
    back = f"and pays back in {months:.2f} months if always used"
    against = f"{OWNED}rented $2.50: owning is cheaper if used over 37.2% of the hours, {back}."
    if command == "utilization":  # buying or renting is the question: $0.9305 and $2.50 in 730 and in 43,800 hours
        month = (
            "1 x h100-sxm of your own costs $679.29 a month busy or idle: $40,757 in 5 years, rented around the clock "
        )
        assert said["verdict"].startswith(f"{month}$109,500. {against} ")
    else:
        assert said["verdict"].endswith(against)
    results = said["results"]
    assert results["usd_per_gpu_hour"] == pytest.approx(0.9305, abs=1e-4)
    assert results["rent_usd_per_gpu_hour"] == 2.5
    assert results["break_even_hours_share"] == pytest.approx(0.3722, abs=1e-4)
    assert results["payback_months"] == pytest.approx(months)
    steps = {step["name"]: step["numbers"] for step in said["steps"]}
    assert steps["break_even_hours_share"] == "$0.9305/h / $2.50/h"
    owned, rented = run(*asked, "--json").json, run(command, *COMMANDS[command], "--price", "0.930523", "--json").json
    assert usd_of(owned) == pytest.approx(usd_of(rented), rel=1e-5)


@pytest.mark.parametrize("command", ["utilization", "userbase", "economies"])
def test_a_card_at_home_draws_power_in_the_hours_of_its_use(run: Run, command: str) -> None:
    """$1,800 over 5 years at 8% are 450.82 a year, $0.05146 an hour; 450 W at 30 cents are $0.135, in use alone.

    A rent of $0.60 asks $0.465 more in each hour of use, so that 11.1% of all hours pay the purchase.
    """
    flags = ("--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--price", "0.60")
    users = ("--users", "5") if command == "userbase" else ()
    said = run(command, *flags, *users, "--purchase-price", "1800", "--power-price", "0.3", "--json", "--steps").json
    share = 0.05146 / (0.60 - 0.135)
    assert said["results"]["break_even_hours_share"] == pytest.approx(share, rel=1e-3)
    assert f"owning is cheaper if used over {share * 100:.1f}% of the hours" in said["verdict"]
    assert "break_even_hours_at_home" in {step["name"] for step in said["steps"]}


def test_a_card_that_is_used_some_hours_a_day_by_hand(run: Run) -> None:
    """$1,800 over 5 years at 8% are $37.57 a month, 450 W at 30 cents $0.135 an hour: 730 / 3 of them are $32.85.

    A rent of $0.60 asks $0.465 more in each hour of use; in a data centre power is drawn around the clock.
    """
    flags = ("--gpu", "rtx-4090", "--model", "llama-3.1-8b", "--dtype", "q4_k_m", "--hours-per-day", "8")
    bought = (*flags, "--price", "0.60", "--purchase-price", "1800", "--power-price", "0.3")
    said = run("utilization", *bought, "--json", "--steps").json
    assert said["results"]["electricity_usd_per_month"] == pytest.approx(32.85)
    assert said["results"]["usd_per_month"] == pytest.approx(32.85 + 37.57, abs=0.01)
    months = 1800 / (0.465 * 730 / 3)
    assert said["results"]["payback_months"] == pytest.approx(months)
    assert said["verdict"].startswith("Used 8 hours a day it costs $70.42 a month. Owned, ")
    assert f"pays back in {months:.2f} months used 8 hours a day. " in said["verdict"]
    assert {"used_payback_months", "used_usd_per_month"} <= {step["name"] for step in said["steps"]}
    alone = run("utilization", *flags, "--power-price", "0.3").out
    assert "Used 8 hours a day it costs $32.85 a month. The price is electricity" in " ".join(alone.split())
    h100 = ("--gpu", "h100", "--model", "llama-3.1-8b", "--purchase-price", "30k", "--price", "2.5")
    away = run("utilization", *h100, "--hours-per-day", "12", "--json").json
    assert away["results"]["payback_months"] == pytest.approx(30_000 / ((2.5 / 2 - 0.0728) * 730))
    little = run("utilization", *h100, "--hours-per-day", "0.5", "--json").json["verdict"]
    assert " of the hours, and never pays back used 0.5 hours a day. " in little
    assert "--hours-per-day needs what a kWh costs" in run("utilization", *flags, "--price", "0.60").err


@pytest.mark.parametrize(
    ("gpu", "options", "words"),
    [
        (  # 30,000 / ((3.49 - 0.0728) x 730)
            "h100",
            {},
            f"{OWNED}rented $3.49 (neocloud rent of 2026-09): owning is cheaper if used over 26.7% of the hours, "
            "and pays back in 12.03 months if always used.",
        ),
        (
            "h100",
            {"price_basis": "rental"},
            "rented $2.00 (three-year rent of 2026-07): owning is cheaper if used over 46.5% of",
        ),
        ("h100", {"price": 0.9}, f"{OWNED}rented $0.90: renting is cheaper even if always used."),
        ("h100-note", {"dtype": "fp8"}, f"{OWNED}no rent of it is known: --price."),
    ],
)
def test_the_rent_beside_is_the_presets_where_none_was_given(gpu: str, options: dict[str, Any], words: str) -> None:
    report = infercost.userbase(gpu=gpu, model="llama-3.1-8b", users=1000, purchase_price=30_000, **options)
    assert words in report.verdict
    assert ("break_even_hours_share" in report) is ("rented" in words)


def test_each_of_several_parts_is_held_against_its_rent(run: Run) -> None:
    parts = ("--gpu", "h100", "--gpu", "l40s", "--model", "llama-3.1-8b", "--points", "2")
    said = run("economies", *parts, "--purchase-price", "30k", "--json").json["verdict"]
    assert "a device-hour of h100-sxm costs $0.931; rented $3.49 (neocloud rent of 2026-09)" in said
    assert "a device-hour of l40s costs" in said


def test_what_does_not_fit_has_no_price_to_speak_of(run: Run) -> None:
    said = run("utilization", "--gpu", "rtx-4090:1", "--model", "llama-3.1-70b", "--power-price", "0.2", "--json").json
    assert "electricity" not in said["verdict"]


@pytest.mark.parametrize(
    ("command", "parts", "options", "mixed"),
    [
        ("frontier", ("h100", "h200"), (), ""),
        ("frontier", ("h100", "mi300x"), (), ""),
        ("frontier", ("h100", "gb200"), (), "--price-basis rental is one for all"),
        ("frontier", ("h100", "gb200"), ("--price-basis", "rental"), ""),
        ("frontier", ("h100", "gb200"), ("--price", "2"), ""),
        ("frontier", ("l4", "t4"), (), ""),
        ("frontier", ("l4", "a10g"), (), "--price gives all the same"),
        ("economies", ("h100", "l4"), ("--points", "2"), "listed rent of 2026-05 (l4)"),
        ("compare", ("h100", "l4"), ("--isl", "1000", "--osl", "100"), "listed rent of 2026-05 (l4)"),
    ],
)
def test_a_comparison_never_mixes_bases_in_silence(
    run: Run, command: str, parts: tuple[str, ...], options: tuple[str, ...], mixed: str
) -> None:
    gpus = [word for part in parts for word in ("--gpu", part)]
    few = ("--max-gpus", "1") if command == "frontier" else ()
    said = run(command, "--model", "llama-3.2-1b", *gpus, *few, *options, "--json").json
    notes = [note["text"] for note in said["notes"] if note["code"] == "price-bases"]
    assert ("Not all prices are rents of one kind" in said["verdict"]) is bool(mixed)
    assert [mixed in text for text in notes] == [True] * bool(mixed)


@pytest.mark.parametrize("basis", ["neocloud", "rental", "owner"])
def test_rents_of_a_basis_are_of_few_months(basis: str) -> None:
    facts = [infercost.accelerator(name).facts.get(f"rent_{basis}") for name in infercost.accelerators()]
    months = sorted(int(fact.date[:4]) * 12 + int(fact.date[5:7]) for fact in facts if fact)
    assert len(months) >= 9
    assert months[-1] - months[0] <= 4


def test_a_price_of_machines_of_eight_is_marked_weak_in_a_comparison(run: Run) -> None:
    asked = ("compare", "--model", "llama-3.1-8b", "--gpu", "mi355x", "--gpu", "mi300x", "--concurrency", "8")
    weak = {row["name"]: row["weak"] for row in run(*asked, "--json").json["rows"]}
    assert weak == {"mi355x": ["rent_neocloud"], "mi300x": []}
    assert "mi355x ~" in run(*asked).out


WEAK = "The price of mi355x is uncertain: sold in machines of eight only."


@pytest.mark.parametrize(
    ("command", "options", "said"),
    [
        ("compare", ("--concurrency", "2048"), True),
        ("compare", ("--concurrency", "8", "--sort", "speed"), False),
        ("compare", ("--concurrency", "8", "--price", "2"), False),
        ("compare", ("--concurrency", "8", "--price-basis", "owner"), False),
        ("frontier", ("--max-gpus", "1", "--best", "cost"), True),
        ("frontier", ("--max-gpus", "1", "--best", "speed"), False),
        ("frontier", ("--max-gpus", "1", "--power-price", "0.1"), False),
        ("economies", ("--points", "2"), True),
    ],
)
def test_a_winner_by_a_weak_price_is_said_to_be_one(
    run: Run, command: str, options: tuple[str, ...], said: bool
) -> None:
    asked = (command, "--model", "llama-3.1-8b", "--gpu", "mi355x", "--gpu", "b200", *options, "--json")
    assert (WEAK in run(*asked).json["verdict"]) is said


def test_a_weak_price_of_what_does_not_win_is_no_word_of_the_verdict(run: Run) -> None:
    asked = ("compare", "--model", "llama-3.1-8b", "--gpu", "h100", "--gpu", "mi355x", "--concurrency", "8")
    said = run(*asked, "--set", "gpu.memory_bandwidth=30TB/s", "--price-basis", "rental", "--json").json["verdict"]
    assert "uncertain" not in said


AT_HOME = (
    "utilization",
    "utilization --isl 1000 --osl 1",
    "userbase --users 100",
    "userbase --tokens-per-month 10M --isl 100 --osl 100",
)
GIVEN = [
    ("--price", "0.3"), ("--power-price", "0.2"), ("--purchase-price", "1600"), ("--price-basis", "rental"),
    ("--set", "gpu.rent_neocloud=0.2"),
]  # fmt: skip


@pytest.mark.parametrize("command", AT_HOME)
@grid("part", ["rtx-4090", "rtx-pro-6000", "apple-m3-max"])
def test_a_part_that_people_bought_has_a_price_in_the_verdict_where_they_gave_one(
    run: Run, command: str, part: str
) -> None:
    """Nobody pays the rent of a card at home; the breakdown has it."""
    asked = (*command.split(), "--model", "llama-3.1-8b", "--dtype", "fp8", "--gpu", part, "--json")
    said = run(*asked).json
    assert part.startswith("apple") or said["results"]["usd_per_million_tokens"]
    assert "$" not in said["verdict"]
    for given in GIVEN:
        is_known = "basis" not in given[0] or not part.startswith("apple")  # nobody rents one
        assert ("$" in run(*asked, *given).json["verdict"]) == is_known, given


def test_a_part_of_data_centres_has_its_price_in_the_verdict(run: Run) -> None:
    for command in AT_HOME:
        assert "$" in run(*command.split(), "--model", "llama-3.1-8b", "--gpu", "l40s", "--json").json["verdict"]
    texts = ("utilization", "--model", "qwen3-embedding-8b", "--json", "--gpu")
    assert ["$" in run(*texts, part).json["verdict"] for part in ("rtx-4090", "l40s")] == [False, True]


@pytest.mark.parametrize(("price", "is_said"), [("280k", True), ("35k", False)])
def test_the_price_of_a_whole_machine_is_noted(run: Run, price: str, is_said: bool) -> None:
    """Eight H100 in their server; one costs $25,000."""
    said = run("utilization", "--gpu", "h100:8", "--model", "llama-3.1-8b", "--purchase-price", price, "--json").json
    notes = [note["text"] for note in said["notes"] if note["code"] == "purchase"]
    assert [text.startswith("$280,000 is 11.2x the price of one h100-sxm in 2026-06") for text in notes] == [
        True
    ] * is_said
    rented = run("economies", "--gpu", "h100:8", "--model", "llama-3.1-8b", "--purchase-price", price, "--price", "2")
    words = "Owned at $280,000 each, 11.2x the price of one, a device-hour"
    assert (words in " ".join(rented.out.split())) == is_said


def test_a_rent_below_the_electricity_never_pays_anything_back(run: Run) -> None:
    asked = (
        "utilization",
        "--gpu",
        "rtx-4090",
        "--model",
        "llama-3.1-8b",
        "--purchase-price",
        "1600",
        "--price",
        "0.1",
    )
    said = run(*asked, "--power-price", "0.3", "--json").json
    assert "payback_months" not in said["results"]
    assert " renting is cheaper even if always used. " in said["verdict"]


@pytest.mark.parametrize(
    ("sets", "changed"),
    [
        (("gpu.memory=96GB", "gpu.memory_bandwidth=1.8TB/s", "gpu.flops_bf16=500TFLOP/s"), True),
        (("gpu.memory_bandwidth=1.8TB/s",), True),
        (("gpu.power=600W",), False),
        ((), False),
    ],
)
def test_a_part_of_ones_own_by_set_is_said_to_be_changed(sets: tuple[str, ...], changed: bool, run: Run) -> None:
    """The rent is that of the part in the shop, whatever it is said to have."""
    each = [word for one in sets for word in ("--set", one)]
    for command, *more in (("utilization",), ("fit",), ("userbase", "--users", "10k", "--workload", "chat")):
        said = run(command, "--gpu", "h100:1", "--model", "llama-3.1-8b", *more, *each, "--json").json
        is_read = changed and not (command == "fit" and len(sets) == 1)  # memory alone reads no bandwidth
        assert ("1 x h100-sxm as changed" in said["verdict"]) == is_read
        rents = [note["text"] for note in said["notes"] if "rent of h100-sxm" in note["text"]]
        assert all(("h100-sxm as it is sold, not as changed," in text) == changed for text in rents)
        assert bool(rents) == (command != "fit")


def test_a_rent_that_is_set_is_that_of_the_part_as_changed(run: Run) -> None:
    asked = ("utilization", "--gpu", "h100:1", "--model", "llama-3.1-8b", "--set", "gpu.memory=96GB")
    said = run(*asked, "--set", "gpu.rent=2", "--json").json
    assert any("rent of h100-sxm as set" in note["text"] for note in said["notes"])


PAIR = {"model": "deepseek-v3", "dtype": "fp8"}


def test_parts_have_a_price_each_and_others_keep_their_rent() -> None:
    """Of one price for all, twice the price of a part is twice what its tokens cost; names are any of a part's."""
    plain = {row["name"]: row for row in infercost.compare("b300", "h200", concurrency=256, price=3, **PAIR)["rows"]}
    both = infercost.compare("b300", "h200", concurrency=256, price="b300-sxm=6, h200=$3/h", **PAIR)
    key, rows = "usd_per_million_tokens", {row["name"]: row for row in both["rows"]}
    assert rows["b300-sxm"][key] == pytest.approx(2 * plain["b300-sxm"][key])
    assert rows["h200-sxm"][key] == pytest.approx(plain["h200-sxm"][key])
    assert {row["price_basis"] for row in rows.values()} == {"given"}
    assert "--price 6" in rows["b300-sxm"]["replay"]
    assert "kinds of rent" not in both.verdict
    one = {
        row["name"]: row for row in infercost.compare("b300", "h200", concurrency=256, price="b300=6", **PAIR)["rows"]
    }
    rent = infercost.accelerator("h200").value("rent_neocloud")
    assert [one[name]["usd_per_gpu_hour"] for name in ("b300-sxm", "h200-sxm")] == [6, rent]


@pytest.mark.parametrize(
    ("command", "asked", "key"),
    [
        ("economies", {"gpu": ["h100", "l40s"], "points": 2}, "usd_per_million_tokens"),
        ("frontier", {"gpu": ["h100", "l40s"], "max_gpus": 1}, "usd_per_million_tokens"),
        ("utilization", {"sweep": ["gpu=h100,l40s"]}, "usd_per_million_tokens"),
        ("economies", {"sweep": ["gpu=h100,l40s"]}, "floor_usd_per_million_tokens"),
    ],
)
def test_each_command_of_several_parts_takes_a_price_a_part(command: str, asked: dict[str, Any], key: str) -> None:
    def cost(price: str) -> list[float]:
        rows = getattr(infercost, command)(**asked, model="llama-3.1-8b", price=price)["rows"]
        name = "gpu" if "sweep" in asked else "name"
        return [min(row[key] for row in rows if str(row[name]).startswith(part)) for part in ("h100", "l40s")]

    first, second = cost("h100=2,l40s=1"), cost("h100=4,l40s=1")
    assert second == pytest.approx([2 * first[0], first[1]])


@pytest.mark.parametrize(
    ("price", "error", "hint"),
    [
        ("b300=6,h100=3", "--price: h100-sxm is not asked about", "parts: b300-sxm, h200-sxm"),
        ("b300=6,nothing=3", "no accelerator preset is called 'nothing'", "presets list"),
        ("b300=6,3", "--price: 'b300=6,3' is not a price a part", "b300=6,h200=3"),
        ("b300=x", "--price: 'x' is not a number", "2.10"),
    ],
)
def test_a_price_of_a_part_that_is_not_there_is_refused(run: Run, price: str, error: str, hint: str) -> None:
    said = run("compare", "b300", "h200", "--model", "deepseek-v3", "--price", price)
    assert said.code == 2
    assert error in said.err
    assert hint in said.err


def test_a_month_of_ones_own_part_is_told_by_hand() -> None:
    """350 W at $0.38 a kWh are $0.133 an hour, $97.09 in 730 hours; two owned cards cost twice one."""
    home = {"model": "llama-3.1-8b", "dtype": "q8_0", "power_price": 0.38}
    alone = infercost.utilization(gpu="rtx-3090", **home).verdict
    busy = f" The price is electricity alone: ${0.350 * 0.38 * 730:.2f} a month if always busy."
    assert alone.endswith(busy)
    owned = infercost.utilization(gpu="rtx-3090:2", purchase_price=900, **home)
    month = 2 * 730 * owned["usd_per_gpu_hour"]
    idle = 2 * 900 * 0.08 / (1 - 1.08**-5) / 12  # by an annuity, no power drawn
    words = f" It costs ${month:.2f} a month if always busy, ${idle:.2f} idle: ${60 * month:,.0f} in 5 years, rented "
    assert words in owned.verdict
    assert "always busy" not in infercost.economies(gpu="rtx-3090", **home).verdict


def test_each_part_has_its_own_purchase_price() -> None:
    """As if each were asked alone, in a comparison, a job and a sweep; a part without one is refused."""
    each = {"p40": 250, "l4": 2500}
    both, asked = ",".join(f"{part}={usd}" for part, usd in each.items()), {"model": "qwen3-8b", "dtype": "q4_k_m"}
    alone = {part: infercost.utilization(gpu=part, purchase_price=usd, **asked) for part, usd in each.items()}
    sides = {row["name"]: row for row in infercost.compare(*each, purchase_price=both, **asked)["rows"]}
    swept = {row["gpu"]: row for row in infercost.utilization(sweep="gpu=p40,l4", purchase_price=each, **asked)["rows"]}
    for part, said in alone.items():
        assert sides[part]["usd_per_million_tokens"] == said["usd_per_million_tokens"]
        assert swept[part]["usd_per_million_tokens"] == said["usd_per_million_tokens"]
        jobs = [
            infercost.compare(*parts, concurrency=1, purchase_price=usd, **asked)["rows"]
            for parts, usd in ((each, both), ([part], each[part]))
        ]
        mine, own = ([row for row in rows if row["name"] == part] for rows in jobs)
        assert mine[0]["usd_per_hour"] == own[0]["usd_per_hour"]
        assert f"--purchase-price {each[part]}" in mine[0]["replay"]
    with pytest.raises(InfercostError, match="no --purchase-price of l4 is given"):
        infercost.economies(gpu=list(each), purchase_price="p40=250", **asked)
    with pytest.raises(InfercostError, match="--purchase-price: l4 is not asked about"):
        infercost.utilization(gpu="p40", purchase_price="l4=250", **asked)
