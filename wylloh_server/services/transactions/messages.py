"""What people are told when a contract or a wallet says no: one plain sentence, and what to do about it."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.ports.wallet_calls import CallRefusal
    from wylloh_server.domain.transaction import Proposal

_LONGEST_WORDS = 200

_NOT_ALLOWED = "Your wallet is not allowed to do this. Ask who looks after the contract."
_DEFAULTS = MappingProxyType(
    {
        "NoContract": "There is no contract at that address on this chain. Tell who looks after this server.",
        "InsufficientFunds": "Your wallet has too little of the chain's own coin for that. Add some first.",
        "ContractWallet": (
            "Your wallet is a contract, and this server cannot follow what such wallets send. Use an account."
        ),
        "Panic": "The contract ran into an error of its own. Tell who made it.",
        "ERC20InsufficientBalance": "Your wallet does not hold enough of this coin. Add some first.",
        "ERC20InsufficientAllowance": "The contract may not take that much of this coin. Allow it first.",
        "ERC2612ExpiredSignature": "The permission you signed has expired. Go back and start again.",
        "ERC2612InvalidSigner": "Another account signed the permission. Choose the right one in your wallet.",
        "SafeERC20FailedOperation": "The coin refused the payment. Check what your wallet holds of it.",
        "ERC1155InsufficientBalance": "Your wallet does not hold that many tokens.",
        "ERC1155MissingApprovalForAll": "The contract may not move your tokens. Allow it first.",
        "AccessControlUnauthorizedAccount": _NOT_ALLOWED,
        "OwnableUnauthorizedAccount": _NOT_ALLOWED,
    }
)

SOMETHING_ELSE = (
    "Your wallet sent something other than what was prepared here. What was prepared did not happen; look in "
    "your wallet at what did."
)
REPLACED = (
    "Your wallet cancelled this, or put another transaction in its place. What was prepared did not happen."
)
LOST = (
    "The chain has never seen this. If your wallet still shows it as pending, cancel it there before you try "
    "again."
)
ON_ITS_WAY = "Your wallet has sent the same already, in another window."
REFUSED_ON_CHAIN = "The contract refused it on the chain. Only the network's fee is gone."


def refusal_sentence(refusal: CallRefusal, proposal: Proposal) -> str:
    """Return why a call would be refused: in the proposal's words if it has some, else in ours."""
    ours = _DEFAULTS.get(refusal.name)
    theirs = proposal.refusals.get(refusal.name) if refusal.name else None
    return theirs or ours or _spelled(refusal)


def expired_sentence(done: int, steps: int) -> str:
    """Return the sentence for a proposal that was not confirmed in time."""
    if not done:
        return "Nobody confirmed this in time. Nothing happened."
    first = "The first step was" if done == 1 else f"The first {done} steps were"
    left = "the last step was" if steps - done == 1 else f"the other {steps - done} were"
    return f"{first} done, but {left} not confirmed in time. Go back and start again."


def discarded_sentence(sent: int, *, asked: bool) -> str:
    """Return what it means that something was discarded, of which so many calls were sent already."""
    if asked:
        return (
            "Discarded. If your wallet still shows it, refuse it there: what it sends happens all the same."
        )
    if not sent:
        return "Discarded. Nothing happened on the chain."
    done = "its first step did" if sent == 1 else f"its first {sent} steps did"
    return f"Discarded. What {done} on the chain stays."


def _spelled(refusal: CallRefusal) -> str:
    words = "".join(letter for letter in refusal.words if letter.isprintable())[:_LONGEST_WORDS].strip()
    if not words and refusal.name:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", refusal.name).lower()
    if not words:
        return "The contract refused, and did not say why."
    return f"The contract refused: {words.rstrip('.')}."
