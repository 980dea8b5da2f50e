"""What a publisher does with a title, and what the owner answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film import Description
from wylloh_server.domain.title import RequestId, TitleId
from wylloh_server.domain.topics import TITLES as TITLES_TOPIC
from wylloh_server.web.bodies import object_of, text
from wylloh_server.web.keys import APPROVALS, LIVE, TITLES, TOKENISING
from wylloh_server.web.session import require_role
from wylloh_server.web.title_form import count_of, description_of, terms_of, words_of

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer


async def draft(request: web.Request) -> web.Response:
    """`{title}` → `{id}`."""
    viewer = require_role(request, Role.PUBLISHER)
    name = words_of(await object_of(request), "title")
    if not name:
        raise InvalidValue("A title needs a name.", fix="Write what the film is called.")
    title = await request.app[TITLES].draft(viewer, Description(name))
    return web.json_response({"id": title.id})


async def describe(request: web.Request) -> web.Response:
    """The whole form of a draft → `{missing: [sentence, …]}`."""
    viewer, title_id = _asked(request)
    body = await object_of(request)
    desk = request.app[TITLES]
    title = await desk.describe(viewer, title_id, description_of(body), terms_of(body))
    request.app[LIVE].changed(TITLES_TOPIC, wallet=viewer.wallet)
    return web.json_response({"missing": await desk.missing(title)})


async def remove(request: web.Request) -> web.Response:
    """→ `{}`: delete a draft."""
    viewer, title_id = _asked(request)
    await request.app[TITLES].remove(viewer, title_id)
    return web.json_response({})


async def submit(request: web.Request) -> web.Response:
    """→ `{state}`."""
    viewer, title_id = _asked(request)
    title = await request.app[APPROVALS].submit(viewer, title_id)
    return web.json_response({"state": title.state})


async def withdraw(request: web.Request) -> web.Response:
    """→ `{state}`: take back what was submitted."""
    viewer, title_id = _asked(request)
    title = await request.app[APPROVALS].withdraw(viewer, title_id)
    return web.json_response({"state": title.state})


async def encrypt(request: web.Request) -> web.Response:
    """→ `{task}`."""
    viewer, title_id = _asked(request)
    return web.json_response({"task": await request.app[TOKENISING].encrypt(viewer, title_id)})


async def signing(request: web.Request) -> web.Response:
    """→ the EIP-712 data the publisher's wallet signs."""
    viewer, title_id = _asked(request)
    return web.json_response(await request.app[TOKENISING].request(viewer, title_id))


async def sign(request: web.Request) -> web.Response:
    """`{signature}` → `{task}`."""
    viewer, title_id = _asked(request)
    signature = text(await object_of(request), "signature")
    return web.json_response({"task": await request.app[TOKENISING].sign(viewer, title_id, signature)})


async def register(request: web.Request) -> web.Response:
    """`{first}` → `{transaction}`."""
    viewer, title_id = _asked(request)
    first = count_of(await object_of(request), "first", 0)
    transaction = await request.app[TOKENISING].register(viewer, title_id, first)
    return web.json_response({"transaction": transaction})


async def apply(request: web.Request) -> web.Response:
    """`{says}` → `{}`: ask to be a publisher here."""
    viewer = require_role(request, Role.VIEWER)
    await request.app[APPROVALS].apply(viewer, text(await object_of(request), "says"))
    return web.json_response({})


async def answer(request: web.Request) -> web.Response:
    """`{approve, note}` → `{}`."""
    viewer = require_role(request, Role.OWNER)
    body = await object_of(request)
    if not isinstance(body.get("approve"), bool):
        raise InvalidValue("Say yes or no.", fix="Send approve as true or false.")
    await request.app[APPROVALS].answer(
        viewer,
        RequestId(request.match_info["request"]),
        approve=body["approve"],
        note=text(body, "note", ""),
    )
    return web.json_response({})


def _asked(request: web.Request) -> tuple[Viewer, TitleId]:
    return require_role(request, Role.PUBLISHER), TitleId(request.match_info["title"])


routes = [
    web.post("/api/titles", draft),
    web.post("/api/titles/{title}", describe),
    web.post("/api/titles/{title}/remove", remove),
    web.post("/api/titles/{title}/submit", submit),
    web.post("/api/titles/{title}/withdraw", withdraw),
    web.post("/api/titles/{title}/encrypt", encrypt),
    web.get("/api/titles/{title}/signing", signing),
    web.post("/api/titles/{title}/sign", sign),
    web.post("/api/titles/{title}/register", register),
    web.post("/api/publishers/apply", apply),
    web.post("/api/approvals/{request}", answer),
]
