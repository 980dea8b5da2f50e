"""A stack's groups as the film's page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.rights import tokens

if TYPE_CHECKING:
    from wylloh_server.domain.group_split import GroupShare, StackSplit


@dataclass(frozen=True, slots=True)
class GroupsView:
    """The section about groups. Rights go by the whole stack, so it tells nothing of tiers.

    Attributes:
        shares: each group and how many tokens it has.
        rest: how many tokens are in no group.
        losses: one sentence for each group that has lost tokens.
    """

    shares: tuple[GroupShare, ...]
    rest: int
    losses: tuple[str, ...]


def groups_view(split: StackSplit) -> GroupsView | None:
    """Describe a split stack; None when there is nothing to split, and nothing was."""
    if not split.shares and split.rest <= 1:
        return None
    return GroupsView(split.shares, split.rest, tuple(_loss(share) for share in split.shares if share.lost))


def _loss(share: GroupShare) -> str:
    if share.lost == share.group.count == 1:
        return f"{share.group.name} lost its only token: it has left your wallet."
    if not share.count:
        return f"{share.group.name} lost all its {tokens(share.lost)}: they have left your wallet."
    have = "it has" if share.lost == 1 else "they have"
    return f"{share.group.name} lost {tokens(share.lost)}: {have} left your wallet."
