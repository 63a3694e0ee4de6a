"""A workload: the lengths, the habits and the day of a request where nobody says otherwise."""

from collections.abc import Iterator
from types import MappingProxyType

from infercost.errors import BadValue, Missing
from infercost.parts import catalog
from infercost.parts.preset import Preset
from infercost.parts.traffic import shape_of
from infercost.report import Note
from infercost.scenario.options import options_of
from infercost.scenario.read import Given, Question
from infercost.scenario.usual import LENGTHS

#: Who says how much a user asks for, or when, in place of a workload.
_HABITS = {"messages_per_day": ("minutes_per_day", "decoding_share"), "traffic": ("trace",)}


def with_workload(question: Question) -> Question:
    """The question with the figures of its workload as options where they were not given, each with its source.

    ``fit`` takes the context of such a request half way through its answer. A bare count has no prompts: of its users
    the tokens that they decode, their messages and their day are known.

    Raises:
        BadValue: a context, which says as much.
        Missing: a workload of a bare count that is asked about prompts.
        UnknownName: no such workload, with those that there are.
    """
    nameless = not {"model", "params"} & set(question.given) and question.command != "fit"
    if (named := question.get("workload")) is None or nameless:
        return question
    preset = named if isinstance(named, Preset) else catalog.load("workloads", str(named))
    taken, bare = options_of(question.command), "params" in question.given and "model" not in question.given
    if bare and "messages_per_day" not in taken:
        raise Missing("--workload needs --model: a bare count has no prompts", "for example --model llama-3.1-70b")
    if "users" in taken and "messages_per_day" not in taken and "users" in question.given:
        _refuse_messages(question, preset)
    if "context" in question.given and question.command != "fit":
        raise BadValue("--workload and --context both say how long a request is", "give one of them")
    left_out = ("input_tokens", "prefix_share") if bare else ()
    figures = {name: given for name, given in _options(question.command, preset) if name not in left_out}
    free = {name: given for name, given in figures.items() if not _is_said(question, name)}
    own = {"workload": question.given["workload"]._replace(value=preset.name)}
    notes = (*question.notes, *_flat_day(question, preset))
    return question._replace(given=MappingProxyType({**question.given, **own, **free}), notes=notes)


def _flat_day(question: Question, preset: Preset) -> Iterator[Note]:
    """That users are spread over a flat day by a command that has no other, where the workload has one."""
    if "users" in question.given and "traffic" in preset.labels and "traffic" not in options_of(question.command):
        name = preset.labels["traffic"]
        peak = shape_of(catalog.load("traffic", name)).peak
        text = f"users are spread over a flat day; the busiest hour of {name} has {peak:.3g} times the mean load"
        yield Note("flat-day", f"{text}, for which infercost userbase counts the replicas")


def _refuse_messages(question: Question, preset: Preset) -> None:
    """BadValue where users of so many messages a day are asked about, whose sequences depend on each part's speed."""
    if "messages_per_day" in preset.facts and "minutes_per_day" not in question.given:
        what = f"--users of workload {preset.name}: how long their messages take depends on the part"
        raise BadValue(what, "give --minutes-per-day or --concurrency here, or ask infercost userbase for one part")


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
