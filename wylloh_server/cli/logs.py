"""Structured logs: lines for a terminal, JSON for everything else, secrets for nobody."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_NAMES = re.compile(
    r"(?i)secret|password|passphrase|cookie|authorization|private|signature|sealed|_?token$|_key$|code$"
)
_SECRET_TEXTS = (
    # Play tokens and the unguessable paths of the loopback door.
    re.compile(r"(?<=/play/)[^/\s\"']{16,}"),
    re.compile(r"(?<=/film/|/made/)[^/\s\"']{16,}"),
    # Passwords in addresses, and API keys that RPC providers put there.
    re.compile(r"(?<=://)[^/@\s]+(?=@)"),
    re.compile(r"(?<=/v[23]/)[A-Za-z0-9_-]{20,}"),
)
_QUIET = ("aiohttp.access", "web3", "urllib3", "zeroconf", "dbos", "alembic", "asyncio")


def set_up_logs(level: str = "INFO") -> None:
    """Send every log line, ours and the libraries', through one redacting pipe to stderr."""
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
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(shared))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _formatter(shared: list[Processor]) -> structlog.stdlib.ProcessorFormatter:
    terminal = sys.stderr.isatty()
    last: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if terminal
        else [structlog.processors.format_exc_info, redact, structlog.processors.JSONRenderer()]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, redact, *last],
    )


def redact(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Blank values whose name says secret, and secrets that stand inside other text."""
    del logger, method
    return {name: "…" if _SECRET_NAMES.search(name) else _clean(value) for name, value in event.items()}


def _clean(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if not isinstance(value, str):
        return value
    for pattern in _SECRET_TEXTS:
        value = pattern.sub("…", value)
    return value
