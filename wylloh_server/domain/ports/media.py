"""Reading films and making renditions of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from wylloh_server.domain.media_index import IndexedStream, MediaIndex
    from wylloh_server.domain.playback import Timeline
    from wylloh_server.domain.ports.content import RandomAccess
    from wylloh_server.domain.rendition import AudioTrack, Probe, Rendition, SubtitleTrack

SegmentSink = Callable[[str, bytes], Awaitable[None]]
"""Take each finished file of an encoding, in order: its name (`init.mp4`, `0.m4s`, …) and bytes."""


@dataclass(frozen=True, slots=True)
class VideoEncodeJob:
    """Encode one rendition of the picture from segment `first` on.

    A `low_priority` order gives way to whatever else the machine has to do.
    """

    rendition: Rendition
    timeline: Timeline
    first: int
    low_priority: bool = False


@dataclass(frozen=True, slots=True)
class AudioEncodeJob:
    """Encode one sound track as stereo AAC, 48 kHz, from segment `first` on.

    A sink may be given segments before `first`, which warm the encoder up, and drops them.
    """

    track: AudioTrack
    timeline: Timeline
    first: int
    low_priority: bool = False


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """How strong the sandbox of decoders is, tried by a child that does what a hostile film may.

    Attributes:
        parts: what holds a child back here, by name.
        missing: what does not here, by name, with what would add it.
        reached: what the child could do all the same, each as words that follow "could".
    """

    parts: tuple[str, ...]
    missing: Mapping[str, str]
    reached: tuple[str, ...]


class MediaTools(Protocol):
    """Looks into films, and makes renditions, stills and subtitles of them."""

    @property
    def identity(self) -> str:
        """Name what encodes and how; segments made under different names cannot be joined."""

    async def probe(self, source: RandomAccess) -> Probe:
        """Read what is inside a film.

        Raises:
            MediaRefused: not a film we open, and why.
        """

    def encode(
        self, source: RandomAccess, sink: SegmentSink, probe: Probe, order: VideoEncodeJob | AudioEncodeJob
    ) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Start an encoding and return what waits for its end; leaving the context ends it.

        Waiting raises TranscodeFailed if it ended with an error. An encoding that is ended early may hand
        over a last segment that is too short.
        """

    async def still(self, source: RandomAccess, probe: Probe, width: int, *, upright: bool = False) -> bytes:
        """Take a picture that stands for a film as JPEG, `width` pixels wide.

        It has the film's shape, or is cut out of its middle two wide by three high if it shall be `upright`.
        It is not a dark one, unless the film has no other.

        Raises:
            TranscodeFailed: no picture can be taken.
        """

    async def jpeg(self, source: RandomAccess, width: int) -> bytes:
        """Read a JPEG, PNG or WebP picture and give it as JPEG, at most so many pixels wide.

        Raises:
            TranscodeFailed: it is none, or cannot be read.
        """

    async def trailer(
        self, source: RandomAccess, probe: Probe, write: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Write a short film as MP4 that every browser plays, in pieces; what fits as it is, is copied.

        Raises:
            TranscodeFailed: it cannot be made.
        """

    async def subtitles(self, source: RandomAccess, track: SubtitleTrack) -> str:
        """Take one embedded text track as WebVTT. Reads the whole film.

        Raises:
            TranscodeFailed: the track cannot be read.
        """


class Remuxer(Protocol):
    """Hands streams of films through as they are, in this process."""

    async def index(self, source: RandomAccess, probe: Probe) -> MediaIndex:
        """Return what can be handed through of a film that was probed.

        Raises:
            MediaRefused: it cannot be read.
            ContentError: its bytes are not here.
        """

    async def segment(
        self,
        name: str,
        open_source: Callable[[], Awaitable[RandomAccess]],
        stream: IndexedStream,
        number: int,
    ) -> bytes:
        """Return segment `number` of a stream as one fMP4 fragment.

        Args:
            name: what tells this content from any other.
            open_source: opens it.
            stream: one of those in its index.
            number: counts from 0.

        Raises:
            MediaRefused: the film is another one than its index says.
            ContentError: its bytes are not here.
        """


class SegmentStore(Protocol):
    """Encrypted segments on disk. `track` and `name` are safe file names made by this server."""

    async def put(self, film: str, track: str, name: str, data: bytes, *, ahead: bool = False) -> None:
        """Store a file so that it is never seen half written; in memory alone if the disk takes no more.

        Raises:
            StoreFull: no room left for what is made `ahead`, while nobody waits for it.
        """

    async def get(self, film: str, track: str, name: str) -> bytes | None:
        """Read a file, or None. Recently used ones come from memory."""

    async def names(self, film: str, track: str) -> frozenset[str]:
        """List what is stored of a track."""

    async def sizes(self) -> Mapping[str, int]:
        """Return how many bytes are stored, by name of the film."""

    async def forget(self, film: str) -> None:
        """Delete everything made of a film."""

    async def give_way(self) -> None:
        """Delete films until as much of the disk is free as everything else needs, such as the database."""
