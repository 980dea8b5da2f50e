"""Puts the web floor together on an application whose services are already under their keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.operations.recent_log import RecentLog
from wylloh_server.services.operations.unlisted_proxies import UnlistedProxies
from wylloh_server.web.allowed_hosts import refuse_unknown_hosts
from wylloh_server.web.api.live_api import STREAMS, Streams, close_streams
from wylloh_server.web.app_keys import LIVE, PLUGINS, RECENT_LOG, SETTINGS, UNLISTED_PROXIES
from wylloh_server.web.connection_limit import CONNECTION
from wylloh_server.web.csrf import refuse_other_sites
from wylloh_server.web.gateway_limits import GATEWAY_LIMITS, GatewayLimits
from wylloh_server.web.headers import add_security_headers
from wylloh_server.web.live_cursor import remember_cursor
from wylloh_server.web.middleware import (
    DEADLINES,
    RequestDeadlines,
    deliver,
    explain_errors,
    log_requests,
)
from wylloh_server.web.page_cache import PAGE_CACHE, PageCache
from wylloh_server.web.proxies import believe_proxies
from wylloh_server.web.rate_limits import BUCKETS, TokenBuckets
from wylloh_server.web.request_bodies import LARGEST_BODY, read_bodies
from wylloh_server.web.session import identify
from wylloh_server.web.static_files import STATIC, read_static_files
from wylloh_server.web.templating import reload_templates, set_up_templates
from wylloh_server.web.theme import THEME, Theme, find_theme

if TYPE_CHECKING:
    from wylloh_server.config import Settings

_DEADLINES = RequestDeadlines()
_OWN_STATIC = Path(__file__).resolve().parent / "static"


def new_application(settings: Settings, deadlines: RequestDeadlines = _DEADLINES) -> web.Application:
    """Make the application with everything that happens around a request, still without routes.

    Add the services under their keys, call `set_up_pages` and `add_routes`, and serve it with `make_runner`.

    Raises:
        SettingsError: `server.trusted_proxies` holds something that is no address.
    """
    around = [
        deliver,
        remember_cursor,
        believe_proxies(settings.server.trusted_proxies),
        log_requests,
        explain_errors,
        refuse_unknown_hosts(settings.server),
        refuse_other_sites,
        identify,
        read_bodies,
    ]
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=around)
    app.on_response_prepare.append(add_security_headers)
    app[SETTINGS] = settings
    app[DEADLINES] = deadlines
    app[BUCKETS], app[PAGE_CACHE] = TokenBuckets(), PageCache()
    app[GATEWAY_LIMITS] = GatewayLimits(settings.ipfs)
    app[UNLISTED_PROXIES] = UnlistedProxies()
    app[RECENT_LOG] = RecentLog()
    app[LIVE], app[STREAMS] = LiveUpdates(), Streams()
    app.on_shutdown.append(close_streams)
    return app


def make_runner(app: web.Application) -> web.AppRunner:
    """Make the runner to serve the application with."""
    return web.AppRunner(app, **CONNECTION, shutdown_timeout=2)


def set_up_pages(app: web.Application) -> None:
    """Read templates and static files of the theme and of the plugins; again when plugins change.

    Raises:
        SettingsError: there is no such theme.
    """
    plugins = app[PLUGINS]
    app[THEME] = find_theme(app[SETTINGS].theme)
    app[STATIC] = read_static_files(static_folders(app[THEME]), plugins.static_dirs())
    set_up_templates(app)

    def take_plugin_files() -> None:
        app[STATIC].set_plugins(plugins.static_dirs())
        reload_templates(app)
        app[PAGE_CACHE].clear()

    plugins.listeners.append(take_plugin_files)


def static_folders(theme: Theme) -> tuple[Path, ...]:
    """Return the folders of a theme's and the core's own files for browsers."""
    return (*theme.static_folders, _OWN_STATIC)
