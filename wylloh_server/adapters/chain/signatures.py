"""Whose signature is this: an account's own key (low-s only), or a contract wallet's yes (EIP-1271)."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import TYPE_CHECKING, Any

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import CallReverted, RequestRefused
from wylloh_server.adapters.chain.typed_data import manifest_digest, manifest_typed_data
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from wylloh_server.adapters.chain._node import Ask
    from wylloh_server.adapters.chain.rpc import RpcPool
    from wylloh_server.domain.types import TokenReference, Wallet

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1 (SEC 2, 2.4.1)."""

_SIGNATURE_BYTES = 65
_LONGEST = 16_384
"""Bytes of a signature that are still passed to a contract wallet (several owners, WebAuthn proofs)."""

_IS_VALID = _wire.selector("isValidSignature(bytes32,bytes)")
_YES = _IS_VALID.ljust(_wire.WORD, b"\0")
"""EIP-1271's magic value, 0x1626ba7e, as an ABI word. It happens to be the function's own selector."""

_GAS = 5_000_000
"""Enough for a passkey proof in Solidity; an endless loop or a flood of return data ends there."""


class WalletSignatures:
    """Checks signatures; asks the chain only when the account's own key did not sign."""

    def __init__(self, pool: RpcPool, *, patience: Seconds = Seconds(3)) -> None:
        """Set up.

        Args:
            pool: where contract wallets are asked.
            patience: how long one contract wallet may take; later is no. Below the pool's deadline, so that
                a slow wallet does not make a node look broken.
        """
        self._pool = pool
        self._patience = patience

    def checksummed(self, wallet: Wallet) -> str:
        """Write an address with its EIP-55 checksum."""
        return str(to_checksum_address(wallet))

    def manifest_request(self, token: TokenReference, sha256: str) -> dict[str, Any]:
        """Give what a publisher's wallet signs; see `typed_data.manifest_typed_data`."""
        return manifest_typed_data(token, sha256)

    async def signed_message(self, wallet: Wallet, text: str, signature: str) -> bool:
        """Say whether `wallet` signed this text as EIP-191 personal message (`personal_sign`).

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

    async def signed_manifest(
        self, publisher: Wallet, token: TokenReference, sha256: str, signature: str
    ) -> bool:
        """Say whether `publisher` signed this manifest digest (EIP-712, see `typed_data`).

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
        proof = _bytes_of(signature)
        if proof is None:
            return False
        if _recovered(digest, proof) == wallet:
            return True
        question = partial(
            self._contract_says, wallet=wallet, digest=digest, proof=proof, silence_is_no=silence_is_no
        )
        return await self._pool.run(question)

    async def _contract_says(
        self, ask: Ask, *, wallet: Wallet, digest: bytes, proof: bytes, silence_is_no: bool
    ) -> bool:
        if not _wire.data(await ask("eth_getCode", [wallet, "latest"])):
            return False
        query = {"to": wallet, "gas": hex(_GAS), "data": _question(digest, proof)}
        try:
            async with asyncio.timeout(self._patience):
                answer = await ask("eth_call", [query, "latest"])
        except CallReverted:
            return False
        except (RequestRefused, TimeoutError):
            if silence_is_no:
                return False
            raise RequestRefused("the contract wallet gave no answer", fix="Try again later.") from None
        return _wire.data(answer) == _YES


def _question(digest: bytes, proof: bytes) -> str:
    padded = proof.ljust(-(-len(proof) // _wire.WORD) * _wire.WORD, b"\0")
    return "0x" + (_IS_VALID + digest + _wire.word(2 * _wire.WORD) + _wire.word(len(proof)) + padded).hex()


def _bytes_of(signature: str) -> bytes | None:
    if not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})+", signature) or len(signature) > 2 + 2 * _LONGEST:
        return None
    return bytes.fromhex(signature[2:])


def _recovered(digest: bytes, proof: bytes) -> str | None:
    """Recover the account that signed, lower case; None for what is no canonical signature.

    High-s twins are refused (EIP-2): otherwise anybody can make a second signature out of a first.
    """
    if len(proof) != _SIGNATURE_BYTES:
        return None
    r, s, v = int.from_bytes(proof[:32], "big"), int.from_bytes(proof[32:64], "big"), proof[64]
    if not (0 < r < _ORDER and 0 < s <= _ORDER // 2 and v in (0, 1, 27, 28)):
        return None
    try:
        signer = Signature(vrs=(v % 27, r, s)).recover_public_key_from_msg_hash(digest)
    except (BadSignature, ValidationError):
        return None
    return signer.to_address()
