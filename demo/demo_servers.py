"""The demo's two servers: their settings files, and the commands that run them."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from demo.child_processes import Child, child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PLUGINS = Path(__file__).resolve().parent / "plugins"
_PATIENCE = 20
"""Seconds that plugins have: chain, publisher, holder and browser share one machine here."""

WYLLOH = (sys.executable, "-m", "wylloh_server")


def publisher_settings(folder: Path, chain: Mapping[str, Any], port: int) -> Path:
    """Write the publisher's settings file."""
    url = f"http://127.0.0.1:{port}"
    return _write(
        folder / "publisher.toml",
        {
            "server": {
                "name": "Demo publisher",
                "host": "127.0.0.1",
                "port": port,
                "public_url": url,
                "data": str(folder / "publisher"),
            },
            "chain": chain,
            "custody": {"confirmations": 0},
            "lan": {"announce": False},
        },
    )


def holder_settings(
    folder: Path,
    chain: Mapping[str, Any],
    server: Mapping[str, Any],
    gateway: str,
    *,
    wallets: Mapping[str, str],
    playback: Mapping[str, float],
) -> Path:
    """Write the holder's settings file: it pulls every film, and shows the demo's two sign-in buttons."""
    return _write(
        folder / "holder.toml",
        {
            "server": {**server, "data": str(folder / "holder"), "admit": "anyone"},
            "library": {"pull": "all"},
            "chain": {
                **chain,
                "store_url": "/plugins/store/",
                "explorer": "/plugins/demo/block/{block}",
            },
            "custody": {"ask_local": True},
            "ipfs": {"gateways": [gateway]},
            "plugins": {"path": [str(_PLUGINS)], "timeout_seconds": _PATIENCE},
            "playback": playback,
            "plugins.settings.demo": wallets,
            "plugins.settings.store": {"public": True},
        },
    )


@contextmanager
def server(name: str, settings: Path, url: str) -> Iterator[Child]:
    """Run a server until the context ends; inside, it answers."""
    command = [*WYLLOH, "serve", "--config", str(settings)]
    with child(name, command, settings.with_suffix(".log")) as running:
        running.wait_for(lambda: answers(f"{url}/livez"), seconds=60)
        yield running


def answers(url: str) -> bool:
    """Return whether an address answers with 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 - our own servers on loopback
            return bool(reply.status == 200)  # noqa: PLR2004 - the HTTP code for success
    except (OSError, urllib.error.URLError):
        return False


def _write(file: Path, sections: Mapping[str, Mapping[str, Any]]) -> Path:
    """Write TOML. JSON's texts, numbers, booleans and lists are TOML's."""
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file
