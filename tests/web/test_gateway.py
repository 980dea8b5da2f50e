from __future__ import annotations

import aiohttp
import pytest

CID = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
OTHER = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"


@pytest.fixture(autouse=True)
def blocks(house):
    house.packages.blocks = {CID: b"0123456789"}


@pytest.mark.parametrize(
    ("query", "accept"),
    [("?format=raw", "*/*"), ("", "application/vnd.ipld.raw"), ("?format=raw", "text/html")],
)
async def test_a_published_block_is_served_raw(browser, query, accept):
    response = await browser.get(f"/ipfs/{CID}{query}", headers={"Accept": accept})

    assert (response.status, await response.read()) == (200, b"0123456789")
    assert response.headers["Content-Type"] == "application/vnd.ipld.raw"
    assert response.headers["Etag"] == f'"{CID}.raw"'
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("scope", ["block", "entity", "all"])
async def test_a_car_says_its_version_and_has_the_scope_asked_for(browser, scope):
    response = await browser.get(f"/ipfs/{CID}?format=car&dag-scope={scope}")

    assert "version=1" in response.headers["Content-Type"]
    assert await response.read() == scope.encode() + b"0123456789"


async def test_the_whole_dag_is_given_when_no_scope_is_asked(browser):
    response = await browser.get(f"/ipfs/{CID}", headers={"Accept": "application/vnd.ipld.car; version=1"})

    assert (await response.read()).startswith(b"all")


@pytest.mark.parametrize("form", ["raw", "car"])
async def test_head_has_the_headers_and_no_body(browser, form):
    response = await browser.client.head(f"/ipfs/{CID}?format={form}")

    assert response.status == 200 and await response.read() == b""
    assert response.headers["Etag"].startswith(f'"{CID}')


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/ipfs/{OTHER}?format=raw", 404),
        (f"/ipfs/{OTHER}?format=car", 404),
        (f"/ipfs/{CID}", 406),
        (f"/ipfs/{CID}?format=tar", 406),
        (f"/ipfs/{CID}?format=car&dag-scope=some", 400),
        (f"/ipfs/{CID}/film.mp4?format=raw", 400),
        ("/ipfs/..%2fetc?format=raw", 400),
        ("/ipfs/none?format=raw", 400),
    ],
)
async def test_nothing_else_is_served(browser, path, status):
    response = await browser.get(path)

    assert response.status == status and (await response.json())["error"]


async def test_who_has_the_block_is_told_so(browser):
    headers = {"If-None-Match": f'"{CID}.raw"'}

    assert (await browser.get(f"/ipfs/{CID}?format=raw", headers=headers)).status == 304


async def test_clients_can_find_out_that_this_is_a_trustless_gateway(browser):
    response = await browser.get("/ipfs/bafkqaaa?format=raw")

    assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=2-4", 206, b"234"),
        ("bytes=7-", 206, b"789"),
        ("bytes=-3", 206, b"789"),
        ("bytes=5-99", 206, b"56789"),
        ("bytes=99-", 416, None),
        ("lines=1-2", 200, b"0123456789"),
    ],
)
async def test_a_part_of_a_block_can_be_asked_for(browser, asked, status, body):
    response = await browser.get(f"/ipfs/{CID}?format=raw", headers={"Range": asked})

    assert response.status == status
    if body is not None:
        assert await response.read() == body
    if status == 206:
        assert response.headers["Content-Range"].endswith("/10")


async def test_a_car_that_breaks_off_cannot_be_taken_for_a_whole_one(house, browser):
    house.packages.breaks_after = 1
    response = await browser.get(f"/ipfs/{CID}?format=car")

    with pytest.raises(aiohttp.ClientPayloadError):
        await response.read()


async def test_a_page_of_another_site_may_read_it(browser):
    response = await browser.client.options(f"/ipfs/{CID}", headers={"Origin": "https://other.example"})

    assert response.status == 204 and response.headers["Access-Control-Allow-Origin"] == "*"
