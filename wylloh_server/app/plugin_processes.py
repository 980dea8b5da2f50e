"""Which plugins have a process of their own, and how such a process is started."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

import wylloh_server
from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox, child_environment
from wylloh_server.app.adapters import data_folder
from wylloh_server.domain.plugin_record import PluginIsolation
from wylloh_server.plugins.isolation.plugin_process import SpawnedProcess
from wylloh_server.plugins.isolation.running_call import RunningCall, new_memory
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP
from wylloh_server.resources import artifact_folders, bundled_themes
from wylloh_server.storage.plugin_tables_move import tables_file

if TYPE_CHECKING:
    from wylloh_server.app.adapters import Adapters
    from wylloh_server.config import Settings
    from wylloh_server.plugins.isolation.plugin_process import Spawn
    from wylloh_server.plugins.loading import Candidate

_BOOT = Path(wylloh_server.__file__).with_name("plugin_worker") / "boot.py"
_SERVER = "wylloh-server"
"""The distribution that the bundled plugins come with."""

_MEGABYTE = 1 << 20
_FILE_BYTES = 8 << 30
_OPEN_FILES = 512
_NETWORK_FILES = (
    *("/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/usr/share/ca-certificates"),
    *("/etc/resolv.conf", "/run/systemd/resolve", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/services", "/etc/protocols", "/etc/host.conf", "/etc/mime.types", "/etc/localtime"),
)
"""What a program reads in order to find a host by its name and to trust it."""


def isolation_of(settings: Settings, candidate: Candidate) -> PluginIsolation:
    """Return where a plugin runs: as the settings say, else a bundled one in a thread, others apart."""
    is_bundled = (candidate.name, candidate.module) in _bundled()
    default = PluginIsolation.THREAD if is_bundled else PluginIsolation.PROCESS
    return settings.plugins.isolation.get(candidate.name, default)


def process_spawner(settings: Settings, candidate: Candidate) -> Spawn | None:
    """Return what starts a plugin's process; None if it runs in a thread of the server."""
    here = isolation_of(settings, candidate) is PluginIsolation.THREAD or not candidate.package
    return None if here else partial(_spawn, settings)


async def place_tables(settings: Settings, adapters: Adapters, plugin: str, apart: bool) -> None:
    """Bring a plugin's tables to where it runs. Raise PluginError if they cannot be moved."""
    own = tables_file(settings.server.data, plugin)
    await adapters.database.plugins.place(own, plugin, apart=apart)


@cache
def _bundled() -> frozenset[tuple[str, str]]:
    """Return name and module of the plugins that the server's own distribution brings."""
    try:
        points = distribution(_SERVER).entry_points.select(group=ENTRY_POINT_GROUP)
    except PackageNotFoundError:
        return frozenset()
    return frozenset((point.name, point.value) for point in points)


def _spawn(settings: Settings, candidate: Candidate) -> SpawnedProcess:
    """Start the process of a plugin, which imports it at once."""
    home = _own_folder(settings, candidate.name)
    ours, theirs = socket.socketpair()
    memory = new_memory()
    given = {
        **_described(settings, candidate),
        "path": sys.path,
        "server": wylloh_server.__file__,
        "line": theirs.fileno(),
        "memory": memory,
    }
    command = _command(settings, candidate, home, json.dumps(given))
    passed = [descriptor for descriptor in (theirs.fileno(), memory) if descriptor >= 0]
    try:
        return SpawnedProcess(_started(command, home, passed), ours, RunningCall(memory))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        if memory >= 0:
            os.close(memory)


def _described(settings: Settings, candidate: Candidate) -> dict[str, object]:
    return {
        "name": candidate.name,
        "version": candidate.version,
        "module": candidate.module,
        "package": candidate.package,
        "folder": str(candidate.folder or ""),
        "file": str(candidate.file or ""),
        "theme": settings.theme.model_dump(mode="json"),
        "tables": str(tables_file(settings.server.data, candidate.name)),
    }


def _started(command: list[str], home: Path, passed: list[int]) -> subprocess.Popen[bytes]:
    """Start a process that is given descriptors. It ends with the thread that started it: that one stays."""

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - our own program
            command,
            env={**child_environment(), **_environment(home)},
            stdin=subprocess.DEVNULL,
            stdout=_output(1),
            stderr=_output(2),
            pass_fds=passed,
            cwd=home,
        )

    return _starter().submit(start).result()


def _own_folder(settings: Settings, plugin: str) -> Path:
    """Return the folder that the plugin may write to.

    Raises:
        SettingsError: the data folder cannot be made or written.
    """
    folder = tables_file(data_folder(settings), plugin).parent
    (folder / "tmp").mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _output(descriptor: int) -> int | None:
    """Return what a plugin writes to: what the server does, unless that is a file, which it could empty."""
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    except OSError:
        is_file = True
    return subprocess.DEVNULL if is_file else None


def _environment(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "TMPDIR": str(home / "tmp"), "MALLOC_ARENA_MAX": "2"}


def _command(settings: Settings, candidate: Candidate, home: Path, argument: str) -> list[str]:
    argv = [sys.executable, "-P", "-s", str(_BOOT), argument]
    shipped = {*(folder.parent for folder in bundled_themes().values()), *artifact_folders()}
    reads = [
        *(sys.prefix, sys.base_prefix, sys.exec_prefix, Path(wylloh_server.__file__).parent),
        *(part for part in sys.path if "site-packages" in part or "dist-packages" in part),
        *(candidate.folder, candidate.file, *shipped, *settings.theme.path, *_NETWORK_FILES),
    ]
    return _sandbox().command(
        argv,
        reads=[str(path) for path in reads if path],
        writes=[str(home)],
        limits={
            "RLIMIT_DATA": settings.plugins.memory_mb * _MEGABYTE,
            "RLIMIT_FSIZE": _FILE_BYTES,
            "RLIMIT_NOFILE": _OPEN_FILES,
            "RLIMIT_CORE": 0,
        },
        is_plugin=True,
    )


@cache
def _starter() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="plugin processes")


@cache
def _sandbox() -> ChildSandbox:
    return ChildSandbox.without_network()
