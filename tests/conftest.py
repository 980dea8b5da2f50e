"""Rules for every test: in CI nothing is skipped for want of a program, and no process is left behind.

Several processes share the work (pytest-xdist): a file at a time, or all of a folder whose tests share one
expensive thing, such as a running demo.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.components import stuck_tasks

MAY_SKIP_IN_CI = ("cannot be installed: ",)
"""How the reason of a skip must begin to be let through in CI. Everything else can be installed there."""

TOGETHER = ("tests/e2e/", "tests/transactions/")
"""Folders whose tests share one demo or server."""

FIRST = (*TOGETHER, "tests/operations/", "tests/bench/", "tests/app/", "tests/cli/")
"""What takes longest; were it last, all processes but one would have nothing left to do."""

_MARK = "WYLLOH_TEST_RUN"
_REPORT, _ONLY = "WYLLOH_TEST_REPORT", "WYLLOH_TEST_ONLY"
"""Files by which `scripts/run_tests.py` learns how a run went, and says which tests to run."""
_LEFT_BEHIND = 10
"""The exit code of a run that left processes behind: none of pytest's own."""
_SECONDS_TO_END = 3
"""What was told to stop in the last test may take this long to do so."""


class ByFolder(LoadScopeScheduling):
    """Gives each process a file, or one of the folders `TOGETHER`."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than cores: tests wait a third of their time, for a chain, a browser or a film."""
    return 1 + (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log) -> ByFolder:
    return ByFolder(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest; keep only the tests that `scripts/run_tests.py` chose, if it did."""
    if chosen := os.environ.get(_ONLY):
        only = set(json.loads(Path(chosen).read_text()))
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in only])
        items[:] = [item for item in items if item.nodeid in only]
    items.sort(key=lambda item: not item.nodeid.startswith(FIRST))


def pytest_sessionstart(session: pytest.Session) -> None:
    """Mark this run, so that the processes it starts can be told by their environment."""
    if not _is_helper(session):
        os.environ[_MARK] = uuid.uuid4().hex


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a process that a test started, or that one started in turn, is still there."""
    if _is_helper(session):
        return
    patience = time.monotonic() + _SECONDS_TO_END
    while (left := _left_behind()) and time.monotonic() < patience:
        time.sleep(0.1)
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for pid, command in left.items():
        reporter.write_line(f"left behind: process {pid}: {command}", red=True)
        session.exitstatus = _LEFT_BEHIND
    if report := os.environ.get(_REPORT):
        broken = [one.nodeid for kind in ("failed", "error") for one in reporter.stats.get(kind, [])]
        passed = len({one.nodeid for one in reporter.stats.get("passed", [])} - set(broken))
        Path(report).write_text(json.dumps({"passed": passed, "failed": sorted(set(broken))}))


def _is_helper(session: pytest.Session) -> bool:
    """Whether this process runs tests for another, which looks after the whole run."""
    return hasattr(session.config, "workerinput")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Turn the skip of a test into a failure in CI; of a test that hangs, say what its tasks wait for."""
    report = yield
    if call.excinfo is not None and "pytest-timeout" in str(call.excinfo.value):
        report.sections.append(("tasks that had not ended", stuck_tasks.stacks()))
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
            # This process's own entry shows the environment it was started with. A zombie has no command line.
            if marked and command and not _ends_with_us(folder, command):
                found[int(folder.name)] = command[:200]
        except OSError:
            continue
    return found


def _ends_with_us(process: Path, command: str) -> bool:
    """Whether a process is one of Python's own helpers of `multiprocessing`. What they forked is not."""
    if "multiprocessing.resource_tracker" in command:
        return True
    parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
    return "multiprocessing.forkserver" in command and parent == os.getpid()
