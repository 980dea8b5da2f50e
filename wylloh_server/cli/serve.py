"""`wylloh serve`: run the server until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.addresses import listen, with_addresses
from wylloh_server.cli.banner import show_address, show_claim_code
from wylloh_server.cli.logs import set_up_logs
from wylloh_server.cli.options import with_settings

if TYPE_CHECKING:
    import socket

    from wylloh_server.config import Settings


_GRACE = 1.0
"""Seconds for threads to end after the server has stopped."""


@click.command()
@with_settings
@click.option("--log-level", default="INFO", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]))
@click.option("--dev", is_flag=True, help="Show changed templates and styles at once: for who writes them.")
def command(settings: Settings, log_level: str, *, dev: bool) -> None:
    """Run the server."""
    set_up_logs(log_level)
    bound = listen(settings)
    asyncio.run(_serve(with_addresses(settings, bound.getsockname()[1]), bound, dev=dev))
    _let_go()


async def _serve(settings: Settings, bound: socket.socket, *, dev: bool) -> None:
    from wylloh_server.app import announcing, create_app, serving

    stop = _stop_signal()
    url = settings.server.public_url
    app = create_app(settings, show_claim=lambda code: show_claim_code(url, code), development=dev)
    async with serving(app, bound), announcing(settings):
        show_address(settings.server.name, url)
        await stop.wait()
        click.echo("Stopping.")


def _let_go() -> None:
    """End the process even if a plugin has left threads behind: Python would wait for them."""
    left = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    for thread in left:
        thread.join(_GRACE / len(left))
    if any(thread.is_alive() for thread in left):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
