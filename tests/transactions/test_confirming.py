"""A person confirms in the browser's wallet what a plugin proposed, and nothing goes wrong unsaid."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from tests.components.registry import ACCOUNTS
from tests.components.server import eventually, guest
from tests.components.wallet import Wallet
from tests.transactions.conftest import PATIENCE_MS

SENDS = "eth_sendTransaction"


@pytest.fixture(autouse=True)
def _patience():
    expect.set_options(timeout=PATIENCE_MS)


async def asked_once(person):
    await eventually(lambda: len(person.wallet.asked(SENDS)) == 1, seconds=20)


async def test_somebody_buys_and_the_ladder_moves_on_another_page(stage, arrive):
    buyer = await arrive()
    buyer.expected = ["404 (Not Found)"]  # nobody has the film's picture
    film = await buyer.context.new_page()
    await eventually(lambda: there(buyer, stage.film))
    await film.goto(f"/films/{stage.film}")
    await film.evaluate("window.same = true")
    await expect(film.get_by_text("You hold no token of this film.")).to_be_visible()
    await buyer.order(12)
    page = buyer.page.get_by_role("main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Buy 12 tokens of Light")
    await expect(page).to_contain_text(
        "You pay 48.00 dUSD for 12 tokens of Light. 5 % of what you pay goes to"
    )
    await expect(page).to_contain_text("Nothing has happened yet.")
    assert await page.locator(".btn.go").count() == 1
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await expect(buyer.said).to_have_text("Your wallet asks you to confirm. Look at it.")
        await expect(buyer.confirm).to_be_disabled()
    await expect(page).to_contain_text("12 tokens of Light are yours.")
    await expect(page).to_contain_text("In block")
    await expect(buyer.page.locator("#live-said")).to_have_text("12 tokens of Light are yours.")
    await expect(film.get_by_text("You hold 12", exact=True)).to_be_visible()
    await expect(film.locator(".scale .held")).to_have_count(2)
    await expect(film.locator("#notices")).to_contain_text("12 tokens of Light are yours.")
    assert await film.evaluate("window.same")
    assert buyer.wallet.asked("eth_signTypedData_v4") == []
    await page.get_by_role("link", name="Go on").click()
    await buyer.page.wait_for_url("**/plugins/testshop/")
    await buyer.page.goto("/transactions")
    line = buyer.page.locator(".history li").first
    await expect(line).to_contain_text("Buy 12 tokens of Light")
    await expect(line).to_contain_text("Confirmed")


async def there(person, film):
    reply = await person.context.request.get(f"/films/{film}")
    return reply.status == 200


async def test_two_steps_are_confirmed_one_after_the_other(arrive):
    buyer = await arrive(ACCOUNTS[2])
    await buyer.order(2, allow=True)
    steps = buyer.page.locator(".steps li")
    await expect(steps.nth(0)).to_contain_text("Let the store take 10.00 dUSD")
    await expect(steps.nth(1).locator(".end")).to_have_text("Then")
    await buyer.confirm.click()
    await expect(steps.nth(0).locator(".end")).to_have_text("Done")
    await expect(buyer.stands).to_contain_text("Step 1 of 2 is done.")
    await expect(buyer.confirm).to_be_enabled()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("2 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 2


async def test_who_refuses_in_the_wallet_may_think_again(arrive):
    buyer = await arrive()
    await buyer.order(1)
    buyer.wallet.refuses = {SENDS}
    await buyer.confirm.click()
    await expect(buyer.said).to_have_text("You refused in your wallet. Nothing was sent.")
    await expect(buyer.stands).to_contain_text("Nothing has happened yet.")
    buyer.wallet.refuses = set()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_pressing_twice_asks_once(arrive):
    buyer = await arrive()
    await buyer.order(1)
    with buyer.wallet.thinking():
        await buyer.confirm.dblclick()
        await buyer.page.evaluate("document.getElementById('confirm').click()")
        await asked_once(buyer)
        await asyncio.sleep(0.3)
        assert len(buyer.wallet.asked(SENDS)) == 1
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 1


async def test_two_tabs_ask_the_wallet_once_and_both_show_the_end(arrive):
    buyer = await arrive()
    buyer.expected = ["400 (Bad Request)"]
    address = await buyer.order(1)
    other = await buyer.context.new_page()
    await other.goto(address)
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await asked_once(buyer)
        await other.get_by_role("button", name="Confirm in your wallet").click()
        await expect(other.locator("#said")).to_contain_text("Your wallet has been asked already")
        assert len(buyer.wallet.asked(SENDS)) == 1
    for page in (buyer.page, other):
        await expect(page.locator("#transaction .stands")).to_contain_text("1 tokens of Light are yours.")
        await expect(page.get_by_role("button", name="Confirm in your wallet")).to_have_count(0)
    assert len(buyer.wallet.sent) == 1


async def test_a_wallet_on_another_account_is_told_which_one_is_meant(arrive):
    buyer = await arrive()
    await buyer.order(1)
    mine = buyer.wallet.accounts[0]
    await buyer.wallet.use(ACCOUNTS[2])
    await buyer.confirm.click()
    await expect(buyer.said).to_contain_text("This is for the account 0x7099…79c8. Choose that account")
    assert buyer.wallet.sent == []
    await buyer.wallet.use(mine)
    await expect(buyer.said).to_have_text("That is the right account.")
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_a_wallet_on_another_chain_is_switched(arrive):
    buyer = await arrive()
    await buyer.order(1)
    await buyer.wallet.switch(1)
    buyer.wallet.refuses = {"wallet_switchEthereumChain"}
    await buyer.confirm.click()
    await expect(buyer.said).to_contain_text("Your wallet stayed on another chain. Switch it to Test chain")
    buyer.wallet.refuses = set()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert buyer.wallet.chain_id == 31337


async def test_a_wallet_that_does_not_know_the_chain_is_told_of_it(arrive):
    buyer = await arrive()
    await buyer.order(1)
    buyer.wallet.chain_id, buyer.wallet.chains = 1, {1}
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    (added,) = buyer.wallet.asked("wallet_addEthereumChain")[0]
    assert (added["chainId"], added["chainName"]) == ("0x7a69", "Test chain")


async def test_without_an_address_to_give_away_people_add_the_chain_themselves(arrive):
    buyer = await arrive()

    async def without_rpc(route):
        reply = await route.fetch()
        text = (await reply.text()).replace("rpcUrls&#34;: [", "rpcUrls&#34;: [], &#34;other&#34;: [")
        await route.fulfill(response=reply, body=text)

    address = await buyer.order(1)
    await buyer.page.route("**/transactions/*", without_rpc)  # a redirect is not routed
    await buyer.page.goto(address)
    buyer.wallet.chain_id, buyer.wallet.chains = 1, {1}
    await buyer.confirm.click()
    await expect(buyer.said).to_contain_text(
        "Your wallet does not know Test chain (number 31337). Add it there"
    )


async def test_a_browser_without_a_wallet_and_one_with_two(stage, arrive):
    buyer = await arrive()
    address = await buyer.order(1)
    second = Wallet(stage.node.url, [ACCOUNTS[2]], name="Other Wallet", connected=False)
    buyer.wallet.connected = False
    page = await buyer.context.new_page()
    await page.add_init_script(script_of("Other Wallet"))
    del second
    await page.goto(address)
    await page.get_by_role("button", name="Confirm in your wallet").click()
    await expect(page.locator("#said")).to_have_text("There is more than one wallet here. Choose yours.")
    await page.get_by_role("button", name="Test Wallet").click()
    await expect(page.locator("#transaction .stands")).to_contain_text("1 tokens of Light are yours.")


def script_of(name):
    return (
        """window.addEventListener("eip6963:requestProvider", () => {
      const provider = { request: async () => [] };
      const info = { uuid: "other", name: "%s", icon: "", rdns: "other" };
      window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: { info, provider } }));
    });"""
        % name
    )


async def test_what_the_store_would_refuse_is_told_at_once(arrive):
    buyer = await arrive()
    buyer.expected = ["400 (Bad Request)"]
    await buyer.page.goto("/plugins/testshop/")
    await buyer.page.get_by_label("How many").fill("9000")
    await buyer.page.get_by_role("button", name="Buy").click()
    await expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("fewer than that")


async def test_a_chain_that_goes_away_in_the_middle_is_told_and_nothing_is_lost(stage, arrive):
    buyer = await arrive()
    buyer.expected = ["503 (Service Unavailable)"]
    await buyer.order(1)
    stage.proxy.http_status = 500
    try:
        await buyer.confirm.click()
        await expect(buyer.said).to_contain_text("The chain cannot be asked right now. Nothing was sent.")
        assert buyer.wallet.sent == []
        stage.proxy.http_status = 200
        await asyncio.sleep(5.2)  # a node that failed is given a rest
        with buyer.wallet.thinking():
            await buyer.confirm.click()
            await asked_once(buyer)
            stage.proxy.http_status = 500
        await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
    finally:
        stage.proxy.http_status = 200
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_a_server_that_is_killed_while_the_wallet_thinks_hears_of_it_later(stage, arrive):
    buyer = await arrive()
    buyer.expected = [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY",
    ]
    address = await buyer.order(1)
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await asked_once(buyer)
        stage.server.kill()
    await expect(buyer.said).to_contain_text("Your wallet has sent it. The server cannot be reached")
    await stage.server.start()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    await buyer.page.goto(address)
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 1


async def test_a_server_that_is_killed_after_it_was_sent_goes_on(stage, arrive):
    buyer = await arrive()
    buyer.expected = [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY",
    ]
    await buyer.order(1)
    stage.market.chain.rpc("evm_setAutomine", False)
    try:
        await buyer.confirm.click()
        await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
        stage.server.kill()
        stage.market.chain.rpc("evm_mine")
        await stage.server.start()
        await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    finally:
        stage.market.chain.rpc("evm_setAutomine", True)


async def test_a_page_that_was_closed_while_the_wallet_thought_has_bought_once(arrive):
    buyer = await arrive()
    address = await buyer.order(1)
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await asked_once(buyer)
        await buyer.page.close()
    await eventually(lambda: buyer.wallet.sent, seconds=20)
    buyer.page = await buyer.context.new_page()
    await buyer.page.goto(address)
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    await expect(buyer.confirm).to_have_count(0)
    assert len(buyer.wallet.sent) == 1


async def test_one_that_is_sped_up_or_cancelled_in_the_wallet_is_told_as_it_is(stage, arrive):
    buyer = await arrive()
    stage.market.chain.rpc("evm_setAutomine", False)
    try:
        for done, words in (
            (buyer.wallet.speed_up, "1 tokens of Light are yours."),
            (buyer.wallet.cancel, "cancelled this"),
        ):
            await buyer.order(1)
            await buyer.confirm.click()
            await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
            await done(buyer.wallet.sent[-1])
            stage.market.chain.rpc("evm_mine")
            await expect(buyer.stands).to_contain_text(words)
            buyer.wallet.gas_price = None
    finally:
        stage.market.chain.rpc("evm_setAutomine", True)


async def test_a_tv_shows_where_to_confirm_and_then_the_end(stage, arrive):
    buyer = await arrive()
    tv = await arrive(signed_in=False, viewport={"width": 1920, "height": 1080})
    tv.expected = ["404 (Not Found)"]
    await tv.page.goto("/tv")
    code = await shown_code(tv.page)
    async with guest(stage.url) as phone:
        await phone.sign_in(buyer.wallet.accounts[0])
        assert (await phone.post("/api/tv/approve", code=code, name="Sofa"))[0] == 200
    await tv.page.wait_for_url(stage.url + "/")
    address = await buyer.order(1)
    await tv.page.goto(address)
    await expect(tv.page.get_by_role("heading", name="Confirm it on your phone.")).to_be_visible()
    await expect(tv.page.locator(".qr svg")).to_be_visible()
    await expect(tv.page.locator(".address")).to_have_text(
        f"{stage.url.removeprefix('http://')}/transactions"
    )
    await expect(tv.confirm).to_have_count(0)
    assert await tv.page.evaluate("document.activeElement.textContent.trim()") == "Back"
    await buyer.confirm.click()
    await expect(tv.stands).to_contain_text("1 tokens of Light are yours.")
    await expect(tv.page.locator(".qr")).to_have_count(0)


async def shown_code(page):
    code = page.locator("#code")
    await expect(code).not_to_be_empty()
    return (await code.inner_text()).replace(" ", "")


@pytest.mark.parametrize("width", [390, 1280])
async def test_its_pages_scroll_in_one_direction_only(arrive, width):
    buyer = await arrive(viewport={"width": width, "height": 800})
    await buyer.order(1, allow=True)
    for path in (None, "/transactions"):
        if path:
            await buyer.page.goto(path)
        assert await buyer.page.evaluate("document.documentElement.scrollWidth") <= width
