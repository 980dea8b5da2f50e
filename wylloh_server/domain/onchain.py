"""What happened on chain, as typed facts. The indexer reads them, keeps them, and takes them back on a reorg.

Amounts are whole numbers in the smallest unit: tokens are indivisible, coins are counted in their own base
unit (a 6-decimal stablecoin in millionths). `NATIVE_COIN` stands for the chain's own coin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.types import Wallet

if TYPE_CHECKING:
    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import BlockNumber, Timestamp, TokenReference

NOBODY = Wallet("0x" + "00" * 20)
"""The zero address: minted tokens come from it."""

NATIVE_COIN = NOBODY
"""How contracts name the chain's own coin."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Where on the chain something stands.

    Attributes:
        block_hash: of that block, 0x and 64 hex digits.
        transaction: its hash, 0x and 64 hex digits.
        index: of the log within the block.
        at: the block's own time.
    """

    block: BlockNumber
    block_hash: str
    transaction: str
    index: int
    at: Timestamp


@dataclass(frozen=True, slots=True)
class ChainEvent:
    """The root of all facts on chain."""

    mark: Mark


@dataclass(frozen=True, slots=True)
class FilmCreated(ChainEvent):
    """A publisher registered a film. `royalty_receiver` gets the ERC-2981 royalty."""

    token: TokenReference
    publisher: Wallet
    max_supply: int
    royalty_receiver: Wallet
    royalty_basis_points: int


@dataclass(frozen=True, slots=True)
class LadderChanged(ChainEvent):
    """A film has another rights ladder, or its first."""

    token: TokenReference
    ladder: RightsLadder


@dataclass(frozen=True, slots=True)
class TokensMoved(ChainEvent):
    """Tokens changed hands. Minted ones come from `NOBODY`."""

    token: TokenReference
    sender: Wallet
    receiver: Wallet
    amount: int

    @property
    def minted(self) -> bool:
        """Whether these tokens are new."""
        return self.sender == NOBODY


@dataclass(frozen=True, slots=True)
class PriceStep:
    """From `quantity` tokens in one purchase on, one costs `unit_price`."""

    quantity: int
    unit_price: int


@dataclass(frozen=True, slots=True)
class OfferChanged(ChainEvent):
    """A publisher set the price of a film's first sale.

    Attributes:
        payee: who gets the money, less the store's fee.
        presale_from: when the presale begins; equal to `sale_from` when there is none.
        sale_from: when the regular sale begins.
        steps: regular prices, quantities rising from 1.
    """

    token: TokenReference
    publisher: Wallet
    payee: Wallet
    coin: Wallet
    presale_from: Timestamp
    sale_from: Timestamp
    presale_price: int
    steps: tuple[PriceStep, ...]


@dataclass(frozen=True, slots=True)
class OfferClosed(ChainEvent):
    """A film's first sale ended."""

    token: TokenReference


@dataclass(frozen=True, slots=True)
class TokensListed(ChainEvent):
    """A holder put tokens up for resale; the store keeps them until sold or taken back."""

    token: TokenReference
    listing: int
    seller: Wallet
    quantity: int
    coin: Wallet
    unit_price: int


@dataclass(frozen=True, slots=True)
class ListingCancelled(ChainEvent):
    """A seller took back what was not sold."""

    token: TokenReference
    listing: int
    seller: Wallet
    quantity: int


@dataclass(frozen=True, slots=True)
class TokensSold(ChainEvent):
    """Somebody bought tokens: from the publisher (`listing` is 0), or from a holder who had listed them.

    Attributes:
        total: what the buyer paid in all; seller's part = total - fee - royalty.
        fee: the store's part.
        royalty: the part of `royalty_receiver`; 0 on a first sale.
        presale: whether it was sold before its regular sale began.
    """

    token: TokenReference
    buyer: Wallet
    seller: Wallet
    listing: int
    quantity: int
    coin: Wallet
    total: int
    fee: int
    royalty_receiver: Wallet
    royalty: int
    presale: bool


@dataclass(frozen=True, slots=True)
class SplitterCreated(ChainEvent):
    """Somebody made a royalty splitter."""

    splitter: Wallet
    owner: Wallet


@dataclass(frozen=True, slots=True)
class Share:
    """One recipient's part of a splitter's income; `role` is empty where the contract knows none."""

    account: Wallet
    basis_points: int
    role: str = ""


@dataclass(frozen=True, slots=True)
class RecipientsChanged(ChainEvent):
    """A splitter divides later income in this way.

    Attributes:
        fingerprint: of the whole announcement, 0x and 64 hex digits: what a splitter answers to `splitHash()`
            as long as it holds (0xSplits v2). Empty when nobody knows it.
    """

    splitter: Wallet
    shares: tuple[Share, ...]
    fingerprint: str = field(default="", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IncomeCredited(ChainEvent):
    """A recipient's part of a splitter's income was set aside for it."""

    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class PayoutMade(ChainEvent):
    """A splitter paid a recipient what was set aside."""

    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class Holder:
    """A wallet and how many tokens of a film it has."""

    wallet: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class Changes:
    """A stretch of the feed of facts, in the order in which they came to be known.

    A fact that a reorg took back comes a second time, in `steps` with `added` False. Who adds up facts
    stores `cursor` in the same transaction as the sums, and asks on from there.
    """

    steps: tuple[Change, ...]
    cursor: int


@dataclass(frozen=True, slots=True)
class Change:
    """One step of the feed: a fact that holds now, or (`added` False) no longer does."""

    event: ChainEvent
    added: bool


@dataclass(frozen=True, slots=True)
class IndexState:
    """How far the chain has been read.

    Attributes:
        block: the last block read; None before the first.
        at: that block's time.
        final: blocks up to this one can no longer be taken back.
        head: the chain's newest block when it was last asked.
    """

    block: BlockNumber | None
    at: Timestamp | None
    final: BlockNumber | None
    head: BlockNumber | None


NOTHING_READ = IndexState(None, None, None, None)
"""How it is before the first block."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """The contracts this server reads; None where the settings name none."""

    registry: Wallet | None
    store: Wallet | None
    splitters: Wallet | None


@dataclass(frozen=True, slots=True)
class Coin:
    """A coin as people see it; `permits` tells whether ERC-2612 permits work."""

    address: Wallet
    symbol: str
    decimals: int
    permits: bool

    def written(self, amount: int) -> str:
        """Write an amount: `4.99 USDC`; at least two decimals, all that are needed, exact."""
        whole, part = divmod(abs(amount), 10**self.decimals)
        digits = f"{part:0{self.decimals}d}".rstrip("0").ljust(2, "0") if self.decimals else ""
        return f"{'-' if amount < 0 else ''}{whole:,}{'.' if digits else ''}{digits} {self.symbol}"
