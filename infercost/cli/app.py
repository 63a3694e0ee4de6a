"""The command line: only the command that was asked for is built, and every error ends in two lines."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from inspect import Parameter, Signature
from typing import Annotated, Any

import typer

from infercost.cli import complete
from infercost.errors import BadValue, InfercostError
from infercost.scenario.options import COMMANDS, OPTIONS, Command, Option
from infercost.writing import discard_output

HELP = """What LLM inference needs and costs: accelerators, step time, utilization, users.

For example: infercost utilization --gpu h100 --params 1.6e12"""
WRONG_QUESTION, DEFECT = 2, 1
#: What a shell reports for a program that a closed pipe ended.
CLOSED_PIPE, INTERRUPTED = 141, 130
#: Usage errors of Typer, whichever Click it carries.
USAGE_ERROR: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
_OUTPUT = (
    ("scenario", str, "FILE", "options from a YAML or JSON file, or - for standard input; flags win"),
    ("format", str, "FORM", "table, plain, json, csv or markdown"),
    ("json", bool, None, "short for --format json"),
    ("csv", bool, None, "short for --format csv"),
    ("steps", bool, None, "show the work: symbols, numbers, result, source"),
    ("sources", bool, None, "list where each input is from"),
    ("output", str, "FILE", "write there instead of standard output, whole or not at all"),
    ("plot", str, "[FILE]", "a picture: in the terminal, or a file .png, .svg, .html or .vl.json"),
)

#: Options with a letter of their own.
_SHORT = {"output": ("-o",)}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0 answered, 2 a wrong question, 3 does not fit."""
    sys.excepthook = _report_defect
    args = _spell_out(sys.argv[1:] if argv is None else argv) or ["--help"]
    command: Any = typer.main.get_command(build(args))
    gc.freeze()
    gc.enable()
    try:
        _refuse_several(args)
        return int(command.main(args, prog_name="infercost", standalone_mode=False) or 0)
    except InfercostError as error:
        return _fail(error.what, error.hint)
    except USAGE_ERROR as error:
        name = f"{args[0]} " if args[0] in COMMANDS else ""
        return _fail(error.format_message().rstrip("."), f"infercost {name}--help shows what there is")
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except OSError as error:  # help and version are written by Typer
        return _fail(f"standard output: {(error.strerror or str(error)).lower()}", "make room, or close nothing")
    except SystemExit as error:  # Typer's word for a pipe that closed while it wrote
        return CLOSED_PIPE if error.code == DEFECT else int(error.code or 0)


def _spell_out(args: Sequence[str]) -> list[str]:
    """The arguments with ``--plot`` given the empty value where no file follows it: Typer knows no optional values."""
    pairs = zip(args, [*args[1:], "-"], strict=False)
    return ["--plot=" if arg == "--plot" and after.startswith("-") else arg for arg, after in pairs]


def _refuse_several(args: Sequence[str]) -> None:
    """Refuse several accelerators where one is asked about: of an option of one value Typer keeps the last.

    Raises:
        BadValue: ``--gpu`` is there twice.
    """
    command = COMMANDS.get(args[0])
    if command and "gpu" in command.options and sum(arg.partition("=")[0] == "--gpu" for arg in args) > 1:
        raise BadValue(f"{command.name} answers for one --gpu", "economies, frontier and compare take several")


def _fail(what: str, hint: str) -> int:
    if sys.stderr is not None:
        one_line = " ".join(what.split())
        print(f"error: {one_line}\nhint: {' '.join(hint.split())}", file=sys.stderr)
    return WRONG_QUESTION


def _report_defect(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    from traceback import print_exception

    print("This is a defect in infercost, not in your question. Please report it with these lines:", file=sys.stderr)
    print(f"infercost {' '.join(sys.argv[1:])}", file=sys.stderr)
    print_exception(kind, error, trace)


def build(args: Sequence[str]) -> typer.Typer:
    """The app with the options of the command that was asked for; of the others only their names.

    Completion needs the options of all.
    """
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP)
    app.callback(invoke_without_command=False)(_root)
    completing = any(name.startswith("_INFERCOST") for name in os.environ)
    asked = next((arg for arg in args if not arg.startswith("-")), "")
    chosen = [COMMANDS[asked]] if asked in COMMANDS and not completing else list(COMMANDS.values())
    for command in chosen:
        app.command(command.name, help=command.question)(_function(command, whole=completing or len(chosen) == 1))
    return app


def _root(
    version: Annotated[
        bool, typer.Option("--version", help="print the version", is_eager=True, callback=lambda asked: _version(asked))
    ] = False,
) -> None:
    pass


def _version(asked: bool) -> None:
    if asked:
        from infercost import __version__

        print(f"infercost {__version__}")
        raise typer.Exit


def _function(command: Command, whole: bool) -> Callable[..., int]:
    """A function whose signature holds the command's options, which is where Typer reads them."""

    def run(**options: Any) -> int:
        from infercost.cli.run import run as run_command

        try:
            return run_command(command, options)
        except BrokenPipeError:
            discard_output()
            return CLOSED_PIPE

    parameters = (
        [*_words(command), *map(_parameter, map(OPTIONS.__getitem__, command.options)), *_output(command)]
        if whole
        else []
    )
    run.__signature__ = Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = command.question
    return run


def _words(command: Command) -> list[Parameter]:
    if not command.arguments:
        return []
    info = typer.Argument(
        metavar=f"[{command.word}]...", autocompletion=complete.for_words(command), show_default=False
    )
    return [_keyword("words", Annotated[list[str] | None, info])]


def _parameter(option: Option) -> Parameter:
    info = typer.Option(
        *_flags(option.name),
        *(_flags(option.also) if option.also else []),
        metavar=option.metavar or None,
        help=option.help,
        autocompletion=complete.for_option(option),
    )
    kind: Any = list[str] if option.repeat else str if option.metavar else bool
    return _keyword(option.name, Annotated[kind | None, info])


def _output(command: Command) -> list[Parameter]:
    """What every command takes, but for what it takes in a sense of its own."""
    return [
        _keyword(
            name,
            Annotated[
                kind | None,
                typer.Option(*_flags(name), metavar=metavar, help=text, autocompletion=complete.for_output(name)),
            ],
        )
        for name, kind, metavar, text in _OUTPUT
        if name not in command.options and (command.pictured or name != "plot")
    ]


def _keyword(name: str, annotation: Any) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _flags(name: str) -> list[str]:
    return [f"--{name.replace('_', '-')}", *_SHORT.get(name, ())]


def entry() -> None:
    """The console script."""
    sys.exit(main())
