"""How the library page sorts films: what to go on with, what is yours, what is not."""

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
        held: the viewer's own and the folder's, by title.
        unknown: gated by tokens that nobody can count now, because the chain is silent.
        others: gated by tokens of which the viewer holds too few.
    """

    continuing: tuple[Card, ...]
    held: tuple[Card, ...]
    unknown: tuple[Card, ...]
    others: tuple[Card, ...]

    @property
    def empty(self) -> bool:
        """Say whether this server knows no film at all."""
        return not (self.held or self.unknown or self.others)

    @property
    def hero(self) -> Card | None:
        """The film on the stage: the one to go on with, else one that can be played now."""
        mine = (*self.held, *self.unknown)
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
        """How many films there are, and how many need no network any more."""
        films = f"{len(self.held)} film{'' if len(self.held) == 1 else 's'}"
        ready = sum(card.film.state is FilmState.READY for card in self.held)
        return f"{films} · {ready} ready offline"


def shelves_of(items: Sequence[Shelved], poster: Callable[[Film], str]) -> Shelves:
    """Sort what the library gave."""
    cards = [(item, card_of(item, poster(item.film))) for item in items]
    return Shelves(
        continuing=_continuing(cards),
        held=tuple(card for item, card in cards if not card.away and not uncounted(item)),
        unknown=tuple(card for item, card in cards if uncounted(item)),
        others=tuple(card for _, card in cards if card.away),
    )


def uncounted(item: Shelved) -> bool:
    """Say whether the film is gated by tokens that could not be counted."""
    return item.film.token is not None and item.stack is None


def _continuing(cards: Sequence[tuple[Shelved, Card]]) -> tuple[Card, ...]:
    begun = [
        (item.position.updated, card) for item, card in cards if item.position and card.left and not card.away
    ]
    return tuple(card for _, card in sorted(begun, key=lambda pair: pair[0], reverse=True))
