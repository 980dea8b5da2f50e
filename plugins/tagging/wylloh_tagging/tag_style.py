"""How tags are ordered and how they look: categories and greys, as tables and as templates need them.

The colours of the greys are in `static/tagging.css`; a test measures their contrast.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from wylloh_server.sdk import InvalidValue, quote_input
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tables import CATEGORIES, for_each, moved
from wylloh_tagging.tables import GREYS as GREYS_TABLE
from wylloh_tagging.tags import Node, Tag, ancestors, tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.sdk import PluginContext

_MOST = 30
"""Most categories: each is a heading on the page of tags."""

PLAIN = "plain"
"""No grey of its own: a hairline, like every chip of the theme."""

GREYS = (PLAIN, "coal", "slate", "stone", "silver", "pearl")
"""From the page's black to nearly white. White itself is left to the one thing to press."""


class TagStyles:
    """Categories are first levels (`genre` of `genre/noir`) that people gave a place of their own."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._live = context.live

    async def categories(self) -> tuple[Tag, ...]:
        """Return the categories in their order."""
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
        """Make a category an ordinary tag again. Its tags stay as they are."""
        await self._change(delete(CATEGORIES).where(CATEGORIES.c.name == name))

    async def move_category(self, name: Tag, by: int) -> None:
        """Move a category up (-1) or down (1) in the order; at an end it stays."""
        order = await self.categories()
        if name in order:
            await self._change(*moved(CATEGORIES.c.name, order, name, by))

    async def greys(self) -> dict[Tag, str]:
        """Return the greys of the tags that have one of their own."""
        found = await self._tables.fetch(select(GREYS_TABLE.c.tag, GREYS_TABLE.c.grey))
        return {Tag(str(tag)): str(grey) for tag, grey in found.rows}

    async def set_grey(self, tag: Tag, grey: str) -> None:
        """Set the grey of a tag, and of those below it that have none of their own; 'plain' removes it.

        Raises:
            InvalidValue: there is no such grey.
        """
        statements: list[object] = [delete(GREYS_TABLE).where(GREYS_TABLE.c.tag == tag)]
        if checked_grey(grey) != PLAIN:
            statements.append(insert(GREYS_TABLE).values(tag=tag, grey=grey))
        await self._change(*statements)

    def rows(self, greys: Mapping[Tag, str]) -> list[object]:
        """Return the changes that make these the greys, for those who change other things with them."""
        rows = [{"tag": tag, "grey": grey} for tag, grey in greys.items()]
        return [delete(GREYS_TABLE), *for_each(insert(GREYS_TABLE), rows)]

    async def _change(self, *statements: object) -> None:
        await self._tables.change(statements)
        self._live.changed("plugin:tagging")


def checked_grey(name: str) -> str:
    """Return the name back if there is such a grey.

    Raises:
        InvalidValue: there is none.
    """
    if name not in GREYS:
        raise InvalidValue(f"{quote_input(name)} is no grey of a tag.", fix=f"Use {', '.join(GREYS)}.")
    return name


class TagGreys:
    """The greys of all tags, for templates."""

    def __init__(self, greys: Mapping[Tag, str]) -> None:
        self._greys = greys

    def of(self, tag: Tag) -> str:
        """Return a tag's grey: its own, or else that of the nearest level above it that has one."""
        levels = (tag, *reversed(ancestors(tag)))
        return next((self._greys[level] for level in levels if level in self._greys), PLAIN)

    def own(self, tag: Tag) -> str:
        """Return the grey that is set for a tag itself."""
        return self._greys.get(tag, PLAIN)


@dataclass(frozen=True, slots=True)
class TagGroup:
    """A category with its tags; `name` is empty for those of no category."""

    name: str
    node: Node | None
    children: tuple[Node, ...]

    def short(self, tag: Tag) -> str:
        """Return a tag as it is called within its category."""
        return tag.removeprefix(f"{self.name}/") if self.name and tag != self.name else tag


async def greys_of(context: PluginContext) -> TagGreys:
    """Return the greys as they are now."""
    return TagGreys(await TagStyles(context).greys())


async def tag_groups(context: PluginContext) -> tuple[TagGroup, ...]:
    """Return the categories in their order, each with the tags below it, and then the tags of no category."""
    nodes = {node.tag: node for node in tree((await TagStore(context).index()).films)}
    categories = await TagStyles(context).categories()
    found = [
        TagGroup(name, node, node.children if node else ())
        for name, node in ((name, nodes.get(name)) for name in categories)
    ]
    others = tuple(node for node in nodes.values() if node.tag not in categories)
    return (*found, TagGroup("", None, others)) if others else tuple(found)


def flat(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Return nodes with all below them, in the order of the tree."""
    return tuple(one for node in nodes for one in (node, *flat(node.children)))
