"""Runs the command `wylloh` the way an operator does: a process, a settings file, a data folder."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import aiohttp

from tests.components.forked_wylloh import ForkedWylloh, run_forked

WYLLOH = (sys.executable, "-m", "wylloh_server")
"""The command as its own program. What `wylloh` and `Server` start is the same, forked: see `forked_wylloh`."""

PATIENCE = 300
"""Seconds until something is taken to hang, on a busy machine."""

_MARK = "WYLLOH_TEST_SERVER"


def write_settings(file: Path, **sections: dict) -> Path:
    """Write a settings file. JSON's texts, numbers, booleans and lists are TOML's."""
    lines = []
    for name, values in sections.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def server_settings(folder: Path, *, port: int = 0, **sections: dict) -> Path:
    """Write the settings of a server that keeps to this machine and has its data in `folder`/data.

    It fetches films whose tokens were minted to somebody, which is how tests come by tokens.
    """
    if "chain" in sections:  # anvil makes a block only when there is something to put into it
        sections["chain"] = {"max_block_age": 0, **sections["chain"]}
        here = {"confirmations": 0, "servers": 100, "ask_local": True}  # the other servers are on loopback
        sections["custody"] = {**here, **sections.get("custody", {})}
    server = {"host": "127.0.0.1", "port": port, "data": str(folder / "data"), **sections.pop("server", {})}
    library = {"given": "fetch", **sections.pop("library", {})}
    fixed = {"server": server, "lan": {"announce": False}, "library": library}
    return write_settings(folder / "wylloh.toml", **fixed, **sections)


def clean_environment(**more: str) -> dict[str, str]:
    """This process's environment without settings of the server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WYLLOH_")}
    mark = {name: os.environ[name] for name in ("WYLLOH_TEST_RUN",) if name in os.environ}
    return {**kept, **mark, **more}


def wylloh(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; one whose environment is about Python itself as a program of its own."""
    given = env or {}
    run = _run_alone if any(name.startswith("PYTHON") for name in given) else run_forked
    return run([str(word) for word in words], env=clean_environment(**given), timeout=PATIENCE)


def _run_alone(words: list[str], *, env: dict[str, str], timeout: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*WYLLOH, *words],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


async def wylloh_async(*words: object, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """As `wylloh`, while this event loop goes on (a gateway of the test runs in it)."""
    return await asyncio.to_thread(wylloh, *words, env=env)


async def eventually(condition, *, seconds: float = PATIENCE):
    """Ask again and again until `condition` (plain or a coroutine function) gives something true; give that."""
    patience = time.monotonic() + seconds
    while True:
        answer = condition()
        if asyncio.iscoroutine(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < patience, f"never came true: {condition}"
        await asyncio.sleep(0.1)


class Server:
    """A `wylloh serve`. It may be started, stopped and killed any number of times; what it says is kept.

    Attributes:
        mark: name and value of a variable that this server and all it starts have in their environment.
    """

    def __init__(self, settings: Path, **env: str) -> None:
        self.settings = settings
        self.url = ""
        self.mark = (_MARK, uuid.uuid4().hex)
        self.process: ForkedWylloh | None = None
        self._env = {**env, _MARK: self.mark[1]}
        self._out = settings.with_suffix(".out")
        self._err = settings.with_suffix(".err")
        self._out_before = self._err_before = 0

    def launch(self, *options: str) -> None:
        """Start the process, without waiting for anything."""
        self._out_before, self._err_before = (_size(file) for file in (self._out, self._err))
        words = ["serve", "--config", str(self.settings), *options]
        self.process = ForkedWylloh(words, out=self._out, err=self._err, env=clean_environment(**self._env))

    async def start(self, *options: str) -> None:
        """Start the process and wait until it answers."""
        self.launch(*options)
        await eventually(self._up)

    def out(self) -> str:
        """What this run said on stdout."""
        return self._out.read_bytes()[self._out_before :].decode()

    def err(self) -> str:
        """What this run said on stderr: its log."""
        return self._err.read_bytes()[self._err_before :].decode()

    def log(self) -> list[dict]:
        """The log of this run; fails when a line of it is not JSON."""
        return [json.loads(line) for line in self.err().splitlines()]

    @property
    def claim_code(self) -> str:
        """The code this run printed; '' if it did not."""
        found = re.search(r"claim=([A-Z0-9]+)", self.out())
        return found[1] if found else ""

    async def ended(self) -> int:
        """Wait for the end and give the exit code."""
        return await asyncio.to_thread(self.process.wait, PATIENCE)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; gives the exit code."""
        self.process.send_signal(how)
        return await self.ended()

    def kill(self) -> None:
        """End it at once, as a power cut would, and what it left behind with it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def children(self) -> dict[int, str]:
        """Give the command lines of the processes it has started and that still run, by id."""
        found = {}
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent = int(status.read_text().rpartition(")")[2].split()[1])
                command = (
                    (status.parent / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except (OSError, ValueError):
                continue
            if parent == self.process.pid and command:
                found[int(status.parent.name)] = command
        return found

    async def _up(self) -> bool:
        assert self.process.poll() is None, (
            f"it ended with {self.process.returncode}:\n{self.out()}{self.err()}"
        )
        found = re.search(r" is at (\S+)", self.out())
        if found is None:
            return False
        self.url = re.sub(r"\x1b\[\d*m", "", found[1])
        return True


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


@asynccontextmanager
async def running_server(settings: Path, **env: str):
    """Give a started `Server` and end it with the context."""
    server = Server(settings, **env)
    try:
        await server.start()
        yield server
    finally:
        server.kill()


@contextmanager
def server_of(settings: Path, **env: str):
    """Give a `Server` that is not started yet, and end it with the context."""
    server = Server(settings, **env)
    try:
        yield server
    finally:
        server.kill()


class Guest:
    """Somebody with a wallet and a browser without a window: cookies, pages, JSON."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    @property
    def cookies(self):
        """The cookies this browser keeps."""
        return list(self._session.cookie_jar)

    async def get(self, path: str, **options) -> tuple[int, bytes]:
        """Fetch something."""
        async with self._session.get(self.url + path, **options) as reply:
            return reply.status, await reply.read()

    async def page(self, path: str) -> str:
        """Fetch a page that must be there."""
        status, body = await self.get(path, headers={"Accept": "text/html"})
        assert status == 200, (status, body)
        return body.decode()

    async def json(self, path: str) -> tuple[int, dict]:
        """Fetch JSON."""
        status, body = await self.get(path, headers={"Accept": "application/json"})
        return status, json.loads(body)

    async def post(self, path: str, **body) -> tuple[int, dict]:
        """Send JSON as a page of the server does."""
        async with self._session.post(self.url + path, json=body, headers={"Origin": self.url}) as reply:
            return reply.status, await reply.json(content_type=None)

    async def sign_in(self, wallet, claim_code: str = "", *, bind: bool = False) -> tuple[int, dict]:
        """Sign in with an eth-account; `bind` lets the server keep the keys of the wallet's films."""
        await self.page("/sign-in")
        _, asked = await self.post("/api/sign-in/challenge", wallet=wallet.address)
        proof = {"signature": _signed(wallet, asked["message"]), "claim_code": claim_code}
        status, answer = await self.post("/api/sign-in/answer", **proof)
        if bind and status == 200 and answer.get("binding"):
            binding = answer["binding"]
            bound = {"signature": _signed(wallet, binding["message"])}
            assert (await self.post("/api/binding", **bound))[0] == 200
        return status, answer

    async def healthy(self) -> bool:
        """Say whether a film can be played."""
        return (await self.get("/healthz"))[0] == 200

    async def films(self) -> dict[str, str]:
        """Give the paths of the films on the library page by title."""
        text = await self.page("/")
        cards = re.findall(r'<a class="card[^"]*"[^>]*href="(/films/[^"]+)".*?</a>', text, re.DOTALL)
        return {film: await self.page(film) for film in cards}


@asynccontextmanager
async def guest(url: str):
    """Give a `Guest` with a cookie jar of their own."""
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=timeout) as session:
        yield Guest(url, session)


def _signed(wallet, text: str) -> str:
    from eth_account.messages import encode_defunct

    return "0x" + bytes(wallet.sign_message(encode_defunct(text=text)).signature).hex()
