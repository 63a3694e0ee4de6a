"""Odd questions: some that make sense, and in most of them something that does not."""

import math
import random

from infercost.cli.app import COMMANDS
from infercost.parts import catalog
from infercost.parts.formats import FORMATS
from infercost.scenario.options import Option, options_of
from tools.fuzzing.asking import STDIN, Case

#: Ends between which numbers that make sense lie.
RANGES = {
    "params": (1e8, 2e12), "active_params": (1e8, 1e11), "layers": (1, 200), "hidden_size": (64, 30_000),
    "context": (1, 200_000), "input_tokens": (1, 100_000), "output_tokens": (1, 8_000), "batch": (1, 4_000),
    "gpus": (1, 64), "price": (0.01, 50), "usable": (0.2, 1), "request_rate": (0.001, 300), "concurrency": (1, 500),
    "max_sequences": (1, 1_000), "num_prompts": (1, 10_000), "requests": (1, 1e9),
    "prefix_share": (0.01, 0.99), "shared_prefix": (1, 2_000), "replicas": (1, 1_000),
    "chunk_tokens": (64, 32_000), "ubatch": (16, 4_000), "burstiness": (0.1, 6), "draft_tokens": (1, 8),
    "acceptance": (0.01, 0.99), "draft_cost": (0.01, 0.9), "users": (1, 1e8), "concurrent": (1, 1e6),
    "minutes_per_day": (0.1, 1_440), "decoding_share": (0.01, 1), "messages_per_day": (0.1, 1_000),
    "trough_to_mean": (0.01, 1), "peak_to_mean": (1, 10), "max_wait_probability": (1e-6, 0.9), "points": (1, 30),
    "purchase_price": (100, 60_000), "years": (1, 10), "interest": (0.01, 0.3), "power_price": (0.01, 0.5),
    "pue": (1, 2), "api_price": (0.01, 100), "tokens_per_month": (1e6, 1e13), "max_gpus": (1, 64),
    "min_tokens_per_s": (1, 1e6), "offload_layers": (1, 60), "limit": (1, 300), "max_price": (0.1, 1_000),
    "max_cost": (0.01, 100),
    "rope_scaling": (1, 8), "measured_tokens_per_s": (1, 1e6), "measured_mfu": (0.001, 1), "margin": (0.01, 0.99),
    "budget": (1e3, 1e7), "seat_price": (0.1, 500), "load_share": (0.01, 1), "hours_per_day": (0.1, 24),
}  # fmt: skip
TIMES = {"max_tpot": (1, 500), "max_ttft": (5, 60_000), "deadline": (1e3, 1e9)}
WIDTHS = ("tp", "pp", "ep", "dp")
FIGURES = ("memory", "memory_bandwidth", "flops_bf16", "flops_fp8", "link_bandwidth", "power", "rent")
#: By what factors figures are off: where times are compared, what a device holds, and anywhere else.
OFF, OFF_MEMORY, WILD = (0.25, 4.0), (1e-4, 1e2), (1e-5, 1e5)
#: Words that are no value of anything.
ODD = (
    *("", " ", "-", "--", "---", "0", "-1", "-0", "nan", "inf", "Infinity", "1e400", "1e-400", "1e24", "1" * 400),
    *("٣", "½", "1,2", "1:2:3", "1_000", "1__0", "0x10", "1e", ".", "+5", "5.", ".5", "1,000", "4.9e-324"),
    *("x", "=1+1", "\x1b[31m", "\x9b2J", "\udcff", "\u202e", "\ufeff", "\n", "\t", "a b", "a=b", "[]", "{}", "null"),
    *(
        "../../proc/version",
        "/proc/version",
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/",
        "..",
        ".",
        "./",
        "~",
        "C:\\x",
        "no.csv",
    ),
    *("x.json", "x.gguf", "x.safetensors", "h100.yaml", "org/name", "a/b/c", "file:///proc/version", "$HOME", "`id`"),
    *("h100:", "h100:0", "h100:-1", "h100:1e9", "h100:8:8", ":", ":8", "h100,h200", "70B", "1 TB", "1/0", "1/3", "3/2"),
    *("100%", "101%", "50ms", "$2/h", "bf16", "none", "true", "None", "<script>", "{0}", "%s%n", "é" * 500, "a" * 5000),
    *("gpu.memory=0", "gpu.memory=1 B", "efficiency.kernel_time=1h", "gpu.flops_bf16=1", "gpu.x=1", "gpu.rent="),
    *("batch=1:4", "batch=1,2", "gpu=h100,l4", "1:4096", "8:64:8", "1:1e9:x10", "1:1e12", "64,1", "1:8:x1"),
)
SUFFIXES = ("k", "K", "M", "B", "T", "Ki", "GB", "GiB", "B/s", "b/s", "%", "s", "ms", "h", "/h", "$", "x", "min", "W")
OUTPUTS = (
    *(("--json",), ("--csv",), ("--steps",), ("--sources",), ("--steps", "--sources"), ("--format", "markdown")),
    *(("--format", "table"), ("--format", "xml"), ("--plot",), ("--plot", "o.svg"), ("--plot", "o.html")),
    *(("--plot", "o.vl.json"), ("--plot", "o.png"), ("--plot", "o.x"), ("--plot", "-"), ("--output", "o.json")),
    *(("--output", "o.csv"), ("--output", "o.md"), ("--output", "."), ("--output", ""), ("--output", "no/where")),
    *(("--output", "/dev/null"), ("--output", "/dev/full"), ("--output", "\udcff.json"), ("-o", "o.txt"), ("--help",)),
    *(("--sensitivity",), ("--version",), ("--all",), ("--all", "--output", "o.csv"), ("--all", "--output", "o.jsonl")),
    *(("--all", "--output", "o.parquet"), ("--shard", "1/3"), ("--scenario", "no.yaml"), ("--scenario", "."), ("--",)),
)
#: What may stand on standard input where a scenario is read from it.
SCENARIOS = (b"", b"gpu: h100\nparams: 70B\n", b"{", b"\xff\xfe", b"a: &x [1]\nb: *x\n", b"[" * 5000, b"a: 1\n" * 3)
WORDS = {
    "compare": ("h100", "mi300x", "human-brain", "h100-note"),
    "presets": ("list", "show", "path", "h100", "models"),
}
#: Options that are added otherwise.
ELSEWHERE = ("sweep", "sensitivity", "output", "all")
NAMES = {
    "gpu": "accelerators", "efficiency": "efficiency", "traffic": "traffic", "host": "hosts", "workload": "workloads",
    "model": "models", "draft_model": "models",
}  # fmt: skip


def plausible(rng: random.Random, command: str) -> list[str]:
    """A question that makes sense: an accelerator, a model, and a few options more."""
    options, argv = options_of(command), [command]
    taken = ["gpu", "params" if rng.random() < 0.25 and "params" in options else "model"]
    if command == "userbase" and rng.random() < 0.2:
        taken = rng.choice((["concurrent"], ["api_price", "messages_per_day"]))
    taken += ["users"] if command == "userbase" and "concurrent" not in taken else []
    taken = [name for name in taken if name in options]
    others = [name for name in options if name not in (*taken, "params", "model", *ELSEWHERE)]
    taken += rng.sample(others, min(len(others), rng.choice((0, 0, 1, 2, 5))))
    if {"input_tokens", "output_tokens"} & {*taken} and rng.random() < 0.7:  # one is enough
        taken += ["input_tokens", "output_tokens"]
    for name in dict.fromkeys(taken):
        argv += given(rng, options[name])
    if command == "frontier" and "--max-gpus" not in argv:
        argv += ["--max-gpus", "8"]
    if command == "compare":
        argv += rng.sample(WORDS[command], 2)
    return argv


def given(rng: random.Random, option: Option) -> list[str]:
    """An option with a value that makes sense."""
    name, flag = option.name, f"--{option.name.replace('_', '-')}"
    return [flag, sensible(rng, name, wild=rng.random() < 0.3)] if option.metavar else [flag]


def sensible(rng: random.Random, name: str, wild: bool = False) -> str:
    """A value of an option that makes sense."""
    if name in NAMES:
        word = rng.choice(catalog.names(NAMES[name]))
        return f"{word}:{rng.choice((1, 2, 4, 8, 16))}" if name == "gpu" and rng.random() < 0.5 else word
    if name in WIDTHS:
        return str(rng.choice((1, 1, 2, 2, 4, 8, 16)))
    if name.endswith("dtype"):
        return rng.choice([*FORMATS])
    if name in TIMES:
        return f"{between(rng, *TIMES[name]):.4g}ms"
    if name == "set":
        return _figure(rng, wild)
    words = {"offload": ("experts", "layers", "kv"), "overlap": ("full", "operator", "none")}
    words |= {"best": ("cost", "speed", "knee"), "shard": ("1/3", "2/2"), "trace": ("no.csv",)}
    words |= {
        "draft": ("mtp", "eagle3"),
        "engine_version": ("0.10.2", "0.19.0", "0.5.8"),
        "by": ("kind", "part", "model"),
    }
    words |= {
        "price_basis": ("neocloud", "rental", "owner"),
        "sort": ("cost", "price", "speed", "throughput", "devices"),
    }
    words |= {"family": ("qwen3", "llama"), "vendor": ("nvidia", "amd")}
    if name in words:
        return rng.choice(words[name])
    low, high = RANGES[name]
    value = between(rng, low, high)
    if name == "draft_tokens":
        return str(round(value))
    return str(round(value)) if float(low).is_integer() and low >= 1 and high > 10 and name != "pue" else f"{value:.6g}"


def between(rng: random.Random, low: float, high: float) -> float:
    """A number between two, evenly in ratio."""
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _figure(rng: random.Random, wild: bool) -> str:
    """A figure of the H100, off by some factor: whichever part it is set on."""
    key = rng.choice(FIGURES)
    usual = {"memory": 80e9, "memory_bandwidth": 3.35e12, "link_bandwidth": 450e9, "power": 700, "rent": 3}
    off = WILD if wild else OFF_MEMORY if key == "memory" else OFF
    return f"gpu.{key}={usual.get(key, 1e15) * between(rng, *off):.6g}{' W' if key == 'power' else ''}"


#: Models that do not fit where they are asked for, of every kind of question, and one that does.
MISFITS = (
    ("--gpu", "h100:8", "--params", "671B"),
    ("--gpu", "l4", "--model", "deepseek-v3", "--gpus", "1"),
    ("--gpu", "h100", "--gpu", "h100", "--params", "70B"),
    ("--gpu", "h100:2", "--gpu", "l4:1", "--model", "llama-3.1-70b"),
    ("--gpu", "t4:1", "--model", "llama-3.1-405b", "--isl", "100", "--osl", "50"),
    ("--gpu", "rtx-4090:1", "--model", "gpt-oss-120b", "--efficiency", "llama.cpp"),
    ("--gpu", "h100:1", "--model", "llama-3.1-70b", "--max-ttft", "1ms", "--isl", "9000", "--osl", "90"),
    ("--gpu", "h100:8", "--model", "llama-3.1-70b"),
)
PICTURES = ((), ("--plot",), ("--plot", "o.svg"), ("--plot", "o.html"), ("--plot", "o.vl.json"))
SIDES = ((), (), ("--sensitivity",), ("--steps",), ("--sources",), ("--sweep", "gpus=1,2"), ("--sweep", "batch=1:4"))
FORMS = ((), ("--json",), ("--csv",), ("--format", "markdown"), ("--format", "plain"), ("--output", "o.json"))


def every(rng: random.Random) -> Case:
    """Each command with each form and picture of what does not fit, or does."""
    command = rng.choice([*COMMANDS])
    argv = [command, *(rng.choice(MISFITS) if "gpu" in options_of(command) else ())]
    argv += rng.sample(WORDS[command], 2) if command == "compare" and {"--model", "--params"} & {*argv} else ()
    argv += ("--max-gpus", "4") if command == "frontier" else ()
    argv += ("--users", "1M") if command == "userbase" else ()
    argv += rng.choice(PICTURES) + rng.choice(SIDES) + rng.choice(FORMS)
    return Case("questions", tuple(argv))


def side_by_side(rng: random.Random) -> Case:
    """A question that makes sense, part of it swept: names, some of known error, widths, any option."""
    command = rng.choice([name for name in COMMANDS if {"sweep", "gpu"} <= {*options_of(name)}])
    options = [name for name, option in options_of(command).items() if option.metavar and name not in ELSEWHERE]
    some = rng.choice(((*NAMES, "dtype", "gpu", "efficiency"), (*WIDTHS, "gpus"), options))
    name = rng.choice([each for each in some if each in options])
    argv, flag = plausible(rng, command), f"--{name.replace('_', '-')}"
    while flag in argv:
        del argv[argv.index(flag) : argv.index(flag) + 2]
    if name in (*WIDTHS, "gpus"):
        values = sorted(rng.sample((1, 2, 4, 8, 16), rng.choice((2, 3))))
        return Case("questions", (*argv, "--sweep", f"{name}={','.join(map(str, values))}", *rng.choice(FORMS)))
    words = ",".join(sensible(rng, name) for _ in range(rng.choice((2, 2, 3))))
    return Case("questions", (*argv, "--sweep", f"{name}={words}", *rng.choice(FORMS)))


def odd(rng: random.Random) -> Case:
    """A question that makes some sense and in which something is wrong."""
    if rng.random() < 0.1:
        return every(rng)
    if rng.random() < 0.1:
        return side_by_side(rng)
    command = rng.choice([*COMMANDS])
    argv, options = plausible(rng, command), options_of(command)
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        argv += _odd_option(rng, rng.choice([*options, "scenario"]), options)
    if rng.random() < 0.1:
        argv += ["--sweep", f"{rng.choice([*options])}={rng.choice(('1:8', '1,2', 'h100,l4', '1:1e12', 'x', ''))}"]
    argv += rng.choice(WORDS.get(command, ((), "x"))) if rng.random() < 0.1 else ()
    for _ in range(rng.choice((0, 0, 0, 1))):
        argv = _mangled(rng, argv)
    argv += rng.choice(OUTPUTS) if rng.random() < 0.4 else ()
    argv += ["--json"] if rng.random() < 0.3 else []
    if rng.random() < 0.05:
        return Case("questions", (*argv, "--scenario", STDIN), {STDIN: rng.choice(SCENARIOS)})
    return Case("questions", tuple(argv))


def _odd_option(rng: random.Random, name: str, options: dict[str, Option]) -> list[str]:
    """An option with a value that makes no sense, now and then misspelt or with its value behind an equals sign."""
    flag = f"--{name.replace('_', '-')}"
    if rng.random() < 0.05:
        at = rng.randrange(2, len(flag))
        flag = flag[:at] + flag[at + 1 :]
    if name in options and not options[name].metavar:
        return [flag]
    value = rng.choice(ODD)
    if name in RANGES and rng.random() < 0.4:
        value = sensible(rng, name) + rng.choice(SUFFIXES)
    return [f"{flag}={value}"] if rng.random() < 0.3 else [flag, value]


def _mangled(rng: random.Random, argv: list[str]) -> list[str]:
    """The words with one of them lost, said twice, replaced, elsewhere, or another in a letter."""
    at, words = rng.randrange(len(argv)), [*argv]
    way = rng.randrange(6)
    if way == 0:
        words[at : at + rng.choice((0, 1))] = [rng.choice(ODD)]
    elif way == 1:
        del words[at]
    elif way == 2:
        words.insert(at, words[at])
    elif way == 3:
        other = rng.randrange(len(words))
        words[at], words[other] = words[other], words[at]
    elif way == 4 and words[at]:
        letter = rng.randrange(len(words[at]))
        words[at] = words[at][:letter] + rng.choice("\x1b\n\t é☃\udcff=-,:.@'\"\\") + words[at][letter + 1 :]
    else:
        words[at] = words[at].upper()
    return words
