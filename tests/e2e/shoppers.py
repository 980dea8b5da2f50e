"""People with a wallet of their own at the demo: fresh accounts with money, in browsers of their own."""

from __future__ import annotations

import re

from eth_account import Account
from playwright.async_api import expect

from tests.components.browser_user import PATIENCE_MS, BrowserUser
from tests.components.wallet import Wallet
from demo.seed_market import SeedMarket
from demo.demo_state import load_state
from wylloh_server.adapters.chain.contract_abi import calldata

ETHER = 10**18
DOLLAR = 10**6
_CONFIRMED = re.compile("Done|It is|You own|are on chain|is on chain|yours|listed|paid|divided", re.I)


class Shopper:
    """Somebody who holds nothing yet and has 10,000 demo dollars."""

    def __init__(self, browser_user: BrowserUser, wallet: Wallet, market: SeedMarket) -> None:
        self.browser_user, self.page, self.wallet, self.market = (
            browser_user,
            browser_user.page,
            wallet,
            market,
        )
        self.address = wallet.accounts[0].address.lower()

    @classmethod
    async def opened(cls, browser, demo, account=None) -> Shopper:
        account = account or Account.create()
        market = market_of(demo)
        demo.ask_chain("anvil_setBalance", account.address, hex(ETHER))
        send(demo, market.publisher, market.coin, "mint(address,uint256)", account.address, 10_000 * DOLLAR)
        browser_user = await BrowserUser.opened(browser, demo)
        wallet = Wallet(rpc_of(demo), [account])
        await wallet.join(browser_user.context)
        await browser_user.page.goto("/sign-in")
        await browser_user.page.get_by_role("button", name="Test Wallet").click()
        await expect(browser_user.page.locator("header .who")).to_contain_text(
            "signed in as", timeout=PATIENCE_MS
        )
        return cls(browser_user, wallet, market)

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
            await expect(page.locator("#confirm:disabled")).to_have_count(0, timeout=PATIENCE_MS)
        await expect(state).to_have_attribute("data-state", "confirmed", timeout=PATIENCE_MS)

    async def buy(self, title: str, quantity: int, listing: int | None = None) -> None:
        """Buy from a film's page, as many as wished."""
        await self.browser_user.open_film(title)
        film = self.browser_user.film_id
        where = f"/plugins/store/film/{film}/buy?quantity={quantity}"
        await self.page.goto(where + (f"&listing={listing}" if listing is not None else ""))
        await self.page.get_by_role("button", name=re.compile(r"^Buy [\d,]+ for")).click()
        await self.confirm()


async def _until(condition, tries: int = 1200) -> None:
    import asyncio

    for _ in range(tries):
        if condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the wallet was never asked")


def market_of(demo) -> SeedMarket:
    """The demo's contracts and people."""
    return SeedMarket.read(load_state(demo.home).market)


def rpc_of(demo) -> str:
    return re.findall(r"chain\s+(http://\S+),", demo.said())[-1]


def send(demo, sender, contract, function, *arguments) -> None:
    """Let one of the chain's own accounts call a contract."""
    data = "0x" + calldata(function, arguments).hex()
    receipt = demo.ask_chain("eth_sendTransactionSync", {"from": sender, "to": contract, "data": data})
    assert receipt["status"] == "0x1", function


def ask(demo, contract, function, *arguments) -> int:
    """Ask a contract for one number."""
    data = "0x" + calldata(function, arguments).hex()
    return int(demo.ask_chain("eth_call", {"to": contract, "data": data}, "latest"), 16)
