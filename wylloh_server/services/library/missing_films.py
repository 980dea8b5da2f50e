"""Films whose files are not where they were: found again by their content, or removed by the owner."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.events import FilmRemoved
from wylloh_server.domain.film import FilmState, FolderOrigin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.films import FilmRepository


class MissingFilms:
    """The films that a scan has not found under their names."""

    def __init__(self, films: Iterable[Film]) -> None:
        self._left = {film.id: film for film in films}

    def take(self, origin: FolderOrigin) -> Film | None:
        """Return the film that a new file is, by its content, and leave it out from now on.

        Of several copies it is the one of the same name, else of the same folder, else any.
        """
        alike = [film for film in self._left.values() if _same_content(film.origin, origin)]
        if not alike:
            return None
        film = max(alike, key=lambda film: _nearness(film, Path(origin.path)))
        return self._left.pop(film.id)

    def left(self) -> tuple[Film, ...]:
        """Return those nobody has taken."""
        return tuple(self._left.values())


def _same_content(one: object, other: FolderOrigin) -> bool:
    # Empty files are all alike.
    return isinstance(one, FolderOrigin) and other.size > 0 and one.fingerprint == other.fingerprint


def _nearness(film: Film, path: Path) -> tuple[bool, bool]:
    old = Path(film.origin.path) if isinstance(film.origin, FolderOrigin) else Path()
    return old.name == path.name, old.parent == path.parent


@dataclass(kw_only=True, eq=False)
class FilmRemoval:
    """Removes films that are away, for the owner: with them goes what was set for them."""

    films: FilmRepository
    bus: EventBus

    async def remove(self, film_id: FilmId) -> None:
        """Remove one film.

        Raises:
            NotFound: there is no such film.
            InvalidValue: its file is in its folder, so that the next scan would add it again.
        """
        film = await self.films.get(film_id)
        if film is None:
            raise NotFound("There is no such film here.", fix="Go back to the library.")
        if film.state is not FilmState.AWAY:
            raise InvalidValue(
                f"{film.title} is not away.",
                fix="Take its file out of the folder first, and wait until the folders were scanned.",
            )
        await self._remove(film)

    async def remove_all(self) -> int:
        """Remove every film that is away, and return how many."""
        away = await self.films.in_state(FilmState.AWAY)
        for film in away:
            await self._remove(film)
        return len(away)

    async def _remove(self, film: Film) -> None:
        await self.films.remove(film.id)
        self.bus.publish(FilmRemoved(film.id))
