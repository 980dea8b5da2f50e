"""What the server does by itself, over and over: look for films, renew envelopes, scan folders."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.film import FilmState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.types import Seconds, Wallet
    from wylloh_server.services.envelopes import EnvelopeDesk

_log = logging.getLogger(__name__)


class Renewal:
    """Fetches and renews envelopes of the films that bound wallets hold."""

    def __init__(self, *, films: Films, chain: Chain, envelopes: EnvelopeDesk) -> None:
        self._films = films
        self._chain = chain
        self._envelopes = envelopes

    async def renew(self) -> None:
        """Go once through wallets and films.

        Raises:
            ChainError: the chain cannot be asked; envelopes stay as they are.
        """
        films = [film for film in await self._films.all() if film.token and film.state is FilmState.READY]
        for wallet in await self._envelopes.wallets() if films else ():
            for film in await self._held(wallet, films):
                await self._envelopes.ensure(film, wallet)

    async def _held(self, wallet: Wallet, films: list[Film]) -> list[Film]:
        holdings = await self._chain.holdings(wallet, [film.token for film in films if film.token])
        return [film for film in films if film.token and holdings.counts.get(film.token)]


@asynccontextmanager
async def repeating(name: str, work: Callable[[], Awaitable[None]], every: Seconds) -> AsyncIterator[None]:
    """Do some work again and again until the context ends; its failures are logged, never raised."""
    task = asyncio.create_task(repeat(name, work, every), name=name)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def repeat(name: str, work: Callable[[], Awaitable[None]], every: Seconds) -> None:
    """Do some work again and again until cancelled; its failures are logged, never raised."""
    said = ""
    while True:
        try:
            await work()
            if said:
                _log.info("%s: works again", name)
            said = ""
        except (WyllohError, OSError) as error:
            # Once, not at every round of an outage that may last for days.
            if str(error) != said:
                _log.warning("%s: %s", name, error)
            said = str(error)
        except Exception:  # noqa: BLE001 - a defect in one round must not end all later ones
            _log.exception("%s failed", name)
        await asyncio.sleep(every)
