from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from store_samples import (
    CENT,
    HOLDER,
    LIGHT,
    MAKERS,
    MEADOW,
    NIGHT,
    PAYEE,
    PUBLISHER,
    STORE,
    VIEWER,
    first_sale_of,
    happened,
    listed,
    listing_of,
    offer,
    resale_of,
    sold,
    stocked,
    token,
)

from tests.components.market import sale_terms
from wylloh_server.sdk import (
    ZERO_ADDRESS,
    ChainError,
    InvalidValue,
    PriceStep,
    Redirect,
    Role,
    SignaturePart,
    SignatureRequest,
    Slot,
    StoreFeeChanged,
)
from wylloh_server.sdk.testing import DOLLAR, SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_store.permit import domain_separator
from wylloh_store.proposal_recipes import renewed

COIN = DOLLAR.address
NAMED = {"name": "Demo Dollar", "version": "1", "chainId": 1, "verifyingContract": COIN}


def rich(app, dollars=10_000):
    app.chain.balances[VIEWER, COIN] = dollars * 100 * CENT


def with_permit(app):
    """Let the coin answer as an ERC-20 with ERC-2612 and ERC-5267 does."""
    domain = (b"\x0f", "Demo Dollar", "1", 1, COIN, bytes(32), ())
    app.chain.answer(COIN, "eip712Domain()", domain)
    app.chain.answer(COIN, "DOMAIN_SEPARATOR()", (domain_separator(NAMED),))
    app.chain.answer(COIN, "nonces(address)", (3,))


async def buttons(app, film, by=Role.VIEWER):
    return [
        button.label
        for fragment in await app.fragments(Slot.FILM_ACTIONS, film, by=by)
        for button in fragment.values["buttons"]
    ]


async def buy(app, film, **form):
    return await app.post(f"film/{film.id}/buy", {name: str(value) for name, value in form.items()})


async def test_the_film_page_offers_one_token_and_what_the_next_tier_needs(store):
    async with store() as app:
        await stocked(app)
        assert await buttons(app, LIGHT) == [
            "Buy 1 · 4.99 dUSD",
            "Buy 100 for small-venue shows · 400.00 dUSD",
        ]
        await happened(app, *sold(1, VIEWER, 88, 450))
        assert await buttons(app, LIGHT) == ["Buy 1 · 4.99 dUSD", "Buy 12 for small-venue shows · 54.00 dUSD"]
        await happened(app, *sold(1, VIEWER, 11, 450))
        assert await buttons(app, LIGHT) == ["Buy 1 · 4.99 dUSD", "Buy 401 for streaming · 1,604.00 dUSD"]
        await happened(app, *sold(1, VIEWER, 401, 400))
        assert await buttons(app, LIGHT) == ["Buy 1 · 4.99 dUSD"]


async def test_where_a_larger_number_costs_less_it_is_offered_and_named(store):
    less = "100 tokens cost 400.00 dUSD, which is 45.50 dUSD less."
    async with store() as app:
        await stocked(app)
        rich(app)
        with_permit(app)
        await happened(app, *sold(1, VIEWER, 1, 499))
        assert "Buy 100 for small-venue shows · 400.00 dUSD" in await buttons(app, LIGHT)
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "99"})
        assert page.values["tiers"][0].label.startswith("100 for ")
        html = await app.render(page)
        assert f"{less} <a" in html and "buy?quantity=100" in html
        await buy(app, LIGHT, quantity=99)
        assert less in app.transactions.proposals[0].explanation
        (card, *_) = (await app.get(query={"right": "small-venue"})).values["rows"]
        assert card.line == "100 more tokens · 400.00 dUSD"
        assert "which is" not in await app.render(
            await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "9"})
        )
        await happened(app, *sold(1, HOLDER, 500, 400))  # 99 are left
        assert "Buy 99 for small-venue shows · 445.50 dUSD" in await buttons(app, LIGHT)


FINE = 3_402_750
"""A price with fractions of a cent: 3.40275 dUSD."""


async def fine_price(app) -> None:
    """Winter Light costs 3.40275 dUSD, and nobody sells it for less."""
    await stocked(app)
    await happened(app, replace(offer(1, (1, 1)), steps=(PriceStep(1, FINE),)))
    app.chain.answer(
        STORE, "quote(uint256,uint256)", lambda _, quantity: (first_sale_of(quantity, quantity * FINE),)
    )
    rich(app)
    with_permit(app)


async def test_where_somebody_pays_a_price_stands_there_to_its_last_decimal(store):
    async with store() as app:
        await fine_price(app)
        buying = await app.render(await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "3"}))
        about = [await app.render(one) for one in await app.fragments(Slot.FILM_DETAILS, LIGHT)]
        assert await buttons(app, LIGHT) == ["Buy 1 · 3.40275 dUSD", *(await buttons(app, LIGHT))[1:]]
        for html in (buying, *about):
            assert "3.40275 dUSD" in html and "exact" not in html and "3.40 dUSD" not in html
        assert "3 for 10.20825 dUSD." in buying
        await buy(app, LIGHT, quantity=3)
        assert "You pay 10.20825 dUSD for 3 tokens" in app.transactions.proposals[0].explanation[0]


async def test_in_lists_amounts_are_rounded_and_no_price_looks_smaller(store):
    async with store() as app:
        await fine_price(app)
        card = '<abbr class="exact" title="3.40275">3.41</abbr> dUSD'
        assert card in await app.render(await app.get())
        mine = await app.render(await app.get("prices", by=Role.PUBLISHER), by=Role.PUBLISHER)
        assert '<abbr class="exact" title="3.40275" tabindex="0">3.41</abbr> dUSD' in mine
        sale, move = sold(1, VIEWER, 3, 1)
        await happened(app, replace(sale, total=3 * FINE), move)
        paid = '<abbr class="exact" title="10.20825" tabindex="0">10.21</abbr> dUSD'
        for path in ("history", f"film/{LIGHT.id}/holders"):
            assert paid in await app.render(await app.get(path))


async def test_what_somebody_got_is_rounded_down_and_what_they_asked_for_up(store):
    async with store() as app:
        await fine_price(app)
        page = await app.get(f"film/{LIGHT.id}/prices", by=Role.PUBLISHER)
        asked = '<td role="cell"><abbr class="exact" title="3.40275" tabindex="0">3.41</abbr> dUSD.'
        assert asked in await app.render(page, by=Role.PUBLISHER)
        sale, move = sold(1, HOLDER, 2, 1, listing=9, seller=VIEWER)
        await happened(app, replace(sale, total=11_378_000, fee=0, royalty=569_000), move)
        assert '+<abbr class="exact" title="10.809" tabindex="0">10.80</abbr> dUSD' in await app.render(
            await app.get("history")
        )


async def test_what_nobody_offers_at_once_has_no_button(store):
    async with store() as app:
        await stocked(app)
        assert await buttons(app, MEADOW) == ["Buy 1 · 2.50 dUSD"]  # 30 are offered, 100 would be needed
        assert await buttons(app, NIGHT) == []


async def test_the_first_button_is_the_white_one_only_for_who_cannot_watch_yet(store):
    async with store() as app:
        await stocked(app)

        async def drawn():
            (fragment,) = await app.fragments(Slot.FILM_ACTIONS, LIGHT)
            return await app.render(fragment)

        assert (await drawn()).count('class="button button-primary"') == 1
        await happened(app, *sold(1, VIEWER, 1, 499))
        assert 'class="button button-primary"' not in await drawn()


async def test_the_section_about_price_and_sale_says_everything(store):
    async with store() as app:
        await stocked(app)
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, LIGHT)
        html = " ".join(re.sub(r"<[^>]*>", " ", await app.render(fragment)).split())
        for words in (
            "One token costs 4.99 dUSD.",
            "On sale · 600 tokens left",
            "From 1 token 4.99 dUSD",
            "From 100 tokens 4.00 dUSD",
            "Of a sale by the publisher 97.5 % goes to the makers and 2.5 % to the store.",
            "Of a resale 5 % goes to the makers, 2.5 % to the store, 92.5 % to the holder who sells.",
            "Who holds it",
        ):
            assert words in html
        assert "Sell yours" not in html
        assert "Set prices" not in html


async def test_another_fee_of_the_store_shows_at_once(store):
    async with store() as app:
        await stocked(app)
        await happened(app, StoreFeeChanged(SOMEWHERE, HOLDER, 300))
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, LIGHT)
        html = " ".join(re.sub(r"<[^>]*>", " ", await app.render(fragment)).split())
        # What was set or put up before the fee rose leaves the store no more than it was then.
        assert "at least 97 % goes to the makers and at most 3 % to the store." in html
        assert "5 % goes to the makers, at most 3 % to the store, at least 92 % to the holder" in html
        await happened(app, StoreFeeChanged(SOMEWHERE, HOLDER, 200))
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, LIGHT)
        html = " ".join(re.sub(r"<[^>]*>", " ", await app.render(fragment)).split())
        assert "publisher 98 % goes to the makers and 2 % to the store." in html


async def test_a_cheaper_holder_is_named_beside_the_publisher(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *listed(1, 9, 20, 449))
        (fragment,) = await app.fragments(Slot.FILM_DETAILS, LIGHT)
        html = await app.render(fragment)
        assert "One token costs 4.49 dUSD from a holder, 4.99 dUSD from the publisher." in html
        assert f'href="/plugins/store/film/{LIGHT.id}/buy?listing=9"' in html
        assert (await buttons(app, LIGHT))[0] == "Buy 1 · 4.49 dUSD"


async def test_the_first_purchase_with_a_permit_is_a_signature_and_one_transaction(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        with_permit(app)
        reply = await buy(app, LIGHT, quantity=12)
        assert isinstance(reply, Redirect)
        assert re.fullmatch(r"/transactions/[0-9a-f]{32}", reply.to)
        (proposal,) = app.transactions.proposals
        assert proposal.title == "Buy 12 tokens of Winter Light"
        assert proposal.explanation == (
            "You pay 54.00 dUSD for 12 tokens of Winter Light, the publisher's price.",
            "52.65 dUSD goes to the makers (0xe1e1…e1e1), 1.35 dUSD to the store.",
            "You will hold 12 then, which unlocks watching at home.",
            "Once confirmed this holds for an hour, and nothing else does: no more than this, in dUSD only, and "
            "with these parts for everybody. If anything of it changes first, nothing is bought. "
            "The network's own fee comes on top; your wallet shows it.",
        )
        request, call = proposal.steps
        assert isinstance(request, SignatureRequest)
        assert request.typed_data["domain"] == NAMED
        assert request.typed_data["message"] | {"deadline": ""} == {
            "owner": VIEWER,
            "spender": STORE,
            "value": "54000000",
            "nonce": "3",
            "deadline": "",
        }
        deadline = int(request.typed_data["message"]["deadline"])
        assert (call.to, call.function) == (
            STORE,
            "buyWithPermit(uint256,uint256,(address,uint256,uint256,bytes32),(uint256,uint8,bytes32,bytes32))",
        )
        permit = (deadline, SignaturePart.V, SignaturePart.R, SignaturePart.S)
        shown = (1, token(1).token_id, 0, PUBLISHER, PAYEE, COIN, 250, ZERO_ADDRESS, 0)
        terms = sale_terms(shown[0], STORE, *shown[1:])
        assert call.arguments == (1, 12, (COIN, 54_000_000, deadline, terms), permit)
        assert proposal.back == f"/films/{LIGHT.id}"
        assert set(proposal.topics) == {f"film:{LIGHT.id}", "plugin:store"}


async def test_a_coin_whose_permits_do_not_fit_is_approved_instead(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        with_permit(app)
        app.chain.answer(COIN, "DOMAIN_SEPARATOR()", (bytes(32),))
        await buy(app, LIGHT, quantity=1)
        (proposal,) = app.transactions.proposals
        allow, call = proposal.steps
        assert (allow.to, allow.function, allow.arguments) == (
            COIN,
            "approve(address,uint256)",
            (STORE, 4_990_000),
        )
        assert call.function == "buy(uint256,uint256,(address,uint256,uint256,bytes32))"
        assert call.arguments[2][:2] == (COIN, 4_990_000)


async def test_an_allowance_that_is_too_small_is_withdrawn_first(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        app.chain.answer(COIN, "allowance(address,address)", (7,))
        await buy(app, LIGHT, quantity=1)
        (proposal,) = app.transactions.proposals
        assert [call.arguments for call in proposal.steps[:2]] == [(STORE, 0), (STORE, 4_990_000)]


async def test_an_allowance_that_is_large_enough_is_used(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        with_permit(app)
        app.chain.answer(COIN, "allowance(address,address)", (2**256 - 1,))
        await buy(app, LIGHT, quantity=1)
        (proposal,) = app.transactions.proposals
        assert [call.function for call in proposal.steps] == [
            "buy(uint256,uint256,(address,uint256,uint256,bytes32))"
        ]


async def test_buying_from_a_holder_says_who_gets_what(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        await buy(app, MEADOW, quantity=4, listing=7)
        (proposal,) = app.transactions.proposals
        assert proposal.explanation[:3] == (
            "You pay 10.00 dUSD for 4 tokens of The Meadow, from the holder 0xe3e3…e3e3.",
            "5\xa0% (0.50 dUSD) goes to the makers, 0.25 dUSD to the store and 9.25 dUSD to the holder.",
            "You will hold 4 then, which unlocks watching at home.",
        )
        assert proposal.steps[-1].function == "buyListed(uint256,uint256,(address,uint256,uint256,bytes32))"
        deadline = proposal.steps[-1].arguments[2][2]
        terms = sale_terms(1, STORE, 2, 7, HOLDER, HOLDER, COIN, 250, MAKERS, 500)
        assert proposal.steps[-1].arguments == (7, 4, (COIN, 10_000_000, deadline, terms))


BAD = [
    ({}, "The number of tokens is missing."),
    ({"quantity": "0"}, "The number of tokens must be more than 0."),
    ({"quantity": "-1"}, "A number of tokens cannot be negative."),
    ({"quantity": str(2**256)}, "That number of tokens is larger than any contract can take."),
    ({"quantity": "many"}, "“many” is not a number of tokens: tokens cannot be divided."),
    ({"quantity": "601"}, "Only 600 tokens are left here."),
    ({"quantity": "1", "listing": "7"}, "This offer is one of another film."),
    ({"quantity": "1", "listing": "99"}, "This offer does not exist."),
    ({"quantity": "1", "listing": "x"}, "listing must be a whole number."),
    ({"quantity": "1"}, "This costs 4.99 dUSD and your wallet has 3.20 dUSD: 1.79 dUSD is missing."),
]


async def test_what_cannot_be_bought_gets_a_sentence_and_nothing_is_prepared(store):
    async with store() as app:
        await stocked(app)
        app.chain.balances[VIEWER, COIN] = 320 * CENT
        for form, sentence in BAD:
            reply = await app.post(f"film/{LIGHT.id}/buy", form)
            assert reply.status == 400, form
            assert sentence in await app.render(reply), form
            assert reply.values["error"].fix or sentence == "This offer does not exist."
        assert app.transactions.proposals == []
        assert app.record.errors == 0


async def test_what_the_contracts_refuse_in_the_end_is_said_in_words(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        app.chain.answer(COIN, "allowance(address,address)", (2**256 - 1,))
        app.transactions.calls.refused = "NotEnoughStock"
        reply = await buy(app, LIGHT, quantity=1)
        assert "somebody was quicker" in await app.render(reply)


async def test_a_film_that_is_not_on_sale_and_one_without_tokens(store, plugin_app):
    async with store() as app:
        await stocked(app)
        reply = await buy(app, NIGHT, quantity=1)
        assert "The publisher has ended the sale of this film." in await app.render(reply)
    async with plugin_app("wylloh_store") as app:
        folder = app.films[0]
        assert (await buy(app, folder, quantity=1)).status == 404
        assert await app.fragments(Slot.FILM_DETAILS, folder) == ()


async def test_one_s_own_offer_is_not_sold_to_oneself(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        app.chain.answer(STORE, "listing(uint256)", lambda _: (listing_of(2, seller=VIEWER),))
        sale = resale_of(7, 1, 250 * CENT, seller=VIEWER)
        app.chain.answer(STORE, "quoteListed(uint256,uint256)", (sale,))
        reply = await buy(app, MEADOW, quantity=1, listing=7)
        assert "You are selling these yourself." in await app.render(reply)


async def test_a_silent_chain_is_nobody_s_mistake(store):
    async with store() as app:
        await stocked(app)
        app.chain.silent = True
        reply = await buy(app, LIGHT, quantity=1)
        assert (reply.status, reply.fix) == (503, "Wait.")
        assert app.record.errors == 0
        assert await buttons(app, LIGHT)  # what was read before still shows


async def test_a_chain_that_is_too_slow_is_nobody_s_mistake_either(store, monkeypatch):
    from wylloh_store import requests

    async def never(*_):
        await asyncio.sleep(60)

    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 88, 450))
        monkeypatch.setattr(app.chain, "read", never)
        monkeypatch.setattr(requests, "_ANSWER_SECONDS", 0.2)
        reply = await buy(app, LIGHT, quantity=1)
        assert (reply.status, reply.sentence) == (503, "The chain is too slow to answer now.")
        assert app.record.errors == 0


async def test_the_page_works_out_a_price_and_chooses_the_cheapest(store):
    from store_samples import listed

    async with store() as app:
        await stocked(app)
        await happened(app, *listed(1, 9, 30, 250))
        app.chain.answer(STORE, "listing(uint256)", lambda _: (listing_of(1),))
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "30"})
        assert page.values["purchase"].quote.listing == 9
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "30", "listing": "0"})
        assert page.values["purchase"].quote.listing == 0
        assert "30 for 135.00 dUSD." in await app.render(page)
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "31"})
        assert page.values["purchase"].quote.listing == 0
        wrong = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "none"})
        assert (wrong.status, "“none” is not" in await app.render(wrong)) == (200, True)


async def test_what_a_holder_sells_for_less_is_said_and_can_be_bought(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        await happened(app, *listed(1, 9, 3, 250))
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "5"})
        html = await app.render(page)
        assert page.values["purchase"].quote.listing == 0
        assert "3 of them are cheaper from a holder: 2.50 dUSD each." in html
        assert (
            f'href="/plugins/store/film/{LIGHT.id}/buy?quantity=3&amp;listing=9">Buy those 3 there</a>'
            in html
        )
        await buy(app, LIGHT, quantity=5)
        (proposal,) = app.transactions.proposals
        assert "3 of them are cheaper from a holder: 2.50 dUSD each." in proposal.explanation
        assert proposal.recipe == {"do": "buy", "film": LIGHT.id, "quantity": "5", "listing": "0"}


async def test_only_tiers_that_can_be_bought_are_offered_and_of_the_next_it_says_what_is_missing(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, HOLDER, 182, 400))  # 418 are left, 500 would be needed
        html = await app.render(await app.get(f"film/{LIGHT.id}/buy"))
        assert ">100 for Small venue</a>" in html
        assert "for Streaming</a>" not in html
        assert "Streaming takes 500 more, and 418 can be bought at once: 82 are missing." in html


async def test_a_purchase_is_prepared_anew_as_things_are_then(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        with_permit(app)
        await buy(app, LIGHT, quantity=12)
        (proposal,) = app.transactions.proposals
        viewer = sample_viewer(Role.VIEWER)
        app.chain.answer(COIN, "nonces(address)", (4,))
        await happened(app, *sold(1, VIEWER, 1, 499))
        again = await renewed(app.context, viewer, proposal.recipe)
        assert again.steps[0].typed_data["message"]["nonce"] == "4"
        assert again.explanation[2] == "You will hold 13 then."
        app.chain.answer(STORE, "stockOf(uint256)", (0,))
        with pytest.raises(InvalidValue, match="Sold out"):
            await renewed(app.context, viewer, proposal.recipe)
        assert await renewed(app.context, viewer, {"do": "something newer"}) is None


async def test_in_the_presale_the_sentence_says_so(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        app.chain.answer(STORE, "quote(uint256,uint256)", (first_sale_of(1, 3_000_000, fee=0, presale=True),))
        await buy(app, LIGHT, quantity=1)
        assert app.transactions.proposals[0].explanation[:2] == (
            "You pay 3.00 dUSD for 1 token of Winter Light, the presale price.",
            "All of it goes to the makers (0xe1e1…e1e1).",
        )


async def test_a_store_of_an_earlier_release_is_refused_and_says_what_to_do(store):
    """It would take another coin than was shown. What lies in it can be taken back all the same."""
    async with store() as app:
        await stocked(app)
        rich(app)
        app.chain.answer(STORE, "TERMS_TYPEHASH()", ChainError("the contract refused the call"))
        reply = await buy(app, LIGHT, quantity=1)
        assert reply.status == 400
        words = await app.render(reply)
        assert "this store&#39;s contract is of another release" in words
        assert "wylloh registry deploy-store" in words
        assert app.transactions.proposals == []
        await app.post(f"film/{LIGHT.id}/withdraw", {"quantity": "600"}, by=Role.PUBLISHER)
        assert app.transactions.proposals[0].steps[0].function == "withdrawStock(uint256,uint256,address)"
        app.chain.silent = True
        assert (await buy(app, LIGHT, quantity=1)).status == 503


async def test_a_refusal_that_nobody_knows_stays_an_error_of_the_chain(store):
    async with store() as app:
        await stocked(app)
        app.chain.answer(STORE, "quote(uint256,uint256)", ChainError("the contract refused: Strange(1)"))
        assert (await buy(app, LIGHT, quantity=1)).status == 503
    assert token(1)
