"""The context of a plugin in its own process: the server's parts of it are calls to the server."""

from __future__ import annotations

import dataclasses
import logging
from typing import TYPE_CHECKING, Any, cast

from wylloh_server.domain.plugin_log import PluginLog
from wylloh_server.domain.plugin_scopes import ScopedTopics
from wylloh_server.plugins.context import PluginContext
from wylloh_server.plugins.event_emitter import declared_only

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.ports.plugin_tables import PluginTables
    from wylloh_server.domain.types import Wallet
    from wylloh_server.plugins.isolation.channel import Channel


class _RemoteService:
    """A part of the server: each of its methods asks for the answer there; what is known is an attribute."""

    def __init__(self, channel: Channel, target: str, **known: object) -> None:
        self._channel = channel
        self._target = target
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(name)

        async def call(*given: object, **named: object) -> Any:
            return await self._channel.ask(f"{self._target}.{name}", given, named)

        return call


def worker_context(
    channel: Channel,
    name: str,
    tables: PluginTables,
    event_types: Collection[type[Event]],
    *,
    settings: Mapping[str, Any],
    server: Any,
    contracts: Any,
    explorer: str,
) -> PluginContext:
    """Return the context of a plugin whose process talks over a channel."""
    return PluginContext(
        name=name,
        settings=settings,
        log=PluginLog(_server_log(channel, name)),
        tables=tables,
        library=cast("Any", _RemoteService(channel, "library")),
        emit=declared_only(name, event_types, _emit(channel)),
        chain=cast("Any", _RemoteService(channel, "chain", contracts=contracts, explorer=explorer)),
        transactions=cast("Any", _RemoteService(channel, "transactions")),
        tasks=cast("Any", _RemoteService(channel, "tasks")),
        live=_topics(channel, name),
        server=server,
    )


def _emit(channel: Channel) -> Callable[[Event], None]:
    def emit(event: Event) -> None:
        fields = {field.name: getattr(event, field.name) for field in dataclasses.fields(event)}
        channel.say("emit", type(event).__name__, fields)

    return emit


def _topics(channel: Channel, name: str) -> ScopedTopics:
    def changed(*topics: str, wallet: Wallet | None = None) -> None:
        channel.say("changed", topics, wallet)

    def notify(wallet: Wallet, sentence: str, link: str) -> None:
        channel.say("notify", wallet, sentence, link)

    return ScopedTopics(name, changed, notify)


def _server_log(channel: Channel, name: str) -> logging.Logger:
    """Return the plugin's logger, which writes to the server's log."""

    class ToServer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            channel.say("log", record.levelno, self.format(record))

    logger = logging.getLogger(f"wylloh.plugins.{name}")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.handlers = [ToServer()]
    return logger
