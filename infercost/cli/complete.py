"""Shell completion: preset names, formats and rules, read only when a shell asks."""

from collections.abc import Callable

from infercost.scenario.options import Option

Completer = Callable[[str], list[str]] | None


def for_option(option: Option) -> Completer:
    """The completer of an option, or None where any text goes."""
    return {
        "gpu": _presets("accelerators"),
        "efficiency": _presets("efficiency"),
        "model": _presets("models"),
        "traffic": _presets("traffic"),
        "kv_dtype": _formats,
        "dtype": _formats,
        "activation_dtype": _formats,
        "overlap": _fixed("full", "operator", "none"),
    }.get(option.name)


def forms(incomplete: str) -> list[str]:
    """The forms of an answer."""
    return _fixed("table", "plain", "json", "csv", "markdown")(incomplete)


def accelerators(incomplete: str) -> list[str]:
    """Names of accelerators."""
    return _presets("accelerators")(incomplete)


def verbs(incomplete: str) -> list[str]:
    """What ``presets`` does, and names of accelerators."""
    return _fixed("list", "show", "path")(incomplete) + accelerators(incomplete)


def _fixed(*words: str) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _formats(incomplete: str) -> list[str]:
    from infercost.parts.formats import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def _presets(family: str) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        from infercost.parts import catalog

        known = {*catalog.names(family), *(alias for alias in catalog.aliases(family) if " " not in alias)}
        return sorted(name for name in known if name.startswith(incomplete))

    return complete
