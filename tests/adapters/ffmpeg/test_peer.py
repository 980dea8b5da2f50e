from __future__ import annotations

import asyncio
import os
import socket
import sys

import pytest

from wylloh_server.adapters.ffmpeg.child_sandbox import sandbox_user
from wylloh_server.adapters.ffmpeg.loopback import LoopbackMediaServer
from wylloh_server.adapters.ffmpeg.peer import is_foreign, connection_owner

FETCH = """\
import encodings.idna, os, sys, urllib.request, urllib.error
if len(sys.argv) > 2:
    os.setgroups([]); os.setuid(int(sys.argv[2]))
try:
    print(urllib.request.urlopen(sys.argv[1]).read().decode())
except urllib.error.HTTPError as error:
    print(error.code)
"""


class Words:
    size = 5

    async def read(self, offset, length):
        return b"plain"[offset : offset + length]


@pytest.fixture
def connection():
    """Both ends of a connection on loopback, and their addresses as the server sees them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, address = listener.accept()
        with client, server:
            yield client, address, listener.getsockname()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked")
def test_the_kernel_tells_who_holds_the_clients_end(connection):
    client, address, listening = connection
    assert connection_owner(address, listening) == os.getuid()
    assert not is_foreign(address, listening, {os.getuid()})
    client.close()
    assert connection_owner(address, listening) is None, "who has hung up is nobody"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux can be asked")
def test_another_user_is_foreign(connection):
    client, address, listening = connection
    assert is_foreign(address, listening, {54_321})
    client.close()
    assert not is_foreign(address, listening, {54_321})


def test_a_system_that_cannot_be_asked_tells_nobody(connection, monkeypatch):
    monkeypatch.delattr(socket, "AF_NETLINK", raising=False)
    _, address, listening = connection
    assert not is_foreign(address, listening, {54_321})


async def fetched(*arguments):
    """What another process gets from the loopback: the words, or the status."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FETCH, *arguments, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    return said.decode().strip()


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
async def test_a_film_is_lent_to_our_own_processes_and_not_to_other_users():
    async with LoopbackMediaServer() as loopback, loopback.serve(Words()) as url:
        assert await fetched(url) == "plain"
        assert await fetched(url, str(sandbox_user())) == "plain"
        assert await fetched(url, "65534") == "404"
