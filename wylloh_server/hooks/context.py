"""What a plugin is handed: its own context and nothing else of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.onchain import (
        ChainEvent,
        Changes,
        Coin,
        Contracts,
        Holder,
        IndexState,
    )
    from wylloh_server.domain.ports.storage import PluginDatabase, PluginTables
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.rights import Stack
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.transaction import Proposal, TransactionId
    from wylloh_server.domain.types import FilmId, TokenReference, Wallet
    from wylloh_server.domain.words import FilmWords


class PluginLog(Protocol):
    """The plugin's own logger: a short sentence, and fields by name."""

    def info(self, event: str, **fields: object) -> None:
        """Note something worth knowing."""

    def warning(self, event: str, **fields: object) -> None:
        """Note something that may need somebody."""

    def error(self, event: str, **fields: object) -> None:
        """Note a failure."""


class FilmCard(Protocol):
    """A film as one viewer's library shows it. Templates draw it with the theme's macro `film_card`."""

    @property
    def film(self) -> Film:
        """The film."""

    @property
    def stack(self) -> Stack | None:
        """What the viewer holds of it, and its ladder; None for a film from a folder, or a silent chain."""


class PluginLibrary(Protocol):
    """The library, as far as plugins see it."""

    async def films(self, viewer: Viewer | None) -> Sequence[FilmCard]:
        """Give every film by title, with what the viewer holds of it; None asks for nobody in particular."""

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> Sequence[FilmCard]:
        """Give some films in the order asked for, those that are gone left out; cheaper than all of them."""

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> FilmWords | None:
        """Give what is said in a film, in the first preferred language (BCP 47) that it has, else in any.

        Only of films that are here, and only what is in the clear: subtitles that lie beside a film in its
        package, and for a film from a folder those beside it or inside it. Reading the latter takes long.
        None when there are none.

        Raises:
            NotFound: there is no such film.
        """

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Look into the file of a film from a folder of this server; takes about a second. None for others.

        Raises:
            NotFound: there is no such film.
        """


class PluginChain(Protocol):
    """The chain: its history as this server has read and kept it, and questions to contracts."""

    @property
    def contracts(self) -> Contracts:
        """The contracts the settings name."""

    @property
    def explorer(self) -> str:
        """The address of a block's page in a block explorer, with `{block}` in it; empty if there is none."""

    async def state(self) -> IndexState:
        """Say how far the chain has been read."""

    async def changes(
        self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int = 1000
    ) -> Changes:
        """Give what became known, or was taken back, after a cursor (0 from the beginning).

        The event `ChainAdvanced` says when there is more. No kinds means all.
        """

    async def history(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
        newest_first: bool = True,
        limit: int = 100,
        offset: int = 0,
    ) -> tuple[ChainEvent, ...]:
        """Give facts that hold now, by place on the chain.

        `wallet` asks only for those in which it took part: as sender, receiver, buyer, seller, recipient,
        publisher or owner. `contract` asks only for those of one splitter.
        """

    async def count(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
    ) -> int:
        """Count what `history` would give without limit."""

    async def holders(
        self, token: TokenReference, *, limit: int = 100, offset: int = 0
    ) -> tuple[Holder, ...]:
        """Give who holds tokens of a film, most first. The store holds what is for sale."""

    async def holder_count(self, token: TokenReference) -> int:
        """Count the wallets that hold tokens of a film."""

    async def read(
        self, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
    ) -> tuple[Any, ...]:
        """Ask a contract, for example `("0x…", "quote(uint256,uint256)", (7, 2), ("address", "uint256"))`.

        Addresses come back lower case. Raises ChainError: it refused (the message says why), or the chain
        cannot be asked.
        """

    async def is_contract(self, address: Wallet) -> bool:
        """Say whether there is a contract at an address, not just a wallet. Raises ChainError."""

    async def coin(self, address: Wallet) -> Coin:
        """Give a coin's symbol and decimals; kept after the first time."""

    async def balance(self, wallet: Wallet, coin: Wallet) -> int:
        """Give what a wallet has of a coin, `NATIVE_COIN` included."""


class PluginTransactions(Protocol):
    """Transactions for the viewer's own wallet. The server prepares; only the wallet signs."""

    async def propose(self, viewer: Viewer, proposal: Proposal) -> TransactionId:
        """Try the proposal's first call on the chain and keep it; send people to `/transactions/<id>`.

        Raises:
            InvalidValue: the contracts would refuse it; the sentence is from `refusals` if it has one.
            ChainError: the chain cannot be asked.
        """


class PluginTasks(Protocol):
    """Background tasks of the kinds the plugin has declared."""

    async def start(
        self, kind: str, title: str, arguments: Mapping[str, Any], viewer: Viewer | None = None
    ) -> TaskId:
        """Start a task; people see it on `/tasks`. `arguments` is JSON and is kept with it.

        Raises:
            PluginError: the plugin has not declared this kind.
        """


class TransactionKeeper(Protocol):
    """Keeps transactions; `services.transactions.TransactionDesk` does."""

    async def propose(self, viewer: Viewer, proposal: Proposal, plugin: str = "") -> TransactionId:
        """Try the proposal's first call on the chain and keep it, as `PluginTransactions.propose`."""


class TaskStarter(Protocol):
    """Keeps background tasks; `services.tasks.TaskDesk` does."""

    async def start(
        self, kind: str, title: str, arguments: Mapping[str, Any], wallet: Wallet | None = None
    ) -> TaskId:
        """Start a task `<plugin>.<kind>`, or keep it until the server runs."""


class PluginLive(Protocol):
    """Tells open pages that something changed, so that they draw it anew without a reload.

    An element `<section id="stack" data-live="film:<id> plugin:store">` is fetched again when one of its
    topics changes.
    """

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Tell every open page, or only those of one wallet. Never blocks."""

    def notify(self, wallet: Wallet, sentence: str, link: str = "") -> None:
        """Show a sentence on the open pages of a wallet."""


@dataclass(frozen=True, slots=True)
class PluginContext:
    """One plugin's view of the server.

    Attributes:
        settings: every declared setting, checked, by name.
        tables: the plugin's own tables, migrated.
        emit: publish an event of one of the plugin's own `event_types`; never blocks.
            Raises PluginError for a type the plugin has not declared.
    """

    name: str
    settings: Mapping[str, Any]
    log: PluginLog
    tables: PluginTables
    library: PluginLibrary
    emit: Callable[[Event], None]
    chain: PluginChain
    transactions: PluginTransactions
    tasks: PluginTasks
    live: PluginLive


@dataclass(frozen=True, slots=True)
class PluginServices:
    """What the composition root gives the registry to make contexts of."""

    database: PluginDatabase
    library: PluginLibrary
    publish: Callable[[Event], None]
    chain: PluginChain
    transactions: TransactionKeeper
    tasks: TaskStarter
    live: PluginLive
