"""The ladder section: sentence, scale, proof, and what is missing."""

from __future__ import annotations

from tests.web.pages.samples import BEGUN, CONTRACT, LADDER, PUBLISHER, envelope
from markupsafe import Markup

from wylloh_server.domain.rights import Stack
from wylloh_server.domain.types import BlockNumber, short_address
from wylloh_server.domain.rights import RightsStatus
from wylloh_server.web.pages.rights_view import missing_tokens, rights_view


def rights(holding, licence=None):
    return rights_view(RightsStatus(Stack(holding, LADDER), BlockNumber(61_204_118)), licence)


def test_the_scale_shows_how_far_the_stack_has_come():
    rungs = rights(60).rungs
    assert [rung.held for rung in rungs] == [True, False, False, False]
    assert [rung.fill for rung in rungs] == [60, 0, 0, 0]
    assert [rung.tokens for rung in rungs] == ["1 token", "100", "5,000", "10,000"]
    assert [rung.terms for rung in rungs] == ["Yours for good", "Up to 50 seats", "DE, AT, CH", ""]


def test_a_full_scale_is_white_to_its_end():
    assert [rung.fill for rung in rights(10_000).rungs] == [100] * 4


def test_the_proof_names_the_block_and_the_day():
    proof = rights(1, envelope(1_760_000_000)).proof
    assert [Markup(line.text).striptags() for line in proof] == [
        "Holding checked at block 61,204,118",
        "Plays offline until 8 November 2025",
    ]
    assert all(line.sure for line in proof)


def test_a_key_that_has_not_come_is_told_without_a_tick():
    assert [(line.text, line.sure) for line in rights(1).proof[1:]] == [
        ("The key comes with the first Play", False)
    ]
    assert len(rights(0).proof) == 1


def test_what_is_missing_says_how_many_and_where():
    missing = missing_tokens(Stack(0, LADDER), BEGUN.origin, "https://store.example")
    assert missing.sentence == "You hold no token of this film. 1 token lets you watch it."
    assert missing.url == "https://store.example"
    without_store = missing_tokens(Stack(0, LADDER), BEGUN.origin, "")
    assert short_address(PUBLISHER) in without_store.where
    assert CONTRACT not in without_store.where


def test_nothing_is_missing_for_who_holds_enough():
    assert missing_tokens(Stack(1, LADDER), BEGUN.origin, "") is None
