"""How far long work has come, on a terminal while it lasts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def showing(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, told how much of the total is done; it leaves nothing behind."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.update(task, completed=done)
