"""Uploads that survive a dropped connection: the tus protocol 1.0.0, core, creation and termination.

https://tus.io/protocols/resumable-upload. A file belongs to a draft title of whoever sends it; its metadata
are `filename`, `title`, `kind` (feature, poster, backdrop or subtitles) and for subtitles `language`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.title import TitleId, Upload, UploadId, UploadKind
from wylloh_server.domain.topics import TITLES
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.error_responses import BadRequest
from wylloh_server.web.session import require_role

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from wylloh_server.domain.access import Viewer

_TUS = {"Tus-Resumable": "1.0.0", "Cache-Control": "no-store"}
_OFFSET = "Upload-Offset"
_PIECE = "application/offset+octet-stream"
_PATIENCE = 30.0
"""Seconds until the next bytes must come; then the connection is given up, and the client goes on anew."""
_LONGEST_NUMBER = 16


async def abilities(request: web.Request) -> web.Response:
    """Return what of the protocol is spoken here."""
    del request
    return web.Response(
        status=204, headers=_TUS | {"Tus-Version": "1.0.0", "Tus-Extension": "creation,termination"}
    )


async def create(request: web.Request) -> web.Response:
    """Begin an upload: `Upload-Length` and `Upload-Metadata` → 201 with its `Location`."""
    viewer = require_role(request, Role.PUBLISHER)
    wanted = _wanted(request)
    upload = await request.app[SERVICES].titles.begin_upload(viewer, wanted)
    _announce(request, viewer)
    headers = _TUS | {"Location": f"/api/uploads/{upload.id}", _OFFSET: "0"}
    return web.Response(status=201, headers=headers)


async def head(request: web.Request) -> web.Response:
    """Return how much of an upload is here."""
    _, upload = await _upload(request)
    headers = {_OFFSET: str(upload.received), "Upload-Length": str(upload.size)}
    return web.Response(headers=_TUS | headers)


async def append(request: web.Request) -> web.Response:
    """Take more of an upload, from `Upload-Offset` on → 204 with the new offset; 409 from anywhere else."""
    viewer, upload = await _upload(request)
    if request.content_type != _PIECE:
        raise BadRequest(415, "A piece of a file is of another type.", fix=f"Send it as {_PIECE}.")
    if _number(request, _OFFSET) != upload.received:
        raise BadRequest(
            409,
            f"The file is at byte {upload.received:,}.",
            fix="Go on from there.",
            headers=_TUS | {_OFFSET: str(upload.received)},
        )
    received = await request.app[SERVICES].titles.append(upload, _pieces(request))
    if received == upload.size:
        _announce(request, viewer)
    return web.Response(status=204, headers=_TUS | {_OFFSET: str(received)})


async def remove(request: web.Request) -> web.Response:
    """Delete an upload."""
    viewer = require_role(request, Role.PUBLISHER)
    await request.app[SERVICES].titles.remove_upload(viewer, UploadId(request.match_info["upload"]))
    _announce(request, viewer)
    return web.Response(status=204, headers=_TUS)


async def _upload(request: web.Request) -> tuple[Viewer, Upload]:
    viewer = require_role(request, Role.PUBLISHER)
    upload = UploadId(request.match_info["upload"])
    return viewer, await request.app[SERVICES].titles.upload(viewer, upload)


def _announce(request: web.Request, viewer: Viewer) -> None:
    """Have the publisher's open pages show what is here now."""
    request.app[LIVE].changed(TITLES, wallet=viewer.wallet)


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    """Return the body as it comes. A connection that drops just ends it: what came is kept."""
    while True:
        try:
            async with asyncio.timeout(_PATIENCE):
                piece = await request.content.readany()
        except (ConnectionError, TimeoutError, web.RequestPayloadError):
            return
        if not piece:
            return
        yield piece


def _wanted(request: web.Request) -> Upload:
    about = _metadata(request.headers.get("Upload-Metadata", ""))
    kind = about.get("kind", "")
    if kind not in set(UploadKind):
        raise InvalidValue(f"{quote_input(kind)} is no kind of upload.", fix=f"Use {', '.join(UploadKind)}.")
    return Upload(
        UploadId(""),
        TitleId(about.get("title", "")),
        UploadKind(kind),
        about.get("filename", ""),
        _number(request, "Upload-Length"),
        about.get("language", ""),
    )


def _metadata(header: str) -> dict[str, str]:
    """Read pairs of a name and a base64 text, parted by commas."""
    pairs = (pair.strip().partition(" ") for pair in header.split(",") if pair.strip())
    try:
        return {name: base64.b64decode(value, validate=True).decode() for name, _, value in pairs}
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidValue("Upload-Metadata cannot be read.", fix="Send names with base64 texts.") from None


def _number(request: web.Request, name: str) -> int:
    text = request.headers.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER):
        raise InvalidValue(f"{name} must be a number of bytes.", fix=f"Send {name}.")
    return int(text)


routes = [
    web.options("/api/uploads", abilities),
    web.post("/api/uploads", create),
    web.head("/api/uploads/{upload}", head),
    web.patch("/api/uploads/{upload}", append),
    web.delete("/api/uploads/{upload}", remove),
]
