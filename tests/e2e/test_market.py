"""Buying up to a tier, selling on, and where every cent of it goes; in a browser, with a wallet that signs."""

import csv
import io
import re
import time
from dataclasses import dataclass
from decimal import Decimal

import pytest_asyncio
from eth_utils.crypto import keccak
from playwright.async_api import expect

from tests.components.browser_user import PATIENCE_MS
from tests.components.shares import divided
from tests.e2e.shoppers import DOLLAR, Shopper, ask, market_of
from demo.demo_chain import accounts

FILM, PRICE, BULK = "Three Corners", 3_490_000, 2_960_000
"""Its price, and that of each of 50 or more at once."""
FEE, ROYALTY = 250, 500


@pytest_asyncio.fixture(loop_scope="session")
async def new_shopper(browser, demo):
    """Let somebody with money come: `await new_shopper()`."""
    people = []

    async def come(account=None):
        people.append(await Shopper.opened(browser, demo, account))
        return people[-1]

    yield come
    problems = [problem for person in people for problem in person.browser_user.problems]
    for person in people:
        await person.browser_user.leave()
    assert problems == []


def money(demo, whom):
    return ask(demo, market_of(demo).coin, "balanceOf(address)", whom)


def share(amount, basis_points):
    return amount * basis_points // 10_000


@dataclass(frozen=True)
class Sale:
    """What the store's own event says."""

    listing: int
    total: int
    royalty: int


def logs(demo, contract, event, *topics):
    """The chain's own record of an event, read by nothing of the server."""
    wanted = ["0x" + keccak(text=event).hex(), *("0x" + topic[2:].rjust(64, "0") for topic in topics)]
    query = {"address": contract, "fromBlock": "0x0", "toBlock": "latest", "topics": wanted}
    return demo.ask_chain("eth_getLogs", query)


def facts(demo, contract, event, *topics):
    return [int(log["data"], 16) for log in logs(demo, contract, event, *topics)]


def sales(demo, store):
    """Every sale: listing, quantity, coin, total, fee, royalty receiver, royalty, presale."""
    event = "Sold(uint256,address,address,uint256,uint256,address,uint256,uint256,address,uint256,bool)"
    words = [bytes.fromhex(log["data"][2:]) for log in logs(demo, store, event)]
    cut = [[int.from_bytes(data[at : at + 32]) for at in range(0, len(data), 32)] for data in words]
    return [Sale(listing=word[0], total=word[3], royalty=word[6]) for word in cut]


async def rows_of(page, address, *, contains):
    """A CSV file, once it is as far as the chain: the indexer may be a moment behind."""
    patience = time.monotonic() + PATIENCE_MS / 1000
    before = ""
    while True:
        text = (await (await page.context.request.get(address)).text()).removeprefix("\ufeff")
        assert contains in text
        if text == before or time.monotonic() > patience:
            return list(csv.DictReader(io.StringIO(text)))
        before = text
        await page.wait_for_timeout(4_000)


def units(amount):
    return int(Decimal(amount.replace(",", "")) * DOLLAR)


def written(amount):
    """As the pages write it: at least two decimals, all that are needed."""
    whole, part = divmod(amount, DOLLAR)
    return f"{whole:,}.{f'{part:06d}'.rstrip('0').ljust(2, '0')} dUSD"


async def test_buying_up_to_the_next_tier_moves_the_ladder_and_the_film_plays(new_shopper, demo):
    market = market_of(demo)
    buyer = await new_shopper()
    page = buyer.page
    await page.goto("/plugins/store/?q=three")
    await page.get_by_role("main").locator("a.card", has_text=FILM).first.click()
    await page.goto(re.sub(r"/plugins/store/film/(\w+).*", r"/films/\1", page.url))
    await expect(page.get_by_role("main")).to_contain_text("3.49 dUSD")
    before, makers = money(demo, buyer.address), money(demo, market.splitter)

    watching = await buyer.browser_user.context.new_page()
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
    await buyer.browser_user.play(FILM)


async def test_resale_pays_the_seller_the_makers_and_the_store_to_the_last_unit(new_shopper, demo):
    market = market_of(demo)
    seller = await new_shopper()
    await seller.buy(FILM, 10)
    page = seller.page
    await page.goto(f"/plugins/store/film/{seller.browser_user.film_id}/sell")
    await page.get_by_label(re.compile("How many")).fill("4")
    await page.get_by_label(re.compile("[Pp]rice")).fill("2.50")
    await page.get_by_role("button", name="Go on").click()
    await seller.confirm()

    buyer = await new_shopper()
    had = {whom: money(demo, whom) for whom in (seller.address, market.splitter, market.publisher)}
    await buyer.browser_user.open_film(FILM)
    where = buyer.page.get_by_role("main").get_by_text("2.50 dUSD").first
    await expect(where).to_be_visible()
    await buyer.page.goto(f"/plugins/store/film/{buyer.browser_user.film_id}/buy?quantity=4")
    await buyer.page.get_by_role("button", name=re.compile("^Buy 4 for 10.00 dUSD")).click()
    await expect(buyer.page.locator(".page")).to_contain_text("5 %")
    await buyer.confirm()
    total = 10 * DOLLAR
    fee, royalty = share(total, FEE), share(total, ROYALTY)
    assert money(demo, seller.address) - had[seller.address] == total - fee - royalty
    assert money(demo, market.splitter) - had[market.splitter] == royalty
    assert money(demo, market.publisher) - had[market.publisher] == fee


async def test_income_is_divided_paid_and_stated_to_the_last_unit(new_shopper, demo):
    market = market_of(demo)
    maker = await new_shopper(accounts().publisher)
    page, splitter, coin = maker.page, market.splitter, market.coin
    came_in = ask(demo, splitter, "pending(address)", coin)
    aside = ask(demo, splitter, "owed(address,address)", maker.address, coin)
    other = market.makers[1]
    others = ask(demo, splitter, "owed(address,address)", other, coin)
    assert came_in > 0

    await page.goto("/plugins/royalties/")
    await expect(page.get_by_role("main")).to_contain_text(written(came_in))
    await page.get_by_role("button", name=re.compile("^Distribute")).click()
    await maker.confirm()
    parts = divided(came_in, (6_500, 3_500))
    assert ask(demo, splitter, "owed(address,address)", maker.address, coin) == aside + parts[0]
    assert ask(demo, splitter, "owed(address,address)", other, coin) == others + parts[1]

    await page.goto("/plugins/royalties/")
    await expect(page.get_by_role("main")).to_contain_text(written(aside + parts[0]), timeout=PATIENCE_MS)
    had = money(demo, maker.address)
    await page.get_by_role("button", name=re.compile("^Withdraw")).click()
    await maker.confirm()
    assert money(demo, maker.address) - had == aside + parts[0]

    statement = f"/plugins/royalties/splitter/{splitter}/statement.csv"
    span = "?from=2026-01-01&to=2099-12-31"
    rows = await rows_of(page, f"{statement}{span}", contains="Closing balance")
    moves = [int(row["amount in base units"]) for row in rows if row["what"] in {"Credit", "Payout"}]
    credited = sum(move for move in moves if move > 0)
    assert sum(moves) == 0, "what was set aside was paid, all of it"
    assert credited == sum(facts(demo, splitter, "Credited(address,address,uint256)", maker.address, coin))
    assert -sum(move for move in moves if move < 0) == sum(
        facts(demo, splitter, "Withdrawn(address,address,uint256)", maker.address, coin)
    )


async def test_analytics_counts_exactly_what_the_chain_says(new_shopper, demo):
    market = market_of(demo)
    maker = await new_shopper(accounts().publisher)
    sold = sales(demo, market.store)
    year = "?period=custom&from=2026-01-01&to=2099-12-31"
    rows = await rows_of(maker.page, f"/plugins/analytics/chart/revenue/csv{year}", contains="Revenue")
    sums = {name: sum(units(row[f"{name} (dUSD)"]) for row in rows) for name in ("First sales", "Royalties")}
    assert sums == {
        "First sales": sum(sale.total for sale in sold if not sale.listing),
        "Royalties": sum(sale.royalty for sale in sold),
    }
    resold = sum(units(row["Resales (dUSD)"]) for row in rows)
    assert resold == sum(sale.total for sale in sold if sale.listing)
