"""The indexer on a real chain and a real database: starting, going on, reorgs of any depth, and trouble."""

from __future__ import annotations

import asyncio
import logging
import random
import subprocess
import sys
import tempfile
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, update

from tests.components.anvil import anvil
from tests.components.evm import Contract, Evm, Reverted
from tests.components.followed import Followed, everything, open_chain, replayed
from tests.components.market import DOLLAR
from tests.components.postgres import postgres
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.services.operations.scheduler import repeat_forever
from wylloh_server.storage import open_database
from wylloh_server.storage.chain_tables import events, films, state
from wylloh_server.domain.errors import ChainError, ChainUnavailable, StorageError
from wylloh_server.domain.events import ChainAdvanced
from wylloh_server.domain.chain_events import (
    Contracts,
    EventQuery,
    FilmCreated,
    IncomeCredited,
    IndexState,
    PackageChanged,
)
from wylloh_server.domain.types import BlockNumber

FOLLOWER = Path(__file__).with_name("_following.py")


@pytest.fixture(scope="module")
def node():
    with anvil() as node, closing(Evm(node.url)) as evm:
        yield open_chain(evm, node.url)


@pytest.fixture
def chain(node):
    snapshot = node.evm.snapshot()
    node.told.clear()
    yield node
    node.evm.revert(snapshot)


@pytest.fixture
async def storage(tmp_path):
    async with open_database(tmp_path / "wylloh.sqlite3") as database:
        yield database.storage


async def test_it_reads_all_there_is_and_says_so(chain, storage):
    await chain.catch_up(storage)
    assert (await storage.history.state()).block == chain.height
    assert chain.told == [ChainAdvanced(chain.height)]
    await chain.agrees(storage)


async def test_it_begins_where_the_settings_say(chain, storage):
    begin = BlockNumber(chain.height + 1)
    await chain.catch_up(storage, start_block=begin)
    assert await storage.history.state() == IndexState(None, None, None, None)
    chain.mint(chain.market.stranger)
    await chain.catch_up(storage, start_block=begin)
    (only,) = await storage.history.history()
    assert only.mark.block == begin


async def test_nothing_new_is_nothing_to_do(chain, storage):
    async with chain.indexer(storage) as indexer:
        await indexer.catch_up()
        chain.told.clear()
        before = await storage.history.changes(0, limit=1000)
        await indexer.catch_up()
        assert chain.told == []
        assert await storage.history.changes(0, limit=1000) == before


async def test_it_goes_on_where_it_stopped(chain, storage):
    await chain.catch_up(storage)
    chain.mint(chain.market.stranger, 5)
    first_new = chain.height
    chain.mine(3)
    async with rpc_proxy(chain.url) as proxy:
        asked = []
        proxy.refusal = lambda method, params: asked.append(params) if method == "eth_getLogs" else None
        await chain.catch_up(storage, url=proxy.url)
    assert [(int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16)) for params in asked] == [
        (first_new, first_new + 3)
    ]
    await chain.agrees(storage)


async def test_a_predecessors_last_words_are_repeated(chain, storage):
    """A process that was killed after it stored a stretch may not have told anybody."""
    await chain.catch_up(storage)
    chain.told.clear()
    await chain.catch_up(storage)
    assert chain.told == [ChainAdvanced(chain.height)]


@pytest.mark.parametrize("depth", range(1, 21))
async def test_reorgs_of_any_depth(chain, storage, depth):
    """Facts vanish, others appear, and one moves to another block; what is older stays as it was."""
    people = chain.market.people
    chain.mint(people[0], 100)
    for number in range(depth):
        chain.mint(people[number % 2], number + 1)
    chain.market.registry.safeTransferFrom(people[0], people[2], chain.market.film, 7, b"", by=people[0])
    async with chain.indexer(storage) as indexer:
        await indexer.catch_up()
        before = await storage.history.changes(0, limit=1000)
        fork = chain.height - depth
        moved = [[chain.mint_call(people[3], 3), depth - 1], [chain.mint_call(people[0], 1), depth // 2]]
        chain.evm.rpc("anvil_reorg", depth, moved)
        await indexer.catch_up()
        if depth > 1 or chain.height == fork + depth:
            await chain.agrees(storage)
    steps = (await storage.history.changes(before.cursor, limit=1000)).steps
    assert {step.added for step in steps} == {True, False}
    assert all(step.event.mark.block > fork for step in steps)
    assert await replayed(storage, 3) == list(
        await storage.history.history(EventQuery(newest_first=False, limit=1000))
    )


async def test_one_reorg_after_another(chain, storage):
    async with chain.indexer(storage) as indexer:
        for depth in (3, 1, 9, 2, 5):
            for number in range(10):
                chain.mint(chain.market.people[number % 3])
            await indexer.catch_up()
            chain.evm.rpc("anvil_reorg", depth, [[chain.mint_call(chain.market.people[3], depth), 0]])
            await indexer.catch_up()
            await chain.agrees(storage)


async def test_a_reorg_between_two_looks_at_a_longer_chain(chain, storage):
    """The new chain is longer than what was read, so that only the parent hash shows it."""
    snapshot = chain.evm.snapshot()
    chain.mint(chain.market.people[0], 5)
    async with chain.indexer(storage) as indexer:
        await indexer.catch_up()
        chain.evm.revert(snapshot)
        chain.mine(1)
        chain.mint(chain.market.people[1], 6)
        chain.mine(4)
        await indexer.catch_up()
    await chain.agrees(storage)
    assert chain.told[-1] == ChainAdvanced(chain.height)


async def test_a_node_that_lags_takes_nothing_back(chain, storage):
    """A chain that is shorter than what was read may be a slow node; only when it stays so is it believed."""
    chain.mint(chain.market.stranger, 5)
    async with chain.indexer(storage) as indexer:
        await indexer.catch_up()
        chain.told.clear()
        chain.evm.rpc("anvil_rollback", 1)
        for _ in range(4):
            await indexer.catch_up()
            assert (await storage.history.state()).block == chain.height + 1
        assert chain.told == []
        await indexer.catch_up()
        assert chain.told == [ChainAdvanced(chain.height)]
        await chain.agrees(storage)


async def test_a_provider_that_answers_n_then_n_less_one_then_n_drops_nothing(chain, storage):
    """Many nodes behind one address, of which some are a block behind."""
    chain.mint(chain.market.stranger, 5)
    behind = 0

    def header(question):
        block, whole = question["params"]
        number = hex(chain.height - behind) if block == "latest" else block
        found = chain.evm.rpc("eth_getBlockByNumber", number, whole)
        return {"jsonrpc": "2.0", "id": question["id"], "result": found}

    async with rpc_proxy(chain.url) as proxy, chain.indexer(storage, url=proxy.url) as indexer:
        proxy.answers["eth_getBlockByNumber"] = header
        await indexer.catch_up()
        known, cursor = await everything(storage, chain.token), (await replayed_cursor(storage))
        for behind in (1, 0, 1, 0, 1, 1, 0):
            await indexer.catch_up()
            assert await everything(storage, chain.token) == known
        assert await replayed_cursor(storage) == cursor
        await chain.agrees(storage)


async def replayed_cursor(storage):
    return (await storage.history.changes(0, limit=10_000)).cursor


async def test_kinds_that_an_older_version_did_not_record_are_added(chain, storage):
    chain.market.registry.setPackage(chain.market.film, "b" + "c" * 58, b"\1" * 32)
    await chain.catch_up(storage)
    async with storage.chain_index._connections.writing() as connection:
        await connection.execute(delete(events).where(events.c.kind == PackageChanged.__name__))
        await connection.execute(update(films).values(root=None, manifest_sha256=None))
        await connection.execute(update(state).values(kinds=[FilmCreated.__name__]))
    assert (await storage.chain_films.changed(0)).films == ()
    first = (await storage.history.changes(0, limit=10_000)).cursor
    chain.market.registry.setPackage(chain.market.film, "b" + "a" * 58, b"\1" * 32)
    chain.mint(chain.market.stranger, 5)
    await chain.catch_up(storage)
    await chain.agrees(storage)
    (film,) = (await storage.chain_films.changed(0)).films
    assert film.root == "b" + "a" * 58
    added = (await storage.history.changes(first, limit=10_000)).steps
    assert [type(step.event) for step in added].count(PackageChanged) == 2
    assert all(step.added for step in added)


async def test_a_shorter_chain_with_other_blocks_is_a_reorg_at_once(chain, storage):
    snapshot = chain.evm.snapshot()
    for _ in range(4):
        chain.mint(chain.market.people[0])
    async with chain.indexer(storage) as indexer:
        await indexer.catch_up()
        chain.evm.revert(snapshot)
        chain.mint(chain.market.people[1], 9)
        await indexer.catch_up()
        await chain.agrees(storage)


async def test_what_was_final_and_is_taken_back_is_said_aloud(caplog, storage):
    with anvil(slots_in_an_epoch=1) as node, closing(Evm(node.url)) as evm:
        chain = open_chain(evm, node.url)
        for _ in range(12):
            chain.mint(chain.market.people[0])
        async with chain.indexer(storage) as indexer:
            await indexer.catch_up()
            assert (await storage.history.state()).final > chain.height - 10
            chain.evm.rpc("anvil_reorg", 10, [[chain.mint_call(chain.market.people[1], 4), 0]])
            await indexer.catch_up()
            await chain.agrees(storage)
    (said,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "final" in said.message


async def test_another_chain_in_its_place_is_read_anew(storage):
    for people in (0, 1):
        with anvil(timestamp=1_700_000_000 + people) as node, closing(Evm(node.url)) as evm:
            chain = open_chain(evm, node.url)
            chain.mint(chain.market.people[people], 3)
            await chain.catch_up(storage)
            await chain.agrees(storage)


async def test_other_contracts_in_the_settings_mean_another_history(chain, storage, caplog):
    registry_only = Contracts(chain.contracts.registry, None, None)
    await chain.catch_up(storage, contracts=registry_only)
    known = await storage.history.count()
    await chain.catch_up(storage)
    assert await storage.history.count() > known
    assert f"{known} events were taken back" in caplog.text
    await chain.agrees(storage)
    assert await replayed(storage, 5) == list(await storage.history.history(EventQuery(newest_first=False)))


async def test_a_splitter_appears_and_vanishes_with_what_names_it(chain, storage):
    ann = chain.market.people[0]
    made = chain.factory.create(chain.market.owner, [(ann, 10_000, "all")], [])
    splitter = chain.evm.at("RoyaltySplitter", made.of(chain.factory)[0][1]["splitter"])
    chain.evm.send(splitter.address, value=9)
    splitter.distribute("0x" + "00" * 20)
    chain.mine(5)
    alone = Contracts(chain.contracts.registry, chain.contracts.store, None)
    async with chain.indexer(storage, contracts=alone) as indexer:
        await indexer.catch_up()
        assert await storage.history.count(EventQuery(contract=splitter.address)) == 0
        chain.market.new_film(9, receiver=splitter.address)
        await indexer.catch_up()
        (credited,) = await storage.history.history(
            EventQuery(kinds=[IncomeCredited], contract=splitter.address)
        )
        assert (credited.recipient, credited.amount) == (ann, 9)
        chain.evm.rpc("anvil_reorg", 1, [])
        await indexer.catch_up()
        assert await storage.history.count(EventQuery(contract=splitter.address)) == 0
        assert splitter.address not in await storage.chain_index.splitters()


async def test_while_nobody_answers_nothing_changes(chain, storage):
    async with rpc_proxy(chain.url) as proxy, chain.indexer(storage, url=proxy.url) as indexer:
        await indexer.catch_up()
        chain.mint(chain.market.stranger, 2)
        before = await everything(storage, chain.token)
        chain.told.clear()
        for trouble in (
            {"http_status": 503},
            {"body": b"<html>"},
            {"refusal": lambda *_: "too many requests"},
        ):
            vars(proxy).update(trouble)
            with pytest.raises(ChainError):
                await indexer.catch_up()
            assert await everything(storage, chain.token) == before
            vars(proxy).update({"http_status": 200, "body": None, "refusal": lambda *_: None})
        assert chain.told == []
        await indexer.catch_up()
        await chain.agrees(storage)


async def test_what_cannot_be_read_is_never_passed_over(chain, storage):
    """One block in the middle is refused: all before it is read, nothing after it."""
    chain.mint(chain.market.people[0])
    chain.mine(4)
    stone = chain.height
    chain.mint(chain.market.people[1])

    def refusal(method, params):
        if method != "eth_getLogs":
            return None
        first, last = (int(params[0][name], 16) for name in ("fromBlock", "toBlock"))
        return "try a smaller range" if first <= stone <= last else None

    async with rpc_proxy(chain.url) as proxy, chain.indexer(storage, url=proxy.url) as indexer:
        proxy.refusal = refusal
        with pytest.raises(ChainUnavailable, match="smaller range"):
            await indexer.catch_up()
        assert (await storage.history.state()).block == stone - 1
        assert chain.told[-1] == ChainAdvanced(stone - 1)
        proxy.refusal = lambda *_: None
        await indexer.catch_up()
    await chain.agrees(storage)


@pytest.mark.parametrize("known", [1, 4])
async def test_a_provider_that_tells_the_newest_blocks_late_loses_nothing(chain, storage, known, caplog):
    """Behind one address are many nodes; the one that tells logs may be behind the one that tells the head."""
    chain.mine(known)
    async with rpc_proxy(chain.url) as proxy, chain.indexer(storage, url=proxy.url) as indexer:
        await indexer.catch_up()
        logs_up_to = chain.height
        chain.mint(chain.market.people[0], 3)
        chain.mint(chain.market.people[1], 4)
        proxy.changed["eth_getLogs"] = lambda logs: [
            log for log in logs if int(log["blockNumber"], 16) <= logs_up_to
        ]
        await indexer.catch_up()
        assert (await storage.history.state()).block == chain.height
        chain.mint(chain.market.people[2], 5)
        await indexer.catch_up()
        missing = await storage.history.count()
        proxy.changed.clear()
        await indexer.catch_up()
        assert await storage.history.count() == missing  # nobody asks before there is another block
        chain.mine()
        await indexer.catch_up()
        assert await storage.history.count() == missing + 3
        assert "not told in full" in caplog.text
        caplog.clear()
        chain.mine()
        await indexer.catch_up()
        assert "not told in full" not in caplog.text
    await chain.agrees(storage)


async def test_two_servers_on_one_database_double_nothing(chain, storage):
    for _ in range(5):
        chain.mint(chain.market.people[0])
    async with chain.indexer(storage) as one, chain.indexer(storage) as other:
        outcomes = await asyncio.gather(one.catch_up(), other.catch_up(), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, StorageError) for outcome in outcomes)
        await one.catch_up()
        await other.catch_up()
    await chain.agrees(storage)


async def test_on_postgresql_as_well_with_two_servers_at_once(chain):
    with postgres() as url:
        async with open_database(url) as database, open_database(url) as other:
            people = chain.market.people
            for number in range(6):
                chain.mint(people[number % 3], number + 1)
            async with chain.indexer(database.storage) as one, chain.indexer(other.storage) as two:
                for _ in range(3):
                    outcomes = await asyncio.gather(one.catch_up(), two.catch_up(), return_exceptions=True)
                    assert all(outcome is None or isinstance(outcome, StorageError) for outcome in outcomes)
                    chain.evm.rpc("anvil_reorg", 3, [[chain.mint_call(people[3], 2), 1]])
                    chain.mine()
                await one.catch_up()
                await two.catch_up()
            await chain.agrees(database.storage)
            facts = await database.storage.history.history(EventQuery(newest_first=False, limit=1000))
            assert await replayed(other.storage, 4) == list(facts)


async def test_following_goes_on_through_trouble_until_it_is_cancelled(chain, storage, caplog):
    async with rpc_proxy(chain.url) as proxy, chain.indexer(storage, url=proxy.url) as indexer:
        following = asyncio.create_task(repeat_forever("following the chain", indexer.catch_up, 0.01))
        await eventually(lambda: chain.told)
        proxy.http_status = 503
        await eventually(lambda: "following the chain" in caplog.text)
        chain.mint(chain.market.stranger, 2)
        proxy.http_status = 200
        await eventually(lambda: chain.told[-1].block == chain.height)
        following.cancel()
        await asyncio.wait({following})
        assert following.cancelled()
    await chain.agrees(storage)


async def eventually(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def test_kill_9_at_any_moment_loses_and_doubles_nothing(chain, tmp_path):
    """Ranges of one block make many transactions; between and inside them the process is killed."""
    for number in range(60):
        chain.mint(chain.market.people[number % 4], number % 5)
    place, contracts = tmp_path / "wylloh.sqlite3", chain.contracts
    command = [sys.executable, FOLLOWER, place, contracts.registry, contracts.store, contracts.splitters]
    async with rpc_proxy(chain.url) as proxy:
        proxy.refusal = only_one_block
        reached = []
        for blocks in (1, 8, 17):
            process = await asyncio.create_subprocess_exec(*command, proxy.url, stdout=subprocess.PIPE)
            for _ in range(blocks):
                assert await process.stdout.readline()
            await asyncio.sleep(random.Random(blocks).random() / 50)
            process.kill()
            await process.communicate()
            async with open_database(place) as database:
                reached.append((await database.storage.history.state()).block)
        assert reached == sorted(set(reached))
        assert reached[-1] >= 26 - 1
    async with open_database(place) as database:
        await chain.catch_up(database.storage)
        await chain.agrees(database.storage)
        assert (
            len((await database.storage.history.changes(0, limit=1000)).steps)
            == await database.storage.history.count()
        )


def only_one_block(method, params):
    if method == "eth_getLogs" and params[0]["fromBlock"] != params[0]["toBlock"]:
        return "one block at a time"
    return None


person = st.integers(0, 3)
happening = st.one_of(
    st.tuples(st.just("mint"), person, st.integers(0, 5)),
    st.tuples(st.just("move"), person, person),
    st.tuples(st.just("buy"), person, st.integers(1, 3)),
    st.tuples(st.just("list"), person, st.integers(1, 2)),
    st.tuples(st.just("buy listed"), person, st.integers(1, 6)),
    st.tuples(st.just("film"), st.integers(0, 9), st.booleans()),
    st.tuples(st.just("package"), st.integers(0, 2), st.none()),
    st.tuples(st.just("ladder"), st.none(), st.integers(0, 5)),
    st.tuples(st.just("split"), person, person),
    st.tuples(st.just("earn"), st.integers(0, 3), st.integers(1, 9)),
    st.tuples(st.just("mine"), st.integers(1, 3), st.none()),
)
turn = st.one_of(
    happening,
    happening,
    st.tuples(st.just("look"), st.none(), st.none()),
    st.tuples(st.just("reorg"), st.integers(1, 20), st.integers(0, 3)),
    st.tuples(st.just("remember"), st.none(), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


class Story:
    """Lets things happen on the chain; what a contract refuses does not happen."""

    def __init__(self, chain: Followed) -> None:
        self.chain = chain
        self.begun = chain.height
        self.snapshots: list[str] = []
        self.splitters: list[Contract] = []
        self.rights: set[int] = set()

    def play(self, what: str, one, other) -> None:
        market, evm = self.chain.market, self.chain.evm
        match what:
            case "mint":
                self.chain.mint(market.people[one], other)
            case "move":
                market.registry.safeTransferFrom(
                    market.people[one], market.people[other], market.film, 1, b"", by=market.people[one]
                )
            case "buy":
                market.buy(other, 100 * DOLLAR, by=market.people[one])
            case "list":
                market.list(market.film, other, market.coin, DOLLAR, by=market.people[one])
            case "buy listed":
                market.buy_listed(other, 1, 100 * DOLLAR, by=market.people[one])
            case "film":
                receiver = self.splitters[-1].address if self.splitters and other else market.people[0]
                market.new_film(1_000 + one, receiver=receiver)
            case "package":
                market.registry.setPackage(market.film, "b" + "a" * 57 + "abc"[one], b"\1" * 32)
            case "ladder":
                self.rights.add(2 + other)  # whatever the chain has forgotten, more than that is no less
                more = [(number, f"right-{number}", [], 0) for number in sorted(self.rights)]
                market.registry.setLadder(market.film, [(1, "personal", [], 0), *more])
            case "split":
                shares = [(market.people[one], 10_000, "all")]
                made = self.chain.factory.create(market.people[other], shares, [])
                address = made.of(self.chain.factory)[0][1]["splitter"]
                self.splitters.append(evm.at("RoyaltySplitter", address))
            case "earn":
                splitter = self.splitters[one]
                evm.send(splitter.address, value=other)
                splitter.distribute("0x" + "00" * 20)
            case "mine":
                self.chain.mine(one)
            case "reorg":
                depth = min(one, self.chain.height - self.begun)
                self.snapshots.clear()  # anvil cannot go back to a block that it has lost
                evm.rpc("anvil_reorg", depth, [[self.chain.mint_call(market.people[other], 1), depth // 2]])
            case "remember":
                self.snapshots.append(evm.snapshot())
            case "forget":
                evm.revert(self.snapshots.pop())


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(turn, min_size=5, max_size=40), st.integers(1, 7), st.booleans())
def test_whatever_happens_the_tables_are_what_reading_anew_gives(turns, page, with_factory):
    # A chain for each story: anvil loses old states when many snapshots and reorgs follow one another.
    with anvil() as node, closing(Evm(node.url)) as evm:
        chain = open_chain(evm, node.url)
        factory = chain.factory.address if with_factory else None
        contracts = Contracts(chain.contracts.registry, chain.contracts.store, factory)
        asyncio.run(tell(chain, turns, page, contracts))


async def tell(chain: Followed, turns, page: int, contracts: Contracts) -> None:
    story = Story(chain)
    with tempfile.TemporaryDirectory() as folder:
        async with open_database(Path(folder) / "wylloh.sqlite3") as database:
            storage = database.storage
            async with chain.indexer(storage, contracts=contracts) as indexer:
                for turn in turns:
                    if turn[0] == "look":
                        await indexer.catch_up()
                        continue
                    with suppress(Reverted, RuntimeError, IndexError):
                        story.play(*turn)
                last = (await storage.history.state()).block or 0
                chain.mine(max(1, last - chain.height + 1))
                await indexer.catch_up()
            known = await everything(storage, chain.token)
            async with open_database(Path(folder) / "scratch.sqlite3") as scratch:
                async with chain.indexer(scratch.storage, contracts=contracts) as anew:
                    await anew.catch_up()
                assert known == await everything(scratch.storage, chain.token)
            assert known.block == chain.height
            for holder in known.holders:
                assert holder.amount == chain.market.registry.balanceOf(holder.wallet, chain.market.film)
            assert await replayed(storage, page) == list(known.facts)
