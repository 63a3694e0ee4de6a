"""What can go wrong with a question, said in two lines: what, and what to do."""


class InfercostError(Exception):
    """A question that cannot be answered as asked: ``what`` is wrong, and the ``hint`` to mend it."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint


class BadValue(InfercostError, ValueError):
    """A value that is no quantity of the kind asked for, or is out of its range."""


class UnknownName(InfercostError, LookupError):
    """A preset, option or key that does not exist."""


class BadFile(InfercostError):
    """A file that cannot be read, written or understood."""


class Missing(InfercostError, LookupError):
    """A figure that the answer needs and nobody gave."""


def closest(name: str, known: list[str]) -> str:
    """The start of a hint, ``did you mean x? ``, or nothing when no known name is near."""
    from difflib import get_close_matches

    near = get_close_matches(name.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}? " if near else ""
