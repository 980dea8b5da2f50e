"""How tags are ordered and how they look: categories and greys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from wylloh_server.sdk import InvalidValue
from wylloh_tagging._tables import CATEGORIES, GREYS, for_each
from wylloh_tagging.greys import PLAIN, checked_grey
from wylloh_tagging.tags import Tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import PluginContext

_MOST = 30
"""Most categories: each is a heading on the page of tags."""


class Looks:
    """Categories are first levels (`genre` of `genre/noir`) that people gave a place of their own."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._live = context.live

    async def categories(self) -> tuple[Tag, ...]:
        """Give the categories in their order."""
        found = await self._tables.fetch(
            select(CATEGORIES.c.name).order_by(CATEGORIES.c.position, CATEGORIES.c.name)
        )
        return tuple(Tag(str(name)) for (name,) in found.rows)

    async def add_category(self, name: Tag) -> None:
        """Add a category at the end; nothing happens if it is one.

        Raises:
            InvalidValue: it is not a first level, or there are as many as there may be.
        """
        present = await self.categories()
        if name in present:
            return
        if "/" in name:
            raise InvalidValue("A category is one level of a tag.", fix="Leave out the slash: genre, mood.")
        if len(present) >= _MOST:
            raise InvalidValue(f"There are at most {_MOST} categories.", fix="Remove one first.")
        await self._change(insert(CATEGORIES).values(name=name, position=len(present)))

    async def remove_category(self, name: Tag) -> None:
        """Let a category be an ordinary tag again. Its tags stay as they are."""
        await self._change(delete(CATEGORIES).where(CATEGORIES.c.name == name))

    async def move_category(self, name: Tag, by: int) -> None:
        """Move a category up (-1) or down (1) in the order; at an end it stays."""
        order = list(await self.categories())
        if name not in order:
            return
        place = order.index(name)
        order.insert(max(0, min(len(order) - 1, place + by)), order.pop(place))
        await self._change(
            *(
                update(CATEGORIES).where(CATEGORIES.c.name == one).values(position=number)
                for number, one in enumerate(order)
            )
        )

    async def greys(self) -> dict[Tag, str]:
        """Give the greys of the tags that have one of their own."""
        found = await self._tables.fetch(select(GREYS.c.tag, GREYS.c.grey))
        return {Tag(str(tag)): str(grey) for tag, grey in found.rows}

    async def set_grey(self, tag: Tag, grey: str) -> None:
        """Give a tag, and those below it that have none of their own, a grey; 'plain' takes it away.

        Raises:
            InvalidValue: there is no such grey.
        """
        statements: list[object] = [delete(GREYS).where(GREYS.c.tag == tag)]
        if checked_grey(grey) != PLAIN:
            statements.append(insert(GREYS).values(tag=tag, grey=grey))
        await self._change(*statements)

    def rows(self, greys: Mapping[Tag, str]) -> list[object]:
        """Give the changes that make these the greys, for those who change other things with them."""
        rows = [{"tag": tag, "grey": grey} for tag, grey in greys.items()]
        return [delete(GREYS), *for_each(insert(GREYS), rows)]

    async def _change(self, *statements: object) -> None:
        await self._tables.change(statements)
        self._live.changed("plugin:tagging")
