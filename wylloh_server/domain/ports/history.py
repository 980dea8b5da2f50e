"""What this server keeps of the chain's history: the indexer writes it, pages and plugins ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.domain.onchain import ChainEvent, Changes, Coin, Holder, IndexState
    from wylloh_server.domain.ports.chain import BlockHeader, ChainHead, Stretch
    from wylloh_server.domain.types import BlockNumber, TokenReference, Wallet


class History(Protocol):
    """Facts that hold now, the feed of how they came and went, and who holds what by them."""

    async def state(self) -> IndexState:
        """Say how far the chain has been read."""

    async def changes(self, after: int, *, kinds: Collection[type[ChainEvent]] = (), limit: int) -> Changes:
        """Give what became known, or was taken back, after a cursor. No kinds means all."""

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
        """Give facts that hold now, by place on the chain. `contract` is a splitter."""

    async def count(
        self,
        *,
        kinds: Collection[type[ChainEvent]] = (),
        token: TokenReference | None = None,
        wallet: Wallet | None = None,
        contract: Wallet | None = None,
    ) -> int:
        """Count what `history` would give without limit."""

    async def holders(self, token: TokenReference, *, limit: int, offset: int = 0) -> tuple[Holder, ...]:
        """Give who holds tokens of a film, most first, then by address."""

    async def holder_count(self, token: TokenReference) -> int:
        """Count the wallets that hold tokens of a film."""


class ChainIndex(Protocol):
    """The indexer's side of the history. Each method is one transaction: done or not done at all.

    Kept are the header of the last block read, of every block in which something happened, and of blocks that
    are not final yet; by comparing these with the chain's, the indexer finds where a reorg began.
    """

    async def devote(self, subject: str) -> int:
        """Say which chain and contracts the history is of. If it was another, all of it is taken back.

        Gives the number of facts taken back.
        """

    async def kept(self, limit: int, below: BlockNumber | None = None) -> tuple[BlockHeader, ...]:
        """Give headers of blocks read, newest first, only those below a number if one is given."""

    async def splitters(self) -> frozenset[Wallet]:
        """Give the splitters that are followed."""

    async def extend(self, stretch: Stretch, head: ChainHead) -> None:
        """Add what a stretch of blocks says.

        Raises:
            StorageError: the history does not end where the stretch begins, because somebody else changed it.
        """

    async def roll_back(self, to: BlockNumber | None) -> int:
        """Take back what happened after a block, or everything; gives the number of facts taken back."""

    async def look(self, head: ChainHead) -> None:
        """Note what the chain's newest and final blocks are."""


class Coins(Protocol):
    """Coins whose names were read once."""

    async def get(self, address: Wallet) -> Coin | None:
        """Find a coin."""

    async def keep(self, coin: Coin) -> None:
        """Keep a coin."""
