"""Told to stop, the demo ends within ten seconds: its children share a bound, and none is left."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from demo import child_processes
from demo.child_processes import StopDeadline, child

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


def test_children_share_the_time_that_is_left(monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    deadline = StopDeadline()
    assert deadline.seconds == 10, "one that ends by itself, while the demo goes on"
    deadline.begin()
    assert deadline.seconds == 6
    now = 104.0
    deadline.begin()
    assert deadline.seconds == 2
    now = 200.0
    assert 0 < deadline.seconds < 1
    assert 6 + 4 * deadline.seconds < 10, "two servers, chain and film maker"


def test_a_child_that_does_not_end_is_killed(tmp_path, monkeypatch):
    deadline = StopDeadline()
    monkeypatch.setattr(child_processes, "STOP_DEADLINE", deadline)
    monkeypatch.setattr(child_processes, "_ALL_STOP_SECONDS", 0.1)
    monkeypatch.setattr(child_processes, "_LEAST_STOP_SECONDS", 0.1)
    pids = []
    with pytest.raises(KeyboardInterrupt), child("one", [sys.executable, "-c", DEAF], tmp_path / "1") as one:
        with child("two", [sys.executable, "-c", DEAF], tmp_path / "2") as two:
            for running in (one, two):
                running.wait_for(lambda running=running: "ready" in running.said(), seconds=60)
                pids.append(running.pid)
            deadline.begin()
            raise KeyboardInterrupt
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
