"""No input of a printed step comes from nowhere, and the arithmetic that is printed comes out."""

import math
import re
from collections.abc import Iterator, Set
from typing import Any
from zlib import crc32

import pytest

from infercost.formulas.formula import SEARCHES
from infercost.quantities import TERMS
from infercost.units import show
from tests.conftest import Run, grid
from tests.test_quantities import PARAMETERS, shared

#: Bytes of a format, counts of layers, ranks and stages, and what is not there.
BARE = {
    *("bytes_per_param", "table_bytes_per_param", "head_bytes_per_param", "norm_bytes_per_param"),
    *("ffn_bytes_per_param", "kv_bytes_per_param", "cache_element_bytes", "state_element_bytes", "activation_bytes"),
    "index_element_bytes",
    *("layers_of_kind", "layers", "sparse_layers", "exchanging_layers", "ranks", "devices", "stages", "microbatches"),
    *("tensor_ranks", "expert_ranks", "groups", "places", "peers"),
    *("hours", "hours_alike"),  # 24 of a day, 168 of a week
}
MODELS = {
    "bare": "--gpu h100:32 --params 1.6e12",
    "bare-sparse": "--gpu h100:32 --params 1.6e12 --active-params 37e9",
    "dense": "--gpu h100 --model llama-3.1-8b",
    "dense-pp": "--gpu h100:16 --model llama-3.1-70b --tp 4 --pp 4",
    "moe-ep": "--gpu h200:8 --model qwen3-235b-a22b --tp 4 --ep 8",
    "mla-ep": "--gpu h200:16 --model deepseek-v3 --ep 16",
    "sparse": "--gpu gb200:8 --model deepseek-v3.2",
    "windowed": "--gpu h100:2 --model gemma-3-27b",
    "hybrid": "--gpu h200:2 --model nemotron-h-56b",
    "recurrent": "--gpu h100:4 --model qwen3-next-80b-a3b",
}
REQUEST = "--input-tokens 1000 --output-tokens 200"
#: Questions of any model, then those of a named one.
ANY = (
    "fit",
    "utilization --batch 8 --price 2.345",
    "utilization --batch 8 --overlap full --efficiency ideal",
    "sweep-batch --batch 1,8,64",
)
BARE_LAYERS = "utilization --gpu h100:32 --params 1.6e12 --active-params 37e9 --layers 61 --hidden-size 7168 --batch 8"
NAMED = (
    f"utilization --batch 8 {REQUEST}",
    f"utilization --batch 8 {REQUEST} --prefix-share 50% --chunk-tokens 256",
    f"utilization {REQUEST} --concurrency 32 --shared-prefix 400",
    "fit --context 1100 --batch 8 --shared-prefix 400",
    f"utilization {REQUEST} --request-rate 2",
    f"utilization {REQUEST} --request-rate 2 --chunk-tokens 256",
    f"utilization {REQUEST} --request-rate 2 --disaggregated",
    f"utilization {REQUEST} --concurrency 32",
    "utilization --batch 8 --draft-tokens 3 --acceptance 70% --draft-cost 10%",
    "utilization --batch 8 --efficiency ideal",
)
SERVICE = "--messages-per-day 8 --input-tokens 1155 --output-tokens 211"
#: Questions of a service, of any model and of a named one, and of a frontier, which chooses its devices.
SERVED = ("userbase --users 100k", "userbase --concurrent 1000", "economies --points 3")
SERVED_NAMED = (
    f"userbase --users 100k {SERVICE} --max-wait-probability 1%",
    f"userbase --users 100k {SERVICE} --traffic work",
    f"economies {SERVICE} --points 3",
)
FRONTIERS = [
    f"frontier --best {best} --price 2 --max-gpus 16 --gpu h200 --model {model}"
    for model in ("llama-3.1-70b", "deepseek-v3", "gemma-3-27b")
    for best in ("knee", "cost", "speed")
]
FRONTIERS += [
    f"frontier --best cost --price 2 --max-gpus 64 --gpu h200 --model llama-3.1-70b {demand}"
    for demand in ("--users 20k --max-tpot 50ms", "--min-tokens-per-s 5000", "--users 20k --context 4k")
]
SERVICES = [
    f"{question} --price 2 {MODELS[name]}"
    for name in ("bare", "dense-pp", "mla-ep", "windowed", "hybrid")
    for question in (SERVED if name == "bare" else (*SERVED, *SERVED_NAMED))
]
#: Local machines, whose passes are llama.cpp's: dense, sparse, windowed, recurrent, latent, older, several devices.
LOCAL = [
    "utilization --gpu apple-m2-ultra --model llama-3.1-8b --batch 8",
    "utilization --gpu apple-m2-ultra --model llama-3.1-8b --dtype int4 --batch 8",
    f"utilization --gpu apple-m2-ultra --model llama-3.1-8b --batch 32 {REQUEST} --ubatch 256",
    f"utilization --gpu dgx-spark --model qwen3-30b-a3b --dtype fp16 --batch 4 {REQUEST}",
    f"utilization --gpu dgx-spark --model qwen3-30b-a3b --dtype fp16 {REQUEST} --request-rate 0.05",
    "utilization --gpu rtx-4090 --model gemma-3-4b --efficiency llama.cpp-vulkan",
    "utilization --gpu rtx-4090 --model llama-3.1-8b --efficiency llama.cpp-2024",
    "utilization --gpu rtx-4090:2 --model llama-3.1-70b --dtype int4 --efficiency llama.cpp",
    f"utilization --gpu apple-m3-ultra --model qwen3-next-80b-a3b --batch 4 {REQUEST}",
    f"utilization --gpu apple-m3-ultra --model deepseek-v3 --dtype int4 --batch 4 {REQUEST}",
    "sweep-batch --gpu apple-m2-ultra --model gemma-3-27b --batch 1,8,64",
    f"economies --gpu apple-m2-ultra --model llama-3.1-8b --price 1 --points 3 {SERVICE}",
    "frontier --best knee --gpu dgx-spark --model gpt-oss-20b --price 1",
    "fit --gpu apple-m2-ultra --model llama-3.1-8b",
]
#: The part that wins a job, by sequences at once and by users.
JOBS = [
    "compare --model llama-3.1-70b h200 --efficiency ideal --concurrency 100 --max-tpot 40ms",
    "compare --model deepseek-v3 h200 b200 --efficiency ideal --users 20k --price 2",
    "compare --model llama-3.1-70b h200 mi300x --users 30k --workload chat",
]
TREND = "compare --trend"
#: Replicas that share a load, texts for an encoder, a part of a model in a host.
OTHERS = [
    "utilization --gpu h100:8 --model mixtral-8x22b --batch 16 --price 2 --efficiency ideal --overlap operator",
    "utilization --gpu h100:8 --model mixtral-8x22b --batch 16 --price 2 --efficiency ideal --overlap none",
    "userbase --gpu h200:16 --model deepseek-v3 --users 1e5 --purchase-price 30000 --power-price 0.1 --pue 1.2",
    "userbase --gpu h100:32 --params 1.6e12 --active-params 37e9 --concurrent 100 --price 2",
    "fit --gpu h100:8 --model llama-3.1-8b",
    "utilization --gpu h100:8 --model llama-3.1-8b --price 2",
    f"utilization --gpu h100:8 --model llama-3.1-8b --concurrency 64 {REQUEST}",
    f"utilization --gpu h100:8 --model llama-3.1-8b --dp 4 --request-rate 8 {REQUEST}",
    "utilization --gpu h100 --model bge-m3 --input-tokens 512 --price 2",
    "utilization --gpu rtx-5080 --model qwen3-30b-a3b --dtype q4_k_m --host desktop-ddr5 --offload experts",
]
#: Engines whose share of memory is of something else: alone, in graphs of latents, data parallel, beside a tower.
ENGINES = [
    "fit --gpu b200 --model qwen3-8b --efficiency sglang",
    "fit --gpu h200:8 --model deepseek-v3 --tp 8 --efficiency sglang",
    "fit --gpu h200:8 --model deepseek-v3 --tp 1 --ep 8 --efficiency sglang",
    "utilization --gpu h100 --model qwen3-vl-8b --efficiency sglang --chunk-tokens 4096 --batch 8",
    "fit --gpu h100 --model qwen3-8b --efficiency sglang --usable 80%",
    "fit --gpu h100:4 --params 70B --efficiency sglang",
    "utilization --gpu h100:2 --model llama-3.1-70b-fp8 --efficiency tensorrt-llm --chunk-tokens 4096 --batch 8",
]
#: A service of one's own against an API, by a workload, and tokens a month in place of users.
RIVALS = [
    "economies --gpu h100:4 --model llama-3.1-70b --workload chat --api-price 0.5/3/0.1 --points 3",
    "userbase --gpu h100:4 --model llama-3.1-70b --workload chat --api-price 0.5/3 --tokens-per-month 10B",
    "userbase --gpu h100:4 --model llama-3.1-70b --workload rag --api-price 3 --tokens-per-month 10B",
    "userbase --gpu h100:2 --model qwen3-32b --workload chat --users 1000 --seat-price 49",
    "userbase --gpu h100:8 --model llama-3.1-70b --api-price 0.9/0.9 --tokens-per-month 100B",
    "userbase --gpu h100 --model llama-3.3-70b --workload chat --users 1000 --api-price 0.6/0.8",
    "economies --gpu h100:8 --model llama-3.1-70b --api-price 0.9/0.9 --tokens-per-month 100B --points 2",
    "userbase --gpu h100-note --params 1.6e12 --tokens-per-month 500B",
    "userbase --gpu a100:8 --model llama-3.1-70b --users 30000 --traffic chat-global --max-ttft 1s",
    "userbase --gpu h100:4 --model llama-3.1-70b --replicas 3",
]
#: Drafts: a head that is carried, heads of a dense and of a sparse model whose config is known, another model.
DRAFTED = [
    "utilization --gpu h200:8 --model deepseek-v3 --draft mtp --batch 8",
    "utilization --gpu h100 --model llama-3.1-8b --draft eagle3 --batch 8",
    "utilization --gpu h100:2 --model qwen3-30b-a3b --tp 2 --draft eagle3 --batch 8 --efficiency ideal",
    "fit --gpu h100 --model llama-3.1-8b --draft eagle3",
    "fit --gpu h200:8 --model glm-4.5 --draft eagle3",
]
OF_A_KIND = (*RIVALS, *ENGINES, *LOCAL, *OTHERS, *DRAFTED, *JOBS, *FRONTIERS, *SERVICES)
QUESTIONS = [*OF_A_KIND, BARE_LAYERS, TREND, "userbase --concurrent 1000"] + [
    f"{question} {model}" for name, model in MODELS.items() for question in (ANY if "bare" in name else (*ANY, *NAMED))
]


def shuffled(questions: list[str]) -> list[str]:
    """Questions in an order in which every other one is of all kinds and models, the same in each run."""
    return sorted(questions, key=lambda text: crc32(text.encode()))


def numbers(found: Any) -> Iterator[float]:
    """Every number inside a document."""
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        yield float(found)
    elif isinstance(found, (list, dict)):
        for each in found.values() if isinstance(found, dict) else found:
            yield from numbers(each)


def near(value: float, known: Set[float]) -> bool:
    return value in known or any(math.isclose(value, other, rel_tol=1e-9) for other in known)


def from_nowhere(steps: list[dict[str, Any]], known: set[float]) -> list[str]:
    """Inputs that are neither known, nor bare, nor nothing, nor the value of an earlier step."""
    found = []
    for step in steps:
        for name, value in step["inputs"].items():
            strange = [each for each in numbers(value) if each and not near(each, known)]
            found += [f"{step['name']}.{name} = {each:.9g}" for each in strange if name not in BARE]
        known |= {*numbers(step["value"])}
    return found


#: The figures of presets that were shown, by name: they are the same for all questions.
SHOWN: dict[str, set[float]] = {}


def presets(run: Run, asked: dict[str, Any]) -> set[float]:
    """The figures of the presets that an answer names."""
    names = [str(asked[key]) for key in ("model", "gpu", "efficiency", "traffic") if asked.get(key)]
    for name in names:
        if name not in SHOWN:
            SHOWN[name] = {*numbers(run("presets", "show", name, "--json").json)}
    return set().union(*(SHOWN[name] for name in names))


#: What a printed unit stands for, longest first where one begins another.
PREFIXES = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
PREFIXES |= {"m": 1e-3, "u": 1e-6, "n": 1e-9}
UNITS = (
    r"(?:[KMBT]? param| [kKMGTPE]?(?:B/param|B/s|B|FLOP/param|FLOP/s|FLOP/B|FLOP/J|FLOP|W)| [mun]?s"
    r"| token/s| token| 1/s| min/day|x|%|/h| J)?"
)
NUMBER = re.compile(r"(?<![\w.])\$?(?P<digits>\d+(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?)(?P<unit>" + UNITS + r")(?![\w/])")
FUNCTIONS = {
    "max": max,
    "min": min,
    "ceil": lambda x: math.ceil(x * (1 - 1e-9)),
    "floor": lambda x: math.floor(x * (1 + 1e-9)),
}
FUNCTIONS |= {"sqrt": math.sqrt, "ln": math.log, "log2": math.log2, "exp": math.exp}


def scaled(match: re.Match[str]) -> str:
    """A printed number in base units."""
    unit = match["unit"].strip()
    bare = {"", "x", "s", "B", "W", "param", "token", "token/s", "1/s", "/h", "J", "min/day", "B/s", "B/param", "FLOP"}
    if unit == "%":
        factor = 0.01
    elif unit in bare or unit.startswith("FLOP"):
        factor = 1.0
    else:
        factor = PREFIXES[unit[0]]
    return f"({match['digits'].replace(',', '')} * {factor})"


def by_hand(numbers: str) -> float:
    """What a reader gets who types the printed numbers into a calculator."""
    text = NUMBER.sub(scaled, numbers).replace("×", "*").replace("^", "**")
    return float(eval(text, {"__builtins__": {}}, FUNCTIONS))


def check_symbols(steps: list[dict[str, Any]]) -> None:
    """That no symbol of a page stands for two quantities, and each step is of its own."""
    named = {step["name"] for step in steps}
    assert shared(named.union(*(PARAMETERS.get(name, set()) for name in named))) == {}
    assert all(step["symbols"].startswith(f"{TERMS[step['name']].symbol} = ") for step in steps)


@pytest.mark.parametrize("model", ["llama-3.1-70b", "mixtral-8x22b"])
def test_a_page_of_the_later_paper_has_no_symbol_twice(run: Run, model: str) -> None:
    asked = ("utilization", "--gpu", "h100:8", "--dtype", "fp8", "--batch", "4", "--efficiency", "erdil-2025")
    check_symbols(run(*asked, "--model", model, "--json", "--steps").json["steps"])


@grid("question", shuffled(QUESTIONS))
def test_no_input_of_a_step_comes_from_nowhere_and_its_arithmetic_comes_out(run: Run, question: str) -> None:
    said = run(*question.split(), "--json", "--steps", "--sources")
    assert said.code in (0, 3), said.err
    answer = said.json
    solved = {search.quantity for search in SEARCHES.values()}
    check_symbols(answer["steps"])
    printed = [step for step in answer["steps"] if step["name"] not in solved]
    assert len(printed) > 5
    wrong = [
        step for step in printed if show(by_hand(step["numbers"]), step["unit"]) != show(step["value"], step["unit"])
    ]
    assert [(step["name"], step["numbers"], show(step["value"], step["unit"])) for step in wrong] == []
    given = {*numbers(answer["inputs"]), *numbers(answer["sources"])}
    if question in JOBS:  # the part is the answer
        answer["inputs"]["gpu"] = answer["rows"][0]["name"]
    assert from_nowhere(answer["steps"], given | presets(run, answer["inputs"])) == []


def test_fit_shows_what_a_device_holds_and_no_search(run: Run) -> None:
    steps = run("fit", "--gpu", "h100", "--model", "gemma-3-27b", "--json", "--steps").json["steps"]
    names = [step["name"] for step in steps]
    assert {"rank_weights", "kv_pool", "cache_per_sequence", "sequences_that_fit"} <= {*names}
    assert len(steps) <= 45
    assert all(names.count(name) <= 4 for name in names)
