"""The page of the log: who reads it, what it finds, and the file it gives."""

from __future__ import annotations

import json
import logging

import pytest

from tests.web.conftest import COLLECTOR
from tests.web.pages.markup import Page
from wylloh_server.domain.access import Role
from wylloh_server.web.app_keys import RECENT_LOG


@pytest.fixture
def log(server_under_test):
    def write(**fields):
        line = json.dumps({"timestamp": "2026-11-30T13:52:19.5Z", "logger": "films"} | fields)
        server_under_test.app[RECENT_LOG].handle(logging.makeLogRecord({"msg": line}))

    write(event="Fetched <b>Light</b>", level="info", film="abc")
    write(event="it broke", level="error", exception="Traceback: boom")
    return write


async def test_51_admins_read_and_search_the_log(log, owner):
    reply = await owner.get("/admin/log")
    text = await reply.text()
    page = Page(text)
    assert (reply.status, page.faults) == (200, [])
    assert "Fetched &lt;b&gt;Light&lt;/b&gt;" in text and "film=abc" in text
    assert text.index("it broke") < text.index("Fetched"), "the newest first"
    assert "30 November 2026, 13:52:19 UTC" in page.text
    found = await (await owner.get("/admin/log?level=error&q=BOOM")).text()
    assert "it broke" in found and "Fetched" not in found
    assert "No line has these words." in await (await owner.get("/admin/log?q=nowhere")).text()
    assert (await owner.get("/admin/log?level=nonsense")).status == 200


async def test_51_the_log_is_downloaded_as_text(log, owner):
    reply = await owner.get("/admin/log.txt?level=debug")
    assert reply.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "attachment" in reply.headers["Content-Disposition"]
    lines = (await reply.text()).splitlines()
    assert lines[0] == "2026-11-30T13:52:19.5Z info films Fetched <b>Light</b> film=abc"
    assert lines[1:] == ["2026-11-30T13:52:19.5Z error films it broke", "Traceback: boom"]
    assert "it broke" not in await (await owner.get("/admin/log.txt?q=light")).text()


@pytest.mark.parametrize("path", ["/admin/log", "/admin/log.txt", "/admin/storage"])
async def test_51_only_those_who_look_after_the_server_see_it(server_under_test, collector, browser, path):
    assert (await browser.get(path)).status == 303
    assert (await collector.get(path)).status == 403
    await server_under_test.storage.accounts.save(COLLECTOR, Role.ADMIN)
    assert (await collector.get(path)).status == 200
