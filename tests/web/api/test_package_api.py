"""What owner and admins choose about a film's packages, on its page and by the API."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from itertools import pairwise

from tests.web.conftest import GATED, OWNER
from wylloh_server.domain.film import FetchConsent, FilmState
from wylloh_server.domain.package_version import Successor, SuccessorState
from wylloh_server.domain.types import Cid, Timestamp
from wylloh_server.web import app_keys

NOW = Timestamp(1_700_000_000.0)
NEWER = Cid("bafybeibwzifw52ttrkqlikfzext5akxu7lz4xiwjgwzmqcpdzmp3n5vnbe")
THIRD = Cid("bafybeif7ztnhq65lumvvtr4ekcwd2ifwgm3awq4zfr3srh462rwyinlb4y")


async def page(browser, path=f"/films/{GATED.id}"):
    answer = await browser.get(path)
    assert answer.status == 200, await answer.text()
    return html.unescape(await answer.text())


def newer(**changed):
    return Successor(replace(GATED.origin, root=NEWER), **changed)


async def test_the_owner_keeps_a_version_on_its_page_and_follows_again(owner, server_under_test):
    storage = server_under_test.storage
    await storage.films.save(replace(GATED, state=FilmState.READY))
    assert "It follows its publisher to newer versions." in await page(owner)
    await storage.versions.save_successor(GATED.id, newer(progress=0.5))
    read = await page(owner)
    assert "50% of it is here. This one plays until it is whole." in read
    assert 'data-version="keep"' in read
    assert (await owner.post(f"/api/films/{GATED.id}/version", {"version": "keep"})).status == 200
    assert (await storage.versions.get(GATED.id)).kept
    read = await page(owner)
    assert "You keep this version" in read
    assert 'data-version="keep"' not in read
    assert (await owner.post(f"/api/films/{GATED.id}/version", {"version": "follow"})).status == 200
    assert not (await storage.versions.get(GATED.id)).kept


async def test_going_back_is_offered_while_the_version_before_is_here(owner, server_under_test):
    """After a restore it is noted, and not here."""
    storage = server_under_test.storage
    playing = replace(GATED, state=FilmState.READY)
    await storage.films.save(playing)
    await storage.versions.save_successor(GATED.id, newer())
    assert await storage.versions.switch(playing, replace(playing, origin=newer().origin), NOW)
    read = await page(owner)
    assert "is still here" not in read
    assert 'data-version="back"' not in read
    server_under_test.packages.whole.add(GATED.origin.root)
    read = await page(owner)
    assert "is still here" in read
    assert f'data-version="back" data-package="{GATED.origin.root}">Go back to the version before<' in read


async def test_each_version_before_that_is_here_can_be_gone_back_to(owner, server_under_test):
    storage, second, third = server_under_test.storage, newer().origin, replace(GATED.origin, root=THIRD)
    films = [replace(GATED, state=FilmState.READY, origin=one) for one in (GATED.origin, second, third)]
    await storage.films.save(films[0])
    for at, (film, to) in enumerate(pairwise(films)):
        await storage.versions.save_successor(GATED.id, Successor(to.origin))
        assert await storage.versions.switch(film, to, Timestamp(NOW + 60 * at))
    server_under_test.packages.whole.update((GATED.origin.root, NEWER))
    read = await page(owner)
    assert "2 versions that played before this one are still here." in read
    offered = re.findall(r'data-version="back" data-package="(.*?)">(Go back to .*?) <time.*?>(.*?)<', read)
    assert offered == [
        (NEWER, "Go back to the one until", "14 November 2023, 22:14 UTC"),
        (GATED.origin.root, "Go back to the one until", "14 November 2023, 22:13 UTC"),
    ]


async def test_a_newer_version_that_was_not_proved_waits_for_the_owner(owner, server_under_test):
    storage = server_under_test.storage
    await storage.films.save(replace(GATED, state=FilmState.READY))
    unproved = newer(state=SuccessorState.UNPROVED, reason="It runs for 0:05:00.")
    await storage.versions.save_successor(GATED.id, unproved)
    read = await page(owner)
    assert "It is here and waits for you; this one plays on. It runs for 0:05:00." in read
    assert f'data-version="take" data-package="{NEWER}"' in read
    path = f"/api/films/{GATED.id}/version"
    assert (await owner.post(path, {"version": "take"})).status == 400
    gone = await owner.post(path, {"version": "take", "package": THIRD})
    assert (gone.status, (await gone.json())["fix"]) == (404, "Reload the page.")
    assert (await owner.post(path, {"version": "take", "package": NEWER})).status == 400, "it is not whole"
    assert (await storage.films.get(GATED.id)).origin == GATED.origin
    await owner.post(path, {"version": "keep"})
    assert 'data-version="take"' not in await page(owner)


async def test_a_refused_newer_version_is_a_notice_on_the_film_s_page(owner, server_under_test):
    storage = server_under_test.storage
    await storage.films.save(replace(GATED, state=FilmState.READY))
    refused = newer(state=SuccessorState.REFUSED, reason="Its signature does not fit.")
    await storage.versions.save_successor(GATED.id, refused)
    assert "Its publisher's newer version was refused. Its signature does not fit." in await page(owner)
    await owner.post(f"/api/films/{GATED.id}/version", {"version": "follow"})
    assert (await storage.versions.get(GATED.id)).is_due


async def test_choices_about_packages_are_for_owner_and_admins(owner, collector, server_under_test):
    await server_under_test.storage.films.save(replace(GATED, state=FilmState.READY))
    assert "For who looks after this server" not in await page(collector)
    for path, body in (("version", {"version": "keep"}), ("fetch", {"agreed": True})):
        assert (await collector.post(f"/api/films/{GATED.id}/{path}", body)).status == 403
    wrong = {"version": {"version": "sideways"}, "fetch": {"agreed": "yes"}}
    for path, body in wrong.items():
        answer = await owner.post(f"/api/films/{GATED.id}/{path}", body)
        assert (answer.status, bool((await answer.json())["fix"])) == (400, True)
        assert (
            await owner.post(f"/api/films/none/{path}", {"version": "keep", "agreed": True})
        ).status == 404
    assert (await owner.post(f"/api/films/{GATED.id}/version", {"version": "back"})).status == 400
    gone = {"version": "back", "package": NEWER}
    assert (await owner.post(f"/api/films/{GATED.id}/version", gone)).status == 404


async def test_a_film_that_was_only_sent_waits_for_the_owner(owner, collector, server_under_test):
    storage, consents = server_under_test.storage, server_under_test.app[app_keys.SERVICES].consents
    film = replace(GATED, state=FilmState.INTRODUCED)
    await storage.films.save(film)
    assert await consents.allowed([film], [OWNER]) == []
    assert "has to agree before it is fetched" in await page(collector)
    assert "data-fetch" not in await page(collector)
    assert 'data-fetch="yes"' in await page(owner)
    assert f'href="/films/{GATED.id}"' in await page(owner, "/admin")
    assert (await owner.post(f"/api/films/{GATED.id}/fetch", {"agreed": True})).status == 200
    assert (await storage.versions.consents())[GATED.id] is FetchConsent.AGREED
    assert "data-fetch" not in await page(owner)
    film = await storage.films.get(GATED.id)
    assert await consents.allowed([film], [OWNER]) == [film]
