"""Pages that bring tags in from a file, and files that take them along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.sdk import Download, InvalidValue, Page, PluginRoute, Redirect
from wylloh_tagging import export
from wylloh_tagging.lock_changes import refuse_lock_changes
from wylloh_tagging.permissions import check_may_edit, may_lock
from wylloh_tagging.queries import TagStore
from wylloh_tagging.tag_import import export_content, locks_after, plan_import

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

_SHOWN = 20
"""Faults that are listed; the rest is counted."""
_LIKE_OURS = "Choose a file that the page Tags has exported, or one like it."


async def ask(context: PluginContext, request: PluginRequest) -> Reply:
    """Ask for a file."""
    check_may_edit(context, request)
    return Page("import.html")


async def plan(context: PluginContext, request: PluginRequest) -> Reply:
    """Return what a file would do, or what is wrong with it."""
    check_may_edit(context, request)
    replace = bool(request.value("replace"))
    try:
        text = _text(request)
        found = await plan_import(context, text, replace=replace)
    except InvalidValue as error:
        return Page("import.html", {"error": error, "replace": replace}, status=400)
    if not may_lock(request.viewer):
        changes = await TagStore(context).lock_changes(
            found.gone, found.come, await locks_after(context, found)
        )
        refuse_lock_changes(changes, found.locks)
    values = {
        "plan": found,
        "text": text,
        "replace": replace,
        "faults": found.faults[:_SHOWN],
        "more": max(0, len(found.faults) - _SHOWN),
    }
    return Page("import_plan.html", values, status=400 if found.faults else 200)


async def begin(context: PluginContext, request: PluginRequest) -> Reply:
    """Import a file in the background."""
    check_may_edit(context, request)
    arguments = {"text": request.value("text"), "replace": bool(request.value("replace"))}
    await context.tasks.start("import", "Import tags", arguments, request.viewer)
    return Redirect("/tasks")


async def as_json(context: PluginContext, _: PluginRequest) -> Reply:
    """Return everything as JSON."""
    return Download("tags.json", "application/json", export.to_json(await export_content(context)))


async def as_csv(context: PluginContext, _: PluginRequest) -> Reply:
    """Return the tags of films as CSV."""
    return Download(
        "tags.csv", "text/csv; charset=utf-8", export.to_csv((await export_content(context)).films)
    )


ROUTES = (
    PluginRoute("GET", "import", ask),
    PluginRoute("POST", "import", plan),
    PluginRoute("POST", "import/confirmed", begin),
    PluginRoute("GET", "export.json", as_json),
    PluginRoute("GET", "export.csv", as_csv),
)


def _text(request: PluginRequest) -> str:
    file = request.files.get("file")
    if file is None or not (file.filename or file.body):
        raise InvalidValue("No file was chosen.", fix=_LIKE_OURS)
    try:
        text = file.body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidValue("This file is not UTF-8.", fix="Save it as UTF-8, and choose it again.") from None
    if not text.strip():
        raise InvalidValue("This file is empty.", fix=_LIKE_OURS)
    return text
