"""A film in few words, for every state it can be in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.web.pages.samples import ARRIVING, BEGUN, ELSEWHERE, FAILED, LADDER, OWN, STACKED, WAITING, gated
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.playback import Position
from wylloh_server.domain.rights import RightsLadder, Stack, Tier
from wylloh_server.domain.types import Seconds, Timestamp
from wylloh_server.domain.library_item import LibraryItem
from wylloh_server.services.library.posters import PictureUrls
from wylloh_server.web.film_cards import film_tile, time_left


def shelved(film, holding=None, ladder=LADDER):
    return LibraryItem(film, None if holding is None else Stack(holding, ladder))


@pytest.mark.parametrize(
    ("item", "line"),
    [
        (shelved(BEGUN, 1), "Personal viewing"),
        (shelved(STACKED, 250), "Small venue"),
        (shelved(ARRIVING, 1), "Arriving · 64\xa0%"),
        (shelved(gated(1, "x", FilmState.DISCOVERED), 1), "On its way"),
        (shelved(WAITING, 1), "Waiting: The disk is full."),
        (shelved(FAILED, 1), "Its package is not in order"),
        (shelved(FAILED, 0), "Its package is not in order"),
        (shelved(replace(OWN, state=FilmState.FAILED, reason="A long story.")), "Not a film we open"),
        (
            shelved(replace(OWN, state=FilmState.AWAY, reason="A long story.")),
            "Away: its disk or file is not here",
        ),
        (shelved(OWN), "Your own folder"),
        (shelved(BEGUN), "Ready offline"),
        (shelved(ELSEWHERE, 0), "1 token lets you watch it"),
        (shelved(ELSEWHERE, 1, RightsLadder((Tier(10, "personal"),))), "9 tokens let you watch it"),
        (shelved(ARRIVING, 0), "1 token lets you watch it"),
    ],
)
def test_its_state_is_one_line(item, line):
    assert film_tile(item, PictureUrls()).line == line


@pytest.mark.parametrize(
    ("film", "holding", "line", "more"),
    [
        (BEGUN, 1, "Personal viewing", "99 more for small-venue shows"),
        (ARRIVING, 1, "Arriving · 64\xa0%", "99 more for small-venue shows"),
        (BEGUN, 88, "Personal viewing", "12 more for small-venue shows"),
        (STACKED, 250, "Small venue", "4,750 more for streaming"),
        (STACKED, 10_000, "Theatrical", ""),
        (ARRIVING, 250, "Arriving · 64\xa0%", "4,750 more for streaming"),
        (ELSEWHERE, 0, "1 token lets you watch it", ""),
        (FAILED, 250, "Its package is not in order", ""),
        (BEGUN, None, "Ready offline", ""),
    ],
)
def test_one_token_or_many_are_one_card_with_the_tier_they_reach_and_what_is_missing(
    film, holding, line, more
):
    card = film_tile(shelved(film, holding), PictureUrls())
    assert (card.line, card.more) == (line, more)


def test_below_the_first_tier_a_card_says_only_what_lets_one_watch():
    card = film_tile(
        shelved(ELSEWHERE, 4, RightsLadder((Tier(10, "personal"), Tier(20, "theatrical")))), PictureUrls()
    )
    assert (card.badge, card.line, card.more) == ("×4", "6 tokens let you watch it", "")


@pytest.mark.parametrize(("holding", "badge"), [(0, ""), (1, ""), (2, "×2"), (5000, "×5,000")])
def test_a_stack_of_several_has_a_badge(holding, badge):
    assert film_tile(shelved(BEGUN, holding), PictureUrls()).badge == badge


@pytest.mark.parametrize(("holding", "away"), [(0, True), (1, False), (None, False)])
def test_only_a_counted_lack_of_tokens_puts_a_film_away(holding, away):
    assert film_tile(shelved(BEGUN, holding), PictureUrls()).away is away


def at(seconds, of=3600):
    return Position(BEGUN.id, Seconds(seconds), Seconds(of), Timestamp(0))


@pytest.mark.parametrize(
    ("position", "left"),
    [(None, ""), (at(4), ""), (at(600), "50 min left"), (at(3500), ""), (at(0, 0), "")],
)
def test_what_is_left_is_told_only_in_the_middle_of_a_film(position, left):
    assert time_left(position) == left


def test_how_far_somebody_watched_is_a_percentage():
    item = LibraryItem(BEGUN, Stack(1, LADDER), at(900))
    assert film_tile(item, PictureUrls()).watched == 25
    assert film_tile(LibraryItem(BEGUN, Stack(1, LADDER), at(3599)), PictureUrls()).watched is None
