"""Stand-ins behind ports and service interfaces, shared by all tests. Real components come first."""

from __future__ import annotations

import asyncio
import hashlib

from wylloh_server.domain.access import Reason, Receipt, Verdict, Vote
from wylloh_server.domain.errors import (
    AccessRefused,
    BlockUnavailable,
    ChainUnavailable,
    NotFound,
    PlaybackRefused,
)
from wylloh_server.domain.playback import Lease, LeaseEnd, Position
from wylloh_server.domain.ports.chain import ChainStatus, Discovery, Holdings
from wylloh_server.domain.ports.wallet_calls import SeenCall, WalletStanding
from wylloh_server.domain.types import BlockNumber, FilmId, PlayToken, Timestamp, Wallet
from wylloh_server.hooks.dispatch import Ballot
from wylloh_server.testing._transactions import SampleCalls


class FakeClock:
    """The time, which passes only when told to."""

    def __init__(self, now: float = 1_760_000_000.0) -> None:
        self.now = now

    def __call__(self) -> Timestamp:
        return Timestamp(self.now)


class FakeSignatures:
    """The port `Signatures` for wallets that sign with `FakeSignatures.sign`."""

    @staticmethod
    def sign(wallet: Wallet, text: str) -> str:
        return "0x" + hashlib.sha256(f"{wallet}|{text}".encode()).hexdigest()

    def checksummed(self, wallet: Wallet) -> str:
        return wallet

    def manifest_request(self, token, sha256):
        return {"message": {"sha256": sha256, "tokenId": str(token.token_id)}}

    async def signed_message(self, wallet, text, signature):
        return signature == self.sign(wallet, text)

    async def signed_manifest(self, publisher, token, sha256, signature):
        return signature == self.sign(publisher, f"{token}|{sha256}")


class FakeChain:
    """The port `Chain` over dictionaries. `silent` makes it a chain that nobody can ask."""

    def __init__(self, ladders=None, holdings=None) -> None:
        self.ladders = ladders or {}
        self.held = holdings or {}
        self.silent = False
        self.block = BlockNumber(100)

    def _ask(self) -> None:
        if self.silent:
            raise ChainUnavailable("No RPC answers.", fix="Look at wylloh doctor.")

    async def status(self):
        return ChainStatus(not self.silent, None if self.silent else self.block, ())

    async def films(self, since):
        self._ask()
        return Discovery((), self.block)

    async def holdings(self, wallet, tokens):
        self._ask()
        return Holdings(wallet, self.block, {token: self.held.get((wallet, token), 0) for token in tokens})

    async def ladder(self, token):
        self._ask()
        if token not in self.ladders:
            raise NotFound("The registry knows no such film.")
        return self.ladders[token]


class FakePackages:
    """The gateway's side of the port `Packages`: blocks by CID. `breaks_after` cuts a CAR short."""

    def __init__(self, blocks=None) -> None:
        self.blocks = blocks or {}
        self.breaks_after = None

    async def published_block(self, cid):
        return self.blocks.get(cid)

    async def published_car(self, root, *, scope="all"):
        for number, block in enumerate([scope.encode(), *self.blocks.values()]):
            if number == self.breaks_after:
                raise NotFound("a block is gone")
            yield block


class FakePlayback:
    """The interface of the service `Playback`, without pictures. `refused` gives a receipt to refuse with."""

    def __init__(self) -> None:
        self.leases: dict[str, Lease] = {}
        self.ends: dict[str, LeaseEnd] = {}
        self.refused: Receipt | None = None
        self.expected: list[FilmId] = []

    def expect(self, film):
        self.expected.append(film.id)

    async def start(self, viewer, film_id, address, at=0.0):
        if self.refused is not None:
            raise PlaybackRefused(self.refused)
        token = PlayToken(f"token-of-{viewer.session[:8]}-{film_id}")
        now = Timestamp(0)
        receipt = Receipt(film_id, viewer.wallet, "personal", True, Reason.HOLDS_ENOUGH, "Yours.", now)
        self.leases[token] = Lease(token, viewer, film_id, address, receipt, now, now)
        return self.leases[token]

    def lease(self, token, session, address):
        lease = self.leases.get(token)
        if lease is None or session != lease.viewer.session:
            raise AccessRefused("This link was made for another screen.")
        return lease

    async def stop(self, lease):
        self.end(lease.token, LeaseEnd.STOPPED)

    def end(self, token, why):
        del self.leases[token]
        self.ends[token] = why

    async def end_device(self, device):
        for token in [token for token, lease in self.leases.items() if lease.viewer.device == device]:
            self.end(token, LeaseEnd.SIGNED_OUT)

    def ended(self, token):
        return self.ends.get(token)


class FakeVotes:
    """The plugins' side of licensing. `answer` is what they say; `asked` keeps what they were asked."""

    def __init__(self) -> None:
        self.answer = Ballot(Vote(Verdict.ABSTAIN))
        self.asked = []

    async def ballot(self, request):
        self.asked.append(request)
        return self.answer


class FakeJobs:
    """The port `Jobs` that only notes what it was to start, as (kind, key)."""

    def __init__(self) -> None:
        self.started = []

    async def start(self, kind, key):
        self.started.append((kind, key))


class FakeFilms:
    """The port `Films` over a dictionary."""

    def __init__(self, *films) -> None:
        self._films = {film.id: film for film in films}

    async def get(self, film):
        return self._films.get(film)

    async def remove(self, film):
        del self._films[film]


class FakePositions:
    """The port `Positions`; `kept` has what was saved, by wallet, and setting `broken` makes reading fail."""

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

    async def decide(self, viewer, film, right="personal"):
        self.asked += 1
        no = self.verdicts.get(viewer.wallet)
        sentence = "You hold no token of this film." if no else "Yours."
        reason = no or Reason.HOLDS_ENOUGH
        return Receipt(film.id, viewer.wallet, right, no is None, reason, sentence, self._clock())


class FakeProber:
    """The port `Prober`: gives `probe`, or raises it if it is an error; `asked` counts."""

    def __init__(self, probe) -> None:
        self.probe_or_error = probe
        self.asked = 0

    async def probe(self, url):
        self.asked += 1
        if isinstance(self.probe_or_error, Exception):
            raise self.probe_or_error
        return self.probe_or_error


class FakeEncoder:
    """The still-and-subtitles side of the port `Encoder`. `running` and `most` count stills made at once."""

    def __init__(self, picture=b"\xff\xd8\xff a still") -> None:
        self.picture = picture
        self.stills = []
        self.running = self.most = 0

    async def still(self, source, at, width):
        self.stills.append((at, width))
        self.running += 1
        self.most = max(self.most, self.running)
        await asyncio.sleep(0.01)
        self.running -= 1
        if isinstance(self.picture, Exception):
            raise self.picture
        return self.picture

    async def jpeg(self, source, width):
        return b"\xff\xd8\xff a picture"

    async def subtitles(self, source, index):
        return f"WEBVTT\n\n00:00.000 --> 00:01.000\ntrack {index}\n"


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
