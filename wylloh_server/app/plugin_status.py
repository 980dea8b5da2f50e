"""Notes how plugins are, in a file for commands that run beside the server; and who votes, in the database.

The database is what counts, as a lock that vanishes goes on denying: it is backed up, and written whole or
not at all. The file may be lost.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from wylloh_server.app.instance_lock import is_running
from wylloh_server.domain.plugin_record import PluginRecord, PluginStatus
from wylloh_server.domain.types import Seconds
from wylloh_server.services.operations.scheduler import run_periodically
from wylloh_server.storage import open_database
from wylloh_server.storage.engine import sqlite_file

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from wylloh_server.config import Settings
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.storage.voting_plugins import VotingPluginRepository

_EVERY = Seconds(1)


def write_plugin_status(
    settings: Settings, registry: PluginRegistry, voters: VotingPluginRepository
) -> AbstractAsyncContextManager[None]:
    """Keep the records of all plugins, and who votes, up to date until the context ends."""
    file, written = _file(settings), ""
    voting: frozenset[str] | None = None

    async def note() -> None:
        nonlocal written, voting
        records = registry.records()
        names = frozenset(record.name for record in records if record.votes)
        if names != voting:
            await voters.replace(names)
            voting = names
        text = json.dumps([asdict(record) for record in records])
        if text != written:
            await asyncio.to_thread(_write, file, text)
            written = text

    return run_periodically("noting how plugins are", note, _EVERY)


def noted(settings: Settings) -> tuple[PluginRecord, ...] | None:
    """Return the records of the plugins of a server that runs; None if none does."""
    if not is_running(settings.server.data):
        return None
    try:
        entries = json.loads(_file(settings).read_text(encoding="utf-8"))
        return tuple(
            PluginRecord(
                **entry | {"status": PluginStatus(entry["status"]), "closed": tuple(entry["closed"])}
            )
            for entry in entries
        )
    except (OSError, ValueError, TypeError, KeyError):
        return None


def noted_voters(settings: Settings) -> tuple[str, ...]:
    """Return the plugins that had a say in who may watch, as far as the file knows."""
    try:
        entries = json.loads(_file(settings).read_text(encoding="utf-8"))
        return tuple(str(entry["name"]) for entry in entries if entry.get("votes"))
    except (OSError, ValueError, TypeError, AttributeError, KeyError):
        return ()  # the server has not run yet, or the file is damaged


async def known_voters(settings: Settings) -> frozenset[str]:
    """Return the plugins that had a say in who may watch when the server ran last."""
    file = sqlite_file(settings.database_url)
    if file is not None and not file.exists():
        return frozenset(noted_voters(settings))
    async with open_database(settings.database_url) as database:
        return await database.storage.voting_plugins.all() | set(noted_voters(settings))


def _file(settings: Settings) -> Path:
    return settings.server.data / "plugins.json"


def _write(file: Path, text: str) -> None:
    new = file.with_name(f".{file.name}")
    new.write_text(text, encoding="utf-8")
    new.replace(file)
