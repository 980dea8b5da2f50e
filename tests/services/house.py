"""One server's services over its real adapters; stood in for are only time, plugins and the job engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.components.registry import CHAIN_ID, Registry
from tests.fakes import FakeClock, FakeJobs, FakeVotes
from wylloh_server.adapters.chain import RegistryChain, RpcPool, WalletSignatures
from wylloh_server.adapters.crypto import TinkFilmCipher, load_server_keys, open_key_store
from wylloh_server.adapters.database import open_database
from wylloh_server.adapters.ipfs import Deadlines, GatewayPool, IpfsPackages, open_block_store
from wylloh_server.domain.access import DeviceKind, Role, Viewer
from wylloh_server.domain.types import BlockNumber, DeviceId, Seconds, SessionId, Wallet
from wylloh_server.services.bus import Bus
from wylloh_server.services.caretaker import Renewal
from wylloh_server.services.custody import Custody
from wylloh_server.services.envelopes import EnvelopeDesk
from wylloh_server.services.film_keys import FilmKeys
from wylloh_server.services.ingest import Discovery, Puller, PullStarter
from wylloh_server.services.library import Library
from wylloh_server.services.licensing import Licensing
from wylloh_server.services.manifests import Manifests
from wylloh_server.web.client import http_client

WINDOW = Seconds(30 * 86400)


def viewer_with(wallet: Wallet, role: Role = Role.VIEWER, kind: DeviceKind = DeviceKind.BROWSER) -> Viewer:
    return Viewer(SessionId("5" * 64), DeviceId("d" * 16), wallet, role, kind)


@dataclass
class House:
    """A server."""

    folder: Path
    registry: Registry
    clock: FakeClock
    events: list = field(default_factory=list)
    bus: Bus = field(default_factory=Bus)
    votes: FakeVotes = field(default_factory=FakeVotes)
    jobs: FakeJobs = field(default_factory=FakeJobs)

    async def open(self, stack: AsyncExitStack, bound: int | None) -> None:
        self.bus.subscribe(self.events.append)
        self.storage = (await stack.enter_async_context(open_database(self.folder / "house.sqlite"))).storage
        self.http = await stack.enter_async_context(http_client())
        blocks = await open_block_store(self.folder / "blocks", bound)
        stack.push_async_callback(blocks.close)
        deadlines = Deadlines(begin=Seconds(5), pause=Seconds(5))
        self.gateways = GatewayPool(self.http, (), deadlines)
        self.packages = IpfsPackages(blocks, self.gateways)
        self.key_store = await open_key_store(self.folder / "keys")
        self.server_keys = await load_server_keys(self.key_store)
        self.build(self.registry.pool)

    def build(self, pool: RpcPool) -> None:
        """Build the services; again, to ask another pool."""
        storage, clock, bus = self.storage, self.clock, self.bus
        self.chain = RegistryChain(pool, self.registry.contract)
        self.signatures = WalletSignatures(pool)
        self.cipher = TinkFilmCipher()
        self.film_keys = FilmKeys(self.key_store)
        self.manifests = Manifests(packages=self.packages, signatures=self.signatures)
        self.desk = EnvelopeDesk(
            bindings=storage.bindings,
            envelopes=storage.envelopes,
            film_keys=self.film_keys,
            server_keys=self.server_keys,
            manifests=self.manifests,
            signatures=self.signatures,
            http=self.http,
            clock=clock,
            chain_id=CHAIN_ID,
        )
        self.custody = Custody(
            films=storage.films,
            film_keys=self.film_keys,
            receipts=storage.receipts,
            server_keys=self.server_keys,
            chain=self.chain,
            signatures=self.signatures,
            bus=bus,
            clock=clock,
            chain_id=CHAIN_ID,
            window=WINDOW,
        )
        self.licensing = Licensing(
            chain=self.chain,
            envelopes=self.desk,
            receipts=storage.receipts,
            votes=self.votes,
            bus=bus,
            clock=clock,
        )
        self.renewal = Renewal(films=storage.films, chain=self.chain, envelopes=self.desk)
        self.library = Library(
            films=storage.films, positions=storage.positions, chain=self.chain, clock=clock
        )
        self.puller = Puller(packages=self.packages, manifests=self.manifests, films=storage.films, bus=bus)
        self.discovery = Discovery(
            chain=self.chain,
            films=storage.films,
            packages=self.packages,
            cursors=storage.cursors,
            bus=bus,
            start_block=BlockNumber(0),
        )

    def starter(self, *, everything: bool) -> PullStarter:
        return PullStarter(
            chain=self.chain,
            films=self.storage.films,
            packages=self.packages,
            accounts=self.storage.accounts,
            jobs=self.jobs,
            everything=everything,
        )

    def told(self, kind: type) -> list:
        """Give the events of a kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def house(
    folder: Path, registry: Registry, clock: FakeClock | None = None, *, bound: int | None = None
) -> AsyncIterator[House]:
    """A server until the context ends."""
    folder.mkdir(exist_ok=True)
    async with AsyncExitStack() as stack:
        server = House(folder, registry, clock or FakeClock())
        await server.open(stack, bound)
        yield server
