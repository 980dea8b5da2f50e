"""What a TV's session may ask for, walked over every route of the server and of its bundled plugins."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.web.conftest import CHAIN, COLLECTOR, GATED, OWNER, PLAIN
from wylloh_server.web.app_keys import PLUGINS

FOR_TVS = {
    "GET /",
    "GET /about",
    "GET /api/live",
    "GET /api/play/{token}",
    "GET /api/tv/state",
    "GET /devices",
    "GET /films/{film}",
    "GET /plugins/tagging/",
    "GET /plugins/tagging/collections",
    "GET /plugins/tagging/collections/{id}",
    "GET /plugins/tagging/film/{film}/segments",
    "GET /plugins/tagging/filter",
    "GET /plugins/tagging/tag/{tag:.+}",
    "GET /search",
    "GET /tv",
    "GET /watch/{film}",
    "GET /watch/{film}/trailer",
    "POST /api/devices/{device}/revoke",
    "POST /api/films/{film}/play",
    "POST /api/films/{film}/position",
    "POST /api/films/{film}/trailer",
    "POST /api/player/preferences",
    "POST /api/play/{token}/stop",
    "POST /api/sign-out",
    "POST /api/tv/code",
}
WITHOUT_SESSION = (
    "/play/",
    "/static/",
    "/ipfs/",
    "/livez",
    "/healthz",
    "/api/custody/",
    "/plugins/{plugin}/static/",
)
"""Nobody asks there whose session it is."""
CHAIN_WITH_STORE = {"rpc": ("http://127.0.0.1:1",), "id": CHAIN, "store_url": "/plugins/store/"}
CHOICES = {"act": "submit", "kind": "poster", "part": "trailer"}
"""What stands in the places of routes that take one of a few words."""


@pytest.fixture
async def tv(open_server_under_test, open_browser):
    """A TV that is signed in at a server with its bundled plugins."""
    bundled = ("tagging", "store", "royalties", "analytics")
    server_under_test = await open_server_under_test(bundled=bundled, chain=CHAIN_WITH_STORE)
    phone, tv = open_browser(server_under_test), open_browser(server_under_test)
    await phone.sign_in(COLLECTOR)
    code = (await (await tv.post("/api/tv/code")).json())["code"]
    await phone.post("/api/tv/approve", {"code": code, "name": "TV"})
    assert (await (await tv.get("/api/tv/state")).json())["state"] == "approved"
    return tv


async def test_a_tv_may_watch_and_nothing_else(tv):
    """Refused is what the list leaves out, whoever adds it; nothing has been done when it is."""
    app, refused, answered = tv.server_under_test.app, set(), set()
    core = ((route.method, route.resource.canonical) for route in app.router.routes() if route.method != "*")
    plugins = ((mounted.route.method, mounted.url) for mounted in app[PLUGINS].routes())
    for method, path in (*core, *plugins):
        if method in {"HEAD", "OPTIONS"} or path.startswith(WITHOUT_SESSION):
            continue
        name = f"{method} {path}"
        if name in {"GET /api/live", "POST /api/sign-out"}:
            answered.add(name)  # one never ends, the other ends the session: each has a test of its own
            continue
        address = re.sub(r"\{(\w+)[^}]*\}", lambda place: CHOICES.get(place[1], "x"), path)
        response = await tv.client.request(
            method, address, headers={"Origin": tv.server_under_test.origin}, allow_redirects=False
        )
        body = await response.text()
        (refused if response.status == 403 and "A TV plays films" in body else answered).add(name)
    assert answered == FOR_TVS
    assert len(refused) > 80


async def test_a_tvs_pages_lead_nowhere_it_may_not_go(tv):
    page = await (await tv.get("/")).text()
    assert "/plugins/store" not in page.split("</nav>")[0]
    devices = await (await tv.get("/devices")).text()
    for path in ("/transactions", "/tasks", "/receipts", "/pair", "sign-out-everywhere"):
        assert path not in devices.split("</nav>")[-1]


async def test_no_link_and_no_form_on_a_tvs_pages_is_refused(tv, open_browser):
    """From page to page, as far as links and forms lead: a film one does not hold, a tag, what is not there."""
    owner = open_browser(tv.server_under_test)
    await owner.sign_in(OWNER)
    await owner.post(f"/plugins/tagging/film/{PLAIN.id}/tags", data={"tag": "drama"})
    seen, ahead = set(), {"/", f"/films/{GATED.id}", f"/watch/{GATED.id}", "/films/nowhere"}
    while ahead:
        path = ahead.pop()
        seen.add(path)
        answer = await tv.get(path)
        assert answer.status != 403, path
        text = await answer.text()
        found = {unescape(one).partition("#")[0] for one in re.findall(r'(?:href|action)="(/[^"]*)"', text)}
        ahead |= {one for one in found if not one.startswith(("/static/", "/pictures/"))} - seen
        assert len(seen) < 200
    assert {"/search", "/devices", "/about", "/plugins/tagging/"} <= seen


async def test_what_plugins_draw_on_a_tvs_pages_answers_the_tv(tv, open_browser):
    """Links, forms and what scripts fetch: a slot drawn on TVs must not lead to a route that refuses them."""
    owner = open_browser(tv.server_under_test)
    await owner.sign_in(OWNER)
    form = {"tag": "drama"}
    assert (await owner.post(f"/plugins/tagging/film/{PLAIN.id}/tags", data=form)).status == 303
    asked = set()
    core = ("/", f"/films/{PLAIN.id}", f"/watch/{PLAIN.id}", "/devices", "/about")
    tagging = ("", "tag/drama", "collections", "filter?filter=drama")
    for page in (*core, *(f"/plugins/tagging/{one}" for one in tagging)):
        text = await (await tv.get(page)).text()
        for script in re.findall(r'src="(/[^"]*plugins/[^"]+)"', text):
            text += await (await tv.get(script)).text()
        asked |= set(re.findall(r'["`](/plugins/[^"`]*)["`]', text))
    for address in asked:
        path = re.sub(r"\$\{[^}]*\}", PLAIN.id, address.replace("&amp;", "&"))
        answer = await tv.get(path)
        assert answer.status not in (403, 404), path
    assert "/plugins/tagging/film/${encodeURIComponent(film)}/segments" in asked
    assert any(address.startswith("/plugins/tagging/tag/") for address in asked)
