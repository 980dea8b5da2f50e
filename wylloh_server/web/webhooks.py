"""Routes of plugins for programs elsewhere, which send a token instead of a cookie and an Origin."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.web.app_keys import PLUGINS
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.plugin_route_finder import first_of_method, routes_on_path
from wylloh_server.web.rate_limits import BUCKETS, Budget, Payer, too_often
from wylloh_server.web.session import address_of

if TYPE_CHECKING:
    from wylloh_server.plugins.declarations import MountedRoute

WRONG_TOKEN, SEND_TOKEN = "The token is missing or wrong.", "Send the token as Authorization: Bearer …"
CLOSED = "This address is closed."
"""What programs are told that send no token, or a wrong one; and while the setting is empty."""

_BEARER = "Bearer"
_IS_WEBHOOK: web.RequestKey[bool] = web.RequestKey("is_webhook")
# All strangers together have so much that none of them can keep the right token out.
_GUESS_BUDGET = Budget("webhook", burst=10, per_minute=10, total_times=100_000)


def is_webhook(request: web.Request) -> bool:
    """Whether a request is for a route that programs elsewhere call with a token.

    Decided once for each request: its plugin may be loaded again while the request is handled.
    """
    known: bool | None = request.get(_IS_WEBHOOK)
    if known is None:
        found = first_of_method(request, routes_on_path(request))
        known = request[_IS_WEBHOOK] = found is not None and found[0].route.token != ""
    return known


def check_token(request: web.Request, mounted: MountedRoute) -> None:
    """Raise BadRequest unless the request carries the value of the setting that the route names.

    Wrong tokens are counted by address; after too many of them none is compared for a while.
    """
    plugin = request.app[PLUGINS].plugin(mounted.plugin)
    wanted = str(plugin.settings.get(mounted.route.token, "")) if plugin else ""
    sent = request.headers.get(hdrs.AUTHORIZATION, "")
    if not wanted:
        setting = f"plugins.settings.{mounted.plugin}.{mounted.route.token}"
        raise BadRequest(403, CLOSED, fix=f"Set {setting}.")
    buckets, payer = request.app[BUCKETS], Payer(address_of(request))
    if wait := buckets.wait(_GUESS_BUDGET, payer):
        raise too_often(wait)
    if not carries_token(sent, wanted):
        buckets.spend(_GUESS_BUDGET, payer)
        headers: dict[str, str] = {hdrs.WWW_AUTHENTICATE: _BEARER}
        raise BadRequest(401, WRONG_TOKEN, fix=SEND_TOKEN, headers=headers)


def carries_token(authorization: str, token: str) -> bool:
    """Return whether the header `Authorization` carries a token; its scheme has no case (RFC 9110, 11.1)."""
    scheme, _, sent = authorization.partition(" ")
    same = hmac.compare_digest(sent.strip(" ").encode("utf-8", "surrogateescape"), token.encode())
    return same and scheme.lower() == _BEARER.lower()
