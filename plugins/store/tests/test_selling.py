from __future__ import annotations

from store_samples import CENT, LIGHT, MEADOW, NIGHT, STORE, VIEWER, happened, listed, sold, stocked

from wylloh_server.sdk import Coin, Redirect
from wylloh_server.sdk.testing import CONTRACTS, DOLLAR

FORM = {"quantity": "12", "price": "6.00", "coin": DOLLAR.address}


async def with_hundred(app):
    """The viewer holds 100 tokens of Winter Light, enough for small-venue shows."""
    await stocked(app)
    await happened(app, *sold(1, VIEWER, 100, 400))
    app.chain.answer(CONTRACTS.registry, "balanceOf(address,uint256)", (100,))


async def sell(app, **changes):
    return await app.post(f"film/{LIGHT.id}/sell", FORM | changes)


async def test_selling_says_what_arrives_and_which_rights_end(store):
    async with store() as app:
        await with_hundred(app)
        assert isinstance(await sell(app), Redirect)
        (proposal,) = app.transactions.proposals
        assert proposal.title == "Sell 12 tokens of Winter Light"
        assert proposal.explanation == (
            "You put 12 tokens of Winter Light up for 6.00 dUSD each.",
            "When all are sold, 66.60 dUSD of 72.00 dUSD arrives in your wallet.",
            "5\xa0% (3.60 dUSD) to the makers and 2.5\xa0% (1.80 dUSD) to the store are taken from it.",
            "The store's part can never become larger, and of each at least 5.55 dUSD arrives.",
            "You will hold 88 then: small-venue shows end.",
            "Until they are sold the store keeps them, and you can take them back at any time.",
        )
        permission, put_up = proposal.steps
        assert (permission.to, permission.function, permission.arguments) == (
            CONTRACTS.registry,
            "setApprovalForAll(address,bool)",
            (STORE, True),
        )
        assert put_up.arguments == (1, 12, DOLLAR.address, 600 * CENT, 250, 555 * CENT)
        assert proposal.back == "/plugins/store/selling"


async def test_who_has_given_permission_is_not_asked_again(store):
    async with store() as app:
        await with_hundred(app)
        app.chain.answer(CONTRACTS.registry, "isApprovedForAll(address,address)", (True,))
        await sell(app)
        assert [call.function for call in app.transactions.proposals[0].steps] == [
            "list(uint256,uint256,address,uint256,uint16,uint256)"
        ]


async def test_selling_all_ends_every_right(store):
    async with store() as app:
        await with_hundred(app)
        await sell(app, quantity="100")
        assert "You will hold 0 then: watching at home and small-venue shows end." in (
            app.transactions.proposals[0].explanation
        )


BAD = [
    ({"quantity": "0"}, "The number of tokens must be more than 0."),
    ({"quantity": "101"}, "You hold 100 tokens, so you cannot sell 101."),
    ({"price": "0"}, "The price must be more than 0."),
    ({"price": "-1"}, "A price cannot be negative."),
    ({"price": str(2**256)}, "That price is larger than any contract can take."),
    ({"price": str(2**256 // 10**6 - 1)}, "That is more money than any contract can count. Ask for less."),
    ({"price": "6,00"}, "“6,00” is not a price. A point parts the decimals."),
    ({"price": "6.0000001"}, "dUSD has 6 decimals, “6.0000001” has more."),
    ({"coin": ""}, "No coin is chosen."),
    ({"coin": "0x12"}, "“0x12” is not an address"),
    ({"coin": "0x" + "77" * 20}, "This coin cannot be read"),
]


async def test_what_cannot_be_sold_shows_the_form_again_with_what_was_typed(store):
    async with store() as app:
        await with_hundred(app)
        for changes, sentence in BAD:
            reply = await sell(app, **changes)
            assert reply.status == 400, changes
            html = await app.render(reply)
            assert sentence in html, changes
            assert f'value="{(FORM | changes)["price"]}"' in html
        assert app.transactions.proposals == []
        assert app.record.errors == 0


async def test_a_coin_the_store_does_not_take(store):
    async with store() as app:
        await with_hundred(app)
        other = Coin("0x" + "d8" * 20, "EURC", 6, permits=False)
        app.chain.coin(other)
        assert "The store does not take EURC." in await app.render(await sell(app, coin=other.address))


async def test_a_royalty_that_eats_the_price_is_refused_beforehand(store):
    async with store() as app:
        await with_hundred(app)
        app.chain.answer(CONTRACTS.registry, "royaltyInfo(uint256,uint256)", lambda _, total: (VIEWER, total))
        assert "Royalty and fee together are more than the price" in await app.render(await sell(app))


async def test_what_selling_brings_and_ends_is_said_while_it_is_typed(store):
    async with store() as app:
        await with_hundred(app)
        page = await app.get(f"film/{LIGHT.id}/sell", query={"quantity": "50", "price": "1"})
        assert page.values["outcome"] == (
            "You will receive 46.25 dUSD when all are sold, 0.925 dUSD for each.",
            "Of 50.00 dUSD 5\xa0% (2.50 dUSD) to the makers and 2.5\xa0% (1.25 dUSD) to the store are taken.",
            "You will hold 50 then: small-venue shows end.",
        )
        html = await app.render(page)
        assert 'data-outcome="outcome"' in html and "You will receive 46.25 dUSD" in html
        for query, sentence in (
            ({"quantity": "", "price": "1"}, ()),
            ({"quantity": "101", "price": "1"}, ("You hold 100 tokens, so you cannot sell 101.",)),
            ({"quantity": "x", "price": "1"}, None),
        ):
            page = await app.get(f"film/{LIGHT.id}/sell", query=query)
            assert sentence is None and len(page.values["outcome"]) == 1 or page.values["outcome"] == sentence
        assert app.transactions.proposals == []


async def test_what_the_store_may_take_is_listed_and_can_be_taken_back(store):
    async with store() as app:
        await with_hundred(app)
        assert "can move no token and no coin" in await app.render(await app.get("permissions"))
        registry, coin = CONTRACTS.registry, DOLLAR.address
        app.chain.answer(registry, "isApprovedForAll(address,address)", (True,))
        app.chain.answer(coin, "allowance(address,address)", (4_990_000,))
        html = await app.render(await app.get("permissions"))
        assert "the standard knows only all or none" in html and "Take up to 4.99 dUSD when you buy." in html
        for of in ("tokens", coin):
            assert isinstance(await app.post("permissions", {"of": of}), Redirect)
        tokens, dollars = (proposal.steps[0] for proposal in app.transactions.proposals)
        store_contract = CONTRACTS.store
        assert (tokens.to, tokens.arguments) == (registry, (store_contract, False))
        assert (dollars.to, dollars.arguments) == (coin, (store_contract, 0))
        app.chain.answer(coin, "allowance(address,address)", (0,))
        assert (await app.post("permissions", {"of": coin})).status == 400


async def test_own_offers_are_listed_and_can_be_taken_back(store):
    async with store() as app:
        await with_hundred(app)
        await happened(app, *listed(1, 12, 30, 600, seller=VIEWER))
        html = await app.render(await app.get("selling"))
        assert "30 left at 6.00 dUSD each" in html
        assert "You hold 70" in html
        assert MEADOW.title not in html  # a holder's, not the viewer's
        assert isinstance(await app.post("selling/back", {"listing": "12"}), Redirect)
        (proposal,) = app.transactions.proposals
        assert [(call.function, call.arguments) for call in proposal.steps] == [("cancel(uint256)", (12,))]
        assert proposal.explanation == (
            "What is not sold, 30 tokens of Winter Light, comes back into your wallet.",
        )
        gone = await app.post("selling/back", {"listing": "99"})
        assert (gone.status, gone.sentence) == (404, "There is no such offer any more.")


async def test_the_form_offers_the_coins_in_use_and_those_of_the_settings(store):
    other = Coin("0x" + "d8" * 20, "EURC", 6, permits=False)
    async with store(settings={"coins": [other.address, "0x" + "77" * 20]}) as app:
        await stocked(app)
        app.chain.coin(other)
        page = await app.get(f"film/{NIGHT.id}/sell")
        assert [coin.symbol for coin in page.values["coins"]] == ["EURC", "dUSD"]


async def test_a_coin_in_the_settings_that_is_no_address_shows_at_start(store):
    async with store(settings={"coins": ["USDC"]}) as app:
        assert app.record.status == "failed"
        assert "“USDC” is not an address" in app.record.reason


async def test_who_holds_nothing_has_nothing_to_sell(store):
    async with store() as app:
        await stocked(app)
        assert "Your wallet holds no film tokens." in await app.render(await app.get("selling"))
        assert "There is nothing to sell" in await app.render(await app.get(f"film/{LIGHT.id}/sell"))


async def test_what_was_bought_a_moment_ago_can_be_sold_before_it_was_read(store):
    async with store() as app:
        await stocked(app)
        app.chain.answer(CONTRACTS.registry, "balanceOf(address,uint256)", (5,))
        html = await app.render(await app.get(f"film/{LIGHT.id}/sell"))
        assert "You hold 5." in html
        assert "How many tokens" in html


async def test_a_wallet_that_has_moved_very_often_still_finds_what_it_holds(store, monkeypatch):
    monkeypatch.setattr("wylloh_store.holdings._MOST_TRANSFERS", 0)
    async with store() as app:
        await with_hundred(app)
        assert [card.film.title for card in (await app.get("selling")).values["held"]] == ["Winter Light"]
