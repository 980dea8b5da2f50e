"""The whole way: forms of a running server, a wallet that signs and sends, the real contracts, and what shows then."""

from __future__ import annotations

from dataclasses import replace

from store_on_chain import ALICE, BOB, store_server, shows, parse_line

from tests.components.market import CENT, DOLLAR
from tests.components.server import eventually


async def reads(person, transaction, *words):
    """Whether the page of a transaction says something."""
    page = parse_line(await person.browser.page(f"/transactions/{transaction}"))
    return all(word in page for word in words)


async def test_buying_with_a_permit_moves_exactly_what_was_said(tmp_path, chain, market):
    rpc, _ = chain
    market.coin.approve(market.store, 0, by=ALICE.address)
    async with store_server(tmp_path, rpc, market) as (film, _, alice, _):
        before = market.money(ALICE.address)
        page = await alice.page(f"film/{film.id}/buy?quantity=12")
        assert "You pay 48.00 dUSD for 12 tokens of Winter Light, the publisher's price." in page
        assert "46.80 dUSD goes to the makers" in page
        assert "1.20 dUSD to the store." in page
        elsewhere = await alice.proposes(f"film/{film.id}/buy", quantity="1")  # in another tab
        await alice.does(f"film/{film.id}/buy", quantity="12")
        assert len(alice.wallet.sent) == 1  # the permission was a signature, not a transaction
        assert market.held(ALICE.address) == 12
        assert before - market.money(ALICE.address) == 48 * DOLLAR
        assert (market.money(market.payee), market.money(market.fees)) == (4680 * CENT, 120 * CENT)
        assert market.coin.allowance(ALICE.address.lower(), market.store) == 0
        await eventually(lambda: shows(alice, "history", "Bought", "−48.00 dUSD"))
        await eventually(lambda: shows(alice, f"film/{film.id}/holders", "You 12", "388 not yet sold"))
        await eventually(lambda: reads(alice, elsewhere, "You will hold 13 then"))
        assert (await alice.confirms(elsewhere))["state"] == "confirmed"  # with a fresh permission
        assert market.held(ALICE.address) == 13


async def test_resale_pays_holder_makers_and_store_and_can_be_taken_back(tmp_path, chain, market):
    rpc, _ = chain
    market.buy(20, 10**30, by=ALICE.address)
    market.registry.setApprovalForAll(market.store, False, by=ALICE.address)
    async with store_server(tmp_path, rpc, market) as (film, _, alice, bob):
        funds = market.money(ALICE.address)
        coin = market.coin.address
        assert "so you cannot sell 21" in await alice.proposes(
            f"film/{film.id}/sell", quantity="21", price="4", coin=coin
        )
        late = await alice.proposes(f"film/{film.id}/sell", quantity="20", price="4", coin=coin)
        market.registry.safeTransferFrom(
            ALICE.address, market.stranger, market.film, 2, b"", by=ALICE.address
        )
        refused = await alice.confirms(late)
        assert (refused["error"], alice.wallet.sent) == ("You hold 18 tokens, so you cannot sell 20.", [])
        await alice.does(f"film/{film.id}/sell", quantity="8", price="4.50", coin=coin)
        assert len(alice.wallet.sent) == 2  # permission, then the listing
        await eventually(lambda: shows(bob, f"film/{film.id}/buy", "8 from", "4.50 dUSD"))
        page = await bob.page(f"film/{film.id}/buy?quantity=2&listing=1")
        assert (
            "5 % (0.45 dUSD) goes to the makers, 0.225 dUSD to the store and 8.325 dUSD to the holder."
            in page
        )
        await bob.does(f"film/{film.id}/buy", quantity="2", listing="1")
        assert market.held(BOB.address) == 2
        assert market.money(ALICE.address) - funds == 8_325_000
        assert market.money(market.makers) == 45 * CENT
        await eventually(lambda: shows(alice, "selling", "6 left at 4.50 dUSD each"))
        assert await bob.confirms(await bob.proposes("selling/back", listing="1")) != "confirmed"
        await alice.does("selling/back", listing="1")
        assert market.held(ALICE.address) == 16
        await eventually(lambda: shows(alice, "history", "Resold", "+ 8.32 dUSD"))
        assert 'title="8.325"' in await alice.browser.page("/plugins/store/history")


async def test_a_publisher_sets_terms_adds_stock_and_ends_the_sale(tmp_path, chain, market):
    rpc, evm = chain
    async with store_server(tmp_path, rpc, market) as (film, owner, alice, _):
        base, begins = f"film/{film.id}", evm.now() + 86_400
        terms = {
            "coin": market.coin.address,
            "payee": market.payee,
            "sale_from": "2099-01-01T00:00",
            "presale_from": "2020-01-01T00:00",
            "presale_price": "2.50",
            "quantity_1": "1",
            "price_1": "7",
            "quantity_2": "50",
            "price_2": "6.5",
        }
        await owner.does(f"{base}/prices", **terms)
        offered = market.store.offerOf(market.film)
        assert offered[0] == market.payee
        assert offered[4:] == (250 * CENT, ((1, 7 * DOLLAR), (50, 650 * CENT)))
        await eventually(lambda: shows(alice, "", "Presale · 2.50 dUSD"))
        await alice.does(f"{base}/buy", quantity="3")
        assert await eventually(lambda: shows(alice, "history", "Bought in the presale", "−7.50 dUSD"))
        await owner.does(f"{base}/stock", quantity="100", way="new")
        assert market.store.stockOf(market.film) == 497
        await owner.does(f"{base}/withdraw", quantity="97")
        await owner.does(f"{base}/stock", quantity="7", way="own")
        assert (market.store.stockOf(market.film), market.held(market.owner)) == (407, 90)
        await owner.does(f"{base}/close")
        await eventually(lambda: shows(alice, "", "Not offered"))
        assert await shows(owner, f"{base}/prices", "The sale ended.", "presale 2.50 dUSD")
        assert begins


async def test_a_coin_without_permits_is_approved_and_a_false_one_moves_nothing(tmp_path, chain, market):
    rpc, _ = chain
    plain = market.new_coin("NoPermitCoin")
    plain.approve(market.store, 7, by=ALICE.address)
    market.set_offer(market.film, market.offer(coin=plain.address))
    async with store_server(tmp_path, rpc, market, shown="PLAIN") as (film, _, alice, bob):
        await alice.does(f"film/{film.id}/buy", quantity="2")
        assert market.held(ALICE.address) == 2
        assert len(alice.wallet.sent) == 3  # 7 withdrawn, 10 dollars allowed, bought
        assert plain.allowance(ALICE.address.lower(), market.store) == 0
        false = market.new_coin("FalseCoin")
        market.set_offer(market.film, market.offer(coin=false.address))

        async def refused():
            words = await bob.proposes(f"film/{film.id}/buy", quantity="1")
            return "nothing was bought" in words

        await eventually(refused)
        assert market.held(BOB.address) == 0


async def test_who_is_too_late_or_too_poor_is_told_so(tmp_path, chain, market):
    rpc, _ = chain
    async with store_server(tmp_path, rpc, market) as (film, _, alice, bob):
        assert "Only 400 tokens are left here." in await alice.proposes(f"film/{film.id}/buy", quantity="401")
        transaction = await alice.proposes(f"film/{film.id}/buy", quantity="300")
        await bob.does(f"film/{film.id}/buy", quantity="200")
        refused = await alice.confirms(transaction)
        assert refused["error"] == "Only 200 tokens are left here."  # said before a permission is signed
        assert alice.wallet.asked("eth_signTypedData_v4") == []
        assert await reads(alice, transaction, "Only 200 tokens are left here. Buy fewer.", "Begin again")
        assert market.held(ALICE.address) == 0
        market.coin.transfer(market.stranger, market.money(ALICE.address) - 3 * DOLLAR, by=ALICE.address)
        words = await alice.proposes(f"film/{film.id}/buy", quantity="1")
        assert "This costs 5.00 dUSD and your wallet has 3.00 dUSD: 2.00 dUSD is missing." in words


async def test_a_store_of_an_earlier_release_sells_nothing_and_gives_everything_back(tmp_path, chain, market):
    """As it was deployed: the publisher's stock and a holder's listing lie in it."""
    rpc, evm = chain
    old = evm.deploy("EarlierFilmStore", market.registry, market.owner, market.fees, 250)
    old.setCoin(market.coin, True)
    market.registry.mint(old, market.film, 30)
    old.setOffer(market.film, market.offer())
    market.registry.mint(ALICE.address, market.film, 5)
    market.registry.setApprovalForAll(old, True, by=ALICE.address)
    old.list(market.film, 5, market.coin, 4 * DOLLAR, by=ALICE.address)
    before = replace(market, store=old)
    async with store_server(tmp_path, rpc, before, shown="4.00 dUSD") as (film, owner, alice, bob):
        base = f"film/{film.id}"
        for listing in ("0", "1"):
            words = await bob.proposes(f"{base}/buy", quantity="1", listing=listing)
            assert "of another release" in words
            assert "wylloh registry deploy-store" in words
        assert "of another release" in await owner.proposes(f"{base}/stock", quantity="1", way="new")
        await owner.does(f"{base}/withdraw", quantity="30")
        await eventually(lambda: shows(alice, "selling", "5 left at 4.00 dUSD each"))
        await alice.does("selling/back", listing="1")
        assert (market.held(market.owner), market.held(ALICE.address), market.held(old)) == (30, 5, 0)
