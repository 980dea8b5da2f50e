from __future__ import annotations

import pytest

from wylloh_server.sdk import Role


@pytest.fixture
def tagging(plugin_app):
    """The plugin without its own ideas of what to tag; films as keyword `films`."""

    def run(films=None, **settings):
        return plugin_app("wylloh_tagging", settings={"automatic": False} | settings, films=films)

    return run


@pytest.fixture
def add():
    """Tag a film, as an editor does on its page."""

    async def add(app, film, tag, by=Role.OWNER):
        return await app.post(f"film/{film.id}/tags", {"tag": tag}, by=by)

    return add


@pytest.fixture
def add_many():
    """Tag a film with many tags at once, by a file."""

    async def add_many(app, film, tags):
        text = "film,tag\n" + "".join(f"{film.id},{tag}\n" for tag in tags)
        await app.post("import/confirmed", {"text": text}, by=Role.OWNER)
        assert (await app.tasks())[0].state == "done"

    return add_many


@pytest.fixture
def tags_of():
    """Give a film's tags."""

    async def tags_of(app, film):
        return (await app.get(f"film/{film.id}/tags")).value["tags"]

    return tags_of
