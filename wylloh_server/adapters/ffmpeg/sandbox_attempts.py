"""Try what a hostile film would make its decoder do: `sandbox_attempts.py <targets as JSON>`.

Run in the sandbox by `wylloh doctor` and by tests, in the place of ffmpeg. Files are opened and closed,
connections are made and dropped; only files under "empty" lose what is in them, and those under "create" are
made. The answer is a list of pairs as JSON: what was tried, and on what.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_SECONDS = 2.0
_STREAM, _DATAGRAM = socket.SOCK_STREAM, socket.SOCK_DGRAM
_MPTCP = 262
_FAST_OPEN = 0x20000000
_IO_URING_SETUP, _RING_PARAMETERS = 425, 256
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Try everything on every target."""
    targets: dict[str, list[Any]] = json.loads(sys.argv[1])
    worked = [(name, target) for name, attempt in _ATTEMPTS.items() for target in targets.get(name, [])
              if _works(attempt, target)]  # fmt: skip
    sys.stdout.write(json.dumps(worked))


def _works(attempt: Callable[[Any], object], target: Any) -> bool:
    try:
        attempt(target)
    except (OSError, KeyError):
        return False
    return True


def _read(path: str) -> None:
    with open(path, "rb") as file:  # noqa: PTH123 - as little as can be between this and the system call
        file.read(1)


def _list(path: str) -> None:
    os.listdir(path)  # noqa: PTH208 - the same


def _write(path: str) -> None:
    with open(path, "ab"):  # noqa: PTH123 - the same
        pass


def _empty(path: str) -> None:
    """Opened for reading, yet it loses its content."""
    os.close(os.open(path, os.O_RDONLY | os.O_TRUNC))


def _create(path: str) -> None:
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT))


def _create_unnamed(folder: str) -> None:
    os.close(os.open(folder, os.O_RDWR | os.O_TMPFILE))


def _look_into(process: int) -> None:
    _read(f"/proc/{process}/environ")
    _read(f"/proc/{process}/maps")


def _connect(address: list[Any]) -> None:
    with socket.create_connection((address[0], address[1]), _SECONDS):
        pass


def _send(address: list[Any]) -> None:
    with socket.socket(socket.AF_INET, _DATAGRAM) as there:
        there.sendto(b"?", (address[0], address[1]))


def _connect_by_mptcp(address: list[Any]) -> None:
    with socket.socket(socket.AF_INET, _STREAM, _MPTCP) as there:
        there.settimeout(_SECONDS)
        there.connect((address[0], address[1]))


def _connect_by_sending(send: Callable[[socket.socket, tuple[str, int]], object], address: list[Any]) -> None:
    """TCP Fast Open: what is sent first connects, without `connect`."""
    with socket.socket(socket.AF_INET, _STREAM) as there:
        send(there, (address[0], address[1]))


class _Part(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("start", ctypes.c_char_p), ("size", ctypes.c_size_t))


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (
        ("address", ctypes.c_char_p),
        ("address_size", ctypes.c_uint),
        ("parts", ctypes.POINTER(_Part)),
        ("parts_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_size", ctypes.c_size_t),
        ("flags", ctypes.c_int),
        ("sent", ctypes.c_uint),
    )


def _send_several(there: socket.socket, address: tuple[str, int]) -> None:
    host = socket.inet_aton(address[0]) + bytes(8)
    packed = socket.AF_INET.to_bytes(2, sys.byteorder) + address[1].to_bytes(2, "big") + host
    message = _Message(packed, len(packed), ctypes.pointer(_Part(b"?", 1)), 1)
    _checked(_libc.sendmmsg(there.fileno(), ctypes.byref(message), 1, _FAST_OPEN))


def _open_socket(kind: list[int]) -> None:
    socket.socket(*kind).close()


def _open_pair(kind: list[int]) -> None:
    for one in socket.socketpair(*kind):
        one.close()


def _set_option(option: list[int]) -> None:
    with socket.socket(socket.AF_INET, _STREAM) as there:
        there.setsockopt(option[0], option[1], 1)


def _open_ring(entries: int) -> None:
    parameters = ctypes.create_string_buffer(_RING_PARAMETERS)
    os.close(_checked(_libc.syscall(_IO_URING_SETUP, entries, parameters)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _listen(address: list[Any]) -> None:
    with socket.create_server((address[0], address[1])):
        pass


_ATTEMPTS: dict[str, Callable[[Any], object]] = {
    "variable": lambda name: os.environ[name],
    "read": _read,
    "list": _list,
    "write": _write,
    "empty": _empty,
    "create": _create,
    "create unnamed": _create_unnamed,
    "look into": _look_into,
    "signal": lambda process: os.kill(process, 0),
    "connect": _connect,
    "connect by MPTCP": _connect_by_mptcp,
    "connect by sendto": lambda address: _connect_by_sending(
        lambda there, to: there.sendto(b"?", _FAST_OPEN, to), address
    ),
    "connect by sendmsg": lambda address: _connect_by_sending(
        lambda there, to: there.sendmsg([b"?"], [], _FAST_OPEN, to), address
    ),
    "connect by sendmmsg": lambda address: _connect_by_sending(_send_several, address),
    "set option": _set_option,
    "open socket": _open_socket,
    "open pair": _open_pair,
    "open ring": _open_ring,
    "send": _send,
    "listen": _listen,
}


if __name__ == "__main__":
    main()
