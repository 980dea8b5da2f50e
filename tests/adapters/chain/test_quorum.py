"""Who holds what is believed when it is fresh and enough nodes say so; who is silent, old or lies is named."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import pytest

from tests.components.anvil import anvil
from tests.components.registry import ACCOUNTS, deployed, open_pool, transfer
from tests.components.rpc_proxy import rpc_proxy
from tests.fakes import FakeClock
from wylloh_server.adapters.chain import (
    BlockAgeLimit,
    CallReverted,
    PoolContractReader,
    RegistryChain,
    quorum,
)
from wylloh_server.domain.errors import ChainUnavailable, NotFound
from wylloh_server.domain.types import Seconds, parse_wallet

HOLDER = parse_wallet(ACCOUNTS[1].address)
OTHER = parse_wallet(ACCOUNTS[2].address)
MINUTE = Seconds(60)
MANY_TOKENS = "0x" + f"{1000:064x}"
FOREVER = 3600
"""A deadline that no test waits for: who is silent is passed by, not waited out."""


@pytest.fixture(autouse=True)
def nobody_is_late(monkeypatch):
    """A machine that is slow for a moment decides nothing here."""
    monkeypatch.setattr(quorum, "PATIENCE", 60)


def liar(proxy, token):
    """Make a node answer that everybody holds 1,000 tokens of a film."""
    balance_of = "0x00fdd58e"

    def lie(question):
        data = question["params"][0]["data"]
        if data.startswith(balance_of) and data.endswith(f"{token.token_id:064x}"):
            return {"jsonrpc": "2.0", "id": question["id"], "result": MANY_TOKENS}
        return None

    proxy.answers = {"eth_call": lie}


@asynccontextmanager
async def witnesses(chain, registry, count, **options):
    """A pool over some proxies of one node, in order."""
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(rpc_proxy(chain.url)) for _ in range(count)]
        urls = [proxy.url for proxy in proxies]
        pool = await stack.enter_async_context(open_pool(*urls, contract=registry.contract, **options))
        yield pool, RegistryChain(pool), proxies


async def reasons(asked):
    """What is said of each node, in order, when everybody has been heard."""
    return [node.reason for node in (await asked.status()).nodes]


async def newest_time(pool):
    return int((await pool.request("eth_getBlockByNumber", ["latest", False]))["timestamp"], 16)


async def all_answered(pool):
    """Wait until those have answered, too, who did not matter for the verdict."""
    async with asyncio.timeout(30):
        while pool._quorums:  # noqa: SLF001 - nobody else waits for these
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_12_1_a_node_that_lies_about_a_holding_is_not_believed_and_named(
    chain, registry, place, caplog
):
    token = await registry.film()
    async with witnesses(chain, registry, 3) as (pool, asked, proxies):
        liar(proxies[place], token)
        assert (await asked.rights(HOLDER, token)).stack.holding == 0
        await all_answered(pool)
        said = await reasons(asked)
        assert "contradicts the other nodes" in said[place]
        assert [reason for at, reason in enumerate(said) if at != place] == ["", ""]
        assert (await asked.status()).usable
        (alarm,) = [line for line in caplog.records if "contradicts the other nodes" in line.getMessage()]
        assert alarm.levelname == "ERROR" and alarm.getMessage().startswith(pool.nodes[place].name)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("lie", ["the hash of an old block", "another time", "another number"])
async def test_12_1_a_node_that_lies_about_the_newest_block_is_not_believed_and_named(
    chain, registry, place, lie
):
    """Who asks at the hash of a block in which the wallet still held its token gets an honest answer."""
    token = await registry.film()
    await registry.mint(token, HOLDER, 1)
    old = await registry.pool.request("eth_getBlockByNumber", ["latest", False])
    await registry.send(transfer(token, HOLDER, OTHER, 1), ACCOUNTS[1])
    newest = await registry.pool.request("eth_getBlockByNumber", ["latest", False])
    lies = {
        "the hash of an old block": newest | {"hash": old["hash"]},
        "another time": newest | {"timestamp": hex(int(newest["timestamp"], 16) + 1)},
        "another number": newest | {"number": old["number"]},
    }
    async with witnesses(chain, registry, 3) as (pool, asked, proxies):
        proxies[place].answers = {"eth_getBlockByNumber": partial(latest_block, lies[lie])}
        assert (await asked.rights(HOLDER, token)).stack.holding == 0
        await all_answered(pool)
        said = await reasons(asked)
        assert "contradicts the other nodes" in said[place]
        assert [reason for at, reason in enumerate(said) if at != place] == ["", ""]


def latest_block(block, question):
    if question["params"][0] != "latest":
        return None
    return {"jsonrpc": "2.0", "id": question["id"], "result": block}


async def test_12_1_a_node_that_answers_heads_and_hangs_on_calls_keeps_nobody_waiting(
    chain, registry, monkeypatch
):
    """The other two are not at the same height; the first decision may take PATIENCE, later ones no time."""
    monkeypatch.setattr(quorum, "PATIENCE", 2.0)  # enough for the honest ones on a busy machine
    token = await registry.film()
    async with witnesses(chain, registry, 3, deadline=FOREVER) as (pool, asked, proxies):
        proxies[2].pinned = int(await registry.pool.request("eth_blockNumber", []), 16)
        await registry.pool.request("anvil_mine", ["0x1"])
        async with hanging(proxies[0], "eth_call"), asyncio.timeout(120):
            held = await asked.rights(HOLDER, token)
            assert (held.stack.holding, held.block) == (0, proxies[2].pinned)
            monkeypatch.setattr(quorum, "PATIENCE", FOREVER)
            assert (await asked.rights(HOLDER, token)).block == proxies[2].pinned


@asynccontextmanager
async def hanging(proxy, method):
    """Have a node leave all questions of a kind without an answer."""
    gate = asyncio.Event()

    async def before(asked):
        if asked == method:
            await gate.wait()

    proxy.before = before
    try:
        yield
    finally:
        gate.set()


@pytest.mark.parametrize("words", ["rate limit exceeded", "invalid argument 1: cannot unmarshal object"])
async def test_12_1_nodes_that_refuse_do_not_contradict_each_other_and_doctor_names_them(
    chain, registry, words
):
    """They answer for their newest block, and refuse calls, or those at the hash of a block (EIP-1898)."""
    token = await registry.film()
    async with witnesses(chain, registry, 3) as (_, asked, proxies):
        for proxy in proxies[:2]:
            proxy.refusal = lambda method, params: words if method == "eth_call" else None
        with pytest.raises(
            ChainUnavailable, match=rf"2 nodes must agree, and only 1 of 3.*{words}"
        ) as caught:
            await asked.rights(HOLDER, token)
        assert "contradict" not in str(caught.value)
        status = await asked.status()
        assert (status.usable, [node.usable for node in status.nodes]) == (False, [False, False, True])
        assert all("EIP-1898" in node.reason and words in node.reason for node in status.nodes[:2])
        assert words in status.reason


async def test_12_1_of_two_nodes_that_contradict_each_other_neither_is_believed(chain, registry):
    token = await registry.film()
    async with witnesses(chain, registry, 2) as (_, asked, proxies):
        liar(proxies[0], token)
        with pytest.raises(ChainUnavailable, match="contradict each other") as caught:
            await asked.rights(HOLDER, token)
        assert str(caught.value).count("http://127.0.0.1") == 2
        assert "doctor" in caught.value.fix


async def test_12_1_a_node_that_lies_about_a_signature_is_not_believed(chain, registry):
    async with witnesses(chain, registry, 3) as (_, asked, proxies):
        proxies[0].instead = {"eth_getCode": "0x60", "eth_call": "0x1626ba7e" + "00" * 28}
        assert not await asked.signed_message(OTHER, "let me in", "0x" + "11" * 65)
    async with witnesses(chain, registry, 1) as (_, asked, proxies):
        proxies[0].instead = {"eth_getCode": "0x60", "eth_call": "0x1626ba7e" + "00" * 28}
        assert await asked.signed_message(OTHER, "let me in", "0x" + "11" * 65), "the lie is one"


async def test_12_1_a_node_51_blocks_behind_is_outvoted_and_named(chain, registry):
    token = await registry.film()
    await registry.mint(token, HOLDER, 1)
    async with witnesses(chain, registry, 3) as (_, asked, proxies):
        proxies[0].pinned = int(await registry.pool.request("eth_blockNumber", []), 16)
        await registry.send(transfer(token, HOLDER, OTHER, 1), ACCOUNTS[1])
        await registry.pool.request("anvil_mine", ["0x32"])
        assert (await asked.rights(HOLDER, token)).stack.holding == 0
        assert await reasons(asked) == ["it is 51 blocks behind the others", "", ""]


async def test_12_1_a_silent_node_is_not_waited_for(chain, registry, monkeypatch):
    monkeypatch.setattr(quorum, "PATIENCE", 0.1)
    token = await registry.film()
    async with witnesses(chain, registry, 3, deadline=FOREVER) as (pool, asked, proxies):
        proxies[0].stalled = True
        async with asyncio.timeout(30):
            assert (await asked.rights(HOLDER, token)).stack.holding == 0
            assert await PoolContractReader(pool).native_balance(OTHER) > 0
            asked_before = proxies[0].requests
            assert await PoolContractReader(pool).has_code(registry.contract)
        assert proxies[0].requests == asked_before, "one that kept somebody waiting is asked last"


async def test_12_1_of_two_nodes_both_must_answer_unless_one_is_enough_by_setting(chain, registry):
    token = await registry.film()
    async with witnesses(chain, registry, 2) as (_, asked, proxies):
        proxies[1].http_status = 503
        with pytest.raises(ChainUnavailable, match=r"2 nodes must agree, and only 1.*HTTP status 503"):
            await asked.rights(HOLDER, token)
        status = await asked.status()
        assert (status.usable, [node.usable for node in status.nodes]) == (False, [True, False])
        assert "chain.quorum" in status.fix
    async with witnesses(chain, registry, 2, quorum=1) as (_, asked, proxies):
        proxies[0].http_status = 503
        assert (await asked.rights(HOLDER, token)).stack.holding == 0
        assert (await asked.status()).usable


async def test_12_1_what_is_no_holding_is_agreed_on_as_well(chain, registry):
    unknown = registry.new_token()
    async with witnesses(chain, registry, 3) as (_, asked, proxies):
        proxies[0].http_status = 503
        with pytest.raises(NotFound):
            await asked.rights(HOLDER, unknown)


async def test_9_a_node_whose_newest_block_is_old_is_not_asked():
    """It stopped following while the wallet still held a token; the honest one comes second."""
    with anvil() as chain:
        async with deployed(chain.url) as registry:
            token = await registry.film()
            await registry.mint(token, HOLDER, 1)
            clock = FakeClock(await newest_time(registry.pool))
            limits = {"age": BlockAgeLimit(MINUTE, clock), "quorum": 1}
            async with witnesses(chain, registry, 2, **limits) as (pool, asked, proxies):
                proxies[0].pinned = int(await registry.pool.request("eth_blockNumber", []), 16)
                await registry.send(transfer(token, HOLDER, OTHER, 1), ACCOUNTS[1])
                await registry.pool.request("evm_increaseTime", [3600])
                await registry.pool.request("evm_mine", [])
                clock.now = await newest_time(registry.pool)
                assert (await asked.rights(HOLDER, token)).stack.holding == 0
                said = await reasons(asked)
                assert "newest block" in said[0]
                assert said[0].endswith(" s old")
                assert said[1] == ""
                assert int(await pool.request("eth_blockNumber", []), 16) > proxies[0].pinned


async def test_9_nothing_is_decided_on_an_old_block_or_by_a_clock_that_is_wrong(chain, registry):
    token = await registry.film()
    clock = FakeClock(await newest_time(registry.pool))
    async with witnesses(chain, registry, 1, age=BlockAgeLimit(MINUTE, clock)) as (pool, asked, _):
        assert (await asked.rights(HOLDER, token)).stack.holding == 0
        clock.now += MINUTE + 1
        with pytest.raises(ChainUnavailable, match=r"newest block, \d[\d,]*, is 61 s old"):
            await asked.rights(HOLDER, token)
        with pytest.raises(ChainUnavailable, match="61 s old"):
            await pool.request("eth_blockNumber", [])
        clock.now -= 2 * (MINUTE + 1)
        with pytest.raises(ChainUnavailable, match="61 s ahead of this server's clock"):
            await asked.rights(HOLDER, token)
        assert not (await asked.status()).usable


async def test_9_tokens_count_only_after_some_blocks_where_that_is_asked_for():
    with anvil() as chain:
        async with deployed(chain.url) as registry:
            asked = RegistryChain(registry.pool)
            token = await registry.film()
            await registry.mint(token, HOLDER, 3)
            held = await asked.rights(HOLDER, token, confirmations=5)
            assert (held.stack.holding, held.unsettled) == (0, 3)
            await registry.pool.request("anvil_mine", ["0x5"])
            await registry.mint(token, HOLDER, 4)
            held = await asked.rights(HOLDER, token, confirmations=5)
            assert (held.stack.holding, held.unsettled) == (3, 4)
            await registry.send(transfer(token, HOLDER, OTHER, 6), ACCOUNTS[1])
            held = await asked.rights(HOLDER, token, confirmations=5)
            assert (held.stack.holding, held.unsettled) == (1, 0), "what was sold does not count"


async def test_a_revert_needs_agreement_too(chain, registry):
    async with witnesses(chain, registry, 3) as (pool, _, proxies):
        proxies[0].answers = {
            "eth_call": lambda question: {"id": question["id"], "error": {"code": 3, "message": "revert"}}
        }

        async def question(ask, block):
            return await ask(
                "eth_call", [{"to": registry.contract, "data": "0x01ffc9a7" + "00" * 32}, "latest"]
            )

        assert await pool.agreed(question) == "0x" + "00" * 32
        for proxy in proxies:
            proxy.answers = proxies[0].answers
        with pytest.raises(CallReverted):
            await pool.agreed(question)
