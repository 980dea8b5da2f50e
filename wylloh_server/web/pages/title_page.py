"""A publisher's titles, from the upload to the chain, and the owner's approvals."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import film_id_for
from wylloh_server.domain.manifest import LONGEST_GENRE, MOST_GENRES
from wylloh_server.domain.rights import RIGHT_NAMES
from wylloh_server.domain.title import Answer, OwnerRequestKind, Title, TitleId, TitleState, UploadKind
from wylloh_server.services.publishing.registration import ENCRYPT, PACK, title_subject
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.pages.title_files import file_row, subtitle_rows
from wylloh_server.web.pages.title_review import title_review
from wylloh_server.web.request_json import LONGEST_TEXT
from wylloh_server.web.session import require_role
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.task import Task
    from wylloh_server.domain.title import OwnerRequest
    from wylloh_server.web.pages.title_review import TitleReview

_MOST_ANSWERS = 200
_VERDICTS = {
    Answer.WAITING: "waits",
    Answer.APPROVED: "approved",
    Answer.DECLINED: "sent back",
    Answer.WITHDRAWN: "taken back",
}
_ASKS = {
    OwnerRequestKind.PUBLISHER: "wants to publish here",
    OwnerRequestKind.TITLE: "wants a title approved",
}


async def titles(request: web.Request) -> web.Response:
    """Show a publisher's titles with their states; to others, how to become a publisher."""
    viewer = require_role(request, Role.VIEWER)
    if not viewer.role.includes(Role.PUBLISHER):
        requests = request.app[SERVICES].approvals.requests
        asked = await requests.of_subject(OwnerRequestKind.PUBLISHER, viewer.wallet)
        await _see(request, viewer, OwnerRequestKind.PUBLISHER, viewer.wallet)
        return await render(request, "publish.html", asked=asked)
    await _see(request, viewer, OwnerRequestKind.PUBLISHER, viewer.wallet)
    own = await request.app[SERVICES].titles.of(viewer)
    tokens = {title.token for title in own if title.token}
    films = await request.app[SERVICES].library.published_by(viewer, tokens)
    return await render(request, "titles.html", titles=own, films=films, states=tuple(TitleState))


async def title(request: web.Request) -> web.Response:
    """Show one title: its files, its words, its rights, and the next step."""
    viewer = require_role(request, Role.PUBLISHER)
    found = await request.app[SERVICES].titles.get(viewer, TitleId(request.match_info["title"]))
    await _see(request, viewer, OwnerRequestKind.TITLE, found.id)
    files = await request.app[SERVICES].titles.files(found)
    requests = request.app[SERVICES].approvals.requests
    return await render(
        request,
        "title.html",
        item=found,
        mine=found.publisher == viewer.wallet,
        states=tuple(TitleState),
        files={kind: file_row(files, kind) for kind in UploadKind},
        subtitles=subtitle_rows(files),
        missing=await request.app[SERVICES].titles.missing(found) if found.state is TitleState.DRAFT else (),
        history=await requests.of_subject(OwnerRequestKind.TITLE, found.id),
        verdicts=_VERDICTS,
        task=await _task(request, viewer, found),
        right_names=tuple(RIGHT_NAMES.values()),
        longest_genres=MOST_GENRES * (LONGEST_GENRE + 2),
        longest_text=LONGEST_TEXT,
        film=await _film_of(request, found),
        review=None if found.state is TitleState.TOKENISED else await title_review(request, found),
    )


async def watch(request: web.Request) -> web.Response:
    """Show the player with an unpublished film or trailer, to its publisher and the owner."""
    viewer = require_role(request, Role.PUBLISHER)
    title_id, trailer = TitleId(request.match_info["title"]), request.match_info["part"] == "trailer"
    kind = UploadKind.TRAILER if trailer else UploadKind.FEATURE
    film = await request.app[SERVICES].titles.preview(viewer, title_id, kind)
    mine = (await request.app[SERVICES].titles.get(viewer, title_id)).publisher == viewer.wallet
    back = f"/titles/{title_id}" if mine else "/approvals"
    return await render(
        request,
        "watch.html",
        film=film,
        start="0",
        next=None,
        preferences=asdict(await request.app[SERVICES].preferences.of_wallet(viewer.wallet)),
        trailer=trailer,
        preview=f"/api/titles/{title_id}/{'trailer' if trailer else 'play'}",
        back=back,
    )


async def picture(request: web.Request) -> web.Response:
    """Return the uploaded poster or backdrop to whoever may see the title."""
    viewer = require_role(request, Role.PUBLISHER)
    found = await request.app[SERVICES].titles.get(viewer, TitleId(request.match_info["title"]))
    picture = await request.app[SERVICES].titles.picture(found, UploadKind(request.match_info["kind"]))
    if picture is None:
        raise web.HTTPNotFound
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=picture, content_type=_image_type(picture), headers=headers)


def _image_type(picture: bytes) -> str:
    """Name the type of a picture that was read as one of these when it came."""
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if picture.startswith(b"RIFF") else "image/jpeg"


async def approvals(request: web.Request) -> web.Response:
    """Show the owner what waits for an answer, and every answer given."""
    require_role(request, Role.OWNER)
    requests = request.app[SERVICES].approvals.requests
    waiting, history = await requests.waiting(), await requests.answered(_MOST_ANSWERS)
    return await render(
        request,
        "approvals.html",
        waiting=waiting,
        reviews=await _reviews(request, waiting),
        history=history,
        asks=_ASKS,
        verdicts=_VERDICTS,
    )


async def _reviews(request: web.Request, waiting: Sequence[OwnerRequest]) -> dict[str, TitleReview]:
    """Return what there is to see of the titles that wait, by their ids."""
    titles = request.app[SERVICES].approvals.titles
    ids = [TitleId(asked.subject) for asked in waiting if asked.kind is OwnerRequestKind.TITLE]
    found = [await titles.get(title_id) for title_id in ids]
    return {title.id: await title_review(request, title) for title in found if title is not None}


async def _see(request: web.Request, viewer: Viewer, kind: OwnerRequestKind, subject: str) -> None:
    await request.app[SERVICES].approvals.see_answers(viewer, kind, subject)


async def _film_of(request: web.Request, title: Title) -> Film | None:
    """Return the film that a title became on chain; None before, or where it was removed since."""
    if title.token is None or title.state is not TitleState.TOKENISED:
        return None
    with suppress(NotFound):
        return await request.app[SERVICES].library.film(film_id_for(str(title.token)))
    return None


async def _task(request: web.Request, viewer: Viewer, title: Title) -> Task | None:
    """Return the work that is being done on a title now, or the last that failed."""
    if title.state is not TitleState.ACTIVE:
        return None
    tasks = await request.app[SERVICES].tasks.about(viewer, title_subject(title.id))
    return next((task for task in tasks if task.kind in {ENCRYPT, PACK}), None)


routes = [
    web.get("/titles", titles),
    web.get("/titles/{title}", title),
    web.get("/titles/{title}/{part:watch|trailer}", watch),
    web.get("/titles/{title}/{kind:poster|backdrop}.jpg", picture),
    web.get("/approvals", approvals),
]
