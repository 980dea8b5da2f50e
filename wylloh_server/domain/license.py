"""The envelope: a film's content key, sealed to one server, signed by a custodian, with its window.

Two byte strings are fixed here because both sides must compute them alike: what the HPKE `info`
binds (`binding_bytes`) and what the custodian signs (`signed_bytes`). Both are canonical JSON
(RFC 8785 for the subset used: sorted keys, no spaces, integers and ASCII-escaped strings only).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from wylloh_server.domain.device_binding import DeviceBinding, binding_from_json
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.json_values import matching, record, text, whole
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import Cid, Timestamp, TokenReference, Wallet, parse_wallet

_HEX = re.compile(r"[0-9a-f]{1,4096}")
_LAST_MOMENT = 1 << 53
"""Beyond this a JSON number is not exact everywhere (RFC 8259, section 6)."""
_LONGEST_RIGHT, _LONGEST_TERRITORY = 100, 20


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
        """Return whether the window is open."""
        return self.not_before <= now < self.not_after

    def binding_bytes(self) -> bytes:
        """Return the HPKE `info` that ties the sealed key to these terms."""
        return canonical({"v": "wylloh-envelope-v1", **self.as_json()})

    def as_json(self) -> dict[str, Any]:
        """Return the terms as plain JSON values."""
        return {**asdict(self), "token": str(self.token)}


@dataclass(frozen=True, slots=True)
class Envelope:
    """The licence. `sealed`, `custodian_key` (Ed25519 public) and `signature` are hex."""

    terms: EnvelopeTerms
    sealed: str
    custodian_key: str
    signature: str

    def signed_bytes(self) -> bytes:
        """Return what the custodian's signature covers."""
        return canonical({**self.terms.as_json(), "sealed": self.sealed, "custodian_key": self.custodian_key})

    def as_json(self) -> dict[str, Any]:
        """Return the envelope as plain JSON values."""
        return {**asdict(self), "terms": self.terms.as_json()}


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
        raise InvalidValue(f"an envelope has no term {quote_input(min(unknown))}")
    return EnvelopeTerms(
        root=Cid(text(values["root"], 130)),
        token=TokenReference.parse(text(values["token"], 250)),
        wallet=parse_wallet(text(values["wallet"], 42)),
        right=text(values["right"], _LONGEST_RIGHT),
        territory=text(values["territory"], _LONGEST_TERRITORY),
        device_key=matching(values["device_key"], _HEX, "hex"),
        not_before=whole(values["not_before"], _LAST_MOMENT),
        not_after=whole(values["not_after"], _LAST_MOMENT),
    )


@dataclass(frozen=True, slots=True)
class KeyFault:
    """A custodian sent a key that is not the film's.

    Attributes:
        token: the film.
        custodian: the custodian's address; empty for this server itself.
        at: when it happened last.
        message: what was wrong.
    """

    token: TokenReference
    custodian: str
    at: Timestamp
    message: str


@dataclass(frozen=True, slots=True)
class EnvelopeRequest:
    """What a holder's server asks a custodian for.

    Attributes:
        root: the package that the envelope is for, as the holder may keep an older one than the custodian;
            None, as earlier versions ask, for the custodian's own.
    """

    token: TokenReference
    right: str
    territory: str
    binding: DeviceBinding
    root: Cid | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the request as plain JSON values."""
        values = {**asdict(self), "token": str(self.token)}
        return values if self.root else {name: values[name] for name in values if name != "root"}


def request_from_json(data: Any) -> EnvelopeRequest:
    """Read a request.

    Raises:
        KeyError, InvalidValue: a field is missing or malformed.
    """
    values = record(data)
    binding = binding_from_json(values["binding"])
    return EnvelopeRequest(
        TokenReference.parse(text(values["token"], 250)),
        text(values["right"], _LONGEST_RIGHT),
        text(values["territory"], _LONGEST_TERRITORY),
        binding,
        Cid(text(values["root"], 130)) if "root" in values else None,
    )


def canonical(value: dict[str, Any]) -> bytes:
    """Write JSON in the one way both sides agree on."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
