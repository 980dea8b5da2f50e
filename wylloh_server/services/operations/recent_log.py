"""The last lines of the log, in memory: what the page Log shows. They come formatted, without secrets."""

from __future__ import annotations

import json
import logging
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_LINES = 500
"""Of ordinary lines, and as many warnings and errors."""
LEVELS = ("debug", "info", "warning", "error", "critical")
_PROBLEMS = frozenset(LEVELS[LEVELS.index("warning") :])
_LONGEST = 4000
"""Characters of one text; a traceback may have more."""
_KNOWN = frozenset({"event", "level", "logger", "timestamp", "exception"})


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of the log.

    Attributes:
        at: UTC, `2026-11-30T13:52:19Z` with fractions.
        level: one of `LEVELS`.
        details: the other fields, as `name=value`.
        exception: a traceback; empty if there is none.
    """

    at: str
    level: str
    logger: str
    event: str
    details: str
    exception: str

    @property
    def moment(self) -> float:
        """When it was, in seconds since 1970."""
        return datetime.fromisoformat(self.at).timestamp()

    @property
    def text(self) -> str:
        """The line as a file has it, with its traceback below."""
        head = " ".join(filter(None, (self.at, self.level, self.logger, self.event, self.details)))
        return "\n".join(filter(None, (head, self.exception)))


class RecentLog(logging.Handler):
    """Keeps the last lines, and apart from them the last warnings and errors, which requests do not push out.

    Its formatter has to give JSON objects from which secrets are gone.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        super().__init__()
        self._numbers = count()
        self._ordinary: deque[tuple[int, LogLine]] = deque(maxlen=most)
        self._problems: deque[tuple[int, LogLine]] = deque(maxlen=most)

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record; called by `logging` under the handler's lock."""
        try:
            line = _line(json.loads(self.format(record)))
            kept = self._problems if line.level in _PROBLEMS else self._ordinary
            kept.append((next(self._numbers), line))
        except Exception:  # noqa: BLE001 - like every handler: a log line never breaks what writes it
            self.handleError(record)

    def lines(self, least: str = LEVELS[0], words: str = "") -> tuple[LogLine, ...]:
        """Return the lines of a level or a higher one that have all the words, the newest first."""
        self.acquire()
        try:
            kept = sorted((*self._ordinary, *self._problems), key=itemgetter(0), reverse=True)
        finally:
            self.release()
        return tuple(_found((line for _, line in kept), least, words.casefold().split()))


def _found(lines: Iterable[LogLine], least: str, words: list[str]) -> Iterator[LogLine]:
    levels = LEVELS[LEVELS.index(least) :]
    for line in lines:
        text = line.text.casefold()
        if line.level in levels and all(word in text for word in words):
            yield line


def _line(fields: dict[str, Any]) -> LogLine:
    level = str(fields.get("level", "info"))
    others = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _KNOWN)
    return LogLine(
        at=str(fields.get("timestamp", "")),
        level=level if level in LEVELS else "info",
        logger=str(fields.get("logger", "")),
        event=str(fields.get("event", ""))[:_LONGEST],
        details=others[:_LONGEST],
        exception=str(fields.get("exception", ""))[-_LONGEST:],
    )
