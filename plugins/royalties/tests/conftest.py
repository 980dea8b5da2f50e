from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # `royalty_samples`, beside the tests


@pytest.fixture
def royalties(plugin_app):
    """The plugin with two films that have tokens."""
    import royalty_samples

    def run(**options):
        return plugin_app("wylloh_royalties", **{"films": royalty_samples.FILMS} | options)

    return run
