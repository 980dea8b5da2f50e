"""One development chain for these tests. A test takes a publisher's server, a holder's, or both."""

from __future__ import annotations

import pytest

from tests.components.anvil import anvil
from tests.components.custodian import custodian_door
from tests.components.good_gateway import good_gateway
from tests.components.registry import deployed
from tests.fakes import FakeClock
from tests.services.server_environment import server_environment
from wylloh_server.storage import open_database


@pytest.fixture(scope="session")
def chain():
    with anvil() as node:
        yield node


@pytest.fixture
async def registry(chain):
    async with deployed(chain.url) as registry:
        yield registry


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
async def storage(tmp_path):
    async with open_database(tmp_path / "test.sqlite") as database:
        yield database.storage


@pytest.fixture
async def publisher(tmp_path, registry, clock):
    async with server_environment(tmp_path / "publisher", registry, clock) as server:
        yield server


@pytest.fixture
async def holder(tmp_path, registry, clock, publisher):
    """Another server, which asks the publisher's for blocks."""
    async with (
        server_environment(tmp_path / "holder", registry, clock) as server,
        good_gateway(publisher.packages) as gateway,
    ):
        server.gateways.use([gateway.url])
        yield server


@pytest.fixture
async def loopback(publisher):
    async with custodian_door(publisher.custody) as loopback:
        yield loopback
