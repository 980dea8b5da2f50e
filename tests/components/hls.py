"""An independent validator of HLS playlists: hls-parser in its strict mode."""

from __future__ import annotations

import json
import subprocess

from tests.components.node import node, node_project

_JUDGE = """
import * as HLS from 'hls-parser';
HLS.setOptions({strictMode: true});
let text = '';
for await (const part of process.stdin) text += part;
console.log(JSON.stringify(HLS.parse(text)));
"""


def judged(text: str) -> dict:
    """What it reads in a playlist; one that breaks a rule fails the test."""
    command = [str(node()), "--input-type=module", "-e", _JUDGE]
    folder = node_project("tools")
    done = subprocess.run(command, input=text, cwd=folder, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
