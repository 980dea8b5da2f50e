"""Where a stranger's address may lead. Publishers name custodians, so their servers are not ours to trust.

Addresses on this machine and on the local network are asked only if the settings say so: a publisher may live
next door, and the demo does, but what else listens there trusts its network. Some addresses are never a
custodian's: what answers on link-local ones is this machine's own cloud or router (metadata services give
away credentials), and the unspecified address is another name of this machine. Names are judged by what they
resolve to, at the moment of connecting.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from typing import TYPE_CHECKING

from wylloh_server.domain.network_address import is_local

if TYPE_CHECKING:
    from collections.abc import Callable

_AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[object, ...]]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "192.0.0.192", "168.63.129.16"),
    )
)
"""Metadata services outside of the link-local range: AWS, Google, Alibaba, Oracle, Azure."""
_LAST_BITS = tuple(map(ipaddress.IPv6Network, ("::/96", "64:ff9b::/96")))
"""Where the last 32 bits are an IPv4 address: IPv4-compatible (RFC 4291, 2.5.5.1), NAT64 (RFC 6052)."""
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
"""Prefixes of 48 to 96 bits that a network chooses for itself (RFC 8215, RFC 6052 2.2)."""
_SAME = tuple(map(ipaddress.IPv6Address, ("::", "::1")))
"""Addresses of IPv6 itself, although they lie among the IPv4-compatible ones."""


def guarded_sockets(*, local: bool) -> Callable[[_AddressInfo], socket.socket]:
    """Return what opens the socket for one address a name resolved to (aiohttp's `socket_factory`).

    It raises an OSError that says why, if nothing may be asked there.

    Args:
        local: whether this machine and the local network may be asked.
    """

    def open_socket(info: _AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        refusal = refused_address(str(address[0]), local=local)
        if refusal:
            raise OSError(errno.EACCES, refusal)
        opened = socket.socket(family, kind, protocol)
        opened.setblocking(False)
        return opened

    return open_socket


def refused_address(address: str, *, local: bool) -> str:
    """Return why a request on behalf of a stranger may not go to a numeric address; empty if it may.

    An IPv6 address that stands for IPv4 ones, or is routed by way of them, is allowed if all of them are.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    targets = (parsed, *_embedded(parsed))
    if not all(map(_is_allowed, targets)):
        return f"{address} is not where a custodian can be"
    if not local and any(is_local(str(target)) for target in targets):
        return f"{address} is in the local network, where nobody is asked: custody.ask_local is not set"
    return ""


def _is_allowed(parsed: _Address) -> bool:
    nowhere = parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified
    future = isinstance(parsed, ipaddress.IPv4Address) and parsed.is_reserved
    return not (nowhere or future or parsed in _METADATA)


def _embedded(address: _Address) -> tuple[ipaddress.IPv4Address, ...]:
    """Return the IPv4 addresses that an IPv6 one may lead to."""
    if isinstance(address, ipaddress.IPv4Address) or address in _SAME:
        return ()
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo  # the relay that is asked, and the host behind it
    if any(address in network for network in _LAST_BITS):
        return (ipaddress.IPv4Address(address.packed[-4:]),)
    return _translated(address.packed) if address in _LOCAL_NAT64 else ()


def _translated(packed: bytes) -> tuple[ipaddress.IPv4Address, ...]:
    """Return what an address under a NAT64 prefix of unknown length may stand for.

    Byte 8 is never part of it. A reading that is no host's address is not the one that was meant.
    """
    rest = packed[6:8] + packed[9:]
    readings = (rest[0:4], rest[1:5], rest[2:6], packed[-4:])
    return tuple(
        one
        for one in map(ipaddress.IPv4Address, readings)
        if not (one.is_unspecified or one.is_multicast or one.is_reserved)
    )
