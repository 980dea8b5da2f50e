"""Puts the demo's whole past on a new chain: contracts, six films, a hundred transactions in three months."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from demo.demo_chain import pool
from demo.demo_films import CATALOGUE, LIGHT
from demo.demo_publisher import SHOP_TOKENS, publish_own
from demo.seed_history import DAY, SeedHistory, put_on_sale
from demo.seed_ledger import SeedLedger
from demo.seed_market import close_allowances, open_market

if TYPE_CHECKING:
    from collections.abc import Callable

    from demo.demo_chain import DemoAccounts
    from demo.demo_films import DemoFilm
    from demo.demo_publisher import Publisher
    from demo.seed_market import SeedMarket
    from wylloh_server.domain.types import TokenReference, Wallet

BEGIN = 92
"""Days ago at which the chain begins."""


def deploy_market(rpc: str, cast: DemoAccounts) -> SeedMarket:
    """Deploy the contracts on a new chain and hand out the money."""

    async def work() -> SeedMarket:
        async with pool(rpc) as chain:
            ledger = SeedLedger(chain)
            registry = await ledger.deploy(cast.wallets[0], "FilmRegistry", cast.wallets[0])
            return await open_market(ledger, registry, cast.wallets)

    return asyncio.run(work())


def seed_chain(
    stage: Publisher, market: SeedMarket, say: Callable[[str, str], None]
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
        await SeedLedger(chain).at(moment)


async def _trade(
    rpc: str,
    market: SeedMarket,
    film: DemoFilm,
    tokens: dict[str, TokenReference],
    days: tuple[float, float, float],
) -> None:
    since, until, today = days
    async with pool(rpc, market.registry) as chain:
        ledger = SeedLedger(chain)
        token = tokens[film.key]
        await put_on_sale(ledger, market, film, token, today)
        if film is LIGHT:
            mint = "mint(address,uint256,uint256)"
            await ledger.call(
                market.publisher, market.registry, mint, market.publisher, token.token_id, SHOP_TOKENS
            )
        await SeedHistory(ledger, market, tokens, today).happen(since, until)


async def _close(rpc: str, market: SeedMarket) -> int:
    async with pool(rpc, market.registry) as chain:
        ledger = SeedLedger(chain)
        await close_allowances(ledger, market)
        await ledger.now()
        return int(await chain.request("eth_blockNumber", []), 16)
