"""A stack and its groups always add up."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.group_split import Group, split_stack
from wylloh_server.domain.types import Timestamp

BERLIN, PARIS, ROME = (
    Group(name, name, count, made) for name, count, made in (("b", 50, 1), ("p", 30, 2), ("r", 20, 3))
)


def counts(holding, groups=(ROME, BERLIN, PARIS)):
    split = split_stack(holding, groups)
    return [share.count for share in split.shares], split.rest


def test_what_is_in_no_group_is_the_rest():
    assert counts(120) == ([50, 30, 20], 20)
    assert counts(7, ()) == ([], 7)


def test_tokens_that_left_are_taken_from_the_rest_then_from_the_newest_group():
    assert counts(100) == ([50, 30, 20], 0)
    assert counts(85) == ([50, 30, 5], 0)
    assert counts(60) == ([50, 10, 0], 0)
    assert counts(0) == ([0, 0, 0], 0)
    lost = [share.lost for share in split_stack(60, (BERLIN, PARIS, ROME)).shares]
    assert lost == [0, 20, 20]


def test_tokens_that_come_back_fill_the_groups_again():
    assert counts(60)[0] == [50, 10, 0]
    assert counts(100)[0] == [50, 30, 20]


def test_a_share_is_found_by_its_group():
    split = split_stack(60, (BERLIN, PARIS))
    assert split.share("p").count == 10
    assert split.share("x") is None


groups = st.lists(
    st.builds(
        Group,
        id=st.uuids().map(str),
        name=st.text(min_size=1),
        count=st.integers(1, 2**256 - 1),
        made=st.floats(0, 2**40).map(Timestamp),
    ),
    max_size=8,
)


@given(st.integers(0, 2**256 - 1), groups)
def test_shares_and_rest_are_the_holding(holding, made):
    split = split_stack(holding, made)
    assert sum(share.count for share in split.shares) + split.rest == holding
    assert all(0 <= share.count <= share.group.count and share.lost >= 0 for share in split.shares)
    assert split.rest == 0 or not any(share.lost for share in split.shares)
    first_short = next((at for at, share in enumerate(split.shares) if share.lost), len(split.shares))
    assert all(share.count == 0 for share in split.shares[first_short + 1 :])
