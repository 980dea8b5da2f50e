"""What happens around every request: deadlines, the log, errors told plainly, bodies read with a bound."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from wylloh_server.web.problems import BadRequest, Problem, problem_of
from wylloh_server.web.redaction import logged_error, logged_path
from wylloh_server.web.session import SignInNeeded, sign_in_url
from wylloh_server.web.templating import render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

LARGEST_BODY = 1024 * 1024
"""Bytes of a request body. Only uploads may have more, and those are never read as a whole."""

_standard_log = logging.getLogger("wylloh.web")
_log = structlog.get_logger(_standard_log.name)
_QUIET = ("/static/", "/play/", "/ipfs/", "/api/live", "/livez", "/healthz")
_NEVER_PAGES = ("/api/", "/play/", "/ipfs/", "/livez", "/healthz")
_STREAMED = "/api/uploads"
_SERVER_ERRORS = 500
_ERRORS = 400


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds a client has to send its body, and may go on without taking any of ours."""

    body: float = 10
    write: float = 20


DEADLINES: web.AppKey[Deadlines] = web.AppKey("deadlines")


@web.middleware
async def deliver(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Send the answer while watching that the client takes it; one that never reads is cut off.

    aiohttp itself would wait for such a client for ever.
    """
    watch = _WriteWatch(request, request.app[DEADLINES].write)
    try:
        response = await handler(request)
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        return web.Response()  # nobody is there any more to read it
    finally:
        watch.stop()
    return response


class _WriteWatch:
    """Aborts a connection on which bytes wait and none has gone out for a whole interval."""

    def __init__(self, request: web.Request, interval: float) -> None:
        self._request = request
        self._interval = interval
        self._gone_out = -1
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(interval, self._look)

    def _look(self) -> None:
        transport = self._request.transport
        if transport is None:
            return
        waiting = transport.get_write_buffer_size()
        gone_out = self._request.writer.output_size - waiting
        if waiting and gone_out == self._gone_out:
            _log.warning("client takes nothing", path=logged_path(self._request.path))
            transport.abort()
            return
        self._gone_out = gone_out
        self._timer = self._loop.call_later(self._interval, self._look)

    def stop(self) -> None:
        self._timer.cancel()


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write one line for each request, without secrets."""
    started = time.monotonic()
    response = await handler(request)
    quiet = request.path.startswith(_QUIET)
    if quiet and not _standard_log.isEnabledFor(logging.DEBUG):
        return response  # a player fetches often: a line that nobody will see is not even put together
    say = _log.debug if quiet else _log.info
    say(
        "request",
        method=request.method,
        path=logged_path(request.path),
        status=response.status,
        milliseconds=round((time.monotonic() - started) * 1000),
        address=request.remote,
    )
    return response


@web.middleware
async def explain_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into an answer a person or a program can act on."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < _ERRORS:
            return web.Response(status=error.status, headers=_headers_of(error))
        return await _explained(request, error)
    except ConnectionError:
        raise
    except Exception as error:  # noqa: BLE001 - nothing else stands between a fault and the client
        return await _explained(request, error)


async def _explained(request: web.Request, error: Exception) -> web.StreamResponse:
    if isinstance(error, SignInNeeded) and not wants_json(request):
        return web.Response(status=303, headers={hdrs.LOCATION: sign_in_url(request)})
    problem = problem_of(error) or _unexpected(request, error)
    if problem.status >= _SERVER_ERRORS:
        _log.warning(
            "cannot answer", path=logged_path(request.path), status=problem.status, sentence=problem.sentence
        )
    response = await explain(request, problem)
    response.headers.update(_headers_of(error))
    return response


def _unexpected(request: web.Request, error: Exception) -> Problem:
    reference = secrets.token_hex(4)
    _log.error(
        "unexpected error",
        reference=reference,
        path=logged_path(request.path),
        error=logged_error(request, error),
    )
    return Problem(500, "Something went wrong on the server.", f"The server's log says what, at {reference}.")


async def explain(request: web.Request, problem: Problem) -> web.Response:
    """Tell a problem as JSON or as a page, whichever the client reads."""
    if wants_json(request):
        body = {"error": problem.sentence, "fix": problem.fix}
        return web.json_response(body, status=problem.status, headers={"Cache-Control": "no-store"})
    try:
        return await render(
            request,
            "error.html",
            status=problem.status,
            sentence=problem.sentence,
            fix=problem.fix,
            problem=problem,
        )
    except Exception as error:  # noqa: BLE001 - a broken theme must not hide what went wrong
        _log.error("error page failed", error=logged_error(request, error))
        return web.Response(text=f"{problem.sentence}\n{problem.fix}\n", status=problem.status)


def wants_json(request: web.Request) -> bool:
    """Say whether whoever asks is a program rather than somebody in front of a browser's page."""
    if request.path.startswith(_NEVER_PAGES) or request.content_type == "application/json":
        return True
    accept = request.headers.get(hdrs.ACCEPT, "")
    return "application/json" in accept and "text/html" not in accept


@web.middleware
async def read_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Read a request's body before its handler runs: of a kind we know, bounded in size and time.

    Uploads are the exception: they read their own bodies, piece by piece.
    """
    if request.path.startswith(_STREAMED):
        return await handler(request)
    if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD} and request.can_read_body:
        _refuse_strange_body(request)
        try:
            async with asyncio.timeout(request.app[DEADLINES].body):
                await _read(request)
        except TimeoutError:
            raise BadRequest(
                408, "The request never arrived in full.", headers={hdrs.CONNECTION: "close"}
            ) from None
    return await handler(request)


async def _read(request: web.Request) -> None:
    if request.content_type != "multipart/form-data":
        await request.read()
        return
    try:
        # Not `read`: aiohttp cannot take apart what it has read as bytes. `post` keeps what it gives.
        await request.post()
    except ValueError:
        raise BadRequest(400, "This form cannot be read.", fix="Reload the page and send it again.") from None


def _refuse_strange_body(request: web.Request) -> None:
    if request.content_length is not None and request.content_length > LARGEST_BODY:
        raise BadRequest(413, "That is more than this server accepts at once.", fix="Send at most 1 MiB.")
    encoded = request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity"
    for_api = request.path.startswith("/api/")
    forms = {"application/x-www-form-urlencoded", "multipart/form-data"}
    allowed = {"application/json"} if for_api else {"application/json", *forms}
    if encoded or request.content_type not in allowed:
        raise BadRequest(
            415,
            "The server does not read this kind of content.",
            fix="Send " + " or ".join(sorted(allowed)) + ", not compressed.",
        )


def _headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, BadRequest):
        return error.headers
    if isinstance(error, web.HTTPException):
        return {name: error.headers[name] for name in (hdrs.LOCATION, hdrs.ALLOW) if name in error.headers}
    return {}
