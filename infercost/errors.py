"""What can go wrong with a question, in two lines: what, and what to do."""

import os
from collections import Counter


class InfercostError(Exception):
    """A question without an answer: ``what`` is wrong, and a ``hint`` at what to do."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what, hint)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}\nhint: {self.hint}"


class BadValue(InfercostError, ValueError):
    """A value of the wrong kind or out of its range."""


class UnknownName(InfercostError, LookupError):
    """A preset, option or key that does not exist."""


class BadFile(InfercostError):
    """A file that cannot be read, written or understood."""


class Missing(InfercostError, LookupError):
    """A figure that the answer needs and neither a preset nor the question has."""


class Misasked(BadValue, Missing):
    """Options that disagree, or half of what belongs together: no part can answer, and none is to blame."""


#: What is wrong with the question on whatever part it is asked about.
OF_THE_QUESTION = (BadFile, UnknownName, Misasked)


def closest(name: str, names: list[str]) -> str:
    """The start of a hint, ``did you mean x? ``, or nothing if no name is near."""
    near = near_name(name, names)
    return f"did you mean {near}? " if near else ""


def near_name(name: str, names: list[str]) -> str:
    """The name most like the one that was written, empty if none is near: one that begins so before others."""
    from difflib import get_close_matches

    text = name.lower()
    begun = [each for each in names if each.lower().startswith(text)]
    near = get_close_matches(text, begun, n=1) or get_close_matches(text, names, n=1)
    return near[0] if near and (near[0] in begun or _is_like(text, near[0].lower())) else ""


def _is_like(text: str, name: str) -> bool:
    """Whether two names have more than half of the letters of either in common; one may go on after the same start."""
    written, known = (Counter(filter(str.isalnum, each)) for each in (text, name))
    shared = 2 * (written & known).total()
    return shared > known.total() and (shared > written.total() or text.strip("-")[:3] == name.strip("-")[:3])


def nearest(name: str, names: list[str], most: int = 10) -> str:
    """Names for a hint: all of a few, else those most like the one that was written, and dots for the rest."""
    from difflib import SequenceMatcher

    if len(names) <= most:
        return ", ".join(names)
    text = name.lower()
    ranked = sorted(names, key=lambda each: (not each.startswith(text), -SequenceMatcher(None, text, each).ratio()))
    return f"{', '.join(ranked[:most])} ..."


def extra(name: str) -> str:
    """The command that installs an extra: of the package wherever it was installed from, else of the clone."""
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution("infercost")
    except PackageNotFoundError:
        return f"pip install '.[{name}]'"
    return f"pip install 'infercost[{name}]'"


def reason(error: Exception) -> str:
    """The system's words for an error, in lower case, or a library's own."""
    number = getattr(error, "errno", None)
    return (os.strerror(number) if number else str(error)).lower().rstrip(".")  # libraries put more into strerror
