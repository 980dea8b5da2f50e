"""Log lines that come again and again are counted instead of written: a flood must not fill the disk."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.network_address import home_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

_WINDOW = 60.0
"""Seconds for which lines of one kind are counted."""
_MOST = 60
"""Lines of one kind that are written within that time."""
_MOST_REQUESTS = 600
"""Lines about requests of one home."""
_MOST_KINDS = 2000
_ADDRESS = "address"


@dataclass(slots=True)
class _Kind:
    began: float
    written: int = 0
    counted: int = 0


class RepeatLimiter(logging.Handler):
    """Passes lines on to other handlers, of each kind a bounded number a minute, and says how many more came.

    A kind is a logger's sentence before its values are put in; requests are counted for each home.

    Args:
        handlers: where the lines go.
        timer: tells the time, in seconds from some moment.
    """

    def __init__(
        self, handlers: Sequence[logging.Handler], timer: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._handlers = handlers
        self._timer = timer
        self._kinds: OrderedDict[Hashable, _Kind] = OrderedDict()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record; called by `logging` under the handler's lock."""
        now = self._timer()
        self._close_windows(now)
        key, most = _kind(record)
        kind = self._kinds.setdefault(key, _Kind(now))
        if kind.written < most:
            kind.written += 1
            self._pass_on(record)
        else:
            kind.counted += 1

    def close(self) -> None:
        """Write what was only counted, and close."""
        self._close_windows(None)
        super().close()

    def _close_windows(self, now: float | None) -> None:
        while self._kinds:
            key, kind = next(iter(self._kinds.items()))
            over = now is None or now - kind.began >= _WINDOW or len(self._kinds) >= _MOST_KINDS
            if not over:
                return
            del self._kinds[key]
            if kind.counted:
                self._tell(key, kind)

    def _tell(self, key: Hashable, kind: _Kind) -> None:
        name, level, sentence = key[:3] if isinstance(key, tuple) else ("", logging.WARNING, "")
        words = "%d more lines like this within a minute were not written: %s"
        self._pass_on(
            logging.LogRecord(str(name), int(level), "", 0, words, (kind.counted, str(sentence)), None)
        )

    def _pass_on(self, record: logging.LogRecord) -> None:
        for handler in self._handlers:
            if record.levelno >= handler.level:
                handler.handle(record)


def _kind(record: logging.LogRecord) -> tuple[tuple[Any, ...], int]:
    """Return what is counted together, and how many lines of it are written."""
    fields = record.msg if isinstance(record.msg, dict) else {}
    sentence = str(fields.get("event", record.msg))
    if _ADDRESS in fields:
        return (record.name, record.levelno, sentence, home_of(str(fields[_ADDRESS]))), _MOST_REQUESTS
    return (record.name, record.levelno, sentence), _MOST
