"""Who is asking, what was decided, and the receipt that says why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import BlockNumber, DeviceId, FilmId, SessionId, Timestamp, Wallet


class Role(StrEnum):
    """What an account may do here; each includes the ones after it."""

    OWNER = "owner"
    ADMIN = "admin"
    PUBLISHER = "publisher"
    VIEWER = "viewer"

    def includes(self, other: Role) -> bool:
        """Say whether this role may do what `other` may."""
        order = list(Role)
        return order.index(self) <= order.index(other)


class DeviceKind(StrEnum):
    """What kind of screen a session belongs to."""

    BROWSER = "browser"
    TV = "tv"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody signed in, on one device."""

    session: SessionId
    device: DeviceId
    wallet: Wallet
    role: Role
    kind: DeviceKind = DeviceKind.BROWSER


@dataclass(frozen=True, slots=True)
class Session:
    """A stored session. `id` is the SHA-256 (hex) of the secret in the cookie."""

    id: SessionId
    device: DeviceId
    wallet: Wallet
    kind: DeviceKind
    name: str
    created: Timestamp
    last_seen: Timestamp


class Verdict(StrEnum):
    """The three answers of a vote. Deny beats allow beats abstain; the default is deny."""

    ALLOW = "allow"
    DENY = "deny"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Vote:
    """One opinion on an access request, with the plain sentence that would be shown."""

    verdict: Verdict
    sentence: str = ""


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody wants to use a right of a film, by default to watch it."""

    viewer: Viewer
    film: Film
    right: str


class Reason(StrEnum):
    """Why a decision fell, for machines."""

    HOLDS_ENOUGH = "holds-enough"
    OWN_FOLDER = "own-folder"
    ENVELOPE_STILL_VALID = "envelope-still-valid"
    TOO_FEW_TOKENS = "too-few-tokens"
    CHAIN_UNKNOWN = "chain-unknown"
    NOT_HERE_YET = "not-here-yet"
    NO_KEY = "no-key"
    VOTED_DOWN = "voted-down"
    VOTE_UNKNOWN = "vote-unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The recorded decision behind a lease or a refusal.

    Attributes:
        block: height at which the holding was read; None when no chain was asked.
        contract: CAIP-19 token reference asked about; empty for a film from a folder.
        balance: tokens held at that block; None when unknown.
        tier: right of the tier that granted it; empty on a refusal.
        missing: further tokens that would turn a no into a yes; 0 otherwise.
        sentence: one plain sentence a person on a sofa can act on.
    """

    film: FilmId
    wallet: Wallet
    right: str
    allowed: bool
    reason: Reason
    sentence: str
    at: Timestamp
    block: BlockNumber | None = None
    contract: str = ""
    balance: int | None = None
    tier: str = ""
    missing: int = 0
    plugins: tuple[str, ...] = field(default=())
