#!/usr/bin/env python3
"""Run pytest. A few tests that failed run once more, without others beside them, and are named at the end.

    scripts/run_tests.py COMMAND…      the command that runs pytest, with its arguments

Tests wait for chains, browsers and encoders, on machines with other work. One that fails beside others and
passes alone is named, to be mended, and does not take the rest of the run with it. What fails twice has
failed; more than a few failures are never tried again, nor is a run that left processes behind.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

MOST = 12
"""Failures that are tried again: more of them are no accident."""
_FAILED = 1
"""How pytest ends when tests failed, and nothing else was wrong."""


def main(command: list[str]) -> int:
    """Run the tests; return pytest's exit code."""
    code, first = run(command)
    again = first.get("failed", [])
    if code != _FAILED or not 0 < len(again) <= MOST:
        return code
    _say(f"\nOnce more, without others beside them: {', '.join(again)}")
    code, second = run([*command, "--numprocesses=0"], again)
    if not code:
        _say("\n  ".join(("Mend these, which failed beside others and passed alone:", *again)))
    _say(f"\n{first['passed'] + second.get('passed', 0)} passed, {len(second.get('failed', again))} failed")
    return code


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(command: list[str], only: list[str] | None = None) -> tuple[int, dict[str, Any]]:
    """Run pytest; return its exit code and what `tests/conftest.py` wrote of the run.

    Args:
        command: what runs it.
        only: the tests to run, of those that the command names; all if None.
    """
    with tempfile.TemporaryDirectory() as folder:
        report, chosen = Path(folder) / "report.json", Path(folder) / "chosen.json"
        variables = {"WYLLOH_TEST_REPORT": str(report)}
        if only is not None:
            chosen.write_text(json.dumps(only), encoding="utf-8")
            variables["WYLLOH_TEST_ONLY"] = str(chosen)
        code = subprocess.run(command, env=os.environ | variables, check=False).returncode  # noqa: S603 - pytest
        return code, json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
