"""All that a plugin may import from the server.

A plugin is a Python package with functions marked `@hookimpl`, named like the hooks in
`wylloh_server/hooks/spec.py`. `plugins/README.md` tells how to write one; `wylloh_server.testing` has
fixtures to test it with.
"""

from __future__ import annotations

from wylloh_server.domain.access import AccessRequest, Role, Verdict, Viewer, Vote
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound, PluginError
from wylloh_server.domain.events import (
    DevicePaired,
    EnvelopeReleased,
    Event,
    FilmAdded,
    FilmReady,
    FilmRemoved,
    LicenseChecked,
    PlaybackEnded,
    PlaybackStarted,
    SignedIn,
)
from wylloh_server.domain.film import Film
from wylloh_server.domain.ports.storage import Migration, PluginRows, PluginTables
from wylloh_server.domain.types import FilmId, Wallet
from wylloh_server.hooks.context import FilmCard, PluginContext, PluginLibrary, PluginLog
from wylloh_server.hooks.declarations import (
    Fragment,
    Json,
    NavItem,
    Page,
    PluginRequest,
    Redirect,
    Refusal,
    Reply,
    Route,
    Setting,
    Slot,
)
from wylloh_server.hooks.spec import hookimpl

__all__ = [
    "AccessRefused",
    "AccessRequest",
    "DevicePaired",
    "EnvelopeReleased",
    "Event",
    "Film",
    "FilmAdded",
    "FilmCard",
    "FilmId",
    "FilmReady",
    "FilmRemoved",
    "Fragment",
    "InvalidValue",
    "Json",
    "LicenseChecked",
    "Migration",
    "NavItem",
    "NotFound",
    "Page",
    "PlaybackEnded",
    "PlaybackStarted",
    "PluginContext",
    "PluginError",
    "PluginLibrary",
    "PluginLog",
    "PluginRequest",
    "PluginRows",
    "PluginTables",
    "Redirect",
    "Refusal",
    "Reply",
    "Role",
    "Route",
    "Setting",
    "SignedIn",
    "Slot",
    "Verdict",
    "Viewer",
    "Vote",
    "Wallet",
    "hookimpl",
]
