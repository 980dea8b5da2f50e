"""The context of a plugin: its settings, log, tables, and the parts of the server it may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.server_identity import UNNAMED_SERVER, ServerIdentity

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.plugin_log import PluginLog
    from wylloh_server.domain.plugin_scopes import ScopedTasks, ScopedTopics, ScopedTransactions
    from wylloh_server.domain.ports.plugin_services import PluginChain, PluginLibrary
    from wylloh_server.domain.ports.plugin_tables import Migration, PluginTables
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.transaction import Proposal, TransactionId
    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class PluginContext:
    """A plugin's view of the server.

    Attributes:
        name: the plugin's name.
        settings: every declared setting, checked, by name.
        log: the plugin's logger; `log.info("tea is ready", cups=2)`, likewise `warning` and `error`.
        tables: the plugin's own tables, migrated.
        server: what this server is called (`name`), and where people open it (`url`).
        emit: publish an event of one of the plugin's own `event_types`; never blocks.
            Raises PluginError for a type the plugin has not declared.
        state: what the plugin's `lifespan` yielded, for its hooks, handlers, tasks and commands. None without
            a `lifespan`, and in `lifespan` itself.
    """

    name: str
    settings: Mapping[str, Any]
    log: PluginLog
    tables: PluginTables
    library: PluginLibrary
    emit: Callable[[Event], None]
    chain: PluginChain
    transactions: ScopedTransactions
    tasks: ScopedTasks
    live: ScopedTopics
    server: ServerIdentity = UNNAMED_SERVER
    state: Any = None


async def _stay(_plugin: str, _apart: bool) -> None:
    """Leave a plugin's tables where they are."""


@dataclass(frozen=True, slots=True)
class PluginServices:
    """The services from which contexts are built.

    Attributes:
        place_tables: bring a plugin's tables to where it runs now: into a database of their own for its own
            process (True), or into the server's.
        migrate: run those of a plugin's migrations that have not run yet. Raises PluginError if one fails.
        tables: return a plugin's tables.
        publish: publish an event to the server and to all plugins.
        propose: keep a proposal of a plugin, named last.
        start_task: start a task by kind (`<plugin>.<kind>`), title, arguments and wallet.
        changed: notify open pages that topics changed.
        notify: show a sentence on the open pages of a wallet.
    """

    migrate: Callable[[str, Sequence[Migration]], Awaitable[None]]
    tables: Callable[[str], PluginTables]
    library: PluginLibrary
    publish: Callable[[Event], None]
    chain: PluginChain
    propose: Callable[[Viewer, Proposal, str], Awaitable[TransactionId]]
    start_task: Callable[[str, str, Mapping[str, Any], Wallet | None], Awaitable[TaskId]]
    changed: Callable[..., None]
    notify: Callable[..., None]
    server: ServerIdentity = UNNAMED_SERVER
    place_tables: Callable[[str, bool], Awaitable[None]] = _stay
