"""What the contracts' errors mean for the person who met them: one sentence each, with what to do."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.sdk import ChainError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

BUYING: Mapping[str, str] = MappingProxyType(
    {
        "NotOnSale": "The publisher has ended the sale of this film.",
        "NotYetOnSale": "The sale of this film has not begun yet.",
        "NotEnoughStock": "The publisher does not have that many left; somebody was quicker. Buy fewer.",
        "PriceAboveLimit": "The price has risen since you looked, so nothing was bought. Look again.",
        "TermsChanged": (
            "Coin, seller or who gets which part has changed since you looked, so nothing was bought. "
            "Look again."
        ),
        "Expired": "You confirmed too long after you looked, so nothing was bought. Begin again.",
        "ProceedsBelowMinimum": (
            "Less would arrive at the seller than they ask for, so nothing was bought. Buy from another."
        ),
        "CoinNotAccepted": "The store does not take this coin any more.",
        "UnknownListing": "This offer does not exist.",
        "NotEnoughListed": "This offer does not have that many any more; somebody was quicker. Buy fewer.",
        "RoyaltyTooHigh": "Royalty and fee together are more than the price, so none of these can be sold.",
        "BadCoin": "The coin did not move as it should, so nothing was bought.",
        "SafeERC20FailedOperation": "The coin refused the payment, so nothing was bought.",
        "ERC20InsufficientBalance": "Your wallet holds too little of the coin. Buy fewer, or put more in.",
        "ERC20InsufficientAllowance": "The store may not take the coins yet. Begin again.",
        "ERC2612ExpiredSignature": "The permission you signed is too old. Confirm again to sign another.",
        "ERC2612InvalidSigner": (
            "Something else was bought in the meantime, or another wallet signed, so this permission is out "
            "of date. Confirm again to sign a fresh one with the wallet that buys."
        ),
        "ERC1155InvalidReceiver": "Your wallet is a contract that cannot hold such tokens. Use another.",
        "ZeroQuantity": "Buy at least one token.",
        "Panic": "That many would cost more than any contract can count. Buy fewer.",
    }
)

SELLING: Mapping[str, str] = MappingProxyType(
    {
        "ZeroPrice": "Ask for more than 0.",
        "ZeroQuantity": "Sell at least one token.",
        "CoinNotAccepted": "The store does not take this coin. Choose another.",
        "RoyaltyTooHigh": "Royalty and fee together are more than the price, so it cannot be resold here.",
        "FeeAboveLimit": "The store takes more than when you looked, so nothing was put up. Look again.",
        "ProceedsBelowMinimum": "Less would arrive than when you looked, so nothing was put up. Look again.",
        "ERC1155InsufficientBalance": "You hold fewer tokens than that. Sell fewer.",
        "ERC1155MissingApprovalForAll": "The store may not take your tokens yet. Begin again.",
        "UnknownListing": "This offer does not exist.",
        "NotTheSeller": "Only the wallet that put these tokens up can take them back.",
        "NotEnoughListed": "Nothing is left of this offer: everything was sold, or taken back already.",
        "Panic": "That is more money than any contract can count. Ask for less.",
    }
)

PUBLISHING: Mapping[str, str] = MappingProxyType(
    {
        "NotThePublisher": "Only the wallet that registered this film can do that.",
        "AccessControlUnauthorizedAccount": "The registry does not know your wallet as a publisher any more.",
        "CoinNotAccepted": "The store does not take this coin. Ask who runs the store, or choose another.",
        "ZeroPrice": "Every price must be above 0.",
        "ZeroQuantity": "Say how many tokens: at least one.",
        "FeeAboveLimit": "The store takes more than when you looked, so nothing has changed. Look again.",
        "StepsNotAscending": "The first price holds from 1 token on, each other from more than that before.",
        "TooManySteps": "There are at most 16 prices.",
        "BadSchedule": "The presale must begin before the sale.",
        "BadPayee": "The money cannot go to the store itself or to nobody. Name another receiver.",
        "NotOnSale": "This film is not on sale.",
        "NotEnoughStock": "The store does not hold that many of your tokens. Take fewer.",
        "SupplyExceeded": "That many cannot be made: there would be more than the film may have.",
        "ERC1155InsufficientBalance": "You hold fewer tokens than that.",
        "ERC1155MissingApprovalForAll": "The store may not take your tokens yet. Begin again.",
        "DirectTransfer": "Tokens cannot be sent to the store like that.",
    }
)

_NAMED = re.compile(r"([A-Z][A-Za-z0-9]+)\(")


def refusal_of(error: ChainError, sentences: Mapping[str, str]) -> InvalidValue | None:
    """Return the sentence for a refusal of one of those contracts; None when something else went wrong."""
    for name in _NAMED.findall(str(error)):
        if name in sentences:
            return InvalidValue(sentences[name])
    return None
