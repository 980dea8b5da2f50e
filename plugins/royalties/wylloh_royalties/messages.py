"""The plugin's sentences about people and shares, and what the contracts' errors mean."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.sdk import format_list, format_percent, short_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.sdk import Share, Wallet

SPLITTING: Mapping[str, str] = MappingProxyType(
    {
        "OwnableUnauthorizedAccount": "Only the owner of this splitter can do that. Use that wallet.",
        "SharesNotWhole": "The shares must come to exactly 100 %.",
        "NoRecipients": "Name at least one recipient.",
        "TooManyRecipients": "A splitter takes at most 50 recipients. Remove some.",
        "BadRecipient": "A recipient cannot be nobody or the splitter itself, needs a share above 0, and its "
        "role has at most 64 bytes.",
        "DuplicateRecipient": "Each address may be named once. Put the shares of the same one together.",
        "TooManyCoins": "A splitter expects at most 8 coins. Choose fewer.",
        "BadCoin": "This coin does not say what the splitter holds of it, so nothing can be divided.",
        "NothingOwed": "Nothing is set aside for you in this coin any more. Somebody was quicker.",
        "TransferFailed": "The coin refused to move, so nothing was paid. What is yours stays set aside.",
    }
)
"""For custom errors of the contracts by name, what to do."""

OTHER_TRANSFERS = "Other transfers"
"""What came in and no sale explains."""

_NAMED = 4
"""People that a sentence names; the rest is counted."""


def named(wallet: Wallet, viewer: Wallet) -> str:
    """Return `you`, or the shortened address."""
    return "you" if wallet == viewer else short_address(wallet)


def counted(things: Sequence[str]) -> str:
    """Return the first few things and count the rest: `a, b, c, d and 46 more`."""
    if len(things) <= _NAMED + 1:
        return format_list(things)
    return f"{', '.join(things[:_NAMED])} and {len(things) - _NAMED} more"


def shares_sentence(shares: Sequence[Share], viewer: Wallet) -> str:
    """Return how income is divided: `65 % for you, 35 % for 0x12…ab`."""
    return counted([f"{format_percent(one.basis_points)} for {named(one.account, viewer)}" for one in shares])
