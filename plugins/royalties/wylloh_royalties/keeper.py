"""Keeps the plugin true to the chain, in the background, and tells open pages when money has moved."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from wylloh_royalties.ledger import Ledger
from wylloh_royalties.purses import Purses
from wylloh_royalties.titles import Titles
from wylloh_server.sdk import ChainAdvanced, FilmAdded, FilmDescribed, FilmRemoved, TransactionConfirmed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from wylloh_server.sdk import Event, PluginContext, Wallet

TOPIC = "plugin:royalties"
"""The live topic of the list of splitters. `topic_of` names that of one of them."""

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
"""Seconds until something that failed is tried again; doubled each time."""
_MOST_TOLD = 100
"""Splitters whose open pages are told one by one; when more have changed, all are told."""

_open: dict[int, Keeper] = {}
"""The keepers of running servers, by the identity of their plugin's context: a process can run several."""


def keeper_of(context: PluginContext) -> Keeper:
    """Give the keeper of a running server."""
    return _open[id(context)]


def topic_of(splitter: Wallet) -> str:
    """Name the live topic of a splitter's money."""
    return f"{TOPIC}:{splitter}"


@asynccontextmanager
async def keeping(context: PluginContext) -> AsyncIterator[None]:
    """Follow the chain until the context ends."""
    keeper = Keeper(context)
    await keeper.titles.read_all()
    _open[id(context)] = keeper
    work = asyncio.create_task(keeper.work())
    try:
        yield
    finally:
        del _open[id(context)]
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


class Keeper:
    """Does one thing after the other, so that what comes in meanwhile is done at once afterwards.

    Attributes:
        ledger: what the chain said, as kept.
        purses: what came into splitters and is not divided yet.
        titles: what films are called.
    """

    def __init__(self, context: PluginContext) -> None:
        self.ledger = Ledger(context)
        self.purses = Purses(context.chain)
        self.titles = Titles(context.library)
        self._context = context
        self._bell = asyncio.Event()
        self._bell.set()
        self._idle = False

    @property
    def idle(self) -> bool:
        """Whether everything heard of so far is in the tables."""
        return self._idle

    async def hear(self, event: Event) -> None:
        """Note what has to be looked at; quick, so that the plugin's queue stays short."""
        match event:
            case ChainAdvanced():
                self._idle = False
                self._bell.set()
            case TransactionConfirmed(plugin="royalties"):
                self._context.live.changed(TOPIC)
            case FilmAdded(film=film) | FilmDescribed(film=film):
                await self.titles.read(film)
            case FilmRemoved(film=film):
                self.titles.forget(film)

    async def work(self) -> None:
        """Follow until cancelled. What fails is tried again; meanwhile pages show what was known."""
        pause = _FIRST_PAUSE
        while True:
            await self._bell.wait()
            self._bell.clear()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - nothing may end this
                self._bell.set()
                self._context.log.warning("royalties are behind", reason=str(error), again_in_seconds=pause)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_PAUSE, 2 * pause)
                continue
            pause = _FIRST_PAUSE
            self._idle = not self._bell.is_set()

    async def _look(self) -> None:
        while (touched := await self.ledger.read_on()) is not None:
            self._tell(touched.splitters, shares=touched.shares)
        self._tell(await self.purses.look(), shares=False)

    def _tell(self, splitters: Iterable[Wallet], *, shares: bool) -> None:
        topics = [topic_of(splitter) for splitter in splitters]
        if len(topics) > _MOST_TOLD or shares:
            topics = [TOPIC, *topics[:_MOST_TOLD]]
        if topics:
            self._context.live.changed(*topics)
