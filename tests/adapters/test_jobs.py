"""Background work on the real engine."""

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
from pathlib import Path

import pytest

from wylloh_server.adapters.jobs import DbosJobs
from wylloh_server.domain.errors import StorageError, TranscodeFailed, WyllohError
from wylloh_server.domain.ports.world import Job, JobState

_SERVER = Path(__file__).with_name("_jobs_server.py")
RUNNING, DONE, FAILED, CANCELLED = JobState


class Handler:
    """Records what it is asked to do, and hangs or fails where told."""

    def __init__(self, *, hang=False, error=None):
        self.begun, self.ended = [], []
        self.hang, self.error = hang, error
        self.called = asyncio.Event()

    async def __call__(self, key):
        self.begun.append(key)
        self.called.set()
        try:
            if self.error:
                raise self.error
            if self.hang:
                await asyncio.Event().wait()
        finally:
            self.ended.append(key)

    async def next_call(self):
        await self.called.wait()
        self.called.clear()


@pytest.fixture
def file(tmp_path):
    return tmp_path / "jobs.db"


@pytest.fixture
def jobs(file):
    return DbosJobs(file)


async def settled(jobs, kind, key):
    """The job once it no longer runs."""
    while True:
        found = [job for job in await jobs.all() if (job.kind, job.key) == (kind, key)]
        if found and found[0].state is not RUNNING:
            return found[0]
        await asyncio.sleep(0.01)


async def test_a_job_is_done_on_our_loop_and_thread(jobs):
    seen = []

    async def look(key):
        seen.append((key, asyncio.get_running_loop(), threading.current_thread()))

    jobs.register("look", look)
    async with jobs.running():
        await jobs.start("look", "a")
        assert await settled(jobs, "look", "a") == Job("look", "a", DONE)
    assert seen == [("a", asyncio.get_running_loop(), threading.current_thread())]


async def test_the_same_job_runs_once_at_a_time_and_again_afterwards(jobs):
    slow, quick = Handler(hang=True), Handler()
    jobs.register("slow", slow)
    jobs.register("quick", quick)
    async with jobs.running():
        await asyncio.gather(*(jobs.start("slow", key) for key in "aabba"))
        await jobs.start("quick", "a")
        await settled(jobs, "quick", "a")
        await jobs.start("quick", "a")
        await quick.next_call()
        await settled(jobs, "quick", "a")
        assert sorted(slow.begun) == ["a", "b"]
    assert quick.begun == ["a", "a"]


async def test_jobs_come_newest_first(jobs):
    jobs.register("slow", Handler(hang=True))
    jobs.register("quick", Handler())
    async with jobs.running():
        await jobs.start("quick", "first")
        await jobs.start("slow", "second")
        await settled(jobs, "quick", "first")
        assert await jobs.all() == (Job("slow", "second", RUNNING), Job("quick", "first", DONE))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TranscodeFailed("ffmpeg gave up: no space"), "ffmpeg gave up: no space"),
        (ValueError("odd"), "odd"),
        (KeyError(), "KeyError"),
        (asyncio.CancelledError(), "It was interrupted."),
    ],
    ids=repr,
)
async def test_a_job_that_fails_says_why_and_can_be_started_again(jobs, error, reason):
    handler = Handler(error=error)
    jobs.register("work", handler)
    async with jobs.running():
        await jobs.start("work", "a")
        assert await settled(jobs, "work", "a") == Job("work", "a", FAILED, reason)
        handler.error = None
        await jobs.start("work", "a")
        assert await settled(jobs, "work", "a") == Job("work", "a", DONE)


async def test_a_cancelled_job_is_interrupted_and_stays_cancelled(jobs, file):
    handler = Handler(hang=True)
    jobs.register("slow", handler)
    async with jobs.running():
        await jobs.start("slow", "a")
        await handler.next_call()
        await jobs.cancel("slow", "a")
        assert handler.ended == ["a"]
        await jobs.cancel("slow", "a")
        await jobs.cancel("slow", "never started")
        assert await jobs.all() == (Job("slow", "a", CANCELLED),)
    again = DbosJobs(file)
    again.register("slow", handler)
    again.register("mark", Handler())
    async with again.running():
        assert await again.all() == (Job("slow", "a", CANCELLED),)
        await again.start("slow", "a")
        await handler.next_call()
    assert handler.begun == ["a", "a"]


async def test_a_job_may_cancel_itself_and_start_another(jobs):
    async def first(key):
        await jobs.start("second", key)
        await jobs.cancel("first", key)

    second = Handler()
    jobs.register("first", first)
    jobs.register("second", second)
    async with jobs.running():
        await jobs.start("first", "a")
        assert await settled(jobs, "second", "a") == Job("second", "a", DONE)
        assert await settled(jobs, "first", "a") == Job("first", "a", CANCELLED)


async def test_a_stop_interrupts_work_and_the_next_start_goes_on_with_it(jobs, file):
    slow, quick = Handler(hang=True), Handler()
    jobs.register("slow", slow)
    jobs.register("quick", quick)
    async with jobs.running():
        await jobs.start("quick", "b")
        await settled(jobs, "quick", "b")
        await jobs.start("slow", "a")
        await slow.next_call()
    assert slow.ended == ["a"]

    finishing = Handler()
    again = DbosJobs(file)
    again.register("slow", finishing)
    again.register("quick", quick)
    async with again.running():
        assert await again.all() == (Job("slow", "a", RUNNING), Job("quick", "b", DONE))
        await again.start("slow", "a")
        assert await settled(again, "slow", "a") == Job("slow", "a", DONE)
    assert finishing.begun == ["a"]
    assert quick.begun == ["b"]


async def test_a_failure_is_remembered_over_a_restart(jobs, file):
    jobs.register("work", Handler(error=ValueError("odd")))
    async with jobs.running():
        await jobs.start("work", "a")
        await settled(jobs, "work", "a")
    again = DbosJobs(file)
    async with again.running():
        assert await again.all() == (Job("work", "a", FAILED, "odd"),)


async def test_work_that_nothing_does_any_more_fails(jobs, file):
    jobs.register("gone", Handler(hang=True))
    async with jobs.running():
        await jobs.start("gone", "a")
    again = DbosJobs(file)
    async with again.running():
        job = await settled(again, "gone", "a")
    assert job.state is FAILED
    assert "'gone'" in job.reason


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
    said, noise = subprocess.Popen(
        [sys.executable, "-c", _TELL, tmp_path / "jobs.db"], stdout=subprocess.PIPE, text=True
    ).communicate()
    assert said == "count film done\n"


_TELL = """
import asyncio, sys
from pathlib import Path
from wylloh_server.adapters.jobs import DbosJobs

async def tell(file):
    jobs = DbosJobs(file)
    async with jobs.running():
        for job in await jobs.all():
            print(job.kind, job.key, job.state)

asyncio.run(tell(Path(sys.argv[1])))
"""


async def test_a_handler_that_ignores_being_stopped_keeps_neither_server_nor_process(file):
    code = f"""
import asyncio
from pathlib import Path
from wylloh_server.adapters.jobs import DbosJobs

async def stubborn(key):
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if stopped.is_set():
                raise

async def main():
    jobs = DbosJobs(Path({str(file)!r}))
    jobs.register("stubborn", stubborn)
    async with jobs.running():
        await jobs.start("stubborn", "a")
        await asyncio.sleep(0.1)
    stopped.set()
    print("stopped")

stopped = asyncio.Event()
asyncio.run(main())
"""
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "stopped\n", "")


async def test_threads_of_the_loop_work_during_and_after(jobs):
    """DBOS's asynchronous functions would take over the loop's default executor and leave it closed."""
    jobs.register("work", Handler())
    before = await asyncio.to_thread(lambda: 1)
    async with jobs.running():
        await jobs.start("work", "a")
        await settled(jobs, "work", "a")
        assert "dbos" not in await asyncio.to_thread(lambda: threading.current_thread().name)
    assert await asyncio.to_thread(lambda: before + 1) == 2
    assert [thread.name for thread in threading.enumerate() if "dbos" in thread.name] == []


async def test_a_handler_does_not_inherit_a_request(jobs):
    request = contextvars.ContextVar("request", default="none")
    seen = []

    async def look(key):
        seen.append(request.get())

    jobs.register("look", look)
    async with jobs.running():
        request.set("somebody's")
        await jobs.start("look", "a")
        await settled(jobs, "look", "a")
    assert seen == ["none"]


async def test_two_at_once_in_one_process_are_refused(jobs, tmp_path):
    async with jobs.running():
        with pytest.raises(WyllohError, match="already"):
            async with DbosJobs(tmp_path / "other.db").running():
                pass
    async with DbosJobs(tmp_path / "other.db").running():
        pass


async def test_two_servers_on_one_file_are_refused(jobs, file):
    code = "import sys, fcntl; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); print(); input()"
    other = subprocess.Popen(
        [sys.executable, "-c", code, f"{file}.lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    other.stdout.readline()
    with pytest.raises(StorageError, match="Another server"):
        async with jobs.running():
            pass
    other.communicate(b"\n")
    async with jobs.running():
        pass


async def test_bad_files_are_clear_errors(tmp_path, caplog):
    with pytest.raises(StorageError, match="No such file"):
        async with DbosJobs(tmp_path / "missing" / "jobs.db").running():
            pass
    notes = tmp_path / "notes.db"
    notes.write_bytes(b"These are my notes. " * 100)
    with pytest.raises(StorageError, match="cannot be read"):
        async with DbosJobs(notes).running():
            pass
    assert notes.read_bytes() == b"These are my notes. " * 100


async def test_it_must_run_and_know_the_work(jobs):
    jobs.register("known", Handler())
    with pytest.raises(WyllohError, match="not running"):
        await jobs.start("known", "a")
    async with jobs.running():
        with pytest.raises(WyllohError, match="'unknown'"):
            await jobs.start("unknown", "a")
    with pytest.raises(WyllohError, match="not running"):
        await jobs.start("known", "a")


async def test_finished_jobs_do_not_pile_up(jobs, file, monkeypatch):
    monkeypatch.setattr("wylloh_server.adapters.jobs._REMEMBERED", 4)
    jobs.register("work", Handler())
    async with jobs.running():
        for number in range(12):
            await jobs.start("work", f"{number % 6}")
            await settled(jobs, "work", f"{number % 6}")
        assert 4 <= len(await jobs.all()) <= 5
    again = DbosJobs(file)
    async with again.running():
        assert [job.key for job in await again.all()] == ["5", "4", "3", "2"]
        assert len(await asyncio.to_thread(again._engine.runs)) < 12


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


async def test_it_opens_no_socket_prints_nothing_and_keeps_its_file_private(jobs, file, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    before = internet_sockets()
    jobs.register("work", Handler())
    async with jobs.running():
        await jobs.start("work", "a")
        await settled(jobs, "work", "a")
        assert internet_sockets() == before
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("dbos")] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
