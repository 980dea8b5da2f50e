"""A chain with a store, a server with the smallest shop, and browsers whose wallets really sign."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import pytest_asyncio

from tests.components.anvil import Anvil, anvil
from tests.components.browser import chromium
from tests.components.demo import free_port
from tests.components.evm import Evm
from tests.components.market import Market, open_market
from tests.components.registry import ACCOUNTS, CHAIN_ID, ROOT
from tests.components.rpc_proxy import RpcProxy, rpc_proxy
from tests.components.server import Server, guest, server_settings
from tests.components.wallet import Wallet
from wylloh_server.domain.film import film_id_for
from wylloh_server.domain.types import ChainId, TokenReference, parse_wallet

SHOP = Path(__file__).resolve().parents[1] / "components/store_plugin"
LADDER = [(1, "personal", [], 0), (10, "small-venue", [], 50)]
OWNER = ACCOUNTS[3]
PATIENCE_MS = 30_000


def pytest_collection_modifyitems(items):
    """Everything here shares one chain, one server and one browser, hence one event loop."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@dataclass(frozen=True, slots=True)
class ShopEnvironment:
    """Everything; `film` is the id of the film on sale. The server asks the chain through `proxy`.

    `sessions` are the cookies of accounts that have signed in: a server lets nobody do so every second.
    """

    node: Anvil
    market: Market
    server: Server
    proxy: RpcProxy
    film: str
    sessions: dict[str, dict] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.server.url


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def environment(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with anvil() as node, closing(Evm(node.url)) as evm:
        market = open_market(evm)
        token, film = put_on_sale(market)
        async with rpc_proxy(node.url) as proxy:
            server = Server(settings_of(folder, proxy.url, market, token, film))
            try:
                await server.start()
                async with guest(server.url) as owner:
                    await owner.sign_in(OWNER, server.claim_code)
                yield ShopEnvironment(node, market, server, proxy, film)
            finally:
                server.kill()


def put_on_sale(market: Market) -> tuple[int, str]:
    """Register a film that a server can know, and sell 5,000 tokens of it."""
    token = int(market.owner, 16) << 96 | 77
    market.registry.createFilm(token, ROOT, b"\1" * 32, 10_000, market.makers, 500, LADDER)
    market.registry.mint(market.store, token, 5_000)
    market.set_offer(token, market.offer())
    return token, film_id_for(str(TokenReference(CHAIN_ID, market.registry.address, token)))


def settings_of(folder: Path, rpc: str, market: Market, token: int, film: str) -> Path:
    port = free_port()
    shop = {
        "store": market.store.address,
        "coin": market.coin.address,
        "token": str(token),
        "terms": market.agreed(0, film=token)[-1].hex(),
        "film": film,
    }
    return server_settings(
        folder,
        port=port,
        server={"public_url": f"http://127.0.0.1:{port}", "admit": "anyone"},
        chain={
            "rpc": [rpc],
            "id": int(CHAIN_ID),
            "contract": market.registry.address,
            "store": market.store.address,
            "poll_seconds": 0.5,
            "name": "Test chain",
            "wallet_rpc": rpc,
        },
        plugins={"path": [str(SHOP)]},
        **{"plugins.settings.teststore": shop},
    )


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser():
    async with chromium() as running:
        yield running


class WalletUser:
    """Somebody with a wallet in a browser of their own."""

    def __init__(self, environment: ShopEnvironment, context, page, wallet: Wallet) -> None:
        self.environment, self.context, self.page, self.wallet = environment, context, page, wallet
        self.problems: list[str] = []
        self.expected: list[str] = []
        context.on("weberror", lambda fault: self.problems.append(str(fault.error)))
        context.on("console", self._heard)

    @property
    def account(self):
        return parse_wallet(self.wallet.accounts[0].address)

    @property
    def confirm(self):
        return self.page.get_by_role("button", name="Confirm in your wallet")

    @property
    def said(self):
        return self.page.locator("#status")

    @property
    def stands(self):
        """The sentence that says where the transaction stands."""
        return self.page.locator("#transaction .stands")

    async def sign_in(self) -> None:
        await self.page.goto("/sign-in?next=/plugins/teststore/")
        await self.page.get_by_role("button", name=self.wallet.name).click()
        await self.page.get_by_role("heading", name="Shop").wait_for()

    async def order(self, quantity=12, *, allow=False) -> str:
        """Go from the shop to the page of a transaction; gives its address."""
        await self.page.goto("/plugins/teststore/")
        await self.page.get_by_label("How many").fill(str(quantity))
        await self.page.get_by_label("Allow first").fill("yes" if allow else "")
        await self.page.get_by_role("button", name="Buy").click()
        await self.page.wait_for_url("**/transactions/*")
        return self.page.url

    def _heard(self, message) -> None:
        text = message.text
        serious = message.type == "error" or "Content Security Policy" in text
        if serious and not any(word in text for word in self.expected):
            self.problems.append(f"{text} {(message.location or {}).get('url', '')}")


@pytest_asyncio.fixture(loop_scope="session")
async def new_user(environment, browser):
    """Let somebody arrive: `await new_user(account, signed_in=True, viewport=…)`."""
    people = []

    async def opened(account=ACCOUNTS[1], *, signed_in=True, viewport=None):
        context = await browser.new_context(
            base_url=environment.url,
            viewport=viewport or {"width": 1280, "height": 800},
            storage_state=environment.sessions.get(account.address) if signed_in else None,
        )
        context.set_default_timeout(PATIENCE_MS)
        wallet = Wallet(environment.node.url, [account], chain_id=int(CHAIN_ID))
        await wallet.join(context)
        person = WalletUser(environment, context, await context.new_page(), wallet)
        people.append(person)
        if signed_in and account.address not in environment.sessions:
            await person.sign_in()
            environment.sessions[account.address] = await context.storage_state()
        return person

    yield opened
    problems = [problem for person in people for problem in person.problems]
    for person in people:
        await person.context.close()
    assert problems == []
