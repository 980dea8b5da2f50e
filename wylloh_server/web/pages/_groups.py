"""A stack's groups as the film's page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.rights import tokens

if TYPE_CHECKING:
    from wylloh_server.domain.groups import GroupShare, StackSplit


@dataclass(frozen=True, slots=True)
class GroupLine:
    """One group. Rights go by the whole stack, so it says nothing of tiers.

    Attributes:
        id: empty for the tokens that are in no group.
        most: how many tokens it could have.
    """

    id: str
    name: str
    count: int
    most: int


@dataclass(frozen=True, slots=True)
class GroupsView:
    """The section about groups.

    Attributes:
        losses: one sentence for each group that has lost tokens.
        rest: the tokens in no group; None when there are none.
    """

    lines: tuple[GroupLine, ...]
    rest: GroupLine | None
    losses: tuple[str, ...]


def groups_of(split: StackSplit) -> GroupsView | None:
    """Describe a split stack; None when there is nothing to split, and nothing was."""
    if not split.shares and split.rest <= 1:
        return None
    lines = tuple(
        GroupLine(share.group.id, share.group.name, share.count, share.count + split.rest)
        for share in split.shares
    )
    rest = GroupLine("", "Not in a group", split.rest, split.rest) if split.rest else None
    return GroupsView(lines, rest, tuple(_loss(share) for share in split.shares if share.lost))


def _loss(share: GroupShare) -> str:
    if share.lost == share.group.count == 1:
        return f"{share.group.name} lost its only token: it has left your wallet."
    if not share.count:
        return f"{share.group.name} lost all its {tokens(share.lost)}: they have left your wallet."
    have = "it has" if share.lost == 1 else "they have"
    return f"{share.group.name} lost {tokens(share.lost)}: {have} left your wallet."
