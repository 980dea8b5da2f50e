"""The plugin on a real chain: it is asked by somebody's wallet, and that wallet sends what it proposes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from tests.components.evm import Contract, Evm
from tests.components.market import Market
from tests.components.registry import CHAIN_ID
from wylloh_royalties.keeper import keeper_of
from wylloh_server.adapters.chain import ChainHistory, PoolReader, RpcPool
from wylloh_server.adapters.chain.reader import calldata
from wylloh_server.adapters.chain.wallet_calls import PoolWalletCalls
from wylloh_server.adapters.clock import system_clock
from wylloh_server.adapters.database import open_database
from wylloh_server.domain.access import Viewer
from wylloh_server.domain.onchain import Contracts
from wylloh_server.hooks import Dispatch, PluginRegistry, PluginRequest, PluginServices
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP
from wylloh_server.sdk import BlockNumber, Redirect, Refusal, Role, Wallet
from wylloh_server.services.bus import Bus
from wylloh_server.services.indexer import Indexer
from wylloh_server.services.onchain import OnChain
from wylloh_server.services.transactions import Follower, Ledger, TransactionDesk
from wylloh_server.testing._app import SampleLibrary
from wylloh_server.testing._live import RecordedLive


@dataclass
class Desk:
    """The running plugin, and the chain it looks at."""

    evm: Evm
    registry: PluginRegistry
    indexer: Indexer
    transactions: TransactionDesk
    context: object

    async def get(self, path: str, by: str, **query: str):
        return await self._answer("GET", path, PluginRequest(viewer(by), query=query))

    async def post(self, path: str, by: str, form):
        return await self._answer("POST", path, PluginRequest(viewer(by), form=form))

    async def confirm(self, path: str, by: str, form) -> None:
        """Post a form, and let the wallet send every call of what was proposed."""
        reply = await self.post(path, by, form)
        assert isinstance(reply, Redirect), reply.values.get("error") if hasattr(reply, "values") else reply
        transaction = await self.transactions.get(viewer(by).wallet, reply.to.rpartition("/")[2])
        for call in transaction.proposal.calls:
            data = "0x" + calldata(call.function, call.arguments).hex()
            self.evm.send(call.to, data, by=by, value=call.value)
        await self.read_on()

    async def read_on(self) -> None:
        """Let the server read what is new on the chain."""
        await self.indexer.catch_up()
        await self.registry.settled()
        while not keeper_of(self.context).idle:
            await asyncio.sleep(0.005)

    async def _answer(self, method: str, path: str, request: PluginRequest):
        for mounted in self.registry.routes():
            params = mounted.route.match(path) if mounted.route.method == method else None
            if params is not None:
                from dataclasses import replace

                return await Dispatch(self.registry).answer(mounted, replace(request, params=params))
        return Refusal(404, "no such route")


def viewer(wallet: str) -> Viewer:
    return Viewer("session", "device", Wallet(wallet.lower()), Role.VIEWER)


@asynccontextmanager
async def royalties_on(url: str, market: Market, factory: Contract, data):
    """Run the plugin on a chain until the context ends."""
    contracts = Contracts(market.registry.address, market.store.address, factory.address)
    registry = PluginRegistry(points=[EntryPoint("royalties", "wylloh_royalties", ENTRY_POINT_GROUP)])
    registry.load()
    async with open_database(data / "wylloh.sqlite3") as database, RpcPool([url], CHAIN_ID) as pool:
        storage, bus, live = database.storage, Bus(), RecordedLive()
        bus.subscribe(registry.publish)
        ledger = Ledger(transactions=storage.transactions, live=live, bus=bus)
        calls = PoolWalletCalls(pool)
        follower = Follower(ledger=ledger, calls=calls, clock=system_clock)
        desk = TransactionDesk(ledger=ledger, calls=calls, follower=follower, clock=system_clock)
        indexer = Indexer(
            logs=ChainHistory(pool, contracts.registry, contracts),
            history=storage.history,
            index=storage.chain_index,
            bus=bus,
            clock=system_clock,
            subject=repr(contracts),
            start_block=BlockNumber(0),
        )
        chain = OnChain(
            contracts=contracts,
            history=storage.history,
            coins=storage.coins,
            reader=PoolReader(pool),
            chain_id=CHAIN_ID,
        )
        services = PluginServices(
            database=database.plugins,
            library=SampleLibrary(storage.films),
            publish=bus.publish,
            chain=chain,
            tasks=None,
            transactions=desk,
            live=live,
        )
        async with registry.running(services):
            running = Desk(market.chain, registry, indexer, desk, registry.plugin("royalties").context)
            await running.read_on()
            yield running
