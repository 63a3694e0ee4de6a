"""What an option is: its name, its parser and its help."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from infercost.units import Kind, choice, parse

Parser = Callable[[str, str], Any]


@dataclass(frozen=True)
class Quantity:
    """The parser of a kind of quantity."""

    kind: Kind

    def __call__(self, text: str, name: str) -> float:
        """The quantity that a text writes."""
        return parse(self.kind, text, name)


def text(text: str, name: str) -> str:
    """A text as it is."""
    return text


def switch(text: str, name: str) -> bool:
    """Whether a switch is on, as a scenario writes it."""
    return choice(("true", "false", "yes", "no"))(text, name) in ("true", "yes")


class Option(NamedTuple):
    """One option: ``parse`` takes its text and the name to use in an error, ``also`` is a second name of it.

    ``key`` tells it apart where its name means another thing elsewhere: one value here, a list there.
    """

    name: str
    metavar: str
    help: str
    parse: Parser
    repeat: bool = False
    also: str = ""
    key: str = ""

    @property
    def kind(self) -> Kind | None:
        """The kind of quantity that it takes; None for words, switches and lists."""
        return self.parse.kind if isinstance(self.parse, Quantity) else None
