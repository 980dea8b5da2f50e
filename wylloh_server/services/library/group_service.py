"""Splits a stack into named groups and merges them again, for each wallet by itself."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.group_split import Group, GroupId, GroupShare, StackSplit, split_stack
from wylloh_server.domain.rights import tokens
from wylloh_server.domain.topics import film_topic

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.types import FilmId, Wallet
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.storage.stack_groups import StackGroupRepository

_MOST = 50
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class HeldStack:
    """What a wallet holds of a film at this moment."""

    wallet: Wallet
    film: FilmId
    holding: int


class GroupService:
    """Keeps the groups."""

    def __init__(self, *, groups: StackGroupRepository, live: LiveUpdates, clock: Clock) -> None:
        self._groups = groups
        self._live = live
        self._clock = clock
        # Two changes of one stack must not both take the same tokens.
        self._turn = asyncio.Lock()

    async def split(self, stack: HeldStack) -> StackSplit:
        """Return the groups of a stack and what there is for each."""
        return split_stack(stack.holding, await self._groups.of_stack(stack.wallet, stack.film))

    async def add(self, stack: HeldStack, name: str, count: int) -> Group:
        """Put tokens that are in no group into a new one.

        Raises:
            InvalidValue: the name or the number does not fit.
        """
        async with self._turn:
            split = await self.split(stack)
            if len(split.shares) >= _MOST:
                raise InvalidValue(f"{_MOST} groups are the most there can be.", fix="Merge some first.")
            group = Group(GroupId(uuid.uuid4().hex), _named(name, split), count, self._clock())
            _check_count(count, split.rest)
            await self._save(stack, [*_settled_groups(split), group])
        return group

    async def change(self, stack: HeldStack, group_id: GroupId, name: str, count: int) -> None:
        """Rename a group, or give it another number of tokens, from those in no group or back to them.

        Raises:
            NotFound: there is no such group.
            InvalidValue: the name or the number does not fit.
        """
        async with self._turn:
            split = await self.split(stack)
            share = _found(split, group_id)
            name = _named(name, split, group_id)
            # A name may change while tokens are missing, without settling for what is left.
            if count != share.group.count:
                _check_count(count, share.count + split.rest)
            changed = replace(share.group, name=name, count=count)
            await self._save(stack, [changed, *_others(split, group_id)])

    async def merge(self, stack: HeldStack, group_id: GroupId, into: GroupId | None) -> None:
        """Put a group's tokens into another group, or back to those in none, and end the group.

        Raises:
            NotFound: there is no such group.
            InvalidValue: a group cannot be merged into itself.
        """
        if group_id == into:
            raise InvalidValue("A group cannot be merged into itself.", fix="Choose another one.")
        async with self._turn:
            split = await self.split(stack)
            share = _found(split, group_id)
            left = _others(split, group_id)
            if into is not None:
                target = _found(split, into)
                left = [group for group in left if group.id != into]
                count = target.count + share.count
                left += [replace(target.group, count=count)] if count else []
            await self._save(stack, left)

    async def settle(self, stack: HeldStack) -> None:
        """Take the groups as they are now, without the tokens that have left; an empty one ends."""
        async with self._turn:
            split = await self.split(stack)
            kept = [replace(share.group, count=share.count) for share in split.shares if share.count]
            await self._save(stack, kept)

    async def _save(self, stack: HeldStack, groups: Sequence[Group]) -> None:
        await self._groups.put(stack.wallet, stack.film, groups)
        self._live.changed(film_topic(stack.film), wallet=stack.wallet)


def _settled_groups(split: StackSplit) -> list[Group]:
    return [share.group for share in split.shares]


def _others(split: StackSplit, group: GroupId) -> list[Group]:
    return [share.group for share in split.shares if share.group.id != group]


def _found(split: StackSplit, group: GroupId) -> GroupShare:
    share = split.share(group)
    if share is None:
        raise NotFound("There is no such group any more.", fix="Reload the page.")
    return share


def _named(name: str, split: StackSplit, own: GroupId | None = None) -> str:
    plain = " ".join(name.split())
    if not plain or len(plain) > _LONGEST_NAME or not plain.isprintable():
        raise InvalidValue("A group needs a name.", fix=f"Use 1 to {_LONGEST_NAME} characters.")
    taken = (share.group.name.casefold() for share in split.shares if share.group.id != own)
    if plain.casefold() in taken:
        raise InvalidValue(f"There is a group {plain} already.", fix="Use another name.")
    return plain


def _check_count(count: int, there: int) -> None:
    if count < 1:
        raise InvalidValue("A group holds at least 1 token.", fix="Give a number from 1 up.")
    if count > there:
        free = f"Only {tokens(there)} can be put there" if there else "All your tokens are in groups"
        raise InvalidValue(f"{free}.", fix="Give a smaller number, or merge a group back first.")
