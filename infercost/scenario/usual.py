"""What stands where nobody says otherwise: the engine people run, a usual request, a workload, the price of an hour."""

from collections.abc import Iterable, Iterator, Mapping
from math import inf
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from infercost import formulas
from infercost.errors import BadValue, Misasked, Missing
from infercost.models import counting
from infercost.models.model import Model, Rope
from infercost.numeric import ceiling, floor
from infercost.parts import catalog
from infercost.parts.accelerator import BASES, called, has_endless_rate, is_of_a_desktop, is_owned, runs_llama_cpp
from infercost.parts.formats import GGUF, Format, is_of_llama_cpp
from infercost.parts.preset import DAY, Fact, Preset, shape_of
from infercost.parts.stack import SHARED, is_nominal, reads_gguf
from infercost.replica.serving import Request
from infercost.report import Input, Note
from infercost.scenario.options import flag, options_of
from infercost.scenario.read import Given, Question, Reading, prices_of, read_part
from infercost.scenario.scenario import COMPARED, ONE, copies_of
from infercost.units import ApiPrice, api_price_of, many, show

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
    if name == "messages_per_day" and {"users", "tokens_per_month"} <= {*question.given}:
        return True
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


#: So many times the price of a device are a price of several, or of a whole machine.
MACHINE = 4
#: What a machine of one's own costs beside its purchase, where nobody says otherwise.
_USUAL = {
    "years": (5.0, "a usual write-off"),
    "interest": (0.08, "a usual cost of capital"),
    "power_price": (0.08, "an industrial tariff"),
    "pue": (1.3, "a usual data centre"),
}
#: The power at the wall over that of a part where people have it at home.
_AT_HOME = 1.0, "no cooling beside its own"
#: Options of a machine of one's own.
OWN = ("purchase_price", *_USUAL)
#: What sets a price that is not the presets' rent, in the order of what counts.
_KINDS = {"purchase_price": "owned", "power_price": "electricity", "price": "given"}
#: Commands about several parts, whose rows have one price.
_OF_PARTS = ("compare", "frontier")
#: The basis of rents where nobody says which, and why.
USUAL_BASIS = "neocloud", "what most parts have"
#: The code of the note on prices that are not of one basis, and how many parts it names.
MIXED, FEW = "price-bases", 4


def read_price(reading: Reading, part: Preset) -> float | None:
    """USD an hour of one accelerator: of one's own, given, or the preset's dated rent; None where none is known.

    Raises:
        BadValue: prices that exclude each other, or terms of owning without what they are of.
        Missing: the power of a part of one's own.
    """
    given = reading.given
    apart = isinstance(reading.get("price"), str)
    if {"price", "price_basis"} <= given.keys() and not apart:
        raise Misasked("--price and --price-basis are two ways to say one thing", "give one of them")
    if own := [name for name in (*OWN, "hours_per_day") if name in given]:
        return _read_own(reading, part, own)
    if "price" in given:
        price = reading.take("price")
        if not apart:
            return float(price)
        reading.amend(unit="")
    basis = reading.get("price_basis") or USUAL_BASIS[0]
    if (key := rent_key(part, basis)) is None:
        reading.note("price", f"no price of {part.name} is known: costs need --price")
        return None
    reading.use(part, key)
    if is_given(part.facts[key]):
        return part.facts[key].value
    reading.take("price_basis", *USUAL_BASIS)
    rent, other = part.facts[key], key not in (f"rent_{basis}", "rent" if basis == USUAL_BASIS[0] else "")
    missing = f" (no {BASES[basis]} of it is known)" if other else ""
    when = f"in {rent.date}" if rent.date else "as set"
    sold = " as it is sold, not as changed," if called(part) != part.name and rent.date else ""
    words = f"the {words_of(key)} of {part.name}{sold} {when}{missing}"
    reading.note("price", f"{show(rent.value, 'USD')} a device-hour is {words}; yours: --price")
    return rent.value


def devices_paid(reading: Reading, part: Preset, sizes: Iterable[int]) -> dict[int, int]:
    """Devices in whole replicas that ``--budget`` pays for all month, by those of one; the least where for none.

    Nothing where no budget, or no price, is known.

    Raises:
        BadValue: prices that exclude each other, or terms of owning without what they are of.
        Missing: the power of a part of one's own.
    """
    budget = reading.get("budget")
    price = read_price(reading.again(), part) if budget else None
    if not price:
        return {}
    paid = {size: size * int(floor(budget / formulas.cost.usd_per_month(price=price, devices=size))) for size in sizes}
    return {size: devices for size, devices in paid.items() if devices} or {min(paid): min(paid)}


def _read_own(reading: Reading, part: Preset, own: list[str]) -> float:
    """USD an hour of a machine of one's own, bought or its electricity alone; a rent is held beside what is bought."""
    given, bought = reading.given, "purchase_price" in reading.given
    if not bought:
        if of_purchase := [name for name in own if name in ("years", "interest")]:
            raise Misasked(
                f"{flag(of_purchase[0])} needs what the machine costs", "give --purchase-price, a device's share"
            )
        if "power_price" not in given:
            raise Misasked(f"{flag(own[0])} needs what a kWh costs", "give --power-price, or --purchase-price too")
        if rents := [flag(name) for name in ("price", "price_basis") if name in given]:
            what = f"{rents[0]} rents, --power-price is of a machine of your own"
            raise Misasked(what, "give one of them; to hold buying against renting: --purchase-price too")
    if "power" not in part.facts:
        hint = "give what an hour costs, --price, or its power: --set gpu.power=300W"
        raise Missing(f"no power of {part.name} is known, so nor is what its electricity costs", hint)
    usual = _USUAL | ({"pue": _AT_HOME} if is_owned(part) else {})
    reading.use(part, "power")
    terms = {name: float(reading.take(name, *usual[name])) for name in (usual if bought else ("power_price", "pue"))}
    if bought:
        terms["purchase_price"] = _read_purchase(reading, part)
        _note_machine(reading, part, terms["purchase_price"])
        _read_beside(reading, part)
    if reading.take("hours_per_day") is not None and bought:
        reading.note("hours", "a token has its price of a device that is always used; the month and the payback do not")
    price = own_price(terms, part)
    if not bought:
        words = f"the electricity alone of {part.name} at its rated {show(part.value('power'), 'W')}"
        reading.note("price", f"{show(price, 'USD')} a device-hour is {words}; with its purchase: --purchase-price")
    return price


def _read_purchase(reading: Reading, part: Preset) -> float:
    """What a part costs to own, of one price for all or of its own; Missing where others alone have one."""
    if not isinstance(price := reading.take("purchase_price"), str):
        return float(price)
    reading.amend(unit="")
    if (own := prices_of(price).get(part.name)) is None:
        raise Missing(
            f"no --purchase-price of {part.name} is given", f"add it: --purchase-price {price},{part.name}=USD"
        )
    return own


def times_usual(part: Preset, price: float) -> float | None:
    """How many times the price of one of a part another is, where it looks like that of a machine of several."""
    known = part.facts.get("purchase")
    return price / known.value if known and price > MACHINE * known.value else None


def _note_machine(reading: Reading, part: Preset, price: float) -> None:
    """Note a price that looks like that of a machine of several."""
    if times := times_usual(part, price):
        what = (
            f"{show(price, 'USD')} is {show(times, 'x')} the price of one {part.name} in {part.fact('purchase').date}"
        )
        reading.note("purchase", f"{what}: --purchase-price is a device's share of its machine")


def _read_beside(reading: Reading, part: Preset) -> None:
    """The rent that owning is held against: given, or the preset's on its basis."""
    if isinstance(reading.get("price"), float):
        reading.take("price")
        return
    if (key := rent_key(part, reading.take("price_basis") or USUAL_BASIS[0])) is not None:
        reading.use(part, key)


def refuse_rent(reading: Reading) -> None:
    """Refuse a rent beside what is owned in a comparison of parts, which has no place for both."""
    if reading.question.command not in _OF_PARTS or "purchase_price" not in reading.given:
        return
    if rents := [flag(name) for name in ("price", "price_basis") if name in reading.given]:
        hint = "give one of them; of one part userbase, economies and utilization hold them against each other"
        raise Misasked(f"{rents[0]} rents and --purchase-price owns", hint)


def kind_of_price(given: Mapping[str, Given]) -> str:
    """``owned``, ``electricity`` or ``given`` where who asks has a price of their own for all; empty elsewhere."""
    own = {name for name in given if name != "price" or not isinstance(given[name].value, str)}
    return next((kind for name, kind in _KINDS.items() if name in own), "")


def is_given(rent: Fact) -> bool:
    """Whether a rent is the price that a part was given alone."""
    return rent.source.startswith(flag("price"))


def note_idle(reading: Reading) -> None:
    """Note that electricity alone is paid while a machine of one's own works."""
    if kind_of_price(reading.given) == "electricity":
        reading.note("idle", "electricity is of the hours in which a replica works: what it draws idle is not known")


def own_price(terms: Mapping[str, float], part: Preset) -> float:
    """USD an hour of an accelerator of one's own on such terms: its electricity, and its purchase where it has one."""
    electricity = electricity_price(terms, part)
    if "purchase_price" not in terms:
        return electricity
    return formulas.cost.owned_price(
        purchase_price=terms["purchase_price"],
        annuity=formulas.cost.annuity(interest=max(terms["interest"], 1e-9), years=terms["years"]),
        electricity_price=electricity,
    )


def electricity_price(terms: Mapping[str, float], part: Preset) -> float:
    """USD an hour of an accelerator's electricity."""
    return formulas.cost.electricity_price(
        power=part.value("power"), pue=terms["pue"], power_price=terms["power_price"]
    )


def read_api_price(reading: Reading, request: Request | None) -> ApiPrice | None:
    """What an API asks for a million tokens, None where none was named; BadValue to bill prompts that nobody knows."""
    if "api_price" not in reading.given:
        return None
    price = api_price_of(reading.take("api_price"))
    if price.input is None:
        if request is not None:
            both = f"--api-price {price.output:g}/{price.output:g}"
            reading.note("api-price", f"the API bills output alone, prompts are free: one price for both is {both}")
        return price
    if request is None:
        raise BadValue("--api-price IN/OUT bills prompts, and a bare count has none", "give OUT alone, or a --model")
    reading.amend(unit="")
    asked = {"api_price_input": price.input, "api_price_cached": price.cached, "api_price_output": price.output}
    given = ((name, value) for name, value in asked.items() if value is not None)
    reading.inputs += [Input(name, value, "USD", "of --api-price") for name, value in given]
    return price


def rent_key(part: Preset, basis: str) -> str | None:
    """The rent of a part on a basis, else on the usual one, else its listed rent, else another; None without any."""
    keys = (f"rent_{basis}", f"rent_{USUAL_BASIS[0]}", "rent", *(f"rent_{other}" for other in BASES))
    return next((key for key in keys if key in part.facts), None)


def binds_longer(part: Preset, basis: str) -> bool:
    """Whether the rent of a part, for want of one on a basis, is for longer than that, and so asks less."""
    key = rent_key(part, basis)
    terms = ("neocloud", "rental", "owner")
    return key not in (None, "rent") and terms.index(str(key).removeprefix("rent_")) > terms.index(basis)


def words_of(key: str) -> str:
    """The kind of a rent in words."""
    return "listed rent" if key == "rent" else BASES[key.removeprefix("rent_")]


def note_bases(reading: Reading, parts: Iterable[Preset]) -> None:
    """Note that the rents of several parts are not on one basis, where they are not; listed ones are each a shop's."""
    if kind_of_price(reading.given):
        return
    basis, groups = reading.get("price_basis") or USUAL_BASIS[0], dict[tuple[str, ...], list[Preset]]()
    for part in {part.name: part for part in parts}.values():
        if key := rent_key(part, basis):
            fact = part.facts[key]
            shop = () if key != "rent" else ("given",) if is_given(fact) else (fact.source, fact.date)
            groups.setdefault((key, *shop), []).append(part)
    if len(groups) < 2:
        return
    kinds: dict[str, list[Preset]] = {}
    for (key, *_), of in groups.items():
        kinds.setdefault(key, []).extend(of)
    words = "; ".join(_of_kind(key, of) for key, of in kinds.items())
    common = [one for one in BASES if all(f"rent_{one}" in part.facts for of in kinds.values() for part in of)]
    remedy = f"--price-basis {common[0]} is one for all" if common else "--price gives all the same"
    reading.note(MIXED, f"prices mix kinds of rent: {words}; {remedy}")


def _of_kind(key: str, parts: list[Preset]) -> str:
    """The rents of one kind in words: its months, and whose they are."""
    if own := [part.name for part in parts if is_given(part.facts[key])]:
        others = [part for part in parts if part.name not in own]
        return "; ".join([f"given ({', '.join(own)})", *([_of_kind(key, others)] if others else [])])
    dates = sorted({part.facts[key].date or "now, as set" for part in parts})
    months = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    whose = many(len(parts), "part") if len(parts) > FEW else ", ".join(part.name for part in parts)
    shops = ", each a shop's own" if key == "rent" and len(parts) > 1 else ""
    return f"{words_of(key)} of {months}{shops} ({whose})"
