"""What happens around every request: deadlines, the log, errors told plainly."""

from __future__ import annotations

import asyncio
import logging
import math
import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import structlog
from aiohttp import hdrs, web

from wylloh_server.domain.errors import RetryLater, TranscodeUnavailable
from wylloh_server.web.author_errors import failure_of_page
from wylloh_server.web.error_responses import BadRequest, Problem, describe_error
from wylloh_server.web.redaction import logged_error, logged_path
from wylloh_server.web.session import SignInNeeded, sign_in_url
from wylloh_server.web.templating import render
from wylloh_server.web.webhooks import is_webhook

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp.typedefs import Handler

_standard_log = logging.getLogger("wylloh.web")
_log = structlog.get_logger(_standard_log.name)
_QUIET = ("/static/", "/play/", "/ipfs/", "/api/live", "/api/play/", "/api/tv/state", "/livez", "/healthz")
_QUIET_ENDS = ("/position",)
"""What players, waiting TVs and open pages ask for every few seconds."""
_NEVER_PAGES = ("/api/", "/play/", "/ipfs/", "/livez", "/healthz")
_SERVER_ERRORS = _FAULT = 500
_ERRORS = 400


@dataclass(frozen=True, slots=True)
class RequestDeadlines:
    """Seconds a client has to send its body, and may go on without taking any of ours."""

    body: float = 10
    write: float = 20


DEADLINES: web.AppKey[RequestDeadlines] = web.AppKey("deadlines")


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
        watch.timer.cancel()
    return response


class _WriteWatch:
    """Aborts a connection on which bytes wait and none has gone out for a whole interval.

    Attributes:
        timer: of the next look; cancelling it ends the watch.
    """

    def __init__(self, request: web.Request, interval: float) -> None:
        self._request = request
        self._interval = interval
        self._gone_out = -1
        self._loop = asyncio.get_running_loop()
        self.timer = self._loop.call_later(interval, self._look)

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
        self.timer = self._loop.call_later(self._interval, self._look)


@web.middleware
async def log_requests(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Write one line for each request, without secrets."""
    started = time.monotonic()
    response = await handler(request)
    quiet = request.path.startswith(_QUIET) or request.path.endswith(_QUIET_ENDS)
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
    problem = describe_error(error) or _unexpected(request, error)
    if problem.status >= _SERVER_ERRORS:
        _log.warning(
            "cannot answer", path=logged_path(request.path), status=problem.status, sentence=problem.sentence
        )
    if problem.status == _FAULT:
        problem = replace(problem, detail=failure_of_page(request, error))
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
    """Return an error as JSON or as a page, whichever the client reads."""
    if wants_json(request):
        body = {"error": problem.sentence, "fix": problem.fix}
        body |= {"code": problem.code} if problem.code else {}
        return web.json_response(body, status=problem.status, headers={"Cache-Control": "no-store"})
    try:
        return await render(request, "error.html", status=problem.status, problem=problem)
    except Exception as error:  # noqa: BLE001 - a broken theme must not hide what went wrong
        _log.error("error page failed", error=logged_error(request, error))
        text = f"{problem.sentence}\n{problem.fix}\n"
        detail = failure_of_page(request, error)
        return web.Response(text=f"{text}\n{detail}" if detail else text, status=problem.status)


def wants_json(request: web.Request) -> bool:
    """Return whether whoever asks is a program rather than somebody in front of a browser's page."""
    is_program = request.path.startswith(_NEVER_PAGES) or is_webhook(request)
    if is_program or request.content_type == "application/json":
        return True
    accept = request.headers.get(hdrs.ACCEPT, "")
    return "application/json" in accept and "text/html" not in accept


def _headers_of(error: Exception) -> Mapping[str, str]:
    if isinstance(error, BadRequest):
        return error.headers
    if isinstance(error, RetryLater | TranscodeUnavailable) and error.retry_after is not None:
        return {hdrs.RETRY_AFTER: str(math.ceil(error.retry_after))}
    if isinstance(error, web.HTTPException):
        return {name: error.headers[name] for name in (hdrs.LOCATION, hdrs.ALLOW) if name in error.headers}
    return {}
