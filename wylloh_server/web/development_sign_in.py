"""Sign-in without a wallet under `wylloh serve --dev`, by a link printed where the server was started.

Nobody else may use it, so each of these must hold: the server listens on a loopback address and has no
other public one, the request comes from a loopback address, was sent to one by name, passed no proxy, and
carries the key of this run, which is written to no log. Otherwise the addresses do not exist.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.network_address import is_loopback
from wylloh_server.services.accounts.development_accounts import DevelopmentAccounts
from wylloh_server.web.allowed_hosts import host_name
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.proxies import is_forwarded
from wylloh_server.web.rate_limits import SIGN_IN_BUDGET, limited
from wylloh_server.web.request_bodies import form_of
from wylloh_server.web.session import set_session_cookie
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from wylloh_server.config import ServerSettings

PATH = "/development/sign-in"
_KEY: web.AppKey[str] = web.AppKey("development_key")


def can_sign_in(server: ServerSettings) -> bool:
    """Whether a server is for this machine alone, so that sign-in without a wallet can be offered."""
    public = urlsplit(server.public_url).hostname or server.host
    return is_loopback(server.host) and is_loopback(public) and not server.trusted_proxies


def add_development_sign_in(app: web.Application, key: str) -> None:
    """Offer sign-in without a wallet to who knows the key."""
    app[_KEY] = key
    app.router.add_get(PATH, _choose_role)
    app.router.add_post(PATH, _sign_in)


@limited(SIGN_IN_BUDGET)
async def _choose_role(request: web.Request) -> web.Response:
    """Show a button for each role."""
    _check(request, request.query.get("key", ""))
    return await render(request, "development-sign-in.html", roles=tuple(Role), key=request.query["key"])


@limited(SIGN_IN_BUDGET)
async def _sign_in(request: web.Request) -> web.Response:
    """Begin a session with a role, and show the library."""
    form = form_of(request)
    _check(request, form.value("key"))
    role = next((role for role in Role if role == form.value("role")), None)
    if role is None:
        raise BadRequest(400, "There is no such role.", fix=f"Use one of: {', '.join(Role)}.")
    session = await DevelopmentAccounts(request.app[SERVICES].sign_in.sessions).sign_in(role)
    response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
    set_session_cookie(request, response, session)
    return response


def _check(request: web.Request, key: str) -> None:
    """Raise NotFound unless the request is from this machine, for this machine, and by who has the key."""
    peer = request.transport.get_extra_info("peername") if request.transport else None
    here = peer is not None and is_loopback(str(peer[0]))
    # Not `request.host`, which trusted proxies may change.
    asked = here and is_loopback(host_name(request.headers.get(hdrs.HOST, "")))
    straight = asked and not is_forwarded(request)
    if not straight or not hmac.compare_digest(key.encode("utf-8", "replace"), request.app[_KEY].encode()):
        raise NotFound("There is no such page here.", fix="Use the link that the server printed.")
