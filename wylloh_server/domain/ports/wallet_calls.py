"""Calls that wallets make: composed here, tried against the chain, and found on it again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wylloh_server.domain.decoded_call import DecodedCall
    from wylloh_server.domain.transaction import ContractCall
    from wylloh_server.domain.types import BlockNumber, Wallet


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """A call as it travels: calldata as 0x-hex in lower case, `value` in the chain's own coin."""

    sender: Wallet
    to: Wallet
    data: str
    value: int


@dataclass(frozen=True, slots=True)
class SeenCall:
    """A transaction as the chain has it.

    Attributes:
        call: what it does; `to` is the zero address where it creates a contract.
        nonce: its number among its sender's.
        block: where it is; None while it waits.
        succeeded: what became of it there.
    """

    hash: str
    call: PreparedCall
    nonce: int
    block: BlockNumber | None = None
    succeeded: bool = False


@dataclass(frozen=True, slots=True)
class CallRefusal:
    """Why a call would be refused: the contract's custom error by name, or the words it gave; else nothing.

    Names of our own are `NoContract` (nothing is at that address), `InsufficientFunds` (the wallet has too
    little of the chain's own coin) and `ContractWallet`: what such a wallet sends cannot be told by its
    sender, nor by the hash it gives, so that nobody could say what became of it.
    """

    name: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class WalletStanding:
    """The newest block, and how many transactions a wallet has made up to it."""

    block: BlockNumber
    nonce: int


class WalletCalls(Protocol):
    """Everything async may raise ChainError: the chain cannot be asked, and nothing follows from it."""

    def prepared(self, sender: Wallet, call: ContractCall, signature: str = "") -> PreparedCall:
        """Compose a call; parts of a signature among its arguments are taken from `signature` (0x-hex).

        Raises:
            InvalidValue: function or arguments make no call, or the signature is none.
        """

    def decoded(self, call: PreparedCall, artifact: str, signature: str) -> DecodedCall:
        """Read from a call's data what it does.

        Args:
            call: the call.
            artifact: the compiled contract that is known to be at its address; empty when none is.
            signature: the function it was composed for.

        Raises:
            InvalidValue: that contract has no such function.
        """

    async def refusal(self, call: PreparedCall, at: BlockNumber | None = None) -> CallRefusal | None:
        """Try a call without sending it; None when it would work.

        Tried on the newest block, or on the state that the block `at` left.
        """

    async def standing(self, wallet: Wallet) -> WalletStanding:
        """Return where a wallet stands."""

    async def seen(self, transaction: str) -> SeenCall | None:
        """Find a transaction by its hash; None when the chain does not know it (yet, or any more)."""

    async def numbered(self, wallet: Wallet, nonce: int, after: BlockNumber) -> SeenCall | None:
        """Find the transaction of a number that a wallet made, in a block after the one given."""

    async def final(self) -> BlockNumber:
        """Return the number up to which no block can be taken back any more."""
