"""Who may not watch: an empty wallet, another session, and somebody who has passed the tokens on."""

from __future__ import annotations

import json
import re

from playwright.async_api import expect

from tests.components.browser_user import PATIENCE_MS

FILM = "Light"


async def test_an_empty_wallet_is_told_what_is_missing_and_where_to_get_it(demo, new_user):
    guest = await new_user(demo)
    guest.expected.append(r"status of 403 .*/api/films/\w+/play")
    await guest.sign_in("empty")
    await guest.open_film(FILM)
    page = guest.page
    card = page.locator("#rights-card")
    await expect(card).to_contain_text("You hold no token of this film. 1 token lets you watch it.")
    await expect(card.locator(".token-reference")).to_contain_text(str(demo.tokens[0]))
    await expect(page.locator("#actions").locator("a, button").first).to_have_text("Get tokens")
    await expect(page.get_by_role("button", name="Play", exact=True)).to_have_count(0)
    await page.get_by_role("link", name="Get tokens").click()
    await expect(card.get_by_role("button", name=re.compile("^Buy 1 "))).to_be_in_viewport()
    await expect(page.locator("main .button-primary")).to_have_count(2)
    async with page.expect_response("**/api/films/*/play") as asked:
        await page.goto(f"/watch/{guest.film_id}")
    reply = await asked.value
    assert reply.status == 403
    answer = await reply.json()
    assert answer["receipt"]["reason"] == "too-few-tokens"
    assert (answer["receipt"]["missing"], answer["receipt"]["balance"]) == (1, 0)
    assert answer["where"] == f"/films/{guest.film_id}#rights-card"
    assert "/play/" not in json.dumps(answer)
    message = guest.page.get_by_role("alertdialog")
    await expect(message).to_contain_text(answer["error"])
    await expect(message.get_by_role("link", name="Get tokens")).to_be_visible()
    assert [url for url in guest.requests if ".m3u8" in url or ".m4s" in url] == []


async def test_one_token_is_enough(demo, new_user):
    guest = await new_user(demo)
    await guest.sign_in("empty")
    await guest.open_film(FILM)
    try:
        demo.give("publisher", "empty", 1)
        await expect(guest.page.get_by_role("main")).to_contain_text("You hold 1", timeout=PATIENCE_MS)
        await expect(guest.page.get_by_role("button", name="Play", exact=True)).to_be_visible()
        await expect(guest.page.get_by_role("main")).to_contain_text("99 more tokens")
    finally:
        demo.give("empty", "publisher", 1)


async def test_an_address_copied_to_another_session_is_refused(demo, new_user, signed_in):
    holder = await new_user(demo, session=signed_in)
    master = await holder.play(FILM)
    await holder.plays_beyond(2)
    under = master.removesuffix("master.m3u8")
    media = {url for url in holder.received if url.startswith(under)}
    posters = {url for url in holder.received if url.endswith(("poster.jpg", "backdrop.jpg"))}
    assert {"master.m3u8", "playlist.m3u8", "init.mp4", "0.key", "0.m4s"} <= {
        url.rpartition("/")[2] for url in media
    }
    assert posters
    other, nobody = await new_user(demo), await new_user(demo)
    await other.sign_in("empty")
    await nobody.page.goto("/")
    for url in (*media, *posters):
        assert await holder.status(url) == 200, url
        assert await other.status(url) == 403, url
        assert await nobody.status(url) == 403, url
    token = under.rstrip("/").rpartition("/")[2]
    assert (await other.post(f"/api/play/{token}/stop"))[0] == 403
    assert await holder.status(master) == 200
    await holder.plays_beyond(await holder.film("currentTime") + 1)


async def test_somebody_signed_out_sees_what_is_on_sale_and_plays_nothing(demo, new_user, signed_in):
    holder, nobody = await new_user(demo, session=signed_in), await new_user(demo)
    await holder.open_film(FILM)
    await nobody.page.goto("/")
    picture = nobody.page.get_by_role("region", name="On sale here").locator("img").first
    await expect(picture).to_be_visible()
    assert await picture.evaluate("image => image.decode().then(() => image.naturalWidth > 0)")
    await nobody.page.get_by_role("link", name="Look at the store").click()
    await expect(nobody.page.get_by_role("heading", level=1)).to_have_text("Store.")
    await nobody.page.goto(f"/films/{holder.film_id}")
    await expect(nobody.page).to_have_url(re.compile("/sign-in"))
    assert (await nobody.post(f"/api/films/{holder.film_id}/play"))[0] == 401


async def test_a_film_ends_when_its_tokens_have_gone(demo, new_user):
    holder = await new_user(demo)
    holder.expected.append("status of 403")
    await holder.sign_in("demo")
    master = await holder.play(FILM)
    demo.give("demo", "publisher", 120)
    try:
        message = holder.page.get_by_role("alertdialog")
        await expect(message).to_contain_text("You no longer hold the tokens", timeout=PATIENCE_MS)
        assert await holder.film("paused")
        under = master.removesuffix("master.m3u8")
        for url in {url for url in holder.requests if url.startswith(under)}:
            assert await holder.status(url) == 403, url
        status, answer = await holder.ask_to_play()
        assert (status, answer["receipt"]["missing"]) == (403, 1)
    finally:
        demo.give("publisher", "demo", 120)
    await holder.play(FILM)
