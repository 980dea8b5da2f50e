"""One plugin, run as the server runs it, with everything a test wants to do to it."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.access import AccessRequest, DeviceKind, Role
from wylloh_server.domain.chain_events import EventQuery, LadderChanged
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.domain.events import ChainAdvanced, FilmAdded, FilmRemoved
from wylloh_server.domain.library_item import LibraryItem
from wylloh_server.domain.plugin_pages import ErrorReply, PluginRequest
from wylloh_server.domain.rights import PERSONAL, Stack
from wylloh_server.plugins import Dispatch, Limits, PluginRegistry, PluginServices
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, PREFIX
from wylloh_server.sdk.testing.background_tasks import TaskHarness
from wylloh_server.sdk.testing.recorded_live import RecordedLive
from wylloh_server.sdk.testing.sample_chain import CONTRACTS, SampleChain
from wylloh_server.sdk.testing.sample_transactions import SampleTransactions
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer
from wylloh_server.sdk.testing.template_rendering import render_template
from wylloh_server.storage import open_database
from wylloh_server.web.plugin_routes import PRIVATE_HEADERS
from wylloh_server.web.webhooks import CLOSED, SEND_TOKEN, WRONG_TOKEN, carries_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from pathlib import Path

    from wylloh_server.domain.access import Viewer, Vote
    from wylloh_server.domain.chain_events import ChainEvent, Contracts
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.plugin_batch import BatchPlan
    from wylloh_server.domain.plugin_pages import CardFragment, Fragment, NavItem, Page, Reply, UploadedFile
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.task import Task, TaskId
    from wylloh_server.domain.transcript import SubtitleText
    from wylloh_server.domain.types import BlockNumber, FilmId
    from wylloh_server.plugins import PluginContext, PluginRecord
    from wylloh_server.storage.chain_history import ChainHistoryRepository
    from wylloh_server.storage.database import Storage
    from wylloh_server.storage.films import FilmRepository

_EVERY_HOLDER = 10_000
_UNHURRIED = Limits(answer=30)
"""Generous limits for slow machines."""
_GRACE = 5.0
"""Seconds a command has to end when its test is cancelled."""


class PluginApp:
    """A running plugin. `by` is always the role of who asks; None is somebody who is not signed in.

    Attributes:
        films: the library's films when it started.
        events: every event published so far, by the test or by the plugin.
        chain: what contracts answer and wallets have; see `happened` and `taken_back` for its history.
        background: the plugin's background tasks and batch actions.
        live: records what the plugin sent to open pages: `changes`, `topics`, `toasts`.
        transactions: what the plugin proposes: `proposals`, `calls.refused`, `calls.silent`, `trusted`,
            `confirm`.
        words: texts of subtitles by film id, for `context.library.words`; tests put them there.
        probes: what films' files contain, by film id, for `context.library.probe`; tests put it there.
    """

    def __init__(
        self,
        registry: PluginRegistry,
        name: str,
        storage: Storage,
        present: Sequence[Film],
        contracts: Contracts,
    ) -> None:
        self.films = tuple(present)
        self.words: dict[FilmId, SubtitleText] = {}
        self.probes: dict[FilmId, Probe] = {}
        self.events: list[Event] = []
        self.live = RecordedLive()
        self.chain = SampleChain(storage, contracts)
        self.transactions = SampleTransactions(storage, self.live, self.publish, self.chain.view)
        self._asked: list[tuple[Fragment, Film | None]] = []
        self._registry = registry
        self._dispatch = Dispatch(registry)
        self._name = name
        self._library = storage.films
        self.background = TaskHarness(registry, storage, self.live)
        self.background.bus.listeners.append(self.publish)

    @property
    def record(self) -> PluginRecord:
        """What the admin page would show of the plugin."""
        return next(record for record in self._registry.records() if record.name == self._name)

    @property
    def context(self) -> PluginContext:
        """The plugin's own context.

        Raises:
            PluginError: the plugin did not start; the message says why.
        """
        plugin = self._registry.plugin(self._name)
        if plugin is None or plugin.context is None:
            raise PluginError(f"{self._name} is not running: {self.record.reason}")
        return plugin.context

    async def get(
        self, path: str = "", *, query: Mapping[str, str] | None = None, by: Role | None = Role.VIEWER
    ) -> Reply:
        """Ask for a path below the plugin's address."""
        return await self._answer("GET", path, PluginRequest(_viewer(by), query=query or {}))

    async def post(
        self,
        path: str,
        form: Mapping[str, str | Sequence[str]] | None = None,
        *,
        json: Any = None,
        files: Mapping[str, UploadedFile] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        by: Role | None = Role.VIEWER,
    ) -> Reply:
        """Send a form, with files if there are any, JSON or a raw body, to a path of the plugin.

        A route with a token asks for it as the server does: `headers={"Authorization": "Bearer …"}`.
        """
        given = {name.lower(): value for name, value in (headers or {}).items()}
        request = PluginRequest(
            _viewer(by), form=form or {}, json=json, files=files or {}, body=body, headers=given
        )
        return await self._answer("POST", path, request)

    async def nav_items(self, by: Role | None = Role.VIEWER) -> tuple[NavItem, ...]:
        """Ask for navigation entries; their paths are whole."""
        return await self._dispatch.nav_items(_viewer(by))

    async def fragments(
        self, slot: str, film: Film | None = None, by: Role | None = Role.VIEWER
    ) -> tuple[Fragment, ...]:
        """Ask for the fragments of a slot; `render` knows the film they were asked for."""
        found = await self._dispatch.fragments(slot, film, _viewer(by))
        self._asked += [(fragment, film) for _, fragment in found]
        return tuple(fragment for _, fragment in found)

    async def film_cards(self, films: Sequence[Film], by: Role = Role.VIEWER) -> tuple[CardFragment, ...]:
        """Ask for the fragments of films' cards; `render` draws them."""
        found = await self._dispatch.film_cards(films, sample_viewer(by))
        return tuple(fragment for _, fragment in found)

    async def admin_notices(self) -> tuple[str, ...]:
        """Return what the plugin says on the admin page."""
        return tuple(sentence for _, sentence in await self._dispatch.admin_notices())

    async def access_vote(
        self,
        film: Film,
        by: Role = Role.VIEWER,
        right: str = PERSONAL,
        *,
        renewal: bool = False,
        device: DeviceKind = DeviceKind.BROWSER,
    ) -> Vote:
        """Ask for the plugin's vote; abstaining and failing are votes too."""
        viewer = dataclasses.replace(sample_viewer(by), kind=device)
        return (await self._dispatch.count_votes(AccessRequest(viewer, film, right, renewal))).vote

    async def task(
        self, kind: str, arguments: Mapping[str, Any] | None = None, *, by: Role | None = Role.VIEWER
    ) -> Task:
        """Start one of the plugin's background tasks, wait until it has ended, and return it."""
        task = await self.context.tasks.start(kind, f"The task {kind}", arguments or {}, _viewer(by))
        return await self._ended(task)

    async def tasks(self) -> tuple[Task, ...]:
        """Wait until no background task runs, and return all there were, newest first."""
        await self.background.jobs.settled()
        return await self.background.tasks.all(sample_viewer(Role.OWNER))

    async def command(self, name: str, *arguments: str) -> str:
        """Run one of the plugin's commands, and return its message.

        Raises:
            PluginError: it has no such command, or is not running.
        """
        plugin = self._registry.plugin(self._name)
        for command in plugin.declared.cli_commands if plugin else ():
            if command.name == name and plugin is not None:
                work = command.run(self.context, arguments)
                return str(await plugin.call(f"the command {name}", work, None, _GRACE))
        raise PluginError(f"{self._name} has no command {name!r}.")

    async def plan(
        self,
        action: str,
        films: Sequence[Film],
        values: Mapping[str, str] | None = None,
        *,
        by: Role = Role.VIEWER,
    ) -> BatchPlan:
        """Ask what one of the plugin's batch actions would do to films."""
        chosen = [film.id for film in films]
        return await self.background.batch.plan(sample_viewer(by), self._name, action, chosen, values or {})

    async def batch(
        self,
        action: str,
        films: Sequence[Film],
        values: Mapping[str, str] | None = None,
        *,
        by: Role = Role.VIEWER,
    ) -> Task:
        """Plan and confirm a batch action, wait until its task has ended, and return it."""
        chosen, viewer = [film.id for film in films], sample_viewer(by)
        plan = await self.plan(action, films, values, by=by)
        task = await self.background.batch.run(
            viewer, self._name, action, chosen, values or {}, confirmed=plan.sentence
        )
        return await self._ended(task)

    async def arrive(self, film: Film) -> None:
        """Put a film into the library, and wait until the plugin has heard of it."""
        await self._library.save(film)
        await self.emit(FilmAdded(film.id, film.title))

    async def leave(self, film: Film) -> None:
        """Take a film out of the library, and wait until the plugin has heard of it."""
        await self._library.remove(film.id)
        await self.emit(FilmRemoved(film.id))

    async def happened(self, *facts: ChainEvent, at: float | None = None) -> BlockNumber:
        """Add events to the chain, and wait until the plugin has received them.

        They share a new block and a transaction, and get their place on the chain here, instead of the one
        they came with: `await app.happened(TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, wallet, 12))`.

        Args:
            facts: any number of them.
            at: the block's time, not before that of the last one; by default 12 seconds after it.
        """
        block = await self.chain.happen(facts, at)
        await self.emit(ChainAdvanced(block))
        return block

    async def taken_back(self, blocks: int = 1) -> None:
        """Undo the newest blocks by a reorganisation, and wait until the plugin has received it."""
        await self.emit(ChainAdvanced(await self.chain.take_back(blocks)))

    async def emit(self, *events: Event) -> None:
        """Publish events and wait until the plugin has heard them."""
        for event in events:
            self.publish(event)
        await self._registry.settled()

    def publish(self, event: Event) -> None:
        """Publish an event without waiting."""
        self.events.append(event)
        self._registry.publish(event)

    async def render(
        self, reply: Page | Fragment | CardFragment, by: Role | None = Role.VIEWER, film: Film | None = None
    ) -> str:
        """Return the HTML of a page or a fragment, rendered inside the default theme.

        A fragment has the film it was asked for by `fragments`, or else the given one.
        """
        film = film or next((asked for fragment, asked in self._asked if fragment is reply), None)
        return await render_template(reply, self._name, self._registry.template_dirs(), _viewer(by), film)

    async def _ended(self, task: TaskId) -> Task:
        await self.background.jobs.settled()
        await self._registry.settled()
        return await self.background.tasks.get(sample_viewer(Role.OWNER), task)

    async def _answer(self, method: str, path: str, request: PluginRequest) -> Reply:
        for mounted in self._registry.routes():
            params = mounted.route.match(path) if mounted.route.method == method else None
            if params is not None:
                sent = {name: text for name, text in request.headers.items() if name not in PRIVATE_HEADERS}
                whole = dataclasses.replace(request, params=params, headers=sent)
                if mounted.route.token:
                    whole = dataclasses.replace(whole, viewer=None)
                    if refused := self._check_token(mounted.route.token, request.headers):
                        return refused
                return await self._dispatch.answer(mounted, whole)
        raise NotFound(f"{self._name} has no route {method} {path!r}.")

    def _check_token(self, setting: str, headers: Mapping[str, str]) -> ErrorReply | None:
        token = str(self.context.settings.get(setting, ""))
        if not token:
            return ErrorReply(403, CLOSED, f"Set plugins.settings.{self._name}.{setting}.")
        sent = dict(headers).get("authorization", "")
        return None if carries_token(sent, token) else ErrorReply(401, WRONG_TOKEN, SEND_TOKEN)


@asynccontextmanager
async def running_plugin(
    package: str,
    *,
    data: Path,
    settings: Mapping[str, object] | None = None,
    films: Sequence[Film] | None = None,
    limits: Limits | None = None,
    contracts: Contracts = CONTRACTS,
) -> AsyncIterator[PluginApp]:
    """Run one plugin on a database in the folder `data`. See the fixture `plugin_app`."""
    name = package.removeprefix(PREFIX)
    registry = PluginRegistry(
        points=[EntryPoint(name, package, ENTRY_POINT_GROUP)],
        settings={name: settings or {}},
        limits=limits or _UNHURRIED,
    )
    registry.load()
    present = sample_films() if films is None else films
    async with open_database(data / "wylloh.sqlite3") as database:
        app = PluginApp(registry, name, database.storage, present, contracts)
        library = SampleLibrary(database.storage.films, app.words, app.probes, database.storage.history)
        await library.hold_only(present)
        services = PluginServices(
            migrate=database.plugins.migrate,
            tables=database.plugins.tables,
            library=library,
            publish=app.publish,
            chain=app.chain.view,
            propose=app.transactions.propose,
            start_task=app.background.tasks.start,
            changed=app.live.changed,
            notify=app.live.notify,
        )
        async with registry.running(services), app.background.running():
            yield app


class SampleLibrary:
    """A library of films from the database; holdings are those of the test's chain.

    The sample films have no files: a test sets what is in them.
    """

    def __init__(
        self,
        films: FilmRepository,
        words: Mapping[FilmId, SubtitleText] | None = None,
        probes: Mapping[FilmId, Probe] | None = None,
        history: ChainHistoryRepository | None = None,
    ) -> None:
        self._films = films
        self._history = history
        self._words = {} if words is None else words
        self._probes = {} if probes is None else probes

    async def hold_only(self, films: Sequence[Film]) -> None:
        """Make these the library's films."""
        for film in await self._films.all():
            await self._films.remove(film.id)
        for film in films:
            await self._films.save(film)

    async def films(self, viewer: Viewer | None) -> tuple[LibraryItem, ...]:
        """Return every film by title."""
        return tuple([await self._item(viewer, film) for film in await self._films.all()])

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> tuple[LibraryItem, ...]:
        """Return some films in the order asked for; those that are gone are left out."""
        known = {film.id: film for film in await self._films.some(films)}
        return tuple([await self._item(viewer, known[film]) for film in films if film in known])

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> SubtitleText | None:  # noqa: ARG002 - the port asks for it
        """Return what a test has put into `PluginApp.words`.

        Raises:
            NotFound: there is no such film.
        """
        return self._words.get((await self.film(film_id)).id)

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Return what a test has put into `PluginApp.probes`.

        Raises:
            NotFound: there is no such film.
        """
        return self._probes.get((await self.film(film_id)).id)

    async def _item(self, viewer: Viewer | None, film: Film) -> LibraryItem:
        token = film.token
        if viewer is None or token is None or self._history is None:
            return LibraryItem(film)
        ladders = await self._history.history(EventQuery((LadderChanged,), token, limit=1))
        held = {one.wallet: one.amount for one in await self._history.holders(token, limit=_EVERY_HOLDER)}
        ladder = next((fact.ladder for fact in ladders if isinstance(fact, LadderChanged)), None)
        return LibraryItem(film, Stack(held.get(viewer.wallet, 0), ladder) if ladder else None)


def _viewer(role: Role | None) -> Viewer | None:
    return None if role is None else sample_viewer(role)
