from __future__ import annotations

import asyncio
import os
import sys
from functools import partial
from pathlib import Path

import pytest

from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.errors import TranscodeFailed


def python(text):
    return [sys.executable, "-c", text]


running = partial(running, reads=(sys.prefix, sys.base_prefix))


def gone(pid):
    return not Path(f"/proc/{pid}").exists()


async def test_a_failure_carries_the_last_words():
    async with running(python("import sys; sys.exit('the disk has a hole')")) as process:
        with pytest.raises(TranscodeFailed, match=r"code 1: the disk has a hole"):
            await process.wait()


async def test_only_the_last_words_are_kept():
    text = "import sys\nfor n in range(50000): print(f'line {n}.', file=sys.stderr)\nprint('x' * 200000, file=sys.stderr)"
    async with running(python(text + "\nprint('end.', file=sys.stderr)\nsys.exit(3)")) as process:
        with pytest.raises(TranscodeFailed, match=r"code 3:[^§]*end\."):
            await process.wait()
        assert "line 100." not in process.last_words
        assert len(process.last_words) < 100_000


async def test_output_is_bounded():
    async with running(python("print('x' * 100)")) as process:
        assert await process.output(200) == b"x" * 100 + b"\n"
    async with running(python("import sys\nwhile True: sys.stdout.write('x' * 1000)")) as process:
        with pytest.raises(TranscodeFailed, match="more than 5000 bytes"):
            await process.output(5000)
    assert gone(process.pid)


async def test_one_that_will_not_end_is_ended():
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('ready', flush=True)\ntime.sleep(600)"
    async with running(python(stubborn)) as process:
        await process._process.stdout.readline()
    assert gone(process.pid)


async def test_one_asked_to_end_may_say_goodbye():
    polite = "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit('goodbye'))\nprint('ready', flush=True)\ntime.sleep(600)"
    async with running(python(polite)) as process:
        await process._process.stdout.readline()
    assert process.last_words == "goodbye"


async def test_cancelling_at_any_moment_leaves_no_process():
    seen = []

    async def work():
        async with running(python("import time; time.sleep(600)")) as process:
            seen.append(process.pid)
            await process.wait()

    for steps in range(12):
        task = asyncio.create_task(work())
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    task = asyncio.create_task(work())
    while not seen:
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(gone(pid) for pid in seen)


async def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(TranscodeFailed, match="cannot be started"):
        async with running([str(tmp_path / "nothing")]):
            pass


async def test_whatever_holds_a_child_it_writes_and_gains_nothing(tmp_path):
    text = f"import pathlib; pathlib.Path({str(tmp_path / 'x')!r}).write_text('plaintext')"
    async with running(python(text), sandbox=ChildSandbox(frozenset())) as process:
        with pytest.raises(TranscodeFailed, match="File too large"):
            await process.wait()
    assert (tmp_path / "x").stat().st_size == 0
    status = python("print(open('/proc/self/status').read())")
    async with running(status, sandbox=ChildSandbox(frozenset())) as process:
        assert "NoNewPrivs:\t1" in (await process.output(100_000)).decode()


async def test_a_patient_process_is_nice():
    own = os.nice(0)
    for low_priority, expected in ((False, own), (True, min(own + 10, 19))):
        async with running(python("import os; print(os.nice(0))"), low_priority=low_priority) as process:
            assert int(await process.output(100)) == expected


async def test_a_patient_process_is_nice_on_other_systems_too(monkeypatch):
    monkeypatch.setattr("wylloh_server.adapters.ffmpeg.child_sandbox.sys.platform", "darwin")
    own = os.nice(0)
    async with running(python("import os; print(os.nice(0))"), low_priority=True) as process:
        assert int(await process.output(100)) == min(own + 10, 19)


async def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    """Killed with SIGKILL, this server cannot end anything itself."""
    script = tmp_path / "server.py"
    script.write_text(
        "import asyncio, sys\n"
        "from wylloh_server.adapters.ffmpeg.process import running\n"
        "async def main():\n"
        "    async with running([sys.executable, '-c', 'import time; time.sleep(600)'], reads=(sys.prefix, sys.base_prefix)) as process:\n"
        "        print(process.pid, flush=True)\n"
        "        await process.wait()\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    pid = int(await server.stdout.readline())
    assert not gone(pid)
    server.kill()
    await server.communicate()
    while not gone(pid) and " Z" not in Path(f"/proc/{pid}/stat").read_text()[:60]:
        await asyncio.sleep(0.01)
