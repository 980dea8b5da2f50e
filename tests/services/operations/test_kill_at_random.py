"""`kill -9` at fifty random moments: every task ends once, and none runs twice at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

_SERVER = Path(__file__).with_name("_killed_server.py")
_SEED, _KILLS = 20261129, 50


def test_kill_9_at_fifty_random_moments(tmp_path):
    done = subprocess.run(
        [sys.executable, _SERVER, tmp_path, str(_SEED), str(_KILLS)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.stdout == "ended 0\n", done.stderr
    rows = json.loads((tmp_path / "result.json").read_text())
    states = Counter((kind, state) for kind, state, _ in rows)
    kinds = ("pull", "upload", "prepare", "register")
    assert states == {(kind, "done"): 11 for kind in kinds}, rows
    assert not (tmp_path / "twice").exists(), (tmp_path / "twice").read_text()
