"""What stands where nobody says otherwise: the engine that people run, a usual request, the figures of a workload."""

from collections.abc import Iterator
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from infercost.errors import BadValue, Misasked, Missing
from infercost.models import counting
from infercost.models.model import Model, Rope
from infercost.numeric import ceiling
from infercost.parts import catalog
from infercost.parts.accelerator import has_endless_rate, is_of_a_desktop, is_owned, runs_llama_cpp
from infercost.parts.formats import GGUF, Format, is_of_llama_cpp
from infercost.parts.preset import Preset
from infercost.parts.stack import SHARED, is_nominal, reads_gguf
from infercost.parts.traffic import DAY, shape_of
from infercost.report import Note
from infercost.scenario.options import flag, options_of
from infercost.scenario.read import Given, Question, Reading, read_part
from infercost.scenario.scenario import COMPARED, ONE, copies_of

if TYPE_CHECKING:
    from infercost.models.find import Checkpoint, Extended


#: What a request needs when nobody says how long it is, and the share of it that is output: 1,024 of 8,192, which are
#: those of the workload that is assumed.
USUAL_CONTEXT, OUTPUT_SHARE = 8192, 8
#: Tokens of a text to embed or to rank when nobody says how long it is.
USUAL_TEXT = 512
LENGTHS = ("input_tokens", "output_tokens")
#: What is of the prompts of requests, and of requests that load a replica.
OF_PROMPTS = ("prefix_share", "shared_prefix", "chunk_tokens")
LOADED = ("request_rate", "burstiness", "concurrency", "num_prompts", "max_sequences", "disaggregated", "requests")
ASSUMED = "usual"
#: The engine of most parts, and those of GGUF files by vendor.
SERVER, OF_FILES = "vllm", {"Apple": "llama.cpp-metal"}

#: Formats of checkpoints that GGUF files hold as they are published.
AS_PUBLISHED = ("mxfp4",)
#: Commands about a device that somebody has, and what they are asked of a server's engine alone.
OF_ONE = ("fit", "utilization", "sweep-batch")
OF_SERVERS = ("request_rate", "concurrency", "max_sequences", "engine_version", "chunk_tokens")
#: Where users are from who send so many requests a second, and what says a load in their place.
BY_RATE = "by --request-rate"
_OTHER_LOADS = ("users", "concurrent", "tokens_per_month", "minutes_per_day", "decoding_share")
#: Who says how much a user asks for, or when, in place of a workload.
_HABITS = {"messages_per_day": ("minutes_per_day", "decoding_share"), "traffic": ("trace",)}


class Engine(NamedTuple):
    """A profile by its name, why it is assumed, and a remark on that where it is not the part's own."""

    profile: str
    why: str
    remark: str = ""


def usual_engine(
    part: Preset,
    model: Model,
    cache: Format | None = None,
    *,
    hosted: bool = False,
    alone: bool = False,
    in_file: bool = False,
) -> Engine:
    """The engine of a model on a part today, one with its cache's format, beside a host or ``alone`` (``is_alone``).

    ``in_file`` is a model that was named as Ollama's tag or as a GGUF file, whatever its format.
    """
    if has_endless_rate(part):
        return _unmeasured(part)
    own, profile = part.labels.get("engine"), OF_FILES.get(part.labels.get("vendor", ""), "llama.cpp")
    if cache is not None and is_of_llama_cpp(cache) and not (own or "").startswith("llama.cpp"):
        remark = f"{cache.name} is a cache of llama.cpp: {profile} is assumed"
        return Engine(profile, f"the engine of a cache in {cache.name}", remark)
    if model.quantization.is_gguf or (in_file and _is_as_published(model)):
        format = model.quantization.name
        is_asked = format in GGUF and profile != own
        remark = f"{format} is a format of GGUF files: {profile}, which reads them, is assumed" if is_asked else ""
        return Engine(profile, "the engine of GGUF files", remark)
    if hosted and own and own != "llama.cpp" and is_of_a_desktop(part):
        remark = f"with a host people run llama.cpp on {part.name}: it is assumed, --efficiency {own} asks for {own}"
        return Engine("llama.cpp", "people run it with a host", remark)
    if alone and own and not own.startswith("llama.cpp") and is_of_a_desktop(part):
        remark = f"{profile} reads {model.name} as it is published: on one {part.name} it is assumed"
        remark += f", --efficiency {own} asks for {own}"
        return Engine(profile, "people run it on one card", remark)
    if own is None:
        return _unmeasured(part)
    people_run, format = catalog.load("efficiency", own), model.quantization.name
    formats = people_run.labels.get("formats", "")
    stored = reads_gguf(people_run) and part.labels.get("vendor") != "NVIDIA" and _is_stored(model)
    if stored or not formats or format in formats.split(", "):
        return Engine(own, f"people run it on {part.name}")
    lacks = f"{own}, which people run on {part.name}, has no {format}"
    if part.labels.get("vendor") in OF_FILES:
        return Engine(SHARED, f"{own} has no {format}", f"{lacks}: {SHARED} has what engines of today share")
    return Engine(SERVER, f"{own} has no {format}", f"{lacks}: {SERVER} is assumed")


def _unmeasured(part: Preset) -> Engine:
    """What engines of today share, for a part whose own was not measured; the bound where no rate of it is known."""
    if has_endless_rate(part):
        return Engine("ideal", f"no dense rate of {part.name} is known")
    why = f"no engine of {part.name} was measured"
    return Engine(SHARED, why, f"{why}: {SHARED} has the constants that engines of today share")


def refuse_unread(part: Preset, engine: Engine, model: Model) -> None:
    """Refuse an engine on a part that it does not run on, and with it what it alone reads.

    Raises:
        BadValue: a format of GGUF files or a cache of llama.cpp, or one that llama.cpp lacks, on such a part.
    """
    if engine.profile == SERVER and (lacking := part.labels.get("unserved")):
        from infercost.models.gguf import STAND_INS

        stored = model.quantization.name
        near = STAND_INS.get(stored.rpartition(" ")[2], "q4_k_m")
        raise BadValue(
            f"no engine of {part.name} reads {stored}: its {lacking}",
            f"give a format of llama.cpp, --dtype {near}, or take the times of vLLM all the same: --efficiency vllm",
        )
    if engine.profile.startswith("llama.cpp") and not runs_llama_cpp(part):
        hint = "give a format of its engines: --dtype bf16, fp8 or int4, --kv-dtype fp8"
        raise BadValue(f"{part.name} does not run llama.cpp, {engine.why}", hint)


def _is_as_published(model: Model) -> bool:
    """Whether a file of llama.cpp holds the weights of a model as they were published."""
    from infercost.models.gguf import is_same_in_file

    return is_same_in_file(model)


def _is_stored(model: Model) -> bool:
    """Whether a file of llama.cpp holds the weights of a model, in a format of its own or one that stands for it."""
    from infercost.models.gguf import stand_in

    return bool(stand_in(model.quantization))


def keeps(cache: Format | None) -> bool:
    """Whether llama.cpp has a cache's format, as it has the one that it takes where none was given."""
    return cache is None or cache.name in ("bf16", "fp16", "fp32") or is_of_llama_cpp(cache)


def is_alone(reading: Reading, part: Preset, published: Model, model: Model, devices: int | None) -> bool:
    """Whether one device is asked about a model that llama.cpp reads as it is published, without a load of requests.

    Parts that are compared count as one where one of them holds the weights; replicas are a server's.
    """
    from infercost.models.gguf import has_file

    own = published.quantization.name
    if own not in AS_PUBLISHED or model.quantization.name != own or not has_file(model):
        return False
    if not keeps(reading.get("kv_dtype")) or copies_of(reading) > 1:
        return False
    if reading.question.command not in OF_ONE or any(name in reading.given for name in OF_SERVERS):
        return False
    compared = devices is None and reading.origin("gpu") == COMPARED
    return devices == 1 or (compared and counting.weight_bytes(model) < part.value("memory"))


def with_one(question: Question) -> Question:
    """The question about one of a part that its owner has, where nobody says how many; of others as it is.

    Widths of one say no more than that, and parts are compared on the least devices that hold a model.

    Raises:
        InfercostError: a part that cannot be read.
    """
    given = question.given
    if "gpus" in given or any(given[name].value != 1 for name in ("tp", "pp", "ep", "dp") if name in given):
        return question
    if given["gpu"].origin == COMPARED:
        return question
    part, counted = read_part(Reading(question._replace(notes=())), question.get("gpu"))
    if counted is not None or not is_owned(part):
        return question
    return question._replace(given={**given, "gpus": Given(1, ONE)})


def assume_request(reading: Reading, stack: Preset, model: Model) -> None:
    """Take a usual request where a command has requests and no context was given; the rest of it beside one length.

    Beside a context it is one that holds so much half way, and only where something else is of requests. A profile
    that counts the note's arithmetic, or a paper's, has none unless a length was given.
    """
    said = [name for name in LENGTHS if name in reading.given]
    context, needed = reading.get("context"), any(name in reading.given for name in (*OF_PROMPTS, *LOADED, "max_ttft"))
    if (context and (said or not needed)) or LENGTHS[0] not in options_of(reading.question.command):
        return
    if (is_nominal(stack) and not said) or not model.attends:
        return
    if model.max_context == 1 and not model.prefill_only:  # which has no room for a prompt and an answer
        return
    if model.prefill_only:
        if said:
            return
        text = min(USUAL_TEXT, model.max_context or USUAL_TEXT)
        reading.given[LENGTHS[0]] = Given(text, "assumed: a usual text")
        return
    usual = catalog.load("workloads", ASSUMED)
    room = (model.max_context or inf) - sum(reading.get(name) for name in said)
    for name, value in zip(LENGTHS, usual_lengths(model, context), strict=True):
        fact, why, length = usual.fact(name), "assumed: a usual request", max(min(value, room), 1) if said else value
        source = (fact.source, fact.date) if length == fact.value else ("cut to what the model takes", "")
        if name not in said:
            reading.given[name] = Given(length, why, *source)


def usual_lengths(model: Model, context: float | None = None) -> tuple[int, int]:
    """Tokens of a usual prompt and its answer, as far as a model goes; of those with such a ``context`` half way."""
    longest = model.max_context or USUAL_CONTEXT * 2
    context = int(context or min(USUAL_CONTEXT, longest * 2 * OUTPUT_SHARE // (2 * OUTPUT_SHARE + 1)))
    output = max(context // OUTPUT_SHARE, 1)
    return max(min(context - output // 2, longest - output), 1), output


def with_workload(question: Question) -> Question:
    """The question with the figures of its workload as options where they were not given, each with its source.

    ``fit`` takes the context of such a request half way through its answer. A bare count has no prompts: of its users
    the tokens that they decode, their messages and their day are known.

    Raises:
        BadValue: a context, which says as much.
        Missing: a workload of a bare count that is asked about prompts.
        UnknownName: no such workload, with those that there are.
    """
    nameless = not {"model", "params"} & set(question.given) and question.command != "fit" and not is_of_api(question)
    if question.get("workload") is None or nameless:
        return question
    preset = _preset_of(question)
    taken, bare = options_of(question.command), "params" in question.given and "model" not in question.given
    if bare and "messages_per_day" not in taken:
        raise Missing("--workload needs --model: a bare count has no prompts", "for example --model llama-3.1-70b")
    if question.command == "frontier" and by_messages(question):
        what = f"--users of workload {preset.name}: how long their messages take depends on the part"
        raise BadValue(what, "give --minutes-per-day here, or ask infercost compare or userbase, which take them")
    if "context" in question.given and question.command != "fit":
        raise BadValue("--workload and --context both say how long a request is", "give one of them")
    left_out = ["input_tokens", "prefix_share"] if bare else []
    left_out += ["messages_per_day"] if question.command == "compare" else []  # of users, who may not be asked about
    figures = {name: given for name, given in _options(question.command, preset) if name not in left_out}
    free = {name: given for name, given in figures.items() if not _is_said(question, name)}
    own = {"workload": question.given["workload"]._replace(value=preset.name)}
    notes = (*question.notes, *_flat_day(question, preset))
    return question._replace(given=MappingProxyType({**question.given, **own, **free}), notes=notes)


def _flat_day(question: Question, preset: Preset) -> Iterator[Note]:
    """That users are spread over a flat day by a command that has no other, where the workload has one."""
    flat = "traffic" not in options_of(question.command) and not by_messages(question)
    if "users" in question.given and "traffic" in preset.labels and flat:
        name = preset.labels["traffic"]
        peak = shape_of(catalog.load("traffic", name)).peak
        if peak <= 1:
            return
        text = f"users are spread over a flat day; the busiest hour of {name} has {peak:.3g} times the mean load"
        yield Note("flat-day", f"{text}, for which infercost userbase counts the replicas")


def with_rate_of_users(question: Question) -> Question:
    """The question with the requests a second of its busiest hour as daily users who send them, 8 a day where free.

    Raises:
        BadValue: another way to say the load too, or fewer requests than one user sends.
        Missing: how long a request is.
    """
    if question.command != "userbase" or "request_rate" not in question.given:
        return question
    given = dict(question.given)
    if given.get("users", Given(None, "")).origin == BY_RATE:
        del given["users"]
    if stray := [flag(name) for name in _OTHER_LOADS if name in given]:
        raise BadValue(f"--request-rate and {stray[0]} both say how large the load is", "give one of them")
    if any(name not in given for name in LENGTHS):
        _refuse_texts(question)
        raise Missing("--request-rate needs how long a request is", "for example --isl 3000 --osl 150")
    usual = catalog.load("workloads", "chat").fact("messages_per_day")
    requests = float(question.get("request_rate")) * DAY * 3600 / _peak_of(question)
    why, each = "assumed: what people who chat send", min(usual.value, requests)
    messages = given.get("messages_per_day") or Given(each, why, usual.source, usual.date, usual.weak)
    if (users := requests / messages.value) < 1 - 1e-9:
        what = f"--request-rate {question.get('request_rate'):g} is less than one daily user sends"
        raise BadValue(what, "give more, or fewer --messages-per-day")
    found = {"messages_per_day": messages, "users": Given(max(users, 1.0), BY_RATE)}
    return question._replace(given=MappingProxyType({**given, **found}))


def _refuse_texts(question: Question) -> None:
    """BadValue for a rate of texts, which one input length says enough of, where users of answers are asked about."""
    from infercost.models.find import find_model

    if isinstance(model := question.get("model"), str) and find_model(model).model.prefill_only:
        given = " ".join(f"{flag(name)} {question.get(name):g}" for name in LENGTHS[:1] if name in question.given)
        what = f"{model} reads whole texts and decodes no tokens"
        load = f"{given or '--input-tokens 512'} --request-rate {question.get('request_rate'):g}"
        raise BadValue(what, f"ask infercost utilization {load}")


def _peak_of(question: Question) -> float:
    """The load of the busiest hour over the day's mean, of a trace or of a shape of the day."""
    if "trace" in question.given:
        from infercost.fleet.traces import read_trace

        path = str(question.get("trace"))
        hours = read_trace(path, question.progress(path, 0)).hours
        return max(hours) * len(hours) / sum(hours)
    return shape_of(catalog.load("traffic", question.get("traffic") or "flat")).peak


def is_of_api(question: Question) -> bool:
    """Whether users are asked about whom an API alone serves: with its price, and without an accelerator."""
    return question.command == "userbase" and "api_price" in question.given and "gpu" not in question.given


def by_messages(question: Question) -> bool:
    """Whether users send messages, their own or a workload's, whose sequences depend on each part's speed.

    Raises:
        UnknownName: no such workload.
    """
    if {"users", "messages_per_day"} <= set(question.given):
        return True
    if question.command == "compare" and "request_rate" in question.given:
        return True
    if not {"users", "workload"} <= set(question.given) or "minutes_per_day" in question.given:
        return False
    return "messages_per_day" in _preset_of(question).facts


def _preset_of(question: Question) -> Preset:
    named = question.get("workload")
    return named if isinstance(named, Preset) else catalog.load("workloads", str(named))


def _is_said(question: Question, name: str) -> bool:
    """Whether a question says itself what a figure of a workload would."""
    return any(each in question.given for each in (name, *_HABITS.get(name, ())))


def _options(command: str, preset: Preset) -> Iterator[tuple[str, Given]]:
    """The figures of a workload as the options of a command, each with where it is from."""
    origin, taken = f"workload {preset.name}", options_of(command)
    for name, fact in preset.facts.items():
        if name in taken:
            yield name, Given(fact.value, origin, fact.source, fact.date, fact.weak)
    if "traffic" in taken and "traffic" in preset.labels:
        yield "traffic", Given(preset.labels["traffic"], origin)
    if command == "fit":
        prompt, answer = (preset.fact(name) for name in LENGTHS)
        yield "context", Given(int(prompt.value + answer.value / 2), origin, prompt.source, prompt.date, prompt.weak)


# Tokens that a sequence holds: as asked, of a request, or usual ones, and positions stretched beyond a config.


def read_context(reading: Reading, stack: Preset | None, model: Model, card: "Extended | None") -> int:
    """Tokens that each sequence holds: of a request half way, none where a paper has none, else of a usual one."""
    longest = model.max_context
    assumed, why = min(longest or USUAL_CONTEXT, USUAL_CONTEXT), "a usual request"
    if model.prefill_only and "input_tokens" in reading.given:
        assumed, why = int(reading.get("input_tokens")), "the text"
    elif all(name in reading.given for name in LENGTHS):
        assumed = int(reading.get("input_tokens") + reading.get("output_tokens") / 2)
        why = "the prompt and half of the output"
    elif stack and reading.question.command != "fit" and is_nominal(stack):
        assumed, why = 0, f"by profile {stack.name}"
    context = int(reading.take("context", assumed, why))
    if longest and context > longest:
        if model.is_encoder:
            raise Misasked(f"{model.name} reads texts of at most {longest:,} tokens", "shorten the text")
        what = f"--context {context:,} is more than {model.name} was made for"
        whole = sum(reading.get(name) or 0 for name in LENGTHS)
        raise Misasked(what, why_not_longer(model, card, max(context, whole)))
    return context


def stretched(reading: Reading, checkpoint: "Checkpoint", model: Model) -> Model:
    """The model with its positions stretched: as asked, or where a context needs it as its card documents.

    Raises:
        BadValue: a factor for a model that names no longest context.
    """
    card, longest = checkpoint.extended, model.max_context
    asked = max(reading.get("context") or 0, sum(reading.get(name) or 0 for name in LENGTHS))
    if (factor := reading.take("rope_scaling")) is not None:
        if not longest:
            raise Misasked("--rope-scaling: the config names no longest context to stretch", "leave it out")
        rope = Rope(factor, card.rope.original if card else longest)
        return model._replace(max_context=max(longest, rope.context), rope=rope)
    if card is None or not longest < asked <= card.context:
        return model
    reading.take("rope_scaling", card.rope.factor, f"its card documents {card.context:,} tokens by YaRN")
    reading.amend(source=card.source, date=card.date)
    text = f"beyond the {longest:,} positions of its config by YaRN, which costs short texts some quality"
    reading.note("rope-scaling", text)
    return model._replace(max_context=card.context, rope=card.rope)


def why_not_longer(model: Model, card: "Extended | None", tokens: float) -> str:
    """What to give for a context beyond a model's own."""
    original = card.rope.original if card else model.max_context
    said = f"its config says {model.max_context:,} positions"
    if model.rope:
        said = f"they reach {model.max_context:,} tokens, stretched {model.rope.factor:g} times"
    elif card:
        said += f", its card {card.context:,} tokens by YaRN"
    return f"{said}; --rope-scaling {ceiling(tokens / original):.0f} stretches them further"
