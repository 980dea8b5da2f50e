from __future__ import annotations

from tests.web.conftest import PLAIN
from wylloh_server.services.health import Check


async def test_the_server_is_healthy_once_a_film_can_be_played(house, browser):
    response = await browser.get("/healthz")

    assert (response.status, await response.json()) == (200, {"status": "ok", "playable": 1})
    assert "Set-Cookie" not in response.headers


async def test_with_nothing_to_play_it_says_what_is_wrong_and_what_to_do(house, browser):
    await house.storage.films.remove(PLAIN.id)
    house.checks.append(Check("Chain", ok=False, sentence="No RPC answers.", fix="Check chain.rpc."))

    response = await browser.get("/healthz")

    answer = await response.json()
    assert response.status == 503 and answer["playable"] == 0
    assert answer["checks"] == [
        {"name": "Chain", "ok": False, "sentence": "No RPC answers.", "fix": "Check chain.rpc."}
    ]
    assert (await browser.get("/livez")).status == 200
