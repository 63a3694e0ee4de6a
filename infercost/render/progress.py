"""How much of a file has been read, on a terminal while it lasts."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def reading(path: str) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, told how many bytes of the file have been read; it leaves nothing behind."""
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(os.path.basename(path), total=os.path.getsize(path))
        yield lambda read: bar.update(task, completed=read)
