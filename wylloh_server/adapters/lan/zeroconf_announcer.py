"""Announce this server on the LAN: DNS-SD (RFC 6763) over multicast DNS (RFC 6762)."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import ifaddr
from zeroconf import Error, IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

__all__ = ["SERVICE_TYPES", "ZeroconfAnnouncer"]

_log = logging.getLogger(__name__)

SERVICE_TYPES = ("_wylloh._tcp.local.", "_http._tcp.local.")
"""What the server announces itself as: for its own kind, and for any browser of web servers."""

_LABEL_BYTES = 63 - len("-99")
"""A DNS label has 63 bytes; a name that is taken gets a suffix."""

_PROBLEMS = (Error, OSError, ValueError)


class ZeroconfAnnouncer:
    """Announces the server with zeroconf."""

    @asynccontextmanager
    async def announced(self, name: str, port: int, properties: Mapping[str, str]) -> AsyncIterator[None]:
        """Announce until the context ends, then withdraw.

        Does not wait for the second or so in which the network is asked whether the name is free. Where it is
        taken, the name gets a suffix. A network that cannot be used is a warning in the log and nothing more.
        """
        announcing = asyncio.create_task(_announce(name, port, dict(properties)))
        try:
            yield
        finally:
            announcing.cancel()
            await asyncio.wait({announcing})


async def _announce(name: str, port: int, properties: dict[str, str]) -> None:
    try:
        network = AsyncZeroconf(ip_version=IPVersion.V4Only)
    except (OSError, RuntimeError) as problem:  # RuntimeError: there is no network interface
        _log.warning("this server is not announced on the LAN: %s", problem)
        return
    try:
        # Cancelled while it waits for this, zeroconf would never close its sockets.
        await asyncio.shield(network.zeroconf.async_wait_for_start())
        await asyncio.gather(*(_register(network, service) for service in _services(name, port, properties)))
        await asyncio.Event().wait()
    except _PROBLEMS as problem:
        _log.warning("this server is not announced on the LAN: %s", problem or type(problem).__name__)
    finally:
        await _withdraw(network)


async def _register(network: AsyncZeroconf, service: AsyncServiceInfo) -> None:
    # The first await asks whether the name is free, the second one announces it.
    await (await network.async_register_service(service, allow_name_change=True))


async def _withdraw(network: AsyncZeroconf) -> None:
    try:
        await network.async_unregister_all_services()
    except _PROBLEMS as problem:
        _log.warning("this server could not be withdrawn from the LAN: %s", problem or type(problem).__name__)
    finally:
        await network.async_close()


def _services(name: str, port: int, properties: dict[str, str]) -> list[AsyncServiceInfo]:
    host = re.sub(r"[^a-z0-9-]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")
    return [
        AsyncServiceInfo(
            kind,
            f"{_label(name)}.{kind}",
            port=port,
            properties=properties,
            server=f"{host or 'wylloh'}.local.",
            parsed_addresses=_addresses(),
        )
        for kind in SERVICE_TYPES
    ]


def _label(name: str) -> str:
    """Return the name without what a DNS label cannot hold: control characters, dots, too many bytes."""
    plain = re.sub(r"[\x00-\x1f\x7f.]+", " ", name).strip()
    return plain.encode()[:_LABEL_BYTES].decode(errors="ignore").strip() or "Wylloh"


def _addresses() -> list[str]:
    """Return this machine's IPv4 addresses; the loopback one only where there is no other."""
    found = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in found if not address.startswith("127.")] or found
