"""What the server remembers. Repositories, one for each kind of thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wylloh_server.domain.access import Receipt, Role, Session
    from wylloh_server.domain.film import Film, FilmState
    from wylloh_server.domain.groups import Group
    from wylloh_server.domain.license import DeviceBinding, Envelope
    from wylloh_server.domain.playback import Position
    from wylloh_server.domain.ports.history import ChainIndex, Coins, History
    from wylloh_server.domain.ports.publishing import Requests, Titles
    from wylloh_server.domain.ports.transactions import Transactions
    from wylloh_server.domain.task import Task, TaskId
    from wylloh_server.domain.types import DeviceId, FilmId, SessionId, Timestamp, TokenReference, Wallet


class Films(Protocol):
    """The library's films."""

    async def save(self, film: Film) -> None:
        """Add a film or replace what was known of it."""

    async def get(self, film: FilmId) -> Film | None:
        """Find a film by id."""

    async def by_token(self, token: TokenReference) -> Film | None:
        """Find a film by its token."""

    async def all(self) -> tuple[Film, ...]:
        """Give every film, by title."""

    async def some(self, wanted: Collection[FilmId]) -> tuple[Film, ...]:
        """Find those that are here of some films, in no order."""

    async def in_state(self, state: FilmState) -> tuple[Film, ...]:
        """Give the films in a state, in no order."""

    async def remove(self, film: FilmId) -> None:
        """Forget a film."""


class Accounts(Protocol):
    """Wallets known here and their roles."""

    async def role(self, wallet: Wallet) -> Role | None:
        """Give a wallet's role, None if it never signed in."""

    async def save(self, wallet: Wallet, role: Role) -> None:
        """Set a wallet's role."""

    async def remove(self, wallet: Wallet) -> None:
        """Forget a wallet, unless it is the owner's."""

    async def owned(self) -> bool:
        """Say whether somebody owns this server."""

    async def claim(self, wallet: Wallet) -> bool:
        """Make the wallet owner if there is none; atomic. False if somebody owns the server already."""

    async def all(self) -> tuple[tuple[Wallet, Role], ...]:
        """Give every account."""


class Sessions(Protocol):
    """Signed-in browsers and TVs, by hash of their secret."""

    async def save(self, session: Session) -> None:
        """Add or replace a session."""

    async def touch(self, session: SessionId, seen: Timestamp) -> None:
        """Note that a session was used; one that has ended stays ended."""

    async def get(self, session: SessionId) -> Session | None:
        """Find a session."""

    async def of_wallet(self, wallet: Wallet) -> tuple[Session, ...]:
        """Give a wallet's sessions, newest first."""

    async def remove(self, device: DeviceId) -> None:
        """End every session of a device."""


class Cursors(Protocol):
    """Small named numbers that survive a restart, such as the next block to read."""

    async def get(self, name: str) -> int | None:
        """Read a number."""

    async def put(self, name: str, value: int) -> None:
        """Store a number."""


class Bindings(Protocol):
    """Which wallets let this server fetch keys for them."""

    async def save(self, binding: DeviceBinding) -> None:
        """Store a wallet's binding, replacing an older one."""

    async def get(self, wallet: Wallet) -> DeviceBinding | None:
        """Find a wallet's binding."""

    async def all(self) -> tuple[DeviceBinding, ...]:
        """Give every binding."""


class Envelopes(Protocol):
    """Envelopes this server holds."""

    async def save(self, envelope: Envelope) -> None:
        """Store an envelope, replacing the one for the same token, wallet and right."""

    async def find(self, token: TokenReference, wallet: Wallet, right: str) -> Envelope | None:
        """Find the envelope for a token, wallet and right."""

    async def any_for(self, token: TokenReference) -> Envelope | None:
        """Find the longest-lasting envelope for a token, whoever it is for."""


class Receipts(Protocol):
    """Decision receipts, kept for good."""

    async def add(self, receipt: Receipt) -> None:
        """Record a decision."""

    async def latest(self, film: FilmId, wallet: Wallet) -> Receipt | None:
        """Give the newest decision."""

    async def recent(self, limit: int) -> tuple[Receipt, ...]:
        """Give the newest decisions, newest first."""


class Positions(Protocol):
    """How far each wallet has watched each film."""

    async def save(self, wallet: Wallet, position: Position) -> None:
        """Store how far."""

    async def of_wallet(self, wallet: Wallet) -> tuple[Position, ...]:
        """Give all, newest first."""


class Groups(Protocol):
    """Named groups of each wallet's stack of each film."""

    async def of_stack(self, wallet: Wallet, film: FilmId) -> tuple[Group, ...]:
        """Give the groups of a stack, oldest first."""

    async def put(self, wallet: Wallet, film: FilmId, groups: Sequence[Group]) -> None:
        """Replace the groups of a stack."""


class Tasks(Protocol):
    """Background tasks as people see them."""

    async def add(self, task: Task, arguments: Mapping[str, Any]) -> None:
        """Add a task and what it was started with, which JSON can write."""

    async def save(self, task: Task) -> bool:
        """Replace what is known of a task; False if it has ended or is gone, and then nothing changes."""

    async def get(self, task: TaskId) -> Task | None:
        """Find a task."""

    async def arguments(self, task: TaskId) -> dict[str, Any]:
        """Give what a task was started with; nothing if there is no such task."""

    async def all(self, wallet: Wallet | None = None) -> tuple[Task, ...]:
        """Give every task, or only those a wallet started; newest first."""

    async def unfinished(self) -> tuple[Task, ...]:
        """Give the tasks that have not ended, newest first."""

    async def clear(self, wallet: Wallet | None = None) -> None:
        """Forget the tasks that have ended: every one, or only those a wallet started."""


@dataclass(frozen=True, slots=True)
class PluginRows:
    """Rows a plugin asked for: column names, and one tuple of plain values a row."""

    columns: tuple[str, ...]
    rows: tuple[tuple[object, ...], ...]


class PluginTables(Protocol):
    """One plugin's tables, all named `plugin_<name>_…`. Statements on other tables are refused.

    Statements are SQLAlchemy Core expressions (`select`, `insert`, `update`, `delete`).
    """

    async def fetch(self, statement: object) -> PluginRows:
        """Run a select.

        Raises:
            PluginError: the statement touches a table that is not the plugin's.
        """

    async def change(self, statements: Sequence[object]) -> None:
        """Run changes in one transaction.

        A pair `(statement, rows)` runs the statement once for each row, a mapping of names of its columns or
        of its `bindparam`s to values: many times quicker than as many statements.
        """


class PluginDatabase(Protocol):
    """Where plugins keep their tables."""

    async def migrate(self, plugin: str, migrations: Sequence[Migration]) -> None:
        """Run those of a plugin's migrations that have not run here yet, by name.

        They run on a copy first, then, in one transaction, on the data.

        Raises:
            PluginError: a statement failed, or touches a table that is not the plugin's. The data is as it
                was.
        """

    async def strays(self, plugin: str, migrations: Sequence[Migration]) -> tuple[str, ...]:
        """Give the tables named for a plugin that these migrations did not make, by name."""

    def tables(self, plugin: str) -> PluginTables:
        """Give one plugin its tables."""


@dataclass(frozen=True, slots=True)
class Storage:
    """All repositories of one database."""

    films: Films
    accounts: Accounts
    sessions: Sessions
    cursors: Cursors
    bindings: Bindings
    envelopes: Envelopes
    receipts: Receipts
    positions: Positions
    history: History
    chain_index: ChainIndex
    coins: Coins
    tasks: Tasks
    titles: Titles
    requests: Requests
    transactions: Transactions
    groups: Groups


@dataclass(frozen=True, slots=True)
class Migration:
    """One step of a plugin's tables: a name that sorts, and the SQLAlchemy DDL elements it runs."""

    name: str
    statements: tuple[object, ...]
