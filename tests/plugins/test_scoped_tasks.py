"""A plugin starts tasks of the kinds that it has declared, under its own name, and no others."""

from __future__ import annotations

import pytest

from wylloh_server.domain.access import Role, Viewer
from wylloh_server.domain.task import TaskId
from wylloh_server.domain.types import DeviceId, SessionId, parse_wallet
from wylloh_server.sdk import PluginError, ScopedTasks

ANNA = Viewer(SessionId("s"), DeviceId("d"), parse_wallet("0x" + "a" * 40), Role.VIEWER)


@pytest.fixture
def started():
    return []


@pytest.fixture
def own(started):
    async def start(*task):
        started.append(task)
        return TaskId("t")

    return ScopedTasks("store", ("sync",), start)


async def test_a_declared_kind_is_started_for_the_viewer_s_wallet(own, started):
    assert await own.start("sync", "Reading", {"from": 1}, ANNA) == "t"
    await own.start("sync", "Reading", {})
    assert started == [
        ("store.sync", "Reading", {"from": 1}, ANNA.wallet),
        ("store.sync", "Reading", {}, None),
    ]


async def test_an_undeclared_kind_is_refused_and_nothing_is_started(own, started):
    with pytest.raises(PluginError, match="has not declared the task 'scan'") as caught:
        await own.start("scan", "Scanning", {})
    assert "background_tasks" in caught.value.fix
    assert started == []
