"""The packages of a film beside the one that plays: a newer one on its way, and those before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PackageUnknown, WyllohError

if TYPE_CHECKING:
    from wylloh_server.domain.film import TokenOrigin
    from wylloh_server.domain.types import FilmId, Seconds, Timestamp

_TOLERANCE = 0.1
GOOD_PACKAGE_AWAITED = (
    "Nothing of yours is lost. Its publisher has to register a good package, which is then fetched by "
    "itself; you can tell them."
)
"""What somebody else than its publisher does about a film of which there has never been a good package."""

_PUBLISHER_MUST = "Its publisher has to register a good one; the film plays on from the one that is here."


def package_fault(error: WyllohError) -> str:
    """Return what is wrong with the only package of a film. What to do depends on who reads it."""
    told = error if isinstance(error, PackageUnknown) else WyllohError(str(error))
    return told.explained


class SuccessorState(StrEnum):
    """How far a newer package is, while the film plays from the one before.

    A WAITING one is to be fetched. One that is HERE is whole and signed by its publisher, but no key here has
    opened it yet. A REFUSED one contradicts itself, its signature or the chain. Fetching a STOPPED one was
    cancelled by somebody. An UNPROVED one was opened, and what is in it does not play here, or runs for
    another time than the film: only the owner can take it.
    """

    WAITING = "waiting"
    HERE = "here"
    REFUSED = "refused"
    STOPPED = "stopped"
    UNPROVED = "unproved"


@dataclass(frozen=True, slots=True)
class Successor:
    """A package that the chain names for a film that plays from another one.

    Attributes:
        progress: share of its bytes that are here, 0…1.
        reason: why it is not taken (yet), as one plain sentence; empty where nothing is wrong.
    """

    origin: TokenOrigin
    state: SuccessorState = SuccessorState.WAITING
    progress: float = 0.0
    reason: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it was whole and signed when that was looked at last."""
        return self.state in {SuccessorState.HERE, SuccessorState.UNPROVED}

    def refused(self, error: WyllohError) -> Successor:
        """Return it as refused for an error, whose remedy is its publisher's; the owner reads that."""
        told = WyllohError(str(error), fix=_PUBLISHER_MUST)
        return replace(self, state=SuccessorState.REFUSED, reason=told.explained)


@dataclass(frozen=True, slots=True)
class FormerPackage:
    """A package that a film played from before, whose blocks are still here; `since` it was replaced."""

    origin: TokenOrigin
    since: Timestamp


@dataclass(frozen=True, slots=True)
class FilmVersions:
    """What there is of a film beside the package that plays.

    Attributes:
        former: the packages it played from before, the one replaced last first.
        kept: the owner wishes to keep the package that plays: no successor is fetched or taken.
    """

    film: FilmId
    successor: Successor | None = None
    former: tuple[FormerPackage, ...] = ()
    kept: bool = False

    @property
    def is_due(self) -> bool:
        """Whether the successor is to be fetched."""
        wanted = self.successor is not None and self.successor.state is SuccessorState.WAITING
        return wanted and not self.kept


def is_same_length(newer: Seconds, present: Seconds) -> bool:
    """Return whether two encodings run for so nearly the same time that they may be of one film."""
    return abs(newer - present) <= _TOLERANCE * present
