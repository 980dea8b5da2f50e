"""How strong the sandbox is on this machine: tried by a child that does what a hostile film would do."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox, SandboxPart
from wylloh_server.adapters.ffmpeg.prober import WORKER_READS
from wylloh_server.adapters.ffmpeg.process import running
from wylloh_server.domain.ports.media import SandboxReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_PROGRAM = Path(__file__).with_name("sandbox_attempts.py")
_ANSWER_BYTES = 1 << 20

_NAMES = {
    SandboxPart.USER: "a user of its own",
    SandboxPart.NETWORK: "a network of its own",
    SandboxPart.FILES: "Landlock",
    SandboxPart.CALLS: "a filter of system calls",
}
_ANY_ADDRESS = "without it a film reaches any address by {}, at home and on the Internet; "
_REMEDIES = {
    SandboxPart.USER: "start the server as root, in a container for example",
    SandboxPart.NETWORK: (
        "allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 and, on Ubuntu, "
        "kernel.apparmor_restrict_unprivileged_userns=0"
    ),
    SandboxPart.FILES: "use Linux 5.13 or newer with landlock in its boot option lsm=",
    SandboxPart.CALLS: "install libseccomp, on Debian libseccomp2",
}


async def try_sandbox(secrets: Iterable[Path], ffmpeg: str) -> SandboxReport:
    """Run the hostile child in the strongest sandbox of this machine.

    Args:
        secrets: files and folders that it must not open; those that are not there are left out.
        ffmpeg: path of the one that encodes; '' where there is none that works.
    """
    sandbox = await asyncio.to_thread(ChildSandbox.with_network)
    try:
        with tempfile.TemporaryDirectory() as folder:
            bait = Path(folder, "bait")
            await asyncio.to_thread(bait.write_bytes, b"bait")
            worked = await _attempted(sandbox, bait, [bait, *secrets])
    finally:
        sandbox.close()
    used = sandbox.parts_for(ffmpeg or sys.executable) & sandbox.parts_for(sys.executable, WORKER_READS)
    return SandboxReport(
        parts=tuple(_NAMES[part] for part in SandboxPart if part in used),
        missing={_NAMES[part]: _remedy(part, sandbox, worked) for part in SandboxPart if part not in used},
        reached=tuple(dict.fromkeys(_PHRASES[tried].format(target) for tried, target in worked)),
    )


def ways_out(stream: tuple[str, int], datagrams: tuple[str, int]) -> dict[str, list[Any]]:
    """Return what to try in order to leave the sandbox by a socket, for `attempt`.

    Args:
        stream: where a program listens for TCP.
        datagrams: where one listens for UDP.
    """
    return {
        **{way: [stream] for way in _CONNECTIONS},
        "send": [datagrams],
        "listen": [("127.0.0.1", 0)],
        "open socket": list(_OTHER_SOCKETS),
        "open pair": [(socket.AF_UNIX, socket.SOCK_DGRAM)],
        "set option": [(socket.IPPROTO_TCP, option) for option in _CONNECTING_OPTIONS],
        "open ring": [8],
    }


_CONNECTIONS = (
    *("connect", "connect by MPTCP"),
    *("connect by sendto", "connect by sendmsg", "connect by sendmmsg"),
)
_CONNECTING_OPTIONS = (23, 30)
"""TCP_FASTOPEN and TCP_FASTOPEN_CONNECT."""
_VSOCK, _DCCP = 40, (6, 33)
_OTHER_SOCKETS = (
    (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    (socket.AF_INET6, socket.SOCK_STREAM, 0),
    (socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    (socket.AF_INET, socket.SOCK_STREAM, 132),  # SCTP
    (socket.AF_INET, *_DCCP),
    (16, socket.SOCK_RAW, 0),  # netlink
    (17, socket.SOCK_RAW, 0),  # packets, as they are
    (_VSOCK, socket.SOCK_STREAM, 0),
)


def _remedy(part: SandboxPart, sandbox: ChildSandbox, worked: list[list[Any]]) -> str:
    if part in sandbox.parts:  # it works here, but not for these programs
        return "install ffmpeg and Python where every user of this machine can read them, not in root's home"
    if part is SandboxPart.USER and len(sandbox.entrances) > 1:
        return "give the server CAP_SYS_ADMIN, so that its network needs no user namespace"
    if part is SandboxPart.NETWORK:
        ports = "any port" if any(tried == "connect" for tried, _ in worked) else "one port"
        return _ANY_ADDRESS.format(ports) + _REMEDIES[part]
    return _REMEDIES[part]


async def attempt(
    targets: Mapping[str, list[Any]], sandbox: ChildSandbox, source: str = ""
) -> list[list[Any]]:
    """Run the attempts in a sandbox and return those that worked: pairs of what was tried and on what.

    Raises:
        TranscodeFailed: the sandbox cannot be set up.
    """
    argv = [sys.executable, "-I", str(_PROGRAM), json.dumps(targets)]
    reads = (str(_PROGRAM), sys.prefix, sys.base_prefix)
    async with running(argv, sandbox=sandbox, source=source, reads=reads) as process:
        return list(json.loads(await process.output(_ANSWER_BYTES)))


async def _attempted(sandbox: ChildSandbox, bait: Path, secrets: list[Path]) -> list[list[Any]]:
    folders = [path for path in secrets if path.is_dir()]
    files = [
        path
        for path in (*secrets, *(path for folder in folders for path in folder.iterdir()))
        if path.is_file()
    ]
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams,
    ):
        datagrams.bind(("127.0.0.1", 0))
        targets: dict[str, list[Any]] = {
            "variable": [name for name in os.environ if name.startswith("WYLLOH_")],
            "read": [str(path) for path in files],
            "list": [str(path) for path in folders],
            "empty": [str(bait)],
            "create": [str(bait.with_name("new"))],
            "look into": [os.getpid()],
            **ways_out(other.getsockname(), datagrams.getsockname()),
        }
        return await attempt(targets, sandbox)


_PHRASES = {
    "variable": "see the variable {}",
    "read": "read {}",
    "list": "read the folder {}",
    "empty": "empty {}",
    "create": "make {}",
    "look into": "look into the server's memory (process {})",
    "connect": "connect to other programs of this machine",
    "connect by MPTCP": "connect to any address by MPTCP",
    **dict.fromkeys(_CONNECTIONS[2:], "connect to any address by TCP Fast Open"),
    "send": "send datagrams",
    "listen": "listen for connections",
    "open socket": "open sockets that no decoder needs",
    "open pair": "send datagrams to other programs of this machine",
    "set option": "switch TCP Fast Open on",
    "open ring": "make system calls through io_uring",
}
