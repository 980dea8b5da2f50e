"""What the contracts' errors mean for the person who met them: one sentence each, with what to do."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

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
