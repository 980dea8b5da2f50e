"""Rules for every test: in CI nothing is skipped for want of a program, and no process is left behind."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path

import pytest

MAY_SKIP_IN_CI = ("cannot be installed: ",)
"""How the reason of a skip must begin to be let through in CI. Everything else can be installed there."""

_MARK = "WYLLOH_TEST_RUN"
_SECONDS_TO_END = 3
"""What was told to stop in the last test may take this long to do so."""


def pytest_sessionstart() -> None:
    """Mark this run, so that the processes it starts can be told by their environment."""
    os.environ[_MARK] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a process that a test started, or that one started in turn, is still there."""
    patience = time.monotonic() + _SECONDS_TO_END
    while (left := _left_behind()) and time.monotonic() < patience:
        time.sleep(0.1)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for pid, command in left.items():
        reporter.write_line(f"left behind: process {pid}: {command}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn the skip of a test into a failure in CI."""
    report = yield
    return _no_skip_in_ci(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Turn the skip of a whole file into a failure in CI."""
    report = yield
    return _no_skip_in_ci(report)


def _no_skip_in_ci(report):
    if not (os.environ.get("CI") and report.skipped) or hasattr(report, "wasxfail"):
        return report
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if not reason.startswith(MAY_SKIP_IN_CI):
        report.outcome = "failed"
        report.longrepr = f"Skipped, which CI does not allow: {reason}"
    return report


def _left_behind() -> dict[int, str]:
    mark = f"{_MARK}={os.environ[_MARK]}".encode()
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark in (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        # This process's own entry shows the environment it was started with. A zombie has no command line, and
        # Python's own helper of `multiprocessing` ends with this process.
        if marked and command and "multiprocessing.resource_tracker" not in command:
            found[int(folder.name)] = command[:200]
    return found
