"""As many connections as the server can take, and no more: the next one is told so."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys

import pytest
from aiohttp import web

from tests.components.server import eventually
from wylloh_server.web.connection_limit import BoundedConnections

ASKED = b"GET / HTTP/1.1\r\nHost: films\r\n\r\n"


@pytest.fixture
async def port():
    async def hello(request):
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    listening = await asyncio.get_running_loop().create_server(
        BoundedConnections(runner.server, 3), "127.0.0.1", 0
    )
    yield listening.sockets[0].getsockname()[1]
    listening.close()
    await runner.cleanup()


async def ask(port):
    """Connect and ask once; gives the answer's head and the open connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(ASKED)
    return (await reader.readuntil(b"\r\n\r\n")).decode(), reader, writer


async def test_12_11_one_connection_too_many_is_refused_with_the_time_to_come_again(port):
    held = [await ask(port) for _ in range(3)]
    assert all(head.startswith("HTTP/1.1 200") for head, _, _ in held)
    for _ in range(100):
        head, reader, writer = await ask(port)
        assert head.startswith("HTTP/1.1 503 ")
        assert "Retry-After: 5\r\n" in head
        assert (await reader.read()).decode().endswith("Try again in 5 s.\n")
        writer.close()

    held[0][2].close()

    async def served():
        head, _, writer = await ask(port)
        writer.close()
        return head.startswith("HTTP/1.1 200")

    await eventually(served)
    for _, _, writer in held[1:]:
        writer.close()


def test_12_11_the_server_raises_its_descriptors_to_what_the_system_allows():
    code = """
import resource
from wylloh_server.web.connection_limit import most_connections, raise_descriptor_limit
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(most_connections())
raise_descriptor_limit()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0], most_connections())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    assert done.stdout.split() == ["128", str(wanted), str(min(4096, wanted // 2))]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"GET /plugins/" + b"x" * 9_000 + b" HTTP/1.1", "longer than this server reads"),
        (b"\x01 x", "cannot read"),
    ],
)
async def test_what_is_no_request_is_answered_plainly_and_not_repeated(port, line, words):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(line + b"\r\nHost: films\r\n\r\n")
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    assert head.startswith("HTTP/1.0 400 ")
    assert words in body
    assert "bytearray" not in body and "xxx" not in body and "line" not in body
