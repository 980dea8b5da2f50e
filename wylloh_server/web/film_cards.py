"""A film as grids and rows show it: what the theme's macro `film_card` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.film import Film, FilmState
from wylloh_server.domain.percentage import PERCENT
from wylloh_server.domain.rights import PERSONAL, Stack, spoken_right, tokens
from wylloh_server.web.template_filters import runtime

if TYPE_CHECKING:
    from wylloh_server.domain.library_item import LibraryItem
    from wylloh_server.domain.playback import Position
    from wylloh_server.services.library.posters import PictureUrls

__all__ = ["FilmTile", "arriving", "film_tile", "time_left"]

_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class FilmTile:
    """One film on a page.

    Attributes:
        poster: address of its upright picture; empty when there is none, and may turn out to lead nowhere.
        backdrop: the same of its wide picture.
        badge: how many tokens the viewer holds, if more than one; empty otherwise.
        line: the film's state in a few words; of one that can be watched by its tokens, the tier they reach.
        more: how many further tokens reach which right; empty when none do, and while too few are held.
        left: how much is still to be watched; empty unless somebody is in the middle of it.
        watched: the same as percent; None unless somebody is in the middle of it.
        away: the viewer holds too little to watch it, or its file is away.
    """

    film: Film
    poster: str
    backdrop: str
    badge: str
    line: str
    left: str
    watched: int | None
    away: bool
    more: str = ""


def film_tile(item: LibraryItem, pictures: PictureUrls) -> FilmTile:
    """Make a card of what the library gives of a film, and the addresses of its pictures."""
    left = time_left(item.position)
    return FilmTile(
        film=item.film,
        poster=pictures.poster,
        backdrop=pictures.backdrop,
        badge=f"{_TIMES}{item.stack.holding:,}" if item.stack and item.stack.holding > 1 else "",
        line=_line(item.film, item.stack),
        left=left,
        watched=round(100 * item.position.at / item.position.of) if left and item.position else None,
        away=_is_away(item.stack) or item.film.state is FilmState.AWAY,
        more=_more(item.film, item.stack),
    )


def time_left(position: Position | None) -> str:
    """Return how much is left: `12 min left`. Empty when hardly begun, or as good as over."""
    if position is None or not position.is_begun:
        return ""
    return f"{runtime(position.of - position.at)} left"


def arriving(film: Film) -> str:
    """Return why a film cannot be played yet; empty when it can."""
    sentences = {
        FilmState.READY: "",
        FilmState.DISCOVERED: film.reason or "On its way",
        FilmState.INTRODUCED: film.reason or "On its way",
        FilmState.PULLING: f"Arriving · {film.progress * 100:.0f}{PERCENT}",
        FilmState.WAITING: f"Waiting: {film.reason}" if film.reason else "Waiting",
        FilmState.STOPPED: f"Not here: {film.reason}" if film.reason else "Not here",
        FilmState.FAILED: f"Cannot be played: {film.reason}" if film.reason else "Cannot be played",
        FilmState.AWAY: film.reason or "Away",
    }
    return sentences[film.state]


def _is_away(stack: Stack | None) -> bool:
    return stack is not None and stack.grants(PERSONAL) is None


def _line(film: Film, stack: Stack | None) -> str:
    if film.state in {FilmState.FAILED, FilmState.AWAY}:
        return _trouble(film)
    if stack is not None and _is_away(stack):
        missing = stack.short_of(PERSONAL)
        return f"{tokens(missing)} {'lets' if missing == 1 else 'let'} you watch it"
    if film.state is not FilmState.READY:
        return arriving(film)
    if film.token is None:
        return "Your own folder"
    if stack is not None and stack.top is not None:
        return stack.top.name
    return "Ready offline"


def _trouble(film: Film) -> str:
    """Return what is wrong in a few words; why is a long sentence, and stands on the film's page."""
    if film.state is FilmState.AWAY:
        return "Away: its disk or file is not here"
    return "Not a film we open" if film.token is None else "Its package is not in order"


def _more(film: Film, stack: Stack | None) -> str:
    if film.state is FilmState.FAILED or stack is None or _is_away(stack):
        return ""
    return f"{stack.missing:,} more for {spoken_right(stack.next.right)}" if stack.next else ""
