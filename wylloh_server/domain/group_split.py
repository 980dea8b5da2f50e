"""Named groups of one stack: so many tokens of a film for this, so many for that. None of it is on chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.types import Timestamp

GroupId = NewType("GroupId", str)
"""A group's name inside the server: 32 lower-case hex digits."""


@dataclass(frozen=True, slots=True)
class Group:
    """Some of a wallet's tokens of one film, under a name.

    Attributes:
        count: how many tokens are meant to be in it, at least 1; may be more than the wallet still holds.
    """

    id: GroupId
    name: str
    count: int
    made: Timestamp


@dataclass(frozen=True, slots=True)
class GroupShare:
    """A group and how many tokens there are for it now."""

    group: Group
    count: int

    @property
    def lost(self) -> int:
        """How many of its tokens have left the wallet."""
        return self.group.count - self.count


@dataclass(frozen=True, slots=True)
class StackSplit:
    """A holding seen against its groups: their shares, oldest first, and what is in no group."""

    shares: tuple[GroupShare, ...]
    rest: int

    def share(self, group: GroupId) -> GroupShare | None:
        """Find a group's share."""
        return next((share for share in self.shares if share.group.id == group), None)


def split_stack(holding: int, groups: Sequence[Group]) -> StackSplit:
    """Return each group its tokens. All shares and the rest together are always the holding.

    Tokens that left are taken from what is in no group first, then from the newest group, then from the one
    made before it.
    """
    shares, left = [], holding
    for group in sorted(groups, key=lambda group: (group.made, group.id)):
        shares.append(GroupShare(group, min(group.count, left)))
        left -= shares[-1].count
    return StackSplit(tuple(shares), left)
