"""A film in one viewer's library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.playback import Position
    from wylloh_server.domain.rights import Stack


@dataclass(frozen=True, slots=True)
class LibraryItem:
    """A film as one viewer's library shows it. Templates render it with the theme's macro `film_card`.

    Attributes:
        stack: the viewer's tokens of it and its ladder; None for a film from a folder, or while the chain
            cannot be reached.
        position: how far the viewer has watched it; None if not at all.
    """

    film: Film
    stack: Stack | None = None
    position: Position | None = None

    @property
    def theirs(self) -> bool:
        """Whether the viewer owns the film; True while the chain cannot be reached."""
        return self.stack is None or bool(self.stack.reached)
