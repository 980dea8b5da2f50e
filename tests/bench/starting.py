"""From the command line to the first answer of a server that has been used before."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bench.figures import Figure
from tests.bench.servers import write_settings, wylloh
from tests.bench.theatre import Theatre
from tests.bench.turns import in_turns, seconds
from tests.components.server import WYLLOH
from wylloh_server.cli.demo.processes import child
from wylloh_server.cli.demo.servers import answers

_LIBRARIES = "import aiohttp, web3, sqlalchemy"


def measure(theatre: Theatre) -> list[Figure]:
    """Start to answer, against importing the three largest libraries and nothing else."""
    folder = theatre.folder / "starting"
    folder.mkdir()
    settings = write_settings(folder, theatre.port)
    with wylloh(settings, theatre.port):  # makes the database
        pass
    command = [*WYLLOH, "serve", "--config", str(settings)]

    def start() -> float:
        begun = time.perf_counter()
        with child("server", command, folder / "server.log") as running:
            while not answers(f"http://127.0.0.1:{theatre.port}/livez"):
                running.check()
                time.sleep(0.01)
            return time.perf_counter() - begun

    bare = [sys.executable, "-c", _LIBRARIES]
    ours, floors = in_turns(
        theatre.scale.rounds, start, lambda: seconds(lambda: subprocess.run(bare, check=True))
    )
    return [
        Figure("wylloh serve to its first answer", "s", "less", f'python -c "{_LIBRARIES}"', ours, floors)
    ]
