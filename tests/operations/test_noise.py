"""What strangers send is no reason for pages of log."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from contextlib import AsyncExitStack, contextmanager

from tests.components.server import WYLLOH, clean_environment, eventually, running_server, server_settings

NO_HTTP = [
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
]


async def send(port, junk):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(junk)
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 30)
    writer.close()


async def test_12_11_what_is_no_http_is_one_line_and_a_flood_is_counted(tmp_path):
    async with running_server(server_settings(tmp_path)) as server:
        port = int(server.url.rpartition(":")[2])
        for junk in NO_HTTP:
            await send(port, junk)
        assert "Traceback" not in server.err()
        lines = [json.loads(line) for line in server.err().splitlines() if "Error handling" in line]
        assert [line["level"] for line in lines] == ["info"] * len(NO_HTTP)
        for _ in range(300):
            await send(port, NO_HTTP[0])
        assert server.err().count("Error handling") <= 60
        assert await server.stop() == 0
    assert "more lines like this within a minute were not written" in server.err()


@contextmanager
def with_descriptors(folder, few, most):
    """Start a server that is given few descriptors, of those that it may have; give its log and its port."""
    log, out = folder / "log", folder / "out"
    limited = ["sh", "-c", f'ulimit -Sn {few} && ulimit -Hn {most} && exec "$@"', "sh", *WYLLOH]
    words = [*limited, "serve", "--config", str(server_settings(folder))]
    with out.open("w") as stdout, log.open("w") as stderr:
        process = subprocess.Popen(words, stdout=stdout, stderr=stderr, env=clean_environment())

    def port():
        assert process.poll() is None, log.read_text()
        found = re.search(r" is at http://[^:]+:(\d+)", out.read_text())
        return found and int(found[1])

    try:
        yield log, port
    finally:
        process.terminate()
        process.wait()


async def test_12_11_a_flood_of_connections_is_refused_and_leaves_a_short_log(tmp_path):
    with with_descriptors(tmp_path, 64, 400) as (log, found):
        port = await eventually(found)
        ask = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        heads = []
        async with AsyncExitStack() as opened:
            for _ in range(500):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                opened.callback(writer.close)
                writer.write(ask)
                heads.append((await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)).decode())
        served = [head for head in heads if head.startswith("HTTP/1.1 200 ")]
        assert len(served) == 200, "half of the descriptors that it may have"
        assert all("503" in head and "Retry-After" in head for head in heads if head not in served)
        assert len(log.read_bytes()) < 50_000
