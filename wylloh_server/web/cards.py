"""A film as grids and rows show it: what the theme's macro `film_card` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.film import Film, FilmState
from wylloh_server.domain.rights import PERSONAL, Stack, spoken_right, tokens
from wylloh_server.web.filters import runtime

if TYPE_CHECKING:
    from wylloh_server.domain.playback import Position
    from wylloh_server.services.library import Shelved

__all__ = ["Card", "arriving", "card_of", "left_of", "pictured"]

_BEGUN = 5
_SEEN_TO_THE_END = 0.95
_TIMES = "\N{MULTIPLICATION SIGN}"


@dataclass(frozen=True, slots=True)
class Card:
    """One film on a page.

    Attributes:
        poster: address of its picture; empty when there is none, and may turn out to lead nowhere.
        badge: how many tokens the viewer holds, if more than one; empty otherwise.
        line: the film's state in a few words; of one that can be watched by its tokens, the tier they reach.
        more: how many further tokens reach which right; empty when none do, and while too few are held.
        left: how much is still to be watched; empty unless somebody is in the middle of it.
        watched: the same as percent; None unless somebody is in the middle of it.
        away: the viewer holds too little to watch it.
    """

    film: Film
    poster: str
    badge: str
    line: str
    left: str
    watched: int | None
    away: bool
    more: str = ""

    @property
    def id(self) -> str:
        """The film's id."""
        return self.film.id

    @property
    def title(self) -> str:
        """The film's title."""
        return self.film.title

    @property
    def synopsis(self) -> str:
        """The film's synopsis."""
        return self.film.description.synopsis

    @property
    def href(self) -> str:
        """The address of the film's page."""
        return f"/films/{self.film.id}"


def card_of(item: Shelved, poster: str) -> Card:
    """Make a card of what the library gives of a film, and the address of its picture."""
    left = left_of(item.position)
    return Card(
        film=item.film,
        poster=poster if pictured(item.film) else "",
        badge=f"{_TIMES}{item.stack.holding:,}" if item.stack and item.stack.holding > 1 else "",
        line=_line(item.film, item.stack),
        left=left,
        watched=round(100 * item.position.at / item.position.of) if left and item.position else None,
        away=_is_away(item.stack),
        more=_more(item.film, item.stack),
    )


def pictured(film: Film) -> bool:
    """Say whether a film has a picture: one that cannot be played has none that anybody checked."""
    return film.state is not FilmState.FAILED


def left_of(position: Position | None) -> str:
    """Say how much is left: `12 min left`. Empty when hardly begun, or as good as over."""
    if position is None or position.at < _BEGUN or position.at >= position.of * _SEEN_TO_THE_END:
        return ""
    return f"{runtime(position.of - position.at)} left"


def arriving(film: Film) -> str:
    """Say why a film cannot be played yet; empty when it can."""
    sentences = {
        FilmState.READY: "",
        FilmState.DISCOVERED: "On its way",
        FilmState.INTRODUCED: "On its way",
        FilmState.PULLING: f"Arriving · {film.progress * 100:.0f} %",
        FilmState.WAITING: f"Waiting: {film.reason}" if film.reason else "Waiting",
        FilmState.STOPPED: f"Not here: {film.reason}" if film.reason else "Not here",
        FilmState.FAILED: f"Cannot be played: {film.reason}" if film.reason else "Cannot be played",
    }
    return sentences[film.state]


def _is_away(stack: Stack | None) -> bool:
    return stack is not None and stack.grants(PERSONAL) is None


def _line(film: Film, stack: Stack | None) -> str:
    if film.state is FilmState.FAILED:
        # Why is a long sentence, and stands on the film's page.
        return "Not a film we open" if film.token is None else "Its package is not in order"
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


def _more(film: Film, stack: Stack | None) -> str:
    if film.state is FilmState.FAILED or stack is None or _is_away(stack):
        return ""
    return f"{stack.missing:,} more for {spoken_right(stack.next.right)}" if stack.next else ""
