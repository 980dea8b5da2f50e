"""Under which addresses this machine is reached, and the socket to listen on."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from wylloh_server.config import Settings

_NOWHERE = ("192.0.2.1", 9)
"""An address reserved for documentation (RFC 5737). Connecting a UDP socket sends nothing; it only makes
the system choose the interface it would send from."""


def listen(settings: Settings) -> socket.socket:
    """Bind the server's socket.

    Raises:
        SettingsError: the port is taken or not allowed.
    """
    server = settings.server
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((server.host, server.port))
        bound.listen(256)
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"cannot listen on {server.host} port {server.port}: {(error.strerror or str(error)).lower()}",
            fix="Choose another server.port, or stop what uses this one.",
        ) from None
    return bound


def with_addresses(settings: Settings, port: int) -> Settings:
    """Fill in the public address where none is set, and the other ones people at home type."""
    host = settings.server.host
    loopback = host.startswith("127.") or host in ("localhost", "::1")
    outward = "127.0.0.1" if loopback else lan_address()
    public = settings.server.public_url or f"http://{outward}:{port}"
    near = (
        f"http://127.0.0.1:{port}",
        f"http://localhost:{port}",
        f"http://{socket.gethostname().lower()}.local:{port}",
    )
    others = tuple(dict.fromkeys((*settings.server.other_urls, *near, f"http://{outward}:{port}")))
    server = settings.server.model_copy(update={"public_url": public, "other_urls": others, "port": port})
    return settings.model_copy(update={"server": server})


def lan_address() -> str:
    """Return this machine's address on its network; 127.0.0.1 when it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_NOWHERE)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
