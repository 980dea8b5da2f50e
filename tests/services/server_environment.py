"""One server's services over its real adapters; stood in for are only time, plugins and the job engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from tests.components.registry import CHAIN_ID, Registry
from tests.fakes import FakeClock, FakeFilmTasks, FakeMedia, FakeVotes
from tests.components.gateways import ChangingGateways
from wylloh_server.adapters.chain import ChainLogReader, RegistryChain, RpcPool
from wylloh_server.adapters.crypto import TinkFilmCipher, load_server_keys, open_key_store
from wylloh_server.storage import open_database
from wylloh_server.adapters.ipfs import GatewayDeadlines, IpfsPackages, open_block_store
from wylloh_server.domain.access import DeviceKind, Role, Viewer
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.rendition import Probe, VideoTrack
from wylloh_server.domain.types import BlockNumber, DeviceId, Seconds, SessionId, Wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.licensing.envelope_renewal import EnvelopeRenewal
from wylloh_server.services.licensing.custodian import CustodianService
from wylloh_server.services.licensing.revocation_intake import RevocationIntake
from wylloh_server.services.licensing.device_bindings import DeviceBindings
from wylloh_server.services.licensing.envelope_client import EnvelopeClient
from wylloh_server.services.licensing.film_keys import FilmKeys
from wylloh_server.services.licensing.key_verifier import KeyVerifier
from wylloh_server.services.licensing.package_switch import PackageSwitch
from wylloh_server.services.licensing.package_trial import PackageTrial
from wylloh_server.services.chain.indexer import Indexer
from wylloh_server.services.retrieval.fetch_consents import FetchConsents
from wylloh_server.services.retrieval.film_sync import FilmSync
from wylloh_server.services.retrieval.ingest import Downloader, DownloadScheduler
from wylloh_server.services.library.film_library import Library
from wylloh_server.services.licensing.decisions import Licensing
from wylloh_server.services.retrieval.manifests import Manifests
from wylloh_server.services.retrieval.package_retention import PackageRetention
from wylloh_server.adapters.http.client import http_client

WINDOW = Seconds(30 * 86400)
MOST_SERVERS = 3
FORMER_SECONDS = Seconds(7 * 86400)
SOME_FILM = Probe("matroska", Seconds(90), VideoTrack("h264", 1280, 720, Fraction(25)))
"""What every package is taken to hold, unless a test has films looked into by the real tools."""


def viewer_with(wallet: Wallet, role: Role = Role.VIEWER, kind: DeviceKind = DeviceKind.BROWSER) -> Viewer:
    return Viewer(SessionId("5" * 64), DeviceId("d" * 16), wallet, role, kind)


@dataclass
class ServerEnvironment:
    """A server."""

    folder: Path
    registry: Registry
    clock: FakeClock
    events: list = field(default_factory=list)
    bus: EventBus = field(default_factory=EventBus)
    votes: FakeVotes = field(default_factory=FakeVotes)
    tasks: FakeFilmTasks = field(default_factory=FakeFilmTasks)
    media: FakeMedia = field(default_factory=lambda: FakeMedia(SOME_FILM))
    confirmations: int = 0

    async def open(self, stack: AsyncExitStack, bound: int | None) -> None:
        self.bus.listeners.append(self.events.append)
        self.storage = (await stack.enter_async_context(open_database(self.folder / "house.sqlite"))).storage
        self.http = await stack.enter_async_context(http_client(ask_local=True))
        blocks = await open_block_store(self.folder / "blocks", bound)
        stack.push_async_callback(blocks.close)
        deadlines = GatewayDeadlines(begin=Seconds(5), pause=Seconds(5))
        self.gateways = ChangingGateways(self.http, deadlines)
        self.packages = IpfsPackages(blocks, self.gateways)
        self.key_store = await open_key_store(self.folder / "keys")
        self.server_keys = await load_server_keys(self.key_store)
        self.build(self.registry.pool)

    def build(self, pool: RpcPool) -> None:
        """Build the services; again, to ask another pool."""
        self._build_chain(pool)
        self._build_licensing()
        self._build_library()

    def _build_chain(self, pool: RpcPool) -> None:
        contracts = Contracts(self.registry.contract, None, None)
        self.indexer = Indexer(
            logs=ChainLogReader(pool, self.registry.contract, contracts),
            history=self.storage.history,
            index=self.storage.chain_index,
            bus=self.bus,
            timer=self.clock.timer,
            subject=repr(contracts),
            start_block=BlockNumber(0),
        )
        self.chain = RegistryChain(pool)

    def _build_licensing(self) -> None:
        self._build_keys()
        storage, bus, clock = self.storage, self.bus, self.clock
        self.licensing = Licensing(
            chain=self.chain,
            envelopes=self.envelope_client,
            receipts=storage.receipts,
            stacks=storage.stacks,
            stored_envelopes=storage.envelopes,
            votes=self.votes,
            bus=bus,
            clock=clock,
        )
        self.renewal = EnvelopeRenewal(
            films=storage.films, stacks=storage.stacks, envelopes=self.envelope_client
        )

    def _build_keys(self) -> None:
        storage, bus, clock = self.storage, self.bus, self.clock
        self.cipher = TinkFilmCipher()
        self.film_keys = FilmKeys(self.key_store)
        self.manifests = Manifests(packages=self.packages, chain=self.chain)
        self.verifier = KeyVerifier(packages=self.packages, manifests=self.manifests, cipher=self.cipher)
        common = {
            "film_keys": self.film_keys,
            "verifier": self.verifier,
            "faults": storage.key_faults,
            "server_keys": self.server_keys,
            "clock": clock,
        }
        chain = {"chain": self.chain, "chain_id": CHAIN_ID}
        bound = {"revocations": storage.revocations, "holder_servers": storage.holder_servers, **chain}
        self.bindings = DeviceBindings(
            stored=storage.bindings,
            accounts=storage.accounts,
            server_keys=self.server_keys,
            clock=clock,
            timer=clock.timer,
            origins=("https://films.example",),
            **bound,
        )
        self.envelope_client = EnvelopeClient(
            bindings=self.bindings,
            envelopes=storage.envelopes,
            manifests=self.manifests,
            http=self.http,
            timer=clock.timer,
            **common,
        )
        self.custody = CustodianService(
            revocation_intake=RevocationIntake(
                revocations=storage.revocations,
                holder_servers=storage.holder_servers,
                accounts=storage.accounts,
                stacks=storage.stacks,
            ),
            films=storage.films,
            receipts=storage.receipts,
            bus=bus,
            window=WINDOW,
            most_servers=MOST_SERVERS,
            confirmations=self.confirmations,
            **common,
            **bound,
        )

    def _build_library(self) -> None:
        storage, films, bus = self.storage, self.storage.films, self.bus
        self.library = Library(
            films=films, positions=storage.positions, stacks=storage.stacks, clock=self.clock
        )
        self.retention = PackageRetention(packages=self.packages, versions=storage.versions)
        keeping = {"films": films, "versions": storage.versions, "retention": self.retention, "bus": bus}
        self.puller = Downloader(packages=self.packages, manifests=self.manifests, **keeping)
        self.film_sync = FilmSync(registered=storage.chain_films, **keeping)
        self.switch = PackageSwitch(
            **keeping,
            packages=self.packages,
            manifests=self.manifests,
            trial=PackageTrial(
                packages=self.packages,
                stacks=storage.stacks,
                envelopes=self.envelope_client,
                film_keys=self.film_keys,
                verifier=self.verifier,
                media=self.media,
                timer=self.clock.timer,
            ),
            clock=self.clock,
            keep_former=FORMER_SECONDS,
        )

    async def follow_chain(self) -> None:
        """Read the chain up to its newest block, and bring what is new into the library."""
        await self.indexer.catch_up()
        await self.film_sync.sync()

    def starter(self, *, everything: bool, ask: bool = True) -> DownloadScheduler:
        storage = self.storage
        return DownloadScheduler(
            consents=FetchConsents(
                films=storage.films, versions=storage.versions, stacks=storage.stacks, ask=ask
            ),
            stacks=self.storage.stacks,
            films=self.storage.films,
            versions=self.storage.versions,
            packages=self.packages,
            accounts=self.storage.accounts,
            tasks=self.tasks,
            everything=everything,
            keeps_key=self.film_keys.keeps,
        )

    def events_of(self, kind: type) -> list:
        """Give the events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def server_environment(
    folder: Path, registry: Registry, clock: FakeClock | None = None, *, bound: int | None = None
) -> AsyncIterator[ServerEnvironment]:
    """A server until the context ends."""
    folder.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        server = ServerEnvironment(folder, registry, clock or FakeClock())
        await server.open(stack, bound)
        yield server
