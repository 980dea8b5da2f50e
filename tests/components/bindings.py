"""Wallets that let servers keep their films' keys."""

from __future__ import annotations

from dataclasses import replace

from eth_account.messages import encode_defunct
from eth_account.signers.local import LocalAccount
from eth_utils import to_checksum_address

from tests.components.registry import ACCOUNTS, CHAIN_ID
from wylloh_server.domain.access import Role
from wylloh_server.domain.device_binding import LONGEST_BINDING, BindingRevocation, DeviceBinding
from wylloh_server.domain.types import SessionId, parse_wallet

HOLDER = ACCOUNTS[1]
SESSION = SessionId("5" * 64)
URI = "https://home.example"


def personal(account: LocalAccount, text: str) -> str:
    """Sign a text as a wallet does (EIP-191)."""
    return "0x" + bytes(account.sign_message(encode_defunct(text=text)).signature).hex()


def signed(message, account: LocalAccount = HOLDER):
    """Sign a binding or a revocation."""
    return replace(message, signature=personal(account, message.text(to_checksum_address(message.wallet))))


def binding_of(server, account: LocalAccount = HOLDER, **changes) -> DeviceBinding:
    """Make the binding of a wallet to a server."""
    now = int(server.clock())
    issued = int(changes.get("issued_at", now))
    values = {
        "wallet": parse_wallet(account.address),
        "device_key": server.server_keys.device_public,
        "chain_id": CHAIN_ID,
        "uri": URI,
        "nonce": "a1" * 12,
        "issued_at": issued,
        "expires_at": issued + LONGEST_BINDING,
    }
    return signed(DeviceBinding(**values | changes), account)


def revocation_of(server, account: LocalAccount = HOLDER, **changes) -> BindingRevocation:
    """Make the revocation of a server's bindings."""
    values = {
        "wallet": parse_wallet(account.address),
        "device_key": server.server_keys.device_public,
        "chain_id": CHAIN_ID,
        "uri": URI,
        "nonce": "b2" * 12,
        "issued_at": int(server.clock()),
    }
    return signed(BindingRevocation(**values | changes), account)


async def bind(server, account: LocalAccount = HOLDER) -> None:
    """Let a server keep the keys of a wallet's films, as at a sign-in."""
    wallet = parse_wallet(account.address)
    await server.storage.accounts.save(wallet, Role.VIEWER)
    message = server.bindings.request(SESSION, wallet)
    await server.bindings.accept(SESSION, wallet, personal(account, message))
