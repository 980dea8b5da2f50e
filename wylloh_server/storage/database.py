"""Opens the database, brings its tables up to date and hands out what works on them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Seconds
from wylloh_server.storage.accounts import AccountRepository
from wylloh_server.storage.binding_revocations import BindingRevocationRepository
from wylloh_server.storage.bindings import BindingRepository
from wylloh_server.storage.chain_films import ChainFilmRepository
from wylloh_server.storage.chain_history import ChainHistoryRepository
from wylloh_server.storage.chain_index import ChainIndexRepository
from wylloh_server.storage.coin_metadata import CoinRepository
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.cursors import CursorRepository
from wylloh_server.storage.engine import engine_for
from wylloh_server.storage.envelopes import EnvelopeRepository
from wylloh_server.storage.film_versions import FilmVersionRepository
from wylloh_server.storage.films import FilmRepository
from wylloh_server.storage.holder_servers import HolderServerRepository
from wylloh_server.storage.key_faults import KeyFaultRepository
from wylloh_server.storage.media_indexes import MediaIndexRepository
from wylloh_server.storage.migrate import migrate
from wylloh_server.storage.owner_requests import OwnerRequestRepository
from wylloh_server.storage.personal_data import PersonalDataRepository
from wylloh_server.storage.plugin_schemas import PluginSchemas
from wylloh_server.storage.positions import PositionRepository
from wylloh_server.storage.preferences import PlayerPreferencesRepository
from wylloh_server.storage.receipts import ReceiptRepository
from wylloh_server.storage.sessions import SessionRepository
from wylloh_server.storage.stack_groups import StackGroupRepository
from wylloh_server.storage.stacks import StackRepository
from wylloh_server.storage.tasks import TaskRepository
from wylloh_server.storage.terms_of_use import TermsOfUseRepository
from wylloh_server.storage.titles import TitleRepository
from wylloh_server.storage.transactions import TransactionRepository
from wylloh_server.storage.voting_plugins import VotingPluginRepository

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


BUSY_SECONDS = Seconds(10)
"""How long a write waits for another process that is writing to the same SQLite file."""


@dataclass(frozen=True, slots=True)
class Storage:
    """All repositories of one database."""

    films: FilmRepository
    versions: FilmVersionRepository
    accounts: AccountRepository
    sessions: SessionRepository
    cursors: CursorRepository
    bindings: BindingRepository
    revocations: BindingRevocationRepository
    holder_servers: HolderServerRepository
    envelopes: EnvelopeRepository
    key_faults: KeyFaultRepository
    receipts: ReceiptRepository
    media_indexes: MediaIndexRepository
    positions: PositionRepository
    preferences: PlayerPreferencesRepository
    personal_data: PersonalDataRepository
    history: ChainHistoryRepository
    chain_index: ChainIndexRepository
    chain_films: ChainFilmRepository
    coins: CoinRepository
    tasks: TaskRepository
    titles: TitleRepository
    requests: OwnerRequestRepository
    transactions: TransactionRepository
    groups: StackGroupRepository
    stacks: StackRepository
    terms_of_use: TermsOfUseRepository
    voting_plugins: VotingPluginRepository


class Database:
    """An open database with its core tables up to date: `storage` for the core, `plugins` for plugins."""

    def __init__(self, connections: Connections) -> None:
        self.storage = Storage(
            films=FilmRepository(connections),
            versions=FilmVersionRepository(connections),
            accounts=AccountRepository(connections),
            sessions=SessionRepository(connections),
            cursors=CursorRepository(connections),
            bindings=BindingRepository(connections),
            revocations=BindingRevocationRepository(connections),
            holder_servers=HolderServerRepository(connections),
            envelopes=EnvelopeRepository(connections),
            key_faults=KeyFaultRepository(connections),
            receipts=ReceiptRepository(connections),
            media_indexes=MediaIndexRepository(connections),
            positions=PositionRepository(connections),
            preferences=PlayerPreferencesRepository(connections),
            personal_data=PersonalDataRepository(connections),
            history=ChainHistoryRepository(connections),
            chain_index=ChainIndexRepository(connections),
            chain_films=ChainFilmRepository(connections),
            coins=CoinRepository(connections),
            tasks=TaskRepository(connections),
            titles=TitleRepository(connections),
            requests=OwnerRequestRepository(connections),
            transactions=TransactionRepository(connections),
            groups=StackGroupRepository(connections),
            stacks=StackRepository(connections),
            terms_of_use=TermsOfUseRepository(connections),
            voting_plugins=VotingPluginRepository(connections),
        )
        self.plugins = PluginSchemas(connections)


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
    connections = Connections(engine_for(place, busy))
    try:
        await migrate(connections)
        yield Database(connections)
    finally:
        await connections.close()
