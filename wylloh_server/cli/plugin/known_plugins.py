"""Plugins known to the commands."""

from __future__ import annotations

import difflib
import logging
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.plugins.loading import discovered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.config import Settings
    from wylloh_server.plugins.loading import Candidate


def known_plugin(settings: Settings, name: str) -> Candidate:
    """Find a plugin by name among those installed and those in the settings' folders.

    Raises:
        NotFound: there is none; it names the nearest.
    """
    candidates = discovered(settings.plugins.path)
    found = next((candidate for candidate in candidates if candidate.name == name), None)
    if found is None:
        raise no_such("plugin", name, [candidate.name for candidate in candidates])
    return found


def no_such(what: str, name: str, known: Iterable[str]) -> NotFound:
    """Return the error for an unknown name, with the nearest known one."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names) or 'none'}."
    return NotFound(f"There is no {what} {name}.", fix=hint)


def keep_quiet() -> None:
    """Keep what goes wrong while plugins are loaded out of the terminal: the command says it itself."""
    logging.getLogger("wylloh").addHandler(logging.NullHandler())
