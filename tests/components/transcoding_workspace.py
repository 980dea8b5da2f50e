"""Playback on real parts: loopback, ffmpeg, prober, store and ciphers; only licensing is a fake."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.components.films import BUNDLED
from tests.fakes import FakeClock, FakeFilms, FakeLicensing, FakeMediaIndexes, FakePositions, FakeRemuxer
from wylloh_server.adapters.crypto import HlsSegmentCipher
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.adapters.files.segment_files import DiskSegmentStore
from wylloh_server.domain.access import Role, Viewer
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_for
from wylloh_server.domain.types import DeviceId, Seconds, SessionId, parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.playback.leases import Leases
from wylloh_server.services.playback.planner import Planner
from wylloh_server.services.playback.playback_service import PlaybackService
from wylloh_server.services.playback.subtitles import SubtitleService
from wylloh_server.services.playback.transcode_manager import TranscodeManager
from wylloh_server.services.playback.transcode_session import TranscodeDependencies
from wylloh_server.services.library.film_sources import FilmSources
from wylloh_server.services.library.film_contents import MediaIndexes
from wylloh_server.services.playback.direct_segments import DirectSegments

ALICE = Viewer(SessionId("a" * 64), DeviceId("alices-tv"), parse_wallet("0x" + "a" * 40), Role.VIEWER)
BOB = Viewer(SessionId("b" * 64), DeviceId("bobs-phone"), parse_wallet("0x" + "b" * 40), Role.VIEWER)
HOME = "192.168.1.20"


def folder_film(path) -> Film:
    """A film in a folder, ready to play."""
    origin = FolderOrigin(str(path))
    return Film(film_id_for(f"file:{path}"), Description(path.stem), origin, FilmState.READY)


class WatchedMedia:
    """Real media tools that remember their orders and their processes."""

    def __init__(self, media) -> None:
        self._media = media
        self.orders = []
        self.running = {}
        self.most_at_once = 0

    @property
    def identity(self):
        return self._media.identity

    @asynccontextmanager
    async def encode(self, source, sink, probe, order):
        self.orders.append(order)
        async with self._media.encode(source, sink, probe, order) as wait:
            pid = wait.__self__.pid
            self.running[pid] = order
            self.most_at_once = max(self.most_at_once, len(self.running))
            try:
                yield wait
            finally:
                del self.running[pid]

    async def probe(self, source):
        return await self._media.probe(source)

    async def still(self, source, probe, width, *, upright=False):
        return await self._media.still(source, probe, width, upright=upright)

    async def subtitles(self, source, track):
        return await self._media.subtitles(source, track)


@dataclass
class TranscodingWorkspace:
    """Playback and what stands behind it."""

    playback: PlaybackService
    transcodes: TranscodeManager
    store: DiskSegmentStore
    media: WatchedMedia
    licensing: FakeLicensing
    films: FakeFilms
    positions: FakePositions
    clock: FakeClock
    events: list = field(default_factory=list)
    to_fill: list = field(default_factory=list)

    async def clear(self, lease, track, name) -> bytes:
        """A segment as a player sees it, decrypted with the key it is given."""
        data = await self.playback.segment(lease, track, name)
        if name == "init.mp4":
            return data
        number = int(name.removesuffix(".m4s"))
        key = await self.playback.key(lease, track, number // 30)
        decryptor = Cipher(algorithms.AES128(key), modes.CBC(number.to_bytes(16, "big"))).decryptor()
        padded = decryptor.update(data) + decryptor.finalize()
        return padded[: -padded[-1]]

    async def quiet(self) -> None:
        """Wait until no ffmpeg runs."""
        while self.media.running:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def transcoding_workspace(
    folder, *films, sources=None, ffmpeg=BUNDLED, processes=2, remuxer=None, **options
):
    """Playback over the given films, with its store in `folder`. Nothing fills a film unless a test does."""
    clock = FakeClock()
    async with LoopbackMediaServer() as loopback:
        media = WatchedMedia(FfmpegMediaTools(loopback, find_ffmpeg(ffmpeg), threads=2))
        store = DiskSegmentStore(folder / "segments", limit=options.pop("limit", 1 << 30))
        cipher = HlsSegmentCipher(bytes(range(32)))
        sources = sources or FilmSources(
            packages=None, folders=LocalFolders(), manifests=None, verifier=None, keys=None, uploads=None
        )
        tools = TranscodeDependencies(sources, media, store, cipher)
        transcodes, licensing = TranscodeManager(tools, processes=processes), FakeLicensing(clock)
        repository, bus, to_fill = FakeFilms(*films), EventBus(), []

        async def make_rest(film_id):
            to_fill.append(film_id)

        signed_out, roles = set(), {}

        async def current_viewer(viewer):
            role = roles.get(viewer.wallet, viewer.role)
            return None if viewer.session in signed_out else replace(viewer, role=role)

        positions, remuxer = FakePositions(), remuxer or FakeRemuxer()
        indexes = MediaIndexes(
            sources=sources, media=media, remuxer=remuxer, kept=FakeMediaIndexes(), films=repository
        )
        playback = PlaybackService(
            films=repository,
            positions=positions,
            licensing=licensing,
            planner=Planner(sources=sources, indexes=indexes),
            transcodes=transcodes,
            subtitle_service=SubtitleService(tools),
            leases=Leases(clock, idle_seconds=Seconds(600), timer=clock.timer),
            direct=DirectSegments(remuxer=remuxer, sources=sources, cipher=cipher),
            cipher=cipher,
            bus=bus,
            current_viewer=current_viewer,
            make_rest=make_rest,
            lease_seconds=Seconds(60),
            **options,
        )
        room = TranscodingWorkspace(
            playback, transcodes, store, media, licensing, repository, positions, clock, to_fill=to_fill
        )
        room.signed_out, room.roles = signed_out, roles
        bus.listeners.append(room.events.append)
        async with playback.running():
            yield room
        await indexes.close()
    assert not media.running
