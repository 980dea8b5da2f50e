"""Puts the demo's whole past on a new chain: contracts, six films, a hundred transactions in three months."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from wylloh_server.cli.demo.catalogue import CATALOGUE, LIGHT
from wylloh_server.cli.demo.chain import pool
from wylloh_server.cli.demo.ledger import Ledger
from wylloh_server.cli.demo.market import close_allowances, open_market
from wylloh_server.cli.demo.past import DAY, Past, put_on_sale
from wylloh_server.cli.demo.publishing import SHOP_TOKENS, publish_own

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.cli.demo.catalogue import DemoFilm
    from wylloh_server.cli.demo.chain import Cast
    from wylloh_server.cli.demo.market import Market
    from wylloh_server.cli.demo.publishing import Stage
    from wylloh_server.domain.types import TokenReference, Wallet

BEGIN = 92
"""Days ago at which the chain begins."""


def found_market(rpc: str, cast: Cast) -> Market:
    """Deploy the contracts on a new chain and hand out the money."""

    async def work() -> Market:
        async with pool(rpc) as chain:
            ledger = Ledger(chain)
            registry = await ledger.deploy(cast.wallets[0], "FilmRegistry", ("address",), cast.wallets[0])
            return await open_market(ledger, registry, cast.wallets)

    return asyncio.run(work())


def tell_story(
    stage: Stage, market: Market, say: Callable[[str, str], None]
) -> tuple[dict[str, TokenReference], int]:
    """Publish the catalogue and let its past happen. Gives the tokens by key, and the newest block."""
    today = time.time()
    tokens: dict[str, TokenReference] = {}
    releases = [*CATALOGUE, None]
    for film, following in zip(CATALOGUE, releases[1:], strict=True):
        asyncio.run(_set_clock(stage.rpc, market.registry, today - film.days * DAY))
        tokens[film.key] = publish_own(stage, film)
        until = following.days if following else 0.0
        asyncio.run(_trade(stage.rpc, market, film, tokens, (film.days, until, today)))
        say("published", f"{film.title}")
    block = asyncio.run(_close(stage.rpc, market))
    return tokens, block


async def _set_clock(rpc: str, registry: Wallet, moment: float) -> None:
    async with pool(rpc, registry) as chain:
        await Ledger(chain).at(moment)


async def _trade(
    rpc: str,
    market: Market,
    film: DemoFilm,
    tokens: dict[str, TokenReference],
    days: tuple[float, float, float],
) -> None:
    since, until, today = days
    async with pool(rpc, market.registry) as chain:
        ledger = Ledger(chain)
        token = tokens[film.key]
        await put_on_sale(ledger, market, film, token, today)
        if film is LIGHT:
            mint = "mint(address,uint256,uint256)"
            await ledger.call(
                market.publisher, market.registry, mint, market.publisher, token.token_id, SHOP_TOKENS
            )
        await Past(ledger, market, tokens, today).happen(since, until)


async def _close(rpc: str, market: Market) -> int:
    async with pool(rpc, market.registry) as chain:
        ledger = Ledger(chain)
        await close_allowances(ledger, market)
        await ledger.now()
        return int(await chain.request("eth_blockNumber", []), 16)
