"""Everybody reads their own receipts; owner and admins read all of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.web.conftest import COLLECTOR, GATED, OWNER, PLAIN
from tests.web.pages.markup import Page
from wylloh_server.domain.access import Reason, Receipt

NO = Receipt(
    GATED.id,
    COLLECTOR,
    "personal",
    allowed=False,
    reason=Reason.TOO_FEW_TOKENS,
    sentence="You hold no token of this film.",
    at=1000.0,
    block=19_000_000,
    balance=0,
)
YES = Receipt(PLAIN.id, OWNER, "personal", True, Reason.OWN_FOLDER, "From your own folder.", 2000.0)


@pytest.fixture(autouse=True)
async def written(server_under_test):
    for receipt in (NO, YES, replace(YES, at=2060.0), replace(YES, at=2120.0)):
        await server_under_test.storage.receipts.add(receipt)


async def page_of(browser, path):
    response = await browser.get(path)
    assert response.status == 200
    page = Page(await response.text())
    assert page.faults == []
    return page


async def test_a_viewer_reads_their_own(collector):
    page = await page_of(collector, "/receipts")
    assert "You hold no token of this film." in page.text
    assert "balance 0 · block 19,000,000" in page.text
    assert "From your own folder." not in page.text


async def test_the_owner_reads_everybody_s(owner):
    page = await page_of(owner, "/receipts")
    assert "You hold no token of this film." in page.text
    assert "3 times in a row" in page.text
    assert "0xcccc" not in page.text and "0xbbbb" in page.text


async def test_there_are_pages(server_under_test, owner):
    for number in range(60):
        await server_under_test.storage.receipts.add(
            replace(NO, at=3000.0 + number, film=f"film-{number:02}")
        )
    first, second = await page_of(owner, "/receipts"), await page_of(owner, "/receipts?page=2")
    assert "film-59" in first.text and "film-09" not in first.text
    assert "film-09" in second.text and "From your own folder." in second.text
    assert "Older" in first.named("a") and "Newer" in second.named("a")
    assert "There are no older ones." in (await page_of(owner, "/receipts?page=99")).text


async def test_it_is_for_who_is_signed_in(browser):
    assert (await browser.get("/receipts")).status == 303
