"""The envelope: a film's content key, sealed to one server, signed by a custodian, with its window.

Two byte strings are fixed here because both sides must compute them alike: what the HPKE `info`
binds (`binding_bytes`) and what the custodian signs (`signed_bytes`). Both are canonical JSON
(RFC 8785 for the subset used: sorted keys, no spaces, integers and ASCII-escaped strings only).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import Any

from wylloh_server.domain._json import matching, record, text, whole
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.types import ChainId, Cid, Seconds, Timestamp, TokenReference, Wallet, wallet_of

HOME_WINDOW = Seconds(30 * 86400)
"""How long an envelope for personal viewing lasts."""

_HEX = re.compile(r"[0-9a-f]{1,4096}")
_LAST_MOMENT = 1 << 53
"""Beyond this a JSON number is not exact everywhere (RFC 8259, section 6)."""
_LONGEST_RIGHT, _LONGEST_TERRITORY, _LONGEST_SIGNATURE = 100, 20, 33_000


@dataclass(frozen=True, slots=True)
class EnvelopeTerms:
    """What an envelope is good for. Times are whole seconds; `device_key` is X25519 public, hex."""

    root: Cid
    token: TokenReference
    wallet: Wallet
    right: str
    territory: str
    device_key: str
    not_before: int
    not_after: int

    def covers(self, now: Timestamp) -> bool:
        """Say whether the window is open."""
        return self.not_before <= now < self.not_after

    def binding_bytes(self) -> bytes:
        """Give the HPKE `info` that ties the sealed key to these terms."""
        return canonical({"v": "wylloh-envelope-v1", **self.as_json()})

    def as_json(self) -> dict[str, Any]:
        """Give the terms as plain JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {**values, "token": str(self.token)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The licence. `sealed`, `custodian_key` (Ed25519 public) and `signature` are hex."""

    terms: EnvelopeTerms
    sealed: str
    custodian_key: str
    signature: str

    def signed_bytes(self) -> bytes:
        """Give what the custodian's signature covers."""
        return canonical({**self.terms.as_json(), "sealed": self.sealed, "custodian_key": self.custodian_key})

    def as_json(self) -> dict[str, Any]:
        """Give the envelope as plain JSON values."""
        return {
            "terms": self.terms.as_json(),
            "sealed": self.sealed,
            "custodian_key": self.custodian_key,
            "signature": self.signature,
        }


def envelope_from_json(data: Any) -> Envelope:
    """Read an envelope.

    Raises:
        KeyError, InvalidValue: a field is missing or malformed, or there is one too many.
    """
    values = record(data)
    return Envelope(
        _terms(record(values["terms"])),
        matching(values["sealed"], _HEX, "hex"),
        matching(values["custodian_key"], _HEX, "hex"),
        matching(values["signature"], _HEX, "hex"),
    )


def _terms(values: dict[str, Any]) -> EnvelopeTerms:
    # A term this server does not know could mean a limit it would not keep.
    if unknown := values.keys() - {item.name for item in fields(EnvelopeTerms)}:
        raise InvalidValue(f"an envelope has no term {min(unknown)[:40]!r}")
    return EnvelopeTerms(
        root=Cid(text(values["root"], 130)),
        token=TokenReference.parse(text(values["token"], 250)),
        wallet=wallet_of(text(values["wallet"], 42)),
        right=text(values["right"], _LONGEST_RIGHT),
        territory=text(values["territory"], _LONGEST_TERRITORY),
        device_key=matching(values["device_key"], _HEX, "hex"),
        not_before=whole(values["not_before"], _LAST_MOMENT),
        not_after=whole(values["not_after"], _LAST_MOMENT),
    )


@dataclass(frozen=True, slots=True)
class DeviceBinding:
    """A wallet's signed word that one server may fetch keys for it, for as long as it holds.

    The custodian composes the text again from these fields and checks the signature over it, so that
    no text from outside is ever parsed. `signature` is hex with 0x.
    """

    wallet: Wallet
    device_key: str
    chain_id: ChainId
    signed_at: int
    signature: str = ""

    def text(self) -> str:
        """Give the exact text the wallet signs (EIP-191 personal message)."""
        return (
            "Let this media server keep the keys of my films.\n\n"
            "It may ask custodians for the keys of films this wallet holds. It can never move a token.\n\n"
            f"Server key: {self.device_key}\n"
            f"Wallet: {self.wallet}\n"
            f"Chain ID: {self.chain_id}\n"
            f"Signed at: {self.signed_at}"
        )


@dataclass(frozen=True, slots=True)
class EnvelopeRequest:
    """What a holder's server asks a custodian for."""

    token: TokenReference
    right: str
    territory: str
    binding: DeviceBinding

    def as_json(self) -> dict[str, Any]:
        """Give the request as plain JSON values."""
        binding = {item.name: getattr(self.binding, item.name) for item in fields(self.binding)}
        return {
            "token": str(self.token),
            "right": self.right,
            "territory": self.territory,
            "binding": binding,
        }


def request_from_json(data: Any) -> EnvelopeRequest:
    """Read a request.

    Raises:
        KeyError, InvalidValue: a field is missing or malformed.
    """
    values = record(data)
    raw = record(values["binding"])
    binding = DeviceBinding(
        wallet=wallet_of(text(raw["wallet"], 42)),
        device_key=matching(raw["device_key"], _HEX, "hex"),
        chain_id=ChainId(whole(raw["chain_id"], _LAST_MOMENT)),
        signed_at=whole(raw["signed_at"], _LAST_MOMENT),
        signature=text(raw["signature"], _LONGEST_SIGNATURE),
    )
    return EnvelopeRequest(
        TokenReference.parse(text(values["token"], 250)),
        text(values["right"], _LONGEST_RIGHT),
        text(values["territory"], _LONGEST_TERRITORY),
        binding,
    )


def canonical(value: dict[str, Any]) -> bytes:
    """Write JSON in the one way both sides agree on."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
