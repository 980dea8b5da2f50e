"""The whole of playback on real parts: door, ffmpeg, prober, store and ciphers; only the deciding is played."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.components.films import BUNDLED
from tests.fakes import FakeClock, FakeFilms, FakeLicensing, FakePositions
from wylloh_server.adapters.crypto import HlsSegmentCipher, TinkFilmCipher
from wylloh_server.adapters.ffmpeg import AvProber, FfmpegEncoder, find_ffmpeg
from wylloh_server.adapters.folders import LocalFolders
from wylloh_server.adapters.segments import DiskSegmentStore
from wylloh_server.domain.access import Role, Viewer
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_of
from wylloh_server.domain.types import DeviceId, Seconds, SessionId, wallet_of
from wylloh_server.services.bus import Bus
from wylloh_server.services.playback import Leases, Planner, Playback, Texts, Tools, Workshop
from wylloh_server.services.sources import FilmSources
from wylloh_server.web.door import LoopbackDoor

ALICE = Viewer(SessionId("a" * 64), DeviceId("alices-tv"), wallet_of("0x" + "a" * 40), Role.VIEWER)
BOB = Viewer(SessionId("b" * 64), DeviceId("bobs-phone"), wallet_of("0x" + "b" * 40), Role.VIEWER)
HOME = "192.168.1.20"


def folder_film(path) -> Film:
    """A film in a folder, ready to play."""
    origin = FolderOrigin(str(path))
    return Film(film_id_of(f"file:{path}"), Description(path.stem), origin, FilmState.READY)


class WatchedEncoder:
    """A real encoder that remembers its orders and its processes."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder
        self.orders = []
        self.running = {}
        self.most_at_once = 0

    @property
    def identity(self):
        return self._encoder.identity

    @asynccontextmanager
    async def encode(self, source, target, probe, order):
        self.orders.append(order)
        async with self._encoder.encode(source, target, probe, order) as encoding:
            self.running[encoding.pid] = order
            self.most_at_once = max(self.most_at_once, len(self.running))
            try:
                yield encoding
            finally:
                del self.running[encoding.pid]

    async def still(self, source, at, width):
        return await self._encoder.still(source, at, width)

    async def subtitles(self, source, index):
        return await self._encoder.subtitles(source, index)


@dataclass
class Workroom:
    """Playback and what stands behind it."""

    playback: Playback
    workshop: Workshop
    store: DiskSegmentStore
    encoder: WatchedEncoder
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
        while self.encoder.running:
            await asyncio.sleep(0.02)


@asynccontextmanager
async def workroom(folder, *films, sources=None, ffmpeg=BUNDLED, processes=2, **options):
    """Playback over the given films, with its store in `folder`. Nothing fills a film unless a test does."""
    clock = FakeClock()
    async with LoopbackDoor() as door:
        encoder = WatchedEncoder(FfmpegEncoder(find_ffmpeg(ffmpeg), threads=2))
        store = DiskSegmentStore(folder / "segments", limit=options.pop("limit", 1 << 30))
        cipher = HlsSegmentCipher(bytes(range(32)))
        sources = sources or FilmSources(
            packages=None, folders=LocalFolders(), manifests=None, cipher=TinkFilmCipher(), keys=None
        )
        tools = Tools(sources, door, encoder, store, cipher)
        workshop, licensing = Workshop(tools, processes=processes), FakeLicensing(clock)
        repository, bus, to_fill = FakeFilms(*films), Bus(), []

        async def make_rest(film_id):
            to_fill.append(film_id)

        positions = FakePositions()
        playback = Playback(
            films=repository,
            positions=positions,
            licensing=licensing,
            planner=Planner(sources=sources, door=door, prober=AvProber(), encoder=encoder),
            workshop=workshop,
            texts=Texts(tools),
            leases=Leases(clock, idle_seconds=Seconds(600)),
            cipher=cipher,
            bus=bus,
            make_rest=make_rest,
            lease_seconds=Seconds(60),
            **options,
        )
        room = Workroom(
            playback, workshop, store, encoder, licensing, repository, positions, clock, to_fill=to_fill
        )
        bus.subscribe(room.events.append)
        async with playback.running():
            yield room
    assert not encoder.running
