"""`wylloh serve --dev` shows changed templates and styles at once; without it nothing is read twice."""

from __future__ import annotations

import re

import pytest
from eth_account import Account

from tests.components.server import eventually, guest, running_server, server_of, server_settings

CODE = """
from pathlib import Path
from wylloh_server.sdk import Page, Route, hookimpl

WYLLOH_SDK = "1.0"

async def page(context, request):
    return Page("page.html")

@hookimpl
def routes():
    return [Route("GET", "", page, role=None)]

@hookimpl
def template_dirs():
    return [Path(__file__).parent]

@hookimpl
def static_dirs():
    return [Path(__file__).parent]
"""
PAGE = """{% extends "base.html" %}
{% block head %}<link rel="stylesheet" href="{{ asset('plugins/testpage/page.css') }}">{% endblock %}
{% block content %}<p>before</p>{% endblock %}"""


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


async def test_without_it_nothing_is_read_twice(tmp_path, package):
    async with running_server(settings_of(tmp_path)) as server, guest(server.url) as person:
        before = await person.page("/plugins/testpage/")
        (package / "page.html").write_text(PAGE.replace("before", "after"))
        assert await person.sign_in(Account.create(), server.claim_code)
        page = await person.page("/plugins/testpage/")
        assert "<p>before</p>" in page
        assert "development.js" not in before + page
