"""What templates need of every tag: its grey, and the tags in the order of the categories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_tagging._looks import Looks
from wylloh_tagging._store import TagStore
from wylloh_tagging.greys import PLAIN, grey_of
from wylloh_tagging.tags import Node, Tag, tree

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.sdk import PluginContext


class Greys:
    """Gives templates the grey of any tag."""

    def __init__(self, greys: Mapping[Tag, str]) -> None:
        self._greys = greys

    def of(self, tag: Tag) -> str:
        """Give a tag's grey."""
        return grey_of(tag, self._greys)

    def own(self, tag: Tag) -> str:
        """Give the grey that is set for a tag itself."""
        return self._greys.get(tag, PLAIN)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category with its tags; `name` is empty for those of no category."""

    name: str
    node: Node | None
    children: tuple[Node, ...]

    def short(self, tag: Tag) -> str:
        """Give a tag as it is called within its category."""
        return tag.removeprefix(f"{self.name}/") if self.name and tag != self.name else tag


async def greys_of(context: PluginContext) -> Greys:
    """Give the greys as they are now."""
    return Greys(await Looks(context).greys())


async def shelves(context: PluginContext) -> tuple[Shelf, ...]:
    """Give the categories in their order, each with the tags below it, and then the tags of no category."""
    nodes = {node.tag: node for node in tree((await TagStore(context).index()).films)}
    categories = await Looks(context).categories()
    found = [_shelf(name, nodes.get(name)) for name in categories]
    others = tuple(node for node in nodes.values() if node.tag not in categories)
    return (*found, Shelf("", None, others)) if others else tuple(found)


def flat(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Give nodes with all below them, in the order of the tree."""
    return tuple(one for node in nodes for one in (node, *flat(node.children)))


def _shelf(name: Tag, node: Node | None) -> Shelf:
    return Shelf(name, node, node.children if node else ())
