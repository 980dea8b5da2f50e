"""Background jobs on the real engine."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.components.postgres import postgres
from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.domain.errors import StorageError, WyllohError
from wylloh_server.domain.ports.jobs import Job, JobQueue

_SERVER = Path(__file__).with_name("_jobs_server.py")
QUEUES = [JobQueue("slow", 2), JobQueue("quick", 1), JobQueue("parts", 1, partitioned=True)]


class Handler:
    """Records what it is asked to do; hangs in the queue `slow` until told, and fails where told."""

    def __init__(self, *, hang=(), error=None):
        self.begun, self.ended = [], []
        self.hang, self.error = set(hang), error
        self.go_on = asyncio.Event()

    async def __call__(self, job):
        self.begun.append(job)
        try:
            if self.error:
                raise self.error
            if job in self.hang:
                await self.go_on.wait()
        finally:
            self.ended.append(job)

    async def called(self, number):
        while len(self.begun) < number:
            await asyncio.sleep(0.005)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "jobs.db"


@pytest.fixture
def engine(file):
    return DbosEngine(file)


async def settled(engine):
    while await engine.unfinished():
        await asyncio.sleep(0.01)


async def test_a_job_is_done_on_our_loop_and_thread(engine):
    seen = []

    async def look(job):
        seen.append((job, asyncio.get_running_loop(), threading.current_thread()))

    async with engine.running(QUEUES, look):
        await engine.start(Job("a", "quick"))
        await settled(engine)
    assert seen == [("a", asyncio.get_running_loop(), threading.current_thread())]


async def test_an_id_is_done_once_however_often_it_is_started(engine):
    handler = Handler(hang={"a"})
    async with engine.running(QUEUES, handler):
        await asyncio.gather(*(engine.start(Job(job, "slow")) for job in "aabba"))
        await handler.called(2)
        assert await engine.unfinished() >= {"a"}
        handler.go_on.set()
        await settled(engine)
        await engine.start(Job("a", "slow"))
        await settled(engine)
    assert sorted(handler.begun) == ["a", "b"]


async def test_a_queue_has_its_own_number_at_once_and_takes_the_first_priority_first(engine):
    handler = Handler(hang={"a", "b", "c"})
    async with engine.running(QUEUES, handler):
        for job in "abc":
            await engine.start(Job(job, "slow"))
        await handler.called(2)
        await engine.start(Job("urgent", "slow", priority=1))
        await engine.start(Job("other", "quick"))
        await handler.called(3)
        assert sorted(handler.begun) == ["a", "b", "other"], "a full queue kept another waiting"
        handler.go_on.set()
        await settled(engine)
    assert sorted(handler.begun) == ["a", "b", "c", "other", "urgent"]


async def test_what_is_urgent_overtakes(engine):
    handler = Handler(hang={"first"})
    async with engine.running(QUEUES, handler):
        await engine.start(Job("first", "quick"))
        await handler.called(1)
        for job, priority in (("late", 10), ("later", 10), ("urgent", 1)):
            await engine.start(Job(job, "quick", priority=priority))
        handler.go_on.set()
        await settled(engine)
    assert handler.begun == ["first", "urgent", "late", "later"]


async def test_each_part_of_a_queue_has_its_own_places(engine):
    handler = Handler(hang={"a1", "a2", "b1"})
    async with engine.running(QUEUES, handler):
        for job in ("a1", "a2", "b1"):
            await engine.start(Job(job, "parts", partition=job[0]))
        await handler.called(2)
        await asyncio.sleep(0.6)
        assert sorted(one[0] for one in handler.begun) == ["a", "b"]
        handler.go_on.set()
        await settled(engine)
    assert sorted(handler.begun) == ["a1", "a2", "b1"]


async def test_a_delayed_job_waits_also_over_a_restart(engine, file):
    handler, begun = Handler(), time.monotonic()
    async with engine.running(QUEUES, handler):
        await engine.start(Job("a", "quick", delay=2.0))
        await asyncio.sleep(0.5)
        assert await engine.unfinished() == {"a"}
    assert handler.begun == []
    async with (again := DbosEngine(file)).running(QUEUES, handler):
        await settled(again)
    assert handler.begun == ["a"]
    assert time.monotonic() - begun >= 2.0


async def test_a_job_that_fails_harms_no_other(engine, caplog):
    handler = Handler(error=ValueError("odd"))
    async with engine.running(QUEUES, handler):
        await engine.start(Job("a", "quick"))
        await settled(engine)
        handler.error = None
        await engine.start(Job("b", "quick"))
        await settled(engine)
    assert handler.ended == ["a", "b"]
    assert "the job a failed" in caplog.text


@pytest.mark.parametrize("delay", [0, 60])
async def test_a_cancelled_job_is_interrupted_and_stays_cancelled(engine, file, delay):
    handler = Handler(hang={"a"})
    async with engine.running(QUEUES, handler):
        await engine.start(Job("a", "slow", delay=delay))
        if not delay:
            await handler.called(1)
        await engine.cancel("a")
        assert handler.ended == ([] if delay else ["a"])
        await engine.cancel("a")
        await engine.cancel("never started")
        assert await engine.unfinished() == frozenset()
    again = DbosEngine(file)
    async with again.running(QUEUES, handler):
        await again.start(Job("b", "slow"))
        await settled(again)
    assert handler.begun == (["b"] if delay else ["a", "b"])


async def test_a_job_may_cancel_itself_and_start_another(engine):
    seen = []

    async def work(job):
        seen.append(job)
        if job == "first":
            await engine.start(Job("second", "slow"))
            await engine.cancel("first")

    async with engine.running(QUEUES, work):
        await engine.start(Job("first", "quick"))
        await settled(engine)
    assert seen == ["first", "second"]


async def test_a_stop_interrupts_work_and_the_next_start_goes_on_with_it(engine, file):
    handler = Handler(hang={"a"})
    async with engine.running(QUEUES, handler):
        await engine.start(Job("b", "quick"))
        await engine.start(Job("a", "slow"))
        await handler.called(2)
    assert sorted(handler.ended) == ["a", "b"]
    finishing = Handler()
    async with (again := DbosEngine(file)).running(QUEUES, finishing):
        await again.start(Job("a", "slow"))
        await settled(again)
    assert finishing.begun == ["a"]


async def test_a_job_found_while_the_engine_stops_is_no_error_and_done_at_the_next_start(
    engine, file, monkeypatch, caplog
):
    import dbos._queue

    found, dispatch = threading.Event(), dbos._queue.execute_dequeued_workflow

    def late(instance, *arguments):
        found.set()
        while instance._executor_field is not None:
            time.sleep(0.01)
        return dispatch(instance, *arguments)

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(dbos._queue, "execute_dequeued_workflow", late)
        async with engine.running(QUEUES, interrupted := Handler()):
            await engine.start(Job("a", "quick"))
            await asyncio.to_thread(found.wait)
    assert (interrupted.begun, caplog.messages) == ([], [])
    async with (again := DbosEngine(file)).running(QUEUES, finishing := Handler()):
        await settled(again)
    assert finishing.begun == ["a"]


def test_kill_9_in_the_middle_of_a_job(tmp_path):
    def server(begin, steps_before_hanging):
        return subprocess.Popen(
            [sys.executable, _SERVER, tmp_path, begin, str(steps_before_hanging)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    for begin, steps in (("begin", 2), ("resume", 4)):
        process = server(begin, steps)
        assert process.stdout.readline() == "hanging\n"
        process.kill()
        _, noise = process.communicate()
        assert noise == ""
    said, noise = server("resume", -1).communicate()
    assert (said, noise) == ("done\n", "")
    assert (tmp_path / "film").read_text() == "0 1 2 3 4 5 "


async def test_a_handler_that_ignores_being_stopped_keeps_neither_server_nor_process(file):
    code = f"""
import asyncio
from pathlib import Path
from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.domain.ports.jobs import Job, JobQueue

async def stubborn(job):
    begun.set()
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if stopped.is_set():
                raise

async def main():
    engine = DbosEngine(Path({str(file)!r}))
    async with engine.running([JobQueue("stubborn", 1)], stubborn):
        await engine.start(Job("a", "stubborn"))
        await begun.wait()
    stopped.set()
    print("stopped")

begun, stopped = asyncio.Event(), asyncio.Event()
asyncio.run(main())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


async def test_threads_of_the_loop_work_during_and_after(engine):
    """DBOS's asynchronous functions would take over the loop's default executor and leave it closed."""
    before = await asyncio.to_thread(lambda: 1)
    async with engine.running(QUEUES, Handler()):
        await engine.start(Job("a", "quick"))
        await settled(engine)
        assert "dbos" not in await asyncio.to_thread(lambda: threading.current_thread().name)
    assert await asyncio.to_thread(lambda: before + 1) == 2
    assert [thread.name for thread in threading.enumerate() if "dbos" in thread.name] == []


async def test_a_handler_does_not_inherit_a_request(engine):
    request = contextvars.ContextVar("request", default="none")
    seen = []

    async def look(job):
        seen.append(request.get())

    async with engine.running(QUEUES, look):
        request.set("somebody's")
        await engine.start(Job("a", "quick"))
        await settled(engine)
    assert seen == ["none"]


async def test_two_at_once_in_one_process_are_refused(engine, tmp_path):
    async with engine.running(QUEUES, Handler()):
        with pytest.raises(WyllohError, match="already"):
            async with DbosEngine(tmp_path / "other.db").running(QUEUES, Handler()):
                pass
    async with DbosEngine(tmp_path / "other.db").running(QUEUES, Handler()):
        pass


async def test_two_servers_on_one_file_are_refused(engine, file):
    code = "import sys, fcntl; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, f"{file}.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    other.stdout.readline()
    with pytest.raises(StorageError, match="Another server"):
        async with engine.running(QUEUES, Handler()):
            pass
    other.communicate(b"\n")
    async with engine.running(QUEUES, Handler()):
        pass


async def test_bad_files_are_clear_errors(tmp_path, caplog):
    with pytest.raises(StorageError, match="No such file"):
        async with DbosEngine(tmp_path / "missing" / "jobs.db").running(QUEUES, Handler()):
            pass
    notes = tmp_path / "notes.db"
    notes.write_bytes(b"These are my notes. " * 100)
    with pytest.raises(StorageError, match="cannot be read"):
        async with DbosEngine(notes).running(QUEUES, Handler()):
            pass
    assert notes.read_bytes() == b"These are my notes. " * 100


async def test_it_must_run(engine):
    with pytest.raises(WyllohError, match="not running"):
        await engine.start(Job("a", "quick"))
    async with engine.running(QUEUES, Handler()):
        pass
    with pytest.raises(WyllohError, match="not running"):
        await engine.start(Job("a", "quick"))


async def test_finished_jobs_do_not_pile_up(engine, file, monkeypatch):
    monkeypatch.setattr("wylloh_server.adapters.jobs.dbos_engine._KEPT", 4)
    async with engine.running([JobQueue("many", 20)], Handler()):
        for number in range(12):
            await engine.start(Job(f"{number}", "many"))
        await settled(engine)
    async with DbosEngine(file).running([JobQueue("many", 20)], Handler()):
        assert await asyncio.to_thread(stored) == 4


def stored():
    from dbos import DBOS

    return len(DBOS.list_workflows(name="wylloh.job"))


async def test_it_works_in_postgresql_too():
    """Everything in one database: queues, delays, and what an earlier process left; over TLS."""
    with postgres(tls=True) as url:
        handler = Handler(hang={"a"})
        async with (engine := DbosEngine(url, "home")).running(QUEUES, handler):
            await engine.start(Job("a", "slow"))
            await engine.start(Job("b", "parts", partition="x"))
            await engine.start(Job("c", "quick", delay=1.0))
            await handler.called(2)
            assert await engine.unfinished() >= {"a", "c"}
        handler.go_on.set()
        asyncpg_s = url.replace("sslmode=", "ssl=")
        async with (again := DbosEngine(asyncpg_s, "home")).running(QUEUES, handler):
            await settled(again)
        assert sorted(handler.begun) == ["a", "a", "b", "c"]


async def test_servers_that_share_a_database_take_only_their_own_jobs():
    """Running, waiting and delayed ones, while their server is down; it takes them up again itself."""
    with postgres() as url:
        first, second = Handler(hang={"a"}), Handler()
        async with (engine := DbosEngine(url, "first")).running(QUEUES, first):
            await engine.start(Job("a", "quick"))
            await first.called(1)
            await engine.start(Job("b", "quick"))
            await engine.start(Job("c", "parts", partition="x", delay=0.1))
        async with (engine := DbosEngine(url, "second")).running(QUEUES, second):
            await engine.start(Job("d", "quick"))
            await engine.start(Job("e", "parts", partition="x", delay=0.2))
            await second.called(2)
            assert await engine.unfinished() >= {"a", "b", "c"}
        assert sorted(second.begun) == ["d", "e"]
        first.go_on.set()
        async with (engine := DbosEngine(url, "first")).running(QUEUES, first):
            await settled(engine)
        assert sorted(first.begun) == ["a", "a", "b", "c"]


async def test_jobs_of_versions_that_named_no_server_are_forgotten(file):
    """Their tasks, found without a job, get new ones."""
    before = DbosEngine(file)
    before._application, before._queue = "wylloh", str
    config = before._config
    before._config = lambda: {**config(), "application_version": "2", "executor_id": "server"}
    handler = Handler(hang={"a"})
    async with before.running(QUEUES, handler):
        await before.start(Job("a", "slow"))
        await handler.called(1)
    async with (engine := DbosEngine(file)).running(QUEUES, handler):
        assert await engine.unfinished() == frozenset()


def internet_sockets():
    """This process's TCP and UDP sockets, by inode."""
    tables = [Path(f"/proc/self/net/{name}") for name in ("tcp", "tcp6", "udp", "udp6")]
    lines = [line for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    links = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
    return sorted(inode for inode in (line.split()[9] for line in lines) if f"socket:[{inode}]" in links)


def test_internet_sockets_are_found():
    before = internet_sockets()
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        assert len(internet_sockets()) == len(before) + 1


async def test_it_opens_no_socket_prints_nothing_and_keeps_its_file_private(engine, file, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    before = internet_sockets()
    async with engine.running(QUEUES, Handler()):
        await engine.start(Job("a", "quick"))
        await settled(engine)
        assert internet_sockets() == before
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("dbos")] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
