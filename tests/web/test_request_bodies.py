"""Bodies are read last of all. Most tests send half of one: an answer shows that nobody waited for the rest."""

from __future__ import annotations

import asyncio
import gzip
import io
import textwrap

import pytest

from tests.web.conftest import COLLECTOR, OWNER
from wylloh_server.services.accounts.session_service import SessionService
from wylloh_server.web.form_parser import MOST_FIELDS
from wylloh_server.web.middleware import RequestDeadlines
from wylloh_server.web.request_bodies import FOR_GUESTS, READ_BY_HANDLER, TAKE_FORMS

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
CHALLENGE = "/api/sign-in/challenge"
P = "/plugins/testbodies"
CODE = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def settings():
    return [Setting("token", str, "right", "The token.", secret=True)]

async def tell(context, request):
    return Json({"viewer": request.viewer is not None, "form": dict(request.form), "json": request.json})

@hookimpl
def routes():
    return [PluginRoute("GET", "guests", tell, role=None), PluginRoute("POST", "guests", tell, role=None),
            PluginRoute("POST", "viewers", tell), PluginRoute("POST", "hook", tell, role=None, token="token")]
"""


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    package = tmp_path / "plugins" / "wylloh_testbodies"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(textwrap.dedent(CODE))
    return await open_server_under_test(
        plugin_folder=tmp_path / "plugins", deadlines=RequestDeadlines(body=0.2)
    )


class HalfSent:
    """A request of which the head and the first byte of the body have been sent."""

    def __init__(self, reader, writer) -> None:
        self._reader, self._writer = reader, writer

    async def answer(self, rest=b"") -> int:
        self._writer.write(rest)
        line = await asyncio.wait_for(self._reader.readline(), 30)
        self._writer.close()
        return int(line.split()[1])


async def half_send(server, path, method="POST", kind=JSON, length=100, browser=None, **headers):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.server.port)
    sent = {"Host": f"127.0.0.1:{server.server.port}", "Origin": server.origin, "Accept": "text/html"}
    sent |= {"Content-Type": kind, "Content-Length": length}
    if browser is not None:
        sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in browser.real_cookies.items())
    lines = [f"{name}: {value}" for name, value in (sent | headers).items()]
    writer.write("\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", "{"]).encode())
    return HalfSent(reader, writer)


@pytest.mark.parametrize(
    ("path", "method", "kind", "headers", "status"),
    [
        ("/no/such/page", "POST", MULTIPART, {}, 404),
        ("/plugins/none/x", "POST", MULTIPART, {}, 404),
        (f"{P}/none", "POST", MULTIPART, {}, 404),
        ("/about", "POST", MULTIPART, {}, 405),
        (f"{P}/viewers", "PUT", FORM, {}, 405),
        (f"{P}/guests", "GET", FORM, {}, 200),
        (CHALLENGE, "POST", JSON, {"Origin": "https://evil.example"}, 403),
        ("/about/terms", "POST", FORM, {}, 303),
        ("/api/titles", "POST", JSON, {}, 401),
        (f"{P}/viewers", "POST", MULTIPART, {}, 303),
        (f"{P}/hook", "POST", MULTIPART, {}, 401),
        (f"{P}/hook", "POST", MULTIPART, {"Authorization": "Bearer wrong"}, 401),
        (CHALLENGE, "POST", MULTIPART, {}, 415),
        (CHALLENGE, "POST", FORM, {}, 415),
        ("/api/custody/envelope", "POST", FORM, {}, 415),
        (f"{P}/guests", "POST", "text/xml", {}, 415),
        (f"{P}/hook", "POST", "text/xml", {"Authorization": "Bearer right"}, 408),
        (f"{P}/guests", "POST", FORM, {}, 408),
        (CHALLENGE, "POST", JSON, {}, 408),
    ],
)
async def test_a_strangers_body_is_read_last_of_all(server_under_test, path, method, kind, headers, status):
    """408 is the answer where the body was waited for."""
    sent = await half_send(server_under_test, path, method, kind, **headers)
    assert await sent.answer() == status


@pytest.mark.parametrize(
    ("path", "kind", "status"),
    [("/about/terms", JSON, 415), ("/about/terms", FORM, 408), ("/api/titles", FORM, 415)],
)
async def test_a_route_refuses_what_it_does_not_take(server_under_test, owner, path, kind, status):
    assert await (await half_send(server_under_test, path, kind=kind, browser=owner)).answer() == status


@pytest.mark.parametrize("path", ["/about/terms", f"{P}/viewers"])
@pytest.mark.parametrize("kind", [FORM, MULTIPART])
async def test_a_form_of_too_many_fields_is_refused_before_it_is_taken_apart(owner, monkeypatch, path, kind):
    def never(*_, **__):
        raise AssertionError("taken apart")

    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    forms = {
        FORM: lambda many: b"a=1&" * (many - 1) + b"a=1",
        MULTIPART: lambda many: part * many + b"--b--\r\n",
    }
    answer = await owner.post(path, data=forms[kind](MOST_FIELDS), headers={"Content-Type": kind})
    assert answer.status in {200, 303}
    monkeypatch.setattr("wylloh_server.web.form_parser.parse_qsl", never)
    monkeypatch.setattr("wylloh_server.web.form_parser.MultipartReader", never)
    answer = await owner.post(path, data=forms[kind](MOST_FIELDS + 1), headers={"Content-Type": kind})
    assert answer.status == 413 and f"A form may have {MOST_FIELDS} fields." in await answer.text()


async def test_guests_have_a_budget_of_bodies_and_who_is_signed_in_has_none(
    server_under_test, browser, collector
):
    statuses = [(await browser.post(f"{P}/guests", {})).status for _ in range(118)]
    assert set(statuses) == {200}, "signing in took two of 120"
    sent = await half_send(server_under_test, f"{P}/guests", kind=FORM)
    assert await sent.answer() == 429
    assert (await browser.post(CHALLENGE, {"wallet": OWNER})).status == 429
    assert (await collector.post(f"{P}/guests", {})).status == 200


async def test_who_is_signed_out_while_the_body_is_on_its_way_is_a_stranger(
    open_server_under_test, open_browser, monkeypatch
):
    server = await open_server_under_test()
    collector = open_browser(server)
    assert (await collector.sign_in(COLLECTOR)).status == 200
    found, find = asyncio.Event(), SessionService.find

    async def finding(*asked):
        viewer = await find(*asked)
        found.set()
        return viewer

    monkeypatch.setattr(SessionService, "find", finding)
    sent = await half_send(server, "/api/devices/sign-out", length=2, browser=collector)
    await asyncio.wait_for(found.wait(), 30)
    await server.storage.sessions.remove_of(COLLECTOR)
    assert await sent.answer(b"}") == 401


async def test_the_lists_name_routes_that_exist(server_under_test):
    known = {resource.canonical for resource in server_under_test.app.router.resources()}
    assert (FOR_GUESTS | TAKE_FORMS | READ_BY_HANDLER) - known == {"/development/sign-in"}


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{" * 100_000, "application/json", 400),
        (b"[" * 500_000, "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"", "application/json", 400),
        (b"9" * 20_000, "application/json", 400),
        (b"x" * (1024 * 1024 + 1), "application/json", 413),
        (b"wallet=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
        (b"--x--", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_hostile_bodies_are_refused(browser, body, content_type, status):
    response = await browser.post(
        "/api/sign-in/challenge", data=io.BytesIO(body), headers={"Content-Type": content_type}
    )

    assert response.status == status


async def test_a_compressed_body_is_refused_unread(browser):
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    response = await browser.post("/api/sign-in/challenge", data=gzip.compress(b"{}"), headers=headers)

    assert response.status == 415


async def test_a_body_that_never_ends_is_cut_off_when_too_large(browser):
    async def endless():
        while True:
            yield b" " * 65536

    response = await browser.post(
        "/api/sign-in/challenge", data=endless(), headers={"Content-Type": "application/json"}
    )

    assert response.status == 413


async def test_a_stalled_body_is_given_up(open_server_under_test):
    server_under_test = await open_server_under_test(deadlines=RequestDeadlines(body=0.1))
    reader, writer = await asyncio.open_connection("127.0.0.1", server_under_test.server.port)
    writer.write(
        b"POST /api/sign-in/challenge HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"Origin: http://127.0.0.1\r\nContent-Length: 100\r\n\r\n{"
    )

    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 30)

    assert b" 408 " in answer
    writer.close()
