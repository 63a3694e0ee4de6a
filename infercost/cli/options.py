"""Every option as a command's function lists it: its type, its flags, its help and its shell completion."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from infercost.parts.accelerator import BASES
from infercost.parts.formats import CACHES, FORMATS, WEIGHTS
from infercost.parts.stack import OVERLAPS
from infercost.render import ENDINGS, FORMS
from infercost.scenario.options import ERRORS_BY, OFFLOADS, OPTIONS, SORTS, TAKES, flag, options_of

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
    "workload": _presets("workloads"),
    "dtype": _among((*WEIGHTS, "f16")),
    "kv_dtype": _among(CACHES),
    "activation_dtype": _among(FORMATS),
    "overlap": _among(OVERLAPS),
    "host": _presets("hosts"),
    "offload": _among(OFFLOADS),
    "by": _among(ERRORS_BY),
    "price_basis": _among(BASES),
    "sort": _among(SORTS),
}


def option(name: str, command: str = "") -> Any:
    """An option as Typer reads it, where needed as one command means it."""
    one = options_of(command)[name] if command else OPTIONS[name]
    flags = [flag(each) for each in (one.name, one.also) if each]
    short = ["-o"] if name == "output" else []
    completer = COMPLETERS.get(one.name)
    return typer.Option(*flags, *short, metavar=one.metavar or None, help=one.help, autocompletion=completer)


Text = str | None
Texts = list[str] | None
Switch = bool | None

Gpu = Annotated[Text, option("gpu")]
Gpus = Annotated[Text, option("gpus")]
DeviceGpus = Annotated[Text, option("gpus", "fit")]
Model = Annotated[Text, option("model")]
Params = Annotated[Text, option("params")]
ActiveParams = Annotated[Text, option("active_params")]
Dtype = Annotated[Text, option("dtype")]
KvDtype = Annotated[Text, option("kv_dtype")]
Context = Annotated[Text, option("context")]
RopeScaling = Annotated[Text, option("rope_scaling")]
Workload = Annotated[Text, option("workload")]
InputTokens = Annotated[Text, option("input_tokens")]
OutputTokens = Annotated[Text, option("output_tokens")]
PrefixShare = Annotated[Text, option("prefix_share")]
SharedPrefix = Annotated[Text, option("shared_prefix")]
ChunkTokens = Annotated[Text, option("chunk_tokens")]
Ubatch = Annotated[Text, option("ubatch")]
Concurrency = Annotated[Text, option("concurrency")]
NumPrompts = Annotated[Text, option("num_prompts")]
Requests = Annotated[Text, option("requests")]
Deadline = Annotated[Text, option("deadline")]
GapVariation = Annotated[Text, option("burstiness", "utilization")]
RequestRate = Annotated[Text, option("request_rate")]
BusiestRate = Annotated[Text, option("request_rate", "userbase")]
MaxSequences = Annotated[Text, option("max_sequences")]
MeasuredTokensPerS = Annotated[Text, option("measured_tokens_per_s")]
MeasuredMfu = Annotated[Text, option("measured_mfu")]
Disaggregated = Annotated[Switch, option("disaggregated")]
DraftTokens = Annotated[Text, option("draft_tokens")]
Acceptance = Annotated[Text, option("acceptance")]
DraftHead = Annotated[Text, option("draft")]
DraftModel = Annotated[Text, option("draft_model")]
DraftCost = Annotated[Text, option("draft_cost")]
Tp = Annotated[Text, option("tp")]
Pp = Annotated[Text, option("pp")]
Ep = Annotated[Text, option("ep")]
Dp = Annotated[Text, option("dp")]
Layers = Annotated[Text, option("layers")]
HiddenSize = Annotated[Text, option("hidden_size")]
ActivationDtype = Annotated[Text, option("activation_dtype")]
Batch = Annotated[Text, option("batch")]
Efficiency = Annotated[Text, option("efficiency")]
EngineVersion = Annotated[Text, option("engine_version")]
Host = Annotated[Text, option("host")]
By = Annotated[Text, option("by")]
Offload = Annotated[Text, option("offload")]
OffloadLayers = Annotated[Text, option("offload_layers")]
Overlap = Annotated[Text, option("overlap")]
Usable = Annotated[Text, option("usable")]
Price = Annotated[Text, option("price")]
Trend = Annotated[Switch, option("trend")]
Sort = Annotated[Text, option("sort")]
MaxPrice = Annotated[Text, option("max_price")]
Vendor = Annotated[Text, option("vendor")]
Rentable = Annotated[Switch, option("rentable")]
PriceBasis = Annotated[Text, option("price_basis")]
Concurrent = Annotated[Text, option("concurrent")]
Users = Annotated[Text, option("users")]
MinutesPerDay = Annotated[Text, option("minutes_per_day")]
DecodingShare = Annotated[Text, option("decoding_share")]
TroughToMean = Annotated[Text, option("trough_to_mean")]
PeakToMean = Annotated[Text, option("peak_to_mean")]
MessagesPerDay = Annotated[Text, option("messages_per_day")]
Traffic = Annotated[Text, option("traffic")]
Trace = Annotated[Text, option("trace")]
Burstiness = Annotated[Text, option("burstiness")]
ScaleDown = Annotated[Switch, option("scale_down")]
Replicas = Annotated[Text, option("replicas")]
Budget = Annotated[Text, option("budget")]
MaxCost = Annotated[Text, option("max_cost")]
MaxTpot = Annotated[Text, option("max_tpot")]
MaxTtft = Annotated[Text, option("max_ttft")]
MaxWaitProbability = Annotated[Text, option("max_wait_probability")]
ApiPrice = Annotated[Text, option("api_price")]
TokensPerMonth = Annotated[Text, option("tokens_per_month")]
LoadShare = Annotated[Text, option("load_share")]
Margin = Annotated[Text, option("margin")]
SeatPrice = Annotated[Text, option("seat_price")]
PurchasePrice = Annotated[Text, option("purchase_price")]
Years = Annotated[Text, option("years")]
Interest = Annotated[Text, option("interest")]
PowerPrice = Annotated[Text, option("power_price")]
HoursPerDay = Annotated[Text, option("hours_per_day")]
Pue = Annotated[Text, option("pue")]
Points = Annotated[Text, option("points")]
All = Annotated[Switch, option("all")]
AllPresets = Annotated[Switch, option("all", "presets")]
Shard = Annotated[Text, option("shard")]
MaxGpus = Annotated[Text, option("max_gpus")]
LeastOfUser = Annotated[Text, option("min_tokens_per_s", "fit")]
FamilyName = Annotated[Text, option("family")]
Limit = Annotated[Text, option("limit")]
MinTokensPerS = Annotated[Text, option("min_tokens_per_s")]
Best = Annotated[Text, option("best")]
Output = Annotated[Text, option("output")]
Sweep = Annotated[Texts, option("sweep")]
Sensitivity = Annotated[Switch, option("sensitivity")]
Set = Annotated[Texts, option("set")]
ManyGpus = Annotated[Texts, option("gpu", "economies")]
Batches = Annotated[Text, option("batch", "sweep-batch")]
ManyModels = Annotated[Texts, option("model", "frontier")]
Formats = Annotated[Text, option("dtype", "frontier")]
ReplicaGpus = Annotated[Text, option("gpus", "frontier")]
EveryConfiguration = Annotated[Switch, option("all", "frontier")]

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
Command = Annotated[str, typer.Argument(metavar="COMMAND", autocompletion=_among(TAKES), show_default=False)]
Verbs = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", autocompletion=_verbs, show_default=False)]
