"""The bus, what goes round and round, and the meter."""

import asyncio
import logging

import pytest

from tests.fakes import FakeClock
from wylloh_server.domain.errors import ChainUnavailable
from wylloh_server.domain.events import FilmReady, FilmRemoved
from wylloh_server.domain.types import FilmId, Seconds
from wylloh_server.services.operations import progress
from wylloh_server.services.operations.backoff import Backoff
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.scheduler import after_writes, run_periodically
from wylloh_server.services.operations.progress import report_progress
from wylloh_server.storage.versioned_cache import WriteCounter

READY, REMOVED = FilmReady(FilmId("a")), FilmRemoved(FilmId("a"))


def test_everybody_hears_everything_in_order():
    bus, one, other = EventBus(), [], []
    bus.listeners.append(one.append)
    bus.listeners.append(other.append)
    bus.publish(READY)
    bus.publish(REMOVED)
    assert one == other == [READY, REMOVED]


def test_a_listener_that_fails_costs_only_itself(caplog):
    bus, heard = EventBus(), []

    def failing(event):
        raise RuntimeError("a defect")

    bus.listeners.append(failing)
    bus.listeners.append(heard.append)
    bus.publish(READY)
    assert heard == [READY]
    assert "FilmReady" in caplog.text


def test_12_6_pauses_do_not_change_with_the_clock():
    clock = FakeClock()
    backoff = Backoff(10, clock.timer)
    backoff.failed("https://custodian.example")
    clock.jump(7200)
    assert backoff.is_paused("https://custodian.example")
    clock.jump(-14_400)
    clock.now += 40  # half a minute, give or take a quarter
    assert not backoff.is_paused("https://custodian.example")


@pytest.mark.parametrize(
    "error", [ChainUnavailable("No RPC answers."), OSError("gone"), RuntimeError("a defect")]
)
async def test_work_that_fails_is_done_again(error, caplog):
    rounds, enough = [], asyncio.Event()

    async def work():
        rounds.append(1)
        if len(rounds) == 3:
            enough.set()
        raise error

    with caplog.at_level(logging.WARNING):
        async with run_periodically("looking", work, Seconds(0)):
            await enough.wait()
    assert "looking" in caplog.text
    after = len(rounds)
    await asyncio.sleep(0.01)
    assert len(rounds) == after


async def test_work_that_hangs_ends_with_its_context():
    began, ended = asyncio.Event(), []

    async def work():
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async with run_periodically("hanging", work, Seconds(0)):
        await began.wait()
    assert ended == [1]


async def test_work_on_the_database_passes_its_turn_until_something_is_written_or_long_ago():
    writes, clock, rounds = WriteCounter(None), [100.0], []

    async def work():
        rounds.append(clock[0])
        if clock[0] == 104:
            raise OSError("gone")

    turn = after_writes(work, writes, Seconds(30), lambda: clock[0])
    await turn()
    await turn()
    assert rounds == [100]
    clock[0] = 102
    writes.add()
    await turn()
    await turn()
    assert rounds == [100, 102]
    clock[0] = 132
    await turn()
    await turn()
    assert rounds == [100, 102, 132]
    clock[0] = 104
    writes.add()
    for _ in range(2):  # what failed is done again
        with pytest.raises(OSError, match="gone"):
            await turn()


async def test_what_work_writes_itself_leads_to_one_more_round():
    writes, rounds = WriteCounter(None), []

    async def work():
        rounds.append(1)
        if len(rounds) == 1:
            writes.add()

    turn = after_writes(work, writes, Seconds(30))
    for _ in range(5):
        await turn()
    assert len(rounds) == 2


async def test_the_meter_saves_now_and_then_and_never_late(monkeypatch):
    monkeypatch.setattr(progress, "_EVERY", 0.01)
    saved, told, saving = [], [], asyncio.Event()

    async def save(share):
        saving.set()
        await asyncio.sleep(0.02)
        saved.append(share)

    async with report_progress(save, lambda done, of: told.append((done, of))) as note:
        note(1, 0)
        note(1, 4)
        await saving.wait()
        note(4, 4)
    assert saved[0] == 0.25
    finished = list(saved)
    await asyncio.sleep(0.05)
    assert saved == finished
    assert told == [(1, 0), (1, 4), (4, 4)]


async def test_a_meter_that_cannot_save_disturbs_nobody(monkeypatch):
    monkeypatch.setattr(progress, "_EVERY", 0.001)
    tried = asyncio.Event()

    async def save(_share):
        tried.set()
        raise OSError("the disk is full")

    async with report_progress(save) as note:
        note(1, 2)
        await tried.wait()
