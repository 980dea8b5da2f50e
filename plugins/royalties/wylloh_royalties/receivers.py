"""What receives a film's money: a wallet, a splitter of ours, a split of 0xSplits, or nobody knows what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_royalties.links import address_url
from wylloh_royalties.splitters import find_splitter
from wylloh_server.sdk import ChainError, RecipientsChanged, shortened

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, Share, Wallet

_ANNOUNCEMENTS = 200
"""The newest announcements of a contract among which its shares must be."""


class Kind(StrEnum):
    """What an address is."""

    WALLET = "wallet"
    SPLITTER = "splitter"
    SPLIT = "split"
    UNREAD = "unread"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receiver:
    """An address that a film pays.

    Attributes:
        shares: how it divides what it gets; empty where that is unknown, or it does not.
        url: its page in a block explorer; empty if there is none.
    """

    address: Wallet
    kind: Kind
    shares: tuple[Share, ...] = ()
    url: str = ""

    @property
    def says(self) -> str:
        """What it is, in a few words."""
        return {
            Kind.WALLET: "A wallet",
            Kind.SPLITTER: f"A splitter among {len(self.shares)}",
            Kind.SPLIT: f"A split of 0xSplits among {len(self.shares)}",
            Kind.UNREAD: "A split of 0xSplits that this server has not read",
            Kind.UNKNOWN: "An unknown contract",
        }[self.kind]

    @property
    def sentence(self) -> str:
        """What that means."""
        return {
            Kind.WALLET: "All of the money goes to this one wallet.",
            Kind.SPLITTER: "It divides what it gets, and everybody takes out their own part.",
            Kind.SPLIT: "Read from what it announced, and held against its own hash. It is changed and paid "
            "out where it was made, not here.",
            Kind.UNREAD: "Its recipients are read once a film names it as its receiver.",
            Kind.UNKNOWN: "Nobody here can say what it does with money. Make sure that you know it.",
        }[self.kind]

    @property
    def short(self) -> str:
        """Its address, shortened."""
        return shortened(self.address)


async def receiver_at(context: PluginContext, address: Wallet) -> Receiver:
    """Find out what an address is.

    A split of 0xSplits v2 keeps only the hash of its shares. So of what it announced that is believed whose
    fingerprint is the hash it answers now.

    Raises:
        ChainError: the chain cannot be asked.
    """
    url = address_url(context.chain.explorer, address)
    splitter = await find_splitter(context, address)
    if splitter is not None:
        return Receiver(address, Kind.SPLITTER, splitter.shares, url)
    if not await context.chain.is_contract(address):
        return Receiver(address, Kind.WALLET, url=url)
    fingerprint = await _split_hash(context, address)
    if not fingerprint:
        return Receiver(address, Kind.UNKNOWN, url=url)
    announced = await context.chain.history(
        kinds=(RecipientsChanged,), contract=address, limit=_ANNOUNCEMENTS
    )
    for fact in announced:
        if isinstance(fact, RecipientsChanged) and fact.fingerprint == fingerprint:
            return Receiver(address, Kind.SPLIT, fact.shares, url)
    return Receiver(address, Kind.UNREAD, url=url)


async def _split_hash(context: PluginContext, address: Wallet) -> str:
    """Ask for the hash of the shares that hold; empty when the contract knows no such question."""
    try:
        (found,) = await context.chain.read(address, "splitHash()", (), ("bytes32",))
    except ChainError:
        return ""
    return "0x" + bytes(found).hex()
