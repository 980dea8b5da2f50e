"""What a publisher does with a title, and what the owner answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.film import Description
from wylloh_server.domain.title import OwnerRequestId, TitleId, UploadKind
from wylloh_server.domain.topics import TITLES as TITLES_TOPIC
from wylloh_server.domain.types import Seconds
from wylloh_server.web.api.film_api import lease_answer, read_client
from wylloh_server.web.app_keys import LIVE, SERVICES
from wylloh_server.web.rate_limits import PLAY_BUDGET, limited
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import address_of, require_role, require_signature
from wylloh_server.web.title_form import description_of, parse_count, parse_line, parse_terms

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer


async def draft(request: web.Request) -> web.Response:
    """`{title}` → `{id}`."""
    viewer = require_role(request, Role.PUBLISHER)
    name = parse_line(await read_object(request), "title")
    if not name:
        raise InvalidValue("A title needs a name.", fix="Write what the film is called.")
    title = await request.app[SERVICES].titles.draft(viewer, Description(name))
    return web.json_response({"id": title.id})


async def describe(request: web.Request) -> web.Response:
    """The whole form of a draft → `{missing: [sentence, …], elsewhere}`.

    With `before`, the form as it was when its page was opened or last saved, only what differs is changed,
    and `elsewhere` says whether other fields were changed meanwhile.
    """
    viewer, title_id = _asked(request)
    body = await read_object(request)
    form = description_of(body), parse_terms(body)
    known = body.get("before")
    before = (description_of(known), parse_terms(known)) if isinstance(known, dict) else None
    titles = request.app[SERVICES].titles
    title = await titles.describe(viewer, title_id, *form, before)
    request.app[LIVE].changed(TITLES_TOPIC, wallet=viewer.wallet)
    elsewhere = (title.description, title.terms) != form
    return web.json_response({"missing": await titles.missing(title), "elsewhere": elsewhere})


async def remove(request: web.Request) -> web.Response:
    """→ `{}`: delete a draft; the owner may delete somebody else's, with a fresh signature."""
    viewer, title_id = _asked(request)
    titles = request.app[SERVICES].titles
    if (await titles.get(viewer, title_id)).publisher != viewer.wallet:
        await require_signature(request, Role.OWNER)
    await titles.remove(viewer, title_id)
    return web.json_response({})


async def submit_or_withdraw(request: web.Request) -> web.Response:
    """→ `{state}`: submit a draft, or take back what was submitted."""
    viewer, title_id = _asked(request)
    approvals = request.app[SERVICES].approvals
    act = approvals.submit if request.match_info["act"] == "submit" else approvals.withdraw
    return web.json_response({"state": (await act(viewer, title_id)).state})


@limited(PLAY_BUDGET)
async def play(request: web.Request) -> web.Response:
    """→ what `play` of a film answers: a title's uploaded film or trailer, before it is published.

    For its publisher and the owner.
    """
    viewer, title_id = _asked(request)
    kind = UploadKind.TRAILER if request.match_info["part"] == "trailer" else UploadKind.FEATURE
    film = await request.app[SERVICES].titles.preview(viewer, title_id, kind)
    client = await read_client(request)
    lease = await request.app[SERVICES].playback.start_film(viewer, film, address_of(request), client=client)
    return web.json_response(lease_answer(request, lease, film.title, Seconds(0)))


async def encrypt(request: web.Request) -> web.Response:
    """`{again?}` → `{task}`. What is encrypted already is encrypted anew only with `again`."""
    viewer, title_id = _asked(request)
    again = request.can_read_body and (await read_object(request)).get("again") is True
    task = await request.app[SERVICES].registration.encrypt(viewer, title_id, again=again)
    return web.json_response({"task": task})


async def signing(request: web.Request) -> web.Response:
    """→ the EIP-712 data the publisher's wallet signs."""
    viewer, title_id = _asked(request)
    return web.json_response(await request.app[SERVICES].registration.request(viewer, title_id))


async def sign(request: web.Request) -> web.Response:
    """`{signature}` → `{task}`."""
    viewer, title_id = _asked(request)
    signature = text(await read_object(request), "signature")
    return web.json_response(
        {"task": await request.app[SERVICES].registration.sign(viewer, title_id, signature)}
    )


async def register(request: web.Request) -> web.Response:
    """`{first}` → `{transaction}`."""
    viewer, title_id = _asked(request)
    body, title = await read_object(request), await request.app[SERVICES].titles.get(viewer, title_id)
    if not text(body, "first").strip():
        raise InvalidValue("The number of tokens to make now is empty.", fix="Write 0 to make none yet.")
    first = parse_count(body, "first", 0, title.terms.supply)
    transaction = await request.app[SERVICES].registration.register(viewer, title_id, first)
    return web.json_response({"transaction": transaction})


async def apply(request: web.Request) -> web.Response:
    """`{message}` → `{}`: ask to be a publisher here."""
    viewer = require_role(request, Role.VIEWER)
    await request.app[SERVICES].approvals.apply(viewer, text(await read_object(request), "message"))
    return web.json_response({})


async def answer(request: web.Request) -> web.Response:
    """`{approve, note}` → `{}`. To let a publisher in needs a fresh signature, as every role does."""
    viewer = require_role(request, Role.OWNER)
    body = await read_object(request)
    if not isinstance(body.get("approve"), bool):
        raise InvalidValue("Say yes or no.", fix="Send approve as true or false.")
    approvals, asked = request.app[SERVICES].approvals, OwnerRequestId(request.match_info["request"])
    if body["approve"] and await approvals.gives_role(asked):
        await require_signature(request, Role.OWNER)
    await approvals.answer(
        viewer,
        asked,
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
    web.post("/api/titles/{title}/{act:submit|withdraw}", submit_or_withdraw),
    web.post("/api/titles/{title}/{part:play|trailer}", play),
    web.post("/api/titles/{title}/encrypt", encrypt),
    web.get("/api/titles/{title}/signing", signing),
    web.post("/api/titles/{title}/sign", sign),
    web.post("/api/titles/{title}/register", register),
    web.post("/api/publishers/apply", apply),
    web.post("/api/approvals/{request}", answer),
]
