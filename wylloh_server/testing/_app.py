"""One plugin, run as the server runs it, with everything a test wants to do to it."""

from __future__ import annotations

import dataclasses
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.database import open_database
from wylloh_server.domain.access import AccessRequest, Role
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.domain.events import ChainAdvanced, FilmAdded, FilmRemoved
from wylloh_server.domain.onchain import LadderChanged
from wylloh_server.domain.rights import PERSONAL, Stack
from wylloh_server.hooks import Dispatch, Limits, PluginRegistry, PluginRequest, PluginServices
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP, PREFIX
from wylloh_server.services.library import Shelved
from wylloh_server.testing._chain import CONTRACTS, SampleChain
from wylloh_server.testing._drawing import drawn
from wylloh_server.testing._live import RecordedLive
from wylloh_server.testing._samples import sample_films, sample_viewer
from wylloh_server.testing._transactions import SampleTransactions
from wylloh_server.testing._work import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from wylloh_server.domain.access import Viewer, Vote
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.onchain import ChainEvent, Contracts
    from wylloh_server.domain.ports.history import History
    from wylloh_server.domain.ports.storage import Films, Storage
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.task import Task, TaskId
    from wylloh_server.domain.types import BlockNumber, FilmId
    from wylloh_server.domain.words import FilmWords
    from wylloh_server.hooks import BatchPlan, Fragment, NavItem, Page, PluginContext, PluginRecord, Reply
    from wylloh_server.hooks.declarations import UploadedFile
    from wylloh_server.services.tasks import TaskDesk

_EVERY_HOLDER = 10_000
_UNHURRIED = Limits(answer=30)
"""A test is not about how busy the machine is that runs it."""
_GRACE = 5.0
"""Seconds a command has to end when its test is cancelled."""


class PluginApp:
    """A running plugin. `by` is always the role of who asks; None is somebody who is not signed in.

    Attributes:
        films: the library's films when it started.
        events: every event published so far, by the test or by the plugin.
        chain: what contracts answer and wallets have; see `happened` and `taken_back` for its history.
        live: notes what the plugin told open pages: `told`, `topics`, `shown`.
        transactions: what the plugin proposes: `proposals`, `calls.refused`, `calls.silent`, `confirm`.
        words: what is said in films, by film id, for `context.library.words`; put it there.
        probes: what films' files contain, by film id, for `context.library.probe`; put it there.
    """

    chain: SampleChain

    def __init__(
        self, registry: PluginRegistry, name: str, storage: Storage, present: Sequence[Film]
    ) -> None:
        self.films = tuple(present)
        self.words: dict[FilmId, FilmWords] = {}
        self.probes: dict[FilmId, Probe] = {}
        self.events: list[Event] = []
        self.live = RecordedLive()
        self.transactions = SampleTransactions(storage.transactions, self.live, self.publish)
        self._registry = registry
        self._dispatch = Dispatch(registry)
        self._name = name
        self._library = storage.films
        self._work = Work(registry, storage, self.live)
        self._work.bus.subscribe(self.publish)

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

    @property
    def desk(self) -> TaskDesk:
        """What keeps the plugin's background tasks."""
        return self._work.tasks

    def working(self) -> AbstractAsyncContextManager[None]:
        """Do background tasks until the context ends; `plugin_app` is inside of it."""
        return self._work.running()

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
        by: Role | None = Role.VIEWER,
    ) -> Reply:
        """Send a form, with files if there are any, or JSON, to a path below the plugin's address."""
        request = PluginRequest(_viewer(by), form=form or {}, json=json, files=files or {})
        return await self._answer("POST", path, request)

    async def nav_items(self, by: Role | None = Role.VIEWER) -> tuple[NavItem, ...]:
        """Ask for navigation entries; their paths are whole."""
        return await self._dispatch.nav_items(_viewer(by))

    async def fragments(
        self, slot: str, film: Film | None = None, by: Role | None = Role.VIEWER
    ) -> tuple[Fragment, ...]:
        """Ask for the fragments of a slot."""
        found = await self._dispatch.fragments(slot, film, _viewer(by))
        return tuple(fragment for _, fragment in found)

    async def access_vote(self, film: Film, by: Role = Role.VIEWER, right: str = PERSONAL) -> Vote:
        """Ask for the plugin's vote; abstaining and failing are votes too."""
        return await self._dispatch.access_vote(AccessRequest(sample_viewer(by), film, right))

    async def task(
        self, kind: str, arguments: Mapping[str, Any] | None = None, *, by: Role | None = Role.VIEWER
    ) -> Task:
        """Start one of the plugin's background tasks, wait until it has ended, and give how it ended."""
        task = await self.context.tasks.start(kind, f"The task {kind}", arguments or {}, _viewer(by))
        return await self._ended(task)

    async def tasks(self) -> tuple[Task, ...]:
        """Wait until no background task runs, and give all there were, newest first."""
        await self._work.jobs.settled()
        return await self._work.tasks.all(sample_viewer(Role.OWNER))

    async def command(self, name: str, *arguments: str) -> str:
        """Run one of the plugin's commands, and give what it says.

        Raises:
            PluginError: it has no such command, or is not running.
        """
        plugin = self._registry.plugin(self._name)
        for command in plugin.declared.commands if plugin else ():
            if command.name == name and plugin is not None:
                work = command.run(self.context, arguments)
                return str(await plugin.finish(f"the command {name}", work, _GRACE))
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
        return await self._work.batch.plan(sample_viewer(by), self._name, action, chosen, values or {})

    async def batch(
        self,
        action: str,
        films: Sequence[Film],
        values: Mapping[str, str] | None = None,
        *,
        by: Role = Role.VIEWER,
    ) -> Task:
        """Plan and confirm a batch action, wait until its task has ended, and give how it ended."""
        chosen, viewer = [film.id for film in films], sample_viewer(by)
        plan = await self.plan(action, films, values, by=by)
        task = await self._work.batch.run(
            viewer, self._name, action, chosen, values or {}, confirmed=plan.sentence
        )
        return await self._ended(task)

    async def arrive(self, film: Film) -> None:
        """Put a film into the library, and wait until the plugin has heard of it."""
        await self._library.save(film)
        await self.tell(FilmAdded(film.id, film.title))

    async def leave(self, film: Film) -> None:
        """Take a film out of the library, and wait until the plugin has heard of it."""
        await self._library.remove(film.id)
        await self.tell(FilmRemoved(film.id))

    async def happened(self, *facts: ChainEvent, at: float | None = None) -> BlockNumber:
        """Let facts happen on chain, and wait until the plugin has heard of it.

        They share a new block and a transaction, and get their place on the chain here, instead of the one
        they came with: `await app.happened(TokensMoved(SOMEWHERE, token, NOBODY, wallet, 12))`.

        Args:
            facts: any number of them.
            at: the block's time, not before that of the last one; by default 12 seconds after it.
        """
        block = await self.chain.happen(facts, at)
        await self.tell(ChainAdvanced(block))
        return block

    async def taken_back(self, blocks: int = 1) -> None:
        """Let a reorg take back what happened in the newest blocks, and wait until the plugin has heard."""
        await self.tell(ChainAdvanced(await self.chain.take_back(blocks)))

    async def tell(self, *events: Event) -> None:
        """Publish events and wait until the plugin has heard them."""
        for event in events:
            self.publish(event)
        await self._registry.settled()

    def publish(self, event: Event) -> None:
        """Publish an event without waiting."""
        self.events.append(event)
        self._registry.publish(event)

    async def render(self, reply: Page | Fragment, by: Role | None = Role.VIEWER) -> str:
        """Draw a page or a fragment inside the default theme and give the HTML."""
        return await drawn(reply, self._name, self._registry.template_dirs(), _viewer(by))

    async def _ended(self, task: TaskId) -> Task:
        await self._work.jobs.settled()
        await self._registry.settled()
        return await self._work.tasks.get(sample_viewer(Role.OWNER), task)

    async def _answer(self, method: str, path: str, request: PluginRequest) -> Reply:
        for mounted in self._registry.routes():
            params = mounted.route.match(path) if mounted.route.method == method else None
            if params is not None:
                whole = dataclasses.replace(request, params=params)
                return await self._dispatch.answer(mounted, whole)
        raise NotFound(f"{self._name} has no route {method} {path!r}.")


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
        app = PluginApp(registry, name, database.storage, present)
        library = SampleLibrary(database.storage.films, app.words, app.probes, database.storage.history)
        await library.hold_only(present)
        app.chain = SampleChain(database.storage, contracts)
        services = PluginServices(
            database=database.plugins,
            library=library,
            publish=app.publish,
            chain=app.chain.view,
            tasks=app.desk,
            transactions=app.transactions,
            live=app.live,
        )
        async with registry.running(services), app.working():
            yield app


class SampleLibrary:
    """A library of films from the database; who holds what is what the test's chain says.

    The sample films have no files: a test says what is in them.
    """

    def __init__(
        self,
        films: Films,
        words: Mapping[FilmId, FilmWords] | None = None,
        probes: Mapping[FilmId, Probe] | None = None,
        history: History | None = None,
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

    async def films(self, viewer: Viewer | None) -> tuple[Shelved, ...]:
        """Give every film by title."""
        return tuple([await self._shelved(viewer, film) for film in await self._films.all()])

    async def cards(self, viewer: Viewer | None, films: Collection[FilmId]) -> tuple[Shelved, ...]:
        """Give some films in the order asked for; those that are gone are left out."""
        known = {film.id: film for film in await self._films.some(films)}
        return tuple([await self._shelved(viewer, known[film]) for film in films if film in known])

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film

    async def words(self, film_id: FilmId, prefer: Sequence[str] = ()) -> FilmWords | None:  # noqa: ARG002 - the port asks for it
        """Give what a test has put into `PluginApp.words`.

        Raises:
            NotFound: there is no such film.
        """
        return self._words.get((await self.film(film_id)).id)

    async def probe(self, film_id: FilmId) -> Probe | None:
        """Give what a test has put into `PluginApp.probes`.

        Raises:
            NotFound: there is no such film.
        """
        return self._probes.get((await self.film(film_id)).id)

    async def _shelved(self, viewer: Viewer | None, film: Film) -> Shelved:
        token = film.token
        if viewer is None or token is None or self._history is None:
            return Shelved(film)
        told = await self._history.history(kinds=(LadderChanged,), token=token, limit=1)
        held = {one.wallet: one.amount for one in await self._history.holders(token, limit=_EVERY_HOLDER)}
        ladder = next((fact.ladder for fact in told if isinstance(fact, LadderChanged)), None)
        return Shelved(film, Stack(held.get(viewer.wallet, 0), ladder) if ladder else None)


def _viewer(role: Role | None) -> Viewer | None:
    return None if role is None else sample_viewer(role)
