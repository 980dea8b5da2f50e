from __future__ import annotations

from dataclasses import replace

import pytest

from tests.web.conftest import COLLECTOR, GATED, PLAIN, TOKEN
from wylloh_server.domain.access import Reason, Receipt
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.rendition import Chapter
from wylloh_server.domain.types import BlockNumber, Seconds, Timestamp


def too_few(film, **more):
    return Receipt(
        film.id,
        COLLECTOR,
        "personal",
        False,
        Reason.TOO_FEW_TOKENS,
        "You hold no token of this film. 1 token lets you watch it.",
        Timestamp(5),
        block=BlockNumber(12),
        contract=str(TOKEN),
        balance=0,
        missing=1,
        **more,
    )


async def test_play_gives_an_address_under_a_token_and_where_one_stopped(server_under_test, collector):
    server_under_test.playback.marks = (Chapter(Seconds(30.5), "The hill"),)
    await collector.post(f"/api/films/{PLAIN.id}/position", {"at": 62.5, "of": 90})

    response = await collector.post(f"/api/films/{PLAIN.id}/play")

    answer = await response.json()
    assert response.status == 200
    assert answer["url"] == f"/play/{answer['token']}/master.m3u8"
    assert (answer["title"], answer["position"], answer["lease_seconds"]) == ("Morning", 62.5, 60)
    assert answer["chapters"] == [{"start": 30.5, "title": "The hill"}]


async def test_a_refusal_carries_the_receipt_and_where_tokens_are(server_under_test, collector):
    server_under_test.playback.refused = too_few(GATED)

    response = await collector.post(f"/api/films/{GATED.id}/play")

    answer = await response.json()
    assert response.status == 403
    assert answer["error"] == "You hold no token of this film. 1 token lets you watch it."
    assert answer["where"] == str(TOKEN) and str(TOKEN) in answer["fix"]
    receipt = answer["receipt"]
    assert (receipt["reason"], receipt["missing"], receipt["balance"], receipt["block"]) == (
        "too-few-tokens",
        1,
        0,
        12,
    )


async def test_where_tokens_are_is_no_answer_to_another_refusal(server_under_test, collector):
    server_under_test.playback.refused = replace(too_few(GATED), reason=Reason.NOT_HERE_YET, missing=0)

    answer = await (await collector.post(f"/api/films/{GATED.id}/play")).json()

    assert (answer["where"], answer["fix"]) == (None, "")


async def test_with_a_store_the_refusal_leads_to_the_ladder_of_the_film(open_server_under_test, open_browser):
    chain = {"rpc": ("http://127.0.0.1:1",), "id": 31337, "store_url": "https://store.example"}
    server_under_test = await open_server_under_test(chain=chain)
    server_under_test.playback.refused = too_few(GATED)
    browser = open_browser(server_under_test)
    await browser.sign_in(COLLECTOR)

    response = await browser.post(f"/api/films/{GATED.id}/play")

    answer = await response.json()
    assert (answer["where"], answer["fix"]) == (
        f"/films/{GATED.id}#rights-card",
        "The store has its tokens.",
    )


async def test_playing_needs_somebody_signed_in_and_a_film(browser, collector):
    assert (await browser.post(f"/api/films/{PLAIN.id}/play")).status == 401
    assert (await collector.post("/api/films/nothing/play")).status == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"at": -1, "of": 9}, {"at": "1", "of": 9}, {"at": True, "of": 9}, [], "x", {"at": 1, "of": 1e300}],
)
async def test_a_position_that_is_none_is_refused(collector, body):
    assert (await collector.post(f"/api/films/{PLAIN.id}/position", body)).status == 400


async def test_not_a_number_is_no_position(collector):
    response = await collector.post(
        f"/api/films/{PLAIN.id}/position",
        data=b'{"at": NaN, "of": Infinity}',
        headers={"Content-Type": "application/json"},
    )

    assert response.status == 400


async def test_the_player_hears_why_its_lease_is_over(server_under_test, collector):
    token = (await (await collector.post(f"/api/films/{PLAIN.id}/play")).json())["token"]
    alive = await (await collector.get(f"/api/play/{token}")).json()
    server_under_test.playback.end_lease(token, LeaseEnd.RIGHTS_GONE)

    over = await (await collector.get(f"/api/play/{token}")).json()

    assert alive == {"alive": True, "preparing": None}
    assert (over["alive"], over["why"]) == (False, "rights-gone") and "tokens" in over["sentence"]


async def test_stopping_twice_is_fine_but_not_what_never_was(server_under_test, collector):
    token = (await (await collector.post(f"/api/films/{PLAIN.id}/play")).json())["token"]

    stopped = [(await collector.post(f"/api/play/{token}/stop")).status for _ in range(2)]

    assert stopped == [200, 200] and server_under_test.playback.leases.why_ended(token) is LeaseEnd.STOPPED
    assert (await collector.post("/api/play/another/stop")).status == 403
    assert (await collector.get("/api/play/another")).status == 403


async def test_a_signed_out_browser_presents_a_session_that_is_nobodys(collector, browsers):
    token = (await (await collector.post(f"/api/films/{PLAIN.id}/play")).json())["token"]
    other = browsers()
    await other.get("/sign-in")

    assert "wylloh_visit" in other.cookies
    assert (await other.get(f"/api/play/{token}")).status == 403


async def test_play_is_refused_to_whoever_presses_it_all_the_time(collector):
    statuses = [(await collector.post(f"/api/films/{PLAIN.id}/play")).status for _ in range(61)]

    assert set(statuses[:60]) == {200}
    assert statuses[60] == 429
