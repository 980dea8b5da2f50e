"""What happened on chain, as typed facts. The indexer reads them, keeps them, and takes them back on a reorg.

Amounts are whole numbers in the smallest unit: tokens are indivisible, coins are counted in their own base
unit (a 6-decimal stablecoin in millionths). `NATIVE_COIN` stands for the chain's own coin.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.types import Wallet, short_address

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import BlockNumber, Cid, Timestamp, TokenReference

ZERO_ADDRESS = Wallet("0x" + "00" * 20)
"""The zero address: minted tokens come from it."""

NATIVE_COIN = ZERO_ADDRESS
"""How contracts name the chain's own coin."""


@dataclass(frozen=True, slots=True)
class LogPosition:
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
    """The base class of all on-chain events.

    Attributes:
        PARTIES: the fields that name a wallet that took part.
    """

    PARTIES: ClassVar[tuple[str, ...]] = ()

    mark: LogPosition

    def parties(self) -> frozenset[Wallet]:
        """Return the wallets that took part, without the zero address."""
        return frozenset(getattr(self, name) for name in self.PARTIES) - {ZERO_ADDRESS}


@dataclass(frozen=True, slots=True)
class FilmCreated(ChainEvent):
    """A publisher registered a film. `royalty_receiver` gets the ERC-2981 royalty."""

    PARTIES = ("publisher",)
    token: TokenReference
    publisher: Wallet
    max_supply: int
    royalty_receiver: Wallet
    royalty_basis_points: int


@dataclass(frozen=True, slots=True)
class PackageChanged(ChainEvent):
    """A film's package was registered, or replaced by another one.

    Attributes:
        root: the package's root CID.
        manifest_sha256: digest of the package's manifest, lower-case hex.
    """

    token: TokenReference
    root: Cid
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class LadderChanged(ChainEvent):
    """A film has another rights ladder, or its first."""

    token: TokenReference
    ladder: RightsLadder


@dataclass(frozen=True, slots=True)
class TokensTransferred(ChainEvent):
    """Tokens changed hands. Minted ones come from `ZERO_ADDRESS`."""

    PARTIES = ("sender", "receiver")
    token: TokenReference
    sender: Wallet
    receiver: Wallet
    amount: int

    @property
    def minted(self) -> bool:
        """Whether these tokens are new."""
        return self.sender == ZERO_ADDRESS


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

    PARTIES = ("publisher",)
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

    PARTIES = ("seller",)
    token: TokenReference
    listing: int
    seller: Wallet
    quantity: int
    coin: Wallet
    unit_price: int


@dataclass(frozen=True, slots=True)
class ListingCancelled(ChainEvent):
    """A seller took back what was not sold."""

    PARTIES = ("seller",)
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

    PARTIES = ("buyer", "seller")
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
class StoreFeeChanged(ChainEvent):
    """The store takes this part of each later sale, in basis points, for `receiver`."""

    receiver: Wallet
    basis_points: int


@dataclass(frozen=True, slots=True)
class SplitterCreated(ChainEvent):
    """Somebody made a royalty splitter."""

    PARTIES = ("owner",)
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
    """The shares of a splitter's later income changed.

    Attributes:
        fingerprint: of the whole announcement, 0x and 64 hex digits: what a splitter answers to `splitHash()`
            as long as it holds (0xSplits v2). Empty when nobody knows it.
    """

    splitter: Wallet
    shares: tuple[Share, ...]
    fingerprint: str = field(default="", compare=False, repr=False)

    def parties(self) -> frozenset[Wallet]:
        """Return the recipients."""
        return frozenset(share.account for share in self.shares) - {ZERO_ADDRESS}


@dataclass(frozen=True, slots=True)
class IncomeCredited(ChainEvent):
    """A recipient's part of a splitter's income was set aside for it."""

    PARTIES = ("recipient",)
    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class PayoutMade(ChainEvent):
    """A splitter paid a recipient what was set aside."""

    PARTIES = ("recipient",)
    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    amount: int


EVENT_KINDS: tuple[type[ChainEvent], ...] = (
    FilmCreated,
    PackageChanged,
    LadderChanged,
    TokensTransferred,
    OfferChanged,
    OfferClosed,
    TokensListed,
    ListingCancelled,
    TokensSold,
    StoreFeeChanged,
    SplitterCreated,
    RecipientsChanged,
    IncomeCredited,
    PayoutMade,
)
"""Every kind of event that is read from the chain."""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which on-chain events to return or count.

    Attributes:
        kinds: event classes; empty for all.
        token: only events about this film's token.
        wallet: only events in which this wallet took part (see `ChainEvent.parties`).
        contract: only events of this royalty splitter.
        newest_first: whether to sort from the newest to the oldest by place on the chain.
        limit: most events to return. Ignored when counting, like `offset`.
        offset: events to skip.
    """

    kinds: Collection[type[ChainEvent]] = ()
    token: TokenReference | None = None
    wallet: Wallet | None = None
    contract: Wallet | None = None
    newest_first: bool = True
    limit: int = 100
    offset: int = 0


ALL_EVENTS = EventQuery()
"""All on-chain events, the newest 100 first."""


@dataclass(frozen=True, slots=True)
class Holder:
    """A wallet and how many tokens of a film it has."""

    wallet: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class RegisteredFilm:
    """A film as the registry knows it. `manifest_sha256` is lower-case hex."""

    token: TokenReference
    root: Cid
    manifest_sha256: str
    publisher: Wallet
    max_supply: int


@dataclass(frozen=True, slots=True)
class RegisteredFilms:
    """Films that were registered or changed.

    Attributes:
        step: where to ask on from.
        complete: whether the chain has been read once to its newest block.
    """

    films: tuple[RegisteredFilm, ...]
    step: int
    complete: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """A stretch of the feed of facts, in the order in which they came to be known.

    A fact that a reorg took back comes a second time, in `steps` with `added` False. Who adds up facts
    stores `cursor` in the same transaction as the sums, and asks on from there.
    """

    steps: tuple[EventChange, ...]
    cursor: int


@dataclass(frozen=True, slots=True)
class EventChange:
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

    def check_payee(self, address: Wallet, coins: Collection[Wallet] = ()) -> None:
        """Check that what is paid to an address can be taken out there again.

        Raises:
            InvalidValue: it is the address of one of these contracts, or of a coin.
        """
        fix = "Name a wallet, or a royalty splitter."
        if address in (self.registry, self.store, self.splitters):
            raise InvalidValue(
                f"{short_address(address)} is a contract that films are traded with. Money sent to it stays "
                "there for good.",
                fix=fix,
            )
        if address in coins:
            raise InvalidValue(
                f"{short_address(address)} is a coin. Money sent to it stays there for good.",
                fix=fix,
            )


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
