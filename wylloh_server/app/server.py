"""The server: what is started, in which order."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from wylloh_server import __version__
from wylloh_server.adapters.lan.zeroconf_announcer import ZeroconfAnnouncer
from wylloh_server.app.adapters import data_folder
from wylloh_server.app.bounded_stack import BoundedExitStack
from wylloh_server.app.core import start_core
from wylloh_server.app.plugin_manager import plugin_configuration, plugin_registry
from wylloh_server.app.services import build_removal, build_search
from wylloh_server.app.stages import (
    start_accounts,
    start_chain,
    start_library,
    start_periodic_work,
    start_playback,
    start_plugins,
    start_publishing,
    start_tasks,
    start_transactions,
    start_web,
)
from wylloh_server.domain.plugin_limits import Limits
from wylloh_server.plugins import Dispatch
from wylloh_server.web.app_keys import (
    DISPATCH,
    LIVE,
    PLUGINS,
    RECENT_LOG,
    SERVICES,
    UNLISTED_PROXIES,
    Services,
)
from wylloh_server.web.application import new_application, set_up_pages
from wylloh_server.web.development import develop
from wylloh_server.web.development_sign_in import add_development_sign_in, can_sign_in
from wylloh_server.web.routes import add_routes

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from aiohttp import web

    from wylloh_server.app.core import Core
    from wylloh_server.app.publishing import PublishingServices
    from wylloh_server.app.services import AccountServices
    from wylloh_server.app.stages import LibraryServices, PlaybackServices
    from wylloh_server.app.transaction_services import TransactionServices
    from wylloh_server.config import Settings
    from wylloh_server.services.accounts.access_removal import AccessRemoval
    from wylloh_server.services.operations.recent_log import RecentLog


@asynccontextmanager
async def serving(
    settings: Settings,
    bound: socket.socket,
    show_claim: Callable[[str], None],
    *,
    recent_log: RecentLog,
    development_key: str = "",
) -> AsyncIterator[None]:
    """Run the server on a socket that listens already, until the context ends.

    What a stage starts is stopped, in reverse order, at the end, each step within a bound. Pages are answered
    from `start_web` on; what follows needs seconds that nobody has to wait for.

    Args:
        settings: the settings.
        bound: the socket.
        recent_log: the last lines of the log, for the page that shows them.
        show_claim: called with the code that makes its reader the owner, while there is none.
        development_key: reload changed plugins, templates and styles, and let who has this key sign in
            without a wallet if the server is for this machine alone; empty for neither.

    Raises:
        SettingsError: another server uses the data folder, or a setting cannot be used.
        WyllohError: the data folder, its database or its key store cannot be used.
    """
    app = _new_app(settings, development_key)
    app[RECENT_LOG] = recent_log
    async with BoundedExitStack() as stack:
        core = await start_core(settings, app[PLUGINS], app[DISPATCH], app[LIVE], stack)
        accounts = await start_accounts(core, show_claim, stack)
        films = await start_library(core, app[UNLISTED_PROXIES], stack)
        playback = await start_playback(core, accounts, films, stack)
        transactions = await start_transactions(core, stack)
        publishing = await start_publishing(core, transactions)
        await start_plugins(core, films, transactions, stack)
        app[SERVICES] = _services(
            core,
            accounts=accounts,
            films=films,
            playback=playback,
            transactions=transactions,
            publishing=publishing,
        )
        await start_web(app, bound, stack)
        retrieval = await start_tasks(core, films, playback, stack)
        await start_chain(core, stack)
        await start_periodic_work(
            core, films, retrieval, accounts=accounts, publishing=publishing, stack=stack
        )
        yield


def _new_app(settings: Settings, development_key: str) -> web.Application:
    """Return the application with its plugins loaded, its pages and its routes; nothing is started yet."""
    app = new_application(settings)
    data_folder(settings)  # plugins with a process of their own write below it
    app[PLUGINS] = plugin_registry(settings, patience=Limits().patience)
    app[DISPATCH] = Dispatch(app[PLUGINS])
    set_up_pages(app)
    add_routes(app)
    if development_key:
        develop(app)
        if can_sign_in(settings.server):
            add_development_sign_in(app, development_key)
    return app


def _services(
    core: Core,
    *,
    accounts: AccountServices,
    films: LibraryServices,
    playback: PlaybackServices,
    transactions: TransactionServices,
    publishing: PublishingServices,
) -> Services:
    """Return what requests work with."""
    storage = core.adapters.database.storage
    return Services(
        accounts=storage.accounts,
        approvals=publishing.approvals,
        batch=films.batch,
        bindings=core.rights.bindings,
        consents=films.consents,
        custodian=core.rights.custodian,
        envelopes=core.rights.envelopes,
        film_storage=playback.film_storage,
        folder_scans=films.folder_scans,
        groups=films.groups,
        health=films.health,
        library=films.library,
        film_removal=films.removal,
        licensing=playback.licensing,
        packages=core.adapters.packages,
        package_switch=films.package_switch,
        pairing=accounts.pairing,
        playback=playback.service,
        plugin_configuration=plugin_configuration(core.settings, core.plugins),
        positions=storage.positions,
        preferences=storage.preferences,
        posters=films.posters,
        trailers=films.trailers,
        receipts=storage.receipts,
        registration=publishing.registration,
        revocation_delivery=core.revocation_delivery,
        access_removal=_removal(core, accounts, playback, publishing),
        terms_of_use=storage.terms_of_use,
        search=build_search(core.adapters, films.library),
        sessions=storage.sessions,
        sign_in=accounts.sign_in,
        stacks=storage.stacks,
        tasks=core.tasks,
        titles=publishing.titles,
        summaries=transactions.summaries,
        transactions=transactions.service,
        versions=storage.versions,
    )


def _removal(
    core: Core, accounts: AccountServices, playback: PlaybackServices, publishing: PublishingServices
) -> AccessRemoval:
    return build_removal(
        core.adapters,
        accounts,
        core.bus,
        core.live,
        playback=playback.service,
        publishers=publishing.removal,
    )


def announcing(settings: Settings) -> AbstractAsyncContextManager[None]:
    """Announce the server on the LAN until the context ends, if the settings say so."""
    server = settings.server
    if not settings.lan.announce or server.host.startswith("127."):
        return nullcontext()
    properties = {"name": server.name, "version": __version__, "path": "/"}
    return ZeroconfAnnouncer().announced(server.name, server.port, properties)
