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


async def test_somebody_buys_and_the_ladder_moves_on_another_page(environment, new_user):
    buyer = await new_user()
    buyer.expected = ["404 (Not Found)"]  # nobody has the film's picture
    film = await buyer.context.new_page()
    await eventually(lambda: there(buyer, environment.film))
    await film.goto(f"/films/{environment.film}")
    await film.evaluate("window.same = true")
    await expect(film.get_by_text("You hold no token of this film.")).to_be_visible()
    await buyer.order(12)
    page = buyer.page.get_by_role("main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Buy 12 tokens of Light")
    await expect(page).to_contain_text(
        "You pay 48.00 dUSD for 12 tokens of Light. 5 % of what you pay goes to"
    )
    await expect(page).to_contain_text("Nothing has happened yet.")
    assert await page.locator(".button.button-primary").count() == 1
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await expect(buyer.said).to_have_text("Your wallet asks you to confirm. Look at it.")
        await expect(buyer.confirm).to_be_disabled()
    await expect(page).to_contain_text("12 tokens of Light are yours.")
    await expect(page).to_contain_text("In block")
    await expect(buyer.page.locator("#live-announcement")).to_have_text("12 tokens of Light are yours.")
    await expect(film.get_by_text("You hold 12", exact=True)).to_be_visible()
    await expect(film.locator(".scale .held")).to_have_count(2)
    await expect(film.locator("#notices")).to_contain_text("12 tokens of Light are yours.")
    assert await film.evaluate("window.same")
    assert buyer.wallet.asked("eth_signTypedData_v4") == []
    await page.get_by_role("link", name="Go on").click()
    await buyer.page.wait_for_url("**/plugins/teststore/")
    await buyer.page.goto("/transactions")
    line = buyer.page.locator(".history li").first
    await expect(line).to_contain_text("Buy 12 tokens of Light")
    await expect(line).to_contain_text("Confirmed")


async def there(person, film):
    reply = await person.context.request.get(f"/films/{film}")
    return reply.status == 200


async def test_two_steps_are_confirmed_one_after_the_other(new_user):
    buyer = await new_user(ACCOUNTS[2])
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


async def test_the_next_step_can_be_confirmed_also_if_the_chain_was_quicker_than_the_page(new_user):
    """The server finds a call on the chain before the page has told its hash."""
    buyer = await new_user(ACCOUNTS[2])
    await buyer.order(2, allow=True)

    async def late(route):
        await expect(buyer.stands).to_contain_text("Step 1 of 2 is done.")
        await route.continue_()

    await buyer.page.route("**/sent", late, times=1)
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("Step 1 of 2 is done.")
    await expect(buyer.confirm).to_be_enabled()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("2 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 2


async def test_who_refuses_in_the_wallet_may_think_again(new_user):
    buyer = await new_user()
    await buyer.order(1)
    buyer.wallet.refuses = {SENDS}
    await buyer.confirm.click()
    await expect(buyer.said).to_have_text("You refused in your wallet. Nothing was sent.")
    await expect(buyer.stands).to_contain_text("Nothing has happened yet.")
    await expect(buyer.confirm).to_be_focused()
    buyer.wallet.refuses = set()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_a_button_whose_script_is_still_on_its_way_cannot_be_pressed_in_vain(new_user):
    buyer, loaded = await new_user(), asyncio.Event()
    address = await buyer.order(1)

    async def later(route):
        await loaded.wait()
        await route.continue_()

    await buyer.page.route("**/transaction.js*", later)
    await buyer.page.goto(address, wait_until="commit")
    await expect(buyer.confirm).to_be_disabled()
    loaded.set()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_pressing_twice_asks_once(new_user):
    buyer = await new_user()
    await buyer.order(1)
    with buyer.wallet.thinking():
        await buyer.confirm.dblclick()
        await buyer.page.evaluate("document.getElementById('confirm').click()")
        await asked_once(buyer)
        await asyncio.sleep(0.3)
        assert len(buyer.wallet.asked(SENDS)) == 1
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 1


async def test_a_page_that_is_drawn_late_asks_no_second_time(new_user):
    buyer, drawn = await new_user(), asyncio.Event()
    address = await buyer.order(1)

    async def later(route):
        await drawn.wait()
        await route.continue_()

    await buyer.page.route(f"**{address}", later)
    async with buyer.page.expect_response("**/sent"):
        await buyer.confirm.click()
    await buyer.page.evaluate("document.dispatchEvent(new Event('live:drawn'))")  # of something else
    await buyer.page.evaluate("document.getElementById('confirm').click()")
    await expect(buyer.confirm).to_be_disabled()
    drawn.set()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert len(buyer.wallet.asked(SENDS)) == 1


async def test_two_tabs_ask_the_wallet_once_and_both_show_the_end(new_user):
    buyer = await new_user()
    buyer.expected = ["400 (Bad Request)"]
    address = await buyer.order(1)
    other = await buyer.context.new_page()
    await other.goto(address)
    with buyer.wallet.thinking():
        await buyer.confirm.click()
        await asked_once(buyer)
        await other.get_by_role("button", name="Confirm in your wallet").click()
        await expect(other.locator("#status")).to_contain_text("Your wallet has been asked already")
        assert len(buyer.wallet.asked(SENDS)) == 1
    for page in (buyer.page, other):
        await expect(page.locator("#transaction .stands")).to_contain_text("1 tokens of Light are yours.")
        await expect(page.get_by_role("button", name="Confirm in your wallet")).to_have_count(0)
    assert len(buyer.wallet.sent) == 1


async def test_a_wallet_on_another_account_is_told_which_one_is_meant(new_user):
    buyer = await new_user()
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


async def test_a_wallet_on_another_chain_is_switched(new_user):
    buyer = await new_user()
    await buyer.order(1)
    await buyer.wallet.switch(1)
    buyer.wallet.refuses = {"wallet_switchEthereumChain"}
    await buyer.confirm.click()
    await expect(buyer.said).to_contain_text("Your wallet stayed on another chain. Switch it to Test chain")
    buyer.wallet.refuses = set()
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert buyer.wallet.chain_id == 31337


async def test_8_a_wallet_that_is_switched_at_the_last_moment_is_not_asked(new_user):
    """Between the page's first look at the wallet and the question stands a request to the server."""
    buyer, asked = await new_user(), []
    await buyer.order(1)

    async def switched(route):
        reply = await route.fetch()
        asked.append((await reply.json())["call"])
        buyer.wallet.chain_id = 1
        await route.fulfill(response=reply)

    await buyer.page.route("**/ask", switched)
    await buyer.confirm.click()
    await expect(buyer.said).to_contain_text("switched to another chain. Nothing was sent.")
    assert [one["chainId"] for one in asked] == ["0x7a69"]
    assert buyer.wallet.sent == []
    await buyer.page.unroute("**/ask")
    buyer.wallet.chain_id = 31337
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert all(one.params[0]["chainId"] == "0x7a69" for one in buyer.wallet.requests if one.method == SENDS)


async def test_8_what_the_server_has_read_stands_below_the_plugin_s_words(new_user):
    buyer = await new_user()
    await buyer.order(2, allow=True)
    read = buyer.page.locator(".call-summary")
    first, purchase = read.nth(0), read.nth(1)
    await expect(first.locator(".effect")).to_contain_text("Allows Film store (0x")
    await expect(first.locator(".effect")).to_contain_text("to take 10.00 dUSD.")
    await expect(purchase).to_contain_text("Film store")
    await expect(purchase.locator("dl")).to_contain_text("Quantity")
    await expect(purchase.locator("dl")).to_contain_text("10.00 dUSD")


async def test_a_wallet_that_does_not_know_the_chain_is_told_of_it(new_user):
    buyer = await new_user()
    await buyer.order(1)
    buyer.wallet.chain_id, buyer.wallet.chains = 1, {1}
    await buyer.confirm.click()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    (added,) = buyer.wallet.asked("wallet_addEthereumChain")[0]
    assert (added["chainId"], added["chainName"]) == ("0x7a69", "Test chain")


async def test_without_an_address_to_give_away_people_add_the_chain_themselves(new_user):
    buyer = await new_user()

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


async def test_a_browser_without_a_wallet_and_one_with_two(environment, new_user):
    buyer = await new_user()
    address = await buyer.order(1)
    second = Wallet(environment.node.url, [ACCOUNTS[2]], name="Other Wallet", connected=False)
    buyer.wallet.connected = False
    page = await buyer.context.new_page()
    await page.add_init_script(script_of("Other Wallet"))
    del second
    await page.goto(address)
    await page.get_by_role("button", name="Confirm in your wallet").click()
    await expect(page.locator("#status")).to_have_text("There is more than one wallet here. Choose yours.")
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


async def test_what_the_store_would_refuse_is_told_at_once(new_user):
    buyer = await new_user()
    buyer.expected = ["400 (Bad Request)"]
    await buyer.page.goto("/plugins/teststore/")
    await buyer.page.get_by_label("How many").fill("9000")
    await buyer.page.get_by_role("button", name="Buy").click()
    await expect(buyer.page.get_by_role("heading", level=1)).to_contain_text("fewer than that")


async def test_a_chain_that_goes_away_in_the_middle_is_told_and_nothing_is_lost(environment, new_user):
    buyer = await new_user()
    buyer.expected = ["503 (Service Unavailable)"]
    await buyer.order(1)
    environment.proxy.http_status = 500
    try:
        await buyer.confirm.click()
        await expect(buyer.said).to_contain_text("The chain cannot be asked right now. Nothing was sent.")
        assert buyer.wallet.sent == []
        environment.proxy.http_status = 200
        await asyncio.sleep(5.2)  # a node that failed is given a rest
        with buyer.wallet.thinking():
            await buyer.confirm.click()
            await asked_once(buyer)
            environment.proxy.http_status = 500
        await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
    finally:
        environment.proxy.http_status = 200
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")


async def test_a_server_that_is_killed_while_the_wallet_thinks_hears_of_it_later(environment, new_user):
    buyer = await new_user()
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
        environment.server.kill()
    await expect(buyer.said).to_contain_text("Your wallet has sent it. The server cannot be reached")
    await environment.server.start()
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    await buyer.page.goto(address)
    await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    assert len(buyer.wallet.sent) == 1


async def test_a_server_that_is_killed_after_it_was_sent_goes_on(environment, new_user):
    buyer = await new_user()
    buyer.expected = [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY",
    ]
    await buyer.order(1)
    environment.market.chain.rpc("evm_setAutomine", False)
    try:
        await buyer.confirm.click()
        await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
        environment.server.kill()
        environment.market.chain.rpc("evm_mine")
        await environment.server.start()
        await expect(buyer.stands).to_contain_text("1 tokens of Light are yours.")
    finally:
        environment.market.chain.rpc("evm_setAutomine", True)


async def test_a_page_that_was_closed_while_the_wallet_thought_has_bought_once(new_user):
    buyer = await new_user()
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


async def test_one_that_is_sped_up_or_cancelled_in_the_wallet_is_told_as_it_is(environment, new_user):
    buyer = await new_user()
    environment.market.chain.rpc("evm_setAutomine", False)
    try:
        for done, words in (
            (buyer.wallet.speed_up, "1 tokens of Light are yours."),
            (buyer.wallet.cancel, "cancelled this"),
        ):
            await buyer.order(1)
            await buyer.confirm.click()
            await expect(buyer.stands).to_contain_text("Sent. The chain has not confirmed it yet")
            await done(buyer.wallet.sent[-1])
            environment.market.chain.rpc("evm_mine")
            await expect(buyer.stands).to_contain_text(words)
            buyer.wallet.gas_price = None
    finally:
        environment.market.chain.rpc("evm_setAutomine", True)


async def test_a_tv_is_told_to_use_a_phone(environment, new_user):
    buyer = await new_user()
    tv = await new_user(signed_in=False, viewport={"width": 1920, "height": 1080})
    tv.expected = ["404 (Not Found)", "403 (Forbidden)"]
    await tv.page.goto("/tv")
    code = await shown_code(tv.page)
    async with guest(environment.url) as phone:
        await phone.sign_in(buyer.wallet.accounts[0])
        assert (await phone.post("/api/tv/approve", code=code, name="Sofa"))[0] == 200
    await tv.page.wait_for_url(environment.url + "/")
    await tv.page.goto(await buyer.order(1))
    await expect(tv.page.get_by_text("Use your phone or computer.")).to_be_visible()


async def shown_code(page):
    code = page.locator("#code")
    await expect(code).not_to_be_empty()
    return (await code.inner_text()).replace(" ", "")


@pytest.mark.parametrize("width", [390, 1280])
async def test_its_pages_scroll_in_one_direction_only(new_user, width):
    buyer = await new_user(viewport={"width": width, "height": 800})
    await buyer.order(1, allow=True)
    for path in (None, "/transactions"):
        if path:
            await buyer.page.goto(path)
        assert await buyer.page.evaluate("document.documentElement.scrollWidth") <= width
