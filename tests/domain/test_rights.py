from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.rights import (
    PERSONAL,
    RightsLadder,
    Stack,
    Tier,
    missing_sentence,
    new_ladder,
    right_name,
    spoken_right,
    stack_sentences,
    tokens,
)

LADDER = RightsLadder(
    (
        Tier(1, PERSONAL),
        Tier(100, "small-venue", (), 50),
        Tier(500, "streaming", ("AT", "DE", "CH")),
        Tier(5_000, "theatrical"),
        Tier(20_000, "drive-in"),
    )
)

ladders = st.lists(st.integers(1, 10**9), min_size=1, max_size=8, unique=True).map(
    lambda thresholds: RightsLadder(
        tuple(Tier(threshold, f"right-{threshold}") for threshold in sorted(thresholds))
    )
)


@pytest.mark.parametrize("thresholds", [[], [0], [-1, 1], [2, 1]])
def test_a_ladder_nobody_could_climb_is_refused(thresholds):
    with pytest.raises(InvalidValue) as caught:
        RightsLadder(tuple(Tier(threshold, "x") for threshold in thresholds))
    assert "rise" in str(caught.value)


@pytest.mark.parametrize("thresholds", [[], [1, 1], [1, 5, 5], [1, 5, 4]])
def test_a_new_ladder_rises(thresholds):
    with pytest.raises(InvalidValue) as caught:
        new_ladder(tuple(Tier(threshold, PERSONAL) for threshold in thresholds))
    assert "more tokens than the one before" in caught.value.fix


@pytest.mark.parametrize(
    "first", [Tier(2, PERSONAL), Tier(1, "theatrical"), Tier(1, PERSONAL, ("AT",)), Tier(1, PERSONAL, (), 4)]
)
def test_a_new_ladder_begins_with_watching_for_one_token(first):
    with pytest.raises(InvalidValue) as caught:
        new_ladder((first, Tier(9, "small-venue")))
    assert str(caught.value).startswith("Tier 1 ") and "1 token" in caught.value.fix


places = st.lists(st.sampled_from(["AT", "DE", "CH"]), max_size=2, unique=True).map(tuple)
some_tiers = st.lists(
    st.builds(
        Tier,
        st.integers(1, 8),
        st.sampled_from([PERSONAL, "small-venue", "streaming"]),
        places,
        st.sampled_from([None, 20, 50]),
    ),
    min_size=1,
    max_size=4,
    unique_by=lambda tier: tier.threshold,
).map(lambda found: RightsLadder(tuple(sorted(found, key=lambda tier: tier.threshold))))


def audience(holding, ladders, right, place):
    """The largest that one of several ladders gives; 0 is none."""
    found = [tier for ladder in ladders if (tier := Stack(holding, ladder).grants(right, place))]
    return max((tier.audience for tier in found), default=0)


@given(some_tiers, st.lists(some_tiers, max_size=3))
def test_whatever_a_publisher_changes_holders_keep_the_better_of_all_ladders(newest, earlier):
    """Right for right and territory for territory: not less than any of them gave, and nothing nobody gave."""
    together = newest.with_earlier(earlier)
    assert together.with_earlier([newest, *earlier]) == together
    for holding, place in product(range(1, 9), ("AT", "DE", "CH", "FR")):
        for right in ("small-venue", "streaming"):
            expected = audience(holding, [newest, *earlier], right, place)
            assert audience(holding, [together], right, place) == expected
        watching = any(Stack(holding, ladder).grants(PERSONAL) for ladder in (newest, *earlier))
        assert bool(Stack(holding, together).grants(PERSONAL)) is watching


def test_a_ladder_that_only_improved_is_the_newest():
    """As registries enforce it now."""
    improved = RightsLadder((Tier(1, PERSONAL), Tier(50, "small-venue"), Tier(500, "streaming")))
    earlier = RightsLadder((Tier(1, PERSONAL), Tier(100, "small-venue", ("AT", "DE"), 50)))
    assert improved.with_earlier([earlier]) == improved


def test_more_tokens_never_mean_fewer_seats():
    ladder = RightsLadder(
        (Tier(1, PERSONAL), Tier(9, "small-venue", (), 50), Tier(99, "small-venue", (), 20))
    )
    assert Stack(99, ladder).grants("small-venue").seats == 50


def test_a_thousand_ladders_make_one_of_bounded_length():
    changes = [RightsLadder((Tier(1, PERSONAL), Tier(2, f"right-{number}"))) for number in range(1_000)]
    together = changes[-1].with_earlier(changes[:-1])
    assert len(together.tiers) == 256
    assert Stack(2, together).grants("right-0")


@pytest.mark.parametrize(
    ("holding", "right", "sentence"),
    [
        (0, PERSONAL, "You hold no token of this film. 1 token lets you watch it."),
        (99, "small-venue", "You hold 99 tokens. 1 more token unlocks small-venue shows."),
        (1, "streaming", "You hold 1 token. 499 more tokens unlock streaming."),
        (2, "hologram", "You hold 2 tokens. No number of them unlocks hologram."),
    ],
)
def test_what_a_stack_lacks_is_told_in_one_way(holding, right, sentence):
    assert missing_sentence(Stack(holding, LADDER), right) == sentence


@given(ladders, st.integers(0, 10**10))
def test_missing_tokens_are_just_enough_for_the_next_tier(ladder, holding):
    stack = Stack(holding, ladder)
    assert bool(stack.missing) is (stack.next is not None)
    if stack.next:
        assert Stack(holding + stack.missing, ladder).top == stack.next
        assert Stack(holding + stack.missing - 1, ladder).top == stack.top


@given(ladders, st.integers(0, 10**10))
def test_just_the_missing_tokens_turn_a_no_into_a_yes(ladder, holding):
    stack = Stack(holding, ladder)
    for tier in ladder.tiers:
        short = stack.short_of(tier.right)
        assert (stack.grants(tier.right) is None) is (short > 0)
        if short:
            assert Stack(holding + short, ladder).grants(tier.right)
            assert not Stack(holding + short - 1, ladder).grants(tier.right)


@given(ladders, st.integers(0, 10**10))
def test_the_drawn_scale_never_runs_backwards(ladder, holding):
    fills = [Stack(holding, ladder).fill(tier) for tier in ladder.tiers]
    assert fills == sorted(fills, reverse=True)
    assert all(0 <= fill <= 1 for fill in fills)
    more = [Stack(holding + 1, ladder).fill(tier) for tier in ladder.tiers]
    assert all(after >= before for before, after in zip(fills, more, strict=True))


def test_every_tier_includes_watching_at_home():
    assert Stack(150, RightsLadder((Tier(100, "small-venue"),))).grants(PERSONAL).right == "small-venue"
    assert Stack(99, RightsLadder((Tier(100, "small-venue"),))).short_of(PERSONAL) == 1


def test_no_other_right_implies_another():
    assert Stack(20_000, LADDER).grants("small-venue").threshold == 100
    assert Stack(20_000, RightsLadder((Tier(1, "theatrical"),))).grants("small-venue") is None


@pytest.mark.parametrize(("territory", "granted"), [("", True), ("AT", True), ("FR", False)])
def test_a_right_counts_where_its_tier_says(territory, granted):
    assert (Stack(600, LADDER).grants("streaming", territory) is not None) is granted


def test_a_right_without_territories_counts_everywhere():
    assert Stack(100, LADDER).grants("small-venue", "FR")


def test_a_right_that_is_not_on_the_ladder_is_no_number_of_tokens_away():
    assert Stack(5, LADDER).short_of("hologram") == 0
    assert Stack(10**9, LADDER).grants("hologram") is None


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 tokens"), (1, "1 token"), (12, "12 tokens"), (5_000, "5,000 tokens")]
)
def test_tokens_in_words(count, text):
    assert tokens(count) == text


@pytest.mark.parametrize(
    ("right", "name", "spoken"),
    [
        ("personal", "Personal viewing", "watching at home"),
        ("small-venue", "Small venue", "small-venue shows"),
        ("theatrical", "Theatrical", "theatrical shows"),
        ("drive-in_show", "Drive in show", "drive in show"),
    ],
)
def test_rights_by_name_and_in_a_sentence(right, name, spoken):
    assert (right_name(right), spoken_right(right)) == (name, spoken)


@pytest.mark.parametrize(
    ("holding", "given", "more"),
    [
        (0, "You hold no token of this film.", "1 token unlocks watching at home."),
        (
            1,
            "You can watch this film for as long as you hold it.",
            "99 more tokens unlock small-venue shows for up to 50 seats.",
        ),
        (
            88,
            "You can watch this film for as long as you hold it.",
            "12 more tokens unlock small-venue shows for up to 50 seats.",
        ),
        (
            99,
            "You can watch this film for as long as you hold it.",
            "1 more token unlocks small-venue shows for up to 50 seats.",
        ),
        (
            100,
            "You hold 100 tokens, which unlock small-venue shows for up to 50 seats.",
            "400 more tokens unlock streaming in AT, DE and CH.",
        ),
        (
            500,
            "You hold 500 tokens, which unlock streaming in AT, DE and CH.",
            "4,500 more tokens unlock theatrical shows.",
        ),
        (20_000, "You hold 20,000 tokens, which unlock drive in.", ""),
    ],
)
def test_what_a_person_on_a_sofa_reads(holding, given, more):
    assert stack_sentences(Stack(holding, LADDER)) == (given, more)


def test_one_token_one_seat_one_country():
    ladder = RightsLadder((Tier(1, "theatrical", ("AT",), 1), Tier(3, "national")))
    assert stack_sentences(Stack(1, ladder)) == (
        "You hold 1 token, which unlocks theatrical shows for up to 1 seat in AT.",
        "2 more tokens unlock national distribution.",
    )


def test_some_tokens_but_too_few_for_anything():
    ladder = RightsLadder((Tier(5, PERSONAL, ("AT", "DE")),))
    assert stack_sentences(Stack(3, ladder)) == (
        "You hold 3 tokens.",
        "2 more tokens unlock watching at home in AT and DE.",
    )


@pytest.mark.parametrize(
    ("tier", "terms"),
    [
        (Tier(1, "x"), ""),
        (Tier(1, "x", (), 1), "up to 1 seat"),
        (Tier(1, "x", (), 1_200), "up to 1,200 seats"),
        (Tier(1, "x", ("AT", "DE"), 50), "up to 50 seats · AT, DE"),
    ],
)
def test_what_bounds_a_tier_in_a_few_words(tier, terms):
    assert tier.terms == terms
