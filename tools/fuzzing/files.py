"""Files by strangers: a good one of each kind, something in it broken, and the question that reads it."""

import gzip
import json
import random
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from infercost.models.find import typed
from infercost.models.gguf import ARCHITECTURES
from infercost.parts import catalog
from infercost.parts.files import read_mapping
from infercost.scenario.options import options_of
from tools.fuzzing.asking import OWN, STDIN, Case
from tools.fuzzing.questions import plausible

ROOT = Path(__file__).resolve().parent.parent.parent
Files = dict[str, bytes]
#: A file's name, its content, and the question that reads it (``@`` is its path).
Seed = tuple[str, bytes, tuple[str, ...]]

FIT, STEP = ("fit", "--gpu", "h100", "--model", "@"), ("utilization", "--gpu", "h100", "--model", "@")
TRACE = ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--trace", "@")
RUN = ("calibrate", "@", "--gpu", "h100", "--model", "llama-3.1-8b", "--batch", "8", "--output", "fitted.yaml")
NO_BATCH = tuple(word for word in RUN if word not in ("--batch", "8"))
VALIDATE = ("validate", "@", "--gpu", "h100", "--model", "llama-3.1-8b")
OF_A_FAMILY: dict[str, tuple[str, ...]] = {
    "accelerators": ("utilization", "--gpu", "./@", "--model", "llama-3.1-8b", "--price", "2"),
    "architectures": ("presets", "show", "./@"),
    "efficiency": ("utilization", "--gpu", "h100", "--model", "llama-3.1-8b", "--efficiency", "./@"),
    "hosts": ("utilization", "--gpu", "rtx-4090", "--model", "gpt-oss-120b", "--host", "./@"),
    "models": ("utilization", "--gpu", "h100:8", "--model", "./@"),
    "traffic": ("userbase", "--gpu", "h100", "--params", "7B", "--users", "1000", "--traffic", "./@"),
    "workloads": ("userbase", "--gpu", "h100", "--model", "llama-3.1-8b", "--users", "1000", "--workload", "./@"),
}
#: Options beside a scenario.
MORE = {"price": ("3",), "sensitivity": (), "batch": ("4",)}
#: Names of presets of somebody's own.
STEMS = ("theirs", "=1+1", "\x1b[31mred", "h100", " ", "é", "x" * 200)
#: Lines of a long file that are kept, and of a table: to fit many takes long.
LINES, ROWS = 40, 6


def stranger(rng: random.Random) -> Case:
    """A file in which something is broken, and a question that reads it."""
    name, content, argv = rng.choice(SEEDS)(rng)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        content = broken(rng, content, name)
    if "--trace" in argv and rng.random() < 0.2:
        name, content = f"{name}.gz", gzip.compress(content, mtime=0)
        content = _bytes_broken(rng, content) if rng.random() < 0.5 else content
    argv = tuple(part.replace("@", name) for part in argv) + rng.choice(((), (), ("--json",)))
    return Case("files", argv, {name: content, **_beside(rng, name)})


def _beside(rng: random.Random, name: str) -> Files:
    """What must stand beside a file that belongs to a checkpoint's folder."""
    return {"m/config.json": _config(rng)} if name.startswith("m/") and name != "m/config.json" else {}


def _preset(rng: random.Random) -> Seed:
    family = rng.choice([*OF_A_FAMILY])
    path = rng.choice(sorted((catalog.shipped() / family).glob("*.yaml")))
    argv = OF_A_FAMILY[family] if rng.random() < 0.8 else ("presets", "show", "./@")
    return "case.yaml", path.read_bytes(), argv


def _folder(rng: random.Random) -> Seed:
    """A folder of presets of somebody's own: one more of a family, or one that stands before a shipped one."""
    family = rng.choice([*OF_A_FAMILY])
    path = rng.choice(sorted((catalog.shipped() / family).glob("*.yaml")))
    stem = path.stem if rng.random() < 0.7 else rng.choice(STEMS)
    if family == "architectures":
        asked = (*STEP[:2], "h100", *STEP[3:4], "llama-3.1-8b")
    else:
        asked = tuple(stem if part == "./@" else part for part in OF_A_FAMILY[family])
    others = (("presets", "list", family), ("presets", "list"), ("presets", "show", stem), ("presets", "path"))
    others += ((*FIT[:4], "llama-3.1-8b"), ("frontier", *FIT[1:4], "llama-3.1-8b", "--max-gpus", "2"))
    return f"{OWN}/{family}/{stem}.yaml", path.read_bytes(), rng.choice((asked, asked, asked, *others))


def _config(rng: random.Random) -> bytes:
    """The config.json of a preset's model."""
    path = rng.choice(sorted((catalog.shipped() / "models").glob("*.yaml")))
    return json.dumps(typed(read_mapping(str(path), "preset")["config"])).encode()


def _checkpoint(rng: random.Random) -> Seed:
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
    whole = rng.random() < 0.7
    return f"m/{name}", content, tuple("m" if whole and part == "@" else part for part in argv)


def _gguf(rng: random.Random) -> Seed:
    """The header of a model of two layers, or with experts: most often of a Llama."""
    kind = "llama" if rng.random() < 0.5 else rng.choice([*ARCHITECTURES])
    width, layers, values, tensors = 64, 2, b"", b""
    keys: dict[str, int] = {"block_count": layers, "embedding_length": width, "feed_forward_length": 96}
    keys |= {"attention.head_count": 4, "attention.head_count_kv": 2, "context_length": 2048}
    keys |= {"expert_count": 8, "expert_used_count": 2} if rng.random() < 0.3 else {}
    for name, value in keys.items():
        values += _packed(f"{kind}.{name}") + struct.pack("<II", 4, value)
    values += _packed("general.architecture") + struct.pack("<I", 8) + _packed(kind)
    values += _packed("tokenizer.ggml.tokens") + struct.pack("<IIQ", 9, 8, 3) + _packed("a") * 3
    values += _packed(f"{kind}.rope.scaling") + struct.pack("<IIQfff", 9, 6, 3, 1.0, 2.0, 4.0)
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


def _scenario(rng: random.Random) -> Seed:
    argv = plausible(rng, rng.choice(("fit", "utilization", "userbase", "economies", "sweep-batch")))
    given = {flag.removeprefix("--"): value for flag, value in _pairs(argv[1:])}
    given |= {"price": "2", "set": {"gpu.power": "700"}} if rng.random() < 0.2 else {}  # type: ignore[dict-item]
    text = "".join(f"{key}: {json.dumps(value)}\n" for key, value in given.items())
    more = [(f"--{name}", *value) for name, value in MORE.items() if name in options_of(argv[0])]
    asked = (argv[0], "--scenario", "@", *(rng.choice(more) if more and rng.random() < 0.5 else ()))
    name = rng.choice(("case.json", "case.yaml", STDIN))
    return name, (text if name == "case.yaml" or rng.random() < 0.3 else json.dumps(given)).encode(), asked


def _pairs(argv: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The options of a command line and their values."""
    words = list(argv)
    for at, word in enumerate(words):
        if word.startswith("--"):
            after = words[at + 1] if at + 1 < len(words) else "--"
            yield word, "true" if after.startswith("--") else after


def _lines_of(rng: random.Random, path: Path, most: int) -> bytes:
    """A file, of a long one the first line and some others."""
    lines = path.read_bytes().splitlines(keepends=True)
    keeps = path.suffix == ".json" or len(lines) <= most
    return b"".join(lines if keeps else [lines[0], *rng.sample(lines[1:], most)])


def _trace(rng: random.Random) -> Seed:
    """A trace of the tests' data."""
    path = rng.choice(sorted((ROOT / "tests/data/traces").iterdir()))
    return f"case{path.suffix}", _lines_of(rng, path, LINES), TRACE


def _result(rng: random.Random) -> Seed:
    """A result file of a benchmark, or a table of measurements."""
    paths = [path for path in (ROOT / "tests/data/results").iterdir() if path.name != "README.md"]
    path = rng.choice(sorted((*paths, *(catalog.shipped() / "measurements").glob("*.csv"))))
    tables = ((*VALIDATE[:2],),) * 4 if path.suffix == ".csv" else ()
    return f"case{path.suffix}", _lines_of(rng, path, ROWS), rng.choice((RUN, RUN, NO_BATCH, VALIDATE, *tables))


SEEDS: tuple[Callable[[random.Random], Seed], ...] = (
    *(_preset, _preset, _folder, _checkpoint, _checkpoint, _gguf, _scenario, _trace, _result),
)

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
    "quantization_config", "text_config", "vision_config", "layer_types", "sliding_window", "num_experts", "head_dim",
    "num_key_value_heads", "kv_lora_rank", "model_type", "hybrid_override_pattern", "mtp_num_hidden_layers",
    "rope_scaling", "n_routed_experts", "architectures", "",
)  # fmt: skip
#: Ways to write a text that few write it in.
ENCODINGS = ("utf-16", "utf-32", "utf-8-sig", "crlf")


def broken(rng: random.Random, content: bytes, name: str) -> bytes:
    """The content with one thing in it broken."""
    if name.endswith((".json", ".jsonl", ".safetensors", STDIN)) and rng.random() < 0.7:
        with suppress(ValueError, RecursionError):
            if not name.endswith(".safetensors"):
                return _broken_json(rng, content)
            header = _broken_json(rng, content[8:])
            return struct.pack("<Q", len(header)) + header
    return _bytes_broken(rng, content)


def _bytes_broken(rng: random.Random, content: bytes) -> bytes:
    ways = (_replaced, _replaced, _replaced, _flipped, _flipped, _cut, _spliced, _number, _turned, _encoded)
    return rng.choice(ways)(rng, content)


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


def _turned(rng: random.Random, content: bytes) -> bytes:
    """The end before the beginning."""
    start, end = sorted((rng.randrange(len(content) + 1), rng.randrange(len(content) + 1)))
    return content[end:] + content[:start]


def _encoded(rng: random.Random, content: bytes) -> bytes:
    """The same text in another encoding, or with other ends of lines."""
    way = rng.choice(ENCODINGS)
    with suppress(UnicodeDecodeError):
        text = content.decode()
        return text.replace("\n", "\r\n").encode() if way == "crlf" else text.encode(way, "surrogatepass")
    return content
