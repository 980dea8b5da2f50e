from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `store_samples`, beside the tests


@pytest.fixture
def store(plugin_app):
    """The plugin with three films that have tokens."""
    import store_samples

    def run(**options):
        return plugin_app("wylloh_store", **{"films": store_samples.FILMS} | options)

    return run
