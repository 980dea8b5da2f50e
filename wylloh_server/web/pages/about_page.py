"""What this server is and what it keeps about people: terms, privacy, licences, and what runs here."""

from __future__ import annotations

import time

from aiohttp import web

from wylloh_server import __version__
from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.types import Timestamp
from wylloh_server.storage.terms_of_use import TermsOfUse
from wylloh_server.web.app_keys import PLUGINS, SERVICES, SETTINGS
from wylloh_server.web.pages.components import components
from wylloh_server.web.pages.kept_data import kept_data
from wylloh_server.web.request_bodies import form_of
from wylloh_server.web.session import require_role, viewer_of
from wylloh_server.web.templating import render

_LONGEST_TERMS = 20_000


async def about(request: web.Request) -> web.Response:
    """Show terms, privacy and licences to everybody; versions and chain only to who is signed in."""
    viewer, settings = viewer_of(request), request.app[SETTINGS]
    running = [record for record in request.app[PLUGINS].records() if record.status is PluginStatus.RUNNING]
    return await render(
        request,
        "about.html",
        version=__version__ if viewer else "",
        chain=settings.chain,
        plugins=running,
        terms=await request.app[SERVICES].terms_of_use.get(),
        may_change=viewer is not None and viewer.role is Role.OWNER and viewer.kind is not DeviceKind.TV,
        longest=_LONGEST_TERMS,
        kept=kept_data(settings),
        components=components(),
    )


async def change_terms(request: web.Request) -> web.Response:
    """Replace the terms of use by what the owner has written.

    Raises:
        InvalidValue: the text is too long.
    """
    require_role(request, Role.OWNER)
    text = form_of(request).value("text").replace("\r\n", "\n").strip()
    if len(text) > _LONGEST_TERMS:
        raise InvalidValue(f"The terms may have {_LONGEST_TERMS:,} letters.", fix="Shorten them.")
    await request.app[SERVICES].terms_of_use.save(TermsOfUse(text, Timestamp(time.time())))
    raise web.HTTPSeeOther("/about")
