from __future__ import annotations

import asyncio
import io
import random
import socket
import time

import aiohttp
import pytest

from wylloh_server.domain.errors import BlockUnavailable
from wylloh_server.adapters.ffmpeg.loopback import LoopbackMediaServer

FILM = random.Random(1).randbytes(3_000_000)


class Memory:
    """A source in memory; fails from `breaks_at` on."""

    size = len(FILM)

    def __init__(self, breaks_at=None):
        self.breaks_at = breaks_at

    async def read(self, offset, length):
        if self.breaks_at is not None and offset + length > self.breaks_at:
            raise BlockUnavailable("a block is missing")
        return FILM[offset : offset + length]

    async def close(self):
        raise AssertionError("the loopback does not own the source")


@pytest.fixture
async def loopback():
    async with LoopbackMediaServer(segment_limit=1_000_000) as loopback:
        yield loopback


@pytest.fixture
async def client():
    async with aiohttp.ClientSession() as client:
        yield client


@pytest.mark.parametrize(
    ("header", "start", "stop"),
    [
        ("bytes=0-", 0, len(FILM)),
        ("bytes=1048570-2097160", 1048570, 2097161),
        ("bytes=2999999-9999999", 2999999, None),
    ],
)
async def test_a_range_is_given(loopback, client, header, start, stop):
    async with loopback.serve(Memory()) as url, client.get(url, headers={"Range": header}) as reply:
        assert reply.status == 206
        assert await reply.read() == FILM[start:stop]
        assert reply.headers["Content-Range"] == f"bytes {start}-{(stop or len(FILM)) - 1}/{len(FILM)}"


async def test_without_range_everything_is_given(loopback, client):
    async with loopback.serve(Memory()) as url:
        async with client.get(url) as reply:
            assert (reply.status, await reply.read()) == (200, FILM)
        async with client.head(url) as reply:
            assert reply.headers["Accept-Ranges"] == "bytes"
            assert reply.headers["Content-Length"] == str(len(FILM))


@pytest.mark.parametrize("header", ["bytes=3000000-", "bytes=-5", "bytes=1-2,4-5", "lines=1-2"])
async def test_another_range_is_refused(loopback, client, header):
    async with loopback.serve(Memory()) as url, client.get(url, headers={"Range": header}) as reply:
        assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{len(FILM)}")


async def test_a_source_that_fails_breaks_the_connection(loopback, client):
    async with loopback.serve(Memory(breaks_at=2_000_000)) as url:
        with pytest.raises(aiohttp.ClientError):
            async with client.get(url) as reply:
                await reply.read()


async def test_paths_cannot_be_guessed_and_are_gone_after_the_loan(loopback, client):
    async with loopback.serve(Memory()) as one, loopback.serve(Memory()) as other:
        assert one != other
        assert one.startswith("http://127.0.0.1:")
        assert len(one.rpartition("/")[2]) >= 32
        base = one.rpartition("/")[0]
        for url in (base, f"{base}/", f"{base}/{'a' * 32}", one.replace("/film/", "/made/")):
            async with client.get(url) as reply:
                assert reply.status == 404
    async with client.get(one) as reply:
        assert reply.status == 404


async def test_whole_bodies_are_handed_on(loopback, client):
    got = []

    async def sink(name, data):
        got.append((name, data))

    async with loopback.accept(sink) as url:
        for name in ("init.mp4", "0.m4s", "list.m3u8", "x.sh", "0.m4s.exe"):
            async with client.put(url + name, data=FILM[:300_000], chunked=True) as reply:
                assert reply.status == 200
        async with client.get(url + "init.mp4") as reply:
            assert reply.status == 404
    assert got == [("init.mp4", FILM[:300_000]), ("0.m4s", FILM[:300_000])]
    async with client.put(url + "1.m4s", data=b"late") as reply:
        assert reply.status == 404


async def test_a_body_that_is_too_large_is_refused(loopback, client):
    async def sink(name, data):
        raise AssertionError("handed on")

    async with loopback.accept(sink) as url:
        try:
            async with client.put(url + "0.m4s", data=io.BytesIO(FILM)) as reply:
                assert reply.status == 413
        except aiohttp.ClientConnectionError:
            pass  # refused before all of it was sent


async def test_a_body_cut_off_is_not_handed_on(loopback):
    async def sink(name, data):
        raise AssertionError("handed on")

    async with loopback.accept(sink) as url:
        reader, writer = await connect(url)
        writer.write(put(url, "0.m4s", FILM[:100_000])[:-50_000])
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)


async def test_a_client_that_hangs_up_after_its_last_byte_loses_nothing(loopback):
    """ffmpeg does so, and this process may just then be busy with something else."""
    got = asyncio.Queue()

    async def sink(name, data):
        await got.put((name, data))

    async with loopback.accept(sink) as url:
        for size in (10, 70_000, 900_000):
            await asyncio.to_thread(hang_up_after, url, FILM[:size])
            time.sleep(0.05)
            assert await got.get() == ("7.m4s", FILM[:size])


async def connect(url):
    host, port = url.split("/")[2].split(":")
    return await asyncio.open_connection(host, int(port))


def put(url, name, data):
    path = "/" + url.split("/", 3)[3] + name
    head = f"PUT {path} HTTP/1.1\r\nHost: loopback\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return head.encode() + b"%x\r\n" % len(data) + data + b"\r\n0\r\n\r\n"


def hang_up_after(url, data):

    host, port = url.split("/")[2].split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(put(url, "7.m4s", data))
