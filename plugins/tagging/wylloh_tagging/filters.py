"""Smart collections: saved filters, for the whole household or for one viewer."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, or_, select, update

from wylloh_server.sdk import AccessRefused, InvalidValue, NotFound
from wylloh_tagging.cache import cache_of
from wylloh_tagging.expression import parse, written
from wylloh_tagging.tables import FILTERS, moved
from wylloh_tagging.tags import JOINERS

if TYPE_CHECKING:
    from sqlalchemy.sql import ColumnElement

    from wylloh_server.sdk import PluginContext, PluginTables, Wallet
    from wylloh_tagging.expression import Expression

LONGEST_NAME = 60
"""Most characters in a collection's name."""
MOST_FILTERS = 50
"""Most collections of the household, and of each viewer."""
HOUSEHOLD = ""
"""The owner of a collection that everybody here sees."""


@dataclass(frozen=True, slots=True)
class SavedFilter:
    """A smart collection.

    Attributes:
        owner: whose it is; empty for the household's.
        text: the filter in words.
        home: whether it is a row on the library page.
    """

    id: str
    owner: str
    name: str
    text: str
    home: bool

    @property
    def expression(self) -> Expression:
        """The filter."""
        return parse(self.text)

    @property
    def shared(self) -> bool:
        """Whether everybody here sees it."""
        return self.owner == HOUSEHOLD


class Filters:
    """The collections one viewer sees: the household's in their order, then their own."""

    def __init__(self, context: PluginContext, viewer: Wallet, *, may_share: bool) -> None:
        self._tables = context.tables
        self._live = context.live
        self._writing = cache_of(context).writing
        self._viewer = viewer
        self._may_share = may_share

    async def all(self) -> tuple[SavedFilter, ...]:
        """Return them all."""
        owned = or_(FILTERS.c.owner == HOUSEHOLD, FILTERS.c.owner == self._viewer)
        return await _read(self._tables, owned)

    async def get(self, filter_id: str) -> SavedFilter:
        """Find one.

        Raises:
            NotFound: there is none of that id that this viewer sees.
        """
        for found in await self.all():
            if found.id == filter_id:
                return found
        raise NotFound("There is no such collection.", fix="Choose another one under Tags, Collections.")

    async def save(self, name: str, text: str, *, shared: bool, home: bool, filter_id: str = "") -> str:
        """Save a filter, or change the one of that id, and return its id.

        Raises:
            InvalidValue: the name or the filter cannot be used.
            AccessRefused: it is the household's, and this viewer may not change that.
            NotFound: there is none to change.
        """
        values = {"name": checked_name(name), "expression": written(parse(text)), "home": home}
        owner = HOUSEHOLD if shared else self._viewer
        self._check_may(owner)
        async with self._writing:
            if not filter_id:
                await self._check_free(checked_name(name))
                return await self._add(owner, values)
            found = await self._may_change(filter_id)
            await self._check_free(checked_name(name), filter_id)
            position = {} if found.owner == owner else {"position": MOST_FILTERS}
            values |= {"owner": owner, **position}
            await self._change(update(FILTERS).where(FILTERS.c.id == filter_id).values(values))
            return filter_id

    async def rename(self, filter_id: str, name: str) -> None:
        """Rename one. Raises as `save`."""
        wanted = checked_name(name)
        async with self._writing:
            await self._may_change(filter_id)
            await self._check_free(wanted, filter_id)
            await self._change(update(FILTERS).where(FILTERS.c.id == filter_id).values(name=wanted))

    async def show(self, filter_id: str, *, home: bool) -> None:
        """Put one on the library page, or take it away from there. Raises as `save`."""
        await self._may_change(filter_id)
        await self._change(update(FILTERS).where(FILTERS.c.id == filter_id).values(home=home))

    async def delete(self, filter_id: str) -> None:
        """Delete one; films and tags stay. Raises as `save`."""
        await self._may_change(filter_id)
        await self._change(delete(FILTERS).where(FILTERS.c.id == filter_id))

    async def forget_own(self) -> None:
        """Delete all that the viewer alone sees."""
        await self._change(delete(FILTERS).where(FILTERS.c.owner == self._viewer))

    async def move(self, filter_id: str, by: int) -> None:
        """Move one up (-1) or down (1) among those of its owner; at an end it stays. Raises as `save`."""
        chosen = await self._may_change(filter_id)
        order = [one.id for one in await self.all() if one.owner == chosen.owner]
        await self._change(*moved(FILTERS.c.id, order, filter_id, by))

    async def _add(self, owner: str, values: dict[str, object]) -> str:
        mine = [one for one in await self.all() if one.owner == owner]
        if len(mine) >= MOST_FILTERS:
            raise InvalidValue(f"There is room for {MOST_FILTERS} collections.", fix="Delete one first.")
        new = new_id()
        found = await self._tables.fetch(select(func.max(FILTERS.c.position)).where(FILTERS.c.owner == owner))
        last = found.rows[0][0]
        position = 0 if last is None else int(str(last)) + 1
        await self._change(insert(FILTERS).values(id=new, owner=owner, position=position, **values))
        return new

    async def _may_change(self, filter_id: str) -> SavedFilter:
        found = await self.get(filter_id)
        self._check_may(found.owner)
        return found

    async def _check_free(self, name: str, own: str = "") -> None:
        """Refuse the name of another collection that this viewer sees."""
        others = [one for one in await self.all() if one.id != own]
        if any(same_name(one.name) == same_name(name) for one in others):
            raise InvalidValue(f"There is a collection called {name} already.", fix="Choose another name.")

    def _check_may(self, owner: str) -> None:
        if owner == HOUSEHOLD and not self._may_share:
            raise AccessRefused(
                "You may look at the household's collections but not change them.",
                fix="Save one for yourself, or ask the owner of this server.",
            )

    async def _change(self, *statements: object) -> None:
        await self._tables.change(statements)
        self._live.changed("plugin:tagging")


def new_id() -> str:
    """Make an id that no collection has."""
    return secrets.token_hex(8)


def same_name(name: str) -> str:
    """Return what is equal for names that people would take for the same."""
    return " ".join(name.split()).casefold()


def numbered(name: str, number: int) -> str:
    """Return a name with a number behind it, no longer than a name may be."""
    ending = f" ({number})"
    return " ".join(name.split())[: LONGEST_NAME - len(ending)] + ending


async def every_filter(context: PluginContext) -> tuple[SavedFilter, ...]:
    """Return everybody's collections."""
    return await _read(context.tables)


def checked_name(name: str) -> str:
    """Return a collection's name without needless spaces.

    Raises:
        InvalidValue: it is empty, too long or holds control characters.
    """
    tidy = " ".join(name.split())
    printable = all(character.isprintable() or character in JOINERS for character in tidy)
    if not tidy or len(tidy) > LONGEST_NAME or not printable:
        raise InvalidValue(
            f"A collection needs a name of at most {LONGEST_NAME} characters.",
            fix="Give it one such as Rainy Sundays.",
        )
    return tidy


async def _read(tables: PluginTables, *where: ColumnElement[bool]) -> tuple[SavedFilter, ...]:
    columns = (FILTERS.c.id, FILTERS.c.owner, FILTERS.c.name, FILTERS.c.expression, FILTERS.c.home)
    # The household's owner is the empty text, which comes first.
    statement = select(*columns).where(*where).order_by(FILTERS.c.owner, FILTERS.c.position, FILTERS.c.name)
    found = await tables.fetch(statement)
    return tuple(
        SavedFilter(str(one), str(owner), str(name), str(text), bool(home))
        for one, owner, name, text, home in found.rows
    )
