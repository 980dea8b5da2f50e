from __future__ import annotations

import asyncio
import re

import pytest
from store_samples import (
    CENT,
    HOLDER,
    LIGHT,
    MEADOW,
    NIGHT,
    STORE,
    VIEWER,
    happened,
    listed,
    sold,
    stocked,
    token,
)

from wylloh_server.sdk import ChainError, InvalidValue, Redirect, Role, SignaturePart, SignatureRequest, Slot
from wylloh_server.testing import DOLLAR
from wylloh_server.testing._samples import sample_viewer
from wylloh_store.permit import domain_separator
from wylloh_store.renewing import renewed

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

        assert (await drawn()).count('class="btn go"') == 1
        await happened(app, *sold(1, VIEWER, 1, 499))
        assert 'class="btn go"' not in await drawn()


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
            "No more than this is taken, even if the price changes meanwhile. "
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
            "buyWithPermit(uint256,uint256,uint256,(uint256,uint8,bytes32,bytes32))",
        )
        permit = (deadline, SignaturePart.V, SignaturePart.R, SignaturePart.S)
        assert call.arguments == (1, 12, 54_000_000, permit)
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
        assert (call.function, call.arguments) == ("buy(uint256,uint256,uint256)", (1, 1, 4_990_000))


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
        assert [call.function for call in proposal.steps] == ["buy(uint256,uint256,uint256)"]


async def test_buying_from_a_holder_says_who_gets_what(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        await buy(app, MEADOW, quantity=4, listing=7)
        (proposal,) = app.transactions.proposals
        assert proposal.explanation[:3] == (
            "You pay 10.00 dUSD for 4 tokens of The Meadow, from the holder 0xe3e3…e3e3.",
            "5 % (0.50 dUSD) goes to the makers, 0.25 dUSD to the store and 9.25 dUSD to the holder.",
            "You will hold 4 then, which unlocks watching at home.",
        )
        assert proposal.steps[-1].function == "buyListed(uint256,uint256,uint256)"
        assert proposal.steps[-1].arguments == (7, 4, 10_000_000)


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
        app.chain.answer(STORE, "listing(uint256)", lambda _: ((VIEWER, 2, 30, COIN, 250 * CENT),))
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
    from wylloh_store import asking

    async def never(*_):
        await asyncio.sleep(60)

    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 88, 450))
        monkeypatch.setattr(app.chain, "read", never)
        monkeypatch.setattr(asking, "_PATIENCE", 0.2)
        reply = await buy(app, LIGHT, quantity=1)
        assert (reply.status, reply.sentence) == (503, "The chain is too slow to answer now.")
        assert app.record.errors == 0


async def test_the_page_works_out_a_price_and_chooses_the_cheapest(store):
    from store_samples import listed

    async with store() as app:
        await stocked(app)
        await happened(app, *listed(1, 9, 30, 250))
        app.chain.answer(STORE, "listing(uint256)", lambda _: ((HOLDER, 1, 30, COIN, 250 * CENT),))
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "30"})
        assert page.values["wanted"].quote.listing == 9
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "30", "listing": "0"})
        assert page.values["wanted"].quote.listing == 0
        assert "30 for 135.00 dUSD." in await app.render(page)
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "31"})
        assert page.values["wanted"].quote.listing == 0
        wrong = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "none"})
        assert (wrong.status, "“none” is not" in await app.render(wrong)) == (200, True)


async def test_what_a_holder_sells_for_less_is_said_and_can_be_bought(store):
    async with store() as app:
        await stocked(app)
        rich(app)
        await happened(app, *listed(1, 9, 3, 250))
        page = await app.get(f"film/{LIGHT.id}/buy", query={"quantity": "5"})
        html = await app.render(page)
        assert page.values["wanted"].quote.listing == 0
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
        app.chain.answer(STORE, "quote(uint256,uint256)", (COIN, 3_000_000, 0, True))
        await buy(app, LIGHT, quantity=1)
        assert app.transactions.proposals[0].explanation[:2] == (
            "You pay 3.00 dUSD for 1 token of Winter Light, the presale price.",
            "All of it goes to the makers (0xe1e1…e1e1).",
        )


async def test_a_refusal_that_nobody_knows_stays_an_error_of_the_chain(store):
    async with store() as app:
        await stocked(app)
        app.chain.answer(STORE, "quote(uint256,uint256)", ChainError("the contract refused: Strange(1)"))
        assert (await buy(app, LIGHT, quantity=1)).status == 503
    assert token(1)
