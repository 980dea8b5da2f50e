"""ERC-2612: a signature that lets the store take coins, instead of a transaction of its own.

The typed data is that of https://eips.ethereum.org/EIPS/eip-2612. A coin's domain comes from ERC-5267 where
it answers that, else from its name and version; it is used only if it hashes to the coin's own
DOMAIN_SEPARATOR, so that a wallet never signs a permission that the coin would not understand.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from wylloh_server.sdk import ChainError, SignatureRequest

if TYPE_CHECKING:
    from wylloh_server.sdk import Coin, PluginContext, Wallet

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


@dataclass(frozen=True, slots=True)
class Permission:
    """What shall be allowed: `spender` takes up to `value` of an owner's coins until `deadline` (seconds)."""

    coin: Coin
    chain_id: int
    owner: Wallet
    spender: Wallet
    value: int
    deadline: int


async def permit_request(context: PluginContext, wanted: Permission) -> SignatureRequest | None:
    """Give what the owner shall sign; None if the coin's permits cannot be used."""
    coin = wanted.coin
    ask = context.chain.read
    try:
        domain, (nonce,), (separator,) = await asyncio.gather(
            _domain(context, coin, wanted.chain_id),
            ask(coin.address, "nonces(address)", (wanted.owner,), ("uint256",)),
            ask(coin.address, "DOMAIN_SEPARATOR()", (), ("bytes32",)),
        )
    except ChainError:
        return None
    if domain_separator(domain) != bytes(separator):
        return None
    message = {
        "owner": wanted.owner,
        "spender": wanted.spender,
        "value": str(wanted.value),
        "nonce": str(nonce),
        "deadline": str(wanted.deadline),
    }
    return SignatureRequest(
        typed_data={
            "types": {"EIP712Domain": _fields(_DOMAIN), "Permit": _fields(_PERMIT)},
            "primaryType": "Permit",
            "domain": domain,
            "message": message,
        },
        says=f"Sign that the store may take {coin.written(wanted.value)}, once. This costs nothing.",
    )


def domain_separator(domain: dict[str, Any]) -> bytes:
    """Hash a domain as EIP-712 says."""
    written = f"EIP712Domain({','.join(f'{kind} {name}' for name, kind in _DOMAIN)})"
    hashed = [keccak(text=text) for text in (written, domain["name"], domain["version"])]
    types = ("bytes32", "bytes32", "bytes32", "uint256", "address")
    return keccak(encode(types, (*hashed, domain["chainId"], domain["verifyingContract"])))


async def _domain(context: PluginContext, coin: Coin, chain_id: int) -> dict[str, Any]:
    name, version = await _name_and_version(context, coin)
    return {"name": name, "version": version, "chainId": chain_id, "verifyingContract": coin.address}


async def _name_and_version(context: PluginContext, coin: Coin) -> tuple[str, str]:
    types = ("bytes1", "string", "string", "uint256", "address", "bytes32", "uint256[]")
    try:
        fields, name, version, *_ = await context.chain.read(coin.address, "eip712Domain()", (), types)
    except ChainError:
        fields, name, version = b"", "", ""
    if fields == _ALL_FOUR:
        return str(name), str(version)
    (name,) = await context.chain.read(coin.address, "name()", (), ("string",))
    try:
        (version,) = await context.chain.read(coin.address, "version()", (), ("string",))
    except ChainError:
        version = "1"
    return str(name), str(version)


def _fields(pairs: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in pairs]
