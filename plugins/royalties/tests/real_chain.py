"""The plugin on a real chain: it is asked by somebody's wallet, and that wallet sends what it proposes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoint

from tests.components.evm import Contract, Evm
from tests.components.market import Market
from tests.components.registry import CHAIN_ID
from wylloh_royalties.splitter_sync import sync_of
from wylloh_server.adapters.chain import ChainLogReader, PoolContractReader, RpcPool
from wylloh_server.adapters.chain.contract_abi import calldata
from wylloh_server.adapters.chain.wallet_call_client import PoolWalletCalls
from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.storage import open_database
from wylloh_server.domain.access import Viewer
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.plugins import Dispatch, PluginRegistry, PluginServices
from wylloh_server.domain.plugin_pages import PluginRequest
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP
from wylloh_server.sdk import BlockNumber, Redirect, ErrorReply, Role, Wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.chain.indexer import Indexer
from wylloh_server.services.chain.chain_queries import ChainQueries
from wylloh_server.services.transactions.receipt_tracker import ReceiptTracker
from wylloh_server.services.transactions.transaction_log import TransactionLog
from wylloh_server.services.transactions.call_review import CallReview
from wylloh_server.services.transactions.transaction_service import TransactionService
from wylloh_server.sdk.testing.plugin_harness import SampleLibrary
from wylloh_server.sdk.testing.recorded_live import RecordedLive


@dataclass
class RoyaltiesClient:
    """The running plugin, and the chain it looks at."""

    evm: Evm
    registry: PluginRegistry
    indexer: Indexer
    transactions: TransactionService
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
        while not sync_of(self.context).idle:
            await asyncio.sleep(0.005)

    async def _answer(self, method: str, path: str, request: PluginRequest):
        for mounted in self.registry.routes():
            params = mounted.route.match(path) if mounted.route.method == method else None
            if params is not None:
                from dataclasses import replace

                return await Dispatch(self.registry).answer(mounted, replace(request, params=params))
        return ErrorReply(404, "no such route")


def viewer(wallet: str) -> Viewer:
    return Viewer("session", "device", Wallet(wallet.lower()), Role.VIEWER)


def _transactions(pool, storage, live, bus, chain) -> TransactionService:
    log = TransactionLog(transactions=storage.transactions, live=live, bus=bus)
    calls = PoolWalletCalls(pool)
    review = CallReview(calls=calls, chain_id=CHAIN_ID, chain=chain, trusted={})
    tracker = ReceiptTracker(log=log, calls=calls, clock=system_clock)
    return TransactionService(log=log, calls=calls, tracker=tracker, review=review, clock=system_clock)


@asynccontextmanager
async def royalties_on(url: str, market: Market, factory: Contract, data):
    """Run the plugin on a chain until the context ends."""
    contracts = Contracts(market.registry.address, market.store.address, factory.address)
    registry = PluginRegistry(points=[EntryPoint("royalties", "wylloh_royalties", ENTRY_POINT_GROUP)])
    registry.load()
    async with open_database(data / "wylloh.sqlite3") as database, RpcPool([url], CHAIN_ID) as pool:
        storage, bus, live = database.storage, EventBus(), RecordedLive()
        bus.listeners.append(registry.publish)
        indexer = Indexer(
            logs=ChainLogReader(pool, contracts.registry, contracts),
            history=storage.history,
            index=storage.chain_index,
            bus=bus,
            subject=repr(contracts),
            start_block=BlockNumber(0),
        )
        chain = ChainQueries(
            contracts=contracts,
            history=storage.history,
            coins=storage.coins,
            reader=PoolContractReader(pool),
            chain_id=CHAIN_ID,
        )
        royalties_client = _transactions(pool, storage, live, bus, chain)
        services = PluginServices(
            migrate=database.plugins.migrate,
            tables=database.plugins.tables,
            library=SampleLibrary(storage.films),
            publish=bus.publish,
            chain=chain,
            start_task=None,
            propose=royalties_client.propose,
            changed=live.changed,
            notify=live.notify,
        )
        async with registry.running(services):
            running = RoyaltiesClient(
                market.chain, registry, indexer, royalties_client, registry.plugin("royalties").context
            )
            await running.read_on()
            yield running
