"""The LAN as a separate process sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from wylloh_server.adapters.lan.zeroconf_announcer import SERVICE_TYPES

_BROWSER = Path(__file__).resolve().parents[1] / "adapters" / "lan" / "_lan_browser.py"
_PATIENCE_SECONDS = 30


class LanBrowser:
    """What services have come and gone since it was started."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[dict] = []
        self._reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        self._reader.start()

    def came(self, port: int) -> dict[str, dict]:
        """Wait until a server on `port` is there under every service type; gives what it says, by full name."""
        return self._until(lambda line: line["what"] == "came" and line["port"] == port)

    def went(self, names) -> dict[str, dict]:
        """Wait until these full names are gone."""
        return self._until(lambda line: line["what"] == "went" and line["name"] in names)

    def _until(self, wanted) -> dict[str, dict]:
        patience = time.monotonic() + _PATIENCE_SECONDS
        while True:
            found = {line["name"]: line for line in list(self._lines) if wanted(line)}
            if len(found) == len(SERVICE_TYPES):
                return found
            assert time.monotonic() < patience, self._lines
            time.sleep(0.1)

    def _read(self, stream) -> None:
        for line in stream:
            if (told := json.loads(line))["what"] != "ready":
                self._lines.append(told)


@contextmanager
def lan_browser():
    """Browse for the server's service types in a process of its own until the context ends."""
    command = [sys.executable, str(_BROWSER), *SERVICE_TYPES]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        browser = LanBrowser(process)
        yield browser
        process.stdin.close()
        browser._reader.join()
