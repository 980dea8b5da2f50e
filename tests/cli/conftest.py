from __future__ import annotations

import pytest

from tests.components.environment import chain_with_registry


@pytest.fixture(scope="session")
def chain():
    with chain_with_registry() as running:
        yield running
