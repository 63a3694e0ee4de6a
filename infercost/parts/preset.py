"""A preset: named figures, each with the source that says so."""

from collections.abc import Mapping
from typing import NamedTuple

from infercost.errors import Missing
from infercost.units import Kind


class Fact(NamedTuple):
    """One figure in base units and as it was written, who says so and when, and whether to trust it."""

    value: float
    kind: Kind
    source: str
    date: str
    weak: str = ""
    others: str = ""
    text: str = ""


class Preset(NamedTuple):
    """What one preset file holds: labels as text, figures as facts."""

    name: str
    family: str
    labels: Mapping[str, str]
    facts: Mapping[str, Fact]
    path: str

    @property
    def title(self) -> str:
        """The name that people use."""
        return self.labels.get("name", self.name)

    def fact(self, key: str) -> Fact:
        """The figure under a key.

        Raises:
            Missing: the preset has none, and nobody gave one with ``--set``.
        """
        if (fact := self.facts.get(key)) is None:
            scope = {"accelerators": "gpu"}.get(self.family, self.family)
            raise Missing(f"{self.name} has no {key}", f"give it: --set {scope}.{key}=...")
        return fact

    def value(self, key: str) -> float:
        """The figure under a key, in base units."""
        return self.fact(key).value

    def with_fact(self, key: str, fact: Fact) -> "Preset":
        """The same preset with one figure put in or replaced."""
        return self._replace(facts={**self.facts, key: fact})
