"""The demo's own wallets ask before they send, say that it is a demo, and take no for an answer."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.components.demo import wallets
from tests.components.browser_user import PATIENCE_MS

FILM = "Light"


async def test_somebody_buys_with_a_demo_wallet_after_thinking_twice(demo, new_user):
    buyer = await new_user(demo)
    await buyer.sign_in("demo")
    await buyer.open_film(FILM)
    await buyer.page.goto(f"/plugins/store/film/{buyer.film_id}/buy?quantity=1")
    await buyer.page.get_by_role("button", name=re.compile(r"^Buy 1 for")).click()
    await expect(buyer.page).to_have_url(re.compile("/transactions/"), timeout=PATIENCE_MS)
    state = buyer.page.locator("#transaction")
    await press(buyer, "Refuse")
    await expect(buyer.page.locator("#status")).to_have_text("You refused in your wallet. Nothing was sent.")
    await buyer.page.get_by_role("button", name="Confirm in your wallet").click()
    await expect(buyer.page.get_by_role("dialog")).to_contain_text("This is a demo.")
    await buyer.page.keyboard.press("Escape")
    await expect(buyer.page.locator("#status")).to_have_text("You refused in your wallet. Nothing was sent.")
    await press(buyer, "Confirm")
    sends = buyer.page.get_by_role("dialog", name="Send this?")
    await sends.get_by_role("button", name="Confirm").click()
    await expect(state).to_have_attribute("data-state", "confirmed", timeout=PATIENCE_MS)
    demo.give("demo", "publisher", 1)


async def press(buyer, answer) -> None:
    """Ask the wallet, and answer its first question."""
    await buyer.page.get_by_role("button", name="Confirm in your wallet").click()
    dialog = buyer.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Demo wallet")
    await dialog.get_by_role("button", name=answer).click()


async def test_a_demo_wallet_does_only_what_its_own_session_asks(demo, new_user, empty_handed, signed_in):
    stranger, holder = await new_user(demo, session=empty_handed), await new_user(demo, session=signed_in)
    own = wallets()["demo"]
    call = {"from": own, "to": own, "data": "0x", "value": "0x0"}
    assert (await stranger.post("/plugins/demo/send", call))[0] == 403
    assert (await stranger.post("/plugins/demo/sign-data", {"address": own, "data": "{}"}))[0] == 403
    assert (await holder.post("/plugins/demo/sign-data", {"address": own, "data": "{"}))[0] == 400
    status, answer = await holder.post("/plugins/demo/send", call)
    assert status == 200 and answer["hash"].startswith("0x")


async def test_a_block_leads_to_what_happened_in_it(demo, new_user, signed_in):
    viewer = await new_user(demo, session=signed_in)
    await viewer.open_film(FILM)
    page = viewer.page
    await page.goto(f"/plugins/store/film/{viewer.film_id}/holders")
    await page.locator("main a[href*='/plugins/demo/block/']").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Block \d+\.$"))
    await page.locator("main a[href*='/plugins/demo/tx/']").first.click()
    await expect(page.locator("main .lead")).to_have_text(re.compile(r"^It was done on "))
    await expect(page.locator("main .lead time")).to_have_attribute("title", re.compile(r" UTC$"))
    await page.locator("main a[href*='/plugins/demo/address/']").last.click()
    await expect(page.locator("main .lead")).to_have_text(re.compile("^A (contract|wallet) with "))
    viewer.expected.append("status of 40[04]")
    for path, status in (("block/x", 400), ("block/99999999", 404), ("tx/0x12", 404), ("address/zz", 404)):
        assert (await page.goto(f"/plugins/demo/{path}")).status == status
