"""Where a stranger's address may lead. Publishers name custodians, so their servers are not ours to trust.

Addresses on this machine and on the LAN stay possible: a publisher may live next door, and the demo does.
What is refused is never a custodian: what answers on link-local addresses is this machine's own cloud or
router (metadata services give away credentials), and the unspecified address is another name of this machine.
Names are judged by what they resolve to, at the moment of connecting.
"""

from __future__ import annotations

import errno
import ipaddress
import socket

_AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    map(ipaddress.ip_address, ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192"))
)
"""Metadata services outside of the link-local range: AWS, Google, Alibaba, Oracle."""
_TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses as an IPv6-only network writes them (RFC 6052)."""


def stranger_socket(info: _AddressInfo) -> socket.socket:
    """Open the socket for one address a name resolved to (aiohttp's `socket_factory`).

    Raises:
        OSError: nothing may be asked there.
    """
    family, kind, protocol, _, address = info
    if not may_be_asked(str(address[0])):
        raise OSError(errno.EACCES, f"{address[0]} is not where a custodian can be")
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)
    return opened


def may_be_asked(address: str) -> bool:
    """Say whether a request on behalf of a stranger may go to a numeric address."""
    parsed = _plain(ipaddress.ip_address(address.partition("%")[0]))
    nowhere = parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified
    future = isinstance(parsed, ipaddress.IPv4Address) and parsed.is_reserved
    return not (nowhere or future or parsed in _METADATA)


def _plain(address: _Address) -> _Address:
    """Give the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return ipaddress.IPv4Address(address.packed[-4:])
    return address
