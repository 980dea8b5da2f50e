"""Helia, an IPFS implementation nobody here wrote, behind a trustless gateway (tests/node/helia/gateway.mjs)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tests.components.node import node22, node_project
from tests.components.node_server import node_server


@contextmanager
def helia() -> Iterator[str]:
    """Give the base URL of a fresh, empty Helia gateway without a network until the context ends."""
    with node_server(node22(), node_project("helia"), "gateway.mjs") as url:
        yield url
