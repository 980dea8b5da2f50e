"""What viewers wait for, and who needs it first: whoever has the least left to watch."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import RetryLater
from wylloh_server.domain.types import Seconds
from wylloh_server.services.playback.playback_plan import VideoRendition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wylloh_server.domain.errors import WyllohError
    from wylloh_server.services.playback.playback_plan import MadeTrack, PlaybackPlan
    from wylloh_server.services.playback.transcode_session import TranscodeSession

WAIT_AHEAD = 4
"""Segments ahead of an encoder within which a viewer waits for it."""
_MOST_SKIPPED = 60
"""Segments that a wish may lie beyond what was given and still be for the same playback."""

ClientKind = tuple[str, bool]
"""A client, and whether video is meant: it has at most one session for each."""


def client_kind(client: str, track: MadeTrack) -> ClientKind:
    """Return what a client has at most one session for."""
    return client, isinstance(track, VideoRendition)


@dataclass(eq=False, slots=True, kw_only=True)
class SegmentWish:
    """A segment that a client waits for, or will want soon.

    Attributes:
        client: who wants it.
        plan: of the film.
        track: one of the plan's.
        number: of the segment; None is the init segment.
        request: counts the requests in the order of their arrival. It stays the same when a request has to
            wish again, because its session had to give way.
        since: when it was wished, on the loop's clock.
        waits: whether somebody stands still without it; False for one that will be wanted soon.
        granted: the session that makes it.
    """

    client: str
    plan: PlaybackPlan
    track: MadeTrack
    number: int | None
    request: int
    since: float
    waits: bool
    granted: asyncio.Future[TranscodeSession] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    @property
    def key(self) -> ClientKind:
        """Whose it is, and of which kind."""
        return client_kind(self.client, self.track)

    def same_track(self, other: SegmentWish) -> bool:
        """Whether both are for the same track of the same film."""
        return (self.plan.store, self.track.name) == (other.plan.store, other.track.name)

    def comes_with(self, other: SegmentWish) -> bool:
        """Whether one session makes both."""
        if not self.same_track(other):
            return False
        return self.number is None or other.number is None or abs(self.number - other.number) < WAIT_AHEAD

    def refuse(self, error: WyllohError) -> None:
        """Have the request fail, unless it was granted meanwhile."""
        if not self.granted.done():
            self.granted.set_exception(error)
            self.granted.exception()  # retrieved: who wished it may be gone


class WishQueue:
    """The wishes that wait for their turn, and the newest request of each client.

    A player that seeks gives up its older requests, but this server learns that only a while later. So of two
    requests of a client for different places the newer one counts.
    """

    def __init__(self) -> None:
        self._wishes: list[SegmentWish] = []
        self._newest: dict[ClientKind, SegmentWish] = {}

    @property
    def all(self) -> tuple[SegmentWish, ...]:
        """The wishes, in the order in which they came."""
        return tuple(self._wishes)

    def has(self, key: ClientKind) -> bool:
        """Return whether a client waits for a turn."""
        return any(wish.key == key for wish in self._wishes)

    @contextmanager
    def queued(self, wish: SegmentWish) -> Iterator[None]:
        """Hold a wish until the context ends. Refuse what it supersedes, and itself if a newer request has.

        Raises:
            RetryLater: the client has asked for another place since.
        """
        newest = self._newest.get(wish.key)
        if newest and newest.request > wish.request and not newest.comes_with(wish):
            raise _gone_on()
        if wish.waits and (newest is None or newest.request <= wish.request):
            self._newest[wish.key] = wish
            for older in self._wishes:
                if older.key == wish.key and not older.comes_with(wish):
                    older.refuse(_gone_on())
        self._wishes.append(wish)
        try:
            yield
        finally:
            self._wishes.remove(wish)

    def first_number(self, wish: SegmentWish) -> int | None:
        """Return the first segment that a wish's client waits for in the same track; None without any."""
        numbers = (one.number for one in self._wishes if one.client == wish.client and one.same_track(wish))
        return min((number for number in numbers if number is not None), default=None)

    def refuse(self, those: Callable[[SegmentWish], bool], error: WyllohError) -> None:
        """Refuse some of the wishes that still wait."""
        for wish in self._wishes:
            if those(wish):
                wish.refuse(error)

    def forget(self, client: str) -> None:
        """Forget the newest requests of a client."""
        self._newest = {key: wish for key, wish in self._newest.items() if key[0] != client}


def _gone_on() -> RetryLater:
    message = "The player has gone on to another place."
    return RetryLater(message, fix="Ask again if it is still wanted.", retry_after=Seconds(1))


class PlaybackBuffers:
    """How many seconds each client has left to watch, as far as can be told from what it was given."""

    def __init__(self) -> None:
        self._given: dict[ClientKind, _Given] = {}

    def give(self, client: str, track: MadeTrack, number: int, now: float) -> None:
        """Note that a client was given a segment."""
        key, length = client_kind(client, track), float(track.timeline.segment)
        given = self._given.get(key)
        if given is None or number not in {given.until, given.until - 1}:
            given = self._given[key] = _Given(number, number, now, length)
        given.until = number + 1

    def seconds(self, client: str, track: MadeTrack, now: float) -> float:
        """Return what a client has left of what it was given; 0 for who has just come."""
        given = self._given.get(client_kind(client, track))
        return given.left(now) if given else 0.0

    def need(self, wish: SegmentWish, now: float) -> float:
        """Return in how many seconds a client needs what it wishes; 0 for who starts or seeks."""
        given = self._given.get(wish.key)
        if given is None or wish.number is None or not 0 <= wish.number - given.until <= _MOST_SKIPPED:
            return 0.0
        return given.left(now) + (wish.number - given.until) * given.length

    def next_number(self, client: str, track: MadeTrack) -> int:
        """Return the segment that a client will want next; 0 for who has just come."""
        given = self._given.get(client_kind(client, track))
        return min(given.until, track.timeline.count - 1) if given else 0

    def forget(self, client: str) -> None:
        """Forget a client."""
        self._given = {key: given for key, given in self._given.items() if key[0] != client}


@dataclass(slots=True)
class _Given:
    first: int
    until: int
    since: float
    length: float

    def left(self, now: float) -> float:
        return max(0.0, (self.until - self.first) * self.length - (now - self.since))
