"""A plugin that does something to many films, for tests of selecting and of background tasks."""

from __future__ import annotations

SOURCE = """
import asyncio
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = SDK_VERSION


async def mark(context, progress):
    films = progress.arguments["films"]
    for number, film in enumerate(films):
        await progress.update(number, len(films), f"Film {number + 1}")
    await progress.update(len(films), len(films), "Nearly done")
    word = progress.arguments["values"].get("word", "seen")
    return TaskResult(f"{len(films)} films are marked {word}.", "/devices")


async def hang(context, progress):
    await progress.update(120, 300, "Reading film 121")
    await asyncio.Event().wait()


async def fail(context, progress):
    raise InvalidValue("The shelf is locked", fix="Unlock it.")


async def plan(context, request):
    word = request.values.get("word", "")
    if word == "bad":
        raise RuntimeError("boom")
    if word == "nothing":
        return BatchPlan("All of them are marked already.", fix="Select others.")
    return BatchPlan(f"{len(request.films)} films get the mark {word}.")


async def count(context, request):
    return BatchPlan(f"{len(request.films)} films are counted: {', '.join(film.title for film in request.films)}.")


async def fields(context, viewer):
    return [BatchField("word", "The mark"), BatchField("how", "How", ("softly", "loudly"))]


async def shelf(context, request):
    films = await context.library.films(request.viewer)
    return Page("shelf.html", {"films": [card for card in films if card.film.token]})


@hookimpl
def routes():
    return [PluginRoute("GET", "", shelf)]


@hookimpl
def template_dirs():
    return [Path(__file__).parent]


@hookimpl
def background_tasks():
    return [BackgroundTask("mark", mark), BackgroundTask("hang", hang), BackgroundTask("fail", fail)]


@hookimpl
def batch_actions():
    return [
        BatchAction("mark", "Mark", plan, "mark", fields),
        BatchAction("count", "Count", count, "hang"),
        BatchAction("lock", "Lock", count, "fail", role=Role.OWNER),
    ]
"""


SHELF = """
{% extends "base.html" %}
{% import "macros.html" as ui with context %}
{% block content %}
<div class="page plain"><h1>Token films</h1>{{ ui.selecting() }}
<section><header><h2>All</h2>{{ ui.pick_all() }}</header>{{ ui.film_row(films, pick=True) }}</section></div>
{% endblock %}
"""


def write(folder):
    """Put the plugin `testdeeds` into a folder of plugins, and give that."""
    package = folder / "plugins/testdeeds/wylloh_testdeeds"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(SOURCE)
    (package / "shelf.html").write_text(SHELF)
    return folder / "plugins"
