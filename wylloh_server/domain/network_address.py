"""Whom a network address belongs to, as far as an address tells. Every count per address uses this module."""

from __future__ import annotations

import ipaddress

_HOME, _SITE = 64, 48
"""Prefixes of IPv6: one customer's network (RFC 6177), and the largest that one customer is usually given."""

_LOCAL = tuple(
    ipaddress.ip_network(network)
    for network in (
        "127.0.0.0/8",  # loopback
        "::1/128",
        "169.254.0.0/16",  # link-local: RFC 3927, RFC 4291
        "fe80::/10",
        "10.0.0.0/8",  # RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "fc00::/7",  # RFC 4193
    )
)
"""Not `is_private`: that holds what is special in any way, such as networks for documentation."""

_Parsed = ipaddress.IPv4Address | ipaddress.IPv6Address


def home_of(address: str) -> str:
    """Return whom a count belongs to: an IPv4 address, or the /64 that one IPv6 customer commands.

    Text that is no address stands for itself.
    """
    return _network(address, _HOME)


def site_of(address: str) -> str:
    """Return the larger network around an address: the /48 of IPv6; an IPv4 address is its own."""
    return _network(address, _SITE)


def is_local(address: str) -> bool:
    """Return whether an address lies in a private network: loopback, link-local, RFC 1918 or RFC 4193."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in _LOCAL)


def is_loopback(host: str) -> bool:
    """Return whether an address, or the name `localhost`, is of this machine alone."""
    parsed = _parsed(host)
    return host == "localhost" or (parsed is not None and parsed.is_loopback)


def is_address(text: str) -> bool:
    """Return whether a text is an IP address."""
    return _parsed(text) is not None


def same_network(one: str, other: str) -> bool:
    """Return whether two addresses are of one household: both local, or of the same home."""
    return (is_local(one) and is_local(other)) or (one != "" and home_of(one) == home_of(other))


def _network(address: str, prefix: int) -> str:
    parsed = _parsed(address)
    if parsed is None:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    return str(ipaddress.ip_network((parsed, prefix), strict=False))


def _parsed(address: str) -> _Parsed | None:
    """Parse an address; one of IPv4 that is written as IPv6 (RFC 4291, 2.5.5.2) is of IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        return parsed.ipv4_mapped or parsed
    return parsed
