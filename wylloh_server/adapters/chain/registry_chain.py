"""The chain as it is now, asked through the pool: its state, rights of a wallet, and whose a signature is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.block_headers import at_block
from wylloh_server.adapters.chain.contract_abi import abi_function
from wylloh_server.adapters.chain.event_decoders import REGISTRY, parse_ladder
from wylloh_server.adapters.chain.node_status import node_status
from wylloh_server.adapters.chain.revert_reasons import parse_revert
from wylloh_server.adapters.chain.rpc_errors import CallReverted, ContractSilent, NodeFailed
from wylloh_server.adapters.chain.typed_data import manifest_digest, manifest_typed_data
from wylloh_server.adapters.chain.wallet_signatures import (
    is_valid_contract_signature,
    parse_signature,
    recovered,
)
from wylloh_server.domain.errors import InvalidValue, NoContract, NotFound, WrongChain
from wylloh_server.domain.rights import RightsLadder, RightsStatus, Stack
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.adapters.chain.rpc_node import RpcNode
    from wylloh_server.adapters.chain.rpc_pool import RpcPool
    from wylloh_server.domain.ports.chain import BlockHeader, ChainStatus
    from wylloh_server.domain.types import TokenReference, Wallet

    EarlierLadder = Callable[[TokenReference], Awaitable[RightsLadder | None]]

_BALANCE_OF, _LADDER_OF = abi_function(REGISTRY, "balanceOf"), abi_function(REGISTRY, "ladderOf")


class RegistryChain:
    """Implements the port `Chain` with web3 over an `RpcPool`, which stays the caller's to close."""

    def __init__(
        self, pool: RpcPool, *, patience: Seconds = Seconds(3), earlier_ladder: EarlierLadder | None = None
    ) -> None:
        """Set up; nothing is sent yet.

        Args:
            pool: who is asked.
            patience: how long one contract wallet may take; later is no. Below the pool's deadline, so that
                a slow wallet does not make a node look broken.
            earlier_ladder: returns what a film's ladders gave so far, as far as the chain was read.
                Registries of earlier releases let a publisher take away what tokens unlocked.
        """
        self._pool = pool
        self._earlier_ladder = earlier_ladder
        self._patience = patience

    async def status(self) -> ChainStatus:
        """Ask every node that does not rest for its newest block, all at once. Never raises."""
        return await node_status(self._pool)

    async def rights(self, wallet: Wallet, token: TokenReference, *, confirmations: int = 0) -> RightsStatus:
        """Read a wallet's stack of a film at a block on which a quorum of the nodes agrees.

        Args:
            wallet: who holds it.
            token: the film.
            confirmations: so many blocks earlier the tokens must have been held as well to count.

        The ladder is the newest one, and whatever earlier ones gave.

        Raises:
            ChainUnavailable: no RPC could be used, or too few agree.
            WrongChain: the token is of another chain, or every RPC is.
            NoContract: there is no code at the token's contract.
            NotFound: the registry knows no such film.
        """
        ours = self._pool.chain_id
        if token.chain_id != ours:
            raise WrongChain(f"{token} is not on chain {ours}", fix="Set chain.id to the film's chain.")
        status = await self._pool.agreed(
            partial(_rights, wallet=wallet, token=token, confirmations=confirmations)
        )
        earlier = await self._earlier_ladder(token) if self._earlier_ladder else None
        if earlier is None:
            return status
        return replace(
            status, stack=replace(status.stack, ladder=status.stack.ladder.with_earlier([earlier]))
        )

    def checksummed(self, wallet: Wallet) -> str:
        """Write an address with its EIP-55 checksum."""
        return str(to_checksum_address(wallet))

    async def signed_message(self, wallet: Wallet, text: str, signature: str) -> bool:
        """Return whether `wallet` signed this text as EIP-191 personal message (`personal_sign`).

        Args:
            wallet: account or contract wallet.
            text: what the person saw; signed as UTF-8.
            signature: hex with 0x. Anything malformed is no.

        Raises:
            ChainUnavailable, WrongChain, NoContract: only the chain could tell, and it cannot be asked.
        """
        body = text.encode()
        digest = keccak(b"\x19Ethereum Signed Message:\n" + str(len(body)).encode() + body)
        return await self._signed(wallet, digest, signature, silence_is_no=True)

    def manifest_request(self, token: TokenReference, sha256: str) -> dict[str, Any]:
        """Return what a publisher's wallet signs; see `typed_data.manifest_typed_data`."""
        return manifest_typed_data(token, sha256)

    async def signed_manifest(
        self, publisher: Wallet, token: TokenReference, sha256: str, signature: str
    ) -> bool:
        """Return whether `publisher` signed this manifest digest (EIP-712, see `typed_data`).

        A digest that is not 64 hex digits is no. Raises like `signed_message`, and RequestRefused also where
        a contract wallet gave no answer: a package is refused for good, so that a node's rate limit or a slow
        moment must not look like a no.
        """
        try:
            digest = manifest_digest(token, sha256)
        except InvalidValue:
            return False
        return await self._signed(publisher, digest, signature, silence_is_no=False)

    async def _signed(self, wallet: Wallet, digest: bytes, signature: str, *, silence_is_no: bool) -> bool:
        proof = parse_signature(signature)
        if proof is None:
            return False
        if recovered(digest, proof) == wallet:
            return True
        patience = self._patience
        question = partial(
            is_valid_contract_signature, wallet=wallet, digest=digest, proof=proof, patience=patience
        )
        try:
            return await self._pool.agreed(question)
        except ContractSilent:
            if silence_is_no:
                return False
            raise


async def _rights(
    ask: RpcNode, block: BlockHeader, *, wallet: Wallet, token: TokenReference, confirmations: int
) -> RightsStatus:
    balance, ladder = await _balance_and_ladder(ask, at_block(block), wallet, token)
    if not balance or not ladder:
        raise NoContract(
            f"there is no contract at {token.contract}",
            fix="Check the configured contract address, and that it is on this chain.",
        )
    held = _balance(balance)
    settled = held
    if held and confirmations:
        earlier = hex(max(0, block.number - confirmations))
        answer = abi_codec.data(await ask("eth_call", [_balance_query(wallet, token), earlier]))
        settled = min(held, _balance(answer) if answer else 0)
    return RightsStatus(Stack(settled, _ladder(ladder)), block.number, unsettled=held - settled)


async def _balance_and_ladder(
    ask: RpcNode, at: dict[str, Any], wallet: Wallet, token: TokenReference
) -> tuple[bytes, bytes]:
    ladder = {"to": token.contract, "data": f"0x{_LADDER_OF.calldata(token.token_id).hex()}"}
    questions = [("eth_call", [query, at]) for query in (_balance_query(wallet, token), ladder)]
    try:
        balance, tiers = map(abi_codec.data, await ask.many(questions))
    except CallReverted as error:
        reason = parse_revert(error.data)
        if reason is not None and reason.name == "UnknownFilm":
            raise NotFound(
                f"The registry knows no film {token.token_id:#x}.", fix="Check the token id."
            ) from None
        raise
    return balance, tiers


def _balance_query(wallet: Wallet, token: TokenReference) -> dict[str, str]:
    return {"to": token.contract, "data": f"0x{_BALANCE_OF.calldata(wallet, token.token_id).hex()}"}


def _balance(answer: bytes) -> int:
    (held,) = _BALANCE_OF.decode_answer(answer)
    return int(held)


def _ladder(answer: bytes) -> RightsLadder:
    (tiers,) = _LADDER_OF.decode_answer(answer)
    try:
        return parse_ladder(tiers)
    except InvalidValue:
        raise NodeFailed("its rights ladder does not rise") from None
