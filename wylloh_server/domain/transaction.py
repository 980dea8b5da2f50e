"""A transaction on its way: prepared and explained here, signed and sent by the browser's wallet.

The server never signs for a wallet. It composes the calls, says in plain sentences what they do, tries them
against the chain, and follows the receipt of what the wallet sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NewType

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.types import BlockNumber, Timestamp, Wallet

TransactionId = NewType("TransactionId", str)
"""A prepared transaction's name: 32 lower-case hex digits."""


class SignaturePart(StrEnum):
    """Stands among a call's arguments for a part of the signature that the step before it asks for."""

    V = "v"
    R = "r"
    S = "s"


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A call the wallet shall send.

    Attributes:
        to: the contract; None deploys nothing and is refused.
        function: canonical Solidity signature, such as `buy(uint256,uint256,uint256)`; tuples in brackets.
        arguments: Python values for it: int, bool, str, 0x-addresses, bytes, tuples; or a `SignaturePart`.
        value: native coin to send along, in its base unit.
        summary: what this step does, one sentence for the person who confirms it.
    """

    to: Wallet
    function: str
    arguments: tuple[Any, ...] = ()
    value: int = 0
    summary: str = ""

    def __post_init__(self) -> None:
        """Refuse to send a negative amount.

        Raises:
            InvalidValue: `value` is below 0 or does not fit 256 bits.
        """
        if not 0 <= self.value < 1 << 256:
            raise InvalidValue("a transaction cannot send that amount", fix="Send 0 or more.")


@dataclass(frozen=True, slots=True)
class SignatureRequest:
    """EIP-712 data the wallet shall sign, so that the next call can carry the signature (ERC-2612 permit).

    `typed_data` is the object of `eth_signTypedData_v4`: types, primaryType, domain, message. Its types are
    `Permit` as in EIP-2612 and `EIP712Domain` (name, version where the coin has one, chainId,
    verifyingContract); anything else is refused.
    """

    typed_data: Mapping[str, Any]
    summary: str = ""


Step = ContractCall | SignatureRequest

MOST_PROPOSAL_STEPS = 10
"""How many steps a proposal may have."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a wallet is asked to confirm.

    Attributes:
        title: a few words: `Buy 12 tokens of Light`.
        explanation: plain sentences, the most important first: what goes out, what comes in, who gets what.
        steps: done in this order; each call is confirmed on chain before the next is sent.
        done: the sentence shown when the last one is confirmed.
        refusals: for custom errors of the contracts by name (`SoldOut`), the sentence that says what to do.
        topics: live topics that change when it is confirmed, see `domain.topics`.
        back: the path on this server to go to afterwards.
        start: the path on this server where such a thing is begun, for who has to begin again; empty: `back`.
        recipe: from what its plugin can prepare it again (hook `renew_proposal`), texts by name; empty when
            it cannot.
        spends: what its calls send away, at most: base units by coin (`NATIVE_COIN` too) or by contract of
            tokens. What a purchase costs is among it, and film tokens that are put on sale, taken out of the
            store or made for somebody, by the registry; what comes to the wallet itself is not.
        functions: what its calls may call of the project's contracts, such as `FilmStore.buy`.
    """

    title: str
    explanation: tuple[str, ...]
    steps: tuple[Step, ...]
    done: str
    refusals: Mapping[str, str] = field(default_factory=dict)
    topics: tuple[str, ...] = ()
    back: str = "/"
    start: str = ""
    recipe: Mapping[str, str] = field(default_factory=dict)
    spends: Mapping[Wallet, int] = field(default_factory=dict)
    functions: tuple[str, ...] = ()

    @property
    def calls(self) -> tuple[ContractCall, ...]:
        """The steps that are calls."""
        return tuple(step for step in self.steps if isinstance(step, ContractCall))


class TransactionState(StrEnum):
    """Where a transaction stands."""

    PREPARED = "prepared"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PendingCall:
    """How the call that a wallet was asked for is found on the chain, whatever hash it was given.

    Attributes:
        asked: when the wallet was asked.
        block: the newest block then; the call is in a later one.
        nonce: how many transactions the wallet had made then; the call has this number or a higher one.
        exact: the call's own number, once the chain has shown it.
    """

    asked: Timestamp
    block: BlockNumber
    nonce: int
    exact: int | None = None


@dataclass(frozen=True, slots=True)
class SigningClaim:
    """Who is asking a wallet for a step: nobody else may until then, for two questions would be two payments.

    Attributes:
        by: a secret of who asks.
        first: whether the wallet had not been asked for that step before.
    """

    by: str
    until: Timestamp
    step: int
    first: bool


@dataclass(frozen=True, slots=True)
class Transaction:
    """A proposal with what has become of it.

    Attributes:
        step: index of the step that is to be confirmed next, or was sent; behind the last when all is done.
        hashes: of the calls that were sent, oldest first.
        changed: when the wallet was last given something to do, or did it.
        block: the one that holds the last call sent.
        reason: when FAILED or EXPIRED, one plain sentence.
        plugin: who proposed it; empty for the core.
        signatures: what the wallet signed for the steps that ask for it, in order, 0x-hex.
        trail: of the call the wallet was asked for last.
        final: nothing that was sent can be taken back by a reorg any more, or nothing is looked for any more.
    """

    id: TransactionId
    wallet: Wallet
    proposal: Proposal
    state: TransactionState
    step: int
    hashes: tuple[str, ...]
    created: Timestamp
    changed: Timestamp
    block: BlockNumber | None = None
    reason: str = ""
    plugin: str = ""
    signatures: tuple[str, ...] = ()
    trail: PendingCall | None = None
    final: bool = False

    @property
    def current(self) -> Step | None:
        """The step the wallet has to do next, or has sent; None when all is done."""
        steps = self.proposal.steps
        return steps[self.step] if self.step < len(steps) else None

    @property
    def calls(self) -> tuple[int, ...]:
        """The indexes of the steps that are calls; the hash at the same place is what was sent for it."""
        return tuple(
            index for index, step in enumerate(self.proposal.steps) if isinstance(step, ContractCall)
        )

    def signature_for(self, step: int) -> str:
        """Return what was signed for the nearest request before a step; empty when there is none."""
        requests = sum(isinstance(one, SignatureRequest) for one in self.proposal.steps[:step])
        return self.signatures[requests - 1] if 0 < requests <= len(self.signatures) else ""

    @property
    def asked(self) -> bool:
        """Whether the wallet was asked for a call of which no hash is known yet."""
        done = sum(index < self.step for index in self.calls)
        return self.trail is not None and len(self.hashes) == done and self.step in self.calls
