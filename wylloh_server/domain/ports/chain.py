"""The chain: what was registered, who holds what, and whose signature this is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wylloh_server.domain.errors import WrongChain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import BlockNumber, Cid, TokenReference, Wallet


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """One RPC: its address without credentials, whether it is usable, and if not why."""

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


@dataclass(frozen=True, slots=True)
class RegisteredFilm:
    """A film as the contract announces it. `manifest_sha256` is lower-case hex."""

    token: TokenReference
    root: Cid
    manifest_sha256: str
    publisher: Wallet
    max_supply: int
    block: BlockNumber


@dataclass(frozen=True, slots=True)
class Discovery:
    """Films registered or re-packaged in a range of blocks, oldest first; ask on from `next_block`."""

    films: tuple[RegisteredFilm, ...]
    next_block: BlockNumber


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many tokens of each film a wallet holds, all read at one block.

    `counts` lacks tokens of another chain: what they are is unknown, never zero.
    """

    wallet: Wallet
    block: BlockNumber
    counts: Mapping[TokenReference, int]

    def of(self, token: TokenReference) -> int:
        """Give the count of one token.

        Raises:
            WrongChain: it lives on another chain than the one asked.
        """
        try:
            return self.counts[token]
        except KeyError:
            raise WrongChain(
                f"the token {token} lives on another chain", fix="Set chain.id to the film's chain."
            ) from None


class Chain(Protocol):
    """Reads the chain. Everything may raise ChainUnavailable, WrongChain or NoContract."""

    async def status(self) -> ChainStatus:
        """Say how the chain is; never raises."""

    async def films(self, since: BlockNumber) -> Discovery:
        """Find films registered at or after a block."""

    async def holdings(self, wallet: Wallet, tokens: Sequence[TokenReference]) -> Holdings:
        """Count a wallet's tokens of all these films, in one batch."""

    async def ladder(self, token: TokenReference) -> RightsLadder:
        """Read a film's rights ladder; cached until a newer block changes it.

        Raises:
            NotFound: the registry knows no such film (any more: a block can be taken back).
        """


class Signatures(Protocol):
    """Checks wallet signatures: EOA by recovery (low-s only), contract wallets by EIP-1271."""

    def checksummed(self, wallet: Wallet) -> str:
        """Write an address with its EIP-55 checksum, as people and EIP-4361 messages expect it."""

    async def signed_message(self, wallet: Wallet, text: str, signature: str) -> bool:
        """Say whether `wallet` signed this EIP-191 personal message. `signature` is hex with 0x."""

    async def signed_manifest(
        self, publisher: Wallet, token: TokenReference, sha256: str, signature: str
    ) -> bool:
        """Say whether `publisher` signed this manifest digest (EIP-712)."""
