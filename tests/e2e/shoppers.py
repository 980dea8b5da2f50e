"""People with a wallet of their own at the demo: fresh accounts with money, in browsers of their own."""

from __future__ import annotations

import re

from eth_account import Account
from playwright.async_api import expect

from tests.components.visitor import PATIENCE_MS, Visitor
from tests.components.wallet import Wallet
from wylloh_server.cli.demo.market import Market
from wylloh_server.cli.demo.state import load_state
from wylloh_server.adapters.chain.reader import calldata

ETHER = 10**18
DOLLAR = 10**6
_CONFIRMED = re.compile("Done|It is|You own|are on chain|is on chain|yours|listed|paid|divided", re.I)


class Shopper:
    """Somebody who holds nothing yet and has 10,000 demo dollars."""

    def __init__(self, visitor: Visitor, wallet: Wallet, market: Market) -> None:
        self.visitor, self.page, self.wallet, self.market = visitor, visitor.page, wallet, market
        self.address = wallet.accounts[0].address.lower()

    @classmethod
    async def arriving(cls, browser, demo, account=None) -> Shopper:
        account = account or Account.create()
        market = market_of(demo)
        demo.ask_chain("anvil_setBalance", account.address, hex(ETHER))
        send(demo, market.publisher, market.coin, "mint(address,uint256)", account.address, 10_000 * DOLLAR)
        visitor = await Visitor.arriving(browser, demo)
        wallet = Wallet(rpc_of(demo), [account])
        await wallet.join(visitor.context)
        await visitor.page.goto("/sign-in")
        await visitor.page.get_by_role("button", name="Test Wallet").click()
        await expect(visitor.page.locator("header .who")).to_contain_text("signed in as", timeout=PATIENCE_MS)
        return cls(visitor, wallet, market)

    async def confirm(self) -> None:
        """Confirm the transaction whose page is open, every step of it, and wait for the chain."""
        page = self.page
        await expect(page).to_have_url(re.compile("/transactions/"), timeout=PATIENCE_MS)
        state = page.locator("#transaction")
        for _ in range(6):
            await expect(state).not_to_have_attribute("data-state", "sent", timeout=PATIENCE_MS)
            if await state.get_attribute("data-state") != "prepared":
                break
            seen = len(self.wallet.requests)
            await page.locator("#confirm").click()
            await _until(lambda seen=seen: len(self.wallet.requests) > seen)
            await page.wait_for_timeout(1500)
        await expect(state).to_have_attribute("data-state", "confirmed", timeout=PATIENCE_MS)

    async def buy(self, title: str, quantity: int, listing: int | None = None) -> None:
        """Buy from a film's page, as many as wished."""
        await self.visitor.open_film(title)
        film = self.visitor.film_id
        where = f"/plugins/store/film/{film}/buy?quantity={quantity}"
        await self.page.goto(where + (f"&listing={listing}" if listing is not None else ""))
        await self.page.get_by_role("button", name=re.compile(r"^Buy [\d,]+ for")).click()
        await self.confirm()


async def _until(condition, tries: int = 300) -> None:
    import asyncio

    for _ in range(tries):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the wallet was never asked")


def market_of(demo) -> Market:
    """The demo's contracts and people."""
    return Market.read(load_state(demo.home).market)


def rpc_of(demo) -> str:
    return re.findall(r"chain\s+(http://\S+),", demo.said())[-1]


def send(demo, sender, contract, function, *arguments) -> None:
    """Let one of the chain's own accounts call a contract."""
    data = "0x" + calldata(function, arguments).hex()
    sent = demo.ask_chain("eth_sendTransaction", {"from": sender, "to": contract, "data": data})
    for _ in range(200):
        receipt = demo.ask_chain("eth_getTransactionReceipt", sent)
        if receipt:
            assert receipt["status"] == "0x1", function
            return
    raise AssertionError(f"{function} was never mined")


def ask(demo, contract, function, *arguments) -> int:
    """Ask a contract for one number."""
    data = "0x" + calldata(function, arguments).hex()
    return int(demo.ask_chain("eth_call", {"to": contract, "data": data}, "latest"), 16)
