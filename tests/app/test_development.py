"""`wylloh serve --dev` shows changed templates and styles at once; without it nothing is read twice."""

from __future__ import annotations

import re

import pytest
from eth_account import Account
from yarl import URL

from tests.components.server import eventually, guest, running_server, server_of, server_settings

CODE = """
from pathlib import Path
from wylloh_server.sdk import Page, PluginRoute, hookimpl

WYLLOH_SDK = "1.0"

async def page(context, request):
    return Page("page.html", {"word": "one"})

async def crash(context, request):
    return Page("page.html", {"word": 1 / 0})

@hookimpl
def routes():
    return [PluginRoute("GET", "", page, role=None), PluginRoute("GET", "crash", crash, role=None)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent]

@hookimpl
def static_dirs():
    return [Path(__file__).parent]
"""
PAGE = """{% extends "base.html" %}
{% block head %}<link rel="stylesheet" href="{{ asset('plugins/testpage/page.css') }}">{% endblock %}
{% block content %}<p>before</p><b>{{ word }}</b>{% endblock %}"""


@pytest.fixture
def package(tmp_path):
    package = tmp_path / "plugins" / "wylloh_testpage"
    package.mkdir(parents=True)
    for name, text in (("__init__.py", CODE), ("page.html", PAGE), ("page.css", "p { margin: 0 }")):
        (package / name).write_text(text)
    return package


def settings_of(tmp_path):
    return server_settings(tmp_path, plugins={"path": [str(tmp_path / "plugins")]})


async def test_what_changes_on_disk_shows_and_open_pages_are_told(tmp_path, package):
    with server_of(settings_of(tmp_path)) as server:
        await server.start("--dev")
        await see_changes(server, package)


async def see_changes(server, package):
    async with guest(server.url) as person:
        before = await person.page("/plugins/testpage/")
        assert "<p>before</p>" in before
        assert "development.js" in before
        moment = re.search(r'name="wylloh-live" content="([^"]+)"', before)[1]
        (package / "page.html").write_text(PAGE.replace("before", "after"))
        (package / "page.css").write_text("p { margin: 1px }")

        async def changed():
            page = await person.page("/plugins/testpage/")
            return "<p>after</p>" in page and page

        page = await eventually(changed)
        style = re.search(r'href="(/static/plugins/testpage/page.css[^"]*)"', page)[1]
        assert style not in before
        assert (await person.get(style))[1] == b"p { margin: 1px }"
        async with person._session.get(f"{server.url}/api/live?since={moment}") as stream:
            async for line in stream.content:
                if line.startswith(b"data: {"):
                    break
        assert b'"topics": ["development"]' in line


async def test_changed_code_is_taken_without_stopping_the_server_and_errors_are_shown_with_their_place(
    tmp_path, package
):
    code = package / "__init__.py"
    with server_of(settings_of(tmp_path)) as server:
        await server.start("--dev")
        async with guest(server.url) as person:

            async def shows(text):
                status, page = await person.get("/plugins/testpage/", headers={"Accept": "text/html"})
                assert status in {200, 503}, page  # while it is started again
                return text in page.decode()

            await sign_in_without_a_wallet(server, person, "owner")
            assert await shows("<b>one</b>")
            code.write_text(CODE.replace('"one"', '"two"'))
            await eventually(lambda: shows("<b>two</b>"), seconds=60)
            code.write_text(CODE.replace('"one"', "nobody").replace("WYLLOH_SDK", "oops\nWYLLOH_SDK"))

            await eventually(lambda: was_refused(person), seconds=60)
            assert await shows("<b>two</b>"), "what cannot be loaded replaces nothing"
            code.write_text(CODE.replace('"one"', '"three"'))
            await eventually(lambda: shows("<b>three</b>"), seconds=60)

            place = "ZeroDivisionError: division by zero (wylloh_testpage/__init__.py:11)"
            crash = "/plugins/testpage/crash", {"Accept": "text/html"}
            assert place in (await person.get(crash[0], headers=crash[1]))[1].decode()
            cookies = [(cookie.key, cookie.value) for cookie in person._session.cookie_jar]
        async with guest(server.url) as stranger:
            assert place not in (await stranger.get(crash[0], headers=crash[1]))[1].decode(), (
                "only the owner sees it"
            )

        await server.stop()
        await server.start()
        assert "wallet" not in server.out()
        async with guest(server.url) as person:
            person._session.cookie_jar.update_cookies(cookies, URL(server.url))
            assert (await person.json("/api/admin/plugins"))[0] == 401, "its sessions are gone without --dev"
            assert (await person.get("/development/sign-in"))[0] == 404


async def was_refused(person) -> bool:
    """Whether the server says that the plugin's new code cannot be loaded, and where."""
    records = (await person.json("/api/admin/plugins"))[1]["plugins"]
    (record,) = [one for one in records if one["name"] == "testpage"]
    return "NameError: name 'oops' is not defined (wylloh_testpage/__init__.py:5)" in record["not_taken"]


async def sign_in_without_a_wallet(server, person, role):
    await eventually(lambda: "Sign in without a wallet: " in server.out())
    link = re.search(r"Sign in without a wallet: (\S+)\?key=(\S+)", server.out())
    assert f'value="{link[2]}"' in await person.page(f"/development/sign-in?key={link[2]}")
    form, headers = {"key": link[2], "role": role}, {"Origin": server.url}
    async with person._session.post(link[1], data=form, headers=headers, allow_redirects=False) as answer:
        assert answer.status == 303
    assert link[2] not in server.err(), "the key is in no log"


async def test_without_it_nothing_is_read_twice(tmp_path, package):
    async with running_server(settings_of(tmp_path)) as server, guest(server.url) as person:
        before = await person.page("/plugins/testpage/")
        (package / "page.html").write_text(PAGE.replace("before", "after"))
        assert await person.sign_in(Account.create(), server.claim_code)
        page = await person.page("/plugins/testpage/")
        assert "<p>before</p>" in page
        assert "development.js" not in before + page
