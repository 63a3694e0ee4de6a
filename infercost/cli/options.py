"""Every option as a command's function lists it: its type, its flags, its help and its shell completion."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from infercost.parts.formats import FORMATS
from infercost.parts.stack import OVERLAPS
from infercost.render import ENDINGS, FORMS
from infercost.scenario.options import OPTIONS, flag, options_of

Completer = Callable[[str], list[str]]


def _among(words: Iterable[str]) -> Completer:
    def complete(start: str) -> list[str]:
        return [word for word in words if word.startswith(start)]

    return complete


def _presets(family: str) -> Completer:
    def complete(start: str) -> list[str]:
        from infercost.parts import catalog  # read only when a shell asks

        aliases = {alias for alias in catalog.aliases(family) if " " not in alias}
        return _among(sorted({*catalog.names(family), *aliases}))(start)

    return complete


def _verbs(start: str) -> list[str]:
    return _among(("list", "show", "path"))(start) + COMPLETERS["gpu"](start)


#: Shell completion, by the name of an option.
COMPLETERS = {
    "gpu": _presets("accelerators"),
    "efficiency": _presets("efficiency"),
    "model": _presets("models"),
    "traffic": _presets("traffic"),
    **dict.fromkeys(("dtype", "kv_dtype", "activation_dtype"), _among(FORMATS)),
    "overlap": _among(OVERLAPS),
}


def option(name: str, command: str = "") -> Any:
    """An option as Typer reads it, where needed as one command means it."""
    one = options_of(command)[name] if command else OPTIONS[name]
    flags = [flag(each) for each in (one.name, one.also) if each]
    short = ["-o"] if name == "output" else []
    completer = COMPLETERS.get(one.name)
    return typer.Option(*flags, *short, metavar=one.metavar or None, help=one.help, autocompletion=completer)


Gpu = Annotated[str | None, option("gpu")]
Gpus = Annotated[str | None, option("gpus")]
Model = Annotated[str | None, option("model")]
Params = Annotated[str | None, option("params")]
ActiveParams = Annotated[str | None, option("active_params")]
Dtype = Annotated[str | None, option("dtype")]
KvDtype = Annotated[str | None, option("kv_dtype")]
Context = Annotated[str | None, option("context")]
InputTokens = Annotated[str | None, option("input_tokens")]
OutputTokens = Annotated[str | None, option("output_tokens")]
PrefixShare = Annotated[str | None, option("prefix_share")]
ChunkTokens = Annotated[str | None, option("chunk_tokens")]
RequestRate = Annotated[str | None, option("request_rate")]
MaxSequences = Annotated[str | None, option("max_sequences")]
Disaggregated = Annotated[bool | None, option("disaggregated")]
DraftTokens = Annotated[str | None, option("draft_tokens")]
Acceptance = Annotated[str | None, option("acceptance")]
DraftModel = Annotated[str | None, option("draft_model")]
DraftCost = Annotated[str | None, option("draft_cost")]
Tp = Annotated[str | None, option("tp")]
Pp = Annotated[str | None, option("pp")]
Ep = Annotated[str | None, option("ep")]
Layers = Annotated[str | None, option("layers")]
HiddenSize = Annotated[str | None, option("hidden_size")]
ActivationDtype = Annotated[str | None, option("activation_dtype")]
Batch = Annotated[str | None, option("batch")]
Efficiency = Annotated[str | None, option("efficiency")]
Overlap = Annotated[str | None, option("overlap")]
Usable = Annotated[str | None, option("usable")]
Price = Annotated[str | None, option("price")]
Concurrent = Annotated[str | None, option("concurrent")]
Users = Annotated[str | None, option("users")]
MinutesPerDay = Annotated[str | None, option("minutes_per_day")]
DecodingShare = Annotated[str | None, option("decoding_share")]
TroughToMean = Annotated[str | None, option("trough_to_mean")]
PeakToMean = Annotated[str | None, option("peak_to_mean")]
MessagesPerDay = Annotated[str | None, option("messages_per_day")]
Traffic = Annotated[str | None, option("traffic")]
Trace = Annotated[str | None, option("trace")]
Burstiness = Annotated[str | None, option("burstiness")]
ScaleDown = Annotated[bool | None, option("scale_down")]
Replicas = Annotated[str | None, option("replicas")]
MaxTpot = Annotated[str | None, option("max_tpot")]
MaxTtft = Annotated[str | None, option("max_ttft")]
MaxWaitProbability = Annotated[str | None, option("max_wait_probability")]
ApiPrice = Annotated[str | None, option("api_price")]
PurchasePrice = Annotated[str | None, option("purchase_price")]
Years = Annotated[str | None, option("years")]
Interest = Annotated[str | None, option("interest")]
PowerPrice = Annotated[str | None, option("power_price")]
Pue = Annotated[str | None, option("pue")]
Points = Annotated[str | None, option("points")]
All = Annotated[bool | None, option("all")]
Shard = Annotated[str | None, option("shard")]
MaxGpus = Annotated[str | None, option("max_gpus")]
MinTokensPerS = Annotated[str | None, option("min_tokens_per_s")]
Best = Annotated[str | None, option("best")]
Output = Annotated[str | None, option("output")]
Sweep = Annotated[list[str] | None, option("sweep")]
Sensitivity = Annotated[bool | None, option("sensitivity")]
Set = Annotated[list[str] | None, option("set")]
ManyGpus = Annotated[list[str] | None, option("gpu", "economies")]
Batches = Annotated[str | None, option("batch", "sweep-batch")]
ManyModels = Annotated[list[str] | None, option("model", "frontier")]
Formats = Annotated[str | None, option("dtype", "frontier")]
ReplicaGpus = Annotated[str | None, option("gpus", "frontier")]
EveryConfiguration = Annotated[bool | None, option("all", "frontier")]

#: How an answer is wanted, of every command.
Scenario = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="options from a YAML or JSON file, or - for standard input; flags win"),
]
Form = Annotated[
    str | None,
    typer.Option("--format", metavar="FORM", help=f"one of {', '.join(FORMS)}", autocompletion=_among(FORMS)),
]
Json = Annotated[bool | None, typer.Option("--json", help="short for --format json")]
Csv = Annotated[bool | None, typer.Option("--csv", help="short for --format csv")]
Steps = Annotated[bool | None, typer.Option("--steps", help="show the work: symbols, numbers, result, source")]
Sources = Annotated[bool | None, typer.Option("--sources", help="list where each input is from")]
OutputFile = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="FILE", help="write there instead of standard output, whole or not at all"),
]
Plot = Annotated[
    str | None,
    typer.Option(metavar="[FILE]", help=f"a picture: in the terminal, or a file {', '.join(ENDINGS)}"),
]

#: Words without a flag.
Parts = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME]...", autocompletion=COMPLETERS["gpu"], show_default=False),
]
Files = Annotated[list[str] | None, typer.Argument(metavar="[FILE]...", show_default=False)]
Verbs = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", autocompletion=_verbs, show_default=False)]
