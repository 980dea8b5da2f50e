"""The publisher's signature under a manifest, as EIP-712 typed data.

The domain binds the chain and the registry, the message the manifest's digest and the token, so a signature
for one film says nothing about another. https://eips.ethereum.org/EIPS/eip-712
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount

    from wylloh_server.domain.types import TokenReference

_DOMAIN = (
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
)
_MANIFEST = ({"name": "sha256", "type": "bytes32"}, {"name": "tokenId", "type": "uint256"})


def manifest_typed_data(token: TokenReference, sha256: str) -> dict[str, Any]:
    """Return what a browser wallet signs with `eth_signTypedData_v4`, ready for JSON.

    The token id is a decimal string, because a JavaScript number cannot hold it.

    Raises:
        InvalidValue: `sha256` is not 64 hex digits.
    """
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidValue(f"{quote_input(sha256)} is not a SHA-256", fix="Use 64 hex digits.")
    return {
        "types": {"EIP712Domain": [*_DOMAIN], "Manifest": [*_MANIFEST]},
        "primaryType": "Manifest",
        "domain": {
            "name": "Wylloh film manifest",
            "version": "1",
            "chainId": int(token.chain_id),
            "verifyingContract": to_checksum_address(token.contract),
        },
        "message": {"sha256": f"0x{sha256.lower()}", "tokenId": str(token.token_id)},
    }


def manifest_digest(token: TokenReference, sha256: str) -> bytes:
    """Return the 32 bytes that the signature covers. Raises like `manifest_typed_data`."""
    from eth_account.messages import encode_typed_data  # noqa: PLC0415 - with all of eth_account behind it

    encoded = encode_typed_data(full_message=manifest_typed_data(token, sha256))
    return keccak(b"\x19" + encoded.version + encoded.header + encoded.body)


def sign_manifest(account: LocalAccount, token: TokenReference, sha256: str) -> str:
    """Sign a manifest with a local key: 65 bytes as 0x-hex. Raises like `manifest_typed_data`."""
    signed = account.sign_typed_data(full_message=manifest_typed_data(token, sha256))
    return "0x" + bytes(signed.signature).hex()
