"""Buying up to a tier, selling on, and where every cent of it goes; in a browser, with a wallet that signs."""

import re

import pytest_asyncio
from playwright.async_api import expect

from tests.components.visitor import PATIENCE_MS
from tests.e2e.shoppers import DOLLAR, Shopper, ask, market_of

FILM, PRICE, BULK = "Three Corners", 3_490_000, 2_960_000
"""Its price, and that of each of 50 or more at once."""
FEE, ROYALTY = 250, 500


@pytest_asyncio.fixture(loop_scope="session")
async def shop(browser, demo):
    """Let somebody with money come: `await shop()`."""
    people = []

    async def come(account=None):
        people.append(await Shopper.arriving(browser, demo, account))
        return people[-1]

    yield come
    problems = [problem for person in people for problem in person.visitor.problems]
    for person in people:
        await person.visitor.leave()
    assert problems == []


def money(demo, whom):
    return ask(demo, market_of(demo).coin, "balanceOf(address)", whom)


def share(amount, basis_points):
    return amount * basis_points // 10_000


async def test_buying_up_to_the_next_tier_moves_the_ladder_and_the_film_plays(shop, demo):
    market = market_of(demo)
    buyer = await shop()
    page = buyer.page
    await page.goto("/plugins/store/?q=three")
    await page.get_by_role("main").locator("a.card", has_text=FILM).first.click()
    await page.goto(re.sub(r"/plugins/store/film/(\w+).*", r"/films/\1", page.url))
    await expect(page.get_by_role("main")).to_contain_text("3.49 dUSD")
    before, makers = money(demo, buyer.address), money(demo, market.splitter)

    watching = await buyer.visitor.context.new_page()
    await watching.goto(page.url)
    await expect(watching.locator("#standing")).to_contain_text("You hold no token of this film")

    await (
        page.get_by_role("link", name=re.compile("Buy 1 "))
        .or_(page.get_by_role("button", name=re.compile("Buy 1 ")))
        .first.click()
    )
    if "/transactions/" not in page.url:
        await page.get_by_role("button", name=re.compile("^Buy 1 for")).click()
    await expect(page.locator(".lead").first).to_contain_text(
        "You pay 3.49 dUSD for 1 token of Three Corners"
    )
    await buyer.confirm()
    assert before - money(demo, buyer.address) == PRICE
    assert money(demo, market.splitter) - makers == PRICE - share(PRICE, FEE)
    await expect(watching.locator("#standing")).to_contain_text("99 more tokens", timeout=PATIENCE_MS)

    await buyer.buy(FILM, 99)
    await expect(watching.locator("#standing")).to_contain_text(
        "You hold 100 tokens, which unlock small-venue shows", timeout=PATIENCE_MS
    )
    assert before - money(demo, buyer.address) == PRICE + 99 * BULK
    await buyer.visitor.play(FILM)


async def test_resale_pays_the_seller_the_makers_and_the_store_to_the_last_unit(shop, demo):
    market = market_of(demo)
    seller = await shop()
    await seller.buy(FILM, 10)
    page = seller.page
    await page.goto(f"/plugins/store/film/{seller.visitor.film_id}/sell")
    await page.get_by_label(re.compile("How many")).fill("4")
    await page.get_by_label(re.compile("[Pp]rice")).fill("2.50")
    await page.get_by_role("button", name="Go on").click()
    await seller.confirm()

    buyer = await shop()
    had = {whom: money(demo, whom) for whom in (seller.address, market.splitter, market.publisher)}
    await buyer.visitor.open_film(FILM)
    where = buyer.page.get_by_role("main").get_by_text("2.50 dUSD").first
    await expect(where).to_be_visible()
    await buyer.page.goto(f"/plugins/store/film/{buyer.visitor.film_id}/buy?quantity=4")
    await buyer.page.get_by_role("button", name=re.compile("^Buy 4 for 10.00 dUSD")).click()
    await expect(buyer.page.locator(".page")).to_contain_text("5 %")
    await buyer.confirm()
    total = 10 * DOLLAR
    fee, royalty = share(total, FEE), share(total, ROYALTY)
    assert money(demo, seller.address) - had[seller.address] == total - fee - royalty
    assert money(demo, market.splitter) - had[market.splitter] == royalty
    assert money(demo, market.publisher) - had[market.publisher] == fee
