"""`wylloh serve`: run the server until it is told to stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.addresses import listen, with_addresses
from wylloh_server.cli.banner import show_address, show_claim_code
from wylloh_server.cli.logs import set_up_logs
from wylloh_server.cli.options import with_settings

if TYPE_CHECKING:
    import socket

    from wylloh_server.config import Settings


@click.command()
@with_settings
@click.option("--log-level", default="INFO", type=click.Choice(["DEBUG", "INFO", "WARNING", "ERROR"]))
def command(settings: Settings, log_level: str) -> None:
    """Run the server."""
    set_up_logs(log_level)
    bound = listen(settings)
    asyncio.run(_serve(with_addresses(settings, bound.getsockname()[1]), bound))


async def _serve(settings: Settings, bound: socket.socket) -> None:
    from wylloh_server.app import announcing, create_app, serving

    stop = _stop_signal()
    url = settings.server.public_url
    app = create_app(settings, show_claim=lambda code: show_claim_code(url, code))
    async with serving(app, bound), announcing(settings):
        show_address(settings.server.name, url)
        await stop.wait()
        click.echo("Stopping.")


def _stop_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
