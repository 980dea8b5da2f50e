"""What receives a film's money: a wallet, a splitter of ours, a split of 0xSplits, or an unknown contract."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_royalties.splitters import find_splitter
from wylloh_server.sdk import (
    ChainError,
    DeployedContract,
    EventQuery,
    RecipientsChanged,
    address_url,
)

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, Share, Wallet

_ANNOUNCEMENTS = 200
"""The newest announcements of a contract among which its shares must be."""


class ReceiverKind(StrEnum):
    """What an address is."""

    WALLET = "wallet"
    SPLITTER = "splitter"
    SPLIT = "split"
    UNREAD = "unread"
    UNKNOWN = "unknown"


_SENTENCES = {
    ReceiverKind.WALLET: ("A wallet", "All of the money goes to this one wallet."),
    ReceiverKind.SPLITTER: (
        "A splitter among {count}",
        "It divides what it gets, and everybody takes out their own part.",
    ),
    ReceiverKind.SPLIT: (
        "A split of 0xSplits among {count}",
        (
            "Read from what it announced, and held against its own hash. It is changed and paid "
            "out where it was made, not here."
        ),
    ),
    ReceiverKind.UNREAD: (
        "A split of 0xSplits that this server has not read",
        "Its recipients are read once a film names it as its receiver.",
    ),
    ReceiverKind.UNKNOWN: (
        "An unknown contract",
        "Nobody here can say what it does with money. Make sure that you know it.",
    ),
}
"""What a receiver is in a few words, and what that means."""


@dataclass(frozen=True, slots=True)
class Receiver:
    """An address that a film pays.

    Attributes:
        shares: how it divides what it gets; empty where that is unknown, or it does not.
        url: its page in a block explorer; empty if there is none.
    """

    address: Wallet
    kind: ReceiverKind
    url: str
    shares: tuple[Share, ...] = ()

    @property
    def summary(self) -> str:
        """What it is, in a few words."""
        return _SENTENCES[self.kind][0].format(count=len(self.shares))

    @property
    def sentence(self) -> str:
        """What that means."""
        return _SENTENCES[self.kind][1]


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
        return Receiver(address, ReceiverKind.SPLITTER, url, splitter.shares)
    if not await context.chain.is_contract(address):
        return Receiver(address, ReceiverKind.WALLET, url)
    try:  # a splitter of ours answers the same question
        (found,) = await DeployedContract("RoyaltySplitter", address).read(context.chain, "splitHash")
    except ChainError:
        return Receiver(address, ReceiverKind.UNKNOWN, url)
    announced = await context.chain.history(
        EventQuery(kinds=(RecipientsChanged,), contract=address, limit=_ANNOUNCEMENTS)
    )
    for event in announced:
        if isinstance(event, RecipientsChanged) and event.fingerprint == "0x" + bytes(found).hex():
            return Receiver(address, ReceiverKind.SPLIT, url, event.shares)
    return Receiver(address, ReceiverKind.UNREAD, url)
