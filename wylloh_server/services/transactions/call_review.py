"""What a proposal's calls do, read by the server itself, and which of them it does not put before a wallet.

A plugin explains a proposal in its own words. They are shown beside what is read here, and a proposal that
does more than a plugin can be trusted with is refused: it may let only known contracts take coins or tokens,
call of the project's contracts only the functions that it declares (`Proposal.functions`), and send away only
what it declares (`Proposal.spends`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.chain_events import EventQuery, SplitterCreated
from wylloh_server.domain.contract_answers import read_if_known
from wylloh_server.domain.decoded_call import STANDARD_SIGNATURES, DecodedCall, Grant, Movement
from wylloh_server.domain.errors import AccessRefused, InvalidValue
from wylloh_server.domain.transaction import ContractCall, SignatureRequest
from wylloh_server.services.transactions.permit_review import read_permit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.chain_events import Contracts
    from wylloh_server.domain.decoded_call import DecodedArgument
    from wylloh_server.domain.ports.plugin_services import PluginChain
    from wylloh_server.domain.ports.wallet_calls import WalletCalls
    from wylloh_server.domain.transaction import Proposal, Step
    from wylloh_server.domain.types import ChainId, Wallet

_CHANGING = frozenset({"deadline", "nonce"})
"""Parameters that differ each time a proposal is prepared, and by which nothing else is bought or given."""

_REPORT = "Tell the plugin's author. Nothing was sent."
_TRUST = "If you know it, name it under chain.trusted_contracts. Nothing was sent."


@dataclass(frozen=True, slots=True)
class KnownContract:
    """A contract that this server knows: its name, and its compiled artifact; empty for a trusted one."""

    name: str
    artifact: str


@dataclass(frozen=True, slots=True)
class ReadStep:
    """A step of a proposal as its data say.

    Attributes:
        call: None for a signature.
        contract: what is at the call's address; None when that is unknown.
        grants: what others may take afterwards, by this step.
        movements: what leaves by this step, or comes back to the wallet.
    """

    call: DecodedCall | None
    contract: KnownContract | None
    grants: tuple[Grant, ...]
    movements: tuple[Movement, ...] = ()


@dataclass(kw_only=True, eq=False)
class CallReview:
    """Reads and judges what wallets are asked for.

    Attributes:
        trusted: contracts that the owner named beside those of the chain's settings, name by address.
    """

    calls: WalletCalls
    chain_id: ChainId
    chain: PluginChain
    trusted: Mapping[Wallet, str]

    @property
    def contracts(self) -> Contracts:
        """The contracts named in the settings."""
        return self.chain.contracts

    async def known(self, address: Wallet | None) -> KnownContract | None:
        """Return which contract is at an address, as far as that is known."""
        configured = self._configured.get(address) if address else None
        if configured is not None or address is None:
            return configured
        # Films and offers name whom they like as the receiver of their money.
        made = await self.chain.history(EventQuery(kinds=(SplitterCreated,), contract=address, limit=1))
        return KnownContract("Royalty splitter", "RoyaltySplitter") if made else None

    @property
    def _configured(self) -> dict[Wallet, KnownContract]:
        ours = {
            self.contracts.registry: KnownContract("Film registry", "FilmRegistry"),
            self.contracts.store: KnownContract("Film store", "FilmStore"),
            self.contracts.splitters: KnownContract("Splitter factory", "RoyaltySplitterFactory"),
        }
        trusted = {address: KnownContract(name, "") for address, name in self.trusted.items()}
        return trusted | {address: known for address, known in ours.items() if address is not None}

    async def read(self, wallet: Wallet, proposal: Proposal) -> tuple[ReadStep, ...]:
        """Return what each step does.

        Raises:
            InvalidValue, AccessRefused: a step cannot be read.
        """
        return tuple([await self._read(wallet, step) for step in proposal.steps])

    async def check(self, wallet: Wallet, proposal: Proposal) -> None:
        """Make sure that a wallet may be asked for all of a proposal.

        Raises:
            AccessRefused: a step does more than it may, and what.
            InvalidValue: a step cannot be read.
        """
        spent: Counter[Wallet] = Counter()
        for step in await self.read(wallet, proposal):
            for grant in step.grants:
                await self._check_grant(wallet, grant)
            if step.call is not None:
                _check_function(step.call, step.contract, proposal)
            spent.update({one.asset: one.amount for one in step.movements if one.receiver != wallet})
        for asset, amount in spent.items():
            if asset not in proposal.spends or amount > proposal.spends[asset]:
                raise AccessRefused(
                    "This would send away more than it declares, so your wallet is not asked.", fix=_REPORT
                )

    async def fingerprint(self, wallet: Wallet, proposal: Proposal) -> tuple[object, ...]:
        """Return what is equal of two proposals that ask a wallet for the same, whatever their words are."""
        steps = zip(proposal.steps, await self.read(wallet, proposal), strict=True)
        return tuple(_asked(step, read.call) for step, read in steps)

    async def terms(self, wallet: Wallet, proposal: Proposal) -> str:
        """Return what a page tells back when it asks for what it showed: the digest of the fingerprint.

        Empty where a step cannot be read; such a proposal is refused anyway.
        """
        try:
            fingerprint = await self.fingerprint(wallet, proposal)
        except (InvalidValue, AccessRefused):
            return ""
        return sha256(repr(fingerprint).encode()).hexdigest()

    async def _read(self, wallet: Wallet, step: Step) -> ReadStep:
        if isinstance(step, SignatureRequest):
            return ReadStep(None, None, (self._permit(wallet, step.typed_data),))
        contract = await self.known(step.to)
        artifact = contract.artifact if contract else ""
        call = self.calls.decoded(self.calls.prepared(wallet, step), artifact, step.function)
        return ReadStep(call, contract, call.grants, call.movements(artifact, self.contracts.registry))

    def _permit(self, wallet: Wallet, typed_data: Mapping[str, Any]) -> Grant:
        """Read an ERC-2612 permit. What else may be signed nobody can explain, so nothing else is."""
        try:
            return read_permit(typed_data, wallet, self.chain_id)
        except InvalidValue:
            raise _unexplained() from None

    async def _check_grant(self, wallet: Wallet, grant: Grant) -> None:
        if grant.spender in self._configured:
            return
        if grant.revokes and (not grant.may_be_id or await self._is_coin(wallet, grant)):
            return
        raise AccessRefused(
            f"This would let {grant.spender}, which this server does not know, take what is yours. "
            "Your wallet is not asked.",
            fix=_TRUST,
        )

    async def _is_coin(self, wallet: Wallet, grant: Grant) -> bool:
        """Whether a contract answers what a coin allows somebody; ERC-721 has no such question."""
        question = "allowance(address,address)", (wallet, grant.spender), ("uint256",)
        return await read_if_known(self.chain.read, grant.asset, *question) is not None


def _unexplained() -> AccessRefused:
    return AccessRefused(
        "This asks for a signature that this server cannot explain, so your wallet is not asked.", fix=_REPORT
    )


def _check_function(call: DecodedCall, contract: KnownContract | None, proposal: Proposal) -> None:
    revokes = bool(call.grants) and all(grant.revokes for grant in call.grants)
    if contract is not None and contract.artifact and not revokes:
        function = f"{contract.artifact}.{call.function}"
        if function not in proposal.functions:
            raise AccessRefused(
                f"This calls {call.function} of the {contract.name.lower()}, which it does not declare, so "
                "your wallet is not asked.",
                fix=_REPORT,
            )
    if contract is None and call.signature not in STANDARD_SIGNATURES:
        raise AccessRefused(
            f"This calls {call.function} of {call.to}, a contract that this server does not know. "
            "Your wallet is not asked.",
            fix=_TRUST,
        )


def _asked(step: Step, call: DecodedCall | None) -> tuple[object, ...]:
    if isinstance(step, ContractCall) and call is not None:
        return call.to, call.signature, call.value, tuple(map(_lasting, call.arguments))
    typed_data = step.typed_data if isinstance(step, SignatureRequest) else {}
    message = {name: str(value) for name, value in typed_data["message"].items() if name not in _CHANGING}
    return str(typed_data["domain"]), str(typed_data["types"]), str(message)


def _lasting(argument: DecodedArgument) -> object:
    if argument.name in _CHANGING:
        return argument.name
    if isinstance(argument.value, tuple):
        return tuple(map(_lasting, argument.value))
    return argument.value
