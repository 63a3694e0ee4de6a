"""The command line: only the command that was asked for is built, and every error ends in two lines."""

import os
import shlex
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Annotated, Any

import typer

from infercost.cli import options as take
from infercost.cli.run import CLOSED_PIPE, run
from infercost.errors import BadValue, InfercostError, near_name, reason
from infercost.render.writing import write_error, write_output
from infercost.scenario.options import REPLICAS, SECOND_NAMES, options_of

HELP = """What LLM inference needs and costs: accelerators, step time, utilization, users.

For example: infercost utilization --gpu h100 --params 1.6e12"""
MORE = """infercost help COMMAND shows its options. Exit codes: 0 answered; 2 a wrong question, nothing on standard
output; 3 it does not fit or cannot meet a limit, the answer says by how much; 1 a defect in infercost."""
HELP_FLAGS = {"help_option_names": ["-h", "--help"]}
WRONG_QUESTION, DEFECT = 2, 1
#: What a shell reports for a program that the keyboard ended.
INTERRUPTED = 130
#: Usage errors of Typer, whichever Click it carries.
USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 answered, 2 a wrong question, 3 does not fit."""
    sys.excepthook = _report_defect
    args = _spell_out(sys.argv[1:] if argv is None else argv) or ["--help"]
    fail = partial(_fail, as_json=_is_json(args))
    command = _built(next((arg for arg in args if not arg.startswith("-")), ""), _is_completing())
    try:
        _refuse_several(args)
        _refuse_no_value(args)
        return int(command.main(args, prog_name="infercost", standalone_mode=False) or 0)
    except InfercostError as error:
        return fail(error.what, error.hint)
    except USAGE_ERROR as error:
        what = error.format_message().rstrip(".").partition(" (Possible options")[0]
        replicas = "--dp" in what and REPLICAS.get(args[0])
        return fail(what, replicas or _flagged(args, what) or _where(args, getattr(error, "option_name", "")))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OverflowError:
        return fail(
            "a number of the question, or of a file in it, is too large to calculate with", "look for its zeros"
        )
    except OSError as error:
        return fail(*_of_the_system(error))
    except SystemExit as error:  # Typer's word for a pipe that closed while it wrote
        return CLOSED_PIPE if error.code == DEFECT else int(error.code or 0)


def _flagged(args: Sequence[str], what: str) -> str:
    """The question again with models and parts that stand alone behind their flags; empty where a word is neither."""
    extra, command = what.partition("extra argument(s) (")[2].removesuffix(")"), args[0]
    if not extra or not {"model", "gpu"} <= {*options_of(command)}:
        return ""
    words, before = [command], ""
    for word in args[1:]:
        if word in extra and not word.startswith("-") and not before.startswith("-"):
            if not (flag := _flag_of(word)):
                return ""
            words.append(flag)
        words.append(word)
        before = word
    return f"a model goes behind --model, a part behind --gpu: infercost {shlex.join(words)}"


def _flag_of(word: str) -> str:
    """The flag of a known part or model; empty for another word."""
    from infercost.parts import catalog
    from infercost.scenario.read import counted_name

    for name, family in (("--gpu", "accelerators"), ("--model", "models")):
        try:
            catalog.find(family, counted_name(word)[0] if name == "--gpu" else word)
            return name
        except InfercostError:
            continue
    return ""


def _where(args: Sequence[str], option: str) -> str:
    """Where to look for an option that a command does not have: one that takes all words, or its own options."""
    command, *words = args
    shown = f"infercost {command} --help shows" if command in COMMANDS else "infercost --help shows"
    if command.startswith("-") and (at := next((at for at, arg in enumerate(args) if arg in COMMANDS), 0)):
        return f"options go behind the command: infercost {shlex.join([args[at], *args[:at], *args[at + 1 :]])}"
    flags = _params_of(command)
    if len(option) == 2 and option not in flags:
        option = _of_one_dash(args, option)
        if option in flags:
            return f"did you mean {option}? {shown} what there is"
    name = option.removeprefix("--").replace("-", "_")
    is_of_a_job = name in (*_OF_A_JOB, "requests") and any(_named(word) in _OF_A_JOB for word in words)
    if is_of_a_job and command in COMMANDS and name not in options_of(command):
        return f"a job's longest time is --deadline: infercost {shlex.join(_as_job(words))}"
    *others, last = [each for each in COMMANDS if name in options_of(each)] or [""]
    if command in COMMANDS and option and not (last or option in flags):
        return f"{_meant(command, name)}{shown} what there is"
    if option in flags:
        return _value_of(command, option)
    if command not in COMMANDS or not last:
        return f"{shown} what there is"
    owners = f"{option} is of {', '.join(others)}{' and ' if others else ''}{last}"
    nearest = ("utilization", *_SERVING) if command == "fit" else _SERVING  # of a replica, whoever uses it
    owning = (each for each in (*nearest, *others, last) if name in options_of(each))
    asked = ((each, kept) for each in owning for kept in (words, _without_batch(words)) if _takes(each, kept))
    if found := next(asked, None):
        return f"{owners}: infercost {shlex.join((found[0], *found[1]))}"
    return f"{owners}; {shown} its own"


def _of_one_dash(args: Sequence[str], option: str) -> str:
    """The flag that a word of one dash means: ``--tp`` for ``-tp``, ``--model`` for ``-m``."""
    word = next((arg for arg in args if arg.startswith(option)), option).removeprefix("-").partition("=")[0]
    return f"--{(_LETTERS if args[0] in COMMANDS else _LETTERS | _FIRST).get(word, word)}"


def _params_of(command: str) -> Mapping[str, Any]:
    """The options of a command, or of infercost itself, by their flags."""
    whole = _built(command, False)
    params = whole.commands.get(command, whole).params
    return {flag: param for param in params if param.param_type_name == "option" for flag in param.opts}


def _named(word: str) -> str:
    """The name of an option in a word of a command line; empty in another word."""
    return word.partition("=")[0][2:].replace("-", "_") if word.startswith("--") else ""


def _as_job(words: Sequence[str]) -> list[str]:
    """The words as a question about a job with a longest time, a usual one where they have none.

    What a job does not take is left out; the example as a whole where the rest is no question.
    """
    kept, own = dict[str, list[str]](), options_of("utilization")
    for at, word in enumerate(words):
        name, (flag, equals, value) = _named(word), word.partition("=")
        key = "deadline" if name in _OF_A_JOB else SECOND_NAMES.get(name, name)
        if key in own:
            values = [value] if equals else [each for each in words[at + 1 : at + 2] if not each.startswith("-")]
            kept[key] = ["--deadline" if key == "deadline" else flag, *values]
        elif not (name or words[max(at - 1, 0)].startswith("-")) and _flag_of(word) == "--gpu":
            kept.setdefault("gpu", ["--gpu", word])
    for key, example in _JOB.items():
        if key not in kept and not (key == "model" and "params" in kept):
            kept[key] = example
    found = [word for each in kept.values() for word in each]
    found = found if _takes("utilization", found) else [word for each in _JOB.values() for word in each]
    return ["utilization", *found]


def _without_batch(words: Sequence[str]) -> list[str]:
    """The words without batches that were given or swept, which a limit finds in their place."""
    kept: list[str] = []
    for word in words:
        if kept and ((kept[-1] == "--sweep" and word.startswith("batch=")) or kept[-1] == "--batch"):
            kept.pop()
        elif not word.startswith(("--batch=", "--sweep=batch=")):
            kept.append(word)
    return kept


#: What people call the longest time of a job, and an example of one by what it needs.
_OF_A_JOB = ("deadline", "max_time", "time_limit")
_JOB = {
    "gpu": ["--gpu", "h100"],
    "model": ["--model", "llama-3.1-70b"],
    "requests": ["--requests", "1M"],
    "input_tokens": ["--isl", "1k"],
    "output_tokens": ["--osl", "300"],
    "deadline": ["--deadline", "24h"],
}
#: Commands that are asked first for what several take; the first refuses a question without users.
_SERVING = ("userbase", "frontier", "economies")


def _takes(command: str, words: Sequence[str]) -> bool:
    """Whether a command has an answer to the words of another one."""
    from infercost.scenario.read import ask
    from infercost.scenario.resolve import resolve

    if {"-", "-h", "--help"} & {*words}:  # standard input is read once, and help is written
        return False
    try:
        params = _built(command, False).commands[command].make_context(command, list(words)).params
        given = {name: value for name, value in params.items() if name in options_of(command) and value}
        question = ask(command, given, params.get("words") or (), "flag")
        if question.get("sweep"):
            from infercost.analyses.many import at_point
            from infercost.scenario.read import points_of, read_axes

            at_point(question, points_of(read_axes(question))[0], "flag")
        else:
            resolve(question)
    except (InfercostError, USAGE_ERROR, OSError, OverflowError):
        return False
    return True


#: Words for an option that people bring from engines and other tools.
_WORDS = {
    **dict.fromkeys(("prompt", "prompt_tokens", "prompt_length", "input", "input_len", "n_prompt"), "input_tokens"),
    **dict.fromkeys(("output_len", "output_length", "gen", "n_gen", "max_tokens", "completion"), "output_tokens"),
    **dict.fromkeys(("ctx", "ctx_size", "n_ctx", "max_model_len", "context_length", "seq_len", "isl"), "context"),
    **dict.fromkeys(("users_per_day", "daily_users", "dau"), "users"),
    **dict.fromkeys(("chats_per_day", "requests_per_day", "queries_per_day", "prompts_per_day"), "messages_per_day"),
    **dict.fromkeys(("server_price", "gpu_price", "card_price", "machine_price", "capex"), "purchase_price"),
    **dict.fromkeys(("quant", "quantization", "precision", "format_weights"), "dtype"),
    **dict.fromkeys(("tensor_parallel", "tensor_parallel_size", "tp_size"), "tp"),
    **dict.fromkeys(("ram", "host_memory", "cpu_memory", "dram", "system_memory"), "host"),
    **dict.fromkeys(("cpu_offload", "cpu_offload_gb", "n_cpu_moe"), "offload"),
    **dict.fromkeys(("kv_cache_dtype", "cache_type"), "kv_dtype"),
    **dict.fromkeys(("max_num_seqs", "parallel"), "max_sequences"),
    **dict.fromkeys(("hardware", "accelerator", "device"), "gpu"),
    **dict.fromkeys(("num_gpus", "gpu_count", "devices"), "gpus"),
    **dict.fromkeys(("replicas", "data_parallel_size"), "dp"),
    **dict.fromkeys(("gpu_memory_utilization", "mem_fraction_static"), "usable"),
    **dict.fromkeys(("qps", "rps", "rate"), "request_rate"),
    **dict.fromkeys(("max_usd_per_million", "max_usd_per_million_tokens", "max_cost_per_million"), "max_cost"),
}

#: What letters behind one dash mean to people, by flags or by words of the next table, and before any command.
_LETTERS = {
    "b": "batch",
    "c": "context",
    "ctk": "kv-dtype",
    "d": "dtype",
    "f": "format",
    "g": "gpu",
    "j": "json",
    "m": "model",
    "n": "output-tokens",
    "p": "input-tokens",
    "q": "quiet",
    "u": "users",
    "ub": "ubatch",
    "v": "verbose",
}
_FIRST = {"v": "version", "V": "version"}

#: What people would give of what follows from a load, is theirs to reckon or is not modelled, by whole names and by
#: words of them, and what to give or to do instead.
_ANSWERED = {
    **dict.fromkeys(
        ("utilization", "mfu", "mbu", "occupancy", "load", "duty", "duty_cycle", "hours", "busy"),
        "how well hardware is used follows from its load: economies --load 30% has the price of a token at so much of "
        "a full one, and of --users with --minutes-per-day or --messages-per-day, and --traffic; ",
    ),
    **dict.fromkeys(
        ("credit", "credits", "cash", "runway", "months", "burn", "monthly_budget"),
        "userbase --gpu NAME:N --replicas 1 gives USD a month of devices that always run: a credit over it is the "
        "months that it lasts; ",
    ),
    **dict.fromkeys(
        (
            *("revenue", "revenue_per_user", "arpu", "subscription", "subscription_price", "margin", "profit"),
            *("price_per_user", "price_per_seat", "user_price", "seats", "seat_price", "gross_margin"),
        ),
        "userbase --users N --seat-price 49 gives the gross margin at what a user pays a month, --margin 60% what to "
        "charge; at a price of tokens it is economies --api-price IN/OUT --load 50%; ",
    ),
    **dict.fromkeys(
        (
            *("sell", "sells", "selling", "sale", "sold", "sell_price", "price_per_million", "price_per_token"),
            *("output_price", "input_price", "token_price", "usd_per_million", "price_per_million_tokens"),
        ),
        "a price of tokens, an API's or one that you sell at, is --api-price IN/OUT in USD a million: economies "
        "--api-price 0.50/2 --load 50% has the margin that it leaves; ",
    ),
    **dict.fromkeys(
        ("cpu", "cpus"),
        "a processor is a part like others: --gpu ryzen-9-9950x; ",
    ),
    **dict.fromkeys(
        ("vram", "gpu_memory"),
        "a part has its memory: --gpu NAME, and --set gpu.memory=48GB for another size of it; ",
    ),
    **dict.fromkeys(
        ("spot", "preemptible", "reserved", "discount", "commitment"),
        "a price is what you pay: --price 1.40 for a spot one, over the share of hours that interruptions leave; ",
    ),
    **dict.fromkeys(
        ("lora", "loras", "adapter", "adapters", "peft"),
        "adapters are not modelled: leave their bytes room, --usable 80% of a device's memory; ",
    ),
    **dict.fromkeys(
        ("p50", "p90", "p95", "p99", "p999", "percentile", "percentiles", "median", "tail"),
        "times are means, percentiles are not modelled: userbase --max-wait-probability 1% keeps waits rare; ",
    ),
    **dict.fromkeys(
        ("batch_wait", "batch_delay", "batch_timeout", "queue_delay"),
        "no request waits for a batch to fill, it joins the next step: --request-rate has the wait for a slot; ",
    ),
    **dict.fromkeys(
        ("load_time", "loading_time", "cold", "coldstart", "startup", "boot", "warmup"),
        "starting is not modelled: weight_bytes of fit --json over the bytes a second of your disk is its least; ",
    ),
    **dict.fromkeys(
        ("attention", "flash", "fa2", "fa3", "flashattention", "flashinfer", "kernel", "kernels", "attn"),
        "kernels are those of the engine's profile, and no attention reads a cache faster than its memory: utilization "
        "--batch N --context N has what faster attention gains at most; ",
    ),
    **dict.fromkeys(
        ("perplexity", "ppl", "quality", "accuracy", "error", "degradation"),
        "speed, memory and cost are counted, not what a format does to answers: measure that on your own; ",
    ),
    **dict.fromkeys(
        ("train", "training", "finetune", "finetuning", "fine", "epochs", "optimizer"),
        "inference alone is counted, no training; ",
    ),
    **dict.fromkeys(
        ("co2", "co2e", "carbon", "emissions", "grid", "footprint"),
        "grams of CO2 are the Wh of an answer times the grams a Wh of your grid: utilization --isl N --osl N has "
        "wh_per_request, --power-price the kWh of a day; ",
    ),
    **dict.fromkeys(
        ("quiet", "silent", "verbose"),
        "the verdict alone is jq -r .verdict behind --json; progress is shown on standard error; ",
    ),
    **dict.fromkeys(("color", "colour", "ansi"), "NO_COLOR=1 before the command leaves colours out; "),
}


def _meant(command: str, name: str) -> str:
    """The start of a hint for an option that no command has: the one that people mean by it, or the nearest name."""
    own = options_of(command)
    if name not in _WORDS and (said := [_ANSWERED[each] for each in (name, *name.split("_")) if each in _ANSWERED]):
        return said[0]
    meant = {key: key for key in own} | {word: key for word, key in _WORDS.items() if key in own}
    flags = {f"--{word.replace('_', '-')}": f"--{key.replace('_', '-')}" for word, key in meant.items()}
    flag = f"--{name.replace('_', '-')}"
    near = flags.get(flag) or flags.get(near_name(flag, [*flags]))
    return f"did you mean {near}? " if near else ""


def _of_the_system(error: OSError) -> tuple[str, str]:
    """What the system refused, and what to do: a file that it names, the folder that we are in, or standard output."""
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason(error)}", "see whether it is there, and yours to read or write"
    try:
        os.getcwd()
    except OSError as gone:
        return f"the current folder: {reason(gone)}", "change into a folder that is there"
    return f"standard output: {reason(error)}", "make room, or close nothing"  # help and version are written by Typer


def _spell_out(args: Sequence[str]) -> list[str]:
    """The arguments as Typer knows them: ``help fit`` as ``fit --help``, ``--plot`` without a file as an empty one."""
    if args and args[0] == "help":
        args = [*args[1:2], "--help"]
    pairs = zip(args, [*args[1:], "-"], strict=False)
    return ["--plot=" if arg == "--plot" and after.startswith("-") else arg for arg, after in pairs]


def _refuse_several(args: Sequence[str]) -> None:
    """Refuse several parts or models where one is asked about: Typer keeps the last, as it may of a number."""
    known = options_of(args[0]) if args[0] in COMMANDS else {}
    hints = {
        "gpu": "two kinds are not counted as one: economies, frontier and compare ask each apart; "
        "split evenly, a pair does what two of the lesser do, --gpu NAME:2",
        "model": "frontier --model takes several; "
        + ("here --sweep model=A,B" if "sweep" in known else "economies --sweep model=A,B has what each costs"),
    }
    for name, hint in hints.items():
        several = sum(arg.partition("=")[0] == f"--{name}" for arg in args) > 1
        if several and name in known and not known[name].repeat:
            raise BadValue(f"{args[0]} answers for one --{name}", hint)


def _refuse_no_value(args: Sequence[str]) -> None:
    """Refuse an option in the place of the value of another one: Typer takes its name for the value."""
    params = _params_of(args[0]) if args[0] in COMMANDS else {}
    for arg, after in pairwise(args):
        if after in params and arg in params and not params[arg].is_flag:
            raise BadValue(f"{arg} has no value before {after}", _value_of(args[0], arg))


def _value_of(command: str, option: str) -> str:
    """What the value of an option is, as a hint."""
    param = _params_of(command)[option]
    return f"{option} {param.metavar}: {param.help}"


def _is_json(args: Sequence[str]) -> bool:
    """Whether JSON is asked for, whatever else is wrong with the question."""
    pairs = zip(args, [*args[1:], ""], strict=False)
    return any(arg in ("--json", "--format=json") or (arg, after) == ("--format", "json") for arg, after in pairs)


def _fail(what: str, hint: str, *, as_json: bool) -> int:
    """Say what is wrong and what to do: as JSON, else in two lines, which a terminal's width may wrap."""
    what, hint = " ".join(what.split()), " ".join(hint.split())
    if as_json:
        import json

        text = json.dumps({"error": {"what": what, "hint": hint}}, ensure_ascii=False)
    elif sys.stderr is not None and sys.stderr.isatty():
        text = "\n".join(line for each in (f"error: {what}", f"hint: {hint}") for line in _within_a_terminal(each))
    else:
        text = f"error: {what}\nhint: {hint}"
    write_error(f"{text}\n")
    return WRONG_QUESTION


def _within_a_terminal(text: str) -> list[str]:
    """A line of an error as a terminal shows it whole: the rest under what follows its first word."""
    from infercost.cli.run import columns
    from infercost.render.layout import Wrapper

    under = " " * (text.index(":") + 2)
    return Wrapper(columns(), subsequent_indent=under, break_long_words=False).wrap(text)


def _report_defect(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    from traceback import format_exception

    write_error(
        "This is a defect in infercost, not in your question. Please report it with these lines:\n"
        f"infercost {' '.join(sys.argv[1:])}\n{''.join(format_exception(kind, error, trace))}"
    )


# fmt: off
def fit(
    *, model: take.Model = None, params: take.Params = None, active_params: take.ActiveParams = None,
    dtype: take.Dtype = None, gpu: take.Gpu = None, gpus: take.DeviceGpus = None,
    efficiency: take.Efficiency = None, engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None, set: take.Set = None,
    context: take.Context = None, rope_scaling: take.RopeScaling = None, kv_dtype: take.KvDtype = None,
    workload: take.Workload = None,
    tp: take.Tp = None, pp: take.Pp = None,
    dp: take.Dp = None, ep: take.Ep = None, batch: take.Batch = None, max_sequences: take.MaxSequences = None,
    shared_prefix: take.SharedPrefix = None, chunk_tokens: take.ChunkTokens = None, sweep: take.Sweep = None,
    draft: take.DraftHead = None, draft_model: take.DraftModel = None, draft_tokens: take.DraftTokens = None,
    host: take.Host = None, offload: take.Offload = None, offload_layers: take.OffloadLayers = None,
    min_tokens_per_s: take.LeastOfUser = None, family: take.FamilyName = None, limit: take.Limit = None,
    sensitivity: take.Sensitivity = None, scenario: take.Scenario = None, format: take.Form = None,
    json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None, sources: take.Sources = None,
    output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """How many accelerators hold it; without a model, what runs."""
    return run("fit", locals())


def utilization(
    *, model: take.Model = None, params: take.Params = None, active_params: take.ActiveParams = None,
    dtype: take.Dtype = None, gpu: take.Gpu = None, gpus: take.DeviceGpus = None,
    efficiency: take.Efficiency = None, engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None, set: take.Set = None,
    context: take.Context = None, rope_scaling: take.RopeScaling = None, kv_dtype: take.KvDtype = None,
    workload: take.Workload = None,
    tp: take.Tp = None, pp: take.Pp = None,
    dp: take.Dp = None, ep: take.Ep = None, batch: take.Batch = None, layers: take.Layers = None,
    hidden_size: take.HiddenSize = None, activation_dtype: take.ActivationDtype = None,
    overlap: take.Overlap = None, price: take.Price = None,
    price_basis: take.PriceBasis = None, purchase_price: take.PurchasePrice = None, years: take.Years = None,
    interest: take.Interest = None, power_price: take.PowerPrice = None, pue: take.Pue = None,
    input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, prefix_share: take.PrefixShare = None,
    shared_prefix: take.SharedPrefix = None,
    chunk_tokens: take.ChunkTokens = None, request_rate: take.RequestRate = None,
    burstiness: take.GapVariation = None, concurrency: take.Concurrency = None,
    num_prompts: take.NumPrompts = None, requests: take.Requests = None, deadline: take.Deadline = None,
    max_sequences: take.MaxSequences = None, disaggregated: take.Disaggregated = None,
    measured_tokens_per_s: take.MeasuredTokensPerS = None, measured_mfu: take.MeasuredMfu = None,
    hours_per_day: take.HoursPerDay = None, api_price: take.ApiPrice = None, max_cost: take.MaxCost = None,
    max_tpot: take.MaxTpot = None,
    draft_tokens: take.DraftTokens = None, acceptance: take.Acceptance = None,
    draft: take.DraftHead = None, draft_model: take.DraftModel = None, draft_cost: take.DraftCost = None,
    sweep: take.Sweep = None,
    host: take.Host = None, offload: take.Offload = None, offload_layers: take.OffloadLayers = None,
    sensitivity: take.Sensitivity = None, scenario: take.Scenario = None, format: take.Form = None,
    json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None, sources: take.Sources = None,
    output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """One step: times, what binds, how well it is used."""
    return run("utilization", locals())


def sweep_batch(
    *, model: take.Model = None, params: take.Params = None, active_params: take.ActiveParams = None,
    dtype: take.Dtype = None, gpu: take.Gpu = None, gpus: take.DeviceGpus = None,
    efficiency: take.Efficiency = None, engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None, set: take.Set = None,
    context: take.Context = None, rope_scaling: take.RopeScaling = None, kv_dtype: take.KvDtype = None,
    workload: take.Workload = None,
    tp: take.Tp = None, pp: take.Pp = None,
    dp: take.Dp = None, ep: take.Ep = None, batch: take.Batches = None, layers: take.Layers = None,
    hidden_size: take.HiddenSize = None, activation_dtype: take.ActivationDtype = None,
    overlap: take.Overlap = None, price: take.Price = None,
    price_basis: take.PriceBasis = None, purchase_price: take.PurchasePrice = None, years: take.Years = None,
    interest: take.Interest = None, power_price: take.PowerPrice = None, pue: take.Pue = None,
    input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, prefix_share: take.PrefixShare = None,
    shared_prefix: take.SharedPrefix = None,
    host: take.Host = None, offload: take.Offload = None, offload_layers: take.OffloadLayers = None,
    chunk_tokens: take.ChunkTokens = None, scenario: take.Scenario = None, format: take.Form = None,
    json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None, sources: take.Sources = None,
    output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """The same over batch sizes: the knee, a lone user's price."""
    return run("sweep-batch", locals())


def userbase(
    *, request_rate: take.BusiestRate = None, concurrent: take.Concurrent = None, users: take.Users = None,
    trough_to_mean: take.TroughToMean = None,
    peak_to_mean: take.PeakToMean = None, minutes_per_day: take.MinutesPerDay = None,
    decoding_share: take.DecodingShare = None, messages_per_day: take.MessagesPerDay = None,
    traffic: take.Traffic = None, trace: take.Trace = None, burstiness: take.Burstiness = None,
    scale_down: take.ScaleDown = None, max_tpot: take.MaxTpot = None, max_ttft: take.MaxTtft = None,
    max_wait_probability: take.MaxWaitProbability = None, replicas: take.Replicas = None,
    budget: take.Budget = None, margin: take.Margin = None, seat_price: take.SeatPrice = None,
    max_cost: take.MaxCost = None,
    model: take.Model = None, params: take.Params = None, active_params: take.ActiveParams = None,
    dtype: take.Dtype = None, gpu: take.Gpu = None, gpus: take.Gpus = None,
    efficiency: take.Efficiency = None, engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None, set: take.Set = None,
    context: take.Context = None, rope_scaling: take.RopeScaling = None, kv_dtype: take.KvDtype = None,
    workload: take.Workload = None,
    tp: take.Tp = None, pp: take.Pp = None,
    ep: take.Ep = None, batch: take.Batch = None, layers: take.Layers = None,
    hidden_size: take.HiddenSize = None, activation_dtype: take.ActivationDtype = None,
    overlap: take.Overlap = None, price: take.Price = None,
    price_basis: take.PriceBasis = None, input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, prefix_share: take.PrefixShare = None,
    shared_prefix: take.SharedPrefix = None,
    chunk_tokens: take.ChunkTokens = None, max_sequences: take.MaxSequences = None,
    purchase_price: take.PurchasePrice = None, years: take.Years = None, interest: take.Interest = None,
    power_price: take.PowerPrice = None, pue: take.Pue = None, api_price: take.ApiPrice = None,
    tokens_per_month: take.TokensPerMonth = None, sweep: take.Sweep = None, scenario: take.Scenario = None,
    format: take.Form = None, json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None,
    sources: take.Sources = None, output: take.OutputFile = None,
) -> int:
    """From concurrent users to a user base, and back."""
    return run("userbase", locals())


def economies(
    *, gpu: take.ManyGpus = None, model: take.Model = None, params: take.Params = None,
    active_params: take.ActiveParams = None, dtype: take.Dtype = None, gpus: take.Gpus = None,
    efficiency: take.Efficiency = None, engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None, set: take.Set = None,
    context: take.Context = None, rope_scaling: take.RopeScaling = None, kv_dtype: take.KvDtype = None,
    workload: take.Workload = None,
    tp: take.Tp = None, pp: take.Pp = None,
    ep: take.Ep = None, layers: take.Layers = None, hidden_size: take.HiddenSize = None,
    activation_dtype: take.ActivationDtype = None, overlap: take.Overlap = None, price: take.Price = None,
    price_basis: take.PriceBasis = None, users: take.Users = None, points: take.Points = None,
    minutes_per_day: take.MinutesPerDay = None,
    decoding_share: take.DecodingShare = None, messages_per_day: take.MessagesPerDay = None,
    traffic: take.Traffic = None, trace: take.Trace = None, burstiness: take.Burstiness = None,
    scale_down: take.ScaleDown = None, max_tpot: take.MaxTpot = None, max_ttft: take.MaxTtft = None,
    max_wait_probability: take.MaxWaitProbability = None, input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, prefix_share: take.PrefixShare = None,
    shared_prefix: take.SharedPrefix = None,
    chunk_tokens: take.ChunkTokens = None, max_sequences: take.MaxSequences = None,
    purchase_price: take.PurchasePrice = None, years: take.Years = None, interest: take.Interest = None,
    power_price: take.PowerPrice = None, pue: take.Pue = None, api_price: take.ApiPrice = None,
    tokens_per_month: take.TokensPerMonth = None, load_share: take.LoadShare = None, margin: take.Margin = None,
    max_cost: take.MaxCost = None,
    host: take.Host = None, offload: take.Offload = None, offload_layers: take.OffloadLayers = None,
    sweep: take.Sweep = None, sensitivity: take.Sensitivity = None, scenario: take.Scenario = None,
    format: take.Form = None, json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None,
    sources: take.Sources = None, output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """Cost per token against users, from one to a full service."""
    return run("economies", locals())


def frontier(
    *, gpu: take.ManyGpus = None, model: take.ManyModels = None, dtype: take.Formats = None,
    kv_dtype: take.KvDtype = None, gpus: take.ReplicaGpus = None, tp: take.Tp = None, pp: take.Pp = None,
    ep: take.Ep = None, batch: take.Batches = None, context: take.Context = None, rope_scaling: take.RopeScaling = None,
    workload: take.Workload = None, input_tokens: take.InputTokens = None, output_tokens: take.OutputTokens = None,
    prefix_share: take.PrefixShare = None, shared_prefix: take.SharedPrefix = None,
    efficiency: take.Efficiency = None,
    engine_version: take.EngineVersion = None, overlap: take.Overlap = None,
    usable: take.Usable = None, ubatch: take.Ubatch = None, price: take.Price = None,
    price_basis: take.PriceBasis = None, purchase_price: take.PurchasePrice = None, years: take.Years = None,
    interest: take.Interest = None, power_price: take.PowerPrice = None, pue: take.Pue = None, set: take.Set = None,
    draft_tokens: take.DraftTokens = None, acceptance: take.Acceptance = None,
    draft: take.DraftHead = None, draft_model: take.DraftModel = None, draft_cost: take.DraftCost = None,
    max_gpus: take.MaxGpus = None, max_cost: take.MaxCost = None,
    max_tpot: take.MaxTpot = None, max_ttft: take.MaxTtft = None, min_tokens_per_s: take.MinTokensPerS = None,
    users: take.Users = None, minutes_per_day: take.MinutesPerDay = None,
    decoding_share: take.DecodingShare = None, best: take.Best = None, all: take.EveryConfiguration = None,
    shard: take.Shard = None, vendor: take.Vendor = None, rentable: take.Rentable = None,
    scenario: take.Scenario = None, format: take.Form = None,
    json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None, sources: take.Sources = None,
    output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """Speed per user against cost per token, over all layouts."""
    return run("frontier", locals())


def compare(
    words: take.Parts = None, *, gpu: take.ManyGpus = None, all: take.All = None, trend: take.Trend = None,
    model: take.Model = None, params: take.Params = None, active_params: take.ActiveParams = None,
    batch: take.Batch = None, dp: take.Dp = None, context: take.Context = None,
    rope_scaling: take.RopeScaling = None, dtype: take.Dtype = None,
    kv_dtype: take.KvDtype = None, workload: take.Workload = None, input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, prefix_share: take.PrefixShare = None,
    shared_prefix: take.SharedPrefix = None,
    chunk_tokens: take.ChunkTokens = None, efficiency: take.Efficiency = None,
    engine_version: take.EngineVersion = None, usable: take.Usable = None,
    ubatch: take.Ubatch = None,
    price: take.Price = None,
    price_basis: take.PriceBasis = None, purchase_price: take.PurchasePrice = None, years: take.Years = None,
    interest: take.Interest = None, power_price: take.PowerPrice = None, pue: take.Pue = None,
    users: take.Users = None, minutes_per_day: take.MinutesPerDay = None,
    decoding_share: take.DecodingShare = None, messages_per_day: take.MessagesPerDay = None,
    request_rate: take.BusiestRate = None, concurrency: take.Concurrency = None, max_tpot: take.MaxTpot = None,
    max_ttft: take.MaxTtft = None,
    sort: take.Sort = None, max_price: take.MaxPrice = None, vendor: take.Vendor = None,
    rentable: take.Rentable = None, set: take.Set = None, scenario: take.Scenario = None, format: take.Form = None,
    json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None, sources: take.Sources = None,
    output: take.OutputFile = None, plot: take.Plot = None,
) -> int:
    """Accelerators side by side, or which is cheapest for a model."""
    return run("compare", locals())


def validate(
    words: take.Files = None, *, by: take.By = None, gpu: take.Gpu = None, model: take.Model = None, tp: take.Tp = None,
    pp: take.Pp = None, ep: take.Ep = None, batch: take.Batch = None, input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, dtype: take.Dtype = None, kv_dtype: take.KvDtype = None,
    efficiency: take.Efficiency = None, set: take.Set = None, scenario: take.Scenario = None,
    format: take.Form = None, json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None,
    sources: take.Sources = None, output: take.OutputFile = None,
) -> int:
    """Predicted against measured, with the error."""
    return run("validate", locals())


def calibrate(
    words: take.Files = None, *, gpu: take.Gpu = None, model: take.Model = None, tp: take.Tp = None,
    pp: take.Pp = None, ep: take.Ep = None, batch: take.Batch = None, input_tokens: take.InputTokens = None,
    output_tokens: take.OutputTokens = None, dtype: take.Dtype = None, kv_dtype: take.KvDtype = None,
    efficiency: take.Efficiency = None, output: take.Output = None, scenario: take.Scenario = None,
    format: take.Form = None, json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None,
    sources: take.Sources = None,
) -> int:
    """A profile of your own stack from your benchmark's files."""
    return run("calibrate", locals())


def presets(
    words: take.Verbs = None, *, all: take.AllPresets = None, context: take.Context = None, dtype: take.Dtype = None,
    scenario: take.Scenario = None,
    format: take.Form = None, json: take.Json = None, csv: take.Csv = None, steps: take.Steps = None,
    sources: take.Sources = None, output: take.OutputFile = None,
) -> int:
    """What is known, with sources: list [WORD], show NAME, path."""
    return run("presets", locals())
# fmt: on


def schema(command: take.Command = "") -> int:
    """The JSON Schema of a command's answer."""
    import json

    from infercost.render.schema import schema as schema_of

    write_output(json.dumps(schema_of(command), indent=2, ensure_ascii=False) + "\n")
    return 0


COMMANDS: dict[str, Callable[..., int]] = {
    "fit": fit,
    "utilization": utilization,
    "sweep-batch": sweep_batch,
    "userbase": userbase,
    "economies": economies,
    "frontier": frontier,
    "compare": compare,
    "validate": validate,
    "calibrate": calibrate,
    "presets": presets,
}


def _is_completing() -> bool:
    return any(name.startswith("_INFERCOST") for name in os.environ)


@cache
def _built(asked: str, completing: bool) -> Any:
    """The command line with the options of the command that was asked for; of the others only their names.

    Completion needs the options of all.
    """
    app = typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP, epilog=MORE, context_settings=HELP_FLAGS
    )
    app.callback(invoke_without_command=False)(_root)
    known = {**COMMANDS, "schema": schema}
    chosen = {asked: known[asked]} if asked in known and not completing else known
    whole = completing or len(chosen) == 1
    for name, function in chosen.items():
        app.command(name, help=function.__doc__, context_settings=HELP_FLAGS)(function if whole else _without_options)
    return typer.main.get_command(app)


def _without_options() -> None:
    """What stands for a command where only its name and its question are shown."""


def _version(asked: bool) -> None:
    if asked:
        from infercost import __version__

        print(f"infercost {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True, callback=_version)
    ] = False,
) -> None:
    pass
