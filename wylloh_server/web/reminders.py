"""What waits for the owner, and answers nobody has seen: badges in the navigation, and notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.title import Answer, OwnerRequestKind
from wylloh_server.web.app_keys import SERVICES

if TYPE_CHECKING:
    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.title import OwnerRequest

APPROVALS_PATH, TITLES_PATH = "/approvals", "/titles"
_PUBLISHER = {
    Answer.APPROVED: "You may publish here now.",
    Answer.DECLINED: "The owner has answered whether you may publish here.",
}
_TITLE = {
    Answer.APPROVED: "The owner approved {}.",
    Answer.DECLINED: "The owner sent {} back to you.",
    Answer.WITHDRAWN: "The owner made {} a draft again.",
}


@dataclass(frozen=True, slots=True)
class Reminders:
    """What a viewer is reminded of.

    Attributes:
        badges: by the path of an entry of the navigation, how many things wait there.
        notices: sentences, each with the path it leads to.
    """

    badges: dict[str, int] = field(default_factory=dict)
    notices: tuple[tuple[str, str], ...] = ()


async def reminders_of(request: web.Request, viewer: Viewer | None) -> Reminders:
    """Return what a viewer is reminded of. A TV cannot answer, and is reminded of nothing."""
    if viewer is None or viewer.kind is DeviceKind.TV:
        return Reminders()
    requests = request.app[SERVICES].approvals.requests
    waiting = await requests.waiting() if viewer.role is Role.OWNER else ()
    unseen = await requests.unseen(viewer.wallet)
    refused = await request.app[SERVICES].versions.refused_of(viewer.wallet)
    notices = [*_waits(waiting), *map(_answered, unseen)]
    notices += [
        (f"The newer version of {title} that you registered was refused. {reason}", f"/films/{film}")
        for film, title, reason in refused
    ]
    return Reminders({APPROVALS_PATH: len(waiting), TITLES_PATH: len(unseen)}, tuple(notices))


def _waits(waiting: tuple[OwnerRequest, ...]) -> list[tuple[str, str]]:
    if not waiting:
        return []
    if len(waiting) > 1:
        return [(f"{len(waiting)} requests wait for your answer.", APPROVALS_PATH)]
    if waiting[0].kind is OwnerRequestKind.TITLE:
        return [(f"{waiting[0].message} waits for your approval.", APPROVALS_PATH)]
    return [("Somebody asks to publish here.", APPROVALS_PATH)]


def _answered(request: OwnerRequest) -> tuple[str, str]:
    if request.kind is OwnerRequestKind.PUBLISHER:
        return _PUBLISHER.get(request.answer, _PUBLISHER[Answer.DECLINED]), TITLES_PATH
    return _TITLE[request.answer].format(request.message), f"{TITLES_PATH}/{request.subject}"
