"""The shop follows library and chain: what happens shows, what a reorg takes back is gone, nothing counts twice."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from store_samples import (
    HOLDER,
    LIGHT,
    NIGHT,
    STORE,
    VIEWER,
    created,
    film,
    happened,
    ladder,
    listed,
    minted,
    moved,
    offer,
    settled,
    sold,
    stocked,
    titles_of,
    token,
)

from wylloh_server.sdk import (
    EventQuery,
    ZERO_ADDRESS,
    FilmDescribed,
    ListingCancelled,
    OfferChanged,
    OfferClosed,
    RightsLadder,
    Tier,
    TokensListed,
    TokensTransferred,
    TokensSold,
)
from wylloh_server.sdk.testing import SOMEWHERE
from wylloh_store.offer import Availability
from wylloh_store.sync import index_of
from wylloh_store.projection import StoreProjection


def market_of(app, number=1):
    return index_of(app.context).market(film(number, ""))


async def test_a_sale_takes_from_the_stock(store):
    async with store() as app:
        await stocked(app)
        assert (market_of(app).stock, market_of(app).minted) == (600, 600)
        await happened(app, *sold(1, VIEWER, 12, 450))
        assert (market_of(app).stock, market_of(app).minted) == (588, 600)


async def test_a_listing_is_escrow_and_no_stock_and_shrinks_with_each_sale(store):
    async with store() as app:
        await stocked(app)
        some = market_of(app, 2)
        assert (some.stock, some.listed, some.availability(0)) == (0, 30, Availability.RESALE)
        await happened(app, *sold(2, VIEWER, 12, 250, listing=7, seller=HOLDER))
        assert market_of(app, 2).listings[0].left == 18
        cancelled = ListingCancelled(SOMEWHERE, token(2), 7, HOLDER, 18)
        await happened(app, cancelled, moved(2, STORE, HOLDER, 18))
        assert (market_of(app, 2).listings, market_of(app, 2).in_store) == ((), 0)


async def test_a_newer_offer_replaces_the_older_and_closing_ends_it(store):
    async with store() as app:
        await stocked(app)
        await happened(app, offer(1, (1, 700)))
        assert market_of(app).offer.unit_price(1, 0) == 7_000_000
        await happened(app, OfferClosed(SOMEWHERE, token(1)))
        assert market_of(app).offer is None
        assert market_of(app).availability(0) is Availability.NOT_OFFERED


async def test_what_a_reorg_takes_back_is_gone_and_what_was_before_holds_again(store):
    async with store() as app:
        await stocked(app)
        before = market_of(app)
        await happened(
            app, offer(1, (1, 700)), *sold(1, VIEWER, 12, 450), ladder(1, RightsLadder((Tier(3, "x"),)))
        )
        assert market_of(app) != before
        await app.taken_back(1)
        await settled(app)
        assert market_of(app) == before


async def test_a_restart_reads_on_where_it_stopped(store):
    async with store() as app:
        await stocked(app)
        before = market_of(app), market_of(app, 2)
    async with store() as app:
        await settled(app)
        assert (market_of(app), market_of(app, 2)) == before
        await happened(app, *sold(1, VIEWER, 1, 499))
        assert market_of(app).stock == 599


async def test_what_happened_while_the_plugin_was_off_is_caught_up_with(store):
    async with store() as app:
        await stocked(app)
    async with store() as app:
        await app.chain.happen([*sold(1, VIEWER, 100, 400)], None)  # nobody tells the plugin
    async with store() as app:
        await settled(app)
        assert market_of(app).stock == 500


async def test_numbers_as_large_as_a_contract_s_are_kept_exactly(store):
    whole = 2**256 - 1
    async with store() as app:
        await happened(app, created(1, whole), ladder(1), minted(1, whole))
        await happened(app, *sold(1, VIEWER, 1, 1))
    async with store() as app:
        await settled(app)
        assert (market_of(app).minted, market_of(app).stock) == (whole, whole - 1)


async def test_open_pages_are_told_only_of_what_concerns_them(store):
    async with store() as app:
        await stocked(app)
        app.live.changes.clear()
        await happened(app, *sold(1, VIEWER, 1, 499))
        assert app.live.topics == {f"film:{LIGHT.id}", "plugin:store"}
        app.live.changes.clear()
        await happened(app)
        assert app.live.topics == set()


async def test_films_come_change_and_go(store):
    newcomer = film(9, "Harbour", genres=("Western",))
    async with store() as app:
        await stocked(app)
        await app.arrive(newcomer)
        await settled(app)
        assert titles_of(await app.get(query={"q": "harbour"})) == ["Harbour"]
        renamed = film(9, "Harbour at Dawn", genres=("Drama",))
        await app.arrive(renamed)
        await app.emit(FilmDescribed(renamed.id, renamed.title))
        await settled(app)
        assert titles_of(await app.get(query={"q": "dawn"})) == ["Harbour at Dawn"]
        assert titles_of(await app.get(query={"genre": "western"})) == []
        await app.leave(renamed)
        await settled(app)
        assert titles_of(await app.get(query={"q": "harbour"})) == []


async def test_a_film_from_a_folder_is_not_in_the_store(plugin_app):
    async with plugin_app("wylloh_store") as app:
        await settled(app)
        assert titles_of(await app.get()) == ["Big Buck Bunny"]


async def test_presale_and_sale_begin_by_themselves(store):
    async with store() as app:
        begins = 4_000_000_000
        await happened(app, created(3), ladder(3), minted(3, 50), at=begins - 200)
        await happened(app, offer(3, (1, 499), presale=(begins, begins + 100, 300)), at=begins - 100)

        async def line():
            page = await app.get(query={"q": "night bus"})
            return [row.line for row in page.values["rows"]]

        assert await line() == ["3.00 dUSD from 2 October 2096, 07:06 UTC"]
        await happened(app, at=begins)
        assert await line() == ["Presale · 3.00 dUSD"]
        await happened(app, at=begins + 100)
        assert await line() == ["4.99 dUSD"]
        assert NIGHT.title in titles_of(await app.get(query={"availability": "sale"}))


async def test_a_coin_that_cannot_be_read_is_asked_for_again(store):
    async with store() as app:
        app.chain.silent = True
        strange = "0x" + "d7" * 20
        await happened(app, created(1), ladder(1), minted(1, 5), offer(1, (1, 499), coin=strange))
        assert [row.line for row in (await app.get(query={"q": "winter"})).values["rows"]] == [
            "in an unknown coin"
        ]
        app.chain.silent = False
        from wylloh_server.sdk import Coin

        app.chain.coin(Coin(strange, "EURC", 6, permits=False))
        await happened(app)
        assert [row.line for row in (await app.get(query={"q": "winter"})).values["rows"]] == ["4.99 EURC"]


async def test_without_a_store_contract_the_page_says_so(store):
    from wylloh_server.sdk import Contracts
    from wylloh_server.sdk.testing import CONTRACTS

    nothing = Contracts(registry=CONTRACTS.registry, store=None, splitters=None)
    async with store(contracts=nothing) as app:
        await settled(app)
        assert "name no store contract" in await app.render(await app.get())
        assert await app.fragments("film.actions", LIGHT) == ()
        refused = await app.post(f"film/{LIGHT.id}/buy", {"quantity": "1"})
        assert (refused.status, app.record.errors) == (400, 0)


def told_plainly(facts):
    """Add up facts the long way: stock, what is left of listings, and the newest offer."""
    store, left, offers = 0, defaultdict(int), None
    for fact in facts:
        if isinstance(fact, TokensTransferred):
            store += fact.amount * ((fact.receiver == STORE) - (fact.sender == STORE))
        elif isinstance(fact, TokensListed):
            left[fact.listing] += fact.quantity
        elif isinstance(fact, ListingCancelled) or (isinstance(fact, TokensSold) and fact.listing):
            left[fact.listing] -= fact.quantity
        elif isinstance(fact, OfferChanged):
            offers = fact.steps
        elif isinstance(fact, OfferClosed):
            offers = None
    return store, {number: count for number, count in left.items() if count}, offers


@pytest.mark.parametrize("seed", range(5))
async def test_any_history_with_any_reorgs_adds_up(store, seed):
    chance = random.Random(seed)
    async with store() as app:
        await happened(app, created(1), ladder(1), minted(1, 500), minted(1, 500, HOLDER), offer(1, (1, 100)))
        listings, blocks = {}, 0
        for _ in range(25):
            deed = chance.choice(["sell", "list", "resell", "cancel", "offer", "close", "reorg", "restart"])
            if deed == "reorg" and blocks > 1:
                back = chance.randint(1, min(3, blocks - 1))
                await app.taken_back(back)
                blocks -= back
                facts = await app.context.chain.history(
                    EventQuery(token=token(1), newest_first=False, limit=10_000)
                )
                listings = told_plainly(facts)[1]
                continue
            number = chance.choice([*listings]) if listings else 0
            facts = {
                "sell": lambda: sold(1, VIEWER, chance.randint(1, 9), 100),
                "list": lambda: listed(1, len(listings) + 100 * seed + blocks + 1, chance.randint(1, 9), 90),
                "offer": lambda: (offer(1, (1, chance.randint(1, 999))),),
                "close": lambda: (OfferClosed(SOMEWHERE, token(1)),),
            }.get(deed)
            if facts is not None:
                some = facts()
            elif number and deed == "resell":
                some = sold(1, VIEWER, 1, 90, listing=number, seller=HOLDER)
            elif number:
                rest = listings[number]
                some = (
                    ListingCancelled(SOMEWHERE, token(1), number, HOLDER, rest),
                    moved(1, STORE, HOLDER, rest),
                )
            else:
                some = (moved(1, HOLDER, VIEWER, 1),)
            await (happened(app, *some) if chance.random() < 0.7 else app.happened(*some))
            blocks += 1
            facts = await app.context.chain.history(
                EventQuery(token=token(1), newest_first=False, limit=10_000)
            )
            listings = told_plainly(facts)[1]
        await happened(app)
        in_store, left, steps = told_plainly(
            await app.context.chain.history(EventQuery(token=token(1), newest_first=False, limit=10_000))
        )
        for some in (market_of(app), (await StoreProjection(app.context).markets())[str(token(1))]):
            assert some.in_store == in_store
            assert {listing.number: listing.left for listing in some.listings} == left
            assert (some.offer.steps if some.offer else None) == steps
    assert ZERO_ADDRESS != STORE
