from __future__ import annotations

import os
import sys
from functools import partial
from contextlib import asynccontextmanager
from textwrap import dedent

import pytest

from wylloh_server.app.plugin_processes import process_spawner
from wylloh_server.config import Settings
from wylloh_server.storage import open_database
from wylloh_server.plugins import Dispatch, Limits, PluginRegistry, PluginServices
from wylloh_server.sdk.testing.plugin_harness import SampleLibrary
from wylloh_server.sdk.testing.sample_chain import CONTRACTS, SampleChain
from wylloh_server.sdk.testing.recorded_live import RecordedLive
from wylloh_server.sdk.testing.samples import sample_films
from wylloh_server.sdk.testing.sample_transactions import SampleTransactions
from wylloh_server.sdk.testing.background_tasks import TaskHarness

HEAD = "import asyncio\nfrom dataclasses import dataclass\nfrom pathlib import Path\nfrom wylloh_server.sdk import *\nWYLLOH_SDK = SDK_VERSION\n"


class PluginEnvironment:
    """A folder of plugins written by a test, and a server's worth of machinery to run them."""

    def __init__(self, folder):
        self.folder = folder
        self.path = folder / "plugins"
        self.path.mkdir()
        self.isolation = os.environ.get("WYLLOH_TEST_ISOLATION", "thread")
        self.published = []
        self.live = RecordedLive()

    def write(self, name, source, *, package=None, head=HEAD):
        """Write the plugin `name` as <path>/<name>/wylloh_<name>/__init__.py."""
        file = (package or self.path / name / f"wylloh_{name}") / "__init__.py"
        file.parent.mkdir(parents=True)
        file.write_text(head + dedent(source))
        return file.parent

    def registry(self, patience=None, **options):
        registry = PluginRegistry(**{"path": [self.path], "points": [], "spawner": self.spawner(), **options})
        registry.load(patience)
        return registry

    def spawner(self):
        """Plugins get a process each if the test asks for it."""
        if self.isolation == "thread":
            return lambda _: None
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        isolation = {folder.name: self.isolation for folder in self.path.iterdir()}
        settings = Settings(server={"data": data}, plugins={"isolation": isolation})
        return partial(process_spawner, settings)

    @asynccontextmanager
    async def running(self, *, limits=Limits(answer=5), **options):
        registry = self.registry(limits=limits, **options)
        async with open_database(self.folder / "wylloh.sqlite3") as database:
            self.tables, self.storage = database.plugins.tables, database.storage
            library = SampleLibrary(database.storage.films, {}, {})
            await library.hold_only(sample_films())

            def publish(event):
                self.published.append(event)
                registry.publish(event)

            self.chain = SampleChain(database.storage, CONTRACTS)
            self.work = TaskHarness(registry, database.storage, self.live)
            self.work.bus.listeners.append(publish)
            services = PluginServices(
                migrate=database.plugins.migrate,
                tables=database.plugins.tables,
                library=library,
                publish=publish,
                chain=self.chain.view,
                propose=self.transactions(database.storage, publish).propose,
                start_task=self.work.tasks.start,
                changed=self.live.changed,
                notify=self.live.notify,
            )
            async with registry.running(services), self.work.running():
                yield registry, Dispatch(registry)

    def transactions(self, storage, publish):
        """The owner of these servers trusts the store that the plugins of these tests sell in."""
        transactions = SampleTransactions(storage, self.live, publish, SampleChain(storage, CONTRACTS).view)
        transactions.trusted["0x" + "5" * 40] = "A store"
        return transactions

    def forget(self):
        own = str(self.folder)
        for name in [
            name
            for name, module in list(sys.modules.items())
            if str(vars(module).get("__file__")).startswith(own)
        ]:
            del sys.modules[name]


@pytest.fixture
def environment(tmp_path):
    environment = PluginEnvironment(tmp_path)
    yield environment
    environment.forget()
