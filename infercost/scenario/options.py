"""Every command once: its question, and the options that it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from infercost.parts.formats import parse_format, parse_formats
from infercost.parts.stack import OVERLAPS
from infercost.quantities import unit_of
from infercost.scenario.ranges import FORMS, parse_batches, parse_shard
from infercost.units import (
    ABOVE_ONE,
    COUNT,
    HOURLY,
    KWH_PRICE,
    LATENCY,
    MINUTES,
    MONEY,
    MULTIPLE,
    PART,
    RATE,
    ROWS,
    SHARE,
    TOKEN_PRICE,
    TOKENS,
    USERS,
    WHOLE,
    YEARS,
    Kind,
    choice,
    parse,
)

Parser = Callable[[str, str], Any]


@dataclass(frozen=True)
class Quantity:
    """The parser of a kind of quantity."""

    kind: Kind

    def __call__(self, text: str, name: str) -> float:
        """The quantity that a text writes."""
        return parse(self.kind, text, name)


def text(text: str, name: str) -> str:
    """A text as it is."""
    return text


def switch(text: str, name: str) -> bool:
    """Whether a switch is on, as a scenario writes it."""
    return choice(("true", "false", "yes", "no"))(text, name) in ("true", "yes")


class Option(NamedTuple):
    """One option: ``parse`` takes its text and the name to use in an error, ``also`` is a second name of it.

    ``key`` tells it apart where its name means another thing elsewhere: one value here, a list there.
    """

    name: str
    metavar: str
    help: str
    parse: Parser
    repeat: bool = False
    also: str = ""
    key: str = ""

    @property
    def kind(self) -> Kind | None:
        """The kind of quantity that it takes; None for words, switches and lists."""
        return self.parse.kind if isinstance(self.parse, Quantity) else None

    @property
    def unit(self) -> str:
        """The base unit of its value: that of the quantity that it is, else of the kind that it takes."""
        return unit_of(self.name, self.kind.unit if self.kind else "")


_of, _text, _switch = Quantity, text, switch
#: The ends of a frontier, and where it bends.
BEST = ("cost", "speed", "knee")

_ALL = (
    Option("gpu", "NAME[:N]", "accelerator preset, or a file of one; :N sets the count", _text),
    Option("gpu", "NAMES", "accelerator preset, or a file of one; repeatable", _text, True, key="parts"),
    Option("gpus", "N", "how many accelerators; the least that hold the weights when absent", _of(WHOLE)),
    Option("gpus", "N", "accelerators of one replica; every count is tried when absent", _of(WHOLE), key="counts"),
    Option("model", "NAME", "preset, config.json, its folder, .safetensors.index.json, .gguf, or hub id", _text),
    Option("model", "NAME", "a model as elsewhere; repeatable, on one frontier", _text, repeat=True, key="models"),
    Option("params", "Q", "parameters: 1.6e12, 1.6T, 70B", _of(COUNT)),
    Option("active_params", "Q", "parameters used per token, when not all are", _of(COUNT)),
    Option(
        "dtype",
        "FORMAT",
        "format of the weights: bf16, fp8, fp4 ... (a model's own, else 8bit, when absent)",
        parse_format,
    ),
    Option("dtype", "FORMATS", "formats to try: bf16,fp8 (the model's own when absent)", parse_formats, key="dtypes"),
    Option("kv_dtype", "FORMAT", "format of the KV cache: bf16, fp8 ... (the model's own when absent)", parse_format),
    Option("context", "N", "tokens of context that each sequence holds", _of(TOKENS)),
    Option("input_tokens", "N", "tokens of a prompt", _of(WHOLE), also="isl"),
    Option("output_tokens", "N", "tokens that a request decodes", _of(WHOLE), also="osl"),
    Option("prefix_share", "SHARE", "share of a prompt whose cache is there already", _of(PART)),
    Option("chunk_tokens", "N", "most tokens of prompts in one pass; prompts ride along with decoding", _of(WHOLE)),
    Option("request_rate", "Q", "requests a second on the replica: the batch is then an answer", _of(RATE)),
    Option(
        "max_sequences",
        "N",
        "most sequences that the engine runs at once (when absent 256 for a rate, in a service no bound)",
        _of(WHOLE),
    ),
    Option("disaggregated", "", "prompts on replicas of their own, their cache sent over", _switch),
    Option("draft_tokens", "N", "tokens that a draft proposes in each step", _of(WHOLE)),
    Option("acceptance", "SHARE", "share of the draft's tokens that are accepted, each on its own", _of(PART)),
    Option("draft_model", "NAME", "the model that drafts, on the same accelerators", _text),
    Option("draft_cost", "SHARE", "time of a draft token over that of a step, in place of a draft model", _of(PART)),
    Option("tp", "N", "tensor parallel width; chosen when absent", _of(WHOLE)),
    Option("pp", "N", "pipeline stages; chosen when absent", _of(WHOLE)),
    Option("ep", "N", "expert parallel width", _of(WHOLE)),
    Option("layers", "N", "layers, for the communication time", _of(WHOLE)),
    Option("hidden_size", "N", "width of the model, for the communication time", _of(WHOLE)),
    Option("activation_dtype", "FORMAT", "format sent between devices; the arithmetic's when absent", parse_format),
    Option("batch", "N", "sequences decoded together (1 when absent)", _of(WHOLE)),
    Option("batch", "LIST", "batch sizes: 1,8,64, 1:4096 for powers of two, or 8:64:8", parse_batches, key="batches"),
    Option("efficiency", "NAME", "efficiency profile, or a file of one: how close to the bound a stack comes", _text),
    Option("overlap", "RULE", "full, operator or none: what overlaps in a step", choice(OVERLAPS)),
    Option("usable", "SHARE", "share of device memory to plan with: 0.9 or 90%", _of(SHARE)),
    Option("price", "Q", "price of an accelerator-hour: 2.10 or $2.10/h", _of(HOURLY)),
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
    Option("replicas", "N", "so many replicas, whatever the load", _of(WHOLE)),
    Option("max_tpot", "TIME", "longest time between a user's tokens: 40ms", _of(LATENCY)),
    Option("max_ttft", "TIME", "longest time to the first token: 500ms or 2s", _of(LATENCY)),
    Option("max_wait_probability", "SHARE", "share of requests that may wait for a free slot", _of(SHARE)),
    Option("api_price", "Q", "USD per million output tokens that an API asks", _of(TOKEN_PRICE)),
    Option("purchase_price", "Q", "what one accelerator costs to own, its share of the host included", _of(MONEY)),
    Option("years", "N", "years until it is paid off", _of(YEARS)),
    Option("interest", "SHARE", "interest a year on what is not paid off", _of(PART)),
    Option("power_price", "Q", "USD per kWh", _of(KWH_PRICE)),
    Option("pue", "RATIO", "power at the wall over power of the accelerators", _of(ABOVE_ONE)),
    Option("points", "N", "how many user counts, from one to the last: 16", _of(ROWS)),
    Option("all", "", "every accelerator preset, in order of release", _switch),
    Option("all", "", "every configuration, into a --output of .csv, .jsonl or .parquet", _switch, key="every"),
    Option("shard", "I/N", "the I-th of N pieces of --all, which add up to the whole", parse_shard),
    Option("max_gpus", "N", "most accelerators in all (1,024 when absent)", _of(WHOLE)),
    Option("min_tokens_per_s", "Q", "tokens a second in all: so many replicas as that takes", _of(RATE)),
    Option("best", "WHICH", "one row: cost, speed or knee, where more speed begins to cost too much", choice(BEST)),
    Option("output", "FILE", "write the profile there (.yaml), whole or not at all", _text),
    Option("sweep", "KEY=RANGE", f"a row a value of an option or a --set key: {FORMS}", _text, repeat=True),
    Option("sensitivity", "", "what a change of 1% in each input does to the answer", _switch),
    Option("set", "KEY=VALUE", "any preset value: gpu.memory_bandwidth=30TB/s; repeatable", _text, repeat=True),
)
#: The name of each option by its second one.
SECOND_NAMES = {option.also: option.name for option in _ALL if option.also}
OPTIONS: dict[str, Option] = {option.key or option.name: option for option in _ALL}


MODEL = ("params", "active_params", "dtype")
DEPLOYMENT = ("gpu", "gpus", "efficiency", "usable", "set")
#: What only a named model has.
SERVED = ("context", "kv_dtype", "tp", "pp", "ep")
#: A request, the load that it is part of, and a draft that proposes its tokens.
REQUEST = (
    "input_tokens",
    "output_tokens",
    "prefix_share",
    "chunk_tokens",
    "request_rate",
    "max_sequences",
    "disaggregated",
)
DRAFT = ("draft_tokens", "acceptance", "draft_model", "draft_cost")
STEP = ("layers", "hidden_size", "activation_dtype", "overlap", "price")
#: Who uses a service and when, how well they are to be served, and what an hour costs.
PEOPLE = ("minutes_per_day", "decoding_share", "messages_per_day", "traffic", "trace", "burstiness")
SERVICE = ("scale_down", "max_tpot", "max_ttft", "max_wait_probability")
#: One question asked many times: over ranges of its inputs, or with each input a little changed.
MANY = ("sweep", "sensitivity")
OWNING = ("purchase_price", "years", "interest", "power_price", "pue")


class Command(NamedTuple):
    """One question of the tool: the module that answers it and the options that it takes.

    ``arguments`` is the name under which words without a flag are handed over, ``words`` their least and most, and
    ``word`` what the help calls one; ``pictured`` whether there is a picture of its answer.
    """

    name: str
    question: str
    options: tuple[str, ...]
    arguments: str = ""
    words: tuple[int, int | None] = (0, 0)
    word: str = "NAME"
    pictured: bool = False

    @property
    def named(self) -> dict[str, Option]:
        """Its options by name."""
        return {OPTIONS[key].name: OPTIONS[key] for key in self.options}

    @property
    def module(self) -> str:
        """The module whose ``answer`` answers it."""
        inside = ".answer" if self.name == "frontier" else ""
        return f"infercost.analyses.{self.name.replace('-', '_')}{inside}"


_COMMANDS = (
    Command(
        "fit",
        "how many accelerators hold it, and what is left",
        ("model", *MODEL, *DEPLOYMENT, *SERVED, "batch", *MANY),
        pictured=True,
    ),
    Command(
        "utilization",
        "one step: times, what binds, how well it is used",
        ("model", *MODEL, *DEPLOYMENT, *SERVED, "batch", *STEP, *REQUEST, *DRAFT, *MANY),
        pictured=True,
    ),
    Command(
        "sweep-batch",
        "the same over batch sizes: the knee, a lone user's price",
        ("model", *MODEL, *DEPLOYMENT, *SERVED, "batches", *STEP),
        pictured=True,
    ),
    Command(
        "userbase",
        "from concurrent users to a user base, and back",
        (
            "concurrent", "users", "trough_to_mean", "peak_to_mean", *PEOPLE, *SERVICE, "replicas",
            "model", *MODEL, *DEPLOYMENT, *SERVED, "batch", *STEP,
            "input_tokens", "output_tokens", "prefix_share", "chunk_tokens", "max_sequences", *OWNING,
        ),
    ),
    Command(
        "economies",
        "cost per token against users: from a lone one to a full service",
        (
            "parts", "model", *MODEL, "gpus", "efficiency", "usable", "set", *SERVED, *STEP, "users", "points",
            *PEOPLE, *SERVICE, "input_tokens", "output_tokens", "prefix_share", "chunk_tokens", "max_sequences",
            *OWNING, "api_price", *MANY,
        ),
        pictured=True,
    ),
    Command(
        "frontier",
        "speed per user against cost per token, over layouts and batches",
        (
            "parts", "models", "dtypes", "kv_dtype", "counts", "tp", "pp", "ep", "batches", "context", "input_tokens",
            "output_tokens", "prefix_share", "efficiency", "overlap", "usable", "price", "set", *DRAFT,
            "max_gpus", "max_tpot", "max_ttft", "min_tokens_per_s", "users", "minutes_per_day", "decoding_share",
            "best", "every", "shard",
        ),
        pictured=True,
    ),
    Command(
        "compare",
        "accelerators side by side; the brain too",
        ("parts", "all", "model", "batch", "context", "dtype", "kv_dtype", "efficiency", "usable", "price", "set"),
        arguments="parts",
        words=(0, None),
        pictured=True,
    ),
    Command(
        "validate",
        "predicted against measured, with the error",
        ("efficiency", "set"),
        arguments="words",
        words=(0, None),
        word="FILE",
    ),
    Command(
        "calibrate",
        "a profile of your own stack from your benchmark's files",
        (
            "gpu", "model", "tp", "pp", "ep", "batch", "input_tokens", "output_tokens", "dtype", "kv_dtype",
            "efficiency", "output",
        ),
        arguments="words",
        words=(1, None),
        word="FILE",
    ),
    Command(
        "presets",
        "what is known, with sources: list, show NAME, path",
        (),
        arguments="words",
        words=(0, 2),
    ),
)  # fmt: skip
COMMANDS: dict[str, Command] = {command.name: command for command in _COMMANDS}
