"""Whether `server.public_url` is an address that people, TVs and other servers can open."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wylloh_server.domain.network_address import is_address, is_loopback
from wylloh_server.services.operations.health import CheckFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_NOWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not listened on


async def check_public_address(url: str, listens_on: str, resolve: Callable[[str], Awaitable[object]]) -> str:
    """Return by what the server is opened. A check of `wylloh doctor`.

    Args:
        url: `server.public_url`; may be empty.
        listens_on: `server.host`.
        resolve: looks a name up, or raises OSError.

    Raises:
        CheckFailed: nobody, or nobody else, can open the address.
    """
    if not url:
        return "server.public_url is not set: the server is opened by the IP address of this machine."
    host = _host(url)
    if host is None:
        raise _failed(
            url, "is more or less than an address", "Write http:// or https://, a name, and a port."
        )
    if host in _NOWHERE:
        raise _failed(url, "leads nowhere", "Name this machine's own address, or leave it out.")
    if is_loopback(host) and not is_loopback(listens_on):
        raise _failed(
            url, "leads every other device to itself", "Leave it out, or set server.host to 127.0.0.1."
        )
    if not is_address(host) and not host.endswith((".local", "localhost")):
        try:
            await resolve(host)
        except OSError:
            raise _failed(
                url, "has a name that is not known here", "Correct it, or have it resolved."
            ) from None
    return f"The server is opened by {url}."


def _host(url: str) -> str | None:
    """Return the host of an origin; None if the text has no host, or more than scheme, host and port."""
    try:
        parts = urlsplit(url)
        more = parts.path or parts.query or parts.fragment or parts.username or parts.port == 0
    except ValueError:
        return None
    return None if more else parts.hostname


def _failed(url: str, what: str, fix: str) -> CheckFailed:
    return CheckFailed(f"server.public_url {what}: {url}", fix=fix)
