"""Servers as real processes on ports the system gives: ours and nginx; and `wrk`, which asks them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from tests.components.programs import program
from tests.components.server import WYLLOH, server_settings
from demo.child_processes import Child, child
from demo.demo_servers import answers

CONNECTIONS = 64
_PATIENCE = 10
"""Seconds that `wrk` waits for one answer."""
_START_SECONDS = 60
_QUIET = 0.05


def free_port() -> int:
    """A port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def write_settings(folder: Path, port: int, **sections: Mapping[str, Any]) -> Path:
    """Write settings for a server that keeps its data in `folder`/data, listens on loopback and admits anyone."""
    server = {"public_url": f"http://127.0.0.1:{port}", "admit": "anyone"}
    return server_settings(folder, port=port, server=server, **sections)


@contextmanager
def wylloh(settings: Path, port: int) -> Iterator[Child]:
    """Run `wylloh serve` until the context ends; inside, it answers."""
    command = [*WYLLOH, "serve", "--config", str(settings)]
    with child("server", command, settings.with_suffix(".log")) as running:
        running.wait_for(lambda: answers(f"http://127.0.0.1:{port}/livez"), _START_SECONDS)
        yield running


def wait_until_quiet(running: Child, seconds: float) -> None:
    """Wait until a server and its children have done what they do unasked, at most some seconds."""
    patience = time.monotonic() + seconds
    before = _processor_seconds(running)
    while time.monotonic() < patience:
        time.sleep(0.5)
        now = _processor_seconds(running)
        if now - before < _QUIET:
            return
        before = now


def resident_megabytes(running: Child) -> float:
    """Return the resident memory of a process and of the children that it runs, in MB of 10⁶ bytes."""
    pid = running.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    kilobytes = [
        int(re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{one}/status").read_text())[1])
        for one in (pid, *children)
    ]
    return sum(kilobytes) * 1024 / 1e6


def _processor_seconds(running: Child) -> float:
    """What a process and the children it has waited for have used; one that still runs counts as much."""
    pid = running.pid
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    used = sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK")
    busy = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return used + (time.monotonic() if busy else 0)


@contextmanager
def nginx(folder: Path) -> Iterator[str]:
    """Serve a folder's files with one nginx worker and sendfile until the context ends; gives the address."""
    port, place = free_port(), folder.parent
    user = "user root;" if os.geteuid() == 0 else ""
    temporary = " ".join(
        f"{kind}_temp_path {place}/nginx-{kind};"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    config = place / "nginx.conf"
    config.write_text(
        f"daemon off; {user} worker_processes 1; pid {place}/nginx.pid; error_log {place}/nginx.log;\n"
        "events { worker_connections 1024; }\n"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 10000000; {temporary}\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n"
    )
    command = [str(program("nginx")), "-c", str(config), "-e", str(place / "nginx.log")]
    with child("nginx", command, place / "nginx.out") as running:
        running.wait_for(lambda: _listens(port), seconds=10)
        yield f"http://127.0.0.1:{port}"


@dataclass(frozen=True, slots=True)
class Load:
    """What `wrk` saw: answers per second, and the milliseconds within which 95 % of them came."""

    per_second: float
    p95: float


def wrk(
    url: str, paths: Sequence[str], seconds: int, *, cookie: str = "", connections: int = CONNECTIONS
) -> float:
    """Return the answers per second of `load`."""
    return load(url, paths, seconds, cookie=cookie, connections=connections).per_second


def load(
    url: str, paths: Sequence[str], seconds: int, *, cookie: str = "", connections: int = CONNECTIONS
) -> Load:
    """Request some paths in turn over many connections for some seconds.

    Raises:
        RuntimeError: an answer was not 200, or took longer than both `seconds` and ten seconds.
    """
    script = Path(__file__).with_name("paths.lua")
    patience = max(seconds, _PATIENCE)
    words = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", f"{patience}s", "-s", str(script)]
    done = subprocess.run(
        [str(program("wrk")), *words, "-H", f"Cookie: {cookie}", url, "--", *paths],
        capture_output=True,
        text=True,
        check=True,
        stdin=subprocess.DEVNULL,
        timeout=seconds + 30,
    )
    if "Non-2xx" in done.stdout or "Socket errors" in done.stdout:
        raise RuntimeError(f"not every answer came:\n{done.stdout}")
    within = int(re.search(r"95% within (\d+) us", done.stdout)[1])
    return Load(float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1]), within / 1000)


@contextmanager
def static_files(folder: Path) -> Iterator[str]:
    """Serve a folder's files with aiohttp and nothing else, in a process of its own; gives the address."""
    port = free_port()
    command = [sys.executable, str(Path(__file__).with_name("plain_aiohttp.py")), str(folder), str(port)]
    with child("plain aiohttp", command, folder.parent / "plain-aiohttp.log") as running:
        running.wait_for(lambda: _listens(port), seconds=20)
        yield f"http://127.0.0.1:{port}"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def fetch(url: str) -> bytes:
    """Fetch something in the simplest way."""
    with urlopen(url, timeout=30) as reply:
        return bytes(reply.read())
