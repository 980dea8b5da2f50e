"""Programs elsewhere call a plugin's webhook with its token, and nothing else of the server."""

from __future__ import annotations

import io
import textwrap

import pytest

TOKEN = "s3cret-" * 5
CODE = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def settings():
    return [Setting("token", str, "", "The token.", secret=True)]

async def hear(context, request):
    return Json({"viewer": request.viewer is not None, "body": request.body.decode("latin-1"), "json": request.json,
                 "kind": request.headers["content-type"], "form": dict(request.form), "names": sorted(request.headers)})

async def refuse(context, request):
    raise InvalidValue("That is none.", fix="Send one.")

async def plain(context, request):
    return Json(request.body.decode())

@hookimpl
def routes():
    return [PluginRoute("POST", "hook/{name}", hear, role=None, token="token"),
            PluginRoute("POST", "refuse", refuse, role=None, token="token"),
            PluginRoute("POST", "plain", plain, role=None),
            PluginRoute("POST", "shadowed/{name}", plain, role=None),
            PluginRoute("POST", "shadowed/hook", hear, role=None, token="token"),
            PluginRoute("POST", "first/hook", hear, role=None, token="token"),
            PluginRoute("POST", "first/{name}", plain, role=None)]
"""
P = "/plugins/testhook"
ELSEWHERE = {"Origin": "https://github.example", "Sec-Fetch-Site": "cross-site"}


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    package = tmp_path / "plugins" / "wylloh_testhook"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(CODE))
    server = await open_server_under_test(plugin_folder=tmp_path / "plugins")
    plugin = server.plugins.plugin("testhook")
    assert plugin.status == "running", plugin.reason
    plugin.settings = {"token": TOKEN}
    return server


async def send(
    browser, path="hook/a", token=TOKEN, data=b"\x00raw", kind="application/octet-stream", **headers
):
    given = {"Content-Type": kind, "Authorization": f"Bearer {token}", **ELSEWHERE, **headers}
    return await browser.client.post(f"{P}/{path}", data=data, headers=given, allow_redirects=False)


async def test_a_body_of_any_kind_arrives_as_it_was_sent(browser):
    heard = await (await send(browser)).json()
    assert (heard["body"], heard["form"], heard["json"]) == ("\x00raw", {}, None)
    for kind in ("text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        heard = await (await send(browser, data=b"a=1&b=2", kind=kind)).json()
        assert (heard["body"], heard["form"], heard["kind"]) == ("a=1&b=2", {}, kind)
    heard = await (await send(browser, data=b'{"a": 1}', kind="application/json")).json()
    assert (heard["json"], heard["body"]) == ({"a": 1}, '{"a": 1}')
    assert not {"authorization", "cookie"} & set(heard["names"])


async def test_the_scheme_of_the_token_may_be_in_lower_case_and_a_json_body_may_be_none(browser):
    for scheme in ("bearer", "BEARER "):
        answer = await send(browser, data=b"{", kind="application/json", Authorization=f"{scheme} {TOKEN}")
        assert answer.status == 200
        heard = await answer.json()
        assert (heard["body"], heard["json"]) == ("{", None)
    assert (await send(browser, Authorization=f"Basic {TOKEN}")).status == 401
    assert (await send(browser, Authorization=TOKEN)).status == 401


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], TOKEN + "x", "\u00ff"])
async def test_without_the_token_nothing_is_heard(browser, server_under_test, token):
    answer = await send(browser, token=token)
    assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert TOKEN not in await answer.text()
    assert server_under_test.plugins.records()[0].errors == 0


async def test_a_cookie_gives_a_webhook_no_viewer_and_is_no_token(collector):
    assert (await (await send(collector)).json())["viewer"] is False
    headers = {"Content-Type": "text/plain", **ELSEWHERE}
    assert (await collector.client.post(f"{P}/hook/a", data=b"x", headers=headers)).status == 401


async def test_an_empty_setting_closes_the_route(browser, server_under_test):
    server_under_test.plugins.plugin("testhook").settings = {"token": ""}
    for token in ("", TOKEN):
        assert (await send(browser, token=token)).status == 403


async def test_no_other_route_takes_a_request_of_another_site(collector):
    assert (await send(collector, path="plain")).status == 403
    assert (await send(collector, path="hook/a/b")).status == 403
    assert (await collector.client.post("/api/sign-out", headers=ELSEWHERE, json={})).status == 403


async def test_a_body_that_is_too_large_or_packed_is_refused(browser):
    assert (await send(browser, data=io.BytesIO(b"x" * (1024 * 1024 + 1)))).status == 413
    assert (await send(browser, **{"Content-Encoding": "gzip"})).status in (400, 415)


async def test_an_ordinary_route_has_the_body_too(collector):
    answer = await collector.post(f"{P}/plain", {"a": 1})
    assert (await answer.json()) == '{"a": 1}'


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/xml"]
)
async def test_a_webhook_that_is_refused_is_told_so_as_json(browser, kind):
    answer = await send(browser, path="refuse", data=b"a=1", kind=kind, Accept="text/html")
    assert (answer.status, await answer.json()) == (400, {"error": "That is none.", "fix": "Send one."})
    answer = await send(browser, path="refuse", token="wrong", kind=kind, Accept="text/html")
    assert (answer.status, (await answer.json())["error"]) == (401, "The token is missing or wrong.")


async def test_of_overlapping_routes_the_first_decides_what_is_checked(browser):
    """A cookie route that comes first is never called from another site because a later one is a webhook."""
    assert (await send(browser, path="shadowed/hook")).status == 403
    assert (await send(browser, path="first/hook")).status == 200
    assert (await send(browser, path="first/other")).status == 403


async def test_a_token_cannot_be_guessed_by_trying(browser, server_under_test):
    statuses = [(await send(browser, token=f"guess {number}")).status for number in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert (await send(browser)).status == 429, "not even the right one tells that it was right"
    server_under_test.clock.now += 6
    assert [(await send(browser)).status for _ in range(30)] == [200] * 30, "right ones are not counted"
