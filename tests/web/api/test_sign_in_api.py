from __future__ import annotations

from http.cookies import SimpleCookie

import pytest

from tests.fakes import FakeChain
from tests.web.conftest import COLLECTOR, OWNER, PLAIN, STRANGER
from wylloh_server.domain.playback import LeaseEnd


def flags_of(response, name):
    jar = SimpleCookie()
    for header in response.headers.getall("Set-Cookie", []):
        jar.load(header)
    return next(morsel for key, morsel in jar.items() if key.startswith(name))


async def test_a_wallet_signs_in_and_is_known_from_then_on(browser):
    response = await browser.sign_in(OWNER)

    assert response.status == 200
    answer = await response.json()
    assert (answer["wallet"], answer["role"]) == (OWNER, "owner")
    assert (await browser.get("/devices")).status == 200
    assert browser.cookies["wylloh_session"] not in await response.text()


async def test_the_session_cookie_cannot_be_read_by_scripts_nor_sent_by_other_sites(browser):
    flags = flags_of(await browser.sign_in(OWNER), "wylloh_session")

    assert flags["httponly"] and flags["samesite"] == "Lax" and flags["path"] == "/"
    assert not flags["secure"]  # browsers on a plain-http LAN would drop it


async def test_behind_https_the_cookie_is_secure(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(server={"public_url": "https://films.example"})
    response = await open_browser(server_under_test).get("/sign-in")

    assert flags_of(response, "wylloh_visit")["secure"]


async def test_a_challenge_is_bound_to_the_browser_that_asked(browsers):
    asked, other = browsers(), browsers()
    message = (await (await asked.post("/api/sign-in/challenge", {"wallet": OWNER})).json())["message"]
    await other.post("/api/sign-in/challenge", {"wallet": OWNER})

    response = await other.post("/api/sign-in/answer", {"signature": FakeChain.sign(OWNER, message)})

    assert response.status == 401
    assert "wylloh_session" not in other.cookies


async def test_a_signature_works_once(browser):
    message = (await (await browser.post("/api/sign-in/challenge", {"wallet": OWNER})).json())["message"]
    signed = {"signature": FakeChain.sign(OWNER, message)}

    assert (await browser.post("/api/sign-in/answer", signed)).status == 200
    assert (await browser.post("/api/sign-in/answer", signed)).status == 401


async def test_signing_in_again_while_signed_in_works(owner):
    assert (await owner.sign_in(COLLECTOR)).status == 200


async def test_a_wallet_nobody_added_is_refused_with_a_fix(browser):
    response = await browser.sign_in(STRANGER)

    assert response.status == 401
    assert "owner" in (await response.json())["fix"]


async def test_the_first_run_needs_the_code_of_the_terminal(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(owner=None)
    browser = open_browser(server_under_test)

    assert (await browser.sign_in(STRANGER)).status == 401
    assert (await browser.sign_in(STRANGER, "WRONG")).status == 401
    assert (await browser.sign_in(STRANGER, server_under_test.codes[-1])).status == 200


async def test_signing_out_ends_the_session_itself(owner):
    name, secret = owner.named("wylloh_session"), owner.cookies["wylloh_session"]

    assert (await owner.post("/api/sign-out")).status == 200
    assert "wylloh_session" not in owner.cookies
    again = await owner.get("/devices", headers={"Cookie": f"{name}={secret}"})
    assert again.status == 303


async def test_signing_out_ends_what_plays_there(server_under_test, collector):
    token = (await (await collector.post(f"/api/films/{PLAIN.id}/play")).json())["token"]

    await collector.post("/api/sign-out")

    assert server_under_test.playback.leases.why_ended(token) is LeaseEnd.SIGNED_OUT


async def test_the_wallet_is_offered_a_binding_until_it_has_signed_one(browser):
    offered = (await (await browser.sign_in(OWNER)).json())["binding"]
    wrong = await browser.post("/api/binding", {"signature": "0x00"})
    late = await browser.post("/api/binding", {"signature": FakeChain.sign(OWNER, offered["message"])})
    asked = (await (await browser.post("/api/binding/request")).json())["message"]
    right = await browser.post("/api/binding", {"signature": FakeChain.sign(OWNER, asked)})

    assert (wrong.status, late.status, right.status) == (401, 401, 200)
    assert (await (await browser.sign_in(OWNER)).json())["binding"] is None


@pytest.mark.parametrize(
    "path",
    ["", "/request", "/remove", "/revocation", "/revocation/request"],
)
async def test_a_binding_needs_somebody_signed_in(browser, path):
    response = await browser.post(f"/api/binding{path}", {"signature": "0x00"})

    assert response.status == 401


@pytest.mark.parametrize("wallet", ["", "0x12", 7, None, "0x" + "z" * 40, "a" * 30_000])
async def test_a_malformed_wallet_is_refused(browser, wallet):
    response = await browser.post("/api/sign-in/challenge", {"wallet": wallet})

    assert response.status == 400
    assert (await response.json())["fix"]


async def test_too_many_attempts_are_refused_and_told_when_to_come_back(browser):
    statuses = [(await browser.post("/api/sign-in/challenge", {"wallet": OWNER})).status for _ in range(11)]
    last = await browser.post("/api/sign-in/challenge", {"wallet": OWNER})

    assert statuses[0] == 200 and last.status == 429
    assert int(last.headers["Retry-After"]) >= 1
