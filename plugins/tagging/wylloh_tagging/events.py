"""What this plugin tells: somebody changed a film's tags."""

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
