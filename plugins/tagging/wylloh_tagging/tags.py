"""A tag: lower-case text in levels, such as `genre/noir`, and the tree that tags form."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

from wylloh_server.sdk import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from wylloh_server.sdk import FilmId

Tag = NewType("Tag", str)
"""A checked tag: lower case, NFC, levels parted by '/'; see `tag_of`."""

LONGEST = 80
"""Most characters in a tag."""
DEEPEST = 5
"""Most levels in a tag."""

JOINERS = "\u200c\u200d"
"""Format characters that emoji and some scripts need; every other one could hide what a tag says."""
_FORM = "Write a tag like noir or genre/noir."


def tag_of(text: str) -> Tag:
    """Read what somebody typed.

    Raises:
        InvalidValue: it is no tag; the message says why, in a sentence for the person who typed it.
    """
    _check_characters(text)
    levels = [" ".join(level.split()) for level in text.split("/")]
    tag = unicodedata.normalize("NFC", "/".join(levels).lower())
    if not tag:
        raise InvalidValue("A tag cannot be empty.", fix=_FORM)
    if len(tag) > LONGEST:
        raise InvalidValue(
            f"A tag has at most {LONGEST} characters, this one has {len(tag)}.", fix="Shorten it."
        )
    _check_levels(tag.split("/"))
    return Tag(tag)


def ancestors(tag: Tag) -> tuple[Tag, ...]:
    """Return the tags above a tag, the topmost first."""
    levels = tag.split("/")
    return tuple(Tag("/".join(levels[:depth])) for depth in range(1, len(levels)))


def reaches(tag: Tag, other: Tag) -> bool:
    """Return whether another tag is this one or lies below it."""
    return other == tag or other.startswith(f"{tag}/")


@dataclass(frozen=True, slots=True)
class Node:
    """A tag in the tree. `films` counts the films that have it or a tag below it, each once."""

    tag: Tag
    films: int
    children: tuple[Node, ...] = ()

    @property
    def label(self) -> str:
        """The tag's last level."""
        return self.tag.rpartition("/")[2]


def tree(films: Mapping[Tag, Collection[FilmId]]) -> tuple[Node, ...]:
    """Build the tree of all tags, in alphabetical order, from the films of each tag and those below it."""
    children: dict[str, list[Tag]] = {}
    for tag in sorted(films):
        children.setdefault(tag.rpartition("/")[0], []).append(tag)

    def nodes(above: str) -> tuple[Node, ...]:
        return tuple(Node(tag, len(films[tag]), nodes(tag)) for tag in children.get(above, ()))

    return nodes("")


def find(nodes: Iterable[Node], tag: Tag) -> Node | None:
    """Find a tag in a tree."""
    for node in nodes:
        if node.tag == tag:
            return node
        if tag.startswith(f"{node.tag}/"):
            return find(node.children, tag)
    return None


def _check_characters(text: str) -> None:
    for character in text:
        if (unicodedata.category(character)[0] == "C" and character not in JOINERS) or character == "\\":
            raise InvalidValue("A tag cannot hold control characters or backslashes.", fix=_FORM)


def _check_levels(levels: list[str]) -> None:
    if len(levels) > DEEPEST:
        raise InvalidValue(f"A tag has at most {DEEPEST} levels, this one has {len(levels)}.", fix=_FORM)
    if not all(levels):
        raise InvalidValue("A tag needs a word on both sides of each slash.", fix=_FORM)
    if any(level.strip(".") == "" for level in levels):
        raise InvalidValue("A level of a tag cannot be only dots.", fix=_FORM)
