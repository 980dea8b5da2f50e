"""A whole web floor over a real database and real services; the chain, IPFS and ffmpeg are stood in for."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from types import MappingProxyType

from eth_utils.address import to_checksum_address
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.web.publishers import publishing_services
from tests.fakes import FakeCalls, FakeChain, FakeClock, FakeMedia, FakePackages, FakePlayback, FakeSegments
from wylloh_server.app.plugin_processes import process_spawner
from wylloh_server.app.plugin_manager import plugin_configuration
from wylloh_server.adapters.files.local_files import LocalFolders
from wylloh_server.adapters.crypto import TinkFilmCipher, load_server_keys, open_key_store
from wylloh_server.storage import open_database
from wylloh_server.config import Settings
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.chain_events import ZERO_ADDRESS, TokensTransferred
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin, film_id_for
from wylloh_server.domain.types import ChainId, Cid, FilmId, Seconds, TokenReference, parse_wallet
from wylloh_server.plugins import Dispatch, Limits, PluginRegistry, PluginServices
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.library.posters import PictureUrls
from wylloh_server.services.accounts.owner_setup import OwnerSetup
from wylloh_server.services.licensing.custodian import CustodianService
from wylloh_server.services.licensing.revocation_intake import RevocationIntake
from wylloh_server.services.accounts.device_pairing import DevicePairing
from wylloh_server.services.licensing.device_bindings import DeviceBindings
from wylloh_server.services.licensing.revocation_delivery import RevocationDelivery
from wylloh_server.services.licensing.envelope_client import EnvelopeClient
from wylloh_server.services.licensing.film_keys import FilmKeys
from wylloh_server.services.licensing.key_verifier import KeyVerifier
from wylloh_server.services.licensing.package_switch import PackageSwitch
from wylloh_server.services.library.group_service import GroupService
from wylloh_server.services.operations.health import Check, Health
from wylloh_server.services.library.film_library import Library
from wylloh_server.services.library.film_search import FilmSearch
from wylloh_server.services.library.folder_films import FolderFilms
from wylloh_server.services.library.folder_scans import FolderScans
from wylloh_server.services.library.missing_films import FilmRemoval
from wylloh_server.services.library.trailers import Trailers
from wylloh_server.services.retrieval.fetch_consents import FetchConsents
from wylloh_server.services.retrieval.manifests import Manifests
from wylloh_server.services.retrieval.package_retention import PackageRetention
from wylloh_server.services.accounts.access_removal import AccessRemoval
from wylloh_server.services.accounts.session_service import SessionService
from wylloh_server.services.accounts.sign_in import SignIn
from wylloh_server.services.playback.film_storage import FilmStorage
from wylloh_server.services.transactions.call_review import CallReview
from wylloh_server.services.transactions.call_summary import CallSummaries
from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
from wylloh_server.services.transactions.transaction_log import TransactionLog
from wylloh_server.services.transactions.transaction_service import TransactionService
from wylloh_server.sdk.testing.sample_chain import CONTRACTS, SOMEWHERE, SampleChain
from wylloh_server.sdk.testing.background_tasks import TaskHarness
from wylloh_server.web import app_keys
from wylloh_server.web.app_keys import Services
from wylloh_server.web.application import new_application, set_up_pages
from wylloh_server.web.middleware import RequestDeadlines
from wylloh_server.web.rate_limits import BUCKETS, TokenBuckets
from wylloh_server.web.routes import add_routes

OWNER, COLLECTOR, STRANGER = (parse_wallet("0x" + digit * 40) for digit in "abc")
CHAIN = ChainId(31337)
STORE = parse_wallet("0x" + "5" * 40)
"""A contract that the owner of these servers trusts."""
TOKEN = TokenReference(CHAIN, parse_wallet("0x" + "9" * 40), 7)
GATED = Film(
    film_id_for(str(TOKEN)),
    Description("Big Buck Bunny", runtime=Seconds(596)),
    TokenOrigin(TOKEN, Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"), OWNER, "0" * 64),
    FilmState.READY,
)
PLAIN = Film(film_id_for("file:/m.mp4"), Description("Morning"), FolderOrigin("/m.mp4"), FilmState.READY)


class FakePosters:
    def urls(self, viewer, film):
        if film.state is FilmState.FAILED:
            return PictureUrls()
        return PictureUrls(f"/play/{film.id}.pictures/poster.jpg", f"/play/{film.id}.pictures/backdrop.jpg")

    def token(self, viewer, film):
        return f"{film.id}.{'theirs' if viewer else 'everybody'}"

    async def film_of(self, token, session):
        film, _, whose = token.partition(".")
        if whose != "everybody":
            raise AccessRefused("This was meant for another screen.")
        return FilmId(film)

    def trailer_url(self, viewer, film):
        return f"/play/{film.id}.pictures/trailer.mp4"


@dataclass
class ServerUnderTest:
    """One server under test and what stands behind it."""

    app: object
    server: TestServer
    settings: Settings
    storage: object
    plugins: PluginRegistry
    clock: FakeClock
    work: TaskHarness
    tracker: ReceiptTracker
    calls: FakeCalls
    review: CallReview
    chain: FakeChain = field(default_factory=FakeChain)
    packages: FakePackages = field(default_factory=FakePackages)
    playback: FakePlayback = field(default_factory=FakePlayback)
    segments: FakeSegments = field(default_factory=FakeSegments)
    codes: list[str] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    bus: EventBus = field(default_factory=EventBus)

    @property
    def origin(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def browser(self) -> Browser:
        return Browser(self)

    async def on_chain(self, *events) -> None:
        """Let events happen on the chain that the server reads."""
        await SampleChain(self.storage, CONTRACTS).happen(events, None)

    async def hold(self, wallet, token, count) -> None:
        """Let a wallet hold that many tokens of a film."""
        status = await self.storage.stacks.status(wallet, token)
        more = count - (status.stack.holding if status else 0)
        sender, receiver = (ZERO_ADDRESS, wallet) if more > 0 else (wallet, ZERO_ADDRESS)
        await self.on_chain(TokensTransferred(SOMEWHERE, token, sender, receiver, abs(more)))


class Browser:
    """A client with a cookie jar that sends `Origin` as browsers do."""

    def __init__(self, server_under_test: ServerUnderTest) -> None:
        import aiohttp

        self.server_under_test = server_under_test
        self.client = TestClient(server_under_test.server, cookie_jar=aiohttp.CookieJar(unsafe=True))

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
        headers = {"Origin": self.server_under_test.origin} | (headers or {})
        headers = {name: value for name, value in headers.items() if value is not None}
        if body is not None:
            options["json"] = body
        options.setdefault("allow_redirects", False)
        return await self.client.post(path, headers=headers, **options)

    async def sign_in(self, wallet=OWNER, claim_code=""):
        message = (await (await self.post("/api/sign-in/challenge", {"wallet": wallet})).json())["message"]
        return await self.post(
            "/api/sign-in/answer",
            {"signature": FakeChain.sign(wallet, message), "claim_code": claim_code},
        )


@pytest.fixture
def settings_of(tmp_path):
    """Make settings, sections as keywords."""

    def make(**sections):
        sections.setdefault("chain", {"rpc": ("http://127.0.0.1:1",), "id": CHAIN})
        server = {"data": tmp_path, "name": "Home"} | sections.pop("server", {})
        settings = Settings(server=server, **sections)
        settings._file = tmp_path / "wylloh.toml"
        return settings

    return make


@pytest.fixture
async def open_server_under_test(tmp_path, settings_of):
    """Open a server under test: `await open_server_under_test(settings=…, plugin_folder=…, bundled=…, deadlines=…)`.

    `plugin_folder` holds plugins that a test wrote; `bundled` names plugins that ship with the server;
    `plugins={"isolation": …}` names those that run in a process of their own; the others run in threads.
    `patience` is how many seconds they have for an answer, `plugin_settings` what they are set to, by name.
    """
    async with AsyncExitStack() as stack:

        async def open_(
            *,
            plugin_folder=None,
            bundled=(),
            patience=20,
            plugin_settings=MappingProxyType({}),
            deadlines=RequestDeadlines(),
            owner=OWNER,
            add=None,
            **sections,
        ):
            database = await stack.enter_async_context(open_database(tmp_path / "w.sqlite3"))
            settings = settings_of(**sections)
            plugins = _registry(plugin_folder, bundled, patience, plugin_settings, settings)
            server_under_test = await _assembled(database, settings, tmp_path, plugins, deadlines, add)
            if owner:
                await server_under_test.storage.accounts.claim(owner)
                await server_under_test.storage.accounts.save(COLLECTOR, Role.VIEWER)
            for film in (GATED, PLAIN):
                await server_under_test.storage.films.save(film)
            await stack.enter_async_context(
                server_under_test.plugins.running(
                    PluginServices(
                        migrate=database.plugins.migrate,
                        tables=database.plugins.tables,
                        library=server_under_test.app[app_keys.SERVICES].library,
                        publish=lambda event: None,
                        chain=SampleChain(database.storage, CONTRACTS).view,
                        propose=server_under_test.app[app_keys.SERVICES].transactions.propose,
                        start_task=server_under_test.work.tasks.start,
                        changed=server_under_test.app[app_keys.LIVE].changed,
                        notify=server_under_test.app[app_keys.LIVE].notify,
                    )
                )
            )
            await stack.enter_async_context(server_under_test.work.running())
            await stack.enter_async_context(server_under_test.server)
            return server_under_test

        yield open_


@pytest.fixture
async def server_under_test(open_server_under_test):
    """An owned server with two films and no plugin."""
    return await open_server_under_test()


@pytest.fixture
async def open_browser():
    """Open a browser at a server under test: `open_browser(server_under_test)`."""
    opened = []

    def open_(server_under_test):
        opened.append(server_under_test.browser())
        return opened[-1]

    yield open_
    for browser in opened:
        await browser.client.session.close()


@pytest.fixture
async def browsers(server_under_test, open_browser):
    """Open as many browsers as a test needs: `browsers()`."""
    return lambda: open_browser(server_under_test)


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


def _registry(folder, bundled, patience, given, settings) -> PluginRegistry:
    named = settings.plugins.isolation
    plugins = PluginRegistry(
        spawner=lambda one: process_spawner(settings, one) if one.name in named else None,
        path=[folder] if folder else [],
        points=[EntryPoint(name, f"wylloh_{name}", ENTRY_POINT_GROUP) for name in bundled],
        settings=given,
        limits=Limits(answer=patience, page=patience),
    )
    plugins.load()
    return plugins


async def _assembled(database, settings, folder, plugins, deadlines, add) -> ServerUnderTest:
    app = new_application(settings, deadlines)
    server_under_test, log = _server_under_test(app, settings, database.storage, plugins)
    claim = OwnerSetup(
        server_under_test.storage.accounts, server_under_test.codes.append, server_under_test.clock.timer
    )
    key_store = await open_key_store(folder / "keys")
    keys = {"server_keys": await load_server_keys(key_store), "film_keys": FilmKeys(key_store)}
    titles, approvals, publishers = publishing_services(
        app[app_keys.LIVE], server_under_test.storage, folder, server_under_test.clock
    )
    app[app_keys.SERVICES] = Services(
        **_accounts(server_under_test, claim, publishers),
        **_library(server_under_test),
        **_licensing(server_under_test, keys),
        approvals=approvals,
        batch=server_under_test.work.batch,
        registration=None,
        plugin_configuration=plugin_configuration(server_under_test.settings, server_under_test.plugins),
        tasks=server_under_test.work.tasks,
        titles=titles,
        **_packages(server_under_test, keys["film_keys"]),
        summaries=CallSummaries(
            review=server_under_test.review,
            chain=SampleChain(database.storage, CONTRACTS).view,
            films=database.storage.films,
            checksummed=to_checksum_address,
        ),
        transactions=TransactionService(
            log=log,
            calls=server_under_test.calls,
            tracker=server_under_test.tracker,
            review=server_under_test.review,
            clock=server_under_test.clock,
        ),
    )
    set_up_pages(app)
    add_routes(app)
    if add is not None:
        add(app)
    await claim.begin()
    return server_under_test


def _server_under_test(app, settings, storage, plugins) -> tuple[ServerUnderTest, TransactionLog]:
    clock, calls, bus, live = FakeClock(), FakeCalls(), EventBus(), app[app_keys.LIVE]
    app[BUCKETS] = TokenBuckets(clock)  # budgets do not refill while a slow machine makes its requests
    app[app_keys.PLUGINS], app[app_keys.DISPATCH] = plugins, Dispatch(plugins)
    work = TaskHarness(plugins, storage, live)
    log = TransactionLog(transactions=storage.transactions, live=live, bus=bus)
    tracker = ReceiptTracker(log=log, calls=calls, clock=clock, timer=clock.timer)
    review = CallReview(
        calls=calls,
        chain_id=CHAIN,
        chain=SampleChain(storage, CONTRACTS).view,
        trusted={STORE: "Film & coin store"},
    )
    known = (storage, plugins, clock, work, tracker, calls, review)
    return ServerUnderTest(app, TestServer(app, access_log=None), settings, *known, bus=bus), log


def _accounts(server_under_test, claim, publishers):
    storage, bus, clock = server_under_test.storage, server_under_test.bus, server_under_test.clock
    service = SessionService(sessions=storage.sessions, accounts=storage.accounts, clock=clock)
    sign_in = SignIn(
        sessions=service,
        accounts=storage.accounts,
        chain=server_under_test.chain,
        claim=claim,
        bus=bus,
        clock=clock,
        timer=clock.timer,
        chain_id=CHAIN,
        origins=("http://home.example",),
        admit_anyone=server_under_test.settings.server.admit == "anyone",
    )
    live = server_under_test.app[app_keys.LIVE]
    local_only = server_under_test.settings.sessions.tvs == "local"
    pairing = DevicePairing(sessions=service, bus=bus, live=live, timer=clock.timer, local_only=local_only)
    removal = AccessRemoval(
        accounts=storage.accounts,
        sessions=storage.sessions,
        personal_data=storage.personal_data,
        pairing=pairing,
        live=live,
        bus=bus,
        end_playback=server_under_test.playback.end_device,
        drop_titles=publishers.forget,
    )
    stored = {"accounts": storage.accounts, "sessions": storage.sessions}
    return {**stored, "pairing": pairing, "sign_in": sign_in, "access_removal": removal}


def _library(server_under_test):
    storage, clock = server_under_test.storage, server_under_test.clock
    stored = {"positions": storage.positions, "stacks": storage.stacks}
    library = Library(films=storage.films, clock=clock, **stored)
    server_under_test.playback.films = storage.films
    return {
        **stored,
        "preferences": storage.preferences,
        "groups": GroupService(groups=storage.groups, live=server_under_test.app[app_keys.LIVE], clock=clock),
        "library": library,
        "terms_of_use": storage.terms_of_use,
        "search": FilmSearch(library=library, films=storage.films, positions=storage.positions),
        "packages": server_under_test.packages,
        "playback": server_under_test.playback,
        "folder_scans": FolderScans(
            folder_films=FolderFilms(
                paths=server_under_test.settings.library.folders,
                folders=LocalFolders(),
                media=FakeMedia(None),
                films=storage.films,
                bus=server_under_test.bus,
                note_trailers=lambda found: None,
            ),
            live=server_under_test.app[app_keys.LIVE],
            clock=clock,
            every=Seconds(3600),
        ),
        "film_removal": FilmRemoval(films=storage.films, bus=server_under_test.bus),
        "posters": FakePosters(),
        "trailers": Trailers(
            folders=LocalFolders(),
            packages=server_under_test.packages,
            manifests=Manifests(packages=server_under_test.packages, chain=server_under_test.chain),
        ),
    }


def _packages(server_under_test, film_keys):
    storage = server_under_test.storage
    stored = {"films": storage.films, "versions": storage.versions, "stacks": storage.stacks}
    retention = PackageRetention(packages=server_under_test.packages, versions=storage.versions)
    switch = PackageSwitch(
        films=storage.films,
        versions=storage.versions,
        packages=server_under_test.packages,
        manifests=None,
        retention=retention,
        trial=None,
        bus=server_under_test.bus,
        clock=server_under_test.clock,
        keep_former=Seconds(86400),
    )
    consents = FetchConsents(**stored, ask=True)
    film_storage = FilmStorage(
        films=storage.films,
        versions=storage.versions,
        packages=server_under_test.packages,
        retention=retention,
        segments=server_under_test.segments,
        leases=server_under_test.playback.leases,
        tasks=storage.tasks,
        keeps_key=film_keys.keeps,
        disk=lambda: (4_000_000_000, 1_000_000_000),
    )
    return {
        "film_storage": film_storage,
        "package_switch": switch,
        "consents": consents,
        "versions": storage.versions,
    }


def _licensing(server_under_test, keys):
    storage, clock = server_under_test.storage, server_under_test.clock
    manifests = Manifests(packages=server_under_test.packages, chain=server_under_test.chain)
    verifier = KeyVerifier(packages=server_under_test.packages, manifests=manifests, cipher=TinkFilmCipher())
    common = {**keys, "clock": clock, "verifier": verifier, "faults": storage.key_faults}
    bound = {
        "revocations": storage.revocations,
        "holder_servers": storage.holder_servers,
        "chain": server_under_test.chain,
        "chain_id": CHAIN,
    }
    bindings = DeviceBindings(
        stored=storage.bindings,
        accounts=storage.accounts,
        server_keys=keys["server_keys"],
        clock=clock,
        origins=("http://home.example",),
        **bound,
    )
    kept = {"envelopes": storage.envelopes, "manifests": manifests}
    envelopes = EnvelopeClient(bindings=bindings, http=None, **kept, **common)
    custodian = CustodianService(
        revocation_intake=_revocation_intake(storage),
        confirmations=0,
        films=storage.films,
        receipts=storage.receipts,
        bus=server_under_test.bus,
        window=Seconds(86400),
        most_servers=3,
        **common,
        **bound,
    )

    return {
        "bindings": bindings,
        "custodian": custodian,
        "envelopes": envelopes,
        "health": _health(server_under_test, envelopes),
        "licensing": None,
        "receipts": storage.receipts,
        "revocation_delivery": RevocationDelivery(
            films=storage.films,
            envelopes=storage.envelopes,
            manifests=manifests,
            http=None,
            tasks=server_under_test.work.tasks,
            clock=clock,
        ),
    }


def _revocation_intake(storage):
    return RevocationIntake(
        revocations=storage.revocations,
        holder_servers=storage.holder_servers,
        accounts=storage.accounts,
        stacks=storage.stacks,
    )


def _health(server_under_test, envelopes):
    class KnownHealth(Health):
        async def checks(self):
            return tuple(server_under_test.checks[:1]) or (Check("Chain", ok=True, sentence="Fine."),)

    films, clock = server_under_test.storage.films, server_under_test.clock
    return KnownHealth(probes={}, films=films, opens=envelopes.opens, timer=clock.timer)


@pytest.fixture(autouse=True)
def _forget_test_plugins():
    """Plugins written by a test must not be found by the next one."""
    before = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in before and name.startswith("wylloh_test")]:
        del sys.modules[name]
