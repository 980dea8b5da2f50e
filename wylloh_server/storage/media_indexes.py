"""What films have inside and where they can be cut, stored as rows of JSON.

A row is about one content of a film: what was written about another one is replaced.
"""

from __future__ import annotations

import base64
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import select

from wylloh_server.domain.media_index import (
    CutTimeline,
    DynamicRange,
    IndexedAudio,
    IndexedStream,
    IndexedVideo,
    MediaIndex,
)
from wylloh_server.domain.rendition import (
    AudioTrack,
    Chapter,
    ClockJump,
    Probe,
    SubtitleTrack,
    VideoTrack,
)
from wylloh_server.domain.types import Seconds
from wylloh_server.storage.tables import media_indexes
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.types import FilmId
    from wylloh_server.storage.connections import Connections

T = TypeVar("T")
S = TypeVar("S", bound=IndexedStream)


class MediaIndexRepository:
    """What was found in films. `content` names what a film's file holds, and what looked into it."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self, film: FilmId, content: str) -> tuple[Probe, MediaIndex] | None:
        """Return what is in a film; None if this content was not looked into, or otherwise than now."""
        wanted = select(media_indexes).where(media_indexes.c.film == film, media_indexes.c.content == content)
        async with self._connections.reading() as connection:
            row = (await connection.execute(wanted)).first()
        try:
            return (_probe(row.probe), _index(row.streams)) if row else None
        except (KeyError, TypeError, ValueError):  # of another version of this server
            return None

    async def save(self, film: FilmId, content: str, probe: Probe, index: MediaIndex) -> None:
        """Store what is in a film, in place of what was known of it."""
        row = {"film": film, "content": content, "probe": _plain(probe), "streams": _plain(index)}
        async with self._connections.writing() as connection:
            await upsert(connection, media_indexes, row)

    async def known(self) -> frozenset[FilmId]:
        """Return the films that were looked into."""
        async with self._connections.reading() as connection:
            return frozenset((await connection.execute(select(media_indexes.c.film))).scalars())


def _plain(value: Any) -> Any:
    """Return dataclasses as mappings that JSON can write: fractions as two numbers, bytes in base64."""
    if hasattr(value, "__dataclass_fields__"):
        return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _probe(kept: Mapping[str, Any]) -> Probe:
    video = dict(kept["video"])
    return Probe(
        container=kept["container"],
        duration=Seconds(kept["duration"]),
        video=VideoTrack(**video | {"frame_rate": Fraction(*video["frame_rate"])}),
        audio=_all(AudioTrack, kept["audio"]),
        subtitles=_all(SubtitleTrack, kept["subtitles"]),
        chapters=_all(Chapter, kept["chapters"]),
        notes=tuple(kept["notes"]),
        clock_jumps=_all(ClockJump, kept["clock_jumps"]),
    )


def _index(kept: Mapping[str, Any]) -> MediaIndex:
    video = kept["video"]
    return MediaIndex(
        origin=Fraction(*kept["origin"]),
        video=_video(video) if video else None,
        audio=tuple(_stream(IndexedAudio, item) for item in kept["audio"]),
        obstacles=tuple(kept["obstacles"]),
    )


def _video(kept: Mapping[str, Any]) -> IndexedVideo:
    better = {
        "frame_rate": Fraction(*kept["frame_rate"]),
        "dynamic_range": DynamicRange(kept["dynamic_range"]),
    }
    return _stream(IndexedVideo, {**kept, **better})


def _stream(kind: type[S], kept: Mapping[str, Any]) -> S:
    timeline = CutTimeline(tuple(kept["timeline"]["cuts"]), Fraction(*kept["timeline"]["unit"]))
    return kind(**{**kept, "init": base64.b64decode(kept["init"]), "timeline": timeline})


def _all(kind: type[T], kept: list[dict[str, Any]]) -> tuple[T, ...]:
    return tuple(kind(**item) for item in kept)
