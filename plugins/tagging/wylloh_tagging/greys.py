"""The greys a tag can have. What they look like stands in `static/tagging.css`; a test measures it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_tagging.tags import Tag

PLAIN = "plain"
"""No grey of its own: a hairline, like every chip of the theme."""

GREYS = (PLAIN, "coal", "slate", "stone", "silver", "pearl")
"""From the page's black to nearly white. White itself is left to the one thing to press."""


def checked_grey(name: str) -> str:
    """Give the name back if there is such a grey.

    Raises:
        InvalidValue: there is none.
    """
    if name not in GREYS:
        raise InvalidValue(f"{name[:40]!r} is no grey of a tag.", fix=f"Choose one of {', '.join(GREYS)}.")
    return name


def grey_of(tag: Tag, greys: Mapping[Tag, str]) -> str:
    """Give a tag's grey: its own, or else that of the nearest level above it that has one."""
    level: str = tag
    while level:
        if level in greys:
            return greys[level]  # type: ignore[index]
        level = level.rpartition("/")[0]
    return PLAIN
