"""Forms that change tags themselves: their names, greys, locks and categories."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from wylloh_server.sdk import InvalidValue, Page, PluginRoute, Redirect, quote_input
from wylloh_tagging import parental_lock
from wylloh_tagging.lock_changes import refuse_lock_changes
from wylloh_tagging.permissions import HERE, check_may_edit, may_lock
from wylloh_tagging.rename_merge import do_move, plan_move
from wylloh_tagging.tag_style import TagStyles
from wylloh_tagging.tags import LONGEST, Tag, tag_of

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply
    from wylloh_tagging.rename_merge import MovePlan


_AT_ONCE = 1000
"""With more films than this a move takes longer than somebody waits for a page, and becomes a task."""


async def plan(context: PluginContext, request: PluginRequest) -> Reply:
    """Return what renaming or merging a tag would do, and ask whether to."""
    check_may_edit(context, request)
    old, typed = tag_of(request.query.get("tag", "")), request.query.get("to", "")
    try:
        found = await plan_move(context, old, typed)
        if not may_lock(request.viewer):
            refuse_lock_changes(found.lock_changes, found.lock_moves)
        return _asking(found)
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
    if not may_lock(request.viewer):
        refuse_lock_changes(now.lock_changes, now.lock_moves)
    if len(now.films) > _AT_ONCE:
        arguments = {"tag": old, "to": now.move.new}
        await context.tasks.start("move", f"Rename {old} to {now.move.new}", arguments, request.viewer)
        return Redirect("/tasks")
    done = await do_move(context, old, to, may_lock=may_lock(request.viewer))
    return Redirect(_address(done.move.new) if done.films else f"{HERE}/")


async def set_grey(context: PluginContext, request: PluginRequest) -> Reply:
    """Set the grey of a tag."""
    check_may_edit(context, request)
    tag = tag_of(request.value("tag"))
    await TagStyles(context).set_grey(tag, request.value("grey"))
    return Redirect(_address(tag))


async def lock(context: PluginContext, request: PluginRequest) -> Reply:
    """Lock a tag's films for viewers, or unlock them."""
    tag = tag_of(request.value("tag"))
    change = parental_lock.unlock if request.value("open") else parental_lock.lock
    await change(context, tag, may_lock=may_lock(request.viewer))
    return Redirect(_address(tag))


async def add_category(context: PluginContext, request: PluginRequest) -> Reply:
    """Add a category."""
    check_may_edit(context, request)
    await TagStyles(context).add_category(tag_of(request.value("name")))
    return Redirect(f"{HERE}/")


async def change_category(context: PluginContext, request: PluginRequest) -> Reply:
    """Move a category up or down, or let it be an ordinary tag again."""
    check_may_edit(context, request)
    styles, name = TagStyles(context), tag_of(request.value("name"))
    match request.value("do"):
        case "up":
            await styles.move_category(name, -1)
        case "down":
            await styles.move_category(name, 1)
        case "remove":
            await styles.remove_category(name)
        case other:
            raise InvalidValue(f"{quote_input(other)} cannot be done.", fix="Send up, down or remove.")
    return Redirect(f"{HERE}/")


ROUTES = (
    PluginRoute("GET", "rename", plan),
    PluginRoute("POST", "rename", move),
    PluginRoute("POST", "grey", set_grey),
    PluginRoute("POST", "lock", lock),
    PluginRoute("POST", "categories", add_category),
    PluginRoute("POST", "categories/change", change_category),
)


def _asking(plan: MovePlan, *, changed: bool = False) -> Page:
    values = {"plan": plan, "confirmed": " ".join(plan.sentences), "changed": changed}
    return Page("move.html", values, status=409 if changed else 200)


def _address(tag: Tag) -> str:
    return f"{HERE}/tag/{quote(tag)}"
