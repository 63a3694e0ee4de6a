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


def by_messages(question: Question) -> bool:
    """Whether users send messages, their own or a workload's, whose sequences depend on each part's speed.

    Raises:
        UnknownName: no such workload.
    """
    if {"users", "messages_per_day"} <= set(question.given):
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
