"""Puts the web floor together on an application whose services are already under their keys."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.resources import theme_dir
from wylloh_server.services.live import Live
from wylloh_server.web.api.live import STREAMS, Streams, close_streams
from wylloh_server.web.headers import add_security_headers
from wylloh_server.web.keys import LIVE, PLUGINS, SETTINGS
from wylloh_server.web.limits import BUCKETS, TokenBuckets
from wylloh_server.web.middleware import (
    DEADLINES,
    LARGEST_BODY,
    Deadlines,
    deliver,
    explain_errors,
    log_requests,
    read_bodies,
)
from wylloh_server.web.moment import remember_moment
from wylloh_server.web.origins import refuse_other_sites
from wylloh_server.web.proxies import believe_proxies
from wylloh_server.web.session import identify
from wylloh_server.web.static_files import STATIC, read_static_files
from wylloh_server.web.templating import set_up_templates

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from wylloh_server.config import Settings

_DEADLINES = Deadlines()
_OWN_STATIC = Path(__file__).resolve().parent / "static"


def new_application(settings: Settings, deadlines: Deadlines = _DEADLINES) -> web.Application:
    """Make the application with everything that happens around a request, still without routes.

    Add the services under their keys, call `set_up_pages` and `add_routes`, and serve it with `runner_of`.

    Raises:
        SettingsError: `server.trusted_proxies` holds something that is no address.
    """
    around = [
        deliver,
        remember_moment,
        believe_proxies(settings.server.trusted_proxies),
        log_requests,
        explain_errors,
        refuse_other_sites,
        read_bodies,
        identify,
    ]
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=around)
    app.on_response_prepare.append(add_security_headers)
    app[SETTINGS] = settings
    app[DEADLINES] = deadlines
    app[BUCKETS] = TokenBuckets()
    app[LIVE], app[STREAMS] = Live(), Streams()
    app.on_shutdown.append(close_streams)
    return app


def runner_of(app: web.Application) -> web.AppRunner:
    """Make the runner to serve the application with.

    aiohttp's own access log stays off: paths carry play tokens, and `log_requests` writes without them. A
    client that sends half a header, or nothing, is let go after `keepalive_timeout` seconds.
    """
    return web.AppRunner(app, access_log=None, keepalive_timeout=30, shutdown_timeout=2)


@asynccontextmanager
async def serving(app: web.Application, bound: socket.socket) -> AsyncIterator[None]:
    """Serve the application on a socket that listens already, until the context ends."""
    runner = runner_of(app)
    await runner.setup()
    try:
        await web.SockSite(runner, bound).start()
        yield
    finally:
        await runner.cleanup()


def set_up_pages(app: web.Application, theme: str = "default") -> None:
    """Read the templates and static files of the theme and of the plugins loaded under `PLUGINS`.

    Raises:
        NotFound: there is no such theme.
    """
    app[STATIC] = read_static_files(static_folders(theme), app[PLUGINS].static_dirs())
    set_up_templates(app, theme)


def static_folders(theme: str = "default") -> tuple[Path, ...]:
    """Give the folders of the theme's and the core's own files for browsers."""
    return (theme_dir(theme) / "static", _OWN_STATIC)
