"""Drafts beside a model: what their heads are like and how many tokens their published runs accepted, as shipped."""

from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from infercost.parts import catalog
from infercost.parts.preset import Fact, Preset
from infercost.parts.yamlfile import Mapping, read_mapping
from infercost.units import COUNT

#: What the command line calls heads that draft, and what people call them.
TITLES = {"mtp": "MTP", "eagle3": "EAGLE-3"}
#: Dimensions of a head.
SHAPE = ("heads", "kv_heads", "head_dim", "ffn_width")


class Run(NamedTuple):
    """A published run: whose model, tokens that the draft proposed, tokens that a step yielded, of which texts."""

    model: str
    tokens: int
    accept_length: float
    of: str
    source: str
    date: str


class Method(NamedTuple):
    """A kind of head: its figures as a preset, its published runs, the ids of published heads, and their shapes."""

    preset: Preset
    runs: tuple[Run, ...]
    ids: tuple[Mapping, ...]
    shapes: tuple[Mapping, ...]

    @property
    def tokens(self) -> int:
        """Tokens that engines' guides start with."""
        return int(self.preset.value("draft_tokens"))

    def run(self, model: str, tokens: int) -> Run:
        """The run of a model, else of the method's first, whose draft is nearest to so many tokens."""
        own = [run for run in self.runs if run.model == model]
        others = own or [run for run in self.runs if run.model == self.runs[0].model]
        return min(others, key=lambda run: abs(run.tokens - tokens))

    def hub_id(self, model: str) -> str:
        """The id of a published head of a model, empty where none is known."""
        return next((str(entry["id"]) for entry in self.ids if model in entry["models"]), "")

    def shaped(self, model: str) -> Preset:
        """The figures of the head of a model, with the dimensions of a published one where its config is known."""
        known = next((shape for shape in self.shapes if model in shape["models"]), None)
        facts = {} if known is None else {key: _fact(known[key], known["source"], known["date"]) for key in SHAPE}
        return self.preset._replace(facts={**self.preset.facts, **facts})


class Gains(NamedTuple):
    """Measured over estimated gain of a draft, the least and the most, and of which runs."""

    low: float
    high: float
    of: str


@cache
def gains() -> Gains:
    """How far off the gain of a draft was in runs with and without one."""
    found = _data()["gains"]
    return Gains(float(found["low"]), float(found["high"]), found["of"])


def _data() -> Mapping:
    return read_mapping(_path(), "drafts")


def _path() -> str:
    return str(catalog.shipped() / "drafts.yaml")


@cache
def method(name: str) -> Method:
    """The shipped data of a kind of head, ``mtp`` or ``eagle3``."""
    data = _data()
    own, sources = data[name], data["sources"]
    facts = {
        key: _fact(entry["value"], *_cited(entry, sources))
        for key, entry in own.items()
        if isinstance(entry, dict) and "value" in entry
    }
    shapes = [
        {**shape, **dict(zip(("source", "date"), _cited(shape, sources), strict=True))}
        for shape in own.get("shapes", ())
    ]
    preset = Preset(TITLES[name], "drafts", {}, facts, _path())
    return Method(preset, tuple(_runs(own["runs"], sources)), tuple(own.get("ids", ())), tuple(shapes))


def _cited(entry: Mapping, sources: Mapping) -> tuple[str, str]:
    source = sources[entry["source"]]
    return source["title"], source["date"]


def _fact(text: str, source: str, date: str) -> Fact:
    return Fact(float(text), COUNT, source, date)


def _runs(entries: list[Mapping], sources: Mapping) -> Iterator[Run]:
    for entry in entries:
        numbers = int(entry["draft_tokens"]), float(entry["accept_length"])
        for model in entry["models"]:
            yield Run(model, *numbers, entry["of"], *_cited(entry, sources))
