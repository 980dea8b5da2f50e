"""What happened, told to plugins. Frozen, in the past tense; the docstrings are the documentation.

An event that more than one plugin needs lives here. A plugin may declare its own with the hook
`event_types`; those are dataclasses that derive from `Event` too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.access import Receipt, Role
    from wylloh_server.domain.playback import LeaseEnd
    from wylloh_server.domain.task import Task
    from wylloh_server.domain.transaction import TransactionId
    from wylloh_server.domain.types import BlockNumber, DeviceId, FilmId, Wallet


@dataclass(frozen=True, slots=True)
class Event:
    """The root of all events."""


@dataclass(frozen=True, slots=True)
class FilmAdded(Event):
    """A film entered the library: discovered on chain, or found in a folder."""

    film: FilmId
    title: str


@dataclass(frozen=True, slots=True)
class FilmDescribed(Event):
    """What a film is called and about is known now, or has changed: its verified manifest is here."""

    film: FilmId
    title: str


@dataclass(frozen=True, slots=True)
class FilmReady(Event):
    """A film's bytes are all here and verified; it can be played by anybody who has the right."""

    film: FilmId


@dataclass(frozen=True, slots=True)
class FilmAway(Event):
    """The file of a film is not in its folder now; when it is back, `FilmReady` follows."""

    film: FilmId


@dataclass(frozen=True, slots=True)
class FilmRemoved(Event):
    """A film left the library for good: the owner removed it."""

    film: FilmId


@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """A wallet signed in and has a session."""

    wallet: Wallet
    role: Role


@dataclass(frozen=True, slots=True)
class DevicePaired(Event):
    """Somebody approved a TV."""

    device: DeviceId
    wallet: Wallet


@dataclass(frozen=True, slots=True)
class LicenseChecked(Event):
    """A licence decision was made; its receipt says which."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class EnvelopeReleased(Event):
    """This server, as custodian, sealed a film's key to another server."""

    film: FilmId
    wallet: Wallet
    right: str


@dataclass(frozen=True, slots=True)
class PlaybackStarted(Event):
    """A lease was granted and playback may begin."""

    film: FilmId
    wallet: Wallet
    device: DeviceId


@dataclass(frozen=True, slots=True)
class PlaybackEnded(Event):
    """A lease is over, and why.

    `watched` is how far the film had come, from 0 to 1; None when the player never told.
    """

    film: FilmId
    wallet: Wallet
    device: DeviceId
    reason: LeaseEnd
    watched: float | None = None


@dataclass(frozen=True, slots=True)
class AccountRemoved(Event):
    """An account was removed: what a plugin keeps about its wallet goes as well."""

    wallet: Wallet


@dataclass(frozen=True, slots=True)
class ChainAdvanced(Event):
    """The chain was read on, or a reorg took something back; `PluginChain.changes` has what is new."""

    block: BlockNumber


@dataclass(frozen=True, slots=True)
class TransactionConfirmed(Event):
    """A transaction prepared here is on the chain, every step of it."""

    transaction: TransactionId
    wallet: Wallet
    plugin: str


@dataclass(frozen=True, slots=True)
class TaskEnded(Event):
    """A background task is done, failed or cancelled."""

    task: Task
