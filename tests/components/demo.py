"""Runs the demo the way a person does, and stops it with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from contextlib import contextmanager
from pathlib import Path

from tests.components.stand_in_films import lay_films
from tests.components.registry import transfer
from demo.demo_chain import accounts
from wylloh_server.domain.types import TokenReference, parse_wallet

LEASE_SECONDS = 3
_START_SECONDS = 900
"""Bounds of what has hung, also on a machine that does a lot else; no demo takes as long on a machine of its own."""
_STOP_SECONDS = 180
_LAST_SECONDS = 60
_MARK = "WYLLOH_TEST_DEMO"


class Demo:
    """A demo in a folder of its own. `film` is one of the caller's, else the demo makes its own."""

    def __init__(
        self, folder: Path, film: Path | None = None, name: str = "Wylloh demo", port: int = 0
    ) -> None:
        self.folder = folder
        self.name = name
        self.port = port or free_port()
        self.url = f"http://localhost:{self.port}"
        self.home = folder / str(self.port)
        self.log = folder / "terminal.log"
        self._film = film
        self._mark = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until `/healthz` answers 200, which means that a film can be played."""
        self._mark = uuid.uuid4().hex
        lay_films(self.folder)
        with self.log.open("ab") as terminal:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                env={**os.environ, _MARK: self._mark},
                preexec_fn=_as_in_the_background,
            )
        patience = time.monotonic() + _START_SECONDS
        while not healthy(self.url):
            assert self._process.poll() is None, self.said()
            assert time.monotonic() < patience, self.said()
            time.sleep(0.2)

    def interrupt(self) -> int:
        """Press Ctrl-C; gives the exit code, once everything has ended."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(_STOP_SECONDS)

    def stop(self) -> None:
        """End it if it runs, in whatever state it is."""
        if self._process is not None and self._process.poll() is None:
            try:
                self.interrupt()
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()

    @contextmanager
    def paused(self):
        """Stop it as Ctrl-C does and start it again when the context ends."""
        assert self.interrupt() == 0, self.said()
        assert self.left_behind() == []
        yield
        self.start()

    def copied(self, folder: Path, film: Path, name: str) -> Demo:
        """Return a demo that goes on from where this one, which is stopped, has got to; with one film more."""
        copy = Demo(folder, film, name, self.port)
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns(self.log.name))
        return copy

    def processes(self) -> list[str]:
        """Return the command lines of everything the present (or last) start has running."""
        return running_with(_MARK, self._mark)

    def left_behind(self) -> list[str]:
        """Return what still runs some seconds after the end: a killed child's own children take a moment."""
        patience = time.monotonic() + _LAST_SECONDS
        while (left := self.processes()) and time.monotonic() < patience:
            time.sleep(0.1)
        return left

    def give(self, sender: str, to: str, amount: int) -> None:
        """Pass tokens of the first film on, as their holder would in a wallet; they have arrived when this returns."""
        known = wallets()
        call = transfer(self.tokens[0], known[sender], known[to], amount)
        receipt = self.ask_chain(
            "eth_sendTransactionSync", {"from": known[sender], "to": call.to, "data": call.data}
        )
        assert receipt["status"] == "0x1"

    def said(self) -> str:
        """Give what the terminal shows, over all starts."""
        return self.log.read_text(errors="replace")

    @property
    def data_folders(self) -> tuple[Path, Path]:
        """The publisher's and the holder's."""
        return self.home / "publisher", self.home / "holder"

    @property
    def tokens(self) -> tuple[TokenReference, ...]:
        """The films' tokens, as published."""
        published = json.loads((self.home / "demo.json").read_text())["published"]
        return tuple(TokenReference.parse(token) for token in published.values())

    def ask_chain(self, method: str, *parameters: object) -> object:
        """Make a JSON-RPC request to the demo's chain, which signs for its own accounts."""
        rpc = re.findall(r"chain\s+(http://\S+),", self.said())[-1]
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(rpc, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as reply:
            answer = json.load(reply)
        assert "error" not in answer, answer
        return answer["result"]

    def _command(self) -> list[str]:
        where = ["--port", str(self.port), "--folder", str(self.folder)]
        film = ["--film", str(self._film)] if self._film else []
        holder = ["--name", self.name, "--lease-seconds", str(LEASE_SECONDS)]
        return [sys.executable, "-m", "demo", *where, *holder, *film]


@contextmanager
def running(demo: Demo):
    """Start a demo; at the end Ctrl-C must end it and everything it has started."""
    try:
        demo.start()
        yield demo
        if demo.processes():
            assert demo.interrupt() == 0, demo.said()
            assert demo.left_behind() == []
    finally:
        demo.stop()


def _as_in_the_background() -> None:
    """Ignore Ctrl-C, as commands do that a shell starts with `&`: the demo must end by it all the same."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def wallets() -> dict[str, str]:
    """The demo's wallets: `demo` holds tokens, `empty` none, `publisher` gives them out."""
    cast = accounts()
    named = {"demo": cast.full, "empty": cast.empty, "publisher": cast.publisher}
    return {name: parse_wallet(account.address) for name, account in named.items()}


def running_with(name: str, value: str) -> list[str]:
    """Give the command lines of the processes started with `name=value` in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = f"{name}={value}".encode() in (folder / "environ").read_bytes().split(b"\0")
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if marked and command:
            found.append(command[:200])
    return found


def healthy(url: str) -> bool:
    """Say whether `/healthz` answers 200."""
    try:
        with urllib.request.urlopen(f"{url}/healthz", timeout=10) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError):
        return False


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
