"""The chain: what was registered, who holds what, and whose signature this is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from wylloh_server.domain.chain_events import ChainEvent
    from wylloh_server.domain.rights import RightsStatus
    from wylloh_server.domain.types import BlockNumber, Timestamp, TokenReference, Wallet


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One RPC: its address without credentials, whether it is usable, and what is wrong with it."""

    url: str
    usable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChainStatus:
    """The chain as seen from here. `reason` and `fix` are empty when everything works."""

    usable: bool
    block: BlockNumber | None
    nodes: tuple[NodeStatus, ...]
    reason: str = ""
    fix: str = ""


class Chain(Protocol):
    """Asks the chain itself, at its newest block. Pages read the projections of its events instead.

    What decides over a licence, a key or a session never rests on one node where several are configured, nor
    on an old block.

    Wallet signatures are checked here too: those of accounts by recovery (low-s only) without asking anybody,
    those of contract wallets by EIP-1271.
    """

    async def status(self) -> ChainStatus:
        """Return how the chain is; never raises."""

    async def rights(self, wallet: Wallet, token: TokenReference, *, confirmations: int = 0) -> RightsStatus:
        """Return a wallet's stack of a film now, for a licence decision.

        Counted are tokens that it also held `confirmations` blocks earlier.

        Raises:
            ChainUnavailable, WrongChain, NoContract: the chain cannot be asked.
            NotFound: the registry knows no such film (any more: a block can be taken back).
        """

    def checksummed(self, wallet: Wallet) -> str:
        """Write an address with its EIP-55 checksum, as people and EIP-4361 messages expect it."""

    async def signed_message(self, wallet: Wallet, text: str, signature: str) -> bool:
        """Return whether `wallet` signed this EIP-191 personal message. `signature` is hex with 0x.

        Raises:
            ChainUnavailable, WrongChain, NoContract: only the chain could tell, and it cannot be asked.
        """

    def manifest_request(self, token: TokenReference, sha256: str) -> dict[str, Any]:
        """Return the EIP-712 data with which a publisher's wallet signs a manifest, ready for JSON."""

    async def signed_manifest(
        self, publisher: Wallet, token: TokenReference, sha256: str, signature: str
    ) -> bool:
        """Return whether `publisher` signed this manifest digest (EIP-712). Raises like `signed_message`."""


@dataclass(frozen=True, slots=True)
class BlockHeader:
    """What names a block: its height, its hash (0x and 64 hex digits) and its own time."""

    number: BlockNumber
    hash: str
    at: Timestamp


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest block, and the number up to which no block can be taken back any more."""

    newest: BlockHeader
    final: BlockNumber


@dataclass(frozen=True, slots=True)
class BlockRange:
    """What some blocks in a row say.

    Attributes:
        first: the first of these blocks.
        parent: hash of the block before it; empty where `first` is 0.
        blocks: headers of the blocks in which something happened, and of the last of the stretch; ascending.
        events: by place on the chain. Those of splitters named here for the first time reach back before
            `first`, to wherever they began.
        splitters: those, each with the block that named it.
        late: a block before `first` that tells more now than when it was read, if there is one: everything
            from it on must be taken back and read again.
    """

    first: BlockNumber
    parent: str
    blocks: tuple[BlockHeader, ...]
    events: tuple[ChainEvent, ...] = ()
    splitters: Mapping[Wallet, BlockNumber] = field(default_factory=dict)
    late: BlockNumber | None = None

    @property
    def last(self) -> BlockHeader:
        """The last block."""
        return self.blocks[-1]


class ChainLogs(Protocol):
    """Reads what happened on chain, block by block. Everything may raise ChainError: nothing follows from it.

    Believed are the configured contracts and the splitters that those name, each of them only for itself.
    """

    async def head(self) -> ChainHead:
        """Look at the newest block."""

    async def headers(self, numbers: Sequence[BlockNumber]) -> Mapping[BlockNumber, BlockHeader]:
        """Return the headers of blocks as the chain has them now; one that it lacks is left out."""

    async def read(self, first: BlockNumber, splitters: Collection[Wallet]) -> BlockRange | None:
        """Read from a block on, as many blocks as one question can cover.

        `splitters` are followed already. None when there is no such block yet, or a reorg came in between.
        """

    async def read_kinds(
        self,
        kinds: Collection[type[ChainEvent]],
        first: BlockNumber,
        last: BlockHeader,
        splitters: Collection[Wallet],
    ) -> tuple[ChainEvent, ...] | None:
        """Read all events of some kinds from one block to another; None if that one is gone in a reorg."""


class ContractReader(Protocol):
    """Questions to contracts, at the newest block. Everything may raise ChainError."""

    async def read(
        self, contract: Wallet, function: str, arguments: Sequence[Any], returns: Sequence[str]
    ) -> tuple[Any, ...]:
        """Call a view, for example `("0x…", "quote(uint256,uint256)", (7, 2), ("address", "uint256"))`.

        Addresses come back lower case. The message of a refusal names the contract's error.
        """

    async def has_code(self, address: Wallet) -> bool:
        """Whether there is a contract at an address; one that a wallet only lets act for it is none."""

    async def native_balance(self, wallet: Wallet) -> int:
        """Return what a wallet has of the chain's own coin, in its base unit."""
