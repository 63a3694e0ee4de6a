"""Ask what nobody should and see that the answer is one: ``python tools/fuzz.py [--seconds 15] [--seed N]``.

Three kinds of cases, in one process: ``files`` by strangers, each a good one with something in it broken; odd
``questions`` on the command line; and ``laws`` that answers must keep, to a question and to a slightly changed one.

Each case must end in exit code 0, 2 or 3, a wrong question in two lines of error, or one of JSON, and nothing else,
JSON must be JSON, nothing that is printed may act on a terminal, nothing may be asked of the network, and no case may
take 20 s or 600 MB.
Prints the seed, how many cases were tried, and the smallest form of the first failure of each kind; exit code 1 if
there is any. The same seed asks the same questions.
"""

import argparse
import gc
import json
import math
import os
import random
import re
import resource
import shlex
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from io import BytesIO, TextIOWrapper
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from infercost.cli.app import COMMANDS, main  # noqa: E402
from infercost.models.find import typed  # noqa: E402
from infercost.parts import catalog  # noqa: E402
from infercost.parts.formats import FORMATS  # noqa: E402
from infercost.parts.yamlfile import read_mapping  # noqa: E402
from infercost.render.writing import harmless  # noqa: E402
from infercost.scenario.options import Option, options_of  # noqa: E402

#: Seconds of a processor and bytes that no case may take, and all that the process may.
SLOW, LARGE, LIMIT = 20.0, 600_000_000, 6 << 30
#: Seconds that one failure is made smaller for.
SHRINKING = 5.0
#: What a wrong question prints.
ERROR = re.compile(r'error: .+\nhint: .+\n|\{"error": \{"what": ".+", "hint": ".+"\}\}\n')
#: Numbers that differ by less are the same: sums in another order.
CLOSE = 1e-9
Files = dict[str, bytes]


class Case(NamedTuple):
    """A command line, and the files that it finds."""

    kind: str
    argv: tuple[str, ...]
    files: Mapping[str, bytes] = MappingProxyType({})


class Said(NamedTuple):
    """What a case said and took: ``raised`` is an exception that no case should end in."""

    code: int
    out: str
    err: str
    raised: str
    seconds: float
    grown: int


class TooLong(BaseException):
    """A case that took more than its time."""


# Asking


def ask(argv: Iterable[str]) -> Said:
    """One command line in this process."""
    kept, err = (sys.stdin, sys.stdout, sys.stderr, sys.excepthook), TextIOWrapper(BytesIO(), "utf-8")
    sys.stdin, sys.stdout, sys.stderr = TextIOWrapper(BytesIO()), (out := TextIOWrapper(BytesIO(), "utf-8")), err
    before, start, code, raised = _peak(), time.process_time(), -1, ""
    signal.setitimer(signal.ITIMER_PROF, SLOW)
    try:
        code = main(list(argv))
    except TooLong:
        raised = f"took more than {SLOW:g} s"
    except BaseException as error:  # whatever it is, it is a failure
        raised = _place_of(error)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdin, sys.stdout, sys.stderr, sys.excepthook = kept
    return Said(code, _text(out), _text(err), raised, time.process_time() - start, _peak() - before)


def _text(stream: TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined, no-any-return]


def _peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _place_of(error: BaseException) -> str:
    """An exception by its kind and the line that raised it."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "nowhere"
    return f"{type(error).__name__} at {place}"


def _stop(*_: object) -> None:
    raise TooLong


_asked_of_network: list[str] = []


def _listen(event: str, _: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.getaddrinfo", "subprocess.Popen", "os.system"):
        _asked_of_network.append(event)


# Judging


def wrong(argv: tuple[str, ...], said: Said) -> str:
    """What no answer may be, in a few words that are the same for the same fault; empty where all is well."""
    if said.raised:
        return said.raised
    if said.code not in (0, 2, 3):
        return f"exit code {said.code}"
    if said.grown > LARGE:
        return f"took {said.grown / 1e6:.0f} MB"
    if _asked_of_network:
        return f"{_asked_of_network.pop()} in a question"
    if harmless(said.out) != said.out or harmless(said.err) != said.err:
        return "sends controls to a terminal"
    if said.code == 2 and (said.out or not ERROR.fullmatch(said.err)):
        return "an error that is not two lines"
    if said.code != 2 and argv[-1:] == ("--json",) and "--output" not in argv and "--help" not in argv:
        return _no_json(said.out)
    return ""


def _no_json(text: str) -> str:
    def refuse(name: str) -> None:
        raise ValueError(name)

    try:
        json.loads(text, parse_constant=refuse)
    except ValueError as error:
        return f"no JSON: {str(error)[:30]}"
    return ""


# Files by strangers: a good one of each kind, and the question that reads it (``@`` is its path)

FIT, STEP = ("fit", "--gpu", "h100", "--model", "@"), ("utilization", "--gpu", "h100", "--model", "@")
TRACE = ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--trace", "@")
RUN = ("calibrate", "@", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "8", "--output", "fitted.yaml")
OF_A_FAMILY: dict[str, tuple[str, ...]] = {
    "accelerators": ("utilization", "--gpu", "./@", "--model", "llama-3.1-8b", "--price", "2"),
    "architectures": ("presets", "show", "./@"),
    "efficiency": ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", "./@"),
    "hosts": ("utilization", "--gpu", "rtx-4090", "--model", "gpt-oss-120b", "--host", "./@"),
    "models": ("utilization", "--gpu", "h100:8", "--model", "./@"),
    "traffic": ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--traffic", "./@"),
}
#: Lines of a long file that are kept.
LINES = 40


def stranger(rng: random.Random) -> Case:
    """A file in which something is broken, and a question that reads it."""
    name, content, argv = rng.choice(SEEDS)(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = broken(rng, content, name.endswith((".json", ".jsonl")))
    return Case("files", tuple(part.replace("@", name) for part in argv), {name: content, **_beside(rng, name)})


def _beside(rng: random.Random, name: str) -> Files:
    """What must stand beside a file that belongs to a checkpoint's folder."""
    return {"m/config.json": _config(rng)} if name.startswith("m/") and name != "m/config.json" else {}


def _preset(rng: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    family = rng.choice([*OF_A_FAMILY])
    path = rng.choice(sorted((catalog.shipped() / family).glob("*.yaml")))
    argv = OF_A_FAMILY[family] if rng.random() < 0.8 else ("presets", "show", "./@")
    return "case.yaml", path.read_bytes(), argv


def _config(rng: random.Random) -> bytes:
    """The config.json of a preset's model."""
    path = rng.choice(sorted((catalog.shipped() / "models").glob("*.yaml")))
    return json.dumps(typed(read_mapping(str(path), "preset")["config"])).encode()


def _checkpoint(rng: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    index = {"metadata": {"total_size": 16_060_522_496}, "weight_map": {"lm_head.weight": "model-00001.safetensors"}}
    tensors = {"a": {"dtype": "BF16", "shape": [8, 4], "data_offsets": [0, 64]}, "__metadata__": {"format": "pt"}}
    formats = {"quantization": {"quant_algo": "NVFP4", "kv_cache_quant_algo": "FP8", "group_size": 16}}
    header = json.dumps(tensors).encode()
    name, content = rng.choice(
        (
            ("config.json", _config(rng)),
            ("model.safetensors.index.json", json.dumps(index).encode()),
            ("model.safetensors", struct.pack("<Q", len(header)) + header),
            ("hf_quant_config.json", json.dumps(formats).encode()),
        )
    )
    argv = rng.choice((FIT, STEP))
    return f"m/{name}", content, tuple("m" if part == "@" else part for part in argv)


def _gguf(rng: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    """The header of a Llama of two layers, or with experts."""
    width, layers, values, tensors = 64, 2, b"", b""
    keys: dict[str, int] = {"block_count": layers, "embedding_length": width, "feed_forward_length": 96}
    keys |= {"attention.head_count": 4, "attention.head_count_kv": 2, "context_length": 2048}
    keys |= {"expert_count": 8, "expert_used_count": 2} if rng.random() < 0.3 else {}
    for name, value in keys.items():
        values += _packed(f"llama.{name}") + struct.pack("<II", 4, value)
    values += _packed("general.architecture") + struct.pack("<I", 8) + _packed("llama")
    values += _packed("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + _packed("a") * 3
    values += _packed("llama.rope.scaling") + struct.pack("<IIQfff", 9, 6, 3, 1.0, 2.0, 4.0)
    shapes = {"token_embd": (width, 100), "output": (width, 100), "output_norm": (width,)}
    for layer in range(layers):
        matrices = {"attn_q": (64, 64), "attn_k": (64, 32), "attn_v": (64, 32), "ffn_up": (64, 96), "ffn_norm": (64,)}
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in matrices.items()}
    for name, shape in shapes.items():
        sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *shape)
        tensors += _packed(f"{name}.weight") + sizes + struct.pack("<IQ", rng.choice((0, 1, 12, 14)), 0)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(keys) + 3)
    return "case.gguf", head + values + tensors, rng.choice((FIT, STEP))


def _packed(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _scenario(rng: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
    argv = plausible(rng, rng.choice(("fit", "utilization", "userbase", "economies", "sweep-batch")))
    given = {flag.removeprefix("--"): value for flag, value in _pairs(argv[1:])}
    if rng.random() < 0.5:
        return "case.json", json.dumps(given).encode(), (argv[0], "--scenario", "@")
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in given.items())
    return "case.yaml", text.encode(), (argv[0], "--scenario", "@")


def _pairs(argv: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The options of a command line and their values."""
    words = list(argv)
    for at, word in enumerate(words):
        if word.startswith("--"):
            after = words[at + 1] if at + 1 < len(words) else "--"
            yield word, "true" if after.startswith("--") else after


def _data(folder: str, argv: tuple[str, ...]) -> Callable[[random.Random], tuple[str, bytes, tuple[str, ...]]]:
    """A file of the tests' data, its first lines."""

    def seed(rng: random.Random) -> tuple[str, bytes, tuple[str, ...]]:
        paths = sorted(path for path in (ROOT / "tests/data" / folder).iterdir() if path.suffix != ".md")
        path = rng.choice(paths)
        lines = path.read_bytes().splitlines(keepends=True)
        keeps = path.suffix == ".json" or len(lines) <= LINES
        content = b"".join(lines if keeps else [lines[0], *rng.sample(lines[1:], LINES)])
        table = path.suffix == ".csv" and folder == "results" and rng.random() < 0.7
        return f"case{path.suffix}", content, ("validate", "@") if table else argv

    return seed


SEEDS = (_preset, _preset, _checkpoint, _checkpoint, _gguf, _scenario, _data("traces", TRACE), _data("results", RUN))

#: What a value may be replaced by: in JSON, and as bytes anywhere. A text with ``@`` is written as no JSON text is.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 3, 7, 128, 1.5, -0.5, 1e300, 1e-300, 2**31, 2**53, 2**64, 10**30, 10**9),
    *("", " ", "x", "0", "-1", "nan", "bf16", "\x1b[31mx", "\ud800", "a\0b", "=1+1", "x" * 2000, "full_attention"),
    *([], {}, [1], [None], [[1]], ["x"], {"a": 1}, {"": None}, [1] * 500, ["full_attention"] * 3),
    *("@1e400", "@NaN", "@-Infinity", "@1" + "0" * 400, "@1" + "0" * 5000, "@" + "[" * 2000, '@{"a":1,"a":2}'),
)
BYTES = (
    *(b"", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\r", b"\n", b"\x1b]0;x\x07", b"\xc2\x9b", b"'", b'"'),
    *(b"-1", b"0", b"nan", b"inf", b"1e400", b"1e-300", b"9" * 400, b"0x10", b"1_000", b"\xd9\xa3", b"99999999999999"),
    *(b"&a", b"*a", b"- ", b"? ", b"---", b"|", b"!!binary x", b"[" * 100, b"{" * 100, b"<<: x", b"~", b"null", b"@"),
    *(b"x: 1", b"=1+1", b'"a\\0b"', b'"\\ud800"', b"1,2", b"#", b": ", b"[]", b"{}", b"[a]", b"{a: b}", b"2026-01"),
)
#: Keys that change how a config is read.
KEYS = (
    *("quantization_config", "text_config", "vision_config", "layer_types", "sliding_window", "num_experts"),
    *(
        "head_dim",
        "num_key_value_heads",
        "kv_lora_rank",
        "model_type",
        "hybrid_override_pattern",
        "mtp_num_hidden_layers",
    ),
)


def broken(rng: random.Random, content: bytes, is_json: bool) -> bytes:
    """The content with one thing in it broken."""
    if is_json and rng.random() < 0.7:
        with suppress(ValueError, RecursionError):
            return _broken_json(rng, content)
    return rng.choice((_replaced, _replaced, _flipped, _cut, _spliced, _number))(rng, content)


def _broken_json(rng: random.Random, content: bytes) -> bytes:
    tree = json.loads(content)
    places = list(_places(tree))
    if not places:
        return content
    holder, key = rng.choice(places)
    act = rng.random()
    if act < 0.7:
        holder[key] = rng.choice(VALUES)
    elif act < 0.85 and isinstance(holder, dict):
        del holder[key]
    elif isinstance(holder, dict):
        holder[rng.choice((*KEYS, *holder))] = rng.choice((*VALUES, *holder.values()))
    text = json.dumps(tree)
    return re.sub(r'"@((?:[^"\\]|\\.)*)"', lambda found: json.loads(f'"{found[1]}"'), text).encode()


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in items:
        yield tree, key
        yield from _places(value)


def _replaced(rng: random.Random, content: bytes) -> bytes:
    """A word in the place of another."""
    words = [found.span() for found in re.finditer(rb"[^\s,:\[\]{}]+", content)]
    if not words:
        return content
    start, end = rng.choice(words)
    return content[:start] + rng.choice(BYTES) + content[end:]


def _flipped(rng: random.Random, content: bytes) -> bytes:
    flipped = bytearray(content or b"\0")
    flipped[rng.randrange(len(flipped))] = rng.randrange(256)
    return bytes(flipped)


def _cut(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] if rng.random() < 0.5 else content[:start] + content[start + rng.randrange(1, 40) :]


def _spliced(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    piece = content[start : start + rng.randrange(1, 200)] * rng.choice((1, 3, 50)) if rng.random() < 0.4 else b""
    return content[:start] + (piece or rng.choice(BYTES)) + content[start:]


def _number(rng: random.Random, content: bytes) -> bytes:
    """A number of eight or four bytes in the place of what was there."""
    start = rng.randrange(max(len(content) - 8, 1))
    value = rng.choice((0, 1, 2, 255, 2**16, 2**31, 2**32 - 1, 2**40, 2**63, 2**64 - 1))
    packed = struct.pack("<Q", value) if rng.random() < 0.6 else struct.pack("<I", value % 2**32)
    return content[:start] + packed + content[start + len(packed) :]


# Odd questions

#: Ends between which numbers that make sense lie.
RANGES = {
    "params": (1e8, 2e12), "active_params": (1e8, 1e11), "layers": (1, 200), "hidden_size": (64, 30_000),
    "context": (1, 200_000), "input_tokens": (1, 100_000), "output_tokens": (1, 8_000), "batch": (1, 4_000),
    "gpus": (1, 64), "price": (0.01, 50), "usable": (0.2, 1), "request_rate": (0.001, 300), "concurrency": (1, 500),
    "max_sequences": (1, 1_000), "num_prompts": (1, 10_000), "prefix_share": (0.01, 0.99), "replicas": (1, 1_000),
    "chunk_tokens": (64, 32_000), "ubatch": (16, 4_000), "burstiness": (0.1, 6), "draft_tokens": (1, 8),
    "acceptance": (0.01, 0.99), "draft_cost": (0.01, 0.9), "users": (1, 1e8), "concurrent": (1, 1e6),
    "minutes_per_day": (0.1, 1_440), "decoding_share": (0.01, 1), "messages_per_day": (0.1, 1_000),
    "trough_to_mean": (0.01, 1), "peak_to_mean": (1, 10), "max_wait_probability": (1e-6, 0.9), "points": (1, 30),
    "purchase_price": (100, 60_000), "years": (1, 10), "interest": (0.01, 0.3), "power_price": (0.01, 0.5),
    "pue": (1, 2), "api_price": (0.01, 100), "max_gpus": (1, 64), "min_tokens_per_s": (1, 1e6),
    "offload_layers": (1, 60), "rope_scaling": (1, 8),
}  # fmt: skip
TIMES = {"max_tpot": (1, 500), "max_ttft": (5, 60_000)}
WIDTHS = ("tp", "pp", "ep", "dp")
FIGURES = ("memory", "memory_bandwidth", "flops_bf16", "flops_fp8", "link_bandwidth", "power", "rent")
OFF = (0.25, 4.0)
#: Words that are no value of anything.
ODD = (
    *(
        "",
        " ",
        "-",
        "--",
        "0",
        "-1",
        "-0",
        "nan",
        "inf",
        "1e400",
        "1e-400",
        "1e24",
        "1" * 400,
        "٣",
        "½",
        "1,2",
        "1:2:3",
    ),
    *(
        "x",
        "=1+1",
        "\x1b[31m",
        "\x9b2J",
        "\udcff",
        "\u202e",
        "a b",
        "../../etc/passwd",
        "/dev/null",
        ".",
        "./",
        "h100:",
    ),
    *("h100:0", "h100:1e9", ":8", "70B", "1 TB", "1/0", "1/3", "100%", "101%", "50ms", "$2/h", "bf16", "none", "true"),
    *(
        "gpu.memory=0",
        "gpu.memory=1 B",
        "efficiency.kernel_time=1h",
        "batch=1:4",
        "gpu.flops_bf16=1",
        "é" * 500,
        "%s%n",
    ),
)
OUTPUTS = (
    *(
        ("--json",),
        ("--csv",),
        ("--steps",),
        ("--sources",),
        ("--format", "markdown"),
        ("--format", "table"),
        ("--plot",),
    ),
    *(("--output", "o.json"), ("--output", "o.csv"), ("--output", "o.md"), ("--plot", "o.svg"), ("--plot", "o.html")),
    *(("--plot", "o.vl.json"), ("--output", "."), ("--output", "no/where"), ("--help",), ("--sensitivity",)),
)
WORDS = {
    "compare": ("h100", "mi300x", "human-brain", "h100-note"),
    "presets": ("list", "show", "path", "h100", "models"),
}
NAMES = {
    "gpu": "accelerators", "efficiency": "efficiency", "traffic": "traffic", "host": "hosts",
    "model": "models", "draft_model": "models",
}  # fmt: skip


def plausible(rng: random.Random, command: str) -> list[str]:
    """A question that makes sense: an accelerator, a model, and a few options more."""
    options, argv = options_of(command), [command]
    taken = ["gpu", "params" if rng.random() < 0.25 and "params" in options else "model"]
    if command == "userbase" and rng.random() < 0.2:
        taken = ["concurrent"]
    taken += ["users"] if command == "userbase" and "concurrent" not in taken else []
    taken = [name for name in taken if name in options]
    others = [
        name for name in options if name not in (*taken, "params", "model", "sweep", "sensitivity", "output", "all")
    ]
    for name in dict.fromkeys([*taken, *rng.sample(others, min(len(others), rng.choice((0, 1, 2, 3, 5))))]):
        argv += given(rng, options[name])
    if command == "frontier" and "--max-gpus" not in argv:
        argv += ["--max-gpus", "8"]
    if command == "compare":
        argv += rng.sample(WORDS[command], 2)
    return argv


def given(rng: random.Random, option: Option) -> list[str]:
    """An option with a value that makes sense."""
    name, flag = option.name, f"--{option.name.replace('_', '-')}"
    return [flag, sensible(rng, name)] if option.metavar else [flag]


def sensible(rng: random.Random, name: str) -> str:
    """A value of an option that makes sense."""
    if name in NAMES:
        word = rng.choice(catalog.names(NAMES[name]))
        return f"{word}:{rng.choice((1, 2, 4, 8, 16))}" if name == "gpu" and rng.random() < 0.5 else word
    if name in WIDTHS:
        return str(rng.choice((1, 1, 2, 2, 4, 8, 16)))
    if name.endswith("dtype"):
        return rng.choice([*FORMATS])
    if name in TIMES:
        return f"{_between(rng, *TIMES[name]):.4g}ms"
    if name == "set":
        return _figure(rng)
    words = {"offload": ("experts", "layers", "kv"), "overlap": ("full", "operator", "none")}
    words |= {"best": ("cost", "speed", "knee"), "shard": ("1/3", "2/2"), "trace": ("no.csv",)}
    words |= {"draft": ("mtp",), "engine_version": ("0.10.2", "0.19.0", "0.5.8"), "by": ("kind", "part", "model")}
    if name in words:
        return rng.choice(words[name])
    low, high = RANGES[name]
    value = _between(rng, low, high)
    return str(round(value)) if float(low).is_integer() and low >= 1 and high > 10 and name != "pue" else f"{value:.6g}"


def _between(rng: random.Random, low: float, high: float) -> float:
    return math.exp(rng.uniform(math.log(low), math.log(high)))


def _figure(rng: random.Random) -> str:
    """A figure of the H100, off by some factor: whichever part it is set on."""
    key = rng.choice(FIGURES)
    usual = {"memory": 80e9, "memory_bandwidth": 3.35e12, "link_bandwidth": 450e9, "power": 700, "rent": 3}
    return f"gpu.{key}={usual.get(key, 1e15) * _between(rng, *OFF):.6g}{' W' if key == 'power' else ''}"


def odd(rng: random.Random) -> Case:
    """A question that makes some sense and in which something is wrong."""
    command = rng.choice([*COMMANDS])
    argv, options = plausible(rng, command), options_of(command)
    for _ in range(rng.choice((0, 0, 1, 1, 3))):
        name = rng.choice([*options, "scenario"])
        flag = f"--{name.replace('_', '-')}"
        argv += [flag] if name in options and not options[name].metavar else [flag, rng.choice(ODD)]
    if rng.random() < 0.1:
        argv += ["--sweep", f"{rng.choice([*options])}={rng.choice(('1:8', '1,2', 'h100,l4', '1:1e12', 'x', ''))}"]
    argv += rng.choice(WORDS.get(command, ((), "x"))) if rng.random() < 0.1 else ()
    for _ in range(rng.choice((0, 0, 1))):
        at = rng.randrange(len(argv))
        argv[at : at + rng.choice((0, 1))] = [rng.choice(ODD)]
    argv += rng.choice(OUTPUTS) if rng.random() < 0.4 else ()
    argv += ["--json"] if rng.random() < 0.3 else []
    return Case("questions", tuple(argv))


# Laws


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


def signs(document: dict[str, Any]) -> None:
    """No number is below zero, no share above one."""
    for row in (document["results"], *document["rows"]):
        for key, value in row.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool) and not key.startswith("spare"):
                at_most(f"{key} is not below 0", 0, value)
            if key.endswith(("utilization", "share")) and isinstance(value, (int, float)):
                at_most(f"{key} is at most 1", value, 1)


#: What a question that keeps a law may vary.
VARIED = ("dtype", "kv_dtype", *WIDTHS, "efficiency", "usable", "set", "chunk_tokens", "prefix_share", "overlap")


def lawful(rng: random.Random, *commands: str) -> tuple[str, ...]:
    """A question to one replica that some commands take: a part, a model, lengths and, now and then, more."""
    argv = ["--gpu", sensible(rng, "gpu"), "--model", sensible(rng, "model")]
    argv += ["--input-tokens", str(rng.randrange(1, 3_000)), "--output-tokens", str(rng.randrange(1, 1_000))]
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
        str(rng.choice((1, 2, 7, 16, 64, 300))),
        "--price",
        "2",
    )
    if (first := bench.ask(*asked)) is None or first["results"]["tokens_per_s"] is None:  # it does not fit
        return
    signs(first)
    asked, was = pinned(asked, first), first["results"]
    leaps = _leaps(first)
    if first["inputs"].get("efficiency") != "erdil-2025":
        at_most("a step is as long as its bound", was.get("bound_step_time_s"), was["step_time_s"])
    same("a user's tokens are one a token time", was["tokens_per_s_per_user"], 1 / was["tpot_s"])
    same("tokens are the batch a token time", was["tokens_per_s"], first["inputs"]["batch"] / was["tpot_s"])
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


def _changed(argv: tuple[str, ...], flag: str, value: str) -> tuple[str, ...]:
    at = argv.index(flag) + 1
    return (*argv[:at], value, *argv[at + 1 :])


def _times(argv: tuple[str, ...], flag: str, factor: int) -> tuple[str, ...]:
    return _changed(argv, flag, str(int(argv[argv.index(flag) + 1]) * factor))


def load_laws(rng: random.Random, bench: Bench) -> None:
    """The first token comes later the more requests there are, never before its prompt is read; Little's law holds."""
    rate = _between(rng, 0.01, 20)
    asked = ("utilization", *lawful(rng, "utilization"), "--price", "2", "--request-rate", f"{rate:.4g}")
    if (first := bench.ask(*asked)) is None:
        return
    signs(first)
    was = first["results"]
    if not was.get("stable"):
        return
    at_most("the first token comes after its prompt", was.get("prefill_time_s"), was["ttft_s"], 1e-6)
    at_most("a request takes no less than its first token", was["ttft_s"], was["request_time_s"])
    again = bench.ask(*_changed(pinned(asked, first), "--request-rate", f"{float(f'{rate:.4g}') * 1.2:.6g}"))
    if again and again["results"].get("stable") and not _leaps(first):
        at_most("more load, no sooner a first token", was["ttft_s"], again["results"]["ttft_s"], 1e-6)
        at_most("more load, no faster a token", was["tpot_s"], again["results"]["tpot_s"], 1e-6)


def fit_laws(rng: random.Random, bench: Bench) -> None:
    """The devices that hold a model hold it when they are given, and weights are as many bytes in every command."""
    asked = lawful(rng, "fit")
    asked = tuple(word for at, word in enumerate(asked) if "tokens" not in word and "tokens" not in asked[at - 1])
    asked = ("fit", *asked, "--batch", str(rng.choice((1, 8))), "--context", "2000")
    if (first := bench.ask(*asked)) is None:
        return
    signs(first)
    was = first["results"]
    if again := bench.ask(*pinned(asked, first)):
        same("what fits on so many fits on so many", again["results"].get("fits"), was.get("fits"))
        same("a sequence takes the same memory", again["results"].get("max_sequences"), was.get("max_sequences"))
    if was.get("fits") and (step := bench.ask("utilization", *asked[1:])):
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
    asked = (*lawful(rng, "economies", "userbase"), "--users", str(round(_between(rng, 1, 1e7))), "--price", "2")
    asked += ("--traffic", sensible(rng, "traffic")) if rng.random() < 0.5 else ()
    asked += ("--max-wait-probability", sensible(rng, "max_wait_probability")) if rng.random() < 0.4 else ()
    asked += ("--scale-down",) if rng.random() < 0.3 else ()
    asked += ("--messages-per-day", sensible(rng, "messages_per_day")) if rng.random() < 0.5 else ()
    if (first := bench.ask("economies", *asked, "--points", "7")) is None or not first["rows"]:
        return
    signs(first)
    tokens = [row["tokens_per_s"] for row in first["rows"]]
    for fewer, more in pairwise(tokens if "--messages-per-day" in asked else ()):  # minutes hold fewer slower tokens
        at_most("more users make no fewer tokens", fewer, more, 1e-6)
    floor = first["results"].get("floor_usd_per_million_tokens")
    for row in first["rows"]:
        at_most("no service is cheaper than its floor", floor, row["usd_per_million_tokens"], 1e-5)
    if other := bench.ask("userbase", *pinned(asked, first)):
        signs(other)
        last = first["rows"][-1]
        for key in sorted(set(last) & set(other["results"]) - {"name", "bands"}):
            same(f"{key} is the same in userbase and economies", last[key], other["results"][key], 1e-6)


def frontier_laws(rng: random.Random, bench: Bench) -> None:
    """A frontier's rows cost more the faster they are, and the cheapest is ``--best cost``."""
    asked = ("frontier", *lawful(rng, "frontier"), "--max-gpus", "8", "--price", "2")
    if (first := bench.ask(*asked)) is None or not first["rows"]:
        return
    signs(first)
    rows = sorted(first["rows"], key=lambda row: float(row["tokens_per_s_per_user"]))
    cost = "usd_per_million_tokens_all_in" if "usd_per_million_tokens_all_in" in rows[0] else "usd_per_million_tokens"
    for slower, faster in pairwise(rows):
        at_most("more speed costs no less", slower[cost], faster[cost])
    if (best := bench.ask(*asked, "--best", "cost")) and best["rows"]:
        same("the best by cost is the cheapest", best["rows"][0][cost], min(row[cost] for row in rows))


LAWS = (step_laws, step_laws, step_laws, load_laws, load_laws, fit_laws, sweep_laws, service_laws, frontier_laws)


# Running


class Failure(NamedTuple):
    """What went wrong, and the smallest case of it."""

    what: str
    case: Case
    more: tuple[tuple[str, ...], ...] = ()


def try_case(case: Case) -> tuple[int, str]:
    """The exit code of a case and what was wrong with it."""
    for name, content in case.files.items():
        path = Path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    said = ask(case.argv)
    for name in case.files:
        Path(name).unlink()
    return said.code, wrong(case.argv, said)


def smaller(case: Case, what: str) -> Case:
    """The case with as few words, and as few bytes of its files, as still fail alike within some seconds."""
    until = time.monotonic() + SHRINKING

    def fails(other: Case) -> bool:
        return time.monotonic() < until and try_case(other)[1] == what

    for size in (2, 1):
        at = 1
        while at + size <= len(case.argv):
            less = case._replace(argv=case.argv[:at] + case.argv[at + size :])
            case, at = (less, at) if fails(less) else (case, at + 1)
    for name in case.files:
        size = len(case.files[name]) // 2
        while size:
            at = 0
            while at < len(content := case.files[name]):
                less = case._replace(files={**case.files, name: content[:at] + content[at + size :]})
                case, at = (less, at) if fails(less) else (case, at + size)
            size //= 2
    return case


class Fuzz:
    """A run: its cases by kind and by exit code, and its failures by what went wrong."""

    def __init__(self, seed: int, kinds: Iterable[str]) -> None:
        self.rng, self.kinds = random.Random(seed), list(kinds)
        self.tried: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self.failures: dict[str, Failure] = {}

    def one(self) -> None:
        """Try one case more."""
        kind = self.rng.choice(self.kinds)
        self.tried[kind] += 1
        if kind == "laws":
            self._law()
            return
        case = (stranger if kind == "files" else odd)(self.rng)
        code, what = try_case(case)
        self.codes[code] += 1
        if what and what not in self.failures:
            self.failures[what] = Failure(what, smaller(case, what))

    def _law(self) -> None:
        law, bench = self.rng.choice(LAWS), Bench()
        try:
            law(self.rng, bench)
        except Broken as error:
            what = str(error)
            self.failures.setdefault(what, Failure(what, Case("laws", bench.asked[0]), tuple(bench.asked[1:])))

    def report(self, seed: int, seconds: float) -> str:
        """What was tried and what failed, for people."""
        total = self.tried.total()
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in sorted(self.tried.items()))
        codes = ", ".join(f"{code}: {count:,}" for code, count in sorted(self.codes.items()))
        lines = [f"seed {seed}: {total:,} cases in {seconds:.0f} s ({kinds}; exit codes {codes})"]
        for failure in self.failures.values():
            lines.append(f"FAILED, {failure.case.kind}: {failure.what}")
            lines += [f"  {shlex.join(('infercost', *argv))}" for argv in (failure.case.argv, *failure.more)]
            lines += [f"  {name}: {content!r}" for name, content in failure.case.files.items()]
        return "\n".join([*lines, f"{len(self.failures)} failures"])


KINDS = ("files", "questions", "laws")


def fuzz(seed: int, seconds: float, cases: float = math.inf, kinds: Iterable[str] = KINDS) -> tuple[Fuzz, str]:
    """Try cases for some seconds, or so many of them, in a folder of its own."""
    run, start, place = Fuzz(seed, kinds), time.monotonic(), os.getcwd()
    handler = signal.signal(signal.SIGPROF, _stop)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            while time.monotonic() - start < seconds and run.tried.total() < cases:
                run.one()
        finally:
            os.chdir(place)
            signal.signal(signal.SIGPROF, handler)
    return run, run.report(seed, time.monotonic() - start)


def _alone() -> None:
    """Make this process one for strangers' files: no network, no settings, no more memory than they may take."""
    for name in [name for name in os.environ if name.startswith(("INFERCOST_", "HF_", "FORCE_COLOR", "NO_COLOR"))]:
        del os.environ[name]
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HOME": "/nowhere", "COLUMNS": "80"}
    with suppress(ImportError):  # asks the system for its fonts, once for all
        import matplotlib.font_manager  # noqa: F401
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT, LIMIT))
    sys.addaudithook(_listen)
    gc.freeze = lambda: None  # a process of one question keeps all that it has loaded; this one asks thousands


def run() -> int:
    """Fuzz as the command line asks."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--cases", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--kinds", default=",".join(KINDS), help="files, questions, laws")
    asked = parser.parse_args()
    _alone()
    done, report = fuzz(asked.seed, asked.seconds, asked.cases, asked.kinds.split(","))
    print(report)
    return 1 if done.failures else 0


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.exit(run())
