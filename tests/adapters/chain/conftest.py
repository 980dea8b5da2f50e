"""One development chain for these tests; each test that needs a registry deploys its own."""

from __future__ import annotations

import pytest

from tests.components.anvil import anvil
from tests.components.registry import deployed, open_pool


@pytest.fixture(scope="session")
def chain():
    with anvil() as node:
        yield node


@pytest.fixture
async def registry(chain):
    async with deployed(chain.url) as registry:
        yield registry


@pytest.fixture
async def pool(chain):
    async with open_pool(chain.url) as pool:
        yield pool
