"""Owning a child process: started in its sandbox, its last lines of stderr kept, ended in stages."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.adapters.ffmpeg.child_sandbox import ChildSandbox, child_environment
from wylloh_server.domain.errors import TranscodeFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

_LAST_LINES = 30
_POLITE_SECONDS = 0.5
_LINE_LIMIT = 1 << 16


class RunningProcess:
    """A child process while its context is open."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._last_words: deque[str] = deque(maxlen=_LAST_LINES)
        self._listening = asyncio.create_task(self._listen())

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def last_words(self) -> str:
        """The end of stderr."""
        return "\n".join(self._last_words)

    async def wait(self) -> None:
        """Wait until it has finished.

        Raises:
            TranscodeFailed: its exit code is not 0; the message has its last lines of stderr.
        """
        code = await self._process.wait()
        await self._listening
        if code:
            raise TranscodeFailed(
                f"ffmpeg ended with code {code}: {self.last_words or 'it said nothing'}",
                fix="Play the film in another player; if that works, report this message.",
            )

    async def output(self, limit: int) -> bytes:
        """Read everything it writes to stdout, then wait for its end.

        Raises:
            TranscodeFailed: it failed, or wrote more than `limit` bytes.
        """
        data = bytearray()
        async for piece in self.pieces(limit):
            data += piece
        return bytes(data)

    async def pieces(self, limit: int) -> AsyncIterator[bytes]:
        """Yield what it writes to stdout as it comes, then wait for its end. Raises like `output`."""
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: always a pipe here
        size = 0
        while piece := await self._process.stdout.read(1 << 16):
            size += len(piece)
            if size > limit:
                raise TranscodeFailed(f"ffmpeg wrote more than {limit} bytes", fix="Leave this track out.")
            yield piece
        await self.wait()

    async def end(self) -> None:
        """End it: ask, wait a moment, insist. Does nothing when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            if self._process.returncode is None:
                self._process.terminate()
                await self._wait_or_kill()
        await self._process.wait()
        await self._listening
        assert self._process.stdout is not None  # noqa: S101 - for the type checker: always a pipe here
        await self._process.stdout.read()  # to its end, or the pipe would outlive the event loop

    async def _wait_or_kill(self) -> None:
        try:
            async with asyncio.timeout(_POLITE_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()

    async def _listen(self) -> None:
        """Read stderr to its end: a full pipe would stop the process."""
        assert self._process.stderr is not None  # noqa: S101 - for the type checker: always a pipe here
        while True:
            try:
                line = await self._process.stderr.readline()
            except ValueError:  # a line longer than the limit; what follows it may matter more
                continue
            if not line:
                return
            self._last_words.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def running(
    argv: Sequence[str],
    *,
    sandbox: ChildSandbox | None = None,
    source: str = "",
    reads: Sequence[str] = (),
    low_priority: bool = False,
) -> AsyncIterator[RunningProcess]:
    """Run a command until it or the context ends, with no stdin and in its sandbox.

    Args:
        argv: the program and its arguments; no shell is involved.
        sandbox: how it is confined; None is the strongest of this machine without a network of its own.
        source: the loopback URL that it may connect to; '' is none.
        reads: files and folders beside its libraries that the program consists of.
        low_priority: it gives way to other processes.

    Raises:
        TranscodeFailed: the program cannot be started.
    """
    if shutil.which(argv[0]) is None:
        raise _not_started(argv[0], "there is no such program")
    sandbox = sandbox or ChildSandbox.without_network()
    command = sandbox.command(argv, source=source, reads=reads, low_priority=low_priority)
    starting = asyncio.create_task(_started(command, sandbox.entrances))
    try:
        yield await asyncio.shield(starting)
    finally:
        await _in_any_case(asyncio.create_task(_ended(starting)))


async def _started(command: Sequence[str], entrances: tuple[int, ...]) -> RunningProcess:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=child_environment(),
            pass_fds=entrances,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_LINE_LIMIT,
        )
    except OSError as error:
        raise _not_started(command[0], error.strerror) from error
    return RunningProcess(process)


def _not_started(program: str, reason: str | None) -> TranscodeFailed:
    return TranscodeFailed(f"{program} cannot be started: {reason}", fix="Run `wylloh doctor`.")


async def _ended(starting: asyncio.Task[RunningProcess]) -> None:
    await asyncio.wait([starting])
    if starting.exception() is None:
        await starting.result().end()


async def _in_any_case(task: asyncio.Task[None]) -> None:
    """Wait for a task to be done even while being cancelled, so that no process stays behind."""
    cancelled = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
