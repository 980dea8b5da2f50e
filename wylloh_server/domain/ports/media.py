"""Reading films and making renditions of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.domain.playback import Timeline
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.rendition import AudioTrack, Probe, Rendition
    from wylloh_server.domain.types import Seconds

SegmentSink = Callable[[str, bytes], Awaitable[None]]
"""Takes each finished file of an encoding, in order: its name (`init.mp4`, `0.m4s`, …) and bytes."""


class MediaDoor(Protocol):
    """A loopback HTTP door between this process and ffmpeg: unguessable paths, open only while lent."""

    def lend(self, source: RandomAccess) -> AbstractAsyncContextManager[str]:
        """Serve a source with Range under a URL until the context ends."""

    def receive(self, sink: SegmentSink) -> AbstractAsyncContextManager[str]:
        """Accept PUT below a URL (which ends in '/') and hand each whole body to `sink`."""


@dataclass(frozen=True, slots=True)
class PictureOrder:
    """Encode one rendition of the picture from segment `first` on.

    A `patient` order gives way to whatever else the machine has to do.
    """

    rendition: Rendition
    timeline: Timeline
    first: int
    patient: bool = False


@dataclass(frozen=True, slots=True)
class SoundOrder:
    """Encode one sound track as stereo AAC, 48 kHz, from segment `first` on.

    A sink may be given segments before `first`, which warm the encoder up, and drops them.
    """

    track: AudioTrack
    timeline: Timeline
    first: int
    patient: bool = False


class Encoding(Protocol):
    """A running ffmpeg."""

    async def wait(self) -> None:
        """Wait until it has finished.

        Raises:
            TranscodeFailed: it ended with an error.
        """


class Prober(Protocol):
    """Looks into a film."""

    async def probe(self, url: str) -> Probe:
        """Read what is inside.

        Raises:
            MediaRefused: not a film we open, and why.
        """


class Encoder(Protocol):
    """Makes renditions, stills and subtitles with ffmpeg."""

    @property
    def identity(self) -> str:
        """Name what encodes and how; segments made under different names cannot be joined."""

    def encode(
        self, source: str, target: str, probe: Probe, order: PictureOrder | SoundOrder
    ) -> AbstractAsyncContextManager[Encoding]:
        """Start an encoding from one door URL to another; leaving the context ends it.

        An encoding that is ended early may hand over a last segment that is too short.
        """

    async def still(self, source: str, at: Seconds, width: int) -> bytes:
        """Take one picture as JPEG."""

    async def jpeg(self, source: str, width: int) -> bytes:
        """Read a JPEG, PNG or WebP picture and give it as JPEG, at most so many pixels wide.

        Raises:
            TranscodeFailed: it is none, or cannot be read.
        """

    async def subtitles(self, source: str, index: int) -> str:
        """Take one embedded text track as WebVTT."""


class SegmentStore(Protocol):
    """Encrypted segments on disk. `track` and `name` are safe file names made by this server."""

    async def put(self, film: str, track: str, name: str, data: bytes) -> None:
        """Store a file so that it is never seen half written.

        Raises:
            StoreFull: no room left.
        """

    async def get(self, film: str, track: str, name: str) -> bytes | None:
        """Read a file, or None. Recently used ones come from memory."""

    async def names(self, film: str, track: str) -> frozenset[str]:
        """List what is stored of a track."""

    async def forget(self, film: str) -> None:
        """Delete everything made of a film."""
