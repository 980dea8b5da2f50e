from __future__ import annotations

from dataclasses import replace

from tests.web.conftest import PLAIN
from wylloh_server.domain.film import FilmState, FolderOrigin
from wylloh_server.services.operations.health import Check

TROUBLE = Check("Chain", ok=False, sentence="No RPC answers.", fix="Check chain.rpc.")


async def test_the_server_is_healthy_once_a_film_can_be_played(server_under_test, browser):
    response = await browser.get("/healthz")

    assert (response.status, await response.json()) == (200, {"status": "ok"})
    assert "Set-Cookie" not in response.headers


async def test_a_stranger_hears_no_detail(server_under_test, browser, collector):
    await server_under_test.storage.films.remove(PLAIN.id)
    server_under_test.checks.append(TROUBLE)
    for somebody in (browser, collector):
        response = await somebody.get("/healthz")
        assert (response.status, await response.json()) == (503, {"status": "nothing to play yet"})
    assert (await browser.get("/livez")).status == 200


async def test_who_looks_after_the_server_hears_what_is_wrong_and_what_to_do(server_under_test, owner):
    await server_under_test.storage.films.remove(PLAIN.id)
    server_under_test.checks.append(TROUBLE)
    response = await owner.get("/healthz")
    answer = await response.json()
    assert response.status == 503 and answer["playable"] == 0
    assert answer["checks"] == [
        {"name": "Chain", "ok": False, "sentence": "No RPC answers.", "fix": "Check chain.rpc."}
    ]


async def test_asking_often_reads_no_film_again(server_under_test, browser, monkeypatch):
    for number in range(200):
        film = replace(PLAIN, id=f"f{number}", origin=FolderOrigin(f"/{number}.mp4"), state=FilmState.READY)
        await server_under_test.storage.films.save(film)
    looked = []
    ready = server_under_test.storage.films.ready

    async def counting(limit):
        found = await ready(limit)
        looked.append(len(found))
        return found

    monkeypatch.setattr(server_under_test.storage.films, "ready", counting)
    for _ in range(5):
        assert (await browser.get("/healthz")).status == 200
    assert len(looked) == 1 and looked[0] <= 60
    server_under_test.clock.now += 6
    assert (await browser.get("/healthz")).status == 200
    assert len(looked) == 2
