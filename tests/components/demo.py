"""Runs `wylloh demo` the way a person does, and stops it with Ctrl-C."""

from __future__ import annotations

import json
import os
import re
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

from wylloh_server.adapters.chain.registry_calls import transfer
from wylloh_server.cli.demo.chain import accounts
from wylloh_server.domain.types import TokenReference, wallet_of

LEASE_SECONDS = 3
_START_SECONDS = 170
_STOP_SECONDS = 40
_MARK = "WYLLOH_TEST_DEMO"


class Demo:
    """A demo in a folder of its own. `film` is one of the caller's, else the demo makes its own."""

    def __init__(self, folder: Path, film: Path | None = None, name: str = "Wylloh demo") -> None:
        self.folder = folder
        self.name = name
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.home = folder / str(self.port)
        self.log = folder / "terminal.log"
        self._film = film
        self._mark = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until `/healthz` answers 200, which means that a film can be played."""
        self._mark = uuid.uuid4().hex
        with self.log.open("ab") as terminal:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                env={**os.environ, _MARK: self._mark},
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

    def processes(self) -> list[str]:
        """Give the command lines of everything the present (or last) start has running."""
        return running_with(_MARK, self._mark)

    def give(self, sender: str, to: str, amount: int) -> None:
        """Pass tokens of the first film on, as their holder would in a wallet; they have arrived when this returns."""
        known = wallets()
        call = transfer(self.tokens[0], known[sender], known[to], amount)
        moved = self.ask_chain(
            "eth_sendTransaction", {"from": known[sender], "to": call.to, "data": call.data}
        )
        while (receipt := self.ask_chain("eth_getTransactionReceipt", moved)) is None:
            time.sleep(0.05)
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
        return [sys.executable, "-m", "wylloh_server", "demo", *where, *holder, *film]


@contextmanager
def running_demo(folder: Path, film: Path | None = None, name: str = "Wylloh demo"):
    """Give a started `Demo`; at the end Ctrl-C must end it and everything it has started."""
    demo = Demo(folder, film, name)
    try:
        demo.start()
        yield demo
        if demo.processes():
            assert demo.interrupt() == 0, demo.said()
            assert demo.processes() == []
    finally:
        demo.stop()


def wallets() -> dict[str, str]:
    """The demo's wallets: `demo` holds tokens, `empty` none, `publisher` gives them out."""
    cast = accounts()
    named = {"demo": cast.full, "empty": cast.empty, "publisher": cast.publisher}
    return {name: wallet_of(account.address) for name, account in named.items()}


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
