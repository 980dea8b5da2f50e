"""Where in a plugin's own code an error was raised, or a thread is."""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence


class RemoteError(Exception):
    """An error that was raised in another process, where it was located already.

    Attributes:
        located: its type, message and place, as `located` returns them.
    """

    def __init__(self, located: str, traceback_there: str) -> None:
        super().__init__(located)
        self.located = located
        self.__cause__ = _TracebackThere(traceback_there)


class _TracebackThere(Exception):
    """A traceback as text, printed above that of the error it is the cause of."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def located(error: BaseException, folder: Path | None) -> str:
    """Return an error's type and message, with the last line of a plugin's own code it came through.

    Args:
        error: the error; of a group of errors the first is told.
        folder: the folder of the plugin's code.
    """
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, RemoteError):
        return error.located
    places = _places(error)
    message = str(error)
    if isinstance(error, SyntaxError):
        places.append((error.filename or "", error.lineno or 0))
        message = error.msg
    place = _own_place(places, folder)
    return f"{type(error).__name__}: {message}".removesuffix(": ") + (f" ({place})" if place else "")


def comes_from(error: BaseException, folder: Path, rather_than: Sequence[Path]) -> bool:
    """Return whether an error was raised in the files of a folder, and no deeper in those of others."""
    files = [Path(file) for file, _ in _places(error)]
    known = [file for file in files if any(map(file.is_relative_to, (folder, *rather_than)))]
    return bool(known) and known[-1].is_relative_to(folder)


def _places(error: BaseException) -> list[tuple[str, int]]:
    return [(frame.filename, frame.lineno or 0) for frame in traceback.extract_tb(error.__traceback__)]


def _own_place(places: Sequence[tuple[str, int]], folder: Path | None) -> str:
    """Return the last place in a folder, as `<folder>/<file>:<line>`; empty if there is none."""
    own = [(Path(file), line) for file, line in places if folder and Path(file).is_relative_to(folder)]
    return f"{own[-1][0].relative_to(folder.parent)}:{own[-1][1]}" if own and folder else ""


def code_place(thread: threading.Thread, folder: Path | None, work: Any = None) -> str:
    """Return ` at <folder>/<file>:<line>`, where a thread is now, or else where its coroutine waits."""
    places = []
    while (frame := getattr(work, "cr_frame", None)) is not None:
        places.append((frame.f_code.co_filename, frame.f_lineno))
        work = work.cr_await
    running = traceback.extract_stack(sys._current_frames().get(thread.ident or 0))  # noqa: SLF001 - as faulthandler
    places += [(one.filename, one.lineno or 0) for one in running]
    place = _own_place(places, folder)
    return f" at {place}" if place else ""
