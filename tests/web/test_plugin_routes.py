from __future__ import annotations

import re
import textwrap

import aiohttp
import pytest

from tests.web.conftest import COLLECTOR, PLAIN

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
                 "wallet": request.viewer.wallet if request.viewer else None})

async def files(context, request):
    return Json({"form": dict(request.form),
                 "files": {name: [file.filename, file.body.decode()] for name, file in request.files.items()}})

async def go(context, request):
    return Redirect("/plugins/testecho/page")

async def refuse(context, request):
    return Refusal(409, "Not twice.", "Once is enough.")

async def crash(context, request):
    raise RuntimeError("boom")

async def hang(context, request):
    await asyncio.sleep(3600)

async def nonsense(context, request):
    return Json(object())

async def lost(context, request):
    return Page("absent.html")

@hookimpl
def routes():
    return [
        Route("GET", "page", page),
        Route("GET", "echo/{film}", echo, role=None),
        Route("POST", "echo/{film}", echo),
        Route("POST", "files", files),
        Route("POST", "go", go),
        Route("GET", "refuse", refuse, role=None),
        Route("GET", "crash", crash, role=None),
        Route("GET", "hang", hang, role=None),
        Route("GET", "nonsense", nonsense, role=None),
        Route("GET", "lost", lost, role=None),
        Route("GET", "keys", echo, role=Role.ADMIN),
    ]
"""
FILES = {
    "__init__.py": CODE,
    "static/echo.css": "p { color: white }",
    "templates/page.html": '{% extends "base.html" %}{% import "macros.html" as ui with context %}'
    "{% block content %}<p>{{ word }}</p>{{ ui.film_grid(items) }}{% endblock %}",
    "templates/fragment.html": "<b>{{ word }} {{ film.title }}</b>",
    "templates/slot.html": "<section>{{ slot }} of {{ film.title if film else 'nothing' }}</section>",
    "templates/broken.html": "{{ nothing.at.all }}",
}
P = "/plugins/testecho"


@pytest.fixture
async def house(open_house, tmp_path):
    package = tmp_path / "plugins" / "echo" / "wylloh_testecho"
    for name, text in FILES.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text(textwrap.dedent(text))
    house = await open_house(plugin_folder=tmp_path / "plugins", patience=1.5)
    assert [record.status for record in house.plugins.records()] == ["running"], house.plugins.records()
    return house


def errors(house):
    return house.plugins.records()[0].errors


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
    }
    assert (await body.json())["json"] == {"tag": "x"}


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
async def test_a_failing_route_costs_only_its_own_answer(house, browser, route, status, monkeypatch):
    response = await browser.get(f"{P}/{route}", headers={"Accept": "text/html"})

    assert response.status == status and "boom" not in await response.text()
    assert errors(house) == 1
    assert (await browser.get(f"{P}/echo/f")).status == 200


async def test_a_broken_fragment_leaves_the_others_and_the_page(house, owner):
    page = await owner.get(f"/films/{PLAIN.id}")

    text = await page.text()
    assert page.status == 200 and "<b>&lt;here&gt; Morning</b>" in text
    assert errors(house) == 1


async def test_static_files_of_a_plugin_have_two_addresses(house, browser):
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
async def test_a_form_that_is_broken_or_too_large_is_refused(owner, house, body, status):
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}

    async def chunks():
        for start in range(0, len(body), 1 << 16):
            yield body[start : start + (1 << 16)]

    reply = await owner.post(f"{P}/files", data=chunks(), headers=headers)  # nobody says how long it will be
    assert reply.status == status
    assert errors(house) == 0


async def test_sections_of_plugins_stand_on_the_film_s_page_and_rows_on_the_library_page(owner):
    about = await (await owner.get(f"/films/{PLAIN.id}")).text()
    assert f"<section>film.details of {PLAIN.title}</section>" in about
    library = await (await owner.get("/")).text()
    assert "<section>home.rows of nothing</section>" in library
    assert library.index("home.rows") < library.index('class="grid"')
