from __future__ import annotations

import pytest

from tests.components.stage import stage as running_stage


@pytest.fixture(scope="package")
def stage(tmp_path_factory):
    with running_stage(tmp_path_factory.mktemp("stage")) as running:
        yield running
