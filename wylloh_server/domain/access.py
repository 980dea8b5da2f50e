"""Who is asking, what was decided, and the receipt that says why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.types import DeviceId, Timestamp

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import BlockNumber, FilmId, SessionId, Wallet


NEVER = Timestamp(0)
NO_DEVICE = DeviceId("")


class Role(StrEnum):
    """What an account may do here; each includes the ones after it."""

    OWNER = "owner"
    ADMIN = "admin"
    PUBLISHER = "publisher"
    VIEWER = "viewer"

    def includes(self, other: Role) -> bool:
        """Return whether this role may do what `other` may."""
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
    """A stored session. `id` is the SHA-256 (hex) of the secret in the cookie.

    Attributes:
        address: the network address it was last seen at; may be empty.
        signed: when the wallet last signed on this device; 0 on a device that another one let in.
        let_in_by: the device that let this one in; empty where the wallet signed here.
    """

    id: SessionId
    device: DeviceId
    wallet: Wallet
    kind: DeviceKind
    name: str
    created: Timestamp
    last_seen: Timestamp
    address: str = ""
    signed: Timestamp = NEVER
    let_in_by: DeviceId = NO_DEVICE


def check_role(viewer: Viewer | None, role: Role | None) -> None:
    """Check that a viewer has a role or a higher one.

    Raises:
        AccessRefused: nobody is signed in, or the role is too low.
    """
    if role is not None and viewer is None:
        raise AccessRefused("Please sign in first.", fix="Sign in with your wallet.")
    if role is not None and viewer is not None and not viewer.role.includes(role):
        raise AccessRefused(f"This is for the role {role} or above.", fix="Ask the owner of this server.")


class Verdict(StrEnum):
    """The three answers of a vote. Deny beats allow beats abstain; the default is deny."""

    ALLOW = "allow"
    DENY = "deny"
    ABSTAIN = "abstain"


@dataclass(frozen=True, slots=True)
class Vote:
    """One vote on an access request, with the plain sentence that would be shown."""

    verdict: Verdict
    sentence: str = ""

    @property
    def denial(self) -> str:
        """Why it denies; empty if it does not."""
        if self.verdict is not Verdict.DENY:
            return ""
        return self.sentence or "A plugin of this server does not allow it."


@dataclass(frozen=True, slots=True)
class VoteResult:
    """The outcome of a vote.

    Attributes:
        plugins: those whose votes decided; empty if all abstained.
        failed: whether it is a denial only because plugins could not be asked.
    """

    vote: Vote
    plugins: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """Somebody wants to use a right of a film, by default to watch it.

    Attributes:
        viewer: who asks; `viewer.device` and `viewer.kind` say on which device.
        right: `personal` for watching at home, or another right of the film's ladder.
        renewal: whether the film plays already, and its lease is renewed; False when it is to start.
    """

    viewer: Viewer
    film: Film
    right: str
    renewal: bool = False

    @property
    def device(self) -> DeviceKind:
        """The kind of device: a browser or a TV."""
        return self.viewer.kind


class Reason(StrEnum):
    """The reason of a decision, for programs."""

    HOLDS_ENOUGH = "holds-enough"
    OWN_FOLDER = "own-folder"
    UPLOADED_HERE = "uploaded-here"
    NOT_THEIR_UPLOAD = "not-their-upload"
    ENVELOPE_STILL_VALID = "envelope-still-valid"
    TOO_FEW_TOKENS = "too-few-tokens"
    TOO_MANY_SERVERS = "too-many-servers"
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
    plugins: tuple[str, ...] = ()

    @classmethod
    def undecided(cls, film: Film, wallet: Wallet, right: str, at: Timestamp) -> Receipt:
        """Return the refusal that stands until more is known than who asks for what."""
        token = "" if film.token is None else str(film.token)
        return cls(film.id, wallet, right, False, Reason.CHAIN_UNKNOWN, "", at, contract=token)
