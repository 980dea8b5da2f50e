"""What was found in films comes back as it was, from both databases."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from sqlalchemy import text

from wylloh_server.domain.media_index import (
    CutTimeline,
    DynamicRange,
    IndexedAudio,
    IndexedVideo,
    MediaIndex,
)
from wylloh_server.domain.rendition import AudioTrack, Chapter, Probe, SubtitleTrack, VideoTrack
from wylloh_server.domain.types import FilmId, Seconds

FILM = FilmId("aaaaaaaaaaaaaaaa")
VIDEO = VideoTrack("hevc", 3840, 2160, Fraction(24000, 1001), hdr=True, pixels="yuv420p10le", rotation=90)
PROBE = Probe(
    "matroska",
    Seconds(95.34),
    VIDEO,
    (AudioTrack(0, "eac3", "en", 6, "Main", default=True),),
    (SubtitleTrack(0, "subrip", "de", forced=True),),
    (Chapter(Seconds(1.5), "One"),),
    ("A note.",),
)
CUTS = CutTimeline((0, 2002, 4004), Fraction(1, 1000))
INDEX = MediaIndex(
    Fraction(-1, 48),
    IndexedVideo(
        stream=0,
        codec="hevc",
        codec_string="hvc1.2.4.L153.B0",
        bit_rate=60_000_000,
        init=bytes(range(256)),
        timeline=CUTS,
        profile="Main 10",
        level=153,
        bit_depth=10,
        width=3840,
        height=2160,
        frame_rate=Fraction(24000, 1001),
        dynamic_range=DynamicRange.HDR10,
    ),
    (IndexedAudio(1, "eac3", "ec-3", 640_000, b"init", CUTS, 0, 6, 48_000, 1536, 12),),
    ("Sound track 2: dts is not put into fMP4.",),
)


async def test_9_what_is_in_a_film_comes_back_as_it_was(storage):
    await storage.media_indexes.save(FILM, "content", PROBE, INDEX)
    probe, index = await storage.media_indexes.get(FILM, "content")
    assert (probe, index) == (PROBE, INDEX)
    assert repr(probe) == repr(PROBE)  # which names what was made of the film
    assert isinstance(index.video.dynamic_range, DynamicRange)
    assert await storage.media_indexes.known() == {FILM}


async def test_9_another_content_is_not_known_and_replaces_it(storage):
    await storage.media_indexes.save(FILM, "content", PROBE, INDEX)
    assert await storage.media_indexes.get(FILM, "another") is None
    await storage.media_indexes.save(FILM, "another", PROBE, replace(INDEX, video=None))
    assert await storage.media_indexes.get(FILM, "content") is None
    assert (await storage.media_indexes.get(FILM, "another"))[1].video is None


async def test_9_what_another_version_wrote_counts_as_not_known(storage, database):
    await storage.media_indexes.save(FILM, "content", PROBE, INDEX)
    async with storage.media_indexes._connections.writing() as connection:
        await connection.execute(text("UPDATE media_indexes SET streams = '{\"video\": {}}'"))
    assert await storage.media_indexes.get(FILM, "content") is None
