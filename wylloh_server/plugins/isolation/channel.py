"""Calls in both directions over a socket pair, each with its answer, its error or its cancellation.

A message is four bytes of length, big-endian, and that many bytes: `[kind, number, …]`, written by `encode`.
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import threading
import time
from contextvars import ContextVar, copy_context
from itertools import count
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.plugins.isolation.remote_errors import ProcessEnded, describe_error, rebuild_error

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable
    from pathlib import Path

LENGTH = struct.Struct(">I")
MOST_BYTES = 64 << 20
"""Most bytes of a message."""
_MOST_CALLS = 1000
"""Most calls from the other side that are answered at a time."""
_MOST_UNREAD = 2 * MOST_BYTES
"""Most bytes that wait for the other side to read them."""
_A_SECOND = 1000
"""Most messages a second of an untrusted side; as many at once where it was quiet."""
_LARGE = 1 << 16
"""Larger messages are read in a thread, so that the loop goes on."""

_ASK, _ANSWER, _ERROR, _CANCEL, _SAY = "ask", "answer", "error", "cancel", "say"

ASKED: ContextVar[set[int] | None] = ContextVar("wylloh_asked", default=None)
"""Receives the numbers of the calls that the running work makes."""
_SERVED: ContextVar[int] = ContextVar("wylloh_served", default=0)
"""The number of the call that is being answered."""


def served_call() -> int:
    """Return the number of the call that is being answered; 0 outside of one."""
    return _SERVED.get()


class Channel:
    """One end of the line. Create it on a running loop, then `open` it.

    Args:
        encode: writes a message as bytes.
        decode: reads one.
        answer: answers what the other side asks: a method and its arguments.
        heard: called with what the other side says without waiting for an answer.
        folder: of the plugin's code, where errors are located.
        trusted: whether the other side may say as much as it likes.

    Attributes:
        unanswered: by number, the calls that the other side has not finished, cancelled ones included; each
            is done when it has.
    """

    def __init__(
        self,
        encode: Callable[[object], bytes],
        decode: Callable[[bytes], Any],
        *,
        answer: Callable[[str, tuple[Any, ...]], Awaitable[object]],
        heard: Callable[[str, tuple[Any, ...]], None],
        folder: Path | None,
        trusted: bool,
    ) -> None:
        self.unanswered: dict[int, asyncio.Future[None]] = {}
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._encode = encode
        self._decode = decode
        self._answer = answer
        self._heard = heard
        self._folder = folder
        self._pace = None if trusted else _Pace()
        self._numbers = count(1)
        self._serving: dict[int, tuple[asyncio.Task[None], int]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()

    async def open(self, line: socket.socket) -> asyncio.StreamReader:
        """Take over a connected socket. Return what `serve` reads from."""
        reader, self._writer = await asyncio.open_connection(sock=line)
        return reader

    async def serve(self, reader: asyncio.StreamReader) -> None:
        """Answer calls until the other side has closed the line.

        Raises:
            PluginError: the other side sent what is no message.
        """
        try:
            while True:
                self._take(await _read(reader, self._decode))
                if self._pace is not None:
                    await asyncio.sleep(self._pace.rest())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except Exception as error:
            raise PluginError(f"sent what is no message: {error}") from error

    def close(self, error: ProcessEnded | None = None) -> None:
        """Close the line, cancel what is being answered, and fail with an error what was asked."""
        if self._writer is not None:
            self._writer.close()
        for task, _ in self._serving.values():
            task.cancel()
        for number in tuple(self.unanswered):
            self._settle(number, error=error or ProcessEnded("is not running any more"))

    async def ask(self, method: str, *arguments: object) -> Any:
        """Call a method on the other side and return its answer. Cancelling this cancels it there.

        Raises:
            ProcessEnded: the line is closed.
            PluginError: the arguments cannot be sent.
            Exception: the error that it raised.
        """
        number, asked = next(self._numbers), ASKED.get()
        self._send(_ASK, number, method, arguments, _SERVED.get())
        future = self._answers[number] = self._loop.create_future()
        self.unanswered[number] = self._loop.create_future()
        if asked is not None:
            asked.add(number)
        try:
            return await future
        except asyncio.CancelledError:
            with contextlib.suppress(ProcessEnded):
                self._send(_CANCEL, number)
            raise

    def say(self, method: str, *arguments: object) -> None:
        """Call a method on the other side without waiting, from any thread. Raise as `ask` does at first."""
        if threading.get_ident() == self._thread:
            self._send(_SAY, 0, method, arguments)
        else:
            self._loop.call_soon_threadsafe(self.say, method, *arguments)

    def waits_for_us(self, numbers: set[int]) -> bool:
        """Return whether what answers one of these calls waits for an answer from this side."""
        return any(parent in numbers for _, parent in self._serving.values())

    def _send(self, *message: object) -> None:
        if self._writer is None or self._writer.is_closing():
            raise ProcessEnded("is not running any more")
        written = self._encode(message)
        if len(written) > MOST_BYTES:
            raise PluginError(f"A message of {len(written):,} bytes is too long.", fix="Send less at once.")
        self._writer.write(LENGTH.pack(len(written)) + written)
        if self._writer.transport.get_write_buffer_size() > _MOST_UNREAD:
            self._writer.transport.abort()  # it does not read

    def _take(self, message: Any) -> None:
        kind, number, *rest = message
        if kind == _ASK:
            self._begin(number, *rest)
        elif kind == _SAY:
            self._heard(*rest)
        elif kind == _CANCEL:
            if number in self._serving:
                self._serving[number][0].cancel()
        elif number in self.unanswered:
            if kind == _ANSWER:
                self._settle(number, *rest)
            else:
                self._settle(number, error=rebuild_error(*rest))

    def _settle(self, number: int, answer: Any = None, error: Exception | None = None) -> None:
        self.unanswered.pop(number).set_result(None)
        future = self._answers.pop(number)
        if future.done():  # cancelled
            return
        if error is None:
            future.set_result(answer)
        else:
            future.set_exception(error)

    def _begin(self, number: int, method: str, arguments: tuple[Any, ...], parent: int) -> None:
        if type(number) is not int or type(parent) is not int or number in self._serving:
            raise ValueError("a call without a number of its own")
        if len(self._serving) >= _MOST_CALLS:
            self._send_error(number, PluginError(f"More than {_MOST_CALLS:,} calls at once."))
            return
        context = copy_context()
        context.run(_SERVED.set, number)
        work = self._serve_call(number, method, arguments)
        task = asyncio.get_running_loop().create_task(work, context=context)
        self._serving[number] = task, parent
        task.add_done_callback(lambda _: self._serving.pop(number, None))

    async def _serve_call(self, number: int, method: str, arguments: tuple[Any, ...]) -> None:
        try:
            self._send(_ANSWER, number, await self._answer(method, arguments))
        except asyncio.CancelledError:
            self._send_error(number, PluginError("cancelled its own task"))
        except Exception as error:  # noqa: BLE001 - raised again on the other side
            self._send_error(number, error)

    def _send_error(self, number: int, error: BaseException) -> None:
        with contextlib.suppress(ProcessEnded):
            self._send(_ERROR, number, describe_error(error, self._folder))


class _Pace:
    """How long to rest after each message, so that a flood leaves the loop to others."""

    def __init__(self) -> None:
        self._due = 0.0

    def rest(self) -> float:
        """Return for how many seconds not to read, now that a message was taken."""
        now = time.monotonic()
        self._due = max(self._due, now - 1) + 1 / _A_SECOND
        return max(self._due - now, 0)


async def _read(reader: asyncio.StreamReader, decode: Callable[[bytes], Any]) -> Any:
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    if length > MOST_BYTES:
        raise ConnectionError("too long a message")
    sent = await reader.readexactly(length)
    return decode(sent) if length < _LARGE else await asyncio.to_thread(decode, sent)
