"""One progress bar at a time, in bytes, with speed and time left; nothing where nobody is looking."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar while the context lasts; call what it gives with bytes done and bytes in all.

    In a file or a pipe a bar is noise: there, nothing is written.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda _done, _of: None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(complete_style="white", finished_style="white", pulse_style="white"),
        TaskProgressColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(label, total=None)

        def advance(done: int, of: int) -> None:
            progress.update(task, completed=done, total=of or None)

        yield advance
