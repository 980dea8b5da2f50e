"""One plugin, run as the server runs it, with everything a test wants to do to it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.database import open_database
from wylloh_server.domain.access import AccessRequest, Role
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.domain.events import FilmAdded, FilmRemoved
from wylloh_server.domain.rights import PERSONAL
from wylloh_server.hooks import Dispatch, Limits, PluginRegistry, PluginRequest, PluginServices
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP, PREFIX
from wylloh_server.services.library import Shelved
from wylloh_server.testing._drawing import drawn
from wylloh_server.testing._samples import sample_films, sample_viewer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from wylloh_server.domain.access import Viewer, Vote
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.types import FilmId
    from wylloh_server.hooks import Fragment, NavItem, Page, PluginContext, PluginRecord, Reply


class PluginApp:
    """A running plugin. `by` is always the role of who asks; None is somebody who is not signed in.

    Attributes:
        films: the library's films when it started.
        events: every event published so far, by the test or by the plugin.
    """

    def __init__(self, registry: PluginRegistry, name: str, films: Films, present: Sequence[Film]) -> None:
        self.films = tuple(present)
        self.events: list[Event] = []
        self._registry = registry
        self._dispatch = Dispatch(registry)
        self._name = name
        self._library = films

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
        by: Role | None = Role.VIEWER,
    ) -> Reply:
        """Send a form, or JSON, to a path below the plugin's address."""
        return await self._answer("POST", path, PluginRequest(_viewer(by), form=form or {}, json=json))

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

    async def arrive(self, film: Film) -> None:
        """Put a film into the library, and wait until the plugin has heard of it."""
        await self._library.save(film)
        await self.tell(FilmAdded(film.id, film.title))

    async def leave(self, film: Film) -> None:
        """Take a film out of the library, and wait until the plugin has heard of it."""
        await self._library.remove(film.id)
        await self.tell(FilmRemoved(film.id))

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

    async def _answer(self, method: str, path: str, request: PluginRequest) -> Reply:
        for mounted in self._registry.routes():
            params = mounted.route.match(path) if mounted.route.method == method else None
            if params is not None:
                whole = PluginRequest(request.viewer, params, request.query, request.form, request.json)
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
) -> AsyncIterator[PluginApp]:
    """Run one plugin on a database in the folder `data`. See the fixture `plugin_app`."""
    name = package.removeprefix(PREFIX)
    registry = PluginRegistry(
        points=[EntryPoint(name, package, ENTRY_POINT_GROUP)],
        settings={name: settings or {}},
        limits=limits or Limits(),
    )
    registry.load()
    present = sample_films() if films is None else films
    async with open_database(data / "wylloh.sqlite3") as database:
        app = PluginApp(registry, name, database.storage.films, present)
        library = SampleLibrary(database.storage.films)
        await library.hold_only(present)
        async with registry.running(PluginServices(database.plugins, library, app.publish)):
            yield app


class SampleLibrary:
    """A library of films from the database, without a chain: nobody holds a token of anything."""

    def __init__(self, films: Films) -> None:
        self._films = films

    async def hold_only(self, films: Sequence[Film]) -> None:
        """Make these the library's films."""
        for film in await self._films.all():
            await self._films.remove(film.id)
        for film in films:
            await self._films.save(film)

    async def films(self, viewer: Viewer | None) -> tuple[Shelved, ...]:  # noqa: ARG002 - the port asks for it
        """Give every film by title."""
        return tuple(Shelved(film) for film in await self._films.all())

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """
        film = await self._films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        return film


def _viewer(role: Role | None) -> Viewer | None:
    return None if role is None else sample_viewer(role)
