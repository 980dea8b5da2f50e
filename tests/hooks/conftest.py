from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest

from wylloh_server.adapters.database import open_database
from wylloh_server.hooks import Dispatch, Limits, PluginRegistry, PluginServices
from wylloh_server.testing._app import SampleLibrary
from wylloh_server.testing._chain import CONTRACTS, SampleChain
from wylloh_server.testing._live import RecordedLive
from wylloh_server.testing._samples import sample_films
from wylloh_server.testing._transactions import SampleTransactions
from wylloh_server.testing._work import Work

HEAD = "import asyncio\nfrom dataclasses import dataclass\nfrom pathlib import Path\nfrom wylloh_server.sdk import *\nWYLLOH_SDK = SDK_VERSION\n"


class House:
    """A folder of plugins written by a test, and a server's worth of machinery to run them."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "plugins"
        self.published = []
        self.live = RecordedLive()

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
            library = SampleLibrary(database.storage.films, {}, {})
            await library.hold_only(sample_films())

            def publish(event):
                self.published.append(event)
                registry.publish(event)

            self.work = Work(registry, database.storage, self.live)
            self.work.bus.subscribe(publish)
            services = PluginServices(
                database=database.plugins,
                library=library,
                publish=publish,
                chain=SampleChain(database.storage, CONTRACTS).view,
                transactions=SampleTransactions(database.storage.transactions, self.live, publish),
                tasks=self.work.tasks,
                live=self.live,
            )
            async with registry.running(services), self.work.running():
                yield registry, Dispatch(registry)

    def forget(self):
        own = str(self.folder)
        for name in [
            name
            for name, module in list(sys.modules.items())
            if str(vars(module).get("__file__")).startswith(own)
        ]:
            del sys.modules[name]


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.forget()
