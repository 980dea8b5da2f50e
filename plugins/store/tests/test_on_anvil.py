"""The whole way: forms of a running server, a wallet that signs and sends, the real contracts, and what shows then."""

from __future__ import annotations

import html
import json
import re
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from tests.components.anvil import anvil
from tests.components.demo import free_port
from tests.components.evm import Evm
from tests.components.market import CENT, DOLLAR, open_market
from tests.components.registry import ACCOUNTS
from tests.components.server import eventually, guest, running_server, server_settings
from tests.components.wallet import Wallet
from wylloh_server.adapters.database import open_database
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_of
from wylloh_server.domain.types import ChainId, Seconds, TokenReference

ALICE, BOB = ACCOUNTS[1], ACCOUNTS[2]


@pytest.fixture(scope="module")
def chain():
    with anvil() as running:
        evm = Evm(running.url)
        yield running.url, evm
        evm.close()


@pytest.fixture
def market(chain):
    """A film of which 400 tokens are on sale, for a price list from 5.00 to 3.00 dUSD. Undone after each test."""
    _, evm = chain
    before = evm.snapshot()
    yield open_market(evm)
    evm.revert(before)


def words_of(page):
    """Give what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


class Person:
    """Somebody signed in, with a wallet."""

    def __init__(self, browser, account, rpc) -> None:
        self.browser = browser
        self.account = account
        self.wallet = Wallet(rpc, [account])

    async def page(self, path):
        """The words of a page of the store."""
        return words_of(await self.browser.page(f"/plugins/store/{path}"))

    async def proposes(self, path, **form):
        """Send a form; give the id of the transaction it leads to, or the words that say why there is none."""
        session, url = self.browser._session, self.browser.url
        options = {"data": form, "headers": {"Origin": url}, "allow_redirects": False}
        async with session.post(f"{url}/plugins/store/{path}", **options) as reply:
            if reply.status == 303:
                return reply.headers["Location"].removeprefix("/transactions/")
            return words_of(await reply.text())

    async def confirms(self, transaction):
        """Do what the wallet is asked, step by step; give the last state, or what the server refused."""
        claim, api = secrets.token_hex(8), f"/api/transactions/{transaction}"
        while True:
            status, asked = await self.browser.post(f"{api}/ask", claim=claim)
            if status != 200:
                return asked
            if "sign" in asked:
                signed = await self.wallet.request(
                    "eth_signTypedData_v4", [self.account.address, json.dumps(asked["sign"])]
                )
                await self.browser.post(f"{api}/signed", signature=signed)
                continue
            before = (await self.browser.json(api))[1]["step"]
            sent = await self.wallet.request("eth_sendTransaction", [asked["call"]])
            await self.browser.post(f"{api}/sent", hash=sent)

            async def moved_on(step=before):
                now = (await self.browser.json(api))[1]
                return now if now["state"] in ("confirmed", "failed") or now["step"] > step else None

            state = await eventually(moved_on)
            if state["state"] in ("confirmed", "failed"):
                return state

    async def does(self, path, **form):
        """Send a form and confirm what it leads to."""
        state = await self.confirms(await self.proposes(path, **form))
        assert state.get("state") == "confirmed", state
        return state


@asynccontextmanager
async def shop(folder: Path, rpc: str, market, shown="5.00 dUSD"):
    """A server that sells the market's film: its publisher, Alice and Bob. `shown` is its price."""
    (folder / "data").mkdir(parents=True)
    token = TokenReference(ChainId(31337), market.registry.address, market.film)
    origin = TokenOrigin(token, "bafy", market.owner, "01" * 32)
    about = Description("Winter Light", year=1994, runtime=Seconds(5400), genres=("Drama",))
    film = Film(film_id_of(str(token)), about, origin, FilmState.READY, 1.0)
    async with open_database(folder / "data" / "wylloh.sqlite3") as database:
        await database.storage.films.save(film)
    chain = {
        "rpc": [rpc],
        "id": 31337,
        "contract": market.registry.address,
        "store": market.store.address,
        "poll_seconds": 0.2,
    }
    port = free_port()
    server = {"public_url": f"http://127.0.0.1:{port}", "admit": "anyone"}
    settings = server_settings(folder, port=port, server=server, chain=chain)
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(running_server(settings))
        people = []
        for account in (ACCOUNTS[0], ALICE, BOB):
            browser = await stack.enter_async_context(guest(running.url))
            status, _ = await browser.sign_in(account, running.claim_code if not people else "")
            assert status == 200
            people.append(Person(browser, account, rpc))
        await eventually(lambda: shows(people[1], "", shown))
        yield film, *people


async def shows(person, path, *words):
    text = await person.page(path)
    return all(word in text for word in words)


async def test_buying_with_a_permit_moves_exactly_what_was_said(tmp_path, chain, market):
    rpc, _ = chain
    market.coin.approve(market.store, 0, by=ALICE.address)
    async with shop(tmp_path, rpc, market) as (film, _, alice, _):
        before = market.money(ALICE.address)
        page = await alice.page(f"film/{film.id}/buy?quantity=12")
        assert "You pay 48.00 dUSD for 12 tokens of Winter Light, the publisher's price." in page
        assert "46.80 dUSD go to the makers" in page
        assert "1.20 dUSD to the store." in page
        await alice.does(f"film/{film.id}/buy", quantity="12")
        assert len(alice.wallet.sent) == 1  # the permission was a signature, not a transaction
        assert market.held(ALICE.address) == 12
        assert before - market.money(ALICE.address) == 48 * DOLLAR
        assert (market.money(market.payee), market.money(market.fees)) == (4680 * CENT, 120 * CENT)
        assert market.coin.allowance(ALICE.address.lower(), market.store) == 0
        await eventually(lambda: shows(alice, "history", "Bought", "−48.00 dUSD"))
        assert await shows(alice, f"film/{film.id}/holders", "You 12", "388 for first sale")


async def test_resale_pays_holder_makers_and_store_and_can_be_taken_back(tmp_path, chain, market):
    rpc, _ = chain
    market.store.buy(market.film, 20, 10**30, by=ALICE.address)
    market.registry.setApprovalForAll(market.store, False, by=ALICE.address)
    async with shop(tmp_path, rpc, market) as (film, _, alice, bob):
        funds = market.money(ALICE.address)
        coin = market.coin.address
        assert "so you cannot sell 21" in await alice.proposes(
            f"film/{film.id}/sell", quantity="21", price="4", coin=coin
        )
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
        assert market.held(ALICE.address) == 18
        await eventually(lambda: shows(alice, "history", "Resold", "+8.325 dUSD"))


async def test_a_publisher_sets_terms_adds_stock_and_ends_the_sale(tmp_path, chain, market):
    rpc, evm = chain
    async with shop(tmp_path, rpc, market) as (film, owner, alice, _):
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
    market.store.setOffer(market.film, market.offer(coin=plain.address))
    async with shop(tmp_path, rpc, market, shown="PLAIN") as (film, _, alice, bob):
        await alice.does(f"film/{film.id}/buy", quantity="2")
        assert market.held(ALICE.address) == 2
        assert len(alice.wallet.sent) == 3  # 7 withdrawn, 10 dollars allowed, bought
        assert plain.allowance(ALICE.address.lower(), market.store) == 0
        false = market.new_coin("FalseCoin")
        market.store.setOffer(market.film, market.offer(coin=false.address))

        async def refused():
            words = await bob.proposes(f"film/{film.id}/buy", quantity="1")
            return "nothing was bought" in words

        await eventually(refused)
        assert market.held(BOB.address) == 0


async def test_who_is_too_late_or_too_poor_is_told_so(tmp_path, chain, market):
    rpc, _ = chain
    async with shop(tmp_path, rpc, market) as (film, _, alice, bob):
        assert "Only 400 tokens are left here." in await alice.proposes(f"film/{film.id}/buy", quantity="401")
        transaction = await alice.proposes(f"film/{film.id}/buy", quantity="300")
        await bob.does(f"film/{film.id}/buy", quantity="200")
        refused = await alice.confirms(transaction)
        assert refused["error"].startswith("So many tokens are not left; somebody was quicker.")
        assert market.held(ALICE.address) == 0
        market.coin.transfer(market.stranger, market.money(ALICE.address) - 3 * DOLLAR, by=ALICE.address)
        words = await alice.proposes(f"film/{film.id}/buy", quantity="1")
        assert "This costs 5.00 dUSD and your wallet has 3.00 dUSD: 2.00 dUSD are missing." in words
