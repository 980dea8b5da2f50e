"""ERC-2612: a signature that lets the store take coins, instead of a transaction of its own.

The typed data is that of https://eips.ethereum.org/EIPS/eip-2612. A coin's domain comes from ERC-5267 where
it answers that, else from its name and version; it is used only if it hashes to the coin's own
DOMAIN_SEPARATOR, so that a wallet never signs a permission that the coin would not understand.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from wylloh_server.sdk import ChainError, SignatureRequest
from wylloh_store.store_contract import coin_contract

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, PluginChain, Wallet

_DOMAIN = (
    ("name", "string"),
    ("version", "string"),
    ("chainId", "uint256"),
    ("verifyingContract", "address"),
)
_PERMIT = (
    ("owner", "address"),
    ("spender", "address"),
    ("value", "uint256"),
    ("nonce", "uint256"),
    ("deadline", "uint256"),
)
_ALL_FOUR = b"\x0f"
"""ERC-5267's bit for each of the domain's fields that is used: those four, and no salt."""
_VERSION = "version()"
"""EIP-2612 leaves it to the coin whether it has this function; no contract of the project does."""


async def permit_request(
    chain: PluginChain,
    coin: Coin,
    chain_id: int,
    *,
    owner: Wallet,
    spender: Wallet,
    value: int,
    deadline: int,
) -> SignatureRequest | None:
    """Return what an owner of coins signs so that `spender` takes up to `value` until `deadline` (seconds).

    None if the coin's permits cannot be used.
    """
    contract = coin_contract(coin.address)
    try:
        (name, version), (nonce,), (separator,) = await asyncio.gather(
            _name_and_version(chain, coin),
            contract.read(chain, "nonces", owner),
            contract.read(chain, "DOMAIN_SEPARATOR"),
        )
    except ChainError:
        return None
    domain = {"name": name, "version": version, "chainId": chain_id, "verifyingContract": coin.address}
    if domain_separator(domain) != bytes(separator):
        return None
    message = {
        "owner": owner,
        "spender": spender,
        "value": str(value),
        "nonce": str(nonce),
        "deadline": str(deadline),
    }
    return SignatureRequest(
        typed_data={
            "types": {"EIP712Domain": _fields(_DOMAIN), "Permit": _fields(_PERMIT)},
            "primaryType": "Permit",
            "domain": domain,
            "message": message,
        },
        summary=f"Sign that the store may take up to {coin.written(value)} for this. It costs nothing.",
    )


def domain_separator(domain: dict[str, Any]) -> bytes:
    """Hash a domain as EIP-712 says."""
    written = f"EIP712Domain({','.join(f'{kind} {name}' for name, kind in _DOMAIN)})"
    hashed = [keccak(text=text) for text in (written, domain["name"], domain["version"])]
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    return keccak(encode(types, (*hashed, domain["chainId"], domain["verifyingContract"])))


async def _name_and_version(chain: PluginChain, coin: Coin) -> tuple[str, str]:
    contract = coin_contract(coin.address)
    try:
        fields, name, version, *_ = await contract.read(chain, "eip712Domain")
    except ChainError:
        fields, name, version = b"", "", ""
    if fields == _ALL_FOUR:
        return str(name), str(version)
    (name,) = await contract.read(chain, "name")
    try:
        (version,) = await chain.read(coin.address, _VERSION, (), ("string",))
    except ChainError:
        version = "1"
    return str(name), str(version)


def _fields(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in pairs]
