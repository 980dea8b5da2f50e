"""A trustless gateway to the blocks of the packages this server holds: raw blocks and CARs.

Follows https://specs.ipfs.tech/http-gateways/trustless-gateway/ without paths below a CID and without
`entity-bytes` (a client gets the whole entity, which contains what it asked for). What it serves is public by
its nature; the film inside is ciphertext. No cookie is read or set.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.types import Cid
from wylloh_server.web.keys import PACKAGES
from wylloh_server.web.problems import BadRequest

if TYPE_CHECKING:
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
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Accept, Content-Type, Range, X-Requested-With",
    "Access-Control-Expose-Headers": "Content-Length, Content-Range, X-Ipfs-Path",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Vary": "Accept",
}


async def serve(request: web.Request) -> web.StreamResponse:
    """Answer `GET` and `HEAD /ipfs/{cid}`: 404 for what is not part of a pinned package."""
    cid, form = _cid(request), _form(request)
    scope = request.query.get("dag-scope", "all") if form == _CAR else "block"
    if scope not in _SCOPES:
        raise InvalidValue(f"There is no dag-scope {scope!r}.", fix="Use block, entity or all.")
    block = b"" if cid == _EMPTY and form == _RAW else await request.app[PACKAGES].published_block(cid)
    if block is None:
        raise NotFound("This server does not publish that block.", fix="Ask another gateway.")
    headers = _headers(cid, form, scope)
    if any(tag.value in {_etag(cid, form, scope), "*"} for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    if form == _RAW:
        return _raw(request, block, headers)
    return await _car(request, request.app[PACKAGES], cid, scope, headers)


async def refuse_path(request: web.Request) -> web.StreamResponse:
    """Answer `GET /ipfs/{cid}/{path}`: resolving a path is the client's work."""
    del request
    raise InvalidValue("This gateway does not resolve paths.", fix="Ask for each block by its CID.")


async def allow(request: web.Request) -> web.Response:
    """Answer a browser that asks whether it may ask (CORS)."""
    del request
    return web.Response(status=204, headers=_HEADERS)


def _cid(request: web.Request) -> Cid:
    text = request.match_info["cid"]
    if not _CID.fullmatch(text):
        raise InvalidValue("That is not a content identifier.", fix="Use a CIDv1 in base32.")
    return Cid(text)


def _form(request: web.Request) -> str:
    """Give what was asked for. The address wins over a header that clients add unasked."""
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


def _raw(request: web.Request, block: bytes, headers: dict[str, str]) -> web.Response:
    try:
        asked = request.http_range
    except ValueError:
        asked = slice(None)  # RFC 9110: a range that cannot be read is ignored
    start, stop, _ = asked.indices(len(block))
    if asked == slice(None, None, 1) or (asked.start, asked.stop) == (None, None):
        return web.Response(body=block, headers=headers)
    if start >= stop:
        raise BadRequest(
            416, "The block has no such bytes.", headers={"Content-Range": f"bytes */{len(block)}"}
        )
    part = {**headers, "Content-Range": f"bytes {start}-{stop - 1}/{len(block)}"}
    return web.Response(status=206, body=block[start:stop], headers=part)


async def _car(
    request: web.Request, packages: Packages, cid: Cid, scope: str, headers: dict[str, str]
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    if request.method == hdrs.METH_HEAD:
        return response
    try:
        async for chunk in packages.published_car(cid, scope=scope):
            await response.write(chunk)
    except Exception as error:
        # The status has gone out: only a broken connection can still say that this CAR is not whole.
        if request.transport is not None:
            request.transport.close()
        raise ConnectionResetError(f"the CAR of {cid} broke off: {error}") from error
    return response


routes = [
    web.get("/ipfs/{cid}", serve),
    web.get("/ipfs/{cid}/{path:.*}", refuse_path),
    web.options("/ipfs/{cid}", allow),
]
