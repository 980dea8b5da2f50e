"""Starts a real development chain (anvil) for a test and stops it afterwards."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue

from wylloh_server.resources import anvil_path

_LISTENING = re.compile(r"Listening on (?P<address>127\.0\.0\.1:\d+)")
_START_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running chain. Its ten unlocked accounts come from anvil's well-known development mnemonic."""

    address: str
    """`host:port`."""
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """JSON-RPC over HTTP."""
        return f"http://{self.address}"

    @property
    def ws_url(self) -> str:
        """JSON-RPC over WebSocket."""
        return f"ws://{self.address}"

    def stop(self) -> None:
        """End the chain now, as a crashed RPC would. Safe to call twice."""
        self.process.kill()
        self.process.wait()


@contextmanager
def anvil(**flags: str | float | bool) -> Iterator[Anvil]:
    """Run anvil on a port the system gives, on loopback, until the block ends.

    A flag is anvil's own with underscores: `anvil(chain_id=31337, block_time=1, no_mining=True)`.
    """
    process = subprocess.Popen(_command(flags), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    reader, lines = _read(process)
    chain: Anvil | None = None
    try:
        chain = Anvil(_wait_until_listening(lines), process)
        yield chain
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _command(flags: dict[str, str | float | bool]) -> list[str]:
    command = [str(anvil_path()), "--host", "127.0.0.1", "--no-cors"]
    for name, value in {"port": 0, **flags}.items():
        option = "--" + name.replace("_", "-")
        if value is True:
            command.append(option)
        elif value is not False:
            command += [option, str(value)]
    return command


def _read(process: subprocess.Popen[str]) -> tuple[threading.Thread, Queue[str]]:
    """Read on to the end: anvil logs every request and would block on a full pipe."""
    lines: Queue[str] = Queue()

    def read() -> None:
        listening = False
        for line in process.stdout:
            if not listening:
                lines.put(line)
                listening = _LISTENING.search(line) is not None

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return reader, lines


def _wait_until_listening(lines: Queue[str]) -> str:
    seen = []
    while True:
        try:
            line = lines.get(timeout=_START_SECONDS)
        except Empty:
            raise RuntimeError("anvil did not start:\n" + "".join(seen)) from None
        seen.append(line)
        if match := _LISTENING.search(line):
            return match["address"]
