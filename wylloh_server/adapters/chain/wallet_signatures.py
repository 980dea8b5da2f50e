"""Whose signature is this: an account's own key (low-s only), or a contract wallet's yes (EIP-1271)."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from wylloh_server.adapters.chain import abi_codec
from wylloh_server.adapters.chain.block_headers import at_block
from wylloh_server.adapters.chain.contract_abi import calldata
from wylloh_server.adapters.chain.rpc_errors import CallReverted, ContractSilent, RequestRefused

if TYPE_CHECKING:
    from wylloh_server.adapters.chain.rpc_node import Ask
    from wylloh_server.domain.ports.chain import BlockHeader
    from wylloh_server.domain.types import Seconds, Wallet

_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1 (SEC 2, 2.4.1)."""

_SIGNATURE_BYTES = 65
_LONGEST = 16_384
"""Bytes of a signature that are still passed to a contract wallet (several owners, WebAuthn proofs)."""

_IS_VALID = "isValidSignature(bytes32,bytes)"
_YES = abi_codec.selector(_IS_VALID).ljust(abi_codec.WORD, b"\0")
"""EIP-1271's magic value, 0x1626ba7e, as an ABI word. It happens to be the function's own selector."""

_GAS = 5_000_000
"""Enough for a passkey proof in Solidity; an endless loop or a flood of return data ends there."""


async def is_valid_contract_signature(
    ask: Ask,
    block: BlockHeader,
    *,
    wallet: Wallet,
    digest: bytes,
    proof: bytes,
    patience: Seconds,
) -> bool:
    """Ask a contract wallet, as it was at a block, whether a signature is its own (EIP-1271).

    An account without a contract says no.

    Raises:
        ContractSilent: it gave no answer in time.
    """
    if not abi_codec.data(await ask("eth_getCode", [wallet, at_block(block)])):
        return False
    question = calldata(_IS_VALID, (digest, proof))
    query = {"to": wallet, "gas": hex(_GAS), "data": f"0x{question.hex()}"}
    try:
        async with asyncio.timeout(patience):
            answer = await ask("eth_call", [query, at_block(block)])
    except CallReverted:
        return False
    except (RequestRefused, TimeoutError):
        raise ContractSilent("the contract wallet gave no answer", fix="Try again later.") from None
    return abi_codec.data(answer) == _YES


def parse_signature(signature: str) -> bytes | None:
    """Return the bytes of a signature in 0x-hex; None for what is none, or too long for anybody."""
    if not re.fullmatch(r"0x(?:[0-9a-fA-F]{2})+", signature) or len(signature) > 2 + 2 * _LONGEST:
        return None
    return bytes.fromhex(signature[2:])


def recovered(digest: bytes, proof: bytes) -> str | None:
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
