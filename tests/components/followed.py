"""A development chain with everything the indexer reads, what follows it, and what there is to know of it."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.components.evm import Contract, Evm
from tests.components.market import Market, open_market
from tests.components.registry import open_pool
from tests.fakes import FakeClock
from wylloh_server.adapters.chain import ChainLogReader, RegistryChain
from wylloh_server.storage import open_database
from wylloh_server.domain.chain_events import EventQuery, Contracts, TokensTransferred
from wylloh_server.domain.types import BlockNumber, ChainId, TokenReference, Wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.chain.indexer import Indexer


@dataclass
class Followed:
    """A development chain with a market, and what follows it."""

    evm: Evm
    market: Market
    factory: Contract
    url: str
    told: list = field(default_factory=list)

    @property
    def contracts(self) -> Contracts:
        return Contracts(self.market.registry.address, self.market.store.address, self.factory.address)

    @property
    def height(self) -> int:
        return int(self.evm.rpc("eth_blockNumber"), 16)

    @property
    def token(self) -> TokenReference:
        return TokenReference(ChainId(31337), self.market.registry.address, self.market.film)

    def mint(self, to: str, amount: int = 1) -> None:
        self.market.registry.mint(to, self.market.film, amount)

    def mint_call(self, to: str, amount: int) -> dict[str, str]:
        data = self.market.registry.data("mint", to, self.market.film, amount)
        # Named, because anvil would estimate it on the state before the reorg.
        gas = hex(300_000)
        return {"from": self.market.owner, "to": self.market.registry.address, "data": data, "gas": gas}

    def mine(self, count: int = 1) -> None:
        self.evm.rpc("anvil_mine", hex(count))

    @asynccontextmanager
    async def indexer(self, storage, url: str = "", **options):
        """An indexer as a process that has just started would make it."""
        bus = EventBus()
        bus.listeners.append(self.told.append)
        async with open_pool(url or self.url) as pool:
            contracts = options.pop("contracts", self.contracts)
            yield Indexer(
                logs=ChainLogReader(pool, contracts.registry, contracts),
                history=storage.history,
                index=storage.chain_index,
                bus=bus,
                timer=FakeClock(),
                **{"subject": repr(contracts), "start_block": BlockNumber(0), **options},
            )

    async def catch_up(self, storage, **options) -> None:
        async with self.indexer(storage, **options) as indexer:
            await indexer.catch_up()

    async def from_scratch(self):
        """Everything there is to know, read anew into an empty database."""
        with tempfile.TemporaryDirectory() as folder:
            async with open_database(Path(folder) / "scratch.sqlite3") as database:
                async with self.indexer(database.storage) as indexer:
                    await indexer.catch_up()
                return await everything(database.storage, self.token)

    async def agrees(self, storage) -> None:
        """Assert that the tables are what reading anew gives, and that holders are what the contract says."""
        known = await everything(storage, self.token)
        assert known == await self.from_scratch()
        for holder in known.holders:
            assert holder.amount == self.market.registry.balanceOf(holder.wallet, self.market.film)
            assert known.stacks[holder.wallet][self.token].holding == holder.amount
        await self._ladder_agrees(known)
        minted = sum(
            fact.amount
            for fact in known.facts
            if isinstance(fact, TokensTransferred) and fact.minted and fact.token == self.token
        )
        assert sum(holder.amount for holder in known.holders) == minted

    async def _ladder_agrees(self, known: Everything) -> None:
        """Assert that the ladder is the one that the contract itself gives."""
        for stacks in known.stacks.values():
            async with open_pool(self.url) as pool:
                live = await RegistryChain(pool).rights(Wallet("0x" + "1" * 40), self.token)
            assert stacks[self.token].ladder == live.stack.ladder
            break


@dataclass(frozen=True)
class Everything:
    facts: tuple
    holders: tuple
    count: int
    splitters: frozenset
    block: int
    films: tuple
    stacks: dict


async def everything(storage, token) -> Everything:
    history = storage.history
    return Everything(
        await history.history(EventQuery(newest_first=False, limit=100_000)),
        await history.holders(token, limit=100_000),
        await history.holder_count(token),
        await storage.chain_index.splitters(),
        (await history.state()).block,
        tuple(sorted((await storage.chain_films.changed(0)).films, key=lambda film: film.token)),
        {wallet: await storage.stacks.stacks(wallet, [token]) for wallet in await _wallets(history, token)},
    )


async def _wallets(history, token) -> list:
    return sorted(holder.wallet for holder in await history.holders(token, limit=100_000))


async def replayed(storage, page: int) -> list:
    """What somebody knows who reads the feed page by page."""
    cursor, known = 0, set()
    while (changes := await storage.history.changes(cursor, limit=page)).steps:
        for step in changes.steps:
            assert (step.event in known) is not step.added
            (known.add if step.added else known.remove)(step.event)
        cursor = changes.cursor
    return sorted(known, key=lambda fact: (fact.mark.block, fact.mark.index))


def open_chain(evm: Evm, url: str) -> Followed:
    return Followed(evm, open_market(evm), evm.deploy("RoyaltySplitterFactory"), url)
