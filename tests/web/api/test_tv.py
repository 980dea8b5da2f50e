from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from tests.web.conftest import COLLECTOR


async def shown(tv):
    response = await tv.post("/api/tv/code")
    assert response.status == 200
    return await response.json()


async def state(tv):
    return (await (await tv.get("/api/tv/state")).json())["state"]


async def test_a_tv_gets_a_session_of_its_own_once_a_phone_approves(collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    before = await state(tv)

    approved = await collector.post("/api/tv/approve", {"code": offer["code"], "name": "Sofa"})

    assert (before, approved.status, await state(tv)) == ("waiting", 200, "approved")
    assert tv.cookies["wylloh_session"] != collector.cookies["wylloh_session"]
    assert (await tv.get("/devices")).status == 200
    assert "Sofa" in await (await collector.get("/devices")).text()


async def test_the_code_comes_with_a_qr_for_the_phone(house, browser):
    offer = await shown(browser)

    assert offer["pair_url"] == f"{house.origin}/pair?code={offer['code']}"
    assert ElementTree.fromstring(offer["qr"]).tag == "svg"
    assert "style=" not in offer["qr"]  # the content security policy would refuse it
    assert len(offer["code"]) == 6 and offer["expires_in"] == 600


async def test_the_secret_of_a_pairing_is_never_shown(browser):
    response = await browser.post("/api/tv/code")

    assert browser.cookies["wylloh_pairing"] not in await response.text()


async def test_only_the_tv_that_asked_collects_the_session(collector, browsers):
    tv, other = browsers(), browsers()
    offer = await shown(tv)
    await collector.post("/api/tv/approve", {"code": offer["code"], "name": "Sofa"})

    assert await state(other) == "expired"
    assert await state(tv) == "approved"
    assert await state(tv) == "expired"


async def test_a_code_expires(house, collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    house.clock.now += 601

    late = await collector.post("/api/tv/approve", {"code": offer["code"], "name": "Sofa"})

    assert (await state(tv), late.status) == ("expired", 403)


async def test_approving_needs_somebody_signed_in_and_guessing_ends(browser, collector, browsers):
    offer = await shown(browsers())

    assert (await browser.post("/api/tv/approve", {"code": offer["code"], "name": "x"})).status == 401
    statuses = [
        (await collector.post("/api/tv/approve", {"code": "ZZZZZZ", "name": "x"})).status for _ in range(12)
    ]
    assert set(statuses) == {403, 429} and statuses[-1] == 429


async def test_a_revoked_tv_is_signed_out(collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    await collector.post("/api/tv/approve", {"code": offer["code"], "name": "Sofa"})
    await state(tv)
    device = await device_of(collector, "tv")

    assert (await collector.post(f"/api/devices/{device}/revoke")).status == 200
    assert (await tv.get("/devices")).status == 303


async def test_nobody_revokes_another_ones_device(owner, collector):
    device = await device_of(collector, "browser")

    assert (await owner.post(f"/api/devices/{device}/revoke")).status == 404
    assert (await collector.get("/devices")).status == 200


async def device_of(browser, kind):
    sessions = await browser.house.storage.sessions.of_wallet(COLLECTOR)
    return next(session.device for session in sessions if session.kind == kind)
