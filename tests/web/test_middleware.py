from __future__ import annotations

import asyncio
import socket

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from tests.web.conftest import OWNER, PLAIN
from wylloh_server.domain import errors
from wylloh_server.web.error_responses import describe_error
from wylloh_server.web.middleware import RequestDeadlines
from wylloh_server.web.session import SESSION_COOKIE, cookie

PAGE = {"Accept": "text/html"}


def raising(error):
    async def handler(request):
        raise error

    return handler


def with_routes(**handlers):
    """Add `GET /<name>` and `GET /api/<name>` for each handler."""

    def add(app):
        for name, handler in handlers.items():
            app.router.add_get(f"/{name}", handler)
            app.router.add_get(f"/api/{name}", handler)

    return add


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.NotFound("There is none."), 404),
        (errors.AccessRefused("No."), 403),
        (errors.SignInRefused("Late."), 401),
        (errors.InvalidValue("Bad."), 400),
        (errors.ChainUnavailable("Silent."), 503),
        (errors.WrongChain("Other."), 503),
        (errors.BlockUnavailable("Gone."), 503),
        (errors.StoreFull("Full."), 507),
        (errors.MediaRefused("No film."), 422),
        (errors.StorageError("Locked."), 503),
    ],
)
async def test_errors_are_told_plainly_with_what_to_do(open_server_under_test, open_browser, error, status):
    error.fix = "Do this."
    browser = open_browser(await open_server_under_test(add=with_routes(broken=raising(error))))

    answer = await browser.get("/api/broken")
    page = await browser.get("/broken", headers=PAGE)

    assert (answer.status, await answer.json()) == (status, {"error": str(error), "fix": "Do this."})
    text = await page.text()
    assert page.status == status and "text/html" in page.headers["Content-Type"]
    assert str(error) in text and "Do this." in text


def test_every_error_of_the_tree_has_a_status():
    """Of 31 requests that waited for an encoder which died, each got a 500 that nobody had thought of."""
    expected = {errors.WyllohError, errors.SettingsError, errors.ThemeError, errors.PluginError}
    seen: list[type[errors.WyllohError]] = []
    tree = [errors.WyllohError]
    for kind in tree:
        tree += kind.__subclasses__()
        if not kind.__module__.startswith("wylloh_server.domain.errors"):
            continue
        error = kind.__new__(kind)
        Exception.__init__(error, "What happened.")
        error.fix = "Do this."
        problem = describe_error(error)
        assert (problem.sentence, problem.fix) == ("What happened.", "Do this.")
        seen += [kind] if problem.status == 500 else []
    assert set(seen) == expected, "what a client can do something about is no fault of the server's code"


async def test_an_encoder_that_fails_again_and_again_says_when_to_come_back(
    open_server_under_test, open_browser
):
    error = errors.TranscodeUnavailable("No.", fix="Wait.", retry_after=12.3)
    browser = open_browser(await open_server_under_test(add=with_routes(broken=raising(error))))
    answer = await browser.get("/api/broken")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "13")


async def test_a_player_that_asked_for_another_place_meanwhile_is_told_to_ask_again(
    open_server_under_test, open_browser
):
    """Players try again after 503; 403 is the end for them."""
    gone_on = errors.RetryLater("The player has gone on.", retry_after=1)
    some_time = errors.RetryLater("Later.")
    routes = with_routes(gone=raising(gone_on), later=raising(some_time))
    browser = open_browser(await open_server_under_test(add=routes))
    answer = await browser.get("/api/gone")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    answer = await browser.get("/api/later")
    assert (answer.status, answer.headers.get("Retry-After")) == (503, None)


async def test_what_an_error_says_cannot_become_html(open_server_under_test, open_browser):
    error = errors.NotFound("<script>alert(1)</script>")
    browser = open_browser(await open_server_under_test(add=with_routes(broken=raising(error))))

    assert "<script>alert" not in await (await browser.get("/broken", headers=PAGE)).text()


async def test_an_unexpected_error_shows_a_reference_and_keeps_its_secrets(
    open_server_under_test, open_browser
):
    async def broken(request):
        raise RuntimeError(f"cookie {cookie(request, SESSION_COOKIE)} code {request.query['code']}")

    browser = open_browser(await open_server_under_test(add=with_routes(broken=broken)))
    await browser.sign_in(OWNER)

    with capture_logs() as logs:
        response = await browser.get("/api/broken?code=SECRET1")

    answer = await response.json()
    (entry,) = [entry for entry in logs if entry["event"] == "unexpected error"]
    assert response.status == 500 and entry["reference"] in answer["fix"]
    assert "RuntimeError" in entry["error"] and "RuntimeError" not in str(answer)
    assert browser.cookies["wylloh_session"] not in str(logs) and "SECRET1" not in str(logs)


async def test_a_broken_theme_still_says_what_is_wrong(open_server_under_test, open_browser, monkeypatch):
    async def fails(*_, **__):
        raise RuntimeError("no template")

    browser = open_browser(
        await open_server_under_test(add=with_routes(broken=raising(errors.NotFound("Not here."))))
    )
    monkeypatch.setattr("wylloh_server.web.middleware.render", fails)

    page = await browser.get("/broken", headers=PAGE)

    assert page.status == 404 and "Not here." in await page.text()


async def test_play_tokens_and_pairing_codes_stay_out_of_the_log(collector, caplog):
    caplog.set_level("DEBUG", "wylloh.web")
    with capture_logs() as logs:
        await collector.get("/play/SECRETTOKEN/master.m3u8")
        await collector.get("/api/play/SECRETTOKEN")
        await collector.get("/pair?code=ABC234")

    paths = [entry["path"] for entry in logs if entry["event"] == "request"]
    assert paths == ["/play/…/master.m3u8", "/api/play/…", "/pair"]
    assert "SECRETTOKEN" not in str(logs) and "ABC234" not in str(logs)


async def test_what_players_fetch_all_the_time_is_not_logged_unless_for_debugging(collector, caplog):
    caplog.set_level("INFO", "wylloh.web")
    with capture_logs() as logs:
        await collector.get("/play/SECRETTOKEN/master.m3u8")
        await collector.get("/devices")

    assert [entry["path"] for entry in logs if entry["event"] == "request"] == ["/devices"]


async def test_what_is_asked_for_every_few_seconds_does_not_fill_the_log(collector, caplog):
    caplog.set_level("INFO", "wylloh.web")
    with capture_logs() as logs:
        for path in ("/api/tv/state", "/api/play/TOKEN", "/livez"):
            await collector.get(path)
        await collector.post("/api/films/abc/position", {"at": 1, "of": 2})
        await collector.get("/devices")

    told = [entry["path"] for entry in logs if entry["event"] == "request" and entry["log_level"] == "info"]
    assert told == ["/devices"]


async def test_pages_lead_to_the_sign_in_page_and_back(browser):
    response = await browser.get("/watch/abc?t=1")

    assert (response.status, response.headers["Location"]) == (303, "/sign-in?next=%2Fwatch%2Fabc%3Ft%3D1")


async def test_every_answer_carries_the_security_headers(browser):
    for path in ("/sign-in", "/api/nothing", "/static/tokens.css", "/livez"):
        headers = (await browser.get(path)).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "media-src 'self' blob:" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"


async def in_pieces(request):
    async def pieces():
        while True:
            yield b"x" * 65536

    return web.Response(body=pieces())


async def in_one(request):
    return web.Response(body=b"x" * 12_000_000)


@pytest.mark.parametrize("large", [in_pieces, in_one])
async def test_a_client_that_never_reads_is_cut_off(open_server_under_test, large):
    server_under_test = await open_server_under_test(
        deadlines=RequestDeadlines(write=0.2), add=with_routes(large=large)
    )
    client = socket.create_connection(("127.0.0.1", server_under_test.server.port))
    client.sendall(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    connections = server_under_test.server.runner.server

    async with asyncio.timeout(30):
        while not connections.connections:
            await asyncio.sleep(0.01)
        while connections.connections:
            await asyncio.sleep(0.01)
    client.close()


async def test_a_slow_client_that_goes_on_reading_gets_everything(open_server_under_test):
    body = b"x" * 12_000_000

    async def large(request):
        return web.Response(body=body)

    server_under_test = await open_server_under_test(
        deadlines=RequestDeadlines(write=0.2), add=with_routes(large=large)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", server_under_test.server.port, limit=4096)
    writer.write(b"GET /large HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    taken = 0
    while piece := await reader.read(262_144):
        taken += len(piece)
        await asyncio.sleep(0.01)

    assert taken > len(body)
    writer.close()


async def test_an_unknown_address_is_a_page_for_people_and_json_for_programs(browser):
    page = await browser.get("/no/such/page", headers=PAGE)
    answer = await browser.get("/api/no/such")

    assert (page.status, answer.status) == (404, 404)
    assert "There is no such page here." in await page.text()
    assert (await answer.json())["error"] == "There is no such page here."


async def test_a_wrong_method_names_the_right_one(browser):
    response = await browser.get(f"/api/films/{PLAIN.id}/play")

    assert response.status == 405 and response.headers["Allow"] == "POST"
