"""Reads the bodies of requests: last of all, of a kind the route takes, bounded in size, fields and time.

Route, method, Origin and session come first, so that nobody makes the server read, let alone take apart, what
no handler of it will look at. Who is not signed in is read only where guests have something to send, and only
so often.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.form_parser import FORM_KINDS, SentForm, parse_form
from wylloh_server.web.middleware import DEADLINES
from wylloh_server.web.rate_limits import Budget, charge
from wylloh_server.web.session import find_viewer_again, require_viewer, viewer_of

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

LARGEST_BODY = 1024 * 1024
"""Bytes of a request body. Only uploads may have more, and those are never read as a whole."""

JSON_KINDS = frozenset({"application/json"})
ANY_KIND: frozenset[str] = frozenset()
"""For bodies that are handed on as they were sent."""

READ_BY_HANDLER = frozenset({"/api/uploads", "/api/uploads/{upload}", "/plugins/{plugin}/{path}"})
"""Uploads are read piece by piece; plugins' routes have their own rules about who may call them."""
TAKE_FORMS = frozenset({"/about/terms", "/development/sign-in"})
"""Routes of the core that take a form; all others take JSON."""
FOR_GUESTS = frozenset(
    {
        "/api/sign-in/challenge",
        "/api/sign-in/answer",
        "/api/sign-out",
        "/api/tv/code",
        "/api/play/{token}/stop",
        "/api/custody/envelope",
        "/api/custody/revocation",
        "/development/sign-in",
    }
)
"""Routes of the core that take a body from who is not signed in."""

_WITHOUT_BODY = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
_GUEST_BUDGET = Budget("guest-body", burst=120, per_minute=120)
_FORM: web.RequestKey[SentForm] = web.RequestKey("form")


@web.middleware
async def read_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read the body for a handler of the core, or refuse it; what no handler will look at stays unread."""
    resource = request.match_info.route.resource
    if resource is not None and resource.canonical not in READ_BY_HANDLER and _has_body(request):
        if resource.canonical not in FOR_GUESTS:
            require_viewer(request)
        await read_body(request, FORM_KINDS if resource.canonical in TAKE_FORMS else JSON_KINDS)
    return await handler(request)


async def read_body(request: web.Request, kinds: frozenset[str]) -> bytes:
    """Return the body, empty if there is none; after it, `request.read` and `form_of` answer at once.

    Call it when everything is checked that can be without it. Who was signed out while it was on its way is
    a stranger afterwards.

    Args:
        request: whose body it is.
        kinds: the content types that the route takes. With `ANY_KIND` nothing is taken apart, and whoever
            calls has checked that this is no stranger.

    Raises:
        BadRequest: it is of another kind, too large, unreadable, late, or one too many of a guest.
    """
    if not _has_body(request):
        return b""
    _refuse_strange_body(request, kinds)
    if kinds and viewer_of(request) is None:
        charge(request, _GUEST_BUDGET)
    body = await _read_in_time(request)
    await find_viewer_again(request)
    if kinds and request.content_type in FORM_KINDS:
        request[_FORM] = await parse_form(request.headers[hdrs.CONTENT_TYPE], body)
    return body


def form_of(request: web.Request) -> SentForm:
    """Return the form that was posted; an empty one if none was."""
    form: SentForm | None = request.get(_FORM)
    return form or SentForm()


def _has_body(request: web.Request) -> bool:
    return request.method not in _WITHOUT_BODY and request.can_read_body


async def _read_in_time(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(request.app[DEADLINES].body):
            return await request.read()
    except TimeoutError:
        raise BadRequest(
            408, "The request never arrived in full.", headers={hdrs.CONNECTION: "close"}
        ) from None


def _refuse_strange_body(request: web.Request, kinds: frozenset[str]) -> None:
    if request.content_length is not None and request.content_length > LARGEST_BODY:
        raise BadRequest(413, "That is more than this server accepts at once.", fix="Send at most 1 MiB.")
    encoded = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity"
    if encoded or (kinds and request.content_type not in kinds):
        wanted = " or ".join(sorted(kinds)) or "it"
        raise BadRequest(
            415, "The server does not read this kind of content.", fix=f"Send {wanted}, not compressed."
        )
