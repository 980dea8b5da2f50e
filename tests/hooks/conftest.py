from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest

from wylloh_server.adapters.database import open_database
from wylloh_server.hooks import Dispatch, Limits, PluginRegistry, PluginServices
from wylloh_server.testing._app import SampleLibrary
from wylloh_server.testing._samples import sample_films

HEAD = "import asyncio\nfrom dataclasses import dataclass\nfrom pathlib import Path\nfrom wylloh_server.sdk import *\n"


class House:
    """A folder of plugins written by a test, and a server's worth of machinery to run them."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "plugins"
        self.published = []

    def write(self, name, source, *, package=None, head=HEAD):
        """Write the plugin `name` as <path>/<name>/wylloh_<name>/__init__.py."""
        file = (package or self.path / name / f"wylloh_{name}") / "__init__.py"
        file.parent.mkdir(parents=True)
        file.write_text(head + dedent(source))
        return file.parent

    def registry(self, **options):
        registry = PluginRegistry(**{"path": [self.path], "points": [], **options})
        registry.load()
        return registry

    @asynccontextmanager
    async def running(self, *, limits=Limits(answer=5), **options):
        registry = self.registry(limits=limits, **options)
        async with open_database(self.folder / "wylloh.sqlite3") as database:
            self.tables = database.plugins.tables
            library = SampleLibrary(database.storage.films)
            await library.hold_only(sample_films())

            def publish(event):
                self.published.append(event)
                registry.publish(event)

            async with registry.running(PluginServices(database.plugins, library, publish)):
                yield registry, Dispatch(registry)

    def forget(self):
        own = str(self.folder)
        for name in [
            name for name, module in sys.modules.items() if str(vars(module).get("__file__")).startswith(own)
        ]:
            del sys.modules[name]


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.forget()
