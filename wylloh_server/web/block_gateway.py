"""A trustless gateway to the blocks of the packages this server holds: raw blocks and CARs.

Follows https://specs.ipfs.tech/http-gateways/trustless-gateway/ without paths below a CID and without
`entity-bytes` (a client gets the whole entity, which contains what it asked for). What it serves is public by
its nature; the film inside is ciphertext. No cookie is read or set. Which films are here is nobody's business
that the settings do not name: a page of another site may read nothing, unless `ipfs.browser_origins` has it.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import Cid
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.byte_ranges import asked_range
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.gateway_limits import GATEWAY_LIMITS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.ports.content import Packages

_RAW, _CAR = "raw", "car"
_TYPES = {
    _RAW: "application/vnd.ipld.raw",
    _CAR: "application/vnd.ipld.car; version=1; order=dfs; dups=n",
}
_SUFFIXES = {_RAW: "bin", _CAR: "car"}
_SCOPES = frozenset({"block", "entity", "all"})
_CID = re.compile(r"b[a-z2-7]{7,128}|Qm[1-9A-HJ-NP-Za-km-z]{44}")
_EMPTY = Cid("bafkqaaa")
"""The CID of no bytes, by which clients find out whether this is a trustless gateway."""

_HEADERS = {
    "Cache-Control": "public, max-age=29030400, immutable",
    "X-Content-Type-Options": "nosniff",
}


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer `GET` and `HEAD /ipfs/{cid}`: 404 for what is not part of a pinned package."""
    request.app[GATEWAY_LIMITS].admit(request)
    cid, form = _cid(request), _form(request)
    scope = request.query.get("dag-scope", "all") if form == _CAR else "block"
    if scope not in _SCOPES:
        raise InvalidValue(f"There is no dag-scope {quote_input(scope)}.", fix="Use block, entity or all.")
    limits = request.app[GATEWAY_LIMITS]
    with limits.package(request) if form == _CAR else limits.block(request):
        return await _answer(request, cid, form, scope)


async def _answer(request: web.Request, cid: Cid, form: str, scope: str) -> web.StreamResponse:
    packages = request.app[SERVICES].packages
    block = b"" if cid == _EMPTY and form == _RAW else await packages.published_block(cid)
    if block is None:
        raise NotFound("This server does not publish that block.", fix="Ask another gateway.")
    headers = _headers(cid, form, scope) | request.app[GATEWAY_LIMITS].cors_headers(request)
    if any(tag.value in {_etag(cid, form, scope), "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if form == _RAW:
        return await _raw(request, block, headers)
    return await _car(request, packages, cid, scope, headers)


async def refuse_path(request: web.Request) -> web.StreamResponse:
    """Answer `GET /ipfs/{cid}/{path}`: resolving a path is the client's work."""
    del request
    raise InvalidValue("This gateway does not resolve paths.", fix="Ask for each block by its CID.")


async def allow(request: web.Request) -> web.Response:
    """Answer a browser that asks whether it may ask (CORS)."""
    return web.Response(status=204, headers=request.app[GATEWAY_LIMITS].cors_headers(request))


def _cid(request: web.Request) -> Cid:
    text = request.match_info["cid"]
    if not _CID.fullmatch(text):
        raise InvalidValue("That is not a content identifier.", fix="Use a CIDv1 in base32.")
    return Cid(text)


def _form(request: web.Request) -> str:
    """Return what was asked for. The address wins over a header that clients add unasked."""
    wanted = request.query.get("format", "")
    if not wanted:
        accept = request.headers.get(hdrs.ACCEPT, "")
        wanted = next((form for form in (_RAW, _CAR) if f"application/vnd.ipld.{form}" in accept), "")
    if wanted not in _TYPES or "version=2" in request.headers.get(hdrs.ACCEPT, ""):
        raise BadRequest(
            406,
            "This gateway gives raw blocks and CARs (version 1) only.",
            fix="Add ?format=raw or ?format=car.",
        )
    return wanted


def _etag(cid: Cid, form: str, scope: str) -> str:
    return f"{cid}.raw" if form == _RAW else f"{cid}.{scope}.car"


def _headers(cid: Cid, form: str, scope: str) -> dict[str, str]:
    return {
        **_HEADERS,
        "Content-Type": _TYPES[form],
        "Etag": f'"{_etag(cid, form, scope)}"',
        "X-Ipfs-Path": f"/ipfs/{cid}",
        "Content-Disposition": f'attachment; filename="{cid}.{_SUFFIXES[form]}"',
        "Accept-Ranges": "bytes" if form == _RAW else "none",
    }


async def _raw(request: web.Request, block: bytes, headers: dict[str, str]) -> web.StreamResponse:
    part = asked_range(request, len(block))
    body = block[part.start : part.stop]
    response = web.StreamResponse(status=part.status, headers={**headers, **part.headers})
    response.content_length = len(body)
    if request.method != hdrs.METH_HEAD:
        await request.app[GATEWAY_LIMITS].turn(request, len(body))
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        async with _whole_or_broken(request, headers):
            await request.app[GATEWAY_LIMITS].write(response, body)
    return response


async def _car(
    request: web.Request, packages: Packages, cid: Cid, scope: str, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    limits = request.app[GATEWAY_LIMITS]
    async with _whole_or_broken(request, headers):
        async for chunk in packages.published_car(cid, scope=scope):
            await limits.turn(request, len(chunk))
            await limits.write(response, chunk)
    return response


@asynccontextmanager
async def _whole_or_broken(request: web.Request, headers: dict[str, str]) -> AsyncIterator[None]:
    """Close the connection when sending fails: the status has gone out, and nothing else says so any more."""
    try:
        yield
    except Exception as error:
        if request.transport is not None:
            request.transport.close()
        raise ConnectionResetError(f"{headers['X-Ipfs-Path']} broke off: {error}") from error


routes = [
    web.get("/ipfs/{cid}", serve),
    web.get("/ipfs/{cid}/{path:.*}", refuse_path),
    web.options("/ipfs/{cid}", allow),
]
