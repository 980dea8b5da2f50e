"""Forms that change tags themselves: their names, greys, locks and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from wylloh_server.sdk import InvalidValue, Page, Redirect, Route
from wylloh_tagging import _lock
from wylloh_tagging._access import HERE, check_may_edit, check_may_lock
from wylloh_tagging._looks import Looks
from wylloh_tagging._moves import do_move, plan_move
from wylloh_tagging.tags import LONGEST, Tag, tag_of

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply
    from wylloh_tagging._moves import MovePlan


_AT_ONCE = 1000
"""With more films than this a move takes longer than somebody waits for a page, and becomes a task."""


async def plan(context: PluginContext, request: PluginRequest) -> Reply:
    """Say what renaming or merging a tag would do, and ask whether to."""
    check_may_edit(context, request)
    old, typed = tag_of(request.query.get("tag", "")), request.query.get("to", "")
    try:
        return _asking(await plan_move(context, old, typed))
    except InvalidValue as error:
        values = {"tag": old, "typed": typed, "error": error, "longest": LONGEST}
        return Page("move_once_more.html", values, status=400)


async def move(context: PluginContext, request: PluginRequest) -> Reply:
    """Rename or merge a tag, if what will happen is still what was confirmed."""
    check_may_edit(context, request)
    old, to = tag_of(request.value("tag")), request.value("to")
    now = await plan_move(context, old, to)
    if request.value("confirmed") != " ".join(now.sentences):
        return _asking(now, changed=True)
    if len(now.films) > _AT_ONCE:
        arguments = {"tag": old, "to": now.move.new}
        await context.tasks.start("move", f"Rename {old} to {now.move.new}", arguments, request.viewer)
        return Redirect("/tasks")
    done = await do_move(context, old, to)
    return Redirect(_address(done.move.new) if done.films else f"{HERE}/")


async def paint(context: PluginContext, request: PluginRequest) -> Reply:
    """Give a tag a grey."""
    check_may_edit(context, request)
    tag = tag_of(request.value("tag"))
    await Looks(context).set_grey(tag, request.value("grey"))
    return Redirect(_address(tag))


async def lock(context: PluginContext, request: PluginRequest) -> Reply:
    """Lock a tag's films for viewers, or unlock them."""
    check_may_lock(request)
    tag = tag_of(request.value("tag"))
    await (_lock.unlock if request.value("open") else _lock.lock)(context, tag)
    return Redirect(_address(tag))


async def add_category(context: PluginContext, request: PluginRequest) -> Reply:
    """Add a category."""
    check_may_edit(context, request)
    await Looks(context).add_category(tag_of(request.value("name")))
    return Redirect(f"{HERE}/")


async def change_category(context: PluginContext, request: PluginRequest) -> Reply:
    """Move a category up or down, or let it be an ordinary tag again."""
    check_may_edit(context, request)
    looks, name = Looks(context), tag_of(request.value("name"))
    match request.value("do"):
        case "up":
            await looks.move_category(name, -1)
        case "down":
            await looks.move_category(name, 1)
        case "remove":
            await looks.remove_category(name)
        case other:
            raise InvalidValue(f"{other[:20]!r} cannot be done.", fix="Send up, down or remove.")
    return Redirect(f"{HERE}/")


ROUTES = (
    Route("GET", "rename", plan),
    Route("POST", "rename", move),
    Route("POST", "grey", paint),
    Route("POST", "lock", lock),
    Route("POST", "categories", add_category),
    Route("POST", "categories/change", change_category),
)


def _asking(plan: MovePlan, *, changed: bool = False) -> Page:
    values = {"plan": plan, "confirmed": " ".join(plan.sentences), "changed": changed}
    return Page("move.html", values, status=409 if changed else 200)


def _address(tag: Tag) -> str:
    return f"{HERE}/tag/{quote(tag)}"
