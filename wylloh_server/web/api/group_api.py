"""Splitting one's stack of a film into named groups, and merging them again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wylloh_server.domain.errors import ChainUnavailable, InvalidValue
from wylloh_server.domain.group_split import GroupId
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import FilmId
from wylloh_server.services.library.group_service import HeldStack
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from wylloh_server.domain.group_split import StackSplit

_DIGITS = re.compile(r"[0-9]{1,78}")


async def groups(request: web.Request) -> web.Response:
    """→ `{holding, rest, groups: [{id, name, count, lost}, …]}`; numbers of tokens are texts."""
    stack = await _stack(request)
    return _told(stack, await request.app[SERVICES].groups.split(stack))


async def add(request: web.Request) -> web.Response:
    """`{name, count}` → as `groups`: put tokens that are in no group into a new one."""
    stack, body = await _stack(request), await read_object(request)
    await request.app[SERVICES].groups.add(stack, text(body, "name"), _count(body))
    return _told(stack, await request.app[SERVICES].groups.split(stack))


async def change(request: web.Request) -> web.Response:
    """`{name, count}` → as `groups`: rename a group, or give it another number of tokens."""
    stack, body = await _stack(request), await read_object(request)
    await request.app[SERVICES].groups.change(stack, _group(request), text(body, "name"), _count(body))
    return _told(stack, await request.app[SERVICES].groups.split(stack))


async def merge(request: web.Request) -> web.Response:
    """`{into}` → as `groups`: end a group; its tokens go into another one, or with '' into none."""
    stack, body = await _stack(request), await read_object(request)
    into = text(body, "into", "")
    await request.app[SERVICES].groups.merge(stack, _group(request), GroupId(into) if into else None)
    return _told(stack, await request.app[SERVICES].groups.split(stack))


async def settle(request: web.Request) -> web.Response:
    """→ as `groups`: take the groups as they are, without the tokens that have left the wallet."""
    stack = await _stack(request)
    await request.app[SERVICES].groups.settle(stack)
    return _told(stack, await request.app[SERVICES].groups.split(stack))


async def _stack(request: web.Request) -> HeldStack:
    """Return what the viewer holds of the film now.

    Raises:
        NotFound: there is no such film.
        InvalidValue: it has no tokens.
        ChainUnavailable: they cannot be counted yet.
    """
    viewer = require_viewer(request)
    film = await request.app[SERVICES].library.film(FilmId(request.match_info["film"]))
    if film.token is None:
        raise InvalidValue("This film has no tokens.", fix="Split a stack of a film that has some.")
    status = await request.app[SERVICES].stacks.status(viewer.wallet, film.token)
    if status is None:
        raise ChainUnavailable("Your tokens cannot be counted right now.", fix="Try again in a minute.")
    return HeldStack(viewer.wallet, film.id, status.stack.holding)


def _group(request: web.Request) -> GroupId:
    return GroupId(request.match_info["group"])


def _count(body: dict[str, Any]) -> int:
    """Read a number of tokens, as text: it may be larger than a number of JSON can be."""
    digits = text(body, "count").strip()
    if not _DIGITS.fullmatch(digits):
        raise InvalidValue(f"{quote_input(digits)} is no number of tokens.", fix="Use digits, such as 100.")
    return int(digits)


def _told(stack: HeldStack, split: StackSplit) -> web.Response:
    listed = [
        {
            "id": share.group.id,
            "name": share.group.name,
            "count": str(share.count),
            "lost": str(share.lost),
        }
        for share in split.shares
    ]
    return web.json_response({"holding": str(stack.holding), "rest": str(split.rest), "groups": listed})


_HERE = "/api/films/{film}/groups"

routes = [
    web.get(_HERE, groups),
    web.post(_HERE, add),
    web.post(f"{_HERE}/settle", settle),
    web.post(f"{_HERE}/{{group}}", change),
    web.post(f"{_HERE}/{{group}}/merge", merge),
]
