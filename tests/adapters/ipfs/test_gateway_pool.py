from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from tests.components.bad_gateway import bad_gateway
from tests.components.serving import serving
from wylloh_server.adapters.ipfs import GatewayDeadlines, GatewayPool
from wylloh_server.adapters.ipfs.cid import RAW, IpfsBlock, parse_cid
from wylloh_server.adapters.ipfs.gateway_client import GatewayClient
from wylloh_server.adapters.ipfs.gateway_pool import SIDE_BY_SIDE
from wylloh_server.domain.errors import BlockUnavailable
from wylloh_server.domain.ports.http import HttpReply
from wylloh_server.domain.types import Seconds

SHORT = GatewayDeadlines(connect=Seconds(3), begin=Seconds(2), pause=Seconds(2), block=Seconds(6))
BAD = ["corrupt", "truncate", "drop", "stall", "silent", "error"]


@pytest.fixture
def pool(client):
    return lambda *urls, deadlines=SHORT: GatewayPool(client, urls, deadlines)


@pytest.mark.parametrize("mode", BAD)
async def test_a_bad_gateway_is_left_for_the_next_and_then_avoided(mode, pool, publisher):
    root = parse_cid(publisher.root)
    async with bad_gateway(publisher.url, mode) as bad:
        gateways = pool(bad.url, publisher.url)
        block = await gateways.block(root)
        assert block.cid == root
        await gateways.block(root)
        assert len(bad.asked) == 1
        assert [bool(gateway.reason) for gateway in gateways.gateways] == [True, False]


@pytest.mark.parametrize("mode", BAD)
async def test_an_avoided_gateway_is_asked_all_the_same_if_nobody_else_can(mode, pool, publisher):
    async with bad_gateway(publisher.url, mode) as bad:
        gateways = pool(bad.url)
        with pytest.raises(BlockUnavailable):
            await gateways.block(parse_cid(publisher.root))
        bad.mode = "honest"
        await gateways.block(parse_cid(publisher.root))
        assert [gateway.reason for gateway in gateways.gateways] == [""]


async def test_when_all_fail_each_is_named_with_its_reason(pool, publisher):
    missing = IpfsBlock.of(RAW, b"nobody has this").cid
    async with bad_gateway(publisher.url, "error") as failing, bad_gateway(publisher.url, "silent") as silent:
        gone = "http://127.0.0.1:1"
        with pytest.raises(BlockUnavailable) as error:
            await pool(failing.url, silent.url, publisher.url + "/", gone).block(missing)
        text = str(error.value)
        assert f"{failing.url}: it answered 502" in text
        assert f"{silent.url}: it fell silent" in text
        assert f"{publisher.url}: it does not have it" in text
        assert gone in text
        assert error.value.fix


async def test_without_gateways_the_person_is_told(pool):
    with pytest.raises(BlockUnavailable) as error:
        await pool().block(IpfsBlock.of(RAW, b"").cid)
    assert "None is configured" in str(error.value)


async def test_an_endless_answer_is_cut_off(pool):
    from aiohttp import web

    sent = 0

    async def endless(request):
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(bytes(64 << 10))
            sent += 64 << 10

    async with serving(endless) as url:
        with pytest.raises(BlockUnavailable):
            await pool(url, deadlines=GatewayDeadlines()).block(IpfsBlock.of(RAW, b"").cid)
    assert sent < 64 << 20


async def test_a_trickle_is_cut_off(pool):
    import asyncio

    from aiohttp import web

    async def trickle(request):
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    async with serving(trickle) as url:
        with pytest.raises(BlockUnavailable):
            await pool(url).block(IpfsBlock.of(RAW, b"").cid)


FILM_BLOCK = IpfsBlock.of(RAW, bytes(600))
QUICK = GatewayDeadlines(rated=Seconds(0.3))


@asynccontextmanager
async def has_a_film_block(only=None):
    async def answer(request):
        if only is not None and only.cid.text not in request.path:
            raise web.HTTPNotFound
        return web.Response(body=FILM_BLOCK.data)

    async with serving(answer) as url:
        yield url


async def test_12_5_a_gateway_that_drips_is_left_for_an_honest_one(pool):
    async with has_a_film_block() as good, bad_gateway(good, "drip") as drips:
        gateways = pool(drips.url, good, deadlines=QUICK)
        assert (await gateways.block(FILM_BLOCK.cid)).data == FILM_BLOCK.data
        assert gateways.gateways[0].reason == "it sends fewer than 16,384 bytes a second"
        await gateways.block(FILM_BLOCK.cid)
        assert len(drips.asked) == 1, "and stays behind the others"


async def test_12_5_a_slow_gateway_is_waited_for_where_no_other_has_the_block(pool):
    async with has_a_film_block() as good, bad_gateway(good, "drip") as drips:
        alone = pool(drips.url, deadlines=QUICK)
        assert (await alone.block(FILM_BLOCK.cid)).data == FILM_BLOCK.data
        assert len(drips.asked) == 1
        beside = pool(drips.url, "http://127.0.0.1:1", deadlines=QUICK)
        assert (await beside.block(FILM_BLOCK.cid)).data == FILM_BLOCK.data
        assert beside.gateways[0].reason == "", "it gave what it was asked for"


async def test_12_5_who_waits_for_a_slow_gateway_holds_nobody_else_up(pool):
    """A film that only a dripping gateway has does not keep one from coming that an honest one has."""
    only_there = [IpfsBlock.of(RAW, bytes([number]) * 600) for number in range(1, 2 * SIDE_BY_SIDE)]
    asked = []

    async def drips(request):
        asked.append(request.path)
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.05)

    async with has_a_film_block(FILM_BLOCK) as good, serving(drips) as slow:
        gateways = pool(good, slow, deadlines=GatewayDeadlines(block=Seconds(600), rated=Seconds(0.3)))
        asking = [asyncio.create_task(gateways.block(block.cid)) for block in only_there]
        while len(set(asked)) < SIDE_BY_SIDE:
            await asyncio.sleep(0.01)
        block = await asyncio.wait_for(gateways.block(FILM_BLOCK.cid), 60)
        assert block.data == FILM_BLOCK.data
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def test_what_is_done_with_a_stream_is_not_the_gateway_s_time(client):
    async def pieces():
        for _ in range(4):
            yield bytes(10)

    slow_reader = GatewayClient("", client, QUICK)._paced(HttpReply(200, {}, pieces()), patient=False)
    read = 0
    async for piece in slow_reader:
        await asyncio.sleep(0.2)
        read += len(piece)
    assert read == 40


async def test_a_busy_gateway_is_left_alone_for_as_long_as_it_asks(pool, publisher):
    async def busy(request):
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "120"})

    async with serving(busy) as url:
        gateways = pool(url, publisher.url)
        await gateways.block(parse_cid(publisher.root))
        left = gateways.gateways[0].avoid_until - time.monotonic()
        assert 100 < left <= 120


async def test_no_redirect_is_followed(pool, publisher):
    from aiohttp import web

    async def elsewhere(request):
        raise web.HTTPFound(publisher.url + request.path_qs)

    async with serving(elsewhere) as url:
        with pytest.raises(BlockUnavailable) as error:
            await pool(url).block(parse_cid(publisher.root))
        assert "302" in str(error.value)


def test_a_gateway_named_twice_is_asked_once(pool):
    gateways = pool("http://one/", "http://two", "http://one").gateways
    assert [gateway.url for gateway in gateways] == ["http://one", "http://two"]


async def test_the_request_is_the_specifications(pool, publisher):
    publisher.gateway.asked.clear()
    await pool(publisher.url).block(parse_cid(publisher.root))
    assert publisher.gateway.asked == [f"/ipfs/{publisher.root}?format=raw"]
