"""Opens the database, brings its tables up to date and hands out what works on them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.database._chain_history import HistoryTables
from wylloh_server.adapters.database._chain_index import ChainIndexTables
from wylloh_server.adapters.database._coins import CoinTable
from wylloh_server.adapters.database._connections import Connections
from wylloh_server.adapters.database._engine import engine_for
from wylloh_server.adapters.database._films import FilmTable
from wylloh_server.adapters.database._groups import GroupTable
from wylloh_server.adapters.database._history import PositionTable, ReceiptTable
from wylloh_server.adapters.database._licences import BindingTable, EnvelopeTable
from wylloh_server.adapters.database._migrate import migrate
from wylloh_server.adapters.database._people import AccountTable, SessionTable
from wylloh_server.adapters.database._plugins import PluginSchemas
from wylloh_server.adapters.database._progress import CursorTable
from wylloh_server.adapters.database._publishing import RequestTable, TitleTable
from wylloh_server.adapters.database._tasks import TaskTable
from wylloh_server.adapters.database._transactions import TransactionTable
from wylloh_server.domain.ports.storage import Storage
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from wylloh_server.domain.ports.storage import PluginDatabase

BUSY_SECONDS = Seconds(10)
"""How long a write waits for another process that is writing to the same SQLite file."""


class Database:
    """An open database with its core tables up to date: `storage` for the core, `plugins` for plugins."""

    def __init__(self, connections: Connections) -> None:
        self.storage = Storage(
            films=FilmTable(connections),
            accounts=AccountTable(connections),
            sessions=SessionTable(connections),
            cursors=CursorTable(connections),
            bindings=BindingTable(connections),
            envelopes=EnvelopeTable(connections),
            receipts=ReceiptTable(connections),
            positions=PositionTable(connections),
            history=HistoryTables(connections),
            chain_index=ChainIndexTables(connections),
            coins=CoinTable(connections),
            tasks=TaskTable(connections),
            titles=TitleTable(connections),
            requests=RequestTable(connections),
            transactions=TransactionTable(connections),
            groups=GroupTable(connections),
        )
        self.plugins: PluginDatabase = PluginSchemas(connections)


@asynccontextmanager
async def open_database(place: str | Path, *, busy: Seconds = BUSY_SECONDS) -> AsyncIterator[Database]:
    """Open a database until the context ends, bringing its core tables up to date first.

    Args:
        place: a SQLite file, or a URL: `sqlite:///file` or `postgresql://user:password@host/name`.
        busy: how long to wait for another process that is writing.

    Raises:
        SettingsError: the URL names no database this server works with.
        StorageError: the database cannot be opened, or a newer version made it.
    """
    engine = engine_for(place, busy)
    try:
        connections = Connections(engine)
        await migrate(connections)
        yield Database(connections)
    finally:
        await engine.dispose()
