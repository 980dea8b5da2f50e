"""A publisher's titles, from the upload to the chain, and the owner's approvals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.film import film_id_of
from wylloh_server.domain.title import Answer, RequestKind, Title, TitleId, TitleState, UploadKind
from wylloh_server.services.tokenising import ENCRYPT, PACK
from wylloh_server.web.keys import APPROVALS, TASKS, TITLES
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.task import Task
    from wylloh_server.domain.title import Request, Upload
    from wylloh_server.domain.types import FilmId, Timestamp, Wallet

_VERBS = {
    Answer.WAITING: "waits",
    Answer.APPROVED: "approved",
    Answer.DECLINED: "sent back",
    Answer.WITHDRAWN: "taken back",
}
_ASKS = {
    RequestKind.PUBLISHER: "wants to publish here",
    RequestKind.TITLE: "wants a title approved",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One request as people read it."""

    id: str
    wallet: Wallet
    asks: str
    says: str
    asked: Timestamp
    verdict: str
    answered_by: Wallet | None
    answered: Timestamp | None
    note: str
    link: str


async def titles(request: web.Request) -> web.Response:
    """Show a publisher's titles with their states; to others, how to become a publisher."""
    viewer = require_role(request, Role.VIEWER)
    if not viewer.role.includes(Role.PUBLISHER):
        asked = await request.app[APPROVALS].of_wallet(viewer.wallet)
        return await render(request, "publish.html", asked=_lines(asked))
    own = await request.app[TITLES].of(viewer)
    return await render(request, "titles.html", titles=own, states=tuple(TitleState))


async def title(request: web.Request) -> web.Response:
    """Show one title: its files, its words, its rights, and the next step."""
    viewer = require_role(request, Role.PUBLISHER)
    found = await request.app[TITLES].get(viewer, TitleId(request.match_info["title"]))
    files = await request.app[TITLES].files(found)
    return await render(
        request,
        "title.html",
        item=found,
        mine=found.publisher == viewer.wallet,
        states=tuple(TitleState),
        feature=_one(files, UploadKind.FEATURE),
        poster=_one(files, UploadKind.POSTER),
        subtitles=tuple(file for file in files if file.kind is UploadKind.SUBTITLES),
        missing=await request.app[TITLES].missing(found) if found.state is TitleState.DRAFT else (),
        history=_lines(await request.app[APPROVALS].of_title(found)),
        task=await _task(request, viewer, found),
        film=_film_of(found),
    )


async def poster(request: web.Request) -> web.Response:
    """Give the uploaded poster to whoever may see the title."""
    viewer = require_role(request, Role.PUBLISHER)
    found = await request.app[TITLES].get(viewer, TitleId(request.match_info["title"]))
    picture = await request.app[TITLES].poster(found)
    if picture is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=picture, content_type=_type_of(picture), headers=headers)


def _type_of(picture: bytes) -> str:
    """Name the type of a picture that was read as one of these when it came."""
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if picture.startswith(b"RIFF") else "image/jpeg"


async def approvals(request: web.Request) -> web.Response:
    """Show the owner what waits for an answer, and every answer given."""
    require_role(request, Role.OWNER)
    desk = request.app[APPROVALS]
    waiting, history = await desk.waiting(), await desk.history()
    return await render(request, "approvals.html", waiting=_lines(waiting), history=_lines(history))


def _one(files: Sequence[Upload], kind: UploadKind) -> Upload | None:
    return next((file for file in files if file.kind is kind), None)


def _film_of(title: Title) -> FilmId | None:
    return film_id_of(str(title.token)) if title.token and title.state is TitleState.TOKENISED else None


async def _task(request: web.Request, viewer: Viewer, title: Title) -> Task | None:
    """Give the work that is being done on a title now, or the last that failed."""
    if title.state is not TitleState.ACTIVE:
        return None
    tasks = await request.app[TASKS].all(viewer)
    return next((task for task in tasks if task.kind in {ENCRYPT, PACK} and _is_about(task, title)), None)


def _is_about(task: Task, title: Title) -> bool:
    return task.title.endswith(f" {title.description.title}") and task.wallet == title.publisher


def _lines(requests: Sequence[Request]) -> tuple[Line, ...]:
    return tuple(
        Line(
            id=request.id,
            wallet=request.wallet,
            asks=_ASKS[request.kind],
            says=request.says,
            asked=request.asked,
            verdict=_VERBS[request.answer],
            answered_by=request.answered_by,
            answered=request.answered,
            note=request.note,
            link=f"/titles/{request.subject}" if request.kind is RequestKind.TITLE else "",
        )
        for request in requests
    )


routes = [
    web.get("/titles", titles),
    web.get("/titles/{title}", title),
    web.get("/titles/{title}/poster.jpg", poster),
    web.get("/approvals", approvals),
]
