from __future__ import annotations

import asyncio
import re
import textwrap

import aiohttp
import pytest

from tests.web.conftest import COLLECTOR, OWNER, PLAIN
from wylloh_server.web import plugin_routes
from wylloh_server.web.rate_limits import Budget

CODE = """
import asyncio
from pathlib import Path
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

HERE = Path(__file__).parent

@hookimpl
def template_dirs():
    return [HERE / "templates"]

@hookimpl
def static_dirs():
    return [HERE / "static"]

@hookimpl
async def nav_items(viewer):
    return [NavItem("Echo", "page", 50)]

@hookimpl
async def page_fragments(slot, film):
    if slot in ("film.details", "home.rows"):
        return [Fragment("slot.html", {"slot": slot})]
    if slot != "film.tags":
        return []
    return [Fragment("broken.html"), Fragment("fragment.html", {"word": "<here>"})]

async def page(context, request):
    return Page("page.html", {"word": request.query.get("word", ""), "items": await context.library.films(request.viewer)})

async def echo(context, request):
    return Json({"form": {k: v for k, v in request.form.items()}, "json": request.json, "params": dict(request.params),
                 "wallet": request.viewer.wallet if request.viewer else None, "locale": request.locale})

async def files(context, request):
    return Json({"form": dict(request.form),
                 "files": {name: [file.filename, file.body.decode()] for name, file in request.files.items()}})

async def go(context, request):
    return Redirect("/plugins/testecho/page")

async def refuse(context, request):
    return ErrorReply(409, "Not twice.", "Once is enough.")

async def crash(context, request):
    raise RuntimeError("boom")

async def keep(context, request):
    return Json(request.form["film"])

async def hang(context, request):
    await asyncio.sleep(3600)

async def nonsense(context, request):
    return Json(object())

async def slow(context, request):
    async def drawing():
        (HERE / "drawing").touch()
        await asyncio.sleep(3600)
    return Page("slow.html", {"drawing": drawing})

async def lost(context, request):
    return Page("absent.html")

@hookimpl
def routes():
    return [
        PluginRoute("GET", "page", page),
        PluginRoute("GET", "echo/{film}", echo, role=None),
        PluginRoute("POST", "echo/{film}", echo),
        PluginRoute("POST", "files", files),
        PluginRoute("POST", "go", go),
        PluginRoute("POST", "keep", keep),
        PluginRoute("GET", "refuse", refuse, role=None),
        PluginRoute("GET", "crash", crash, role=None),
        PluginRoute("GET", "hang", hang, role=None),
        PluginRoute("GET", "nonsense", nonsense, role=None),
        PluginRoute("GET", "lost", lost, role=None),
        PluginRoute("GET", "slow", slow, role=None),
        PluginRoute("GET", "keys", echo, role=Role.ADMIN),
    ]
"""
FILES = {
    "__init__.py": CODE,
    "static/echo.css": "p { color: white }",
    "templates/page.html": '{% extends "base.html" %}{% import "macros.html" as ui with context %}'
    "{% block content %}<p>{{ word }}</p>{{ ui.film_grid(items) }}{% endblock %}",
    "templates/fragment.html": "<b>{{ word }} {{ film.title }}</b>",
    "templates/slot.html": "<section>{{ slot }} of {{ film.title if film else 'nothing' }}</section>",
    "templates/slow.html": "{{ drawing() }}",
    "templates/broken.html": "{{ nothing.at.all }}",
}
P = "/plugins/testecho"


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    package = tmp_path / "plugins" / "echo" / "wylloh_testecho"
    for name, text in FILES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(textwrap.dedent(text))
    server_under_test = await open_server_under_test(plugin_folder=tmp_path / "plugins", patience=1.5)
    assert [record.status for record in server_under_test.plugins.records()] == ["running"], (
        server_under_test.plugins.records()
    )
    return server_under_test


def errors(server_under_test):
    return server_under_test.plugins.records()[0].errors


async def test_a_plugin_has_pages_in_the_theme_with_everything_escaped(collector):
    page = await collector.get(f"{P}/page?word=<script>")

    text = await page.text()
    assert (
        page.status == 200
        and "&lt;script&gt;" in text
        and "<script>" not in text.split("<main")[1].split("</main>")[0]
    )
    assert f'href="/films/{PLAIN.id}"' in text and 'aria-current="page">Echo</a>' in text


async def test_its_pages_stand_between_the_library_and_what_looks_after_the_server(owner, collector):
    async def entries(browser):
        bar = (await (await browser.get("/devices")).text()).split("<nav")[1].split("</nav>")[0]
        return re.findall(r">(Library|Echo|Devices|Admin)</a>", bar)

    assert await entries(owner) == ["Library", "Echo", "Devices", "Admin"]
    assert await entries(collector) == ["Library", "Echo", "Devices"]


async def test_a_route_gets_who_asks_and_what_was_sent(collector):
    form = await collector.post(f"{P}/echo/a%20b", data={"tag": "x", "more": "y"})
    body = await collector.post(f"{P}/echo/f", {"tag": "x"})

    assert await form.json() == {
        "form": {"tag": "x", "more": "y"},
        "json": None,
        "params": {"film": "a b"},
        "wallet": COLLECTOR,
        "locale": "en-GB",
    }
    assert (await body.json())["json"] == {"tag": "x"}


async def test_a_route_is_told_the_language_of_the_browser(collector):
    response = await collector.get(f"{P}/echo/f", headers={"Accept-Language": "de-CH, en;q=0.5"})

    assert (await response.json())["locale"] == "de-CH"


async def test_a_form_may_name_a_field_more_than_once(collector):
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    response = await collector.post(f"{P}/echo/f", data=b"tag=x&tag=y", headers=headers)

    assert (await response.json())["form"] == {"tag": ["x", "y"]}


async def test_the_role_is_asked_for_by_the_server(browser, collector, owner):
    assert (await browser.get(f"{P}/echo/f")).status == 200
    assert (await browser.get(f"{P}/page")).headers["Location"].startswith("/sign-in?next=")
    assert (await collector.get(f"{P}/keys")).status == 403
    assert (await owner.get(f"{P}/keys")).status == 200


async def test_a_form_of_another_site_is_refused(collector):
    response = await collector.post(
        f"{P}/echo/f", data={"tag": "x"}, headers={"Origin": "https://evil.example"}
    )

    assert response.status == 403


async def test_replies_become_what_browsers_know(collector):
    gone = await collector.post(f"{P}/go")
    refused = await collector.get(f"{P}/refuse", headers={"Accept": "application/json"})

    assert (gone.status, gone.headers["Location"]) == (303, f"{P}/page")
    assert (refused.status, await refused.json()) == (
        409,
        {"error": "Not twice.", "fix": "Once is enough."},
    )


@pytest.mark.parametrize(
    ("route", "status"), [("crash", 500), ("hang", 504), ("nonsense", 500), ("lost", 500)]
)
async def test_a_failing_route_costs_only_its_own_answer(
    server_under_test, browser, route, status, monkeypatch
):
    response = await browser.get(f"{P}/{route}", headers={"Accept": "text/html"})

    assert response.status == status and "boom" not in await response.text()
    assert errors(server_under_test) == 1
    assert (await browser.get(f"{P}/echo/f")).status == 200


async def test_a_broken_fragment_leaves_the_others_and_the_page(server_under_test, owner):
    page = await owner.get(f"/films/{PLAIN.id}")

    text = await page.text()
    assert page.status == 200 and "<b>&lt;here&gt; Morning</b>" in text
    assert errors(server_under_test) == 1


async def test_static_files_of_a_plugin_have_two_addresses(server_under_test, browser):
    plain = await browser.get(f"{P}/static/echo.css")
    named = await browser.get("/static/plugins/testecho/echo.css")

    assert await plain.text() == await named.text() == FILES["static/echo.css"]
    for path in ("static/../__init__.py", "static/%2e%2e/__init__.py", "static/absent.css"):
        assert (await browser.get(f"{P}/{path}")).status == 404


async def test_a_form_with_a_file_arrives(owner):
    form = aiohttp.FormData({"title": "Ä"})
    form.add_field("file", b"film,tag\n", filename="tags.csv", content_type="text/csv")
    reply = await owner.post(f"{P}/files", data=form)
    assert await reply.json() == {"form": {"title": "Ä"}, "files": {"file": ["tags.csv", "film,tag\n"]}}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"--edge--\r\n", 200),
        (b"nothing of a form", 400),
        (b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\ncut off', 400),
        (b'--edge\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"x" * (1 << 20), 413),
    ],
)
async def test_a_form_that_is_broken_or_too_large_is_refused(owner, server_under_test, body, status):
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}

    async def chunks():
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    reply = await owner.post(f"{P}/files", data=chunks(), headers=headers)  # nobody says how long it will be
    assert reply.status == status
    assert errors(server_under_test) == 0


async def test_sections_of_plugins_stand_on_the_film_s_page_and_rows_on_the_library_page(owner):
    about = await (await owner.get(f"/films/{PLAIN.id}")).text()
    assert f"<section>film.details of {PLAIN.title}</section>" in about
    library = await (await owner.get("/")).text()
    assert "<section>home.rows of nothing</section>" in library
    assert library.index("home.rows") < library.index('class="grid"')


async def test_a_field_that_is_missing_is_a_mistake_of_who_sent_the_form(owner, server_under_test):
    for _ in range(25):
        reply = await owner.post(f"{P}/keep", data={"minutes": "5"}, headers={"Accept": "application/json"})
        assert (reply.status, (await reply.json())["error"]) == (400, "film is missing.")
    assert errors(server_under_test) == 0


async def test_twenty_failures_close_that_route_and_no_other(server_under_test, browser):
    statuses = [(await browser.get(f"{P}/crash")).status for _ in range(21)]
    assert statuses == [500] * 20 + [503]
    assert (await browser.get(f"{P}/echo/f")).status == 200
    assert server_under_test.plugins.records()[0].closed == (f"GET {P}/crash",)


async def test_a_method_that_a_route_does_not_know(owner):
    for method in ("PUT", "POST"):
        reply = await owner.client.request(
            method, f"{P}/page", headers={"Origin": owner.server_under_test.origin}
        )
        assert (reply.status, reply.headers["Allow"]) == (405, "GET")
    assert (await owner.get(f"{P}/nowhere")).status == 404
    assert (await owner.get("/plugins/nobody/")).status == 404


async def test_places_in_a_path_are_matched_as_they_were_sent(browser):
    assert (await (await browser.get(f"{P}/echo/a%2Fb")).json())["params"] == {"film": "a/b"}
    assert (await browser.get(f"{P}/echo/a/b")).status == 404


async def test_a_plugin_mended_after_a_failed_start_has_its_pages_files_and_templates(
    open_server_under_test, open_browser, tmp_path
):
    package = tmp_path / "plugins" / "wylloh_testmended"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("oops")
    owner = open_browser(await open_server_under_test(plugin_folder=tmp_path / "plugins", patience=30))
    assert (await owner.sign_in(OWNER)).status == 200
    down = await owner.get("/plugins/testmended/page", headers={"Accept": "application/json"})
    assert (down.status, (await down.json())["error"]) == (503, "The plugin testmended is not running.")

    for number, name in enumerate(("first", "second time")):
        for file, text in FILES.items():
            (package / file).parent.mkdir(exist_ok=True)
            (package / file).write_text(textwrap.dedent(text.replace("{{ word }}", f"{{{{ word }}}} {name}")))
        (package / "static/echo.css").write_text(f"p {{ margin: {number} }}")
        started = await owner.post("/api/admin/plugins/start", {"plugin": "testmended"})
        assert (await started.json())["status"] == "running"
        page = await (await owner.get("/plugins/testmended/page?word=x")).text()
        assert f"<p>x {name}</p>" in page
        assert 'aria-current="page">Echo</a>' in page
        style = await owner.get("/plugins/testmended/static/echo.css")
        assert await style.text() == f"p {{ margin: {number} }}"


async def test_a_page_whose_plugin_is_started_again_meanwhile_is_to_be_asked_for_again(
    server_under_test, collector, tmp_path
):
    asked = asyncio.create_task(collector.get(f"{P}/slow", headers={"Accept": "application/json"}))
    drawing = tmp_path / "plugins/echo/wylloh_testecho/drawing"
    async with asyncio.timeout(60):
        while not drawing.exists():
            await asyncio.sleep(0.02)
    await server_under_test.plugins.restart("testecho")
    reply = await asked
    assert (reply.status, (await reply.json())["error"]) == (503, "This plugin has just been started again.")
    assert reply.headers["Retry-After"]


async def test_a_form_that_is_refused_keeps_what_was_typed_and_leads_back(owner):
    html = {"Accept": "text/html", "Referer": f"{owner.server_under_test.origin}{P}/page?word=a"}
    page = await owner.post(f"{P}/keep", data={"minutes": "45x", "password": "hush-hush"}, headers=html)
    text = await page.text()
    assert page.status == 400
    assert "hush-hush" not in text, "the page may be read over somebody's shoulder, and is kept by caches"
    assert f'id="refused-form" href="{P}/page?word=a">Back to the form</a>' in text, "forms.js looks for it"
    for referer in (
        "https://evil.example/x",
        f"{owner.server_under_test.origin}//evil.example",
        "",
        "http://[",
    ):
        page = await owner.post(f"{P}/keep", data={}, headers=html | {"Referer": referer})
        assert f'href="{P}/">Back to the form</a>' in await page.text()
    assert "Back to the form" not in await (await owner.get(f"{P}/refuse", headers=html)).text()


async def test_pages_that_are_open_to_everybody_have_a_budget_for_guests(browser, owner, monkeypatch):
    monkeypatch.setattr(plugin_routes, "GUEST_PAGE_BUDGET", Budget("guest-page", burst=2, per_minute=1))
    answers = [await browser.get("/plugins/testecho/echo/a") for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 1
    assert (await owner.get("/plugins/testecho/echo/a")).status == 200
