from __future__ import annotations

import asyncio
import xml.etree.ElementTree as ElementTree

from tests.web.conftest import COLLECTOR, OWNER, PLAIN
from wylloh_server.domain.access import DeviceKind
from wylloh_server.domain.types import Seconds
from wylloh_server.web import app_keys
from wylloh_server.web.api import tv_api


async def shown(tv):
    response = await tv.post("/api/tv/code")
    assert response.status == 200
    return await response.json()


async def test_a_tv_s_browser_is_led_to_pairing_and_no_other_is(browsers):
    tv, desktop = browsers(), browsers()
    agent = {"User-Agent": "Mozilla/5.0 (SMART-TV; LINUX; Tizen 7.0) AppleWebKit/537.36 TV Safari/537.36"}
    for path in ("/", "/sign-in", "/sign-in?next=%2Ffilms%2Fx"):
        led = await tv.get(path, headers=agent)
        assert (led.status, led.headers["Location"]) == (302, "/tv")
        assert (await desktop.get(path)).status == 200
    assert (await tv.get("/tv", headers=agent)).status == 200


async def test_a_tv_is_called_by_its_maker_where_it_asks_to_be_let_in(owner, browsers):
    tv = browsers()
    agent = {"User-Agent": "Mozilla/5.0 (Web0S; Linux/SmartTV) AppleWebKit/537.36 Chrome/94.0 Safari/537.36"}
    code = (await (await tv.post("/api/tv/code", {}, headers=agent)).json())["code"]
    assert (await (await owner.post("/api/tv/look", {"code": code})).json())["device"] == "LG TV"


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


async def test_the_code_comes_with_a_qr_for_the_phone(server_under_test, browser):
    offer = await shown(browser)

    assert offer["pair_url"] == f"{server_under_test.origin}/pair?code={offer['code']}"
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


async def test_a_code_expires(server_under_test, collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    server_under_test.clock.now += 601

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


async def test_a_phone_is_told_who_asks(collector, browsers):
    offer = await shown(browsers())

    told = await (await collector.post("/api/tv/look", {"code": offer["code"]})).json()

    assert told.pop("numbers").count(offer["number"]) == 1
    assert told == {"device": "Browser", "address": "127.0.0.1", "here": True, "waiting": 0}
    assert (await collector.post("/api/tv/look", {"code": "ZZZZZZ"})).status == 403


async def test_a_code_that_came_by_a_link_needs_the_number_on_the_tv(collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    told = await (await collector.post("/api/tv/look", {"code": offer["code"]})).json()
    wrong = next(number for number in told["numbers"] if number != offer["number"])

    refused = await collector.post(
        "/api/tv/approve", {"code": offer["code"], "name": "Sofa", "number": wrong}
    )

    assert (refused.status, await state(tv)) == (403, "expired")
    offer = await shown(tv)
    body = {"code": offer["code"], "name": "Sofa", "number": offer["number"]}
    assert (await collector.post("/api/tv/approve", body)).status == 200
    assert await state(tv) == "approved"


async def test_an_approval_of_somebody_removed_in_between_lets_nobody_in(owner, collector, browsers):
    tv = browsers()
    offer = await shown(tv)
    await collector.post("/api/tv/approve", {"code": offer["code"], "name": "Sofa"})

    await owner.post("/api/admin/accounts/remove", {"wallet": COLLECTOR})

    assert await state(tv) == "expired"
    assert (await tv.get("/devices")).status == 303


async def test_tvs_of_this_network_only(open_server_under_test, open_browser):
    near = await open_server_under_test(sessions={"tvs": "local"}, server={"trusted_proxies": ("127.0.0.1",)})
    tv = open_browser(near)

    statuses = [
        (await tv.post("/api/tv/code", headers={"X-Forwarded-For": address})).status
        for address in ("192.168.1.9", "8.8.8.8")
    ]

    assert statuses == [200, 403]


async def test_signing_out_everywhere(collector, browsers):
    other = browsers()
    await other.sign_in(COLLECTOR)

    assert (await collector.post("/api/devices/sign-out")).status == 200

    assert [(await one.get("/devices")).status for one in (collector, other)] == [303, 303]


async def test_nobody_revokes_another_ones_device(owner, collector):
    device = await device_of(collector, "browser")

    assert (await owner.post(f"/api/devices/{device}/revoke")).status == 404
    assert (await collector.get("/devices")).status == 200


async def device_of(browser, kind):
    sessions = await browser.server_under_test.storage.sessions.of_wallet(COLLECTOR)
    return next(session.device for session in sessions if session.kind == kind)


async def test_a_film_is_sent_only_to_a_tv_of_one_s_own_that_listens(
    server_under_test, owner, browsers, monkeypatch
):
    monkeypatch.setattr(tv_api, "TV_SECONDS", Seconds(60))
    tv, stranger = browsers(), browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")
    live = server_under_test.app[app_keys.LIVE]
    sessions = await server_under_test.storage.sessions.of_wallet(OWNER)
    device = next(session.device for session in sessions if session.kind is DeviceKind.TV)
    own = next(session.device for session in sessions if session.kind is not DeviceKind.TV)
    film = {"film": PLAIN.id}
    asleep = await owner.post(f"/api/tv/{device}/send", film)
    assert (asleep.status, (await asleep.json())["error"]) == (400, "Sofa does not answer.")
    with live.listening(OWNER, device) as screen, live.listening(OWNER, own) as page:
        sending = asyncio.create_task(owner.post(f"/api/tv/{device}/send", film))
        assert (await screen.next(60)).open == f"/watch/{PLAIN.id}"
        assert (await owner.get(f"/watch/{PLAIN.id}")).status == 200
        assert not sending.done()
        assert (await tv.get(f"/watch/{PLAIN.id}")).status == 200
        assert await (await sending).json() == {"name": "Sofa"}
        assert live.read(page) is None
        await stranger.sign_in(COLLECTOR)
        assert (await stranger.post(f"/api/tv/{device}/send", film)).status == 404
        assert (await owner.post(f"/api/tv/{own}/send", film)).status == 404
        assert (await owner.post(f"/api/tv/{device}/send", {"film": "none"})).status == 404
        assert (await tv.post(f"/api/tv/{device}/send", film)).status == 403
        assert live.read(screen) is None


async def test_a_tv_that_went_off_without_a_word_is_not_said_to_play(
    server_under_test, owner, browsers, monkeypatch
):
    monkeypatch.setattr(tv_api, "TV_SECONDS", Seconds(0.2))
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")
    sessions = await server_under_test.storage.sessions.of_wallet(OWNER)
    device = next(session.device for session in sessions if session.kind is DeviceKind.TV)
    live = server_under_test.app[app_keys.LIVE]
    before = live.mark
    with live.listening(OWNER, device):
        gone = await owner.post(f"/api/tv/{device}/send", {"film": PLAIN.id})
    assert (gone.status, (await gone.json())["error"]) == (400, "Sofa does not answer.")
    with live.listening(OWNER, device, before) as later:
        assert live.read(later) is None
