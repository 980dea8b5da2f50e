"""A server keeps the chain's history: it says how far it is, and goes on after kill -9 and after an outage."""

from __future__ import annotations

from contextlib import asynccontextmanager, closing

import pytest

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.followed import open_chain
from tests.components.registry import ACCOUNTS
from tests.components.rpc_proxy import rpc_proxy
from tests.components.server import eventually, guest, running_server, server_settings
from wylloh_server.domain.chain_events import EventQuery
from wylloh_server.storage import open_database

PLUGINS = {"disabled": ["store", "royalties", "analytics", "tagging"]}


@pytest.fixture
def chain():
    with anvil() as node, closing(Evm(node.url)) as evm:
        yield open_chain(evm, node.url)


def settings_of(tmp_path, chain, rpc):
    contracts = chain.contracts
    section = {"rpc": [rpc], "id": 31337, "contract": contracts.registry, "poll_seconds": 0.2}
    section |= {"store": contracts.store, "splitters": contracts.splitters}
    return server_settings(tmp_path, chain=section, plugins=PLUGINS)


@asynccontextmanager
async def signed_in(server):
    """The owner's browser, signed in once: signing in is limited."""
    async with guest(server.url) as owner:
        assert (await owner.sign_in(ACCOUNTS[0], server.claim_code))[0] == 200
        yield owner


async def history_check(owner):
    """Return the check of the history as the owner reads it."""
    _, health = await owner.json("/healthz")
    return next(check for check in health["checks"] if check["name"] == "History")


async def history_of(server):
    """Return the check of the history, read by the owner."""
    async with signed_in(server) as owner:
        return await history_check(owner)


async def reads_up_to(server, chain):
    async with signed_in(server) as owner:

        async def there():
            expected = f"Read up to block {chain.height:,}, the newest."
            return (await history_check(owner))["sentence"] == expected

        await eventually(there)


async def test_it_is_followed_through_kill_9_and_an_outage(tmp_path, chain):
    async with rpc_proxy(chain.url) as proxy:
        async with running_server(settings_of(tmp_path, chain, proxy.url)) as server:
            await reads_up_to(server, chain)
            for number in range(5):
                chain.mint(chain.market.people[number % 4], number)
            server.kill()
            chain.mint(chain.market.stranger, 9)
            await server.start()
            await reads_up_to(server, chain)

            proxy.http_status = 503
            chain.mint(chain.market.stranger, 3)
            chain.evm.rpc("anvil_reorg", 4, [[chain.mint_call(chain.market.stranger, 2), 1]])
            chain.mine()
            proxy.http_status = 200
            await reads_up_to(server, chain)
            assert await server.stop() == 0
    async with open_database(tmp_path / "data" / "wylloh.sqlite3") as database:
        assert len(await database.storage.history.history(EventQuery(wallet=chain.market.stranger))) == 1
        await chain.agrees(database.storage)


async def test_without_a_chain_it_says_so(tmp_path):
    async with running_server(server_settings(tmp_path, plugins=PLUGINS)) as server:
        assert await history_of(server) == {
            "name": "History",
            "ok": True,
            "sentence": "No chain is followed.",
            "fix": "",
        }
