"""js-ipfs, an IPFS daemon with the `/api/v0` RPC (tests/node/js-ipfs/daemon.mjs)."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

import ipfshttpclient

from tests.components.node import node22, node_project
from tests.components.node_server import node_server


@contextmanager
def jsipfs() -> Iterator[str]:
    """Give the RPC address of a fresh, empty daemon without a network, as a multiaddr, until the context ends."""
    project = node_project("js-ipfs")
    with tempfile.TemporaryDirectory() as repo, node_server(node22(), project, "daemon.mjs", repo) as address:
        yield address


def node_block(address: str, cid: str) -> bytes:
    """A block as a node has it. Blocks: use a thread."""
    with ipfshttpclient.Client(address, timeout=30) as client:
        return client.block.get(cid)
