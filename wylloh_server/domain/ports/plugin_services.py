"""The library and the chain as plugins get them; services implement both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from wylloh_server.domain.chain_events import ALL_EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.chain_events import (
        ChainEvent,
        Coin,
        Contracts,
        EventPage,
        EventQuery,
        Holder,
        IndexState,
    )
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.library_item import LibraryItem
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.transcript import SubtitleText
    from wylloh_server.domain.types import FilmId, TokenReference, Wallet


class PluginLibrary(Protocol):
    """The films of this server."""

    async def films(self, viewer: Viewer | None) -> Sequence[LibraryItem]:
        """Return every film by title, with the viewer's holdings if a viewer is given."""

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> Sequence[LibraryItem]:
        """Return some films in the given order, without those that are gone; cheaper than `films`."""

    async def film(self, film_id: FilmId) -> Film:
        """Return a film.

        Raises:
            NotFound: there is no film with that id.
        """

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> SubtitleText | None:
        """Return the text of a film's subtitles in the first preferred language (BCP 47) it has, or in any.

        Only unencrypted subtitles of films that are here: those beside a film in its package, and for a film
        from a folder those beside or inside the file, which takes long to read. None if there are none.

        Raises:
            NotFound: there is no such film.
        """

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Return the tracks in the file of a film from a folder; takes about a second. None for other films.

        Raises:
            NotFound: there is no such film.
        """


class PluginChain(Protocol):
    """The chain: its history as this server has read it, and calls to contracts."""

    @property
    def contracts(self) -> Contracts:
        """The contracts named in the settings."""

    @property
    def explorer(self) -> str:
        """The URL of a block's page in a block explorer, with `{block}` in it; empty if there is none."""

    async def state(self) -> IndexState:
        """Return how far the chain has been read."""

    async def changes(
        self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int = 1000
    ) -> EventPage:
        """Return the events added, or removed by a reorg, after a cursor (0 for all). No kinds means all.

        `ChainAdvanced` is published when there are more.
        """

    async def history(self, query: EventQuery = ALL_EVENTS) -> tuple[ChainEvent, ...]:
        """Return events that hold now, by place on the chain.

        A query names any of `kinds`, the `token` of a film, a `wallet` that took part, a splitter as
        `contract`, `newest_first` (default), `limit` (default 100) and `offset`.
        """

    async def count(self, query: EventQuery = ALL_EVENTS) -> int:
        """Return the number of events that `history` returns without limit and offset."""

    async def holders(
        self, token: TokenReference, *, limit: int = 100, offset: int = 0
    ) -> tuple[Holder, ...]:
        """Return the wallets that hold tokens of a film, most first. The store holds what is for sale."""

    async def holder_count(self, token: TokenReference) -> int:
        """Return the number of wallets that hold tokens of a film."""

    async def read(
        self, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
    ) -> tuple[Any, ...]:
        """Call a view function: `("0x…", "quote(uint256,uint256)", (7, 2), ("address", "uint256"))`.

        Addresses are returned in lower case.

        Raises:
            ChainError: the call reverted (the message says why), or the chain cannot be reached.
        """

    async def is_contract(self, address: Wallet) -> bool:
        """Return whether there is a contract at an address. Raises ChainError."""

    async def coin(self, address: Wallet) -> Coin:
        """Return a coin's symbol and decimals, from the database after the first time."""

    async def balance(self, wallet: Wallet, coin: Wallet) -> int:
        """Return a wallet's balance of a coin, `NATIVE_COIN` included."""
