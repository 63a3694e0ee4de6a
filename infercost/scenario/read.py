"""What was asked: options from flags, a scenario file and Python, parsed alike; and the axes of a sweep of them."""

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any, NamedTuple

from infercost.errors import BadValue, Missing, UnknownName, closest, nearest
from infercost.parts import catalog
from infercost.parts.accelerator import BASES, LINKS, Machine, with_endless_rate
from infercost.parts.files import once, read_mappings
from infercost.parts.formats import Format
from infercost.parts.preset import Fact, Preset, counted
from infercost.parts.stack import CHOICES, at_release, complete, newest_before
from infercost.quantities import COUNTED, Key, unit_of
from infercost.report import Input, Note
from infercost.scenario.options import MANY, NAMES, REPLICAS, SECOND_NAMES, Option, flag, options_of
from infercost.units import FORMS, HOURLY, MOST_POINTS, WHOLE, Kind, choice, many, parse, parse_range, show

#: What shows how far a long read has come: what is read and its size in, what to call with the amount out.
Progress = Callable[[str, int], Callable[[int], None] | None]
SCOPES = {
    "accelerators": "gpu",
    "architectures": "chip",
    "efficiency": "efficiency",
    "traffic": "traffic",
    "hosts": "host",
}
#: What ``--set`` takes a word for, by scope.
_WORDS: Mapping[str, Mapping[str, tuple[str, ...]]] = {"efficiency": CHOICES, "gpu": {"link": LINKS}}
#: Figures of the real part that a ``--set`` of another makes void: its memory as a driver sees it, its faster sums,
#: its rents by basis.
_VOID = {
    "memory": ("memory_reported", "memory_engine"),
    "flops_bf16": ("flops_fp16_accumulate",),
    "flops_fp16": ("flops_fp16_accumulate",),
    "rent": tuple(f"rent_{basis}" for basis in BASES),
}
#: A count before a name, with a sign of multiplication that is no start of ``XT`` or ``XTX``, and one behind a name.
_BEFORE = re.compile(r"\s*(?:gpu_)?(?P<count>\d{1,4})\s*[x×*]\s*(?!tx?\b)(?P<name>\S.*?)\s*", re.ASCII | re.IGNORECASE)
_BEHIND = re.compile(r"\s*(?P<name>.*?[\w\"'])\s*[x×*]\s*(?P<count>\d+)\s*", re.ASCII | re.IGNORECASE)
#: What people write for the longest context that there is.
_LONGEST = ("max", "maximum", "full", "longest", "auto")
#: Words of cards and chips that end in the sign of multiplication.
_WORD_IN_X = re.compile(r"\b(?:gt|rt|r|ma)x\s*\d+\s*$", re.ASCII | re.IGNORECASE)


class Given(NamedTuple):
    """A parsed value and who gave it: ``--batch``, ``scenario case.yaml``, ``Python``; of a preset also its source."""

    value: Any
    origin: str
    source: str = ""
    date: str = ""
    weak: str = ""


class Question(NamedTuple):
    """One question: a command, its options as they were given, words without a flag, remarks on how it was read.

    ``origin`` is ``flag`` on a command line, where errors name an option by its flag. ``idle`` are devices that
    were given and have no part in the layout that was chosen, ``apart`` those of them that are left to read prompts
    beside replicas that decode. ``cases`` are what the questions of a list differ in.
    """

    command: str
    given: Mapping[str, Given] = MappingProxyType({})
    words: tuple[str, ...] = ()
    origin: str = "Python"
    notes: tuple[Note, ...] = ()
    progress: Progress = lambda *_: None
    idle: int = 0
    apart: int = 0
    cases: tuple[Mapping[str, Given], ...] = ()

    def get(self, name: str) -> Any:
        """The value of an option, or None when nobody gave it."""
        given = self.given.get(name)
        return given.value if given else None

    def need(self, name: str, example: str) -> Any:
        """The value of an option that has no default; Missing where nobody gave it."""
        if name not in self.given:
            label = flag(name) if self.origin == "flag" else name
            raise Missing(f"{self.command} needs {label}", f"for example {example}")
        return self.given[name].value

    def changed(self, values: Mapping[str, Any], origin: str) -> "Question":
        """The same question with other values; None takes an option back, a figure goes by ``gpu.memory_bandwidth``."""
        given = dict(self.given)
        options = options_of(self.command)
        if sets := [f"{key}={value!r}" for key, value in values.items() if "." in key]:
            given["set"] = Given((*(self.get("set") or ()), *sets), origin)
        for name, value in values.items():
            if value is None or value is False:
                given.pop(name, None)
            elif "." not in name:
                many = options[name].repeat and not isinstance(value, tuple)
                given[name] = Given((value,) if many else value, origin)
        return self._replace(given=MappingProxyType(given))


class Reading:
    """A question while it is resolved: ``take`` reads an option and notes how it was understood.

    It lives only inside ``resolve``; what an analysis gets is the frozen scenario.
    """

    def __init__(self, question: Question) -> None:
        self.question = question
        self.given = dict(question.given)
        self.inputs: list[Input] = []
        self.notes: list[Note] = []

    def get(self, name: str) -> Any:
        """The value of an option, or None when nobody gave it."""
        given = self.given.get(name)
        return given.value if given else None

    def origin(self, name: str) -> str:
        """Who gave an option, empty where nobody did."""
        return self.given[name].origin if name in self.given else ""

    def take(self, name: str, assume: Any = None, why: str = "") -> Any:
        """The value of an option or the one to assume, noted as an input of the answer."""
        given = self.given.get(name)
        value, *origin = given or Given(assume, f"assumed{': ' if why else ''}{why}")
        if value is not None and all(item.key != name for item in self.inputs):
            shown = value.name if isinstance(value, (Format, Preset)) else value
            self.inputs.append(Input(name, shown, unit_of(name), *origin))
        return value

    def need(self, name: str, example: str) -> Any:
        """The value of an option that has no default, noted; Missing where nobody gave it."""
        if name not in self.given:
            self.question.need(name, example)
        return self.take(name)

    def use(self, preset: Preset, *keys: str, scope: str = "") -> None:
        """Note figures of a preset as inputs of the answer, under ``gpu.``, ``efficiency.`` or a scope of one's own."""
        noted = {item.key for item in self.inputs}
        for key, fact in ((key, preset.fact(key)) for key in dict.fromkeys(keys)):
            name = f"{scope or SCOPES[preset.family]}.{key}"
            if name in noted:
                continue
            origin = (
                fact.source if fact.source.startswith(("--set", "--host", flag("price"))) else f"preset {preset.name}"
            )
            self.inputs.append(Input(name, fact.value, fact.kind.unit, origin, fact.source, fact.date, fact.weak))

    def own(self, name: str, value: Any, origin: str) -> None:
        """Note the value that something has of its own for an option that nobody gave."""
        if name not in self.given and all(item.key != name for item in self.inputs):
            self.inputs.append(Input(name, value, unit_of(name), origin))

    def note(self, code: str, text: str) -> None:
        """Remark on how the question was understood."""
        self.notes.append(Note(code, text))

    def amend(self, **fields: Any) -> None:
        """Say more of the input that was noted last."""
        self.inputs[-1] = self.inputs[-1]._replace(**fields)

    def about(self, **values: Any) -> "Reading":
        """A reading of the same question with one part, model or format of those that were given."""
        one = Reading(self.question._replace(notes=()))
        one.given |= {
            name: Given(value, self.given[name].origin) for name, value in values.items() if value is not None
        }
        return one

    def again(self) -> "Reading":
        """A reading of the same question and its part, that nobody took anything from yet."""
        return self.about(gpu=self.get("gpu"))

    def merge(self, other: "Reading") -> None:
        """Note the inputs and remarks of another reading, each once."""
        self.inputs = beside(self.inputs, other.inputs)
        self.notes += [note for note in other.notes if note not in self.notes]


#: Prices of which each part may have its own.
OF_A_PART = ("price", "purchase_price")


#: What asks for prompts, which are arithmetic, or for a load of them.
_OF_PROMPTS = ("workload", "input_tokens", "output_tokens", "chunk_tokens", "request_rate", "concurrency")


#: Options that are no input of an answer.
NO_INPUTS = (*MANY, "set", "points")
#: Options whose names say what they are, but for a second format beside another.
SAID_ALONE = ("gpu", "model", "dtype", "kv_dtype", "efficiency", "price_basis")
#: The word before a place where it is not ``at``, and what some options count.
LEADS = {
    **dict.fromkeys(("gpu", "gpus"), "on"),
    **dict.fromkeys(("dtype", "kv_dtype"), "in"),
    "price_basis": "by",
    **dict.fromkeys(("model", "efficiency", "users", "tp", "pp", "ep", "dp"), "with"),
}
_OF = {"gpus": "device", "users": "user"}
#: A value for each axis.
Point = Mapping[str, Any]


class Axis(NamedTuple):
    """An option, or a figure of a preset such as ``gpu.memory_bandwidth``, its values in order, and its column."""

    key: str
    values: tuple[Any, ...]
    column: Key

    @property
    def is_numeric(self) -> bool:
        """Whether its values can rise and fall."""
        return all(map(is_number, self.values))

    def text(self, row: Mapping[str, Any]) -> str:
        """Its value in a row as people write it."""
        return show(plain(row[self.key]), self.column.unit)

    def name(self, row: Mapping[str, Any], *, alone: bool = True) -> str:
        """Its value in a row beside what it is of, unless it is a name that says so."""
        text = self.text(row)
        return text if self.key in SAID_ALONE and (alone or self.key != "kv_dtype") else f"{self.column.head} {text}"


def written(question: Question) -> str:
    """A question of the command line as it is asked again, by its flags alone; empty where a value has no text."""
    words, options = ["infercost", question.command, *question.words], options_of(question.command)
    for name, given in question.given.items():
        if given.origin != flag(name):
            continue
        values = given.value if type(given.value) is tuple else (given.value,)
        if not all(isinstance(value, (str, int, float, Format)) for value in values):
            return ""
        unit = "s" if options[name].metavar == "TIME" else ""
        texts = [f"{_text_of(value)}{unit}" for value in values]
        if values == (True,):
            words.append(flag(name))
        elif options[name].repeat:
            words += [word for text in texts for word in (flag(name), text)]
        else:
            words += [flag(name), ",".join(texts)]
    return shlex.join(words) if question.origin == "flag" else ""


def asked_of(question: Question) -> dict[str, Any]:
    """What an answer says of its question, so that a scenario asks it again; empty where words or files have a part."""
    options, asked = options_of(question.command), dict[str, Any]()
    if question.words or question.cases:
        return asked
    for name in (name for name in options if name in question.given):
        value = question.given[name].value
        values = value if type(value) is tuple else (value,)
        if not all(isinstance(each, (str, int, float, Format)) for each in values):
            return {}
        texts = [each.name if isinstance(each, Format) else each for each in values]
        asked[name] = texts if type(value) is tuple else f"{value!r}s" if options[name].metavar == "TIME" else texts[0]
    return asked


def _text_of(value: str | float | Format) -> str:
    """A value as an option takes it."""
    return value.name if isinstance(value, Format) else value if isinstance(value, str) else f"{value:.10g}"


def names_no_model(question: Question) -> bool:
    """Whether ``fit`` is asked about a part alone: which models run on it."""
    return question.command == "fit" and not {"model", "params"} & set(question.given)


def ask(command: str, options: Mapping[str, Any], words: Sequence[str] = (), origin: str = "Python") -> Question:
    """A question from option values, as text or numbers, and the scenario file that they may name.

    Raises:
        BadValue: a value that its parser refuses.
        UnknownName: an option that the command does not have, or a scenario key that does not exist.
        BadFile: a scenario that cannot be read.
    """
    known = options_of(command)
    options = {SECOND_NAMES.get(name, name): value for name, value in options.items() if value is not None}
    given: dict[str, Given] = {}
    cases, notes = [given], tuple[Note, ...]()
    if (scenario := options.pop("scenario", None)) is not None:
        cases, notes = _read_scenario(command, str(scenario))
    for name, value in options.items():
        if name not in known:
            hint = (
                f"{closest(name, list(known))}options: {nearest(name, list(known))}; infercost {command} --help has all"
            )
            hint = REPLICAS.get(command, hint) if name == "dp" else hint
            raise UnknownName(f"{command} has no option {name!r}", hint)
        label = flag(name) if origin == "flag" else name
        given[name] = Given(_parse(known[name], value, label), label if origin == "flag" else origin)
    common, apart = _told_apart([each | given for each in cases])
    question = Question(command, MappingProxyType(common), tuple(words), origin, notes, cases=apart)
    _refuse_unasked(question)
    return question


def _told_apart(cases: list[dict[str, Given]]) -> tuple[dict[str, Given], tuple[dict[str, Given], ...]]:
    """What questions have in common, and what each has of that in which they differ: nothing where all are the same."""
    keys = dict.fromkeys(key for each in cases for key in each)
    values = {key: [each[key].value if key in each else None for each in cases] for key in keys}
    common = [key for key, (first, *others) in values.items() if all(other == first for other in others)]
    apart = tuple({key: given for key, given in each.items() if key not in common} for each in cases)
    return {key: cases[0][key] for key in common}, apart if any(apart) else ()


def _read_scenario(command: str, path: str) -> tuple[list[dict[str, Given]], tuple[Note, ...]]:
    """What each question of a scenario file says; keys of other commands are left out with a note."""
    where = "scenario standard input" if path == "-" else f"scenario {path}"
    questions = read_mappings(path, "scenario")
    if len(questions) > 1 and "sweep" not in options_of(command):
        raise BadValue(f"{where}: {command} takes one question, not a list", "write one mapping of options")
    if len(questions) > MOST_POINTS:
        raise BadValue(f"{where}: {len(questions):,} questions are too many", f"ask for at most {MOST_POINTS:,}")
    unused: dict[str, None] = {}
    cases = [
        _read_case(command, each, where, f"{where}: question {number}" if len(questions) > 1 else where, unused)
        for number, each in enumerate(questions, 1)
    ]
    text = f"{command} does not use {', '.join(unused)} of {where}"
    return cases, (Note("unused-keys", text),) if unused else ()


def _read_case(
    command: str, case: Mapping[str, Any], origin: str, where: str, unused: dict[str, None]
) -> dict[str, Given]:
    """What one question says; ``unused`` takes its keys of other commands."""
    mine, given = options_of(command), dict[str, Given]()
    if {"schema_version", "inputs"} <= case.keys():
        if not isinstance(asked := case.get("asked"), dict) or not asked:
            hint = "write its question as a file of keys, gpu: h100"
            raise BadValue(f"{where}: this is an answer of infercost that does not hold its question", hint)
        case = asked
    for written, value in case.items():
        name = written.replace("-", "_")
        name = SECOND_NAMES.get(name, name)
        if name not in NAMES:
            near = nearest(name, sorted(mine))
            hint = f"{closest(name, sorted(mine))}keys are option names: {near}; infercost {command} --help has all"
            raise UnknownName(f"{where}: no such key {written!r}", hint)
        if name in given:
            raise BadValue(f"{where}: {written!r} is written twice", "keep one of - and _")
        if name in mine:
            given[name] = Given(_parse(mine[name], value, f"{where}: {written}"), origin)
        else:
            unused[written] = None
    return given


def _parse(option: Option, value: Any, label: str) -> Any:
    """A value as its option's parser reads it; presets and formats that are already read pass through."""
    if isinstance(value, dict) and option.name in OF_A_PART:
        value = ",".join(f"{part}={usd}" for part, usd in value.items())
    if isinstance(value, dict) and option.name in ("set", "sweep"):
        value = [f"{key}={_listed(item)}" for key, item in value.items()]
    if option.repeat:
        values = value if isinstance(value, (list, tuple)) else [value]
        if not values and option.name not in ("set", "sweep"):
            raise BadValue(f"{label}: an empty list names nothing", f"name one, or leave {option.name} out")
        return tuple(item if isinstance(item, Preset) else str(item) for item in values)
    if isinstance(value, (Preset, Format)):
        return value
    value = _listed(value)
    if isinstance(value, dict) or (isinstance(value, bool) and option.metavar):
        raise BadValue(f"{label}: {value!r} is no single value", f"write one value for {option.name}")
    if option.metavar == "TIME" and isinstance(value, (int, float)):
        value = f"{value}s"  # numbers of Python are in base units, like those of its answers
    if option.name == "context" and str(value).strip().lower() in _LONGEST:
        hint = "leave it out: infercost fit says the longest context that fits, presets show what a model was made for"
        raise BadValue(f"{label}: {value!r} is not a number", hint)
    return option.parse(str(value), label)


def _listed(value: Any) -> Any:
    """A list as the text that a flag would have."""
    return ",".join(map(str, value)) if isinstance(value, Iterable) and not isinstance(value, (str, dict)) else value


def beside(inputs: Iterable[Input], others: Iterable[Input]) -> list[Input]:
    """The inputs of one question about several parts: each once, what differs by part side by side."""
    known = {item.key: item for item in inputs}
    for item in others:
        first = known.setdefault(item.key, item)
        if item.key == "efficiency" and str(item.value) not in str(first.value).split(", "):
            known[item.key] = first._replace(value=f"{first.value}, {item.value}")
        values = first.value if isinstance(first.value, tuple) else (first.value,)
        if item.key == "pue" and item.value not in values:
            known[item.key] = first._replace(value=(*values, item.value))
    return list(known.values())


def read_part(reading: Reading, text: Any) -> tuple[Preset, int | None]:
    """The accelerator that ``NAME[:N]`` or a file's path names, with what ``--set`` changes, and its whole count."""
    if isinstance(text, Preset):
        return _priced(reading, apply_sets(reading, text)), None
    name, count = counted_name(str(text))
    if "," in name and all(_is_known(each.strip()) for each in name.split(",")):
        several = [each.strip() for each in name.split(",")]
        raise BadValue(f"{name!r} names {len(several)} accelerators", _each_of(several, reading.question.command))
    number = None if count is None else int(parse(WHOLE, count, "gpu NAME:N"))
    if machine := _machine(written_name(str(text))[0]):
        reading.note("machine", f"{machine.name} has {counted(machine.number, machine.part)} ({machine.source})")
    try:
        part = catalog.load("accelerators", name)
    except UnknownName as error:
        raise UnknownName(error.what, _of_models(reading.question, name) or error.hint) from error
    return _priced(reading, apply_sets(reading, _by_its_file(reading, part))), number


def prices_of(price: Any) -> dict[str, float]:
    """What each part costs that such a price names, by the part's own name; nothing of one price for all.

    Raises:
        UnknownName: no part has the name.
    """
    pairs = (each.partition("=") for each in price.split(",")) if isinstance(price, str) else ()
    return {_own_name(part): float(usd) for part, _, usd in pairs}


def _own_name(text: Any) -> str:
    """The name of a part that was asked for, by its file or with a count too."""
    if isinstance(text, Preset):
        return text.name
    name, _ = counted_name(str(text))
    return catalog.load("accelerators", name).name


def _priced(reading: Reading, part: Preset) -> Preset:
    """The part with the price that ``--price`` gives it alone, in place of its rents."""
    usd = prices_of(reading.get("price")).get(part.name)
    return part if usd is None else _set(part, "rent", HOURLY, f"{usd:.10g}", f"{flag('price')} {part.name}")


def _refuse_unasked(question: Question) -> None:
    """Refuse a price of a part that is not asked about, where parts are named."""
    for name in OF_A_PART:
        if prices := prices_of(question.get(name)):
            _refuse_unnamed(question, flag(name), prices)


def _refuse_unnamed(question: Question, label: str, prices: Iterable[str]) -> None:
    """Refuse a price of such a flag that is of no part that was named."""
    words = question.words if question.command == "compare" else ()
    swept = [text.partition("=")[2].split(",") for text in question.get("sweep") or () if text.startswith("gpu=")]
    given = [case["gpu"].value for case in (question.given, *question.cases) if "gpu" in case]
    parts = [*words, *(part for each in swept for part in each)]
    parts += [part for each in given for part in (each if type(each) is tuple else (each,))]
    asked = [_own_name(part) for part in parts]
    if asked and (others := [part for part in prices if part not in asked]):
        raise BadValue(f"{label}: {others[0]} is not asked about", f"parts: {', '.join(dict.fromkeys(asked))}")


def _of_models(question: Question, name: str) -> str:
    """The hint for a model's name where a part's is due; empty where no model has it."""
    if not _is_named("models", name):
        return ""
    own, _ = catalog.find("models", name)
    if question.command != "compare":
        return f"{name} is a model: --model {own}"
    models = [word for word in question.words if _is_named("models", word)]
    two = f"two side by side: infercost presets show {' '.join(models[:2])}; " if len(models) > 1 else ""
    parts = [word for word in question.words if word not in models]
    return f"{name} is a model: {two}its parts: {shlex.join(('infercost', 'compare', *parts, '--model', own))}"


def with_rate(reading: Reading, part: Preset) -> Preset:
    """The part, by its memory alone where no rate of it is known and a bound of decoding steps is asked for."""
    prompted = any(name in reading.given for name in _OF_PROMPTS)
    if reading.question.command != "utilization" or prompted or reading.get("efficiency") not in (None, "ideal"):
        return part
    return with_endless_rate(part)


def _by_its_file(reading: Reading, part: Preset) -> Preset:
    """A part; a file of one's own goes by its path where another part of the question has its name."""
    question, given = reading.question, reading.question.get("gpu")
    words = question.words if question.command == "compare" else ()
    texts = [*words, *(given if isinstance(given, tuple) else ())]
    files = {_file_of(counted_name(str(each))[0], part.name) for each in texts} if part.own else ()
    return part._replace(name=part.path) if any(file not in ("", part.path) for file in files) else part


def _file_of(text: str, name: str) -> str:
    """The file of a part that was asked for by a text, empty where it has another name."""
    if not (catalog.looks_like_file(text) or _is_named("accelerators", text)):
        return ""
    part = catalog.load("accelerators", text)
    return part.path if part.name == name else ""


def _each_of(parts: Sequence[str], command: str) -> str:
    """How to ask about several parts: as the command itself takes them, in a sweep where it has one, side by side."""
    options, beside_each_other = options_of(command), f"side by side: infercost compare {' '.join(parts)}"
    if options["gpu"].repeat and command != "compare":
        return f"name each: {' '.join(f'--gpu {part}' for part in parts)}"
    return (
        f"a row for each: --sweep gpu={','.join(parts)}; {beside_each_other}"
        if "sweep" in options
        else beside_each_other
    )


def counted_name(text: str) -> tuple[str, str | None]:
    """A part's name and the count written with it, or the part and their number in a machine: ``p5.48xlarge``."""
    name, count = written_name(text)
    if (machine := _machine(name)) is None:
        return name, count
    machines = 1 if count is None else parse(WHOLE, count, "gpu NAME:N")
    return machine.part, f"{machine.number * machines:.0f}"


def written_name(text: str) -> tuple[str, str | None]:
    """A name and the count written with it: ``h100:8`` or as people say it, ``8xH100``, ``8 x H100``, ``h100x8``."""
    name, colon, count = text.rpartition(":")
    if colon and not catalog.looks_like_file(count):
        return name, count
    if catalog.looks_like_file(text) or _is_known(text):
        return text, None
    behind = None if _WORD_IN_X.search(text) else _BEHIND.fullmatch(text)
    before = _BEFORE.fullmatch(text)
    found = [(each["name"].strip("\"'"), each["count"]) for each in (before, behind) if each]
    # of a name that nobody knows its end may be a part of it: gfx942
    return next((each for each in found if _is_known(each[0])), found[0] if before else (text, None))


def _is_known(name: str) -> bool:
    return _is_named("accelerators", name) or catalog.machine(name) is not None


def _machine(name: str) -> Machine | None:
    """The machine of a name that is no part's: the file of machines is not read for others."""
    return None if catalog.looks_like_file(name) or _is_named("accelerators", name) else catalog.machine(name)


@once
def _is_named(family: str, name: str) -> bool:
    """Whether a preset of a family has the name."""
    try:
        catalog.find(family, name)
    except UnknownName:
        return False
    return True


def read_stack(
    reading: Reading, assume: str, why: str = "the note's arithmetic, for a bare count", part: Preset | None = None
) -> Preset:
    """The efficiency profile that was asked for, as it is on a part, with what ``--set`` changes."""
    name = reading.take("efficiency", assume, why)
    profile = name if isinstance(name, Preset) else catalog.load("efficiency", name)
    if (release := reading.get("engine_version")) is not None:
        if "@" in profile.name:
            raise BadValue(
                f"--efficiency {profile.name} and --engine-version {release} are two ways to say one thing",
                "give one of them",
            )
        reading.take("engine_version")
        profile = at_release(profile, release)
    if newest := newest_before(profile):
        base, _, release = profile.name.partition("@")
        reading.note(
            "release", f"{base} {release} was not measured: the figures of {newest}, the newest that was, stand in"
        )
    return apply_sets(reading, complete(catalog.on_part(profile, part) if part else profile))


def apply_sets(reading: Reading, preset: Preset) -> Preset:
    """The preset with every ``--set`` of its scope applied; BadValue for one that is no KEY=VALUE."""
    scope = SCOPES[preset.family]
    for text in reading.get("set") or ():
        key, equals, value = text.partition("=")
        prefix, dot, field_name = key.strip().partition(".")
        if not (equals and dot):
            raise BadValue(f"--set: {text!r} is no KEY=VALUE", "write it as --set gpu.memory_bandwidth=30TB/s")
        if prefix == "host" and "host" not in reading.given:
            takes = "host" in options_of(reading.question.command)
            raise BadValue(
                f"--set {text}: no host was named", f"{'name one with --host, or ' if takes else ''}leave it out"
            )
        field_name = field_name.strip().replace("-", "_")
        if field_name in (words := _WORDS.get(prefix, {})):
            word = choice(words[field_name])(value, f"--set {prefix}.{field_name}")
            if prefix == scope:
                preset = preset._replace(labels={**preset.labels, field_name: word})
            continue
        kind = figure_kind(prefix, field_name, "--set")
        if prefix == scope:
            preset = _set(preset, field_name, kind, value)
    return preset


def is_word(scope: str, key: str) -> bool:
    """Whether what is set is one of a few words, not a figure."""
    return key in _WORDS.get(scope, {})


def figure_kind(scope: str, key: str, option: str) -> Kind:
    """The kind of a figure that a scope's presets may hold; UnknownName for no such scope, or no such figure in it."""
    families = {name: family for family, name in SCOPES.items()}
    if scope == "model":
        copy = "change a copy of its config.json and give that: --model config.json"
        raise UnknownName(f"{option}: a model's shape is not set by an option", copy)
    if scope not in families:
        raise UnknownName(f"{option}: no such scope {scope!r}", f"scopes: {', '.join(families)}")
    kinds = catalog.FAMILIES[families[scope]][0]
    if key not in kinds:
        hint = f"{closest(key, list(kinds))}figures: {nearest(key, list(kinds))}"
        raise UnknownName(f"{option}: {scope} has no figure {key!r}", hint)
    return kinds[key]


def _set(preset: Preset, key: str, kind: Kind, value: str, written: str = "") -> Preset:
    written = written or f"--set {SCOPES[preset.family]}.{key}"
    facts = {name: fact for name, fact in preset.facts.items() if name not in _VOID.get(key, ())}
    return preset._replace(facts=facts).with_fact(
        key, Fact(parse(kind, value, written), kind, f"{written}={value}", "")
    )


# The axes of ``--sweep``: options or figures of presets, and the values that each takes in turn.


def in_words(axes: Iterable[Axis], row: Mapping[str, Any]) -> str:
    """The place of a row in words: ``h100:8, batch 64``; of a list one may say nothing of its own."""
    axes = tuple(axes)
    words = (axis.name(row, alone=len(axes) == 1) for axis in axes if row[axis.key] is not None)
    return ", ".join(words) or "without these"


def at_words(axes: Iterable[Axis], row: Mapping[str, Any]) -> str:
    """The place of a row behind its word: ``at batch 64``, ``on 4 devices``, ``in fp8``."""
    if not (said := [axis for axis in axes if row[axis.key] is not None]):
        return in_words((), row)
    key, (first, *others) = said[0].key, [axis.name(row, alone=len(said) == 1) for axis in said]
    first = many(row[key], _OF[key]) if key in _OF else first
    return ", ".join((f"{LEADS.get(key, 'at')} {first}", *others))


def is_number(value: Any) -> bool:
    """Whether a value is a number; a switch is none."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def read_axes(question: Question) -> tuple[Axis, ...]:
    """The axes of ``--sweep``, in the order given; BadValue for a key that is given twice, and for too many points."""
    axes = tuple(_axis(question, text) for text in question.get("sweep"))
    keys = [axis.key for axis in axes]
    for key in keys:
        if keys.count(key) > 1:
            raise BadValue(f"--sweep varies {key} twice", "join its values: 1k:8k,64k")
        _refuse_given(question, key)
    if (points := prod(len(axis.values) for axis in axes)) > MOST_POINTS:
        raise BadValue(f"--sweep: {points:,} points are too many", f"ask for at most {MOST_POINTS:,}")
    return axes


def read_cases(question: Question) -> tuple[tuple[Axis, ...], list[Point]]:
    """What the questions of a list differ in as axes, and each of them as a point, None where it says nothing."""
    keys = dict.fromkeys(key for case in question.cases for key in case)
    points: list[Point] = [{key: case[key].value if key in case else None for key in keys} for case in question.cases]
    values = {key: tuple(dict.fromkeys(each[key] for each in points)) for key in keys}
    options = options_of(question.command)
    return tuple(Axis(key, values[key], _column(key, options[key].unit)) for key in keys), points


def points_of(axes: tuple[Axis, ...]) -> list[Point]:
    """Every combination of the values, the first axis varying slowest."""
    keys = [axis.key for axis in axes]
    return [dict(zip(keys, values, strict=True)) for values in product(*(axis.values for axis in axes))]


def kind_of(command: str, name: str) -> Kind | None:
    """The kind of quantity of an option or a figure; None for words."""
    scope, dot, figure = name.partition(".")
    return figure_kind(scope, figure, "--sweep") if dot else options_of(command)[name].kind


def plain(value: Any) -> Any:
    """A value as JSON has it: a format by its name, several texts as one."""
    if type(value) is tuple:
        return ", ".join(map(str, value))
    return value.name if isinstance(value, Format) else value


def _axis(question: Question, text: str) -> Axis:
    written, equals, values = text.partition("=")
    key = written.strip().lstrip("-").replace("-", "_")
    key = SECOND_NAMES.get(key, key)
    if not (equals and key):
        raise BadValue(f"--sweep: {text!r} is not KEY=RANGE", f"write it as --sweep context=1k:128k; {FORMS}")
    name, options = f"--sweep {written.strip()}", options_of(question.command)
    known = [option for option in options if option not in NO_INPUTS]
    if "." not in key and key not in known:
        hint = f"{closest(key, known)}keys: {nearest(key, known)}, or a --set key such as gpu.memory_bandwidth"
        raise UnknownName(f"--sweep: {question.command} has no option {key!r} to vary", hint)
    kind = kind_of(question.command, key)
    unit = kind.unit if kind and "." in key else options[key].unit
    column = _column(key, unit)
    if kind and not (key == "api_price" and "/" in values):  # several prices of an API are no one number
        return Axis(key, parse_range(kind, values, name), column)
    words = [word.strip() for word in values.split(",")]
    if not all(words):
        raise BadValue(f"{name}: {values!r} has an empty value", f"write a list: {name}=first,second")
    return Axis(key, tuple(dict.fromkeys(options[key].parse(word, name) for word in words)), column)


def _column(key: str, unit: str) -> Key:
    return Key(key.replace("_", " "), "" if unit in COUNTED else unit, key.rpartition(".")[2].replace("_", " "))


def _refuse_given(question: Question, key: str) -> None:
    """Refuse a key that is given too; a scenario file's value yields to a sweep of the command line."""
    is_figure = "." in key
    given = question.given.get("set" if is_figure else key)
    if given is None or (given.origin.startswith("scenario") and given.origin != question.given["sweep"].origin):
        return
    if not is_figure or key in (text.partition("=")[0].strip().replace("-", "_") for text in given.value):
        name = f"--set {key}" if is_figure else flag(key)
        raise BadValue(f"{name} and --sweep {key} set the same value", "give one of them")
