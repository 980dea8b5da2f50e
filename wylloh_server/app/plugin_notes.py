"""Notes how a server's plugins are, for commands that run beside it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from wylloh_server.app.alone import in_use
from wylloh_server.domain.types import Seconds
from wylloh_server.hooks.records import PluginRecord, PluginStatus
from wylloh_server.services.caretaker import repeating

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from wylloh_server.config import Settings
    from wylloh_server.hooks.registry import PluginRegistry

_EVERY = Seconds(1)


def noting(settings: Settings, registry: PluginRegistry) -> AbstractAsyncContextManager[None]:
    """Keep a file with the records of all plugins up to date until the context ends."""
    file, written = _file(settings), ""

    async def note() -> None:
        nonlocal written
        text = json.dumps([asdict(record) for record in registry.records()])
        if text != written:
            await asyncio.to_thread(_write, file, text)
            written = text

    return repeating("noting how plugins are", note, _EVERY)


def noted(settings: Settings) -> tuple[PluginRecord, ...] | None:
    """Give the records of the plugins of a server that runs; None if none does."""
    if not in_use(settings.server.data):
        return None
    try:
        entries = json.loads(_file(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return tuple(PluginRecord(**entry | {"status": PluginStatus(entry["status"])}) for entry in entries)


def _file(settings: Settings) -> Path:
    return settings.server.data / "plugins.json"


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
