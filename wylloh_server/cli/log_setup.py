"""Structured logs: lines for a terminal, JSON for everything else, secrets for nobody."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import structlog

from wylloh_server.cli.log_repeats import RepeatLimiter
from wylloh_server.services.operations.recent_log import RecentLog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = re.compile(
    r"(?i)secret|password|passphrase|cookie|authorization|private|signature|sealed|_?token$|_key$"
    r"|^code$|(claim|pairing|user)_code$"
)
_SECRET_TEXTS = (
    # Play tokens and the unguessable paths of the loopback media server.
    re.compile(r"(?<=/play/)[^/\s\"']{16,}"),
    re.compile(r"(?<=/film/|/made/)[^/\s\"']{16,}"),
    # The code that makes its reader the owner, and cookies.
    re.compile(r"(?<=[?&]claim=)[^&\s\"']+"),
    re.compile(r"(?<=wylloh_session=|wylloh_pairing=)[^;\s\"']+"),
    re.compile(r"(?<==)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
)
_ADDRESS = re.compile(r"(?:https?|wss?|postgresql(?:\+\w+)?)://[^\s\"'<>)\],;]+")
_LONG = 16
"""A piece of an address of so many characters may be a key; a CID, which is public, stands after /ipfs/."""
_QUIET = (
    "aiohttp.access",
    "aiosqlite",
    "alembic",
    "asyncio",
    "dbos",
    "rlp",
    "urllib3",
    "web3",
    "zeroconf",
)


_UNREADABLE = "HttpProcessingError"
"""Base of aiohttp's errors about what is no HTTP; by name, since aiohttp is imported much later."""


def set_up_logs(level: str = "INFO") -> RecentLog:
    """Send every log line, ours and the libraries', through one redacting pipe to stderr.

    Return the last lines, as the page Log shows them.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler, recent = logging.StreamHandler(sys.stderr), RecentLog()
    handler.setFormatter(_formatter(shared, for_terminal=sys.stderr.isatty()))
    recent.setFormatter(_formatter(shared, for_terminal=False))
    root = logging.getLogger()
    root.handlers = [RepeatLimiter([handler, recent])]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    server = logging.getLogger("aiohttp.server")
    server.filters = [_without_blame]
    return recent


def _without_blame(record: logging.LogRecord) -> bool:
    """Make one line of a request that could not be read: it is its sender's error, and no traceback helps."""
    error = record.exc_info[1] if record.exc_info else None
    if any(kind.__name__ == _UNREADABLE for kind in type(error).__mro__):
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "%s: %s", (record.getMessage(), type(error).__name__)
        record.exc_info = None
    return True


def _formatter(shared: list[Processor], *, for_terminal: bool) -> structlog.stdlib.ProcessorFormatter:
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            # Before redacting: the text of an exception may quote an address with its key.
            structlog.processors.format_exc_info,
            redact,
            plain if for_terminal else structlog.processors.JSONRenderer(),
        ],
    )


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Blank values whose name says secret, and secrets that stand inside other text."""
    del logger, method
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    return "…" if _SECRET_NAMES.search(name) else _clean(value)


def _clean(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes | bytearray | memoryview):
        return f"<{len(value)} bytes>"
    if isinstance(value, Mapping):
        return {str(name): _shown(str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(inner) for inner in value]
    text = value if isinstance(value, str) else str(value)
    for pattern in _SECRET_TEXTS:
        text = pattern.sub("…", text)
    return _ADDRESS.sub(_without_keys, text)


def _without_keys(found: re.Match[str]) -> str:
    """Blank what may be a password or a provider's API key in an address."""
    try:
        parts = urlsplit(found[0])
    except ValueError:
        return "…"
    user, at, host = parts.netloc.rpartition("@")
    pieces = parts.path.split("/")
    path = "/".join(
        "…" if len(piece) >= _LONG and before != "ipfs" else piece
        for before, piece in zip(["", *pieces], pieces, strict=False)
    )
    query = re.sub(rf"(?<==)[^&]{{{_LONG},}}", "…", parts.query)
    return f"{parts.scheme}://{'…' if user else ''}{at}{host}{path}{'?' if query else ''}{query}"
