from __future__ import annotations

from pathlib import Path

import pytest

from tests.components.environment import environment as running_stage

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Each test starts and kills servers several times."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    with running_stage(tmp_path_factory.mktemp("stage")) as running:
        yield running
