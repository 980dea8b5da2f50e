"""How the library page sorts films: what to go on with, what is yours, what is not, what is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.film import FilmState
from wylloh_server.web.cards import Card, card_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.services.library import Shelved


@dataclass(frozen=True, slots=True)
class Shelves:
    """The library page's films.

    Attributes:
        continuing: begun and not finished, the one watched last first.
        held: the viewer's own by their tokens, by title.
        folder: from the folders of this server, by title.
        unknown: gated by tokens that nobody can count now, because the chain is silent.
        others: gated by tokens of which the viewer holds too few.
        broken: cannot be played, whoever holds what.
    """

    continuing: tuple[Card, ...]
    held: tuple[Card, ...]
    folder: tuple[Card, ...]
    unknown: tuple[Card, ...]
    others: tuple[Card, ...]
    broken: tuple[Card, ...]

    @property
    def empty(self) -> bool:
        """Say whether this server knows no film that anybody could ever play."""
        return not (self.held or self.folder or self.unknown or self.others)

    @property
    def hero(self) -> Card | None:
        """The film on the stage: the one to go on with, else one that can be played now."""
        mine = (*self.held, *self.folder, *self.unknown)
        ready = tuple(card for card in mine if card.film.state is FilmState.READY)
        return next(iter((*self.continuing, *ready, *mine)), None)

    @property
    def hero_line(self) -> str:
        """What stands over the film on the stage."""
        if self.continuing:
            return f"Continue watching · {self.continuing[0].left}"
        if self.hero is None:
            return ""
        gated = self.hero.film.token is not None and self.hero in self.held
        return "Yours for good" if gated and self.hero.film.state is FilmState.READY else self.hero.line

    @property
    def summary(self) -> str:
        """How many films are held, and how many of them need no network any more."""
        ready = sum(card.film.state is FilmState.READY for card in self.held)
        return f"{_films(self.held)} · {ready} ready offline"

    @property
    def folder_summary(self) -> str:
        """How many films the folders hold."""
        return _films(self.folder)


def shelves_of(items: Sequence[Shelved], poster: Callable[[Film], str]) -> Shelves:
    """Sort what the library gave."""
    every = [(item, card_of(item, poster(item.film))) for item in items]
    cards = [pair for pair in every if not broken(pair[0])]
    mine = [pair for pair in cards if not pair[1].away and not uncounted(pair[0])]
    return Shelves(
        continuing=_continuing(cards),
        held=tuple(card for item, card in mine if item.film.token is not None),
        folder=tuple(card for item, card in mine if item.film.token is None),
        unknown=tuple(card for item, card in cards if uncounted(item)),
        others=tuple(card for _, card in cards if card.away),
        broken=tuple(card for item, card in every if broken(item)),
    )


def broken(item: Shelved) -> bool:
    """Say whether the film cannot be played by anybody."""
    return item.film.state is FilmState.FAILED


def uncounted(item: Shelved) -> bool:
    """Say whether the film is gated by tokens that could not be counted."""
    return item.film.token is not None and item.stack is None


def _films(cards: Sequence[Card]) -> str:
    return f"{len(cards)} film{'' if len(cards) == 1 else 's'}"


def _continuing(cards: Sequence[tuple[Shelved, Card]]) -> tuple[Card, ...]:
    begun = [
        (item.position.updated, card) for item, card in cards if item.position and card.left and not card.away
    ]
    return tuple(card for _, card in sorted(begun, key=lambda pair: pair[0], reverse=True))
