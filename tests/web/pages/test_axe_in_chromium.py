"""Every page of the server, judged by axe: for people, for a TV, and for who is not signed in."""

from __future__ import annotations

import pytest

from tests.components.axe import violations
from tests.components.browser import chromium
from tests.web.api.test_title_api import WALK, complete, draft
from tests.web.conftest import COLLECTOR
from tests.web.pages.conftest import stocked
from tests.web.pages.samples import BEGUN, ELSEWHERE, ROOT, STACKED
from tests.web.pages.test_pages import FakeManifests, manifest
from tests.web.pages.test_transaction_view import HASH, proposed
from wylloh_server.domain.access import Role
from wylloh_server.domain.film import FileRole, PackageFile
from wylloh_server.domain.transaction import TransactionState
from wylloh_server.resources import bundled_themes
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.pages import routes

__all__ = ["proposed"]

PHONE, DESKTOP, TV = ({"width": w, "height": h} for w, h in ((390, 844), (1280, 800), (1920, 1080)))
NO_PAGES = {"/admin/log.txt", "/titles/{title}/{kind:poster|backdrop}.jpg", "/sign-in"}
"""Files, and what shows to guests only."""
FOR_GUESTS = ["/", "/sign-in", "/tv", "/about"]
FOR_TVS = ["/", "/search?q=light", "/devices", "/about", f"/films/{BEGUN.id}", f"/films/{ELSEWHERE.id}"]
PAGES = [one.path for one in routes if one.method == "GET" and one.path not in NO_PAGES]


@pytest.fixture(params=sorted(bundled_themes()))
async def server_under_test(request, open_server_under_test):
    """A server with a film in every state and a plugin with settings, in each theme."""
    plugins = {"tagging": {"skip_chapters": "never"}}
    theme = {"name": request.param}
    return await stocked(open_server_under_test, bundled=("tagging",), plugin_settings=plugins, theme=theme)


@pytest.fixture
async def open_page(server_under_test):
    """Open a page of the server: `await open_page(viewport, cookies)`."""
    async with chromium() as browser:

        async def open_(viewport, cookies=None):
            context = await browser.new_context(viewport=viewport, base_url=server_under_test.origin)
            given = [
                {"name": name, "value": value, "url": server_under_test.origin}
                for name, value in (cookies or {}).items()
            ]
            await context.add_cookies(given)
            return await context.new_page()

        yield open_


@pytest.fixture
async def addresses(server_under_test, owner, collector, proposed):
    """Where each page is, by the path of its route; several where a page has several faces."""
    trailer = PackageFile("trailer.mp4", ROOT, 1000, "ab" * 32, FileRole.TRAILER)
    server_under_test.app[SERVICES].trailers.manifests = FakeManifests(manifest(trailer))
    server_under_test.playback.probed = WALK
    await server_under_test.storage.accounts.save(COLLECTOR, Role.PUBLISHER)
    begun, waiting = await draft(owner), await complete(collector)
    await collector.post(f"/api/titles/{waiting}/submit")
    waits = await proposed()
    done = await proposed(state=TransactionState.CONFIRMED, step=1, hashes=(HASH,), final=True)
    found = {path: [path] for path in PAGES if "{" not in path}
    found["/"] += ["/?shelf=folder&page=1", "/?shelf=held&page=1"]
    found["/search"] += ["/search?q=light", "/search?q=nothing"]
    found["/pair"] += ["/pair?code=K7M4QX"]
    found["/films/{film}"] = [f"/films/{film.id}" for film in (BEGUN, STACKED, ELSEWHERE)]
    found["/watch/{film}"] = [f"/watch/{BEGUN.id}"]
    found["/watch/{film}/trailer"] = [f"/watch/{ELSEWHERE.id}/trailer"]
    found["/admin/plugins/{plugin}"] = ["/admin/plugins/tagging"]
    found["/titles/{title}"] = [f"/titles/{begun}", f"/titles/{waiting}"]
    found["/titles/{title}/{part:watch|trailer}"] = [f"/titles/{waiting}/watch"]
    found["/transactions/{transaction}"] = [f"/transactions/{one}" for one in (waits, done)]
    return found


async def faults(page, path, sizes=(DESKTOP,)):
    """What axe finds on a page that is there, at some sizes."""
    reply = await page.goto(path)
    assert (reply.status, "text/html" in reply.headers["content-type"]) == (200, True), path
    found = []
    for size in sizes:
        await page.set_viewport_size(size)
        found += [f"{path} at {size['width']}: {fault}" for fault in await violations(page)]
    return found


async def test_53_axe_finds_nothing_on_any_page(addresses, open_page, owner):
    assert set(addresses) == set(PAGES), "a page is not judged"
    found, page = [], await open_page(DESKTOP, owner.real_cookies)
    for path in [path for several in addresses.values() for path in several]:
        found += await faults(page, path, (PHONE, DESKTOP))
    assert found == [], "\n".join(found)


async def test_53_axe_finds_nothing_on_a_tv(open_page, tv_cookies):
    page = await open_page(TV, tv_cookies)
    assert [fault for path in FOR_TVS for fault in await faults(page, path, (TV,))] == []


async def test_53_axe_finds_nothing_for_who_is_not_signed_in(open_page):
    page = await open_page(PHONE)
    assert [fault for path in FOR_GUESTS for fault in await faults(page, path, (PHONE, DESKTOP))] == []
