"""The browser's pure modules, tested by node's own runner."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tests.components.node import node

FOLDER = Path(__file__).parent / "static"


def test_the_tests_of_scripts_pass():
    files = sorted(FOLDER.glob("*.test.mjs"))
    command = [node(), "--import", FOLDER / "resolve.mjs", "--test", "--test-reporter=tap", *files]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"^# pass (\d+)$", run.stdout, re.MULTILINE)
    assert passed, run.stdout
    assert int(passed[1]) >= len(files)
