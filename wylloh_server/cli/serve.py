"""`wylloh serve`: run the server until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import secrets
import signal
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.banner import show_address, show_claim_code, show_developer_sign_in
from wylloh_server.cli.listen_addresses import listen, with_addresses
from wylloh_server.cli.log_setup import set_up_logs
from wylloh_server.cli.settings_option import with_settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from wylloh_server.config import Settings
    from wylloh_server.services.operations.recent_log import RecentLog


_log = logging.getLogger(__name__)

_GRACE = 1.0
"""Seconds for threads to end after the server has stopped."""
_STOP_SECONDS = 8.0
"""Seconds for the server to stop, whatever it is doing. Container runtimes kill after ten."""
_LAST_SECONDS = 9.0
"""Seconds after which the kernel ends a process in which not even a thread comes to its turn."""


@click.command()
@with_settings
@click.option("--log-level", default="INFO", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]))
@click.option("--dev", is_flag=True, help="For who writes plugins and themes: reload them when they change.")
def command(settings: Settings, log_level: str, *, dev: bool) -> None:
    """Run the server."""
    recent_log = set_up_logs(log_level)
    bound = listen(settings)
    with suppress(asyncio.CancelledError):  # told to stop before it had started
        asyncio.run(_serve(with_addresses(settings, bound.getsockname()[1]), bound, recent_log, dev=dev))
    _let_go()


async def _serve(settings: Settings, bound: socket.socket, recent_log: RecentLog, *, dev: bool) -> None:
    with _without_collecting():
        from wylloh_server.app import announcing, serving

    stop = _StopSignal()
    url = settings.server.public_url
    key = secrets.token_urlsafe(24) if dev else ""
    running = serving(
        settings,
        bound,
        lambda code: show_claim_code(url, code),
        recent_log=recent_log,
        development_key=key,
    )
    async with running, announcing(settings):
        show_address(settings.server.name, url)
        if dev:
            show_developer_sign_in(settings, key)
        await stop.wait()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Import without collecting garbage: modules stay, and going through them is a tenth of the start."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _stop_in_any_case() -> None:
    """End the process when stopping takes too long. What is kept on disk is safe at any moment.

    A thread does it, because the event loop may be what hangs; after it the kernel, because code that holds
    the interpreter's lock keeps threads from running. The media tools end with their parent.
    """

    def end() -> None:
        _log.warning("Stopping took longer than %g s. The process ends with work unfinished.", _STOP_SECONDS)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    watch = threading.Timer(_STOP_SECONDS, end)
    watch.daemon = True
    watch.start()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, _LAST_SECONDS)


def _let_go() -> None:
    """End the process even if a plugin has left threads behind: Python would wait for them."""
    left = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for thread in left:
        thread.join(_GRACE / len(left))
    logging.shutdown()  # what was only counted is said
    if any(thread.is_alive() for thread in left):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


class _StopSignal:
    """Waits until the process is told to stop. Told so while it starts, it does not finish starting."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._main = asyncio.current_task()
        self._started = False
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop)

    async def wait(self) -> None:
        """Wait, from when everything has started on."""
        self._started = True
        await self._told.wait()

    def _stop(self) -> None:
        if self._told.is_set():
            return
        self._told.set()
        click.echo("Stopping.")
        _stop_in_any_case()
        if not self._started and self._main is not None:
            self._main.cancel()
