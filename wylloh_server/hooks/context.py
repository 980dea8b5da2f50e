"""What a plugin is handed: its own context and nothing else of the server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.storage import PluginDatabase, PluginTables
    from wylloh_server.domain.types import FilmId


class PluginLog(Protocol):
    """The plugin's own logger: a short sentence, and fields by name."""

    def info(self, event: str, **fields: object) -> None:
        """Note something worth knowing."""

    def warning(self, event: str, **fields: object) -> None:
        """Note something that may need somebody."""

    def error(self, event: str, **fields: object) -> None:
        """Note a failure."""


class FilmCard(Protocol):
    """A film as one viewer's library shows it. Templates draw it with the theme's macro `film_card`."""

    @property
    def film(self) -> Film:
        """The film."""


class PluginLibrary(Protocol):
    """The library, as far as plugins see it."""

    async def films(self, viewer: Viewer | None) -> Sequence[FilmCard]:
        """Give every film by title, with what the viewer holds of it; None asks for nobody in particular."""

    async def film(self, film_id: FilmId) -> Film:
        """Find a film.

        Raises:
            NotFound: there is none of that id.
        """


@dataclass(frozen=True, slots=True)
class PluginContext:
    """One plugin's view of the server.

    Attributes:
        settings: every declared setting, checked, by name.
        tables: the plugin's own tables, migrated.
        emit: publish an event of one of the plugin's own `event_types`; never blocks.
            Raises PluginError for a type the plugin has not declared.
    """

    name: str
    settings: Mapping[str, Any]
    log: PluginLog
    tables: PluginTables
    library: PluginLibrary
    emit: Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class PluginServices:
    """What the composition root gives the registry to make contexts of."""

    database: PluginDatabase
    library: PluginLibrary
    publish: Callable[[Event], None]
