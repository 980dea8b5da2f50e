"""A lock that vanished denies, whatever happened to the file beside the database."""

from __future__ import annotations

import asyncio

import pytest

from tests.plugins.test_absent import LOCK, verdict
from wylloh_server.app.plugin_status import write_plugin_status
from wylloh_server.config import Settings
from wylloh_server.domain.access import Verdict
from wylloh_server.plugins import Dispatch, PluginRegistry
from wylloh_server.storage import open_database

HEAD = "from wylloh_server.sdk import *\nWYLLOH_SDK = SDK_VERSION\n"


@pytest.fixture
async def storage(tmp_path):
    async with open_database(tmp_path / "wylloh.sqlite3") as database:
        yield database.storage


async def noted(settings, registry, storage):
    """Note how plugins are until the database knows who votes."""
    async with write_plugin_status(settings, registry, storage.voting_plugins), asyncio.timeout(10):
        wanted = {record.name for record in registry.records() if record.votes}
        while (
            await storage.voting_plugins.all() != wanted
            or not (settings.server.data / "plugins.json").exists()
        ):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("harm", [lambda file: file.unlink(), lambda file: file.write_text('[{"na')])
async def test_a_lock_that_is_gone_denies_when_the_file_is_lost_or_damaged(storage, tmp_path, harm):
    settings = Settings(server={"data": tmp_path})
    package = tmp_path / "plugins/wylloh_statuslock"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(HEAD + LOCK)
    registry = PluginRegistry(path=[tmp_path / "plugins"], points=[])
    registry.load()
    await noted(settings, registry, storage)
    (package / "__init__.py").unlink()
    harm(tmp_path / "plugins.json")

    registry = PluginRegistry(path=[tmp_path / "plugins"], points=[])
    registry.load()
    assert registry.records() == ()
    registry.recall(await storage.voting_plugins.all())
    assert [record.name for record in registry.records()] == ["statuslock"]
    assert await verdict(Dispatch(registry)) is Verdict.DENY
    await noted(settings, registry, storage)
    assert await storage.voting_plugins.all() == {"statuslock"}, "and it is remembered on"

    registry = PluginRegistry(path=[tmp_path / "plugins"], points=[], disabled=["statuslock"])
    registry.load()
    registry.recall(await storage.voting_plugins.all())
    assert await verdict(Dispatch(registry)) is Verdict.ABSTAIN
    await noted(settings, registry, storage)
    assert await storage.voting_plugins.all() == frozenset()
