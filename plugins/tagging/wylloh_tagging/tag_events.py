"""What this plugin tells: somebody changed tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import Event

if TYPE_CHECKING:
    from wylloh_server.sdk import FilmId


@dataclass(frozen=True, slots=True)
class FilmTagged(Event):
    """A film got a tag that it did not have."""

    film: FilmId
    tag: str


@dataclass(frozen=True, slots=True)
class FilmUntagged(Event):
    """A film lost a tag."""

    film: FilmId
    tag: str


@dataclass(frozen=True, slots=True)
class TagMoved(Event):
    """A tag and those below it have another name now, which may have been that of another tag.

    Attributes:
        films: those that had it, or one below it. No FilmTagged and FilmUntagged tell of them.
    """

    tag: str
    to: str
    films: tuple[FilmId, ...]


@dataclass(frozen=True, slots=True)
class TagsImported(Event):
    """Tags came from a file; read those of these films anew. No FilmTagged and FilmUntagged tell of them."""

    films: tuple[FilmId, ...]
