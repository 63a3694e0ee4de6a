"""Laws that answers keep, to a question and to a slightly changed one."""

import json
import math
import random
import shlex
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from infercost.scenario.options import options_of
from tools.fuzzing.asking import ask, wrong
from tools.fuzzing.questions import FIGURES, TIMES, WIDTHS, between, sensible

#: Numbers that differ by less are the same: sums in another order.
CLOSE = 1e-9
#: Keys of numbers that may be below zero, by how they start.
SIGNED = (
    "spare",
    "elasticity",
    "change",
    "gain",
    "left",
    "margin",
    "load_left",
)


class Broken(Exception):
    """A law that two answers break."""


class Bench:
    """Asks for JSON; what is asked is kept, so that a broken law can be shown."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []

    def ask(self, *argv: str) -> dict[str, Any] | None:
        """The document of an answer; None for a question that is refused."""
        asked = (*argv, "--json")
        self.asked.append(asked)
        said = ask(asked)
        if what := wrong(asked, said):
            raise Broken(what)
        document: dict[str, Any] = json.loads(said.out) if said.code != 2 else {}
        if document:
            general(document, said.code)
        return document or None


def at_most(name: str, less: Any, more: Any, within: float = CLOSE) -> None:
    """One number is not above another; nothing where one is missing."""
    if less is not None and more is not None and less > more * (1 + within) + 1e-30:
        raise Broken(name)


def same(name: str, one: Any, other: Any, within: float = CLOSE) -> None:
    """Two numbers or texts are the same; nothing where one is missing."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        if not math.isclose(one, other, rel_tol=within, abs_tol=1e-30):
            raise Broken(name)
    elif one is not None and other is not None and one != other:
        raise Broken(name)


def general(document: dict[str, Any], code: int) -> None:
    """What every answer keeps: signs, bands, a reason for each result without a value, 3 where it does not fit."""
    signs(document)
    results, said = document["results"], [note["text"] for note in document["notes"] if note["code"] == "null"]
    for key in [key for key, value in results.items() if value is None]:
        if not any(text.startswith(f"{key} is null: ") for text in said):
            raise Broken(f"{key} is null without a reason")
    if results.get("fits") is False:
        same("what does not fit ends in 3", code, 3)
    for bands in (document.get("bands"), *(row.get("bands") for row in document["rows"])):
        for key, ends in (bands or {}).items():
            at_most(f"the band of {key} has its ends in order", *(ends or (0, 0)))
    words = document["verdict"].lower().split()
    if "nan" in words or "inf" in words:
        raise Broken("a verdict without a number")


def signs(document: dict[str, Any]) -> None:
    """No number is below zero, no share above one."""
    for row in (document["results"], *document["rows"]):
        for key, value in row.items():
            if not isinstance(value, (int, float)) or isinstance(value, bool):
                continue
            if not key.startswith(SIGNED) and not key.endswith("gross_margin"):
                at_most(f"{key} is not below 0", 0, value)
            if key.endswith(("utilization", "share", "probability")):
                at_most(f"{key} is at most 1", value, 1)


BATCHES = (1, 2, 7, 16, 64, 300)
#: What a question that keeps a law may vary.
VARIED = (
    "dtype",
    "kv_dtype",
    *WIDTHS,
    "efficiency",
    "usable",
    "set",
    "chunk_tokens",
    "prefix_share",
    "shared_prefix",
    "overlap",
)


def lawful(rng: random.Random, *commands: str) -> tuple[str, ...]:
    """A question to one replica that some commands take: a part, a model, lengths and, now and then, more."""
    argv = ["--gpu", sensible(rng, "gpu"), "--model", sensible(rng, "model")]
    longest = rng.choice((3_000, 3_000, 30_000))
    argv += ["--input-tokens", str(rng.randrange(1, longest)), "--output-tokens", str(rng.randrange(1, 1_000))]
    names = [name for name in VARIED if all(name in options_of(command) for command in commands)]
    for name in rng.sample(names, rng.choice((0, 1, 2))):
        argv += [f"--{name.replace('_', '-')}", sensible(rng, name)]
    return tuple(argv)


def pinned(argv: tuple[str, ...], document: dict[str, Any]) -> tuple[str, ...]:
    """The question with the layout that was chosen for it."""
    inputs = document["inputs"]
    counted = any(word.partition(":")[2] for word in argv)
    keys = [key for key in ("gpus", *WIDTHS) if key in inputs and f"--{key}" not in argv]
    more = ((f"--{key}", str(inputs[key])) for key in keys if not (key == "gpus" and counted))
    return (*argv, *(word for pair in more for word in pair))


def _leaps(document: dict[str, Any]) -> bool:
    """Whether a larger batch may take a shorter step.

    Layouts of a paper's law are not searched to the least, and llama.cpp has kernels of many rows from some batch on.
    """
    return str(document["inputs"].get("efficiency")).startswith(("erdil-2025", "llama.cpp"))


def step_laws(rng: random.Random, bench: Bench) -> None:
    """A step has its bound and its parts, and is no longer on a better part nor shorter for more work."""
    asked = (
        "utilization",
        *lawful(rng, "utilization"),
        "--batch",
        str(rng.choice(BATCHES)),
        "--price",
        "2",
    )
    if (first := bench.ask(*asked)) is None or first["results"]["tokens_per_s"] is None:  # it does not fit
        return
    asked, was = pinned(asked, first), first["results"]
    leaps = _leaps(first)
    if first["inputs"].get("efficiency") != "erdil-2025":
        at_most("a step is as long as its bound", was.get("bound_step_time_s"), was["step_time_s"])
    _parts(was, leaps)
    same("a user's tokens are one a token time", was["tokens_per_s_per_user"], 1 / was["tpot_s"])
    same("tokens are the batch a token time", was["tokens_per_s"], first["inputs"]["batch"] / was["tpot_s"])
    if first["inputs"]["batch"] == 1 and (paid := was.get("tokens_per_s_all_in")) and was["request_time_s"]:
        same("one request after another", paid * was["request_time_s"], first["inputs"]["output_tokens"])
    change, factor = (
        rng.choice(("twice", "batch", "longer", "price", "steps", *FIGURES[1:5])),
        rng.choice((1.01, 2, 10)),
    )
    again: dict[str, Any] | None
    if change == "twice":
        same("an answer is the same twice", bench.ask(*asked), bench.ask(*asked))
    elif change == "steps":
        shown = bench.ask(*asked, "--steps")
        same("--steps changes no result", was, shown and shown["results"])
    elif change == "price" and (again := bench.ask(*_changed(asked, "--price", "1"))):
        same(
            "half the price is half the cost",
            again["results"]["usd_per_million_tokens"] * 2,
            was["usd_per_million_tokens"],
        )
        same("a price changes no time", again["results"]["step_time_s"], was["step_time_s"])
    elif change == "batch" and not leaps and (again := bench.ask(*_times(asked, "--batch", 2))):
        at_most("a larger batch takes no shorter step", was["step_time_s"], again["results"]["step_time_s"])
    elif change == "longer" and (again := bench.ask(*_times(asked, "--input-tokens", 3))):
        at_most("a longer context takes no shorter step", was["step_time_s"], again["results"]["step_time_s"], 1e-3)
        at_most("a longer prompt comes no sooner", None if leaps else was.get("ttft_s"), again["results"].get("ttft_s"))
    elif (value := first["inputs"].get(f"gpu.{change}")) and (
        again := bench.ask(*asked, "--set", f"gpu.{change}={value * factor!r}")
    ):
        at_most("a better part is no slower", again["results"]["step_time_s"], was["step_time_s"])


def _parts(was: dict[str, Any], leaps: bool) -> None:
    """A step between its longest part and all of them, its tokens shared by the devices."""
    same("a device makes its share of the tokens", was["tokens_per_s_per_gpu"], was["tokens_per_s"] / was["gpus"])
    parts = [was.get(f"{name}_time_s") or 0 for name in ("compute", "memory", "communication", "overhead")]
    if not leaps:
        at_most("a step is as long as its longest part", max(parts), was["step_time_s"])
        at_most("a step is no longer than all its parts", was["step_time_s"], sum(parts))
        at_most("a step is as long as with full overlap", was.get("full_overlap_step_time_s"), was["step_time_s"])
        at_most("a step is no longer than with no overlap", was["step_time_s"], was.get("no_overlap_step_time_s"))


def bare_laws(rng: random.Random, bench: Bench) -> None:
    """The same of a bare count, whose cost is the price of its devices while the step takes."""
    params = between(rng, 1e6, 1e13)
    argv = [
        "utilization",
        "--gpu",
        sensible(rng, "gpu"),
        "--params",
        f"{params:.6g}",
        "--batch",
        str(rng.choice(BATCHES)),
    ]
    argv += ["--active-params", f"{params * between(rng, 1e-3, 1):.5g}"] if rng.random() < 0.4 else []
    argv += ["--dtype", sensible(rng, "dtype")] if rng.random() < 0.4 else []
    argv += ["--layers", "60", "--hidden-size", "4096"] if rng.random() < 0.3 else []
    argv += ["--price", f"{between(rng, 1e-3, 1e3):.5g}"]
    if (first := bench.ask(*argv)) is None or (was := first["results"])["tokens_per_s"] is None:
        return
    at_most("a step is as long as its bound", was["bound_step_time_s"], was["step_time_s"])
    same("tokens are the batch a token time", was["tokens_per_s"], first["inputs"]["batch"] / was["tpot_s"])
    cost = first["inputs"]["price"] * was["gpus"] / 3600 / was["tokens_per_s"] * 1e6
    same("a token costs what its devices do meanwhile", was["usd_per_million_tokens"], cost)
    asked = pinned(tuple(argv), first)
    for bits, fewer in (("bf16", "int4"),) if "--dtype" not in argv else ():
        more, less = bench.ask(*asked, "--dtype", bits), bench.ask(*asked, "--dtype", fewer)
        if more and less and first["inputs"].get("gpus"):
            at_most("fewer bits are read no longer", less["results"]["memory_time_s"], more["results"]["memory_time_s"])
    if again := bench.ask(*_times(asked, "--batch", 3)):
        at_most("a larger batch takes no shorter step", was["step_time_s"], again["results"]["step_time_s"])


def _changed(argv: tuple[str, ...], flag: str, value: str) -> tuple[str, ...]:
    at = argv.index(flag) + 1
    return (*argv[:at], value, *argv[at + 1 :])


def _times(argv: tuple[str, ...], flag: str, factor: int) -> tuple[str, ...]:
    return _changed(argv, flag, str(int(argv[argv.index(flag) + 1]) * factor))


def load_laws(rng: random.Random, bench: Bench) -> None:
    """The first token comes later the more requests there are, never before its prompt is read; Little's law holds."""
    rate = between(rng, 0.01, 20)
    asked = ("utilization", *lawful(rng, "utilization"), "--price", "2", "--request-rate", f"{rate:.4g}")
    asked += ("--max-sequences", sensible(rng, "max_sequences")) if rng.random() < 0.3 else ()
    if (first := bench.ask(*asked)) is None:
        return
    was = first["results"]
    if not was.get("stable"):
        return
    at_most("the first token comes after its prompt", was.get("prefill_time_s"), was["ttft_s"], 1e-6)
    at_most("a request takes no less than its first token", was["ttft_s"], was["request_time_s"])
    if (most := first["inputs"].get("max_sequences")) is not None:  # of each replica
        most *= first["inputs"].get("dp", 1)
    at_most("no more are in flight than run at once", None if most is None else was["in_flight"], most, 1e-6)
    again = bench.ask(*_changed(pinned(asked, first), "--request-rate", f"{float(f'{rate:.4g}') * 1.2:.6g}"))
    if again and again["results"].get("stable") and not _leaps(first):
        at_most("more load, no sooner a first token", was["ttft_s"], again["results"]["ttft_s"], 1e-6)
        at_most("more load, no faster a token", was["tpot_s"], again["results"]["tpot_s"], 1e-6)


def fit_laws(rng: random.Random, bench: Bench) -> None:
    """The devices that hold a model hold it when they are given; under one engine weights are the same everywhere."""
    asked = lawful(rng, "fit")
    asked = tuple(word for at, word in enumerate(asked) if "tokens" not in word and "tokens" not in asked[at - 1])
    asked = ("fit", *asked, "--batch", str(rng.choice((1, 8))), "--context", "2000")
    if (first := bench.ask(*asked)) is None:
        return
    was = first["results"]
    if again := bench.ask(*pinned(asked, first)):
        same("what fits on so many fits on so many", again["results"].get("fits"), was.get("fits"))
        same("a sequence takes the same memory", again["results"].get("max_sequences"), was.get("max_sequences"))
    if "--usable" in asked and (roomy := bench.ask(*_changed(asked, "--usable", "1"))):
        at_most(
            "more usable memory takes no more devices", roomy["results"]["gpus_for_weights"], was["gpus_for_weights"]
        )
        at_most("what fits, fits in more memory", was.get("fits"), roomy["results"].get("fits"))
    step = bench.ask("utilization", *asked[1:]) if was.get("fits") else None
    if step and step["inputs"]["efficiency"] == first["inputs"]["efficiency"]:
        same("weights are the same in every command", step["results"]["weight_bytes"], was["weight_bytes"])


def sweep_laws(rng: random.Random, bench: Bench) -> None:
    """A point of a sweep is the answer alone."""
    asked = ("utilization", *lawful(rng, "utilization"), "--batch", "4")
    if (first := bench.ask(*asked)) is None:
        return
    at = asked.index("--batch")
    swept = bench.ask(*pinned((*asked[:at], *asked[at + 2 :]), first), "--sweep", "batch=1,4,16")
    row = next((row for row in swept["rows"] if row.get("batch") == 4), {}) if swept else {}
    alone = bench.ask(*pinned(asked, first)) or first
    for key, value in alone["results"].items():
        same(f"{key} of a sweep is that of the answer alone", row.get(key), value)


def service_laws(rng: random.Random, bench: Bench) -> None:
    """No service is cheaper than its floor, more users make more tokens, and both commands answer alike."""
    asked = (*lawful(rng, "economies", "userbase"), "--users", str(round(between(rng, 1, 1e7))), "--price", "2")
    asked += ("--traffic", sensible(rng, "traffic")) if rng.random() < 0.5 else ()
    asked += ("--max-wait-probability", sensible(rng, "max_wait_probability")) if rng.random() < 0.4 else ()
    asked += ("--scale-down",) if rng.random() < 0.3 else ()
    asked += ("--messages-per-day", sensible(rng, "messages_per_day")) if rng.random() < 0.5 else ()
    api = ("--api-price", sensible(rng, "api_price")) if rng.random() < 0.2 else ()
    if (first := bench.ask("economies", *asked, *api, "--points", "7")) is None or not first["rows"]:
        return
    tokens = [row["tokens_per_s"] for row in first["rows"]]
    for fewer, more in pairwise(tokens if "--messages-per-day" in asked else ()):  # minutes hold fewer slower tokens
        at_most("more users make no fewer tokens", fewer, more, 1e-6)
    floor = first["results"].get("floor_usd_per_million_tokens")
    if "--scale-down" not in asked:
        for fewer_users, more_users in pairwise(first["rows"]):
            at_most("more users take no fewer replicas", fewer_users["replicas"], more_users["replicas"])
    if rng.random() < 0.2 and (half := bench.ask("economies", *_changed(pinned(asked, first), "--price", "1"))):
        same("half the price is half the floor", half["results"]["floor_usd_per_million_tokens"] * 2, floor)
    for row in first["rows"]:
        at_most("no service is cheaper than its floor", floor, row["usd_per_million_tokens"], 1e-5)
    if other := bench.ask("userbase", *pinned(asked, first)):
        last = first["rows"][-1]
        for key in sorted(set(last) & set(other["results"]) - {"name", "bands"}):
            same(f"{key} is the same in userbase and economies", last[key], other["results"][key], 1e-6)
        room = other["results"].get("users_capacity")
        at_most("replicas have room for their users", None if room is None else last["users"], room, 1e-6)


def people_laws(rng: random.Random, bench: Bench) -> None:
    """Users to those who decode at once and back."""
    concurrent, minutes, share = between(rng, 1e-3, 1e7), between(rng, 0.1, 1440), between(rng, 0.01, 1)
    habits = ("--minutes-per-day", f"{minutes:.6g}", "--decoding-share", f"{share:.6g}")
    habits += ("--peak-to-mean", sensible(rng, "peak_to_mean")) if rng.random() < 0.4 else ()
    habits += ("--trough-to-mean", sensible(rng, "trough_to_mean")) if rng.random() < 0.4 else ()
    if (there := bench.ask("userbase", "--concurrent", f"{concurrent:.6g}", *habits)) is None:
        return
    users, given = there["results"]["users"], there["inputs"]
    each = given["minutes_per_day"] / 1440 * given["decoding_share"]
    same("users are those who decode over what each does", users, given["concurrent"] / each)
    at_most("the busiest hour is no emptier", there["results"]["mean_concurrent"], there["results"]["peak_concurrent"])
    if 1 <= users <= 1e9 and (back := bench.ask("userbase", "--users", repr(users), *habits)):
        same("there and back is the same", back["results"]["concurrent_users"], given["concurrent"])


def replica_laws(rng: random.Random, bench: Bench) -> None:
    """More users take no fewer replicas and no smaller bill, and what serves them has room for them."""
    users = between(rng, 1, 1e8)
    asked = [
        "userbase",
        *lawful(rng, "userbase"),
        "--price",
        "2",
        "--messages-per-day",
        sensible(rng, "messages_per_day"),
    ]
    asked += ["--traffic", sensible(rng, "traffic")] if rng.random() < 0.4 else []
    asked += [f"--{name.replace('_', '-')}" for name in ("scale_down",) if rng.random() < 0.3]
    for name in ("max_tpot", "max_ttft"):
        asked += [f"--{name.replace('_', '-')}", f"{between(rng, *TIMES[name]):.4g}ms"] if rng.random() < 0.2 else []
    asked += ["--users", f"{users:.6g}"]
    if (first := bench.ask(*asked)) is None or not (was := first["results"]).get("replicas"):
        return
    at_most("replicas have room for their users", first["inputs"]["users"], was.get("users_capacity"), 1e-6)
    again = bench.ask(*_changed(pinned(tuple(asked), first), "--users", f"{users * rng.choice((1.01, 3)):.6g}"))
    if again and again["results"].get("replicas"):
        at_most("more users take no fewer replicas", was["replicas"], again["results"]["replicas"])
        at_most("more users cost no less", was["usd_per_month"], again["results"]["usd_per_month"], 1e-6)


def frontier_laws(rng: random.Random, bench: Bench) -> None:
    """A frontier's rows cost more the faster they are, and the cheapest is ``--best cost``."""
    asked = ("frontier", *lawful(rng, "frontier"), "--max-gpus", "8", "--price", "2")
    if (first := bench.ask(*asked)) is None or not first["rows"]:
        return
    rows = sorted(first["rows"], key=lambda row: float(row["tokens_per_s_per_user"]))
    cost = "usd_per_million_tokens_all_in" if "usd_per_million_tokens_all_in" in rows[0] else "usd_per_million_tokens"
    for slower, faster in pairwise(rows):
        at_most("more speed costs no less", slower[cost], faster[cost])
    row = rng.choice(rows)
    if row.get("replay") and (again := bench.ask(*shlex.split(row["replay"])[1:])):
        for key in ("step_time_s", "tokens_per_s", "utilization"):
            same(f"{key} of a row is that of the row asked alone", again["results"].get(key), row.get(key), 1e-6)
    if (best := bench.ask(*asked, "--best", "cost")) and best["rows"]:
        same("the best by cost is the cheapest", best["rows"][0][cost], min(row[cost] for row in rows))


def batch_laws(rng: random.Random, bench: Bench) -> None:
    """A row of sweep-batch is the answer of utilization."""
    asked = lawful(rng, "utilization", "sweep-batch")
    if (swept := bench.ask("sweep-batch", *asked, "--price", "2", "--batch", "1,8,64")) is None or not swept["rows"]:
        return
    row = rng.choice(swept["rows"])
    alone = bench.ask("utilization", *pinned(asked, swept), "--price", "2", "--batch", str(row["batch"]))
    for key in sorted({*row} & {*alone["results"]}) if alone and alone["results"]["step_time_s"] else ():
        same(f"{key} of sweep-batch is that of utilization", row[key], alone["results"][key])


def draft_laws(rng: random.Random, bench: Bench) -> None:
    """One that is right more often gains no less, prompts paid where they are known: that is what layouts are for."""
    asked = ("utilization", *lawful(rng, "utilization"), "--batch", str(rng.choice(BATCHES)))
    asked += ("--draft-tokens", str(rng.randrange(1, 9)), "--draft-cost", sensible(rng, "draft_cost"))
    wrong_ones, right = sorted((rng.random(), rng.random()))
    few, many = (bench.ask(*asked, "--acceptance", f"{share:.4f}") for share in (wrong_ones, right))
    if few and many and few["inputs"].get("gpus") == many["inputs"].get("gpus"):
        rates = (said["results"]["tokens_per_s_all_in"] or said["results"]["tokens_per_s"] for said in (few, many))
        at_most("a better draft makes no fewer tokens", *rates)


def other_laws(rng: random.Random, bench: Bench) -> None:
    """What every answer keeps, of questions that no other law asks."""
    command = rng.choice(("utilization", "fit", "economies", "compare", "utilization", "userbase"))
    argv = [command, *(lawful(rng, command) if command != "compare" else ("--model", sensible(rng, "model")))]
    if command == "compare":
        argv += [sensible(rng, "gpu").partition(":")[0] for _ in range(rng.randrange(1, 5))]
    elif command == "userbase":
        argv += ["--users", sensible(rng, "users"), "--replicas", sensible(rng, "replicas")]
    elif command == "utilization" and rng.random() < 0.5:
        argv += ["--disaggregated", "--batch", str(rng.choice(BATCHES))]
    elif rng.random() < 0.15:
        argv += ["--sensitivity"]
    bench.ask(*argv)


LAWS: tuple[Callable[[random.Random, Bench], None], ...] = (
    *(step_laws,) * 5, *(load_laws,) * 4, *(bare_laws, fit_laws, other_laws) * 3, *(batch_laws, draft_laws) * 2,
    *(people_laws, sweep_laws, service_laws, replica_laws, replica_laws, frontier_laws),
)  # fmt: skip
