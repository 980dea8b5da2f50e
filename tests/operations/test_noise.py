"""What strangers send is no reason for pages of log."""

from __future__ import annotations

import asyncio
import json

from tests.components.server import running_server, server_settings

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
