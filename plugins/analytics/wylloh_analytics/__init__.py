"""Charts of what happened on chain and on this server, for who makes and shows films. Nobody is tracked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_analytics._desk import desk_of, running
from wylloh_analytics._tables import MIGRATIONS
from wylloh_server.sdk import ChainAdvanced, hookimpl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from wylloh_server.sdk import Event, Migration, PluginContext


WYLLOH_SDK = "1.0"


@hookimpl
def migrations() -> Sequence[Migration]:
    """Declare the tables."""
    return MIGRATIONS


@hookimpl
async def lifespan(context: PluginContext) -> AsyncIterator[None]:
    """Count what happened while the plugin was not running."""
    async with running(context):
        yield


@hookimpl
async def on_event(context: PluginContext, event: Event) -> None:
    """Count what is new on the chain."""
    if isinstance(event, ChainAdvanced):
        await desk_of(context).catch_up_for_a_while()
