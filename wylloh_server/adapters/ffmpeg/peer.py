"""Which user of this machine is at the other end of a loopback connection.

The paths of the loopback server cannot be guessed, but they are arguments of ffmpeg, and every user of the
machine can read those. So the kernel is asked who connected: by sock_diag(7), which takes some microseconds
(reading `/proc/net/tcp` takes milliseconds). A system without it tells nobody.
"""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

Address = tuple[str, int]
"""An IPv4 address and a port."""

_SOCK_DIAG = 4
_BY_FAMILY = 20
_REQUEST = 1
_ANY = 0xFFFFFFFF
_HEADER = struct.Struct("=IHHII")
"""nlmsghdr: length, type, flags, sequence, port."""
_QUESTION = struct.Struct("=BBBxI")
"""inet_diag_req_v2 before its sockid: family, protocol, extensions, states."""
_PORTS = struct.Struct("!HH")
_REST = struct.Struct("=III")
"""inet_diag_sockid after its addresses: interface, and a cookie that stands for any."""
_OWNER = struct.Struct("=II")
"""User and inode in inet_diag_msg. A socket that its process has closed has inode 0, and no owner."""
_OWNER_AT = _HEADER.size + 64
_PATIENCE = 1.0


def is_foreign(client: Address, server: Address, ours: Container[int]) -> bool:
    """Return whether another user than `ours` holds the client's end of a connection.

    A client that has hung up is nobody, and not foreign.
    """
    try:
        owner = connection_owner(client, server)
    except (OSError, AttributeError):  # no such question on this system
        return False
    return owner is not None and owner not in ours


def connection_owner(client: Address, server: Address) -> int | None:
    """Return the id of the user who holds `client`'s end of a connection; None when nobody does.

    Raises:
        OSError, AttributeError: the kernel cannot be asked.
    """
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as kernel:
        kernel.settimeout(_PATIENCE)
        kernel.connect((0, 0))
        kernel.send(_question(client, server))
        answer = kernel.recv(1 << 13)
    if _HEADER.unpack_from(answer)[1] != _BY_FAMILY:
        return None
    owner, inode = _OWNER.unpack_from(answer, _OWNER_AT)
    return owner if inode else None


def _question(client: Address, server: Address) -> bytes:
    addresses = b"".join(socket.inet_aton(end[0]).ljust(16, b"\0") for end in (client, server))
    sockid = _PORTS.pack(client[1], server[1]) + addresses + _REST.pack(0, _ANY, _ANY)
    body = _QUESTION.pack(socket.AF_INET, socket.IPPROTO_TCP, 0, _ANY) + sockid
    return _HEADER.pack(_HEADER.size + len(body), _BY_FAMILY, _REQUEST, 0, 0) + body
