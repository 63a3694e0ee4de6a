"""What a checkpoint says of its number formats: effective bits, scales included, part by part."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import translate
from math import inf, isinf
from typing import Any, NamedTuple

from infercost.errors import BadFile, Missing
from infercost.models.families.config import LARGEST_NUMBER, Config, Names
from infercost.models.model import Layer, Quantization
from infercost.parts.formats import MXFP4, NVFP4

#: Parts that a scheme quantizes unless it names exceptions; tables, gates and norms stay as they were.
MATRICES = ("attention", "ffn", "experts", "shared")
LINEAR = (*MATRICES, "head")
#: The module names of the tables.
TABLES = {"head": ("lm_head",), "embedding": ("model.embed_tokens",)}
#: Keys under which schemes list the modules that stay as they were.
EXCEPTIONS = (
    *("ignore", "exclude", "exclude_modules", "modules_to_not_convert"),
    *("ignored_layers", "llm_int8_skip_modules", "skip_modules"),
)
#: Where files keep the block.
BLOCKS = ("quantization_config", "compression_config", "quantization")
#: Keys of AutoAWQ's own files, as vLLM 0.33 reads them (quantization/auto_awq.py).
OLDER = {"w_bit": "bits", "q_group_size": "group_size"}
#: Families whose cache engines keep in FP8 unless they are told otherwise: vLLM 0.33, models/deepseek_v4/attention.py.
EIGHT_BIT_CACHES = ("deepseek_v4",)
#: A composite model's name of its language model, before the names that a plain one has.
_WRAPPED = re.compile(r"^(language_model\.|model\.language_model\.(?=(layers|embed_tokens)))")


class Pattern(NamedTuple):
    """Names of modules: a test of one, or without that a name that stands whole in the module's."""

    text: str
    match: Callable[[str], bool] | None = None


class Rule(NamedTuple):
    """Bits of the modules that ``names`` fits, or of whole parts; None are the bits of what nothing quantizes."""

    bits: float | None
    parts: tuple[str, ...] = MATRICES
    names: Pattern | None = None


class Scheme(NamedTuple):
    """The name of a scheme, and its rules: the first that fits a module by name, else the first of its part.

    ``complete`` says that the rules name every module that they change, so that lists of exceptions add nothing.
    """

    name: str
    rules: Sequence[Rule]
    complete: bool = False


class Settings:
    """Keys of a quantization block; a missing key and null are the same. A value that cannot be is a ``BadFile``."""

    def __init__(self, data: Mapping[str, Any], where: str) -> None:
        self.data = data
        self.where = where

    def get(self, key: str, default: Any = None) -> Any:
        """A value as it stands."""
        return default if self.data.get(key) is None else self.data[key]

    def error(self, key: str, must: str) -> BadFile:
        """The refusal of a key's value, or of its absence."""
        value = self.get(key)
        what = f"has no {key}" if value is None else f"{key} is {repr(value)[:40]}"
        return BadFile(f"{self.where}: {what}", f"{key} must be {must}")

    def bits(self, key: str, default: float | None = None) -> float:
        """Bits of one value."""
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 1 <= value <= 32:
            raise self.error(key, "a number of bits, 1 to 32")
        return float(value)

    def group(self, default: int | None = None) -> float:
        """How many values share a scale; infinity where a row or the whole matrix does."""
        value = self.get("group_size", default)
        if value is None or value == -1:
            return inf
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not 1 <= value <= LARGEST_NUMBER
            or value % 1
        ):
            raise self.error("group_size", "a whole number of values that share a scale")
        return float(value)

    def block(self, key: str) -> float:
        """How many values are in a block of rows by columns; infinity where there are no blocks."""
        value = self.get(key)
        if value is None:
            return inf
        sizes = value if isinstance(value, list) else []
        if len(sizes) != 2 or not all(isinstance(size, int) and 0 < size <= LARGEST_NUMBER for size in sizes):
            raise self.error(key, "two whole numbers, as in [128, 128]")
        return float(sizes[0] * sizes[1])

    def part(self, key: str) -> "Settings":
        """The block under a key."""
        if not isinstance(self.get(key), dict):
            raise self.error(key, "an object")
        return Settings(self.data[key], f"{self.where}: {key}")

    def parts(self, key: str) -> dict[str, "Settings"]:
        """The blocks by name inside a block that may be missing."""
        if self.get(key) is None:
            return {}
        inside = self.part(key)
        return {name: inside.part(name) for name, value in inside.data.items() if value is not None}

    def texts(self, key: str) -> list[str]:
        """A list of names, which may be missing or a single name."""
        value = self.get(key, [])
        value = [value] if isinstance(value, str) else value
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise self.error(key, "a list of names")
        return value

    def pattern(self, key: str, text: str) -> Pattern:
        """The modules that a text under a key names: a regular expression, a glob, a name or a part of one."""
        if text.startswith("re:"):
            try:
                regex = re.compile(text.removeprefix("re:"))
            except (re.error, OverflowError, RecursionError) as error:
                what = f"{self.where}: {key} holds {text[:40]!r}, no regular expression"
                raise BadFile(what, f"mend {key}: {error}") from error
            return Pattern(text, lambda name: bool(regex.match(name) or regex.match(f"language_model.{name}")))
        plain = _WRAPPED.sub(lambda prefix: "" if prefix[0] == "language_model." else "model.", text)
        return Pattern(plain, _glob(plain) if "*" in plain else None)

    def rules(self, key: str, bits: Callable[["Settings"], float | None]) -> list[Rule]:
        """A rule for each block of modules under a key."""
        return [Rule(bits(each), names=self.pattern(key, name)) for name, each in self.parts(key).items()]


def _glob(text: str) -> Callable[[str], bool]:
    """A test of a glob that may begin anywhere and takes in what is inside; the usual ones at the speed of text."""
    core = text.strip("*")
    if set(core) & set("*?["):
        regex = re.compile(f"{translate(f'*{text}')}|{translate(f'*{text}.*')}")
        return lambda name: bool(regex.match(name))
    if text.endswith("*"):
        return lambda name: core in name
    return lambda name: name.endswith(core) or f"{core}." in name


# Methods by the name that a checkpoint gives


def _hqq(settings: Settings) -> Scheme:
    """A configuration for all matrices, or one for each of some modules by the end of their name."""
    config = settings.part("quant_config")
    if config.get("weight_quant_params") is not None:
        return Scheme(f"hqq int{config.part('weight_quant_params').bits('nbits'):g}", [Rule(_hqq_bits(config))])
    if rules := settings.rules("quant_config", _hqq_bits):
        return Scheme("hqq int, by module", rules)
    raise settings.error("quant_config", "an object with weight_quant_params")


def _hqq_bits(settings: Settings) -> float:
    """A 16-bit scale and a 16-bit zero point a group."""
    weights = settings.part("weight_quant_params")
    return weights.bits("nbits") + 32 / weights.group()


def _torchao(settings: Settings) -> Scheme:
    """A configuration for all matrices, or one for each of some modules and a default."""
    if isinstance(name := settings.get("quant_type"), str):
        config = Settings({"_type": name, "_data": settings.get("quant_type_kwargs", {})}, settings.where)
    elif isinstance(name, dict):
        config = settings.part("quant_type").part("default")
    else:
        raise settings.error("quant_type", "the name of a configuration, or an object")
    parts = (*LINEAR, "embedding") if settings.get("include_input_output_embeddings") else MATRICES
    data = config.part("_data")
    for key in ("module_fqn_to_config", "fqn_to_config"):
        if data.get(key) is not None:
            default = Pattern("_default")
            rules = [
                Rule(rule.bits, parts) if rule.names == default else rule for rule in data.rules(key, _torchao_bits)
            ]
            return Scheme("torchao int, by module", rules)
    bits = _torchao_bits(config)
    return Scheme(f"torchao {'fp' if 'loat' in str(config.get('_type')) else 'int'}{int(bits)}", [Rule(bits, parts)])


def _torchao_bits(config: Settings) -> float:
    """Four bits and less have a scale and a zero point of 16 bits a group; eight bits one scale a row."""
    name, data = str(config.get("_type")), config.part("_data")
    width = re.search(r"(\d+)_?weight", name, re.IGNORECASE)
    width = width or re.search(r"int(\d+)", str(data.get("weight_dtype", "")))
    if width is None:
        raise _unknown(config, name[:40])
    bits = config.bits("bits", int(width[1]))
    granularity = data.get("weight_granularity")
    inside = granularity.get("_data") if isinstance(granularity, dict) else None
    group = Settings({**data.data, **(inside if isinstance(inside, dict) else {})}, data.where).group(128)
    return bits + (32 / group if bits < 8 else 0)


class UnknownScheme(Missing):
    """A method whose bits are not known here; ``name`` is what the checkpoint calls it."""

    def __init__(self, where: str, name: Any) -> None:
        super().__init__(f"{where}: the quantization {name!r} is not known", "give the format: --dtype fp8, int4 ...")
        self.name = name


def _unknown(settings: Settings, name: Any) -> UnknownScheme:
    return UnknownScheme(settings.where, name)


def _quark(settings: Settings) -> Scheme:
    """One configuration for all, others for modules by glob."""
    whole = settings.part("global_quant_config")
    rules = [*settings.rules("layer_quant_config", _quark_bits), Rule(_quark_bits(whole), LINEAR)]
    width = min((rule.bits for rule in rules if rule.bits), default=16)
    is_int = whole.get("weight") and "int" in str(_quark_weight(whole).get("dtype"))
    return Scheme(f"quark {'int' if is_int else 'fp'}{int(width)}", rules)


def _quark_weight(settings: Settings) -> Settings:
    """The weights' block, the last where they are quantized twice."""
    value = settings.get("weight")
    last = value[-1] if isinstance(value, list) and value else value
    return Settings({"weight": last}, settings.where).part("weight")


def _quark_bits(settings: Settings) -> float | None:
    if settings.get("weight") is None:
        return None
    weights = _quark_weight(settings)
    dtype = weights.get("dtype", "")
    width = re.search(r"\d+", str(weights.get("mx_element_dtype", "") if dtype == "mx" else dtype))
    if width is None or not 1 <= (bits := int(width[0])) <= 32:
        raise weights.error("dtype", "a number format, as in fp8_e4m3 or int4")
    if weights.get("qscheme") != "per_group" and dtype != "mx":
        return bits
    is_mx = dtype == "mx" or weights.get("scale_format") == "e8m0"
    zero = bits if weights.get("symmetric") is False and "int" in str(dtype) else 0
    return bits + ((8 if is_mx else 16) + zero) / weights.group(32 if is_mx else 128)


def _compressed_tensors(settings: Settings) -> Scheme:
    """Groups of modules by name, or by class."""
    rules, names = [], {}
    groups = settings.parts("config_groups")
    if not groups:
        raise settings.error("config_groups", "an object of groups, each with weights and targets")
    for group in groups.values():
        if group.get("weights") is None:  # activations or caches alone
            continue
        weights = group.part("weights")
        bits = _compressed_bits(weights, str(group.get("format", settings.get("format", ""))))
        if bits is not None:
            names[bits] = f"{'fp' if weights.get('type') == 'float' else 'int'}{weights.bits('num_bits'):g}"
        for target in group.texts("targets") or ["Linear"]:
            parts = {"Linear": LINEAR, "Embedding": ("embedding",)}.get(target)
            rules.append(Rule(bits, parts) if parts else Rule(bits, names=group.pattern("targets", target)))
    name = " + ".join(dict.fromkeys(names[bits] for bits in sorted(names)))
    return Scheme(f"compressed-tensors {name}".strip(), rules)


def _compressed_bits(weights: Settings, form: str) -> float | None:
    """Bits with scales of 8 bits (4-bit floats and MX forms) or 16; None where the weights are stored as they were."""
    bits, group = weights.bits("num_bits"), weights.group()
    if form == "dense":
        return None
    if weights.get("strategy") == "block":
        return bits + 32 / weights.block("block_structure")
    if form == "marlin-24":  # two weights of four, each with its place in two bits
        bits = bits / 2 + 1
    is_small = form.startswith(("mx", "nv")) or (weights.get("type") == "float" and bits == 4)
    zero = bits if weights.get("symmetric") is False else 0
    return bits + ((8 if is_small else 16) + zero) / group


def _modelopt(settings: Settings) -> Scheme:
    """One format for all, or a map from modules to formats."""
    algorithm = str(settings.get("quant_algo", "")).upper()
    if algorithm != "MIXED_PRECISION":
        width = _fp8_bits(settings) if settings.get("weight_block_size") else _modelopt_bits(settings)
        return Scheme(algorithm.lower(), [Rule(width, LINEAR)])
    rules = settings.rules("quantized_layers", _modelopt_bits)
    if not rules:
        raise settings.error("quantized_layers", "an object of modules, each with its quant_algo")
    if settings.get("quant_method") == "fp8":  # what the map leaves out stays in FP8 where it was FP8 before
        rules.append(Rule(_fp8_bits(settings)))
    return Scheme("mixed", rules, complete=True)


def _modelopt_bits(settings: Settings) -> float:
    """Four bits have a scale of 8 bits (floats) or 16 (integers) a group; FP8 has one a matrix, or a block of 128."""
    name = str(settings.get("quant_algo", "")).upper()
    if "FP4" in name:
        return 4 + 8 / settings.group(32 if "MXFP4" in name else 16)
    if "W4A" in name or "INT4" in name:
        return 4 + 16 / settings.group(128)
    if name.startswith(("FP8", "W8A", "INT8", "MXFP8")):
        return 8 + (8 / 32 if name.startswith("MX") else 32 / 128**2 if "PB" in name else 0)
    raise settings.error("quant_algo", "one of FP8, NVFP4, MXFP8, W4A16_AWQ and their kin")


def _fp8(settings: Settings) -> Scheme:
    experts = [Rule(MXFP4, ("experts",))] if settings.get("expert_dtype") == "fp4" else []
    return Scheme("fp8", [*experts, Rule(_fp8_bits(settings))])


def _fp8_bits(settings: Settings) -> float:
    """Eight bits, and a 32-bit scale for each block where there are blocks."""
    return 8 + 32 / settings.block("weight_block_size")


def _integers(settings: Settings) -> Scheme:
    """Integers in groups; GPTQModel (``dynamic``) and AutoRound (``extra_config``) give some modules other bits."""
    method = str(settings.get("quant_method")).rpartition("/")[2]
    bits = settings.bits("bits")
    rules = [Rule(_integer_bits(settings), LINEAR if settings.get("lm_head") is True else MATRICES)]
    for key in ("dynamic", "extra_config"):
        for text, more in settings.parts(key).items():
            is_plain = text.startswith("-:") or more.get("bits", bits) >= 16
            is_name = key == "extra_config" and not set(text) & set("*+?[(^$|\\")
            pattern = text if is_name else re.sub(r"^(-:|\+:)?", "re:", text)
            each = Settings({**settings.data, **more.data}, more.where)
            rules.append(Rule(None if is_plain else _integer_bits(each), names=settings.pattern(key, pattern)))
    return Scheme(f"{method} {bits:g}-bit", rules)


def _integer_bits(settings: Settings) -> float:
    """A 16-bit scale and a zero point a group, which is stored, symmetric or not; floats have a scale of 8 bits."""
    bits, dtype = settings.bits("bits"), str(settings.get("data_type", ""))
    if "fp" in dtype:
        return bits + 8 / settings.group(16 if "nv" in dtype else 32)
    return bits + (16 + bits) / settings.group(128)


def _bitsandbytes(settings: Settings) -> Scheme:
    if settings.get("load_in_4bit", settings.get("_load_in_4bit")):
        # a 32-bit scale for 64 values, or an 8-bit one that is scaled again for 256 of its kind
        scale = 8 / 64 + 32 / (64 * 256) if settings.get("bnb_4bit_use_double_quant") else 32 / 64
        return Scheme("bitsandbytes nf4", [Rule(4 + scale)])
    if settings.get("load_in_8bit", settings.get("_load_in_8bit")):
        return Scheme("bitsandbytes int8", [Rule(8.0)])
    raise settings.error("load_in_4bit", "true, or load_in_8bit")


def _mlx(settings: Settings) -> Scheme:
    """Every table too, and other settings for single modules."""
    rules = [Rule(_mlx_bits(settings), (*LINEAR, "embedding"))]
    for name, value in settings.data.items():
        if isinstance(value, dict) or value is False:
            each = Settings({**settings.data, **(value or {})}, f"{settings.where}: {name}")
            rules.append(Rule(_mlx_bits(each) if value else None, names=settings.pattern(name, name)))
    return Scheme(f"mlx {settings.bits('bits'):g}-bit", rules)


def _mlx_bits(settings: Settings) -> float:
    """A scale and a bias of 16 bits a group, or a scale of 8."""
    if isinf(group := settings.group()):
        raise settings.error("group_size", "a whole number of values that share a scale")
    return settings.bits("bits") + (8 if str(settings.get("mode")).startswith(("mx", "nv")) else 32) / group


def _exllama(settings: Settings) -> Scheme:
    bits = settings.bits("bits")
    name = f"{settings.get('quant_method')} {bits:g}"
    return Scheme(name, [Rule(bits), Rule(settings.bits("head_bits", 16), ("head",))])


def _w4afp8(settings: Settings) -> Scheme:
    """Experts in integers of four bits, a 16-bit scale for 128 of them; the rest in FP8."""
    return Scheme("w4afp8", [Rule(4 + 16 / settings.group(128), ("experts",)), Rule(_fp8_bits(settings))])


def _four_bit_floats(key: str) -> Callable[[Settings], Scheme]:
    """A scheme of one format of four bits, which a key names."""

    def scheme(settings: Settings) -> Scheme:
        method, name = settings.get("quant_method"), str(settings.get(key, "nvfp4"))
        if name not in ("nvfp4", "mxfp4"):
            raise settings.error(key, "nvfp4 or mxfp4")
        return Scheme(f"{method} {name}", [Rule(NVFP4 if name == "nvfp4" else MXFP4)])

    return scheme


def _metal(settings: Settings) -> Scheme:
    """MLX's groups in the matrices alone."""
    bits = settings.bits("bits", 4)
    return Scheme(f"metal int{bits:g}", [Rule(bits + 32 / settings.group(64))])


def _quanto(settings: Settings) -> Scheme:
    """Eight bits and a scale a row."""
    if (name := str(settings.get("weights", "int8"))) not in ("int8", "float8"):
        raise _unknown(settings, f"quanto {name}")
    return Scheme(f"quanto {name.replace('float', 'fp')}", [Rule(8.0)])


METHODS: dict[str, Callable[[Settings], Scheme]] = {
    "fp8": _fp8,
    "fbgemm_fp8": lambda _: Scheme("fbgemm fp8", [Rule(8.0)]),
    "mxfp4": lambda _: Scheme("mxfp4", [Rule(MXFP4, ("experts",))]),
    "experts_int8": lambda _: Scheme("experts int8", [Rule(8.0, ("experts",))]),
    **dict.fromkeys(("gptq", "awq", "auto-round", "intel/auto-round", "inc", "moe_wna16"), _integers),
    "w4afp8": _w4afp8,
    "fp_quant": _four_bit_floats("forward_dtype"),
    "fouroversix": _four_bit_floats("dtype"),
    "nvfp4": lambda _: Scheme("nvfp4", [Rule(NVFP4)]),
    "metal": _metal,
    "quanto": _quanto,
    "mxfp8": lambda _: Scheme("mxfp8", [Rule(8 + 8 / 32)]),
    "ptpc_fp8": lambda _: Scheme("fp8", [Rule(8.0)]),
    **dict.fromkeys(("eetq", "w8a8_int8"), lambda _: Scheme("int8", [Rule(8.0)])),
    "bitnet": lambda _: Scheme("bitnet", [Rule(2.0)]),  # four weights of three values in a byte
    "bitsandbytes": _bitsandbytes,
    "mlx": _mlx,
    **dict.fromkeys(("exl2", "exl3"), _exllama),
    "hqq": _hqq,
    "torchao": _torchao,
    "quark": _quark,
    "compressed-tensors": _compressed_tensors,
}


def scheme(settings: Settings) -> Scheme:
    """The scheme of a quantization block, exceptions apart; Missing for a method that is not known.

    Kernels may stand in a method's name: ``gptq_marlin`` is gptq, ``auto_awq`` is awq.
    """
    method = str(settings.get("quant_method", "mlx" if {"bits", "group_size"} & {*settings.data} else ""))
    method = method.removesuffix("_marlin").removeprefix("auto_")
    algorithm = str(settings.get("quant_algo", "")).upper()
    if algorithm and (method.startswith("modelopt") or any(word in algorithm for word in ("MIXED_", "NVFP4", "FP8"))):
        return _modelopt(settings)
    if method in METHODS:
        return METHODS[method](settings)
    if settings.get("config_groups") is not None:
        return _compressed_tensors(settings)
    raise _unknown(settings, method or dict(settings.data))


# Bits of each matrix by the rules

#: A layer and one of its experts in a plain name.
_EXPERT = re.compile(r"(?:(?:^|\.)(\d+)\.)?(?:[a-z_]+\.)*experts\.(\d+)(?=\.|$)")
#: A number of an expert in a pattern, once digits in general are taken out.
_NUMBERED = re.compile(r"expert.*[\d\[{]")
_ANY_DIGIT = re.compile(r"\[0-9\]|\\d|w\d|w\[")
_WORD = re.compile(r"[A-Za-z]\w+")


class Rulebook:
    """Rules in order, with plain names at hand, so that thousands of them cost no more than a few."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        by_name = [(rule, rule.names) for rule in rules if rule.names]
        self.by_part = [rule for rule in rules if not rule.names]
        self.by_name = [rule for rule, _ in by_name]
        self.matches = [(i, names.match) for i, (_, names) in enumerate(by_name) if names.match]
        texts = [names.text for _, names in by_name if names.match]
        self.numbers_experts = any(_NUMBERED.search(_ANY_DIGIT.sub("", text)) for text in texts)
        self.plain: dict[str, int] = {}
        self.numbered: dict[str, set[int]] = {}
        for i, (_, names) in enumerate(by_name):
            if not names.match:
                self.plain.setdefault(names.text, i)
                if expert := _EXPERT.search(names.text):
                    self.numbered.setdefault(expert[1] or "", set()).add(int(expert[2]))
        self.words = {word for text in texts for word in _WORD.findall(text)}
        self.words |= {text.rpartition(".")[2] for text in self.plain}
        self.cache = {"": len(by_name)}

    def experts(self, layer: int, count: int) -> dict[int, int]:
        """Experts of a layer that rules may tell from others, and one that stands for so many of the rest."""
        if self.numbers_experts:
            return dict.fromkeys(range(count), 1)
        numbered = {i for i in self.numbered.get(str(layer), set()) | self.numbered.get("", set()) if i < count}
        rest = next((i for i in range(count) if i not in numbered), None)
        return {**dict.fromkeys(numbered, 1), **({rest: count - len(numbered)} if rest is not None else {})}

    def names(self, ends: Sequence[str], own: Sequence[str]) -> list[str]:
        """A matrix's own names, and those that rules write out: a pattern may fit others by accident."""
        return [*own, *(end for end in ends if end not in own and end in self.words)]

    def bits(self, part: str, modules: Iterable[str], base: float) -> float:
        """Bits of a module that goes by several names: the first rule that fits one of them, else that of its part."""
        first = min(map(self._first, modules), default=len(self.by_name))
        rules = [*self.by_name[first : first + 1], *(rule for rule in self.by_part if part in rule.parts)]
        return next((base if rule.bits is None else rule.bits for rule in rules), base)

    def _first(self, module: str) -> int:
        """The first rule that names a module, or how many rules there are."""
        first = self._first_plain(module)
        return next((i for i, match in self.matches if i < first and match(module)), first)

    def _first_plain(self, module: str) -> int:
        """The first plain name that the module's ends with, or that of a block around it."""
        if module not in self.cache:
            first, words = self._first_plain(module.rpartition(".")[0]), module.split(".")
            endings = (".".join(words[start:]) for start in range(len(words)))
            self.cache[module] = min([first, *(self.plain.get(name, first) for name in endings)])
        return self.cache[module]


def kv_bits(config: Config, sidecar: Mapping[str, Any] | None) -> float:
    """Bits of one element of the KV cache, as the checkpoint asks for it, or as its engines keep it by themselves."""
    if config.family in EIGHT_BIT_CACHES:
        return 8
    settings = _settings(config)
    cache = settings.get("kv_cache_scheme")
    algorithm = ((sidecar or {}).get("quantization") or {}).get("kv_cache_quant_algo")
    algorithm = algorithm or settings.get("kv_cache_quant_algo")
    if "FP4" in str(algorithm).upper():
        return NVFP4
    if isinstance(cache, dict):
        bits = settings.part("kv_cache_scheme").bits("num_bits", 8)
        return NVFP4 if bits == 4 and cache.get("type") == "float" else bits
    return 8 if cache or settings.get("kv_cache_quant_config") or "8" in str(algorithm) else 16


def _settings(config: Config) -> Settings:
    """The quantization block, wherever the file keeps it."""
    for key in BLOCKS:
        if (block := config.raw(key)) is not None:
            if not isinstance(block, dict):
                raise BadFile(f"{config.where}: {key} is {repr(block)[:40]}", f"{key} must be an object")
            inside = block.get("quantization")
            return Settings({**block, **(inside if isinstance(inside, dict) else {})}, f"{config.where}: {key}")
    return Settings({}, config.where)


def quantization(
    config: Config, names: Names, sidecar: Mapping[str, Any] | None, layers: Sequence[Layer]
) -> Quantization:
    """Effective bits of each part, over all layers; Missing for an unknown scheme, BadFile for one that cannot be."""
    base = 32 if "float32" in str(config.raw("torch_dtype", config.raw("dtype", "bfloat16"))) else 16
    settings = _settings(config)
    if sidecar and isinstance(sidecar.get("quantization"), dict):
        settings = Settings({"quant_method": "modelopt", **settings.data, **sidecar["quantization"]}, settings.where)
    if not settings.data:
        return Quantization({16: "bf16", 32: "fp32"}[base], base, {})
    renamed = {name: settings.data[old] for old, name in OLDER.items() if old in settings.data}
    settings = Settings({"expert_dtype": config.raw("expert_dtype"), **renamed, **settings.data}, settings.where)
    name, rules, complete = scheme(settings)
    exceptions = [Rule(None, names=settings.pattern(key, text)) for key in EXCEPTIONS for text in settings.texts(key)]
    book = Rulebook([*([] if complete else exceptions), *rules])
    bits = {part: book.bits(part, modules, base) for part, modules in TABLES.items()}
    bits |= {part: _mean_bits(config, names, part, book, layers, base) for part in MATRICES}
    bits = {part: width for part, width in bits.items() if width != base}
    if not bits and settings.get("config_groups") and any(rule.bits for rule in rules):
        raise settings.error("config_groups", "groups whose targets name modules of a language model")
    return Quantization(name, base, bits, _shared_in_a_row(settings))


def _shared_in_a_row(settings: Settings) -> int:
    """Weights in a row that share a scale, so that no cut may run through them; 0 where a row or all of them do."""
    key = "weight_block_size" if settings.get("weight_block_size") else "group_size"
    value = settings.get(key, 0)
    sizes = value if isinstance(value, list) else [value]
    if not all(isinstance(size, (int, float)) and -1 <= size <= LARGEST_NUMBER for size in sizes):
        raise settings.error(key, "a whole number of values that share a scale")
    return int(max(0, *sizes))


def _mean_bits(config: Config, names: Names, part: str, book: Rulebook, layers: Sequence[Layer], base: float) -> float:
    """Mean bits of a part, matrix by matrix; where no layer has it, those of the rule for all."""
    weights = bits = 0.0
    for i, layer in enumerate(layers) if book.by_name else ():
        for size, modules in _modules(config, names, part, i, layer, book):
            weights += size
            bits += size * book.bits(part, modules, base)
    return bits / weights if weights else book.bits(part, (), base)


def _modules(
    config: Config, names: Names, part: str, i: int, layer: Layer, book: Rulebook
) -> Iterator[tuple[float, list[str]]]:
    """The matrices of a part of layer i: their parameters, and every name that they may go by."""
    blocks = names.blocks(part, i, layer)
    for every, size in names.matrices(config, part, layer):
        ends = book.names(every, [end for end in every if end in names.own] or every[:1])
        if part != "experts":
            yield size, [f"{block}.{end}" for block in blocks for end in ends]
            continue
        for expert, times in book.experts(i, layer.ffn.experts).items():
            inside = [f"{block}.{number}{end}" for block in blocks for number in (f"{expert}.", "") for end in ends]
            yield size * times / layer.ffn.experts, inside
