"""How often the encoder of a track may be started again, and how long it is left alone after that."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import TranscodeFailed, TranscodeUnavailable
from wylloh_server.domain.types import Seconds

if TYPE_CHECKING:
    from wylloh_server.services.playback.transcode_session import TranscodeSession

_MOST_RESTARTS = 3
_PAUSE = 30.0

Track = tuple[str, str]
"""A film's name in the store, and the name of a track."""


@dataclass(slots=True)
class EncoderFailures:
    """Counts failures of encoders that made nothing. Who waits learns of the last one only."""

    _counts: dict[Track, int] = field(default_factory=dict)
    _paused: dict[Track, tuple[float, str]] = field(default_factory=dict)

    def note(self, session: TranscodeSession) -> None:
        """Note how a session has ended. One that made something clears the count."""
        track = session.plan.store, session.track.name
        if session.next > session.first:
            self._counts.pop(track, None)
        if not isinstance(session.failure, TranscodeFailed):
            return
        self._counts[track] = self._counts.get(track, 0) + 1
        if self._counts[track] > _MOST_RESTARTS:
            del self._counts[track]
            self._paused[track] = asyncio.get_running_loop().time() + _PAUSE, str(session.failure)

    def check(self, store: str, track: str) -> None:
        """Raise TranscodeUnavailable while the encoder of a track is left alone."""
        until, reason = self._paused.get((store, track), (0.0, ""))
        left = until - asyncio.get_running_loop().time()
        if left > 0:
            raise TranscodeUnavailable(
                f"This film cannot be made playable at the moment: {reason}",
                fix="Try again in half a minute; if it stays so, run `wylloh doctor`.",
                retry_after=Seconds(left),
            )
        self._paused.pop((store, track), None)
