"""What a wallet signs about the servers that may fetch its films' keys: a binding, and its revocation.

Both are EIP-4361 messages (see `wallet_message`) with the address of the server that asked for the signature.
The server that is meant is named by its device key, as a resource. A custodian composes the text again from
the fields and checks the signature over it, so that no text from outside is ever parsed.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.json_values import matching, record, text, whole
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import ChainId, Timestamp, Wallet, parse_wallet
from wylloh_server.domain.wallet_message import WalletMessage

DAY = 86_400
LONGEST_BINDING = 90 * DAY
"""Seconds from the signature to the end of a binding; custodians refuse longer ones."""
CLOCK_SLACK = 300
"""Seconds by which two servers' clocks may differ."""
EVERY_SERVER = ""
"""In the place of a device key: all servers."""

_BIND = (
    "Let this media server keep the keys of my films, until the date below. It may ask custodians for the "
    "keys of films this wallet holds. It can never move a token."
)
_REVOKE = (
    "Take back what I allowed: the media server named below may no longer ask custodians for the keys of my "
    "films with a permission signed before now. This moves no token."
)
_REVOKE_ALL = (
    "Take back what I allowed: no media server may any longer ask custodians for the keys of my films with a "
    "permission signed before now. This moves no token."
)
_KEY = re.compile(r"[0-9a-f]{64}")
_KEY_OR_ALL = re.compile(r"(?:[0-9a-f]{64})?")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]_-]{1,253}")
_NONCE = re.compile(r"[A-Za-z0-9]{8,64}")
_LAST_MOMENT = 253_402_300_799
"""The end of the year 9999: later moments have no RFC 3339 form."""
_LONGEST_SIGNATURE = 33_000


@dataclass(frozen=True, slots=True)
class DeviceBinding:
    """A wallet's signed word that one server may fetch the keys of its films, for at most 90 days.

    Attributes:
        device_key: the server's X25519 public key, hex.
        uri: the server's address: scheme, host and port.
        issued_at: when it was composed, in whole seconds.
        expires_at: when it ends.
        signature: hex with 0x.
    """

    wallet: Wallet
    device_key: str
    chain_id: ChainId
    uri: str
    nonce: str
    issued_at: int
    expires_at: int
    signature: str = ""

    def text(self, address: str) -> str:
        """Return the exact text the wallet signs; `address` is the wallet with its checksum."""
        return WalletMessage(
            address,
            _BIND,
            self.uri,
            self.chain_id,
            self.nonce,
            self.issued_at,
            self.expires_at,
            (_resource(self.device_key),),
        ).text()

    def fault(self, chain_id: ChainId, now: Timestamp) -> str:
        """Return why it does not count now, a sentence, or '' if it does. Its signature is not checked."""
        if self.expires_at <= now:
            return "The wallet's permission for this server has run out."
        if self.expires_at - self.issued_at > LONGEST_BINDING:
            return "The wallet's permission for this server is good for more than 90 days."
        return _misdated(self.chain_id, self.issued_at, chain_id, now)


@dataclass(frozen=True, slots=True)
class BindingRevocation:
    """A wallet's signed word that bindings it signed before no longer count.

    Attributes:
        device_key: the server that is meant; empty for every server.
        issued_at: bindings issued before or at this moment end, in whole seconds.
        signature: hex with 0x.
    """

    wallet: Wallet
    device_key: str
    chain_id: ChainId
    uri: str
    nonce: str
    issued_at: int
    signature: str = ""

    def text(self, address: str) -> str:
        """Return the exact text the wallet signs; `address` is the wallet with its checksum."""
        return WalletMessage(
            address,
            _REVOKE if self.device_key else _REVOKE_ALL,
            self.uri,
            self.chain_id,
            self.nonce,
            self.issued_at,
            self.expires_at,
            (_resource(self.device_key),),
        ).text()

    @property
    def expires_at(self) -> int:
        """When the last binding that it can concern has run out anyway."""
        return self.issued_at + LONGEST_BINDING

    def fault(self, chain_id: ChainId, now: Timestamp) -> str:
        """Return why it does not count now, a sentence, or '' if it does. Its signature is not checked."""
        if self.expires_at <= now:
            return "That was signed more than 90 days ago, and ends nothing that has not ended."
        return _misdated(self.chain_id, self.issued_at, chain_id, now)


def _misdated(theirs: ChainId, issued_at: int, chain_id: ChainId, now: Timestamp) -> str:
    if theirs != chain_id:
        return "That was signed for another chain."
    return "That is dated in the future." if issued_at > now + CLOCK_SLACK else ""


def _resource(device_key: str) -> str:
    return f"urn:wylloh:device-key:{device_key or 'all'}"


def binding_from_json(data: Any) -> DeviceBinding:
    """Read a binding.

    Raises:
        KeyError, InvalidValue: a field is missing or malformed.
    """
    values = record(data)
    return DeviceBinding(**_common(values, _KEY), expires_at=whole(values["expires_at"], _LAST_MOMENT))


def revocation_from_json(data: Any) -> BindingRevocation:
    """Read a revocation.

    Raises:
        KeyError, InvalidValue: a field is missing or malformed.
    """
    return BindingRevocation(**_common(record(data), _KEY_OR_ALL))


def revocation_json(revocation: BindingRevocation) -> dict[str, Any]:
    """Return a revocation as plain JSON values."""
    return asdict(revocation)


def _origin(value: Any) -> str:
    """Take the address of a server whose host can be read from it, as the text to sign names it."""
    uri = matching(value, _ORIGIN, "the address of a server")
    try:
        parts = urlsplit(uri)
        readable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that hold no IPv6 address, or no port
        readable = False
    if not readable:
        raise InvalidValue(f"{quote_input(uri)} is not the address of a server")
    return uri


def _common(values: dict[str, Any], device_key: re.Pattern[str]) -> dict[str, Any]:
    return {
        "wallet": parse_wallet(text(values["wallet"], 42)),
        "device_key": matching(values["device_key"], device_key, "an X25519 key in hex"),
        "chain_id": ChainId(whole(values["chain_id"], 1 << 53)),
        "uri": _origin(values["uri"]),
        "nonce": matching(values["nonce"], _NONCE, "a nonce of letters and digits"),
        "issued_at": whole(values["issued_at"], _LAST_MOMENT - LONGEST_BINDING),
        "signature": text(values["signature"], _LONGEST_SIGNATURE),
    }
