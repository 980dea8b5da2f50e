"""The bounds of `make house`: a change that breaks one has to make room again in the same change."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BOUNDS = {
    "classes": 0,
    "modules": 0,
    "protocols": 20,
    "forwarders": 1,
    "machinery-files": 23,  # ten of them are the processes of plugins
    "machinery-lines": 4_350,
    "lines": 79_500,  # grows with what the product can do, never by repeating itself
    "docstrings": 0,
    "longest-function": 50,
    "services-circles": 0,
    "adapters-circles": 0,
}


@pytest.fixture(scope="module")
def figures() -> dict[str, dict]:
    command = [sys.executable, str(ROOT / "scripts" / "house.py"), "--json"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return {figure["key"]: figure for figure in json.loads(printed)}


def test_the_whole_product_is_measured(figures: dict[str, dict]) -> None:
    assert figures.keys() >= BOUNDS.keys()
    for key in ("protocols", "machinery-files", "machinery-lines", "lines", "longest-function"):
        assert figures[key]["value"] > 0, key


@pytest.mark.parametrize("key", BOUNDS)
def test_a_figure_stays_within_its_bound(figures: dict[str, dict], key: str) -> None:
    figure = figures[key]
    places = "\n".join(figure["places"])
    assert figure["value"] <= BOUNDS[key], f"{figure['title']}: {figure['value']} > {BOUNDS[key]}\n{places}"
