"""What owner and admins choose about a film's packages: which version plays, and whether it is fetched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import Cid, FilmId
from wylloh_server.services.licensing.package_switch import PackageSwitch
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import require_role

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_CHOICES: dict[str, Callable[[PackageSwitch, FilmId], Awaitable[None]]] = {
    "keep": PackageSwitch.keep,
    "follow": PackageSwitch.follow,
}
_PACKAGE_CHOICES: dict[str, Callable[[PackageSwitch, FilmId, Cid], Awaitable[None]]] = {
    "take": PackageSwitch.take,
    "back": PackageSwitch.go_back,
}
"""Choices of one package: that which the page showed, whatever has been registered since."""


async def choose_version(request: web.Request) -> web.Response:
    """`{version, package}` → `{}`: `keep` what plays, or `follow` the publisher.

    With the root of a `package`: `take` a newer one that waits for the owner, or go `back` to a former one.
    """
    require_role(request, Role.ADMIN)
    film, body = FilmId(request.match_info["film"]), await read_object(request)
    wanted, switch = text(body, "version"), request.app[SERVICES].package_switch
    if wanted in _CHOICES:
        await _CHOICES[wanted](switch, film)
    elif wanted in _PACKAGE_CHOICES:
        await _PACKAGE_CHOICES[wanted](switch, film, Cid(text(body, "package")))
    else:
        every = ", ".join([*_CHOICES, *_PACKAGE_CHOICES])
        raise InvalidValue(f"There is no choice {quote_input(wanted)}.", fix=f"Use one of: {every}.")
    request.app[LIVE].changed(film_topic(film))
    return web.json_response({})


async def answer_fetch(request: web.Request) -> web.Response:
    """`{agreed}` → `{}`: whether a film is fetched whose tokens somebody here was sent."""
    require_role(request, Role.ADMIN)
    film, agreed = FilmId(request.match_info["film"]), (await read_object(request)).get("agreed")
    if not isinstance(agreed, bool):
        raise InvalidValue("agreed is neither true nor false.", fix="Send true or false.")
    await request.app[SERVICES].consents.answer(film, agreed=agreed)
    request.app[LIVE].changed(film_topic(film))
    return web.json_response({})


routes = [
    web.post("/api/films/{film}/version", choose_version),
    web.post("/api/films/{film}/fetch", answer_fetch),
]
