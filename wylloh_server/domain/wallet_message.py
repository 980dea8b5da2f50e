"""What a wallet signs to sign in, or to allow something: a message in the form of EIP-4361.

Wallets know the form: they compare its domain with that of the page, and warn where they differ. The server
composes every message from values it has, and checks the signature over the whole text: none is ever parsed.
Source: https://eips.ethereum.org/EIPS/eip-4361.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wylloh_server.domain.moments import format_iso

if TYPE_CHECKING:
    from wylloh_server.domain.types import ChainId


@dataclass(frozen=True, slots=True)
class WalletMessage:
    """One message. Times are whole seconds since 1970.

    Attributes:
        address: the wallet, with its EIP-55 checksum.
        statement: a sentence for the person who signs, on one line.
        uri: the address of the server that asks: scheme, host and port.
        resources: what it is about, as URIs.
    """

    address: str
    statement: str
    uri: str
    chain_id: ChainId
    nonce: str
    issued_at: int
    expires_at: int
    resources: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the text, its fields in the order that EIP-4361 fixes."""
        lines = [
            f"{urlsplit(self.uri).netloc} wants you to sign in with your Ethereum account:",
            self.address,
            "",
            self.statement,
            "",
            f"URI: {self.uri}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {format_iso(self.issued_at)}",
            f"Expiration Time: {format_iso(self.expires_at)}",
        ]
        if self.resources:
            lines += ["Resources:", *(f"- {resource}" for resource in self.resources)]
        return "\n".join(lines)
