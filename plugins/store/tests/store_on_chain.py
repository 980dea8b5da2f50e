"""A server with the store on a real chain, and people with wallets in front of it."""

from __future__ import annotations

import html
import json
import re
import secrets
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.components.demo import free_port
from tests.components.registry import ACCOUNTS
from tests.components.server import eventually, guest, running_server, server_settings
from tests.components.wallet import Wallet
from wylloh_server.storage import open_database
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.types import ChainId, Seconds, TokenReference

ALICE, BOB = ACCOUNTS[1], ACCOUNTS[2]


def parse_line(page):
    """Give what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


class WalletUser:
    """Somebody signed in, with a wallet."""

    def __init__(self, browser, account, rpc) -> None:
        self.browser = browser
        self.account = account
        self.wallet = Wallet(rpc, [account])

    async def page(self, path):
        """The words of a page of the store."""
        return parse_line(await self.browser.page(f"/plugins/store/{path}"))

    async def proposes(self, path, **form):
        """Send a form; give the id of the transaction it leads to, or the words that say why there is none."""
        session, url = self.browser._session, self.browser.url
        options = {"data": form, "headers": {"Origin": url}, "allow_redirects": False}
        async with session.post(f"{url}/plugins/store/{path}", **options) as reply:
            if reply.status == 303:
                return reply.headers["Location"].removeprefix("/transactions/")
            return parse_line(await reply.text())

    async def confirms(self, transaction):
        """Do what the wallet is asked, step by step; give the last state, or what the server refused."""
        claim, api = secrets.token_hex(8), f"/api/transactions/{transaction}"
        while True:
            terms = await self._terms(transaction)
            status, asked = await self.browser.post(f"{api}/ask", claim=claim, terms=terms)
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

    async def _terms(self, transaction):
        """What the transaction's page shows, as its script tells it back."""
        async with self.browser._session.get(f"{self.browser.url}/transactions/{transaction}") as reply:
            found = re.search(r'data-terms="([^"]*)"', await reply.text())
        return found[1] if found else ""

    async def does(self, path, **form):
        """Send a form and confirm what it leads to."""
        state = await self.confirms(await self.proposes(path, **form))
        assert state.get("state") == "confirmed", state
        return state


@asynccontextmanager
async def store_server(folder: Path, rpc: str, market, shown="5.00 dUSD"):
    """A server that sells the market's film: its publisher, Alice and Bob. `shown` is its price."""
    (folder / "data").mkdir(parents=True)
    token = TokenReference(ChainId(31337), market.registry.address, market.film)
    origin = TokenOrigin(token, "bafy", market.owner, "01" * 32)
    about = Description("Winter Light", year=1994, runtime=Seconds(5400), genres=("Drama",))
    film = Film(film_id_for(str(token)), about, origin, FilmState.READY, 1.0)
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
            people.append(WalletUser(browser, account, rpc))
        await eventually(lambda: shows(people[1], "", shown))
        yield film, *people


async def shows(person, path, *words):
    text = await person.page(path)
    return all(word in text for word in words)
