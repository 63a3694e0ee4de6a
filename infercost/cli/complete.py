"""Shell completion: preset names, formats and rules, read only when a shell asks."""

from collections.abc import Callable

from infercost.scenario.options import Command, Option

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


def for_output(name: str) -> Completer:
    """The completer of an output option."""
    return _fixed("table", "plain", "json", "csv", "markdown") if name == "format" else None


def for_words(command: Command) -> Completer:
    """The completer of a command's words: what ``presets`` does, and preset names; none for files."""
    if command.word == "FILE":
        return None
    verbs = ("list", "show", "path") if command.name == "presets" else ()

    def complete(incomplete: str) -> list[str]:
        return _fixed(*verbs)(incomplete) + _presets("accelerators")(incomplete)

    return complete


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
