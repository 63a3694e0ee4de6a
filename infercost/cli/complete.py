"""Shell completion: names of presets, formats and forms, read only when a shell asks."""

from collections.abc import Callable, Iterable

from infercost.scenario.options import Option

Completer = Callable[[str], list[str]]


def for_option(option: Option) -> Completer | None:
    """The completer of an option, or None for any text."""
    return {
        "gpu": accelerators,
        "efficiency": _presets("efficiency"),
        "model": _presets("models"),
        "traffic": _presets("traffic"),
        "kv_dtype": _formats,
        "dtype": _formats,
        "activation_dtype": _formats,
        "overlap": _overlaps,
    }.get(option.name)


def forms(start: str) -> list[str]:
    """The forms of an answer."""
    from infercost.render import FORMS

    return _starting(FORMS, start)


def accelerators(start: str) -> list[str]:
    """Names of accelerators."""
    return _presets("accelerators")(start)


def verbs(start: str) -> list[str]:
    """What ``presets`` does, and names of accelerators."""
    return _starting(("list", "show", "path"), start) + accelerators(start)


def _starting(words: Iterable[str], start: str) -> list[str]:
    return [word for word in words if word.startswith(start)]


def _overlaps(start: str) -> list[str]:
    from infercost.parts.stack import OVERLAPS

    return _starting(OVERLAPS, start)


def _formats(start: str) -> list[str]:
    from infercost.parts.formats import FORMATS

    return _starting(FORMATS, start)


def _presets(family: str) -> Completer:
    def complete(start: str) -> list[str]:
        from infercost.parts import catalog

        aliases = {alias for alias in catalog.aliases(family) if " " not in alias}
        return _starting(sorted({*catalog.names(family), *aliases}), start)

    return complete
