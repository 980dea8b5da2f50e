"""The sandbox in which every program runs that opens a film: ffmpeg, and the worker that probes.

What a film does to its decoder must stay there: the child sees no variable of the server, opens no file
but programs and libraries, reaches no address but the one that hands out the film, touches no other
process and writes nothing. Each `SandboxPart` stands on its own, since few machines offer all;
`find_parts` tries them here.
"""

from __future__ import annotations

import enum
import functools
import marshal
import os
import pwd
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LAUNCHER = Path(__file__).with_name("sandbox_launcher.py")
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); import sandbox_launcher as it; it."
_TRIAL_SECONDS = 20

_USER_NAME = "wylloh-sandbox"
_USER_NUMBER = 65_484
"""Where no user of that name exists: a number that no distribution hands out to anybody else."""

_MEMORY_BYTES = 6 << 30
_BACKGROUND_NICE = 10
_LIMITS = {"RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0, "RLIMIT_AS": _MEMORY_BYTES}

_PASSED_ON = ("PATH", "LANG", "LANGUAGE", "TZ", "LD_LIBRARY_PATH")
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"),
    *("/nix/store", "/gnu/store", "/home/linuxbrew/.linuxbrew"),
    *("/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/alternatives", "/etc/localtime"),
    *("/dev/null", "/dev/zero", "/dev/random", "/dev/urandom", "/sys/devices/system/cpu"),
)
"""What programs need in order to run: themselves, their libraries, and what the C library looks at."""
_ENDLESS = "/dev/zero"
"""Mapped and shared, it is memory that no limit counts."""


class SandboxPart(enum.StrEnum):
    """One thing that holds a child back, by the name that the launcher knows it by."""

    USER = "user"
    """A user of its own, where the server runs as root."""
    NETWORK = "network"
    """A network of its own, in which there is nothing but the loopback source."""
    FILES = "files"
    """Landlock: files, TCP ports, signals."""
    CALLS = "calls"
    """A filter of system calls, by libseccomp."""


@dataclass(frozen=True, slots=True)
class SandboxNetwork:
    """A network with nothing but a loopback, and a socket that listens there.

    Attributes:
        listener: where the server hands out films; connections arrive here from inside only.
        entrances: descriptors of the namespaces that a child enters, in this order.
    """

    listener: socket.socket
    entrances: tuple[int, ...]

    def close(self) -> None:
        """Close the socket and the way in."""
        self.listener.close()
        for entrance in self.entrances:
            os.close(entrance)


@dataclass(frozen=True, slots=True)
class ChildSandbox:
    """How children are confined.

    Attributes:
        parts: what is used.
        network: the network that children enter; None leaves them in the server's.
    """

    parts: frozenset[SandboxPart]
    network: SandboxNetwork | None = None

    @classmethod
    def without_network(cls) -> Self:
        """Return the strongest sandbox of this machine that leaves children in the server's network."""
        return cls(find_parts())

    @classmethod
    def with_network(cls) -> Self:
        """Return the strongest sandbox of this machine, with a network to be closed afterwards."""
        network, parts = open_network(), find_parts()
        if network is None:
            return cls(parts)
        # In a user namespace nobody can become another user, and not every kernel lets a child enter it.
        for tried in (parts, parts - {SandboxPart.USER}):
            sandbox = cls(tried | {SandboxPart.NETWORK}, network)
            if _works(sandbox):
                return sandbox
        network.close()
        return cls(parts)

    def parts_for(self, program: str, reads: Sequence[str] = ()) -> frozenset[SandboxPart]:
        """Return the parts used for a program: none becomes a user who cannot reach it."""
        found = shutil.which(program) or program
        if all(map(_is_open_to_others, (found, *reads))):
            return self.parts
        return self.parts - {SandboxPart.USER}

    def command(
        self,
        argv: Sequence[str],
        *,
        source: str = "",
        reads: Sequence[str] = (),
        writes: Sequence[str] = (),
        limits: Mapping[str, int] = _LIMITS,
        low_priority: bool = False,
        is_plugin: bool = False,
    ) -> list[str]:
        """Return the command that confines itself and becomes `argv`.

        Args:
            argv: the program and its arguments.
            source: the loopback URL that it may connect to; '' is none.
            reads: further files and folders that the program consists of.
            writes: folders that it may change.
            limits: by the names of `resource`.
            low_priority: it gives way to other processes.
            is_plugin: it is the program of a plugin, which may reach other hosts and keeps the server's user.
        """
        if sys.platform != "linux":
            nice = ["nice", "-n", str(_BACKGROUND_NICE)] if low_priority and shutil.which("nice") else []
            return [*nice, *argv]
        program = shutil.which(argv[0]) or argv[0]
        policy: dict[str, Any] = {"limits": dict(limits), "server": os.getpid()}
        parts = self.parts_for(program, reads)
        if is_plugin:
            parts -= {SandboxPart.USER, SandboxPart.NETWORK}
            policy["privileges"] = False
        if low_priority:
            policy["nice"] = _BACKGROUND_NICE
        if SandboxPart.NETWORK in parts:
            policy["network"] = self.entrances
        if SandboxPart.USER in parts:
            policy["user"] = sandbox_user()
        if SandboxPart.FILES in parts:
            uncounted = {_ENDLESS} if is_plugin else set()
            policy["files"] = {
                "read": [path for path in _readable(program, reads) if path not in uncounted],
                "write": list(writes),
                "ports": None if is_plugin else urlsplit(source).port or 0,
            }
        if SandboxPart.CALLS in parts:
            policy["calls"] = "plugin" if is_plugin else "decoder"
        return _launcher("main(sys.argv[2], sys.argv[3:])", marshal.dumps(policy).hex(), program, *argv[1:])

    def close(self) -> None:
        """Close the network, if there is one; no child can be started afterwards."""
        if self.network:
            self.network.close()

    @property
    def entrances(self) -> tuple[int, ...]:
        """Descriptors that a child inherits."""
        return self.network.entrances if self.network else ()


def child_environment() -> dict[str, str]:
    """Return the variables that a child gets: where programs are, how to write text, and no other."""
    return {name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith("LC_")}


@functools.cache
def sandbox_user() -> int:
    """Return the id of the user that children run as where the server is root."""
    with suppress(KeyError):
        return pwd.getpwnam(_USER_NAME).pw_uid
    return _USER_NUMBER


@functools.cache
def find_parts() -> frozenset[SandboxPart]:
    """Try which parts work here, the network apart. Takes some 30 ms, once."""
    if sys.platform != "linux":
        return frozenset()
    tried = {SandboxPart.FILES, SandboxPart.CALLS} | ({SandboxPart.USER} if os.geteuid() == 0 else set())
    if _works(ChildSandbox(frozenset(tried))):
        return frozenset(tried)
    return frozenset(part for part in tried if _works(ChildSandbox(frozenset({part}))))


def _works(sandbox: ChildSandbox) -> bool:
    return _run(sandbox.command([_any_program()]), *sandbox.entrances).returncode == 0


def open_network() -> SandboxNetwork | None:
    """Make a network for children; None where the kernel does not let this user."""
    if sys.platform != "linux":
        return None
    ours, theirs = socket.socketpair()
    with ours, theirs:
        done = _run(_launcher("open_network(int(sys.argv[2]))", str(theirs.fileno())), theirs.fileno())
        if done.returncode:
            return None
        _, descriptors, _, _ = socket.recv_fds(ours, 1, 3)
    listener, *entrances = descriptors
    for descriptor in descriptors:
        os.set_inheritable(descriptor, False)
    return SandboxNetwork(socket.socket(fileno=listener), tuple(entrances))


def _launcher(call: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", _BOOT + call, str(_LAUNCHER.parent), *arguments]


def _run(command: list[str], *passed: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - our own launcher
        command,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        pass_fds=passed,
        timeout=_TRIAL_SECONDS,
        check=False,
    )


def _any_program() -> str:
    return shutil.which("true") or "/bin/true"


def _readable(program: str, reads: Sequence[str]) -> list[str]:
    """List what the program may open, and nothing around it."""
    real = Path(program).resolve()
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [*_SYSTEM, *filter(None, libraries), program, str(real), str(real.parent.parent / "lib"), *reads]


@functools.cache
def _is_open_to_others(path: str) -> bool:
    """Whether a user without any rights here can reach a file or folder."""
    real = Path(path).resolve()
    needed = [(real, 0o5), *((folder, 0o1) for folder in (*real.parents, *Path(path).absolute().parents))]
    with suppress(OSError):
        return all(place.stat().st_mode & bits == bits for place, bits in needed)
    return False
