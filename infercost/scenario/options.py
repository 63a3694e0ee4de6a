"""Every option once, its parser and its help, and the options that each command takes."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypedDict

from infercost.parts.accelerator import BASES
from infercost.parts.formats import Format, parse_cache, parse_format, parse_formats, parse_weights
from infercost.parts.preset import Preset
from infercost.parts.stack import OVERLAPS
from infercost.quantities import unit_of
from infercost.units import (
    ABOVE_ONE,
    COUNT,
    DAILY_HOURS,
    DEADLINE,
    FORMS,
    HOURLY,
    JOB,
    KWH_PRICE,
    LATENCY,
    MARGIN,
    MINUTES,
    MONEY,
    MULTIPLE,
    PARAMS,
    PART,
    RATE,
    ROWS,
    SHARE,
    TOKEN_PRICE,
    TOKEN_RATE,
    TOKENS,
    USERS,
    WHOLE,
    YEARS,
    Kind,
    Measure,
    PartPrices,
    TokenPrices,
    choice,
    parse_batches,
    parse_shard,
)

Parser = Callable[[str, str], Any]


def text(text: str, name: str) -> str:
    """A text as it is."""
    return text


def switch(text: str, name: str) -> bool:
    """Whether a switch is on, as a scenario writes it."""
    return choice(("true", "false", "yes", "no"))(text, name) in ("true", "yes")


class Option(NamedTuple):
    """One option: ``parse`` takes its text and the name to use in an error, ``also`` is a second name of it."""

    name: str
    metavar: str
    help: str
    parse: Parser
    repeat: bool = False
    also: str = ""

    @property
    def kind(self) -> Kind | None:
        """The kind of quantity that it takes; None for words, switches and lists."""
        return self.parse.kind if isinstance(self.parse, Measure) else None

    @property
    def unit(self) -> str:
        """The base unit of its value: that of the quantity that it is, else of the kind that it takes."""
        return unit_of(self.name, self.kind.unit if self.kind else "")


_of, _text, _switch = Measure, text, switch
#: What of a model may lie in a host: experts of sparse layers, whole layers, or all of the cache.
OFFLOADS = ("experts", "layers", "kv")
#: Heads of a model that draft: what it carries, and what is trained for it.
DRAFTS = ("mtp", "eagle3")
#: What lines of errors may be of.
ERRORS_BY = ("kind", "part", "model")
#: What parts are ordered by: USD a million tokens and an hour, tokens/s of a user and of a device, devices.
SORTS = ("cost", "price", "speed", "throughput", "devices")
#: The ends of a frontier, and where it bends.
BEST = ("cost", "speed", "knee")

_ALL = (
    Option("gpu", "NAME[:N]", "accelerator preset, or a file of one; :N sets the count", _text),
    Option(
        "gpus",
        "N",
        "accelerators of one replica: cheapest in a node, or simpler within 10%, when absent (--params: the fewest)",
        _of(WHOLE),
    ),
    Option("model", "NAME", "preset, config.json, its folder, .safetensors.index.json, .gguf, or hub id", _text),
    Option("params", "Q", "parameters: 1.6e12, 1.6T, 70B", _of(PARAMS)),
    Option("active_params", "Q", "parameters used per token, when not all are", _of(PARAMS)),
    Option(
        "dtype",
        "FORMAT",
        "format of the weights: bf16, fp8, nvfp4, awq, q4_k_m ... (a model's own, else 8bit, when absent)",
        parse_weights,
    ),
    Option(
        "kv_dtype", "FORMAT", "format of the KV cache: bf16, fp8, q8_0 ... (the model's own when absent)", parse_cache
    ),
    Option("context", "N", "tokens of context that each sequence holds", _of(TOKENS)),
    Option(
        "rope_scaling",
        "FACTOR",
        "positions stretched by YaRN, for contexts beyond the config (as the model's card says when absent)",
        _of(ABOVE_ONE),
    ),
    Option("workload", "NAME", "a request and its habits: chat, rag, agentic-coding, batch ..., or a file", _text),
    Option("input_tokens", "N", "tokens of a prompt", _of(WHOLE), also="isl"),
    Option("output_tokens", "N", "tokens that a request decodes", _of(WHOLE), also="osl"),
    Option("prefix_share", "SHARE", "share of a prompt whose cache is there already", _of(PART)),
    Option("shared_prefix", "TOKENS", "tokens that all prompts begin with, their cache held once", _of(TOKENS)),
    Option(
        "chunk_tokens",
        "N",
        "most tokens of prompts in one pass (the engine's when absent); prompts ride along with decoding",
        _of(WHOLE),
        also="max_batched_tokens",
    ),
    Option("ubatch", "N", "tokens of one pass of llama.cpp (512 when absent)", _of(WHOLE)),
    Option("request_rate", "Q", "requests a second on the replica: the batch is then an answer", _of(RATE)),
    Option(
        "concurrency", "N", "requests always in flight, each followed by another: the batch is an answer", _of(WHOLE)
    ),
    Option(
        "num_prompts", "N", "requests of a run that starts --concurrency at once (10 a slot when absent)", _of(WHOLE)
    ),
    Option("requests", "N", "requests of a job, or texts: its hours and its money", _of(JOB)),
    Option("deadline", "TIME", "a job's longest time: 24h, 3d; without a count the least devices", _of(DEADLINE)),
    Option(
        "max_sequences",
        "N",
        "most sequences that the engine runs at once (when absent what the engine starts with; in a service no bound)",
        _of(WHOLE),
    ),
    Option("disaggregated", "", "prompts on replicas of their own, their cache sent over", _switch),
    Option("draft_tokens", "N", "tokens a draft proposes a step (with --draft engines' usual when absent)", _of(WHOLE)),
    Option(
        "acceptance",
        "SHARE",
        "share of the draft's tokens that are accepted, each on its own (with --draft a published run's when absent)",
        _of(PART),
    ),
    Option(
        "draft",
        "WHICH",
        "a head of the model drafts: mtp, that it carries, or a trained eagle3",
        choice(DRAFTS, ", or name a model: --draft-model NAME --draft-tokens 4 --acceptance 0.8"),
    ),
    Option("draft_model", "NAME", "the model that drafts, on the same accelerators", _text),
    Option("draft_cost", "SHARE", "time of a draft token over that of a step, in place of a draft model", _of(PART)),
    Option("tp", "N", "tensor parallel width; chosen when absent", _of(WHOLE)),
    Option("pp", "N", "pipeline stages; chosen when absent", _of(WHOLE)),
    Option("ep", "N", "expert parallel width", _of(WHOLE)),
    Option("dp", "N", "replicas that share the devices, the batch and the load; chosen when absent", _of(WHOLE)),
    Option("measured_tokens_per_s", "Q", "output tokens/s measured (input with --osl 1): MFU and MBU", _of(TOKEN_RATE)),
    Option(
        "measured_mfu", "SHARE", "the same as a share of the arithmetic (MFU): how many tokens/s that is", _of(SHARE)
    ),
    Option("layers", "N", "layers, for the communication time", _of(WHOLE)),
    Option("hidden_size", "N", "width of the model, for the communication time", _of(WHOLE)),
    Option("activation_dtype", "FORMAT", "format sent between devices; the arithmetic's when absent", parse_format),
    Option("batch", "N", "sequences decoded together (one on each replica when absent)", _of(WHOLE)),
    Option("efficiency", "NAME", "efficiency profile, or a file of one: how close to the bound a stack comes", _text),
    Option("engine_version", "X.Y.Z", "release of the profile's engine, as NAME@X.Y.Z (newest when absent)", _text),
    Option("host", "NAME", "host preset, or a file of one: what does not fit on the card lies in its memory", _text),
    Option("offload", "WHAT", "what lies in the host: experts, layers or kv (as needed when absent)", choice(OFFLOADS)),
    Option(
        "offload_layers",
        "N",
        "layers whose experts, or which whole, lie in the host: llama.cpp's --n-cpu-moe (all when absent)",
        _of(WHOLE),
    ),
    Option("by", "WHAT", "kind (when absent), part or model: what a line of the table is of", choice(ERRORS_BY)),
    Option("overlap", "RULE", "full, operator or none: what overlaps in a step", choice(OVERLAPS)),
    Option("usable", "SHARE", "share of device memory to plan with: 0.9 or 90%", _of(SHARE)),
    Option(
        "price", "Q", "price of an accelerator-hour: 2.10 or $2.10/h; a part's own: b300=6,h200=3", PartPrices(HOURLY)
    ),
    Option(
        "price_basis",
        "BASIS",
        "which rent of a preset: neocloud (on demand, when absent), rental (three years) or owner",
        choice(BASES),
    ),
    Option("concurrent", "N", "sequences being decoded at once, mean over the day", _of(COUNT)),
    Option("users", "N", "daily users", _of(USERS)),
    Option("minutes_per_day", "Q", "minutes of use per user and day (10 when absent)", _of(MINUTES)),
    Option("decoding_share", "SHARE", "share of those minutes in which tokens are decoded (1 when absent)", _of(SHARE)),
    Option("trough_to_mean", "SHARE", "load of the emptiest hour over the day's mean (1 when absent)", _of(SHARE)),
    Option("peak_to_mean", "RATIO", "load of the busiest hour over the day's mean (1 when absent)", _of(ABOVE_ONE)),
    Option("messages_per_day", "Q", "messages of each user a day, in place of minutes", _of(COUNT)),
    Option("traffic", "NAME", "shape of the day: flat, chat-global, one-region, work, coding-week, or a file", _text),
    Option("trace", "FILE", "a trace of requests or hourly counts: the day's shape, lengths and bursts", _text),
    Option("burstiness", "Q", "variation of the gaps between arrivals: 1 is random (the traffic's)", _of(MULTIPLE)),
    Option("scale_down", "", "replicas come and go with the load of each hour", _switch),
    Option("replicas", "N", "so many replicas, whatever the load; without users, for as many as they take", _of(WHOLE)),
    Option(
        "budget", "Q", "USD a month, in place of replicas: as many whole ones as it pays for every hour", _of(MONEY)
    ),
    Option("max_tpot", "TIME", "longest time between a user's tokens: 40ms", _of(LATENCY)),
    Option(
        "max_ttft", "TIME", "longest mean time to the first token, its wait in userbase in it: 500ms, 2s", _of(LATENCY)
    ),
    Option("max_cost", "Q", "most USD a million tokens out, all in; exit code 3 above it", _of(MONEY)),
    Option("max_wait_probability", "SHARE", "share of requests that may wait for a free slot", _of(SHARE)),
    Option("api_price", "IN/OUT", "USD a million tokens of an API: IN/OUT[/CACHED], or OUT", TokenPrices(TOKEN_PRICE)),
    Option(
        "tokens_per_month",
        "N",
        "tokens in and out of all users in a month, in place of users; beside --users (userbase), shared among them",
        _of(COUNT),
    ),
    Option(
        "load_share",
        "SHARE",
        "share of the tokens a second of full replicas that is sold, all devices paid: 30%",
        _of(SHARE),
        also="load",
    ),
    Option("margin", "SHARE", "gross margin that a price of tokens or of a user is to leave: 60%", _of(MARGIN)),
    Option(
        "seat_price",
        "Q",
        "USD that a user pays a month: the gross margin, and from how many users on it pays",
        _of(MONEY),
    ),
    Option(
        "purchase_price",
        "Q",
        "what one accelerator costs to own, its share of the host included; a part's own: p40=250,t4=500",
        PartPrices(MONEY),
    ),
    Option("years", "N", "years until it is paid off", _of(YEARS)),
    Option("interest", "SHARE", "interest a year on what is not paid off", _of(PART)),
    Option("power_price", "Q", "USD per kWh; without --purchase-price an hour is electricity alone", _of(KWH_PRICE)),
    Option("hours_per_day", "Q", "hours of use a day of a machine of one's own (24 when absent)", _of(DAILY_HOURS)),
    Option("pue", "RATIO", "power at the wall over power of the accelerators", _of(ABOVE_ONE)),
    Option("points", "N", "how many user counts, from one to the last: 16", _of(ROWS)),
    Option("all", "", "every accelerator preset, in order of release", _switch),
    Option("trend", "", "years in which FLOP/s, bandwidth, memory and their ratios double, by class", _switch),
    Option("sort", "BY", "order of parts by cost (when absent), price, speed, throughput or devices", choice(SORTS)),
    Option("max_price", "Q", "most USD an hour, of all accelerators that the job takes", _of(HOURLY)),
    Option("vendor", "NAME", "parts of one vendor: NVIDIA, AMD, Google ...", _text),
    Option("rentable", "", "parts with a known rent", _switch),
    Option("shard", "I/N", "the I-th of N pieces of --all, which add up to the whole", parse_shard),
    Option("max_gpus", "N", "most accelerators in all (1,024 when absent)", _of(WHOLE)),
    Option(
        "min_tokens_per_s", "Q", "tokens a second in all, which pay for the replicas that it takes", _of(TOKEN_RATE)
    ),
    Option("family", "NAME", "models of a family: qwen3, or qwen for all of them", _text),
    Option("limit", "N", "rows at most (20 in a table when absent, all of them elsewhere)", _of(WHOLE)),
    Option("best", "WHICH", "one row: cost, speed or knee, where more speed begins to cost too much", choice(BEST)),
    Option("output", "FILE", "write the profile there (.yaml), whole or not at all", _text),
    Option("sweep", "KEY=RANGE", f"a row a value of an option or a --set key: {FORMS}", _text, repeat=True),
    Option("sensitivity", "", "what a change of 1% in each input does to the answer", _switch),
    Option("set", "KEY=VALUE", "any preset value: gpu.memory_bandwidth=30TB/s; repeatable", _text, repeat=True),
)
OPTIONS = {option.name: option for option in _ALL}
_PARTS = Option("gpu", "NAMES", "accelerator preset, or a file of one; repeatable", _text, True)
_BATCHES = Option("batch", "LIST", "batch sizes: 1,8,64, 1:4096 for powers of two, or 8:64:8", parse_batches)
#: How many of a part that its owner has, where devices are asked about rather than users.
_DEVICES = Option(
    "gpus",
    "N",
    "how many accelerators; when absent one desktop card, laptop or Mac, of other parts the least that hold it",
    _of(WHOLE),
)
_RATE = Option(
    "request_rate", "Q", "requests a second in the busiest hour, in place of users: needs --isl and --osl", _of(RATE)
)
#: Options that mean more than elsewhere in some commands: a list there, one value here.
_SPECIAL = {
    "fit": (
        _DEVICES,
        Option(
            "min_tokens_per_s", "Q", "without a model: tokens a second that one user gets at least", _of(TOKEN_RATE)
        ),
    ),
    "utilization": (
        _DEVICES,
        Option(
            "burstiness",
            "Q",
            "variation of the gaps at --request-rate: 1 random, 0 even (1 when absent); vLLM's flag runs the other way",
            _of(MULTIPLE),
        ),
    ),
    "sweep-batch": (_BATCHES, _DEVICES),
    "userbase": (_RATE,),
    "economies": (_PARTS,),
    "compare": (_PARTS, _RATE),
    "frontier": (
        _PARTS,
        _BATCHES,
        Option("model", "NAME", "a model as elsewhere; repeatable, on one frontier", _text, repeat=True),
        Option("dtype", "FORMATS", "formats to try: bf16,fp8 (the model's own when absent)", parse_formats),
        Option("gpus", "N", "accelerators of one replica; every count is tried when absent", _of(WHOLE)),
        Option("all", "", "every configuration, into a --output of .csv, .jsonl or .parquet", _switch),
    ),
    "presets": (Option("all", "", "profiles of engines of 2022 to 2024 too", _switch),),
}
#: One question asked many times: over ranges of its inputs, or with each input a little changed.
MANY = ("sweep", "sensitivity")
#: What chooses among the models that run on a part, where none is named.
CHOOSING = ("min_tokens_per_s", "family", "limit")
#: What only a named model has.
SERVED = (
    *("context", "rope_scaling", "kv_dtype", "tp", "pp", "ep", "host", "offload", "offload_layers"),
    *("draft", "draft_model", "shared_prefix"),
)
#: What the files of benchmarks leave out.
OF_RUNS = ("gpu", "model", "tp", "pp", "ep", "batch", "input_tokens", "output_tokens", "dtype", "kv_dtype")
DRAFT = ("draft_tokens", "acceptance", "draft", "draft_model", "draft_cost")
#: The name of each option by its second one.
SECOND_NAMES = {option.also: option.name for option in _ALL if option.also}
NAMES = frozenset(OPTIONS)

#: A quantity: as text with a suffix (``"70B"``, ``"40ms"``), or a number in base units.
Number = str | float
Dtype = str | Format
Profile = str | Preset
Part = str | Preset
Parts = Part | Sequence[Part]
Batches = str | float | Sequence[int]
Texts = str | Sequence[str] | Mapping[str, Any]


class Common(TypedDict, total=False):
    """What every call takes: a scenario file, and whether its work and its pictures are wanted."""

    scenario: str
    steps: bool
    charts: bool


class Rack(Common, total=False):
    """A model on accelerators under an efficiency profile."""

    model: str
    params: Number
    active_params: Number
    dtype: Dtype
    gpus: Number
    efficiency: Profile
    engine_version: str
    usable: Number
    ubatch: Number
    set: Texts
    context: Number
    rope_scaling: Number
    kv_dtype: Dtype
    tp: Number
    pp: Number
    ep: Number


class Offload(TypedDict, total=False):
    """What of a named model lies in the memory of a host."""

    host: Part
    offload: str
    offload_layers: Number


class Prices(TypedDict, total=False):
    """What an hour of an accelerator costs: its rent, or what it costs to own and its electricity."""

    price: Number
    price_basis: str
    purchase_price: Number
    years: Number
    interest: Number
    power_price: Number
    pue: Number


class Step(Prices, total=False):
    """What a step needs beyond its rack."""

    layers: Number
    hidden_size: Number
    activation_dtype: Dtype
    overlap: str


class Prompts(TypedDict, total=False):
    """A request, and how its prompt is taken."""

    workload: Part
    input_tokens: Number
    output_tokens: Number
    prefix_share: Number
    shared_prefix: Number
    chunk_tokens: Number


class Request(Prompts, total=False):
    """A request, and how its engine takes it."""

    max_sequences: Number


class Draft(TypedDict, total=False):
    """A draft that proposes tokens."""

    draft_tokens: Number
    acceptance: Number
    draft: str
    draft_model: str
    draft_cost: Number


class People(TypedDict, total=False):
    """Who uses a service, and when."""

    minutes_per_day: Number
    decoding_share: Number
    messages_per_day: Number
    traffic: str
    trace: str
    burstiness: Number


class Level(TypedDict, total=False):
    """How well users are to be served, and what an API asks instead."""

    margin: Number
    api_price: Number
    tokens_per_month: Number
    max_cost: Number
    scale_down: bool
    max_tpot: Number
    max_ttft: Number
    max_wait_probability: Number


class Many(TypedDict, total=False):
    """One question asked many times."""

    sweep: Texts
    sensitivity: bool


class Fit(Rack, Offload, Many, total=False):
    """The options of ``fit``."""

    gpu: Part
    workload: Part
    batch: Number
    dp: Number
    max_sequences: Number
    shared_prefix: Number
    chunk_tokens: Number
    draft: str
    draft_model: str
    draft_tokens: Number
    min_tokens_per_s: Number
    family: str
    limit: Number


class Utilization(Rack, Offload, Step, Request, Draft, Many, total=False):
    """The options of ``utilization``."""

    gpu: Part
    batch: Number
    dp: Number
    request_rate: Number
    burstiness: Number
    concurrency: Number
    num_prompts: Number
    requests: Number
    deadline: Number
    disaggregated: bool
    measured_tokens_per_s: Number
    measured_mfu: Number
    hours_per_day: Number
    api_price: Number
    max_cost: Number
    max_tpot: Number


class SweepBatch(Rack, Offload, Step, Prompts, total=False):
    """The options of ``sweep-batch``."""

    gpu: Part
    batch: Batches
    dp: Number


class Userbase(Rack, Step, Request, People, Level, total=False):
    """The options of ``userbase``."""

    sweep: Texts
    gpu: Part
    batch: Number
    request_rate: Number
    concurrent: Number
    users: Number
    trough_to_mean: Number
    peak_to_mean: Number
    replicas: Number
    budget: Number
    seat_price: Number


class Economies(Rack, Offload, Step, Request, People, Level, Many, total=False):
    """The options of ``economies``."""

    gpu: Parts
    users: Number
    load_share: Number
    load: Number
    points: Number


class Frontier(Common, Draft, Prices, total=False):
    """The options of ``frontier``."""

    gpu: Parts
    model: str | Sequence[str]
    dtype: str | Sequence[str]
    kv_dtype: Dtype
    gpus: Number
    tp: Number
    pp: Number
    ep: Number
    batch: Batches
    context: Number
    rope_scaling: Number
    workload: Part
    input_tokens: Number
    output_tokens: Number
    prefix_share: Number
    shared_prefix: Number
    efficiency: Profile
    engine_version: str
    overlap: str
    usable: Number
    ubatch: Number
    set: Texts
    max_gpus: Number
    max_cost: Number
    max_tpot: Number
    max_ttft: Number
    min_tokens_per_s: Number
    users: Number
    minutes_per_day: Number
    decoding_share: Number
    best: str
    all: bool
    shard: str
    vendor: str
    rentable: bool


class Compare(Common, Prompts, Prices, total=False):
    """The options of ``compare``."""

    gpu: Parts
    all: bool
    trend: bool
    users: Number
    minutes_per_day: Number
    decoding_share: Number
    messages_per_day: Number
    request_rate: Number
    concurrency: Number
    max_tpot: Number
    max_ttft: Number
    sort: str
    max_price: Number
    vendor: str
    rentable: bool
    model: str
    params: Number
    active_params: Number
    batch: Number
    dp: Number
    context: Number
    rope_scaling: Number
    dtype: Dtype
    kv_dtype: Dtype
    efficiency: Profile
    engine_version: str
    usable: Number
    ubatch: Number
    set: Texts


class OfRuns(Common, total=False):
    """What the files of benchmarks leave out."""

    gpu: Part
    model: str
    tp: Number
    pp: Number
    ep: Number
    batch: Number
    input_tokens: Number
    output_tokens: Number
    dtype: Dtype
    kv_dtype: Dtype
    efficiency: Profile


class Validate(OfRuns, total=False):
    """The options of ``validate``."""

    by: str
    set: Texts


class Calibrate(OfRuns, total=False):
    """The options of ``calibrate``."""

    output: str


class Presets(Common, total=False):
    """The options of ``presets``."""

    all: bool
    context: Number
    dtype: Dtype


#: The options of each command; its function on the command line lists the same.
TAKES: dict[str, type] = {
    "fit": Fit,
    "utilization": Utilization,
    "sweep-batch": SweepBatch,
    "userbase": Userbase,
    "economies": Economies,
    "frontier": Frontier,
    "compare": Compare,
    "validate": Validate,
    "calibrate": Calibrate,
    "presets": Presets,
}

#: What to do instead of asking for replicas where the users or the rows say how many there are.
_OF_USERS = "replicas follow from the users here, and --tp, --pp and --ep shape each of them: leave --dp out"
REPLICAS = {
    "userbase": f"{_OF_USERS}, or fix their number with --replicas",
    "economies": _OF_USERS,
    "frontier": "more replicas change neither speed nor cost of a row: leave --dp out, --users says how many it takes",
}


@cache
def options_of(command: str) -> Mapping[str, Option]:
    """The options of a command by name."""
    special = {option.name: option for option in _SPECIAL.get(command, ())}
    return {name: special.get(name) or OPTIONS[name] for name in TAKES[command].__annotations__ if name in OPTIONS}


def flag(name: str) -> str:
    """An option as a command line writes it: ``--input-tokens``."""
    return f"--{name.replace('_', '-')}"
