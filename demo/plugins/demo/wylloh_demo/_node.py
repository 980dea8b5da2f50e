"""Talks to the demo chain's node, with the standard library alone."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any


class NodeError(Exception):
    """The node did not do it."""


def ask(url: str, method: str, parameters: list[object]) -> Any:
    """Make one JSON-RPC request. Blocks: use a thread.

    Raises:
        NodeError: no node there, or it refused.
    """
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own node's address, from the demo's settings
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310 - likewise
            answer = json.load(reply)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise NodeError(str(error)) from None
    if "error" in answer:
        raise NodeError(str(answer["error"].get("message", "refused")))
    return answer["result"]
