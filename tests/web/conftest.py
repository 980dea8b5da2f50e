"""A whole web floor over a real database and real services; the chain, IPFS and ffmpeg are stood in for."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint

import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.web.publishers import add_publishers
from tests.fakes import FakeCalls, FakeChain, FakeClock, FakePackages, FakePlayback, FakeSignatures
from wylloh_server.adapters.crypto import load_server_keys, open_key_store
from wylloh_server.adapters.database import open_database
from wylloh_server.config import Settings
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin, film_id_of
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, wallet_of
from wylloh_server.hooks import Limits, PluginRegistry, PluginServices
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP
from wylloh_server.services.bus import Bus
from wylloh_server.services.claim import Claim
from wylloh_server.services.custody import Custody
from wylloh_server.services.devices import Pairing
from wylloh_server.services.envelopes import EnvelopeDesk
from wylloh_server.services.film_keys import FilmKeys
from wylloh_server.services.groups import GroupDesk
from wylloh_server.services.health import Check, Health
from wylloh_server.services.housework import Housework
from wylloh_server.services.library import Library
from wylloh_server.services.manifests import Manifests
from wylloh_server.services.signin import SessionDesk, SignIn
from wylloh_server.services.transactions import Follower, Ledger, TransactionDesk
from wylloh_server.services.task_board import TaskBoard
from wylloh_server.testing._chain import CONTRACTS, SampleChain
from wylloh_server.testing._work import Work
from wylloh_server.web import keys
from wylloh_server.web.assembly import new_application, set_up_pages
from wylloh_server.web.middleware import Deadlines
from wylloh_server.web.routes import add_routes

OWNER, COLLECTOR, STRANGER = (wallet_of("0x" + digit * 40) for digit in "abc")
CHAIN = ChainId(31337)
TOKEN = TokenReference(CHAIN, wallet_of("0x" + "9" * 40), 7)
GATED = Film(
    film_id_of(str(TOKEN)),
    Description("Big Buck Bunny", runtime=Seconds(596)),
    TokenOrigin(TOKEN, Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"), OWNER, "0" * 64),
    FilmState.READY,
)
PLAIN = Film(film_id_of("file:/m.mp4"), Description("Morning"), FolderOrigin("/m.mp4"), FilmState.READY)


class FakePosters:
    def url(self, viewer, film):
        return f"/play/{film.id}.poster/poster.jpg"


@dataclass
class House:
    """One server under test and what stands behind it."""

    app: object
    server: TestServer
    settings: Settings
    storage: object
    chain: FakeChain
    packages: FakePackages
    playback: FakePlayback
    plugins: PluginRegistry
    clock: FakeClock
    codes: list[str]
    work: Work
    calls: FakeCalls
    follower: Follower
    checks: list[Check] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def browser(self) -> Browser:
        return Browser(self)


class Browser:
    """A client with a cookie jar that sends `Origin` as browsers do."""

    def __init__(self, house: House) -> None:
        import aiohttp

        self.house = house
        self.client = TestClient(house.server, cookie_jar=aiohttp.CookieJar(unsafe=True))

    @property
    def cookies(self):
        """By their plain names, without what tells two servers on one host apart."""
        jar = self.client.session.cookie_jar
        return {"_".join(cookie.key.split("_")[:2]): cookie.value for cookie in jar}

    @property
    def real_cookies(self):
        """By the names under which the server sets them."""
        return {cookie.key: cookie.value for cookie in self.client.session.cookie_jar}

    def named(self, cookie):
        """The name under which this server really sets a cookie."""
        keys = [one.key for one in self.client.session.cookie_jar]
        return next(key for key in keys if key.startswith(cookie))

    async def get(self, path, **options):
        options.setdefault("allow_redirects", False)
        return await self.client.get(path, **options)

    async def post(self, path, body=None, headers=None, **options):
        headers = {"Origin": self.house.origin} | (headers or {})
        headers = {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            options["json"] = body
        options.setdefault("allow_redirects", False)
        return await self.client.post(path, headers=headers, **options)

    async def sign_in(self, wallet=OWNER, claim_code=""):
        message = (await (await self.post("/api/sign-in/challenge", {"wallet": wallet})).json())["message"]
        return await self.post(
            "/api/sign-in/answer",
            {"signature": FakeSignatures.sign(wallet, message), "claim_code": claim_code},
        )


@pytest.fixture
def settings_of(tmp_path):
    """Make settings, sections as keywords."""

    def make(**sections):
        sections.setdefault("chain", {"rpc": ("http://127.0.0.1:1",), "id": CHAIN})
        server = {"data": tmp_path, "name": "Home"} | sections.pop("server", {})
        return Settings(server=server, **sections)

    return make


@pytest.fixture
async def open_house(tmp_path, settings_of):
    """Open a house: `await open_house(settings=…, plugin_folder=…, bundled=…, deadlines=…)`.

    `plugin_folder` holds plugins that a test wrote; `bundled` names plugins that ship with the server;
    `patience` is how many seconds they have for an answer.
    """
    async with AsyncExitStack() as stack:

        async def open_(
            *,
            plugin_folder=None,
            bundled=(),
            patience=20,
            deadlines=Deadlines(),
            owner=OWNER,
            add=None,
            **sections,
        ):
            database = await stack.enter_async_context(open_database(tmp_path / "w.sqlite3"))
            settings = settings_of(**sections)
            plugins = _registry(plugin_folder, bundled, patience)
            house = await _assembled(database, settings, tmp_path, plugins, deadlines, add)
            if owner:
                await house.storage.accounts.claim(owner)
                await house.storage.accounts.save(COLLECTOR, Role.VIEWER)
            for film in (GATED, PLAIN):
                await house.storage.films.save(film)
            await stack.enter_async_context(
                house.plugins.running(
                    PluginServices(
                        database=database.plugins,
                        library=house.app[keys.LIBRARY],
                        publish=lambda event: None,
                        chain=SampleChain(database.storage, CONTRACTS).view,
                        transactions=house.app[keys.TRANSACTIONS],
                        tasks=house.work.tasks,
                        live=house.app[keys.LIVE],
                    )
                )
            )
            await stack.enter_async_context(house.work.running())
            await stack.enter_async_context(house.server)
            return house

        yield open_


@pytest.fixture
async def house(open_house):
    """An owned server with two films and no plugin."""
    return await open_house()


@pytest.fixture
async def open_browser():
    """Open a browser at a house: `open_browser(house)`."""
    opened = []

    def open_(house):
        opened.append(house.browser())
        return opened[-1]

    yield open_
    for browser in opened:
        await browser.client.session.close()


@pytest.fixture
async def browsers(house, open_browser):
    """Open as many browsers as a test needs: `browsers()`."""
    return lambda: open_browser(house)


@pytest.fixture
async def browser(browsers):
    """A signed-out browser."""
    return browsers()


@pytest.fixture
async def owner(browsers):
    """The owner's signed-in browser."""
    browser = browsers()
    assert (await browser.sign_in(OWNER)).status == 200
    return browser


@pytest.fixture
async def collector(browsers):
    """The signed-in browser of somebody with the role viewer."""
    browser = browsers()
    assert (await browser.sign_in(COLLECTOR)).status == 200
    return browser


def _registry(folder, bundled, patience) -> PluginRegistry:
    plugins = PluginRegistry(
        path=[folder] if folder else [],
        points=[EntryPoint(name, f"wylloh_{name}", ENTRY_POINT_GROUP) for name in bundled],
        limits=Limits(answer=patience),
    )
    plugins.load()
    return plugins


async def _assembled(database, settings, folder, plugins, deadlines, add) -> House:
    storage, clock, signatures, bus = database.storage, FakeClock(), FakeSignatures(), Bus()
    chain, packages, playback = FakeChain(), FakePackages(), FakePlayback()
    key_store = await open_key_store(folder / "keys")
    server_keys, film_keys = await load_server_keys(key_store), FilmKeys(key_store)
    codes: list[str] = []
    claim = Claim(storage.accounts, codes.append)
    app = new_application(settings, deadlines)
    server = TestServer(app, access_log=None)
    desk = SessionDesk(sessions=storage.sessions, accounts=storage.accounts, clock=clock)
    checks: list[Check] = []
    common = {"signatures": signatures, "server_keys": server_keys, "film_keys": film_keys, "clock": clock}
    envelopes = EnvelopeDesk(
        bindings=storage.bindings,
        envelopes=storage.envelopes,
        manifests=Manifests(packages=packages, signatures=signatures),
        http=None,
        chain_id=CHAIN,
        **common,
    )
    custody = Custody(
        films=storage.films,
        receipts=storage.receipts,
        chain=chain,
        bus=bus,
        chain_id=CHAIN,
        window=Seconds(86400),
        **common,
    )
    app[keys.SIGN_IN] = SignIn(
        desk=desk,
        accounts=storage.accounts,
        signatures=signatures,
        claim=claim,
        bus=bus,
        clock=clock,
        chain_id=CHAIN,
        origins=("http://home.example",),
    )
    app[keys.PAIRING] = Pairing(desk=desk, bus=bus, clock=clock)
    app[keys.LIBRARY] = Library(films=storage.films, positions=storage.positions, chain=chain, clock=clock)
    app[keys.ENVELOPES], app[keys.CUSTODY], app[keys.PLAYBACK] = envelopes, custody, playback
    app[keys.PACKAGES], app[keys.ACCOUNTS], app[keys.PLUGINS] = packages, storage.accounts, plugins
    app[keys.POSITIONS], app[keys.POSTERS] = storage.positions, FakePosters()

    async def probe():
        return checks[0] if checks else Check("Chain", ok=True, sentence="Fine.")

    app[keys.HEALTH] = Health(probes=(probe,), films=storage.films, envelopes=envelopes, clock=clock)
    work = Work(plugins, storage, app[keys.LIVE])
    live = app[keys.LIVE]
    app[keys.GROUPS] = GroupDesk(groups=storage.groups, live=live, clock=clock)
    housework = Housework(jobs=work.jobs, films=storage.films, bus=work.bus, live=live, clock=clock)
    app[keys.TASKS], app[keys.BATCH] = TaskBoard(work.tasks, housework), work.batch
    ledger, calls = Ledger(transactions=storage.transactions, live=live, bus=bus), FakeCalls()
    follower = Follower(ledger=ledger, calls=calls, clock=clock)
    app[keys.TRANSACTIONS] = TransactionDesk(ledger=ledger, calls=calls, follower=follower, clock=clock)
    add_publishers(app, storage, folder, clock)
    set_up_pages(app)
    add_routes(app)
    if add is not None:
        add(app)
    await claim.begin()
    return House(
        app,
        server,
        settings,
        storage,
        chain,
        packages,
        playback,
        plugins,
        clock,
        codes,
        work,
        calls,
        follower,
        checks,
    )


@pytest.fixture(autouse=True)
def _forget_test_plugins():
    """Plugins written by a test must not be found by the next one."""
    before = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in before and name.startswith("wylloh_test")]:
        del sys.modules[name]
