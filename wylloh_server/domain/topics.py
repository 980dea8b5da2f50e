"""What open pages are told of: short names for things on a page that change.

A page marks an element with `data-live="film:<id> wallet"`, and draws it again when one of them changes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.types import FilmId

LIBRARY = "library"
"""Films came, went, or can be played now."""

WALLET = "wallet"
"""What a wallet holds, or may do; told to that wallet only."""

TRANSACTIONS = "transactions"
"""A wallet's transactions; told to that wallet only."""

TASKS = "tasks"
"""Background tasks."""

TITLES = "titles"
"""A publisher's own titles."""

APPROVALS = "approvals"
"""What waits for the owner, and what became of one's own requests."""

PLAYING = "playing"
"""Playback of films began or ended."""

FOLDERS = "folders"
"""The folders with films were scanned, because somebody asked."""

PLUGINS = "plugins"
"""A plugin was switched on or off."""

DEVELOPMENT = "development"
"""Templates or styles on disk; told by a server that runs for who writes them."""

_TOPIC = re.compile(r"[a-z]+(?::[A-Za-z0-9._-]{1,80}){0,3}")
_PUBLIC = "plugin:"


def film_topic(film: FilmId) -> str:
    """Return the topic of a film: its state here, and the facts on chain about its token."""
    return f"film:{film}"


def is_topic(text: str) -> bool:
    """Return whether a text can be a topic: a word, or a word, a colon and a name without spaces."""
    return _TOPIC.fullmatch(text) is not None


def is_public(topic: str) -> bool:
    """Whether also those may hear of it who are not signed in: plugins' topics, and hardly any other."""
    return topic == DEVELOPMENT or topic.startswith(_PUBLIC)


def may_tell(plugin: str, topic: str) -> bool:
    """Return whether a plugin may tell of a topic: `plugin:<its name>`, what lies below that, and films."""
    own = f"{_PUBLIC}{plugin}"
    return is_topic(topic) and (topic == own or topic.startswith((f"{own}:", "film:")))
