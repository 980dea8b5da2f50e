from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from wylloh_server.adapters.http.client import http_client


@pytest.fixture
async def client():
    async with http_client(ask_local=True) as client:
        yield client


@pytest.fixture
async def serve():
    """Serve one handler at every address; gives the URL."""
    servers = []

    async def start(handler):
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        server = TestServer(app)
        servers.append(server)
        await server.start_server()
        return str(server.make_url("/"))

    yield start
    for server in servers:
        await server.close()


async def read(client, url, **options):
    async with client.get(url, **options) as reply:
        return reply.status, dict(reply.headers), [chunk async for chunk in reply.chunks]


async def test_a_body_comes_in_bounded_pieces(client, serve):
    async def handler(request):
        return web.Response(body=b"x" * 1_000_000)

    status, _, chunks = await read(client, await serve(handler))

    assert status == 200 and sum(map(len, chunks)) == 1_000_000
    assert max(map(len, chunks)) <= 256 * 1024


async def test_headers_are_sent_and_found_whatever_their_case(client, serve):
    async def handler(request):
        return web.Response(headers={"X-Given": request.headers["X-Asked"]})

    async with client.get(await serve(handler), headers={"X-Asked": "yes"}) as reply:
        assert reply.headers["x-given"] == "yes"


async def test_no_redirect_is_followed_and_no_cookie_kept(client, serve):
    seen = []

    async def handler(request):
        seen.append((request.path, dict(request.cookies)))
        return web.Response(status=302, headers={"Location": "/elsewhere", "Set-Cookie": "a=b; Path=/"})

    url = await serve(handler)
    statuses = [(await read(client, url))[0] for _ in range(2)]

    assert statuses == [302, 302] and seen == [("/", {}), ("/", {})]


async def test_proxies_of_the_environment_are_not_asked(client, serve, monkeypatch):
    async def handler(request):
        return web.Response(text="direct")

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert (await read(client, await serve(handler)))[2] == [b"direct"]


async def test_a_body_is_given_as_it_was_sent(client, serve):
    packed = gzip.compress(b"x" * 1_000_000)

    async def handler(request):
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    assert b"".join((await read(client, await serve(handler)))[2]) == packed


async def test_a_body_shorter_than_announced_is_an_os_error(client, serve):
    async def handler(request):
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.close()
        return response

    with pytest.raises(OSError, match="broke off"):
        await read(client, await serve(handler))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/", "http://", "nonsense", "file:///etc/passwd", "http://a b/", "http://[::1"]
)
async def test_whom_one_cannot_talk_to_is_an_os_error(client, url):
    with pytest.raises(OSError):
        await read(client, url)
    with pytest.raises(OSError):
        await client.post_json(url, {})


async def test_json_goes_there_and_back(client, serve):
    async def handler(request):
        return web.json_response({"got": await request.json()}, status=201)

    assert await client.post_json(await serve(handler), {"a": 1}) == (201, {"got": {"a": 1}})


@pytest.mark.parametrize("body", [b"<html>", b"\xff", b"", b"[" * 300_000])
async def test_what_is_no_json_is_none(client, serve, body):
    async def handler(request):
        return web.Response(body=body, status=500)

    assert await client.post_json(await serve(handler), {}) == (500, None)


async def test_an_endless_answer_is_given_up(client, serve):
    async def handler(request):
        async def endless():
            while True:
                yield b" " * 65536

        return web.Response(body=endless())

    with pytest.raises(OSError, match="larger than 1 MiB"):
        await client.post_json(await serve(handler), {})


async def test_a_silent_server_is_a_timeout(client, serve):
    async def handler(request):
        await asyncio.sleep(3600)

    with pytest.raises(TimeoutError):
        await client.post_json(await serve(handler), {}, timeout=0.1)


@pytest.mark.parametrize("name", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]"])
async def test_nothing_is_posted_where_no_custodian_can_be(client, name):
    with pytest.raises(OSError, match="not where a custodian can be"):
        await client.post_json(f"http://{name}:9/api/custody/envelope", {}, timeout=2)


async def test_this_machine_and_the_local_network_are_asked_only_by_setting(serve):
    async def handler(request):
        return web.json_response({})

    url = await serve(handler)
    async with http_client() as client:
        with pytest.raises(OSError, match="custody.ask_local is not set"):
            await client.post_json(url, {})
        async with client.get(url) as reply:
            assert reply.status == 200, "what the settings name is asked"


async def test_a_name_is_judged_by_what_it_resolves_to(client, serve, monkeypatch):
    async def handler(request):
        return web.json_response({})

    port = (await serve(handler)).rpartition(":")[2].strip("/")

    async def rebound(resolver, host, port=0, family=0):
        return [
            {"hostname": host, "host": "0.0.0.0", "port": port, "family": 2, "proto": 6, "flags": 0},
        ]

    monkeypatch.setattr("aiohttp.resolver.DefaultResolver.resolve", rebound)
    with pytest.raises(OSError, match="not where a custodian can be"):
        await client.post_json(f"http://films.example:{port}/", {})
    async with client.get(f"http://films.example:{port}/") as reply:
        assert reply.status == 200, "the address leads there; it is only not asked on behalf of strangers"
