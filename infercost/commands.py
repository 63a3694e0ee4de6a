"""Every command once: its question, and the options that it takes."""

from typing import NamedTuple

from infercost.option import Option
from infercost.options import OPTIONS

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
        return f"infercost.analyses.{self.name.replace('-', '_')}"


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
