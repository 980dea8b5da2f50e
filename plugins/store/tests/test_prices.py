from __future__ import annotations

import re

import pytest
from markupsafe import Markup
from store_samples import (
    CENT,
    LIGHT,
    NIGHT,
    PAYEE,
    PUBLISHER,
    STORE,
    VIEWER,
    happened,
    minted,
    moved,
    offer,
    sold,
    stocked,
)

from wylloh_server.sdk import ChainError, InvalidValue, OfferClosed, Redirect, Role, Slot, SplitterCreated
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR, SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_store.proposal_recipes import renewed

COIN = DOLLAR.address
FORM = {
    "coin": COIN,
    "payee": PAYEE,
    "sale_from": "2026-12-03T18:00",
    "quantity_1": "1",
    "price_1": "4.99",
    "quantity_2": "10",
    "price_2": "4.50",
}
BEGINS = 1_796_320_800


async def set_prices(app, film=NIGHT, **changes):
    return await app.post(f"film/{film.id}/prices", FORM | changes, by=Role.PUBLISHER)


async def test_setting_a_price_says_what_buyers_will_read(store):
    async with store() as app:
        await stocked(app)
        assert isinstance(await set_prices(app), Redirect)
        (proposal,) = app.transactions.proposals
        assert proposal.explanation == (
            "From 3 December 2026, 18:00 UTC a token of Night Bus costs 4.99 dUSD.",
            "From 10 tokens at once each costs 4.50 dUSD.",
            "97.5\xa0% of the money goes to 0xe1e1…e1e1, 2.5\xa0% is the store's.",
            "The store's part can never become larger while these prices hold.",
        )
        (call,) = proposal.steps
        steps = ((1, 499 * CENT), (10, 450 * CENT))
        assert call.arguments == (3, (PAYEE, COIN, BEGINS, BEGINS, 0, steps), 250)
        assert (
            call.function
            == "setOffer(uint256,(address,address,uint64,uint64,uint256,(uint256,uint256)[]),uint16)"
        )


async def test_a_number_that_is_refused_stays_in_its_field(store):
    async with store() as app:
        await stocked(app)
        for path, form, left in (
            ("stock", {"quantity": "401", "way": "new"}, ('id="more"', 'value="401"')),
            ("stock", {"quantity": "two", "way": "own"}, ('id="more"', 'value="two"')),
            ("withdraw", {"quantity": "601"}, ('id="less"', 'value="601"')),
        ):
            page = await app.post(f"film/{LIGHT.id}/{path}", form, by=Role.PUBLISHER)
            html = await app.render(page, by=Role.PUBLISHER)
            field = next(tag for tag in re.findall(r"<input[^>]*>", html) if left[0] in tag)
            assert page.status == 400 and left[1] in field and 'aria-invalid="true"' in field
            assert 'name="price_3"' in html and 'value="4.00"' in html  # the terms are as they were
            assert ('<option value="own" selected' in html) == (form.get("way") == "own")


async def test_an_earlier_price_that_pays_the_store_less_says_so(store):
    """The store's part has risen since; it can never become larger while that price holds."""
    async with store() as app:
        await stocked(app)

        async def said():
            page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
            return await app.render(page, by=Role.PUBLISHER)

        for bound, words in (
            (
                (200,),
                "The store takes 2.5\xa0% of each sale, but only 2\xa0% as long as the price stays as it is.",
            ),
            ((250,), "The store takes 2.5\xa0% of each sale."),
            (ChainError("the contract refused the call"), "The store takes 2.5\xa0% of each sale."),
        ):
            app.chain.answer(STORE, "offerFee(uint256)", bound)
            assert words in await said()
        app.chain.silent = True
        assert "The store takes 2.5\xa0% of each sale." in await said()


async def test_a_price_that_rises_with_the_number_is_asked_about(store):
    async with store() as app:
        await stocked(app)
        await set_prices(app, price_1="7.99", quantity_2="50", price_2="9.99")
        await set_prices(app, presale_from="2026-12-01T18:00", presale_price="6")
        rising, early = app.transactions.proposals
        assert "From 50 tokens each costs more than a single one. Is that meant?" in rising.explanation
        assert "In the presale one costs more than afterwards. Is that meant?" in early.explanation


async def test_a_sale_far_away_and_a_price_nobody_can_reach_are_asked_about(store):
    async with store() as app:
        await stocked(app)
        await set_prices(app, quantity_2="1001", sale_from="9999-01-01T00:00")
        asked = app.transactions.proposals[-1].explanation
        far = "Nothing is sold before 1 January 9999, 00:00 UTC. Is that meant?"
        assert far in asked
        assert (
            "Nobody can buy 1,001 tokens at once: there are never more than 1,000. Is that price meant?"
            in asked
        )
        await set_prices(app, quantity_2="1000")
        assert not [said for said in app.transactions.proposals[-1].explanation if "meant" in said]


async def test_unsold_tokens_are_counted_again_before_the_wallet_is_asked(store):
    async with store() as app:
        await stocked(app)
        await app.post(f"film/{LIGHT.id}/withdraw", {"quantity": "600"}, by=Role.PUBLISHER)
        (proposal,) = app.transactions.proposals
        publisher = sample_viewer(Role.PUBLISHER)
        again = await renewed(app.context, publisher, proposal.recipe)
        assert again == proposal
        app.chain.answer(STORE, "stockOf(uint256)", (599,))
        with pytest.raises(InvalidValue, match="599 tokens lie in the store"):
            await renewed(app.context, publisher, proposal.recipe)


async def test_a_presale_has_a_beginning_and_a_price(store):
    async with store() as app:
        await stocked(app)
        await set_prices(app, presale_from="2026-12-01T00:00", presale_price="3.00")
        (proposal,) = app.transactions.proposals
        assert (
            "In the presale, from 1 December 2026, 00:00 UTC on, each costs 3.00 dUSD."
            in proposal.explanation
        )
        assert proposal.steps[0].arguments[1][2:5] == (BEGINS - 2 * 86_400 - 18 * 3600, BEGINS, 300 * CENT)


async def test_without_a_date_the_sale_begins_now(store):
    async with store() as app:
        await stocked(app)
        await happened(app, at=4_000_000_000)
        await set_prices(app, sale_from="")
        begins = app.transactions.proposals[0].steps[0].arguments[1][3]
        assert begins >= 4_000_000_000


BAD = [
    ({"price_1": "0"}, "The price must be more than 0."),
    ({"price_1": "-1"}, "A price cannot be negative."),
    ({"price_1": str(2**256)}, "That price is larger than any contract can take."),
    ({"price_1": "free"}, "“free” is not a price."),
    ({"price_1": "1.0000001"}, "dUSD has 6 decimals"),
    ({"quantity_1": "2"}, "The first price must hold from 1 token on."),
    (
        {"quantity_1": "", "price_1": "", "quantity_2": "", "price_2": ""},
        "The first price must hold from 1 token",
    ),
    ({"quantity_2": "1"}, "A price from 1 token on must come before one from 1 token on."),
    ({"quantity_3": "5", "price_3": "1"}, "A price from 5 tokens on must come before one from 10 tokens on."),
    ({"price_2": ""}, "Price 2 is missing."),
    ({"presale_from": "2026-12-01T00:00"}, "A presale needs both its beginning and its price."),
    ({"presale_price": "3"}, "A presale needs both its beginning and its price."),
    ({"presale_from": "2026-12-04T00:00", "presale_price": "3"}, "The presale must begin before the sale."),
    ({"sale_from": "soon"}, "“soon” is not a beginning of the sale."),
    ({"sale_from": "1900-01-01T00:00"}, "The beginning of the sale is too far away."),
    ({"payee": ""}, "The address is missing."),
    ({"payee": "0x" + "00" * 19}, "is not an address"),
    ({"payee": "0x" + "00" * 20}, "The zero address belongs to nobody."),
    ({"payee": "x" * 1_000}, f"“{'x' * 59}…” is not an address."),
    (
        {"payee": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"},
        "is mistyped: its capitals do not fit (EIP-55).",
    ),
    ({"coin": ""}, "No coin is chosen."),
]


async def test_terms_that_make_no_sense_show_the_form_again(store):
    async with store() as app:
        await stocked(app)
        for changes, sentence in BAD:
            reply = await set_prices(app, **changes)
            assert reply.status == 400, changes
            html = await app.render(reply, by=Role.PUBLISHER)
            assert sentence in html, changes
            typed = (FORM | changes)["price_1"]
            assert f'value="{typed}"' in html or not typed
        assert app.transactions.proposals == []
        assert app.record.errors == 0


async def test_a_checksummed_address_is_taken(store):
    async with store() as app:
        await stocked(app)
        await set_prices(app, payee="0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
        assert (
            app.transactions.proposals[0].steps[0].arguments[1][0]
            == "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed"
        )


async def test_new_tokens_are_minted_into_the_store_up_to_the_film_s_number(store):
    async with store() as app:
        await stocked(app)
        reply = await app.post(f"film/{LIGHT.id}/stock", {"quantity": "400", "way": "new"}, by=Role.PUBLISHER)
        assert isinstance(reply, Redirect)
        (call,) = app.transactions.proposals[0].steps
        assert (call.to, call.function) == (CONTRACTS.registry, "mint(address,uint256,uint256)")
        assert call.arguments == (STORE, 1, 400)
        too_many = await app.post(
            f"film/{LIGHT.id}/stock", {"quantity": "401", "way": "new"}, by=Role.PUBLISHER
        )
        html = await app.render(too_many, by=Role.PUBLISHER)
        assert "400 tokens can still be made: there are 600 of at most 1,000." in html


async def test_own_tokens_are_put_on_sale_after_permission(store):
    async with store() as app:
        await stocked(app)
        app.chain.answer(CONTRACTS.registry, "balanceOf(address,uint256)", (30,))
        await app.post(f"film/{LIGHT.id}/stock", {"quantity": "30", "way": "own"}, by=Role.PUBLISHER)
        assert [call.function for call in app.transactions.proposals[0].steps] == [
            "setApprovalForAll(address,bool)",
            "stock(uint256,uint256)",
        ]
        reply = await app.post(f"film/{LIGHT.id}/stock", {"quantity": "31", "way": "own"}, by=Role.PUBLISHER)
        assert "You hold 30 tokens." in await app.render(reply, by=Role.PUBLISHER)


async def test_unsold_tokens_come_back_and_the_sale_can_end(store):
    async with store() as app:
        await stocked(app)
        await app.post(f"film/{LIGHT.id}/withdraw", {"quantity": "100"}, by=Role.PUBLISHER)
        (call,) = app.transactions.proposals[0].steps
        assert call.arguments == (1, 100, PUBLISHER)
        assert app.transactions.proposals[0].explanation == (
            "100 tokens of Winter Light come into your wallet; 500 stay on sale.",
        )
        reply = await app.post(f"film/{LIGHT.id}/withdraw", {"quantity": "601"}, by=Role.PUBLISHER)
        assert "600 tokens lie in the store." in await app.render(reply, by=Role.PUBLISHER)
        await app.post(f"film/{LIGHT.id}/close", by=Role.PUBLISHER)
        assert app.transactions.proposals[1].steps[0].function == "closeOffer(uint256)"


async def test_only_the_publisher_of_that_film_sets_its_prices(store):
    async with store() as app:
        await stocked(app)
        for role in (Role.OWNER, Role.ADMIN):
            for reply in (
                await app.get(f"film/{LIGHT.id}/prices", by=role),
                await app.post(f"film/{LIGHT.id}/prices", FORM, by=role),
                await app.post(f"film/{LIGHT.id}/stock", {"quantity": "1"}, by=role),
                await app.post(f"film/{LIGHT.id}/withdraw", {"quantity": "1"}, by=role),
                await app.post(f"film/{LIGHT.id}/close", by=role),
            ):
                assert (reply.status, reply.fix) == (403, "Sign in with that wallet.")
        assert (await app.get(f"film/{LIGHT.id}/prices", by=Role.VIEWER)).status == 403
        assert app.transactions.proposals == []


async def test_the_page_shows_the_terms_as_they_are_and_how_they_changed(store):
    async with store() as app:
        await stocked(app)
        await happened(app, offer(1, (1, 599), presale=(4_000_000_000, 4_000_086_400, 300)))
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        typed = page.values["typed"]
        assert (typed["price_1"], typed["presale_price"], typed["payee"]) == ("5.99", "3.00", PAYEE)
        assert typed["sale_from"] == "2096-10-03T07:06"
        assert [change.terms for change in page.values["changes"]] == [
            "5.99 dUSD, from 3 October 2096, 07:06 UTC; presale 3.00 dUSD from 2 October 2096, 07:06 UTC. "
            "Money to 0xe1e1…e1e1.",
            "4.99 dUSD, 4.50 dUSD from 10 tokens, 4.00 dUSD from 100 tokens. Money to 0xe1e1…e1e1.",
        ]
        html = await app.render(page, by=Role.PUBLISHER)
        assert 'href="https://explorer.example/block/5"' in html
        await happened(app, OfferClosed(SOMEWHERE, LIGHT.token))
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        assert page.values["changes"][0].terms == "The sale ended."


async def test_who_ended_a_sale_reads_that_and_finds_the_former_price_in_the_form(store):
    async with store() as app:
        await stocked(app)
        await happened(app, OfferClosed(SOMEWHERE, LIGHT.token))
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        road, typed = page.values["road"], page.values["typed"]
        assert road.sentence == "You ended the sale; 600 tokens still lie in the store."
        assert (road.label, road.next) == ("Sell again", "On sale")
        assert [typed[name] for name in ("price_1", "quantity_3", "price_3")] == ["4.99", "100", "4.00"]
        assert (typed["coin"], typed["payee"], typed["sale_from"]) == (COIN, PAYEE, "")
        html = await app.render(page, by=Role.PUBLISHER)
        assert "Say what a token costs" not in html and "End the sale" not in html
        await happened(app, moved(1, STORE, PUBLISHER, 600))
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        assert page.values["road"].sentence == "You ended the sale."
        await happened(app, offer(1, (1, 599)))
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        assert page.values["typed"]["price_1"] == "5.99" and not page.values["typed"]["price_3"]


async def test_one_s_own_splitters_are_offered_to_be_paid(store):
    splitter = "0x" + "ee" * 20
    async with store() as app:
        await stocked(app)
        await happened(
            app, SplitterCreated(SOMEWHERE, splitter, PUBLISHER), SplitterCreated(SOMEWHERE, PAYEE, STORE)
        )
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        assert page.values["splitters"] == [splitter]
        assert "Your splitter 0xeeee…eeee" in await app.render(page, by=Role.PUBLISHER)


@pytest.mark.parametrize("payee", [STORE, CONTRACTS.registry, CONTRACTS.splitters, COIN])
async def test_no_money_goes_where_nobody_can_take_it_out(store, payee):
    async with store() as app:
        await stocked(app)
        page = await set_prices(app, payee=payee)
        assert (page.status, app.transactions.proposals) == (400, [])
        assert "stays there for good" in str(page.values["error"])
        assert page.values["typed"]["payee"] == payee


async def test_another_contract_that_gets_the_money_is_asked_about(store):
    unknown, splitter, doubt = "0x" + "ab" * 20, "0x" + "ee" * 20, "no royalty splitter that was made here"
    async with store() as app:
        await stocked(app)
        await happened(app, SplitterCreated(SOMEWHERE, splitter, PUBLISHER))
        for payee, asked in ((unknown, True), (splitter, False), (PAYEE, False)):
            if payee != PAYEE:
                app.chain.answer(payee, "owner()", (PUBLISHER,))
            await set_prices(app, payee=payee)
            assert (doubt in " ".join(app.transactions.proposals[-1].explanation)) == asked


async def test_a_publisher_finds_their_films(store):
    async with store() as app:
        await stocked(app)
        html = await app.render(await app.get("prices", by=Role.PUBLISHER), by=Role.PUBLISHER)
        assert "One token costs 4.99 dUSD. · 600 left" in html
        assert "Nobody sells tokens of this film now." in html
        html = await app.render(await app.get("prices", by=Role.OWNER), by=Role.OWNER)
        assert "has registered no film" in html
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, LIGHT, by=Role.PUBLISHER)
        assert "Set prices" in await app.render(fragment, by=Role.PUBLISHER)


async def road(app, film=NIGHT):
    """Where the publisher stands, as the page of the title and that of the prices say it."""
    (fragment,) = await app.fragments(Slot.TITLE, film, by=Role.PUBLISHER)
    html = Markup(await app.render(fragment, by=Role.PUBLISHER)).striptags()
    page = await app.get(f"film/{film.id}/prices", by=Role.PUBLISHER)
    found = page.values["road"]
    assert found == fragment.values["road"] and found.sentence in html and found.label in html
    assert found.sentence in Markup(await app.render(page, by=Role.PUBLISHER)).striptags()
    return found.next, found.form, found.label, found.sentence


async def test_from_the_chain_to_the_sale_each_step_says_what_is_next(store):
    async with store() as app:
        await stocked(app)
        nxt, form, label, _ = await road(app)
        assert (nxt, form, label) == ("Price", "terms", "Set the price")
        await happened(app, offer(3, (1, 499)))
        assert await road(app) == (
            "Number",
            "stock",
            "Put tokens on sale",
            "A token costs 4.99 dUSD, and none is on sale yet. Say how many there are to sell.",
        )
        await happened(app, minted(3, 20))
        *_, sentence = await road(app)
        assert sentence == "One token costs 4.99 dUSD. 20 tokens are in the store."
        await happened(app, offer(3, (1, 499), presale=(4_000_000_000, 4_000_086_400, 300)))
        nxt, *_, sentence = await road(app)
        assert nxt == "On sale" and "The presale begins by itself on 2 October 2096, 07:06 UTC." in sentence
        await happened(app, offer(3, (1, 499)), *sold(3, VIEWER, 20, 499))
        nxt, _, label, sentence = await road(app)
        assert (nxt, label) == ("Number", "Put more on sale")
        assert sentence == "All 20 tokens that you put on sale are sold. More can follow."
        assert await app.fragments(Slot.TITLE, NIGHT, by=Role.OWNER) == ()


async def test_what_was_never_on_sale_is_not_sold_out(store):
    async with store() as app:
        await stocked(app)
        await happened(app, offer(3, (1, 499)))
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, NIGHT)
        html = await app.render(fragment)
        assert "The price is set; no token is on sale yet." in html and "Sold out" not in html
        await happened(app, minted(3, 2), *sold(3, VIEWER, 2, 499))
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, NIGHT)
        assert "Sold out. No holder sells any now." in await app.render(fragment)
        await app.taken_back(1)
        await happened(app)
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, NIGHT)
        assert "no token is on sale yet." in await app.render(fragment)


async def test_a_film_whose_registration_was_not_read_yet(store):
    async with store() as app:
        await happened(app, minted(1, 5))
        reply = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        assert (reply.status, reply.fix) == (400, "Try again in a minute.")
