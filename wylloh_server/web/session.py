"""Cookies, and who is asking.

`wylloh_session` carries the secret of a signed-in session; the server stores only its SHA-256. `wylloh_visit`
is the pre-session cookie of a browser that is not signed in: a sign-in challenge is bound to it, and it lets
a signed-out browser be told from a player that sends no cookie at all. `wylloh_pairing` is held by a TV while
it shows its code.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote

from aiohttp import hdrs, web

from wylloh_server.config import ServerSettings
from wylloh_server.domain.errors import AccessRefused
from wylloh_server.domain.types import PlayToken
from wylloh_server.services.accounts.session_service import session_id
from wylloh_server.web.app_keys import SERVICES, SETTINGS
from wylloh_server.web.tv_routes import check_tv_route

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

    from wylloh_server.domain.access import DeviceKind, Role, Viewer
    from wylloh_server.domain.playback import Lease
    from wylloh_server.domain.types import SessionId
    from wylloh_server.services.accounts.session_service import NewSession

SESSION_COOKIE = "wylloh_session"
VISIT_COOKIE = "wylloh_visit"
PAIRING_COOKIE = "wylloh_pairing"

_USUAL_DATA = ServerSettings().data

_VIEWER: web.RequestKey[Viewer | None] = web.RequestKey("viewer")
_VISIT: web.RequestKey[str] = web.RequestKey("visit")
_PLAIN_VISIT = re.compile(r"[A-Za-z0-9_-]{32}")

# Nobody asks there who the viewer is: these paths carry their own permission, or need none.
_READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
_WITHOUT_VIEWER = ("/play/", "/static/", "/ipfs/", "/livez", "/healthz", "/api/custody/")


class SignInNeeded(AccessRefused):
    """Nobody is signed in. Pages answer with a redirect to the sign-in page, the API with 401."""


class SignatureNeeded(AccessRefused):
    """The wallet has to sign once more. The API answers 403, with the code `signature-needed`."""


def viewer_of(request: web.Request) -> Viewer | None:
    """Return who is asking, or None when nobody is signed in."""
    return request.get(_VIEWER)


def require_viewer(request: web.Request) -> Viewer:
    """Return who is asking.

    Raises:
        SignInNeeded: nobody is signed in.
    """
    viewer = viewer_of(request)
    if viewer is None:
        raise SignInNeeded("You are not signed in.", fix="Sign in with your wallet.")
    return viewer


async def require_signature(request: web.Request, role: Role) -> Viewer:
    """Return who is asking if the role is enough and the wallet signed on this device just now.

    For what weighs much: a browser that was left open, or a stolen cookie, is not enough for it.

    Raises:
        SignInNeeded, AccessRefused: like `require_role`.
        SignatureNeeded: the wallet's last signature is older than a few minutes.
    """
    viewer = require_role(request, role)
    if not await request.app[SERVICES].sign_in.sessions.has_just_signed(viewer):
        raise SignatureNeeded(
            "This needs a signature of your wallet, not older than five minutes.",
            fix="Sign the text that the page asks for, or sign in again.",
        )
    return viewer


def require_role(request: web.Request, role: Role) -> Viewer:
    """Return who is asking if the account's role includes `role`.

    Raises:
        SignInNeeded: nobody is signed in.
        AccessRefused: the role is too small.
    """
    viewer = require_viewer(request)
    if not viewer.role.includes(role):
        raise AccessRefused(
            f"This needs the role {role}; yours is {viewer.role}.",
            fix="Ask the owner of this server to change your role.",
        )
    return viewer


def presented_session(request: web.Request) -> SessionId | None:
    """Return the hash of the cookie this request came with; None when it has none at all.

    A signed-out browser presents the hash of its pre-session cookie, which no session has: a play URL copied
    into it is refused, while a player without cookies (ffmpeg, mpv, a native iOS player) can be recognised.
    """
    secret = cookie(request, SESSION_COOKIE) or cookie(request, VISIT_COOKIE)
    return session_id(secret) if secret else None


def visit_id(request: web.Request) -> str:
    """Return the secret of the pre-session cookie, which a sign-in challenge is bound to."""
    return request[_VISIT]


def presented_lease(request: web.Request) -> Lease:
    """Return the lease whose token is in the address.

    Raises:
        AccessRefused: it has ended, or belongs to another session or device.
    """
    token = PlayToken(request.match_info["token"])
    return request.app[SERVICES].playback.lease(token, presented_session(request), address_of(request))


def address_of(request: web.Request) -> str:
    """Return the network address the request came from ('' when the transport cannot tell)."""
    return request.remote or ""


def set_session_cookie(request: web.Request, response: web.StreamResponse, session: NewSession) -> None:
    """Sign this browser in, from the next request on."""
    _keep_secret(request, response, session.secret, session.viewer.kind)
    forget_cookie(request, response, VISIT_COOKIE)


def _keep_secret(request: web.Request, response: web.StreamResponse, secret: str, kind: DeviceKind) -> None:
    """Have a browser keep the cookie as long as a session can last; the server ends an idle one sooner."""
    lasts = int(request.app[SERVICES].sign_in.sessions.lifetime(kind))
    set_cookie(request, response, SESSION_COOKIE, secret, max_age=lasts)


def _renew_session_cookie(
    request: web.Request, response: web.StreamResponse, secret: str, viewer: Viewer
) -> None:
    """Renew the cookie with a page, unless the response itself sets or deletes it."""
    is_page = response.content_type == "text/html" and request.method == "GET"
    if is_page and _named(request, SESSION_COOKIE) not in response.cookies:
        _keep_secret(request, response, secret, viewer.kind)


def set_cookie(
    request: web.Request, response: web.StreamResponse, name: str, value: str, *, max_age: int | None = None
) -> None:
    """Set a cookie that scripts cannot read and other sites do not send along.

    `Secure` is set when the public address is https; browsers on a plain-http LAN would drop such a cookie.
    """
    secure = request.app[SETTINGS].server.public_url.startswith("https://")
    response.set_cookie(
        _named(request, name),
        value,
        max_age=max_age,
        path="/",
        httponly=True,
        samesite="Lax",
        secure=secure or None,
    )


def cookie(request: web.Request, name: str) -> str:
    """Return one of this server's cookies, '' if it did not come along."""
    return request.cookies.get(_named(request, name), "")


def forget_cookie(request: web.Request, response: web.StreamResponse, name: str) -> None:
    """Have the browser drop one of this server's cookies."""
    response.del_cookie(_named(request, name), path="/")


def _named(request: web.Request, name: str) -> str:
    """Return the cookie name of this server: cookies belong to a host, whatever the port."""
    data = request.app[SETTINGS].server.data
    return name if data == _USUAL_DATA else f"{name}_{hashlib.sha256(str(data).encode()).hexdigest()[:8]}"


def sign_in_url(request: web.Request) -> str:
    """Return the address of the sign-in page that leads back to this page."""
    return "/sign-in?next=" + quote(request.path_qs, safe="")


def safe_next(text: str) -> str:
    """Return where to go after signing in: a path on this server, or the library for anything else."""
    elsewhere = not text.startswith("/") or text.startswith(("//", "/\\"))
    return text if text.isprintable() and not elsewhere else "/"


async def find_viewer_again(request: web.Request) -> None:
    """Find out once more who is asking, after a wait in which a session or an account may have ended."""
    if viewer_of(request) is not None:
        sessions = request.app[SERVICES].sign_in.sessions
        request[_VIEWER] = await sessions.find(cookie(request, SESSION_COOKIE), address_of(request))


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Find out once per request who is asking, and give a browser without one a pre-session cookie."""
    if request.path.startswith(_WITHOUT_VIEWER):
        return await handler(request)
    secret = cookie(request, SESSION_COOKIE)
    services, address = request.app[SERVICES], address_of(request)
    viewer = await services.sign_in.sessions.find(secret, address) if secret else None
    request[_VIEWER] = viewer
    visit = cookie(request, VISIT_COOKIE)
    known = _PLAIN_VISIT.fullmatch(visit) is not None
    request[_VISIT] = visit if known else secrets.token_urlsafe(24)
    check_tv_route(request, viewer)
    try:
        response = await handler(request)
    finally:
        if viewer is not None and request.method not in _READING:
            await services.access_removal.after_request(viewer)
    if viewer is not None and not response.prepared:
        _renew_session_cookie(request, response, secret, viewer)
    if not known and not response.prepared:
        set_cookie(request, response, VISIT_COOKIE, request[_VISIT])
    return response
