"""Stand-ins behind ports and service interfaces, shared by all tests. Real components come first."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from contextlib import asynccontextmanager
from fractions import Fraction
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Reason, Receipt, Verdict, Vote
from wylloh_server.domain.errors import (
    AccessRefused,
    BlockUnavailable,
    ChainUnavailable,
    MediaRefused,
    NotFound,
    PlaybackRefused,
    TranscodeFailed,
)
from wylloh_server.domain.media_index import MediaIndex
from wylloh_server.domain.play_decision import PlayAction, PlayReason, StreamDecision
from wylloh_server.domain.playback import Lease, LeaseEnd, Position
from wylloh_server.domain.ports.chain import ChainStatus
from wylloh_server.domain.rendition import Chapter, Probe
from wylloh_server.domain.rights import RightsStatus, Stack
from wylloh_server.domain.ports.media import AudioEncodeJob, VideoEncodeJob
from wylloh_server.domain.ports.wallet_calls import SeenCall, WalletStanding
from wylloh_server.domain.types import BlockNumber, FilmId, PlayToken, Timestamp, Wallet
from wylloh_server.domain.access import VoteResult
from wylloh_server.sdk.testing.sample_transactions import SampleCalls
from wylloh_server.services.playback.chosen_tracks import PlayedTrack, PlayedTracks
from wylloh_server.services.playback.leases import ActiveLease

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.storage.films import FilmRepository


class FakeClock:
    """The time, which passes only when told to; and a timer, which does not see the clock jump."""

    def __init__(self, now: float = 1_760_000_000.0) -> None:
        self.now = now
        self._jumped = 0.0

    def __call__(self) -> Timestamp:
        return Timestamp(self.now)

    def timer(self) -> float:
        return self.now - self._jumped

    def jump(self, seconds: float) -> None:
        self.now += seconds
        self._jumped += seconds


class FakeChain:
    """The port `Chain` over dictionaries, for wallets that sign with `FakeChain.sign`.

    `silent` makes it a chain that nobody can ask, a `gate` one that answers nobody before it is opened.
    """

    def __init__(self, ladders=None, holdings=None) -> None:
        self.ladders = ladders or {}
        self.held = holdings or {}
        self.silent = False
        self.gate: asyncio.Event | None = None
        self.block = BlockNumber(100)

    async def _ask(self) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.silent:
            raise ChainUnavailable("No RPC answers.", fix="Look at wylloh doctor.")

    async def status(self):
        if self.gate is not None:
            await self.gate.wait()
        return ChainStatus(not self.silent, None if self.silent else self.block, ())

    async def rights(self, wallet, token, *, confirmations=0):
        await self._ask()
        if token not in self.ladders:
            raise NotFound("The registry knows no such film.")
        return RightsStatus(Stack(self.held.get((wallet, token), 0), self.ladders[token]), self.block)

    @staticmethod
    def sign(wallet: Wallet, text: str) -> str:
        return "0x" + hashlib.sha256(f"{wallet}|{text}".encode()).hexdigest()

    def checksummed(self, wallet: Wallet) -> str:
        return wallet

    def manifest_request(self, token, sha256):
        return {"message": {"sha256": sha256, "tokenId": str(token.token_id)}}

    async def signed_message(self, wallet, text, signature):
        if self.gate is not None:
            await self.gate.wait()
        return signature == self.sign(wallet, text)

    async def signed_manifest(self, publisher, token, sha256, signature):
        return signature == self.sign(publisher, f"{token}|{sha256}")


class FakePackages:
    """The gateway's side of the port `Packages`: blocks by CID. `breaks_after` cuts a CAR short.

    `whole` are the packages of which all blocks are here; a CAR stops after its first piece until it `goes_on`.
    """

    def __init__(self, blocks=None) -> None:
        self.blocks = blocks or {}
        self.breaks_after = None
        self.whole = set()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    async def complete(self, root):
        return root in self.whole

    async def sizes(self, roots):
        return {root: 1_000_000 for root in roots if root in self.whole}

    async def discard(self, root):
        self.whole.discard(root)

    async def open_file(self, root, path):
        raise NotFound("There is no such package here.")

    async def published_block(self, cid):
        return self.blocks.get(cid)

    async def published_car(self, root, *, scope="all"):
        for number, block in enumerate([scope.encode(), *self.blocks.values()]):
            if number == self.breaks_after:
                raise NotFound("a block is gone")
            yield block
            await self.goes_on.wait()


class FakeLeases:
    """`Leases` over dictionaries: those in force, and why others ended."""

    def __init__(self) -> None:
        self.in_force: dict[str, Lease] = {}
        self.ends: dict[str, LeaseEnd] = {}
        self.films: dict[str, Film] = {}
        self.silent = 0.0

    def why_ended(self, token):
        return self.ends.get(token)

    def all(self):
        return tuple(
            ActiveLease(lease, SimpleNamespace(film=self.films[token]), None, used=0, checked=0)
            for token, lease in self.in_force.items()
            if token in self.films
        )

    def of_film(self, film):
        return tuple(lease for lease in self.in_force.values() if lease.film == film)

    def silence(self, held):
        return self.silent


class FakePlayback:
    """The interface of the service `PlaybackService`, without pictures. `refused` gives a receipt to refuse with."""

    def __init__(self) -> None:
        self.leases = FakeLeases()
        self.refused: Receipt | None = None
        self.expected: list[FilmId] = []
        self.clients = []
        self.marks: tuple[Chapter, ...] = ()
        self.probed: Probe | None = None
        self.films: FilmRepository | None = None

    def prefetch(self, film):
        self.expected.append(film.id)

    async def start(self, viewer, film_id, address, at=0.0, client=None):
        self.clients.append(client)
        if self.refused is not None:
            raise PlaybackRefused(self.refused)
        token = PlayToken(f"token-of-{viewer.session[:8]}-{film_id}")
        now = Timestamp(0)
        receipt = Receipt(film_id, viewer.wallet, "personal", True, Reason.HOLDS_ENOUGH, "Yours.", now)
        if self.films is not None and (film := await self.films.get(film_id)):
            self.leases.films[token] = film
        lease = Lease(token, viewer, film_id, address, receipt, now, now)
        self.leases.in_force[token] = lease  # whole: a test may end it as soon as it is here
        return lease

    async def start_film(self, viewer, film, address, at=0.0, client=None):
        lease = await self.start(viewer, film.id, address, at, client)
        self.leases.films[lease.token] = film
        return lease

    async def probe(self, film):
        if self.probed is None:
            raise MediaRefused("This is no film.", fix="Choose another file.")
        return self.probed

    def chapters(self, lease):
        return self.marks

    def played_tracks(self, lease):
        fits = StreamDecision(PlayAction.DIRECT, (PlayReason.FITS,), "This player plays it as it is.")
        return PlayedTracks("Test player", PlayedTrack("H.264", fits), ())

    def preparing(self, lease):
        return None

    def lease(self, token, session, address):
        lease = self.leases.in_force.get(token)
        if lease is None or session != lease.viewer.session:
            raise AccessRefused("This link was made for another screen.")
        return lease

    async def stop(self, lease):
        self.end_lease(lease.token, LeaseEnd.STOPPED)

    async def end(self, name):
        held = next((one for one in self.leases.all() if one.name == name), None)
        if held is None:
            raise NotFound("This is not playing any more.")
        self.end_lease(held.lease.token, LeaseEnd.ENDED_BY_ADMIN)

    def end_lease(self, token, why):
        del self.leases.in_force[token]
        self.leases.ends[token] = why

    async def end_device(self, device):
        for token in [
            token for token, lease in self.leases.in_force.items() if lease.viewer.device == device
        ]:
            self.end_lease(token, LeaseEnd.SIGNED_OUT)


class FakeVotes:
    """The plugins' side of licensing. `answer` is what they say; `asked` keeps what they were asked."""

    def __init__(self) -> None:
        self.answer = VoteResult(Vote(Verdict.ABSTAIN))
        self.asked = []

    async def count_votes(self, request):
        self.asked.append(request)
        return self.answer


class FakeFilmTasks:
    """`FilmTasks` that only records what it was to start, as (kind, film id)."""

    def __init__(self) -> None:
        self.started = []

    async def start(self, kind, film):
        self.started.append((kind, film))

    async def start_pulls(self, films):
        self.started += [("pull", film.id) for film in films]


class FakeFilms:
    """The film repository, over a dictionary."""

    def __init__(self, *films) -> None:
        self._films = {film.id: film for film in films}

    async def get(self, film):
        return self._films.get(film)

    async def save_notes(self, film, root, notes):
        self._films[film] = replace(self._films[film], notes=tuple(notes))
        return True

    async def remove(self, film):
        del self._films[film]


class FakePositions:
    """`PositionRepository` in memory; `kept` has what was saved, by wallet, and setting `broken` makes reading fail."""

    def __init__(self) -> None:
        self.kept: dict[Wallet, dict[FilmId, Position]] = {}
        self.broken: Exception | None = None

    async def save(self, wallet, position):
        self.kept.setdefault(wallet, {})[position.film] = position

    async def of_wallet(self, wallet):
        if self.broken:
            raise self.broken
        theirs = self.kept.get(wallet, {}).values()
        return tuple(sorted(theirs, key=lambda position: -position.updated))


class FakeLicensing:
    """Decides as `verdicts` says, by wallet: a reason to refuse for. Everybody else may watch."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.verdicts: dict[Wallet, Reason] = {}
        self.asked = 0
        self.renewals = []
        self.roles = []

    async def decide(self, viewer, film, right="personal", *, renewal=False):
        self.asked += 1
        self.roles.append(viewer.role)
        self.renewals.append(renewal)
        no = self.verdicts.get(viewer.wallet)
        sentence = "You hold no token of this film." if no else "Yours."
        reason = no or Reason.HOLDS_ENOUGH
        return Receipt(film.id, viewer.wallet, right, no is None, reason, sentence, self._clock())


class FakeMedia:
    """The port `MediaTools` without encoding.

    It gives `probe_or_error`, or raises it if it is an error; `asked` counts. `running` and `most` count stills
    made at once.
    """

    def __init__(self, probe=None, picture=b"\xff\xd8\xff a still") -> None:
        self.probe_or_error = probe
        self.asked = 0
        self.picture = picture
        self.stills = []
        self.running = self.most = 0

    async def probe(self, source):
        self.asked += 1
        if isinstance(self.probe_or_error, Exception):
            raise self.probe_or_error
        return self.probe_or_error

    async def still(self, source, probe, width, *, upright=False):
        self.stills.append((probe, width, upright))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture

    async def jpeg(self, source, width):
        return b"\xff\xd8\xff a picture"

    async def trailer(self, source, probe, write):
        await write(b"a trailer that browsers play")

    async def subtitles(self, source, track):
        return f"WEBVTT\n\n00:00.000 --> 00:01.000\ntrack {track.index}\n"


class FakeRemuxer:
    """The port `Remuxer` on films that cannot be handed through, so that all is encoded."""

    async def index(self, source, probe):
        return MediaIndex(Fraction(0), None, (), ("Nothing is handed through.",))

    async def segment(self, name, open_source, stream, number):
        raise AssertionError("nothing can be handed through")


class FakeMediaIndexes:
    """`MediaIndexRepository` in memory."""

    def __init__(self) -> None:
        self.rows = {}

    async def get(self, film, content):
        known, *found = self.rows.get(film, ("", None))
        return tuple(found) if known == content else None

    async def save(self, film, content, probe, index):
        self.rows[film] = (content, probe, index)

    async def known(self):
        return frozenset(self.rows)


class FakeInspector:
    """What looks into uploads: `faults` are sentences by file name."""

    def __init__(self, **faults) -> None:
        self.faults = faults

    async def fault(self, upload):
        return self.faults.get(upload.filename.partition(".")[0], "")


class FakeFiles:
    """The reading side of the port `Packages`: files by path in memory. `gone` are offsets nobody can read."""

    def __init__(self, files) -> None:
        self.files = files
        self.gone: range = range(0)

    async def open_file(self, root, path):
        return FakeFile(self, self.files[path])


class FakeFile:
    """One file of `FakeFiles`."""

    def __init__(self, packages, data) -> None:
        self._packages = packages
        self._data = data
        self.size = len(data)

    async def read(self, offset, length):
        if range(max(offset, self._packages.gone.start), min(offset + length, self._packages.gone.stop)):
            raise BlockUnavailable("A block of this film is missing.", fix="Pull the film again.")
        return self._data[offset : offset + length]

    async def close(self):
        pass


class FakeManifests:
    """The service `Manifests`, with one manifest."""

    def __init__(self, manifest) -> None:
        self._manifest = manifest

    async def load(self, root):
        return self._manifest


class FakeContentKeys:
    """Knows one key, or none."""

    def __init__(self, key) -> None:
        self.key = key

    async def content_key(self, film):
        if self.key is None:
            raise AccessRefused("There is no key for this film here.")
        return self.key


class FakeCalls(SampleCalls):
    """The port `WalletCalls` over a chain of which the test says what it shows.

    Attributes:
        chain: transactions by hash, as `seen` gives them; `numbered` finds those that are in a block.
        made: how many transactions every wallet has made.
        last_final: up to where no block can be taken back.
        tried: every call that was tried.
    """

    def __init__(self) -> None:
        super().__init__()
        self.chain: dict[str, SeenCall] = {}
        self.made = 0
        self.last_final = BlockNumber(0)
        self.tried = []

    async def refusal(self, call, at=None):
        self.tried.append(call)
        return await super().refusal(call, at)

    async def standing(self, wallet):
        self._speak()
        return WalletStanding(BlockNumber(100), self.made)

    async def seen(self, transaction):
        self._speak()
        return self.chain.get(transaction)

    async def numbered(self, wallet, nonce, after):
        self._speak()
        found = (one for one in self.chain.values() if one.block is not None)
        return next((one for one in found if (one.call.sender, one.nonce) == (wallet, nonce)), None)

    async def final(self):
        self._speak()
        return self.last_final


class FakeSegments:
    """A segment store in memory."""

    def __init__(self) -> None:
        self.files = {}

    async def put(self, film, track, name, data, *, ahead=False):
        self.files[film, track, name] = data

    async def get(self, film, track, name):
        return self.files.get((film, track, name))

    async def names(self, film, track):
        return frozenset(name for store, of, name in self.files if (store, of) == (film, track))

    async def sizes(self):
        sizes = {}
        for (film, _, _), data in self.files.items():
            sizes[film] = sizes.get(film, 0) + len(data)
        return sizes

    async def forget(self, film):
        self.files = {key: data for key, data in self.files.items() if key[0] != film}

    async def give_way(self):
        pass


class FakeEncoders:
    """Encoders that share the processors of a simulated machine, and take time instead of making pictures.

    Args:
        cores: how many encoders run at full speed side by side.
        start: seconds of work before the first segment.
        video: seconds of work for a second of picture.
        audio: the same for sound.
        ending: seconds until an encoder that was told to end is gone.
    """

    def __init__(self, *, cores=1, start=0.6, video=0.25, audio=0.03, ending=0.2) -> None:
        self.ending = ending
        self.cores, self.start, self.cost = cores, start, {VideoEncodeJob: video, AudioEncodeJob: audio}
        self.orders = []
        self.at_work = []
        self.most_at_once = 0
        self.worked = 0.0
        self.failures = 0

    async def work(self, seconds):
        while seconds > 0:
            share = min(1.0, self.cores / max(1, len(self.at_work)))
            await asyncio.sleep(0.1)
            seconds -= 0.1 * share
            self.worked += 0.1 * share

    @asynccontextmanager
    async def encode(self, source, sink, probe, order):
        self.orders.append(order)
        self.at_work.append(order)
        self.most_at_once = max(self.most_at_once, len(self.at_work))
        try:
            yield partial(self._make, sink, order)
        finally:
            await asyncio.sleep(self.ending)
            self.at_work.remove(order)

    async def _make(self, sink, order):
        if self.failures:
            self.failures -= 1
            raise TranscodeFailed("ffmpeg ended with code -9: it said nothing")
        await self.work(self.start)
        await sink("init.mp4", b"init")
        for number in range(order.first, order.timeline.count):
            await self.work(self.cost[type(order)] * float(order.timeline.segment))
            await sink(f"{number}.m4s", b"segment")


class FakeSources:
    """Opens every film, as nothing."""

    size = 0

    async def open(self, film):
        return self

    async def read(self, offset, length):
        return b""

    async def close(self):
        pass
