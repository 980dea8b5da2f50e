"""From an error to what the person who asked is told: a status, one sentence, and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from wylloh_server.domain import errors
from wylloh_server.web.session import SignatureNeeded, SignInNeeded

if TYPE_CHECKING:
    from collections.abc import Mapping


class BadRequest(errors.WyllohError):
    """The request itself cannot be accepted; `status` says how HTTP calls that."""

    def __init__(
        self, status: int, message: str, *, fix: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, fix=fix)
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Problem:
    """What is told: HTTP status, one plain sentence, and what to do about it (may be empty).

    Attributes:
        code: what a page can do about it by itself; mostly empty.
        detail: lines for who develops a plugin or a theme; only on a page.
        back: path of the page with the form that was refused, which the browser fills in again.
    """

    status: int
    sentence: str
    fix: str = ""
    code: str = field(default="", kw_only=True)
    detail: str = field(default="", kw_only=True)
    back: str = field(default="", kw_only=True)


# The first that fits counts, so the narrower error stands before the wider one.
_STATUSES: tuple[tuple[type[errors.WyllohError], int], ...] = (
    (errors.NotFound, 404),
    (SignInNeeded, 401),
    (errors.SignInRefused, 401),
    (errors.AccessRefused, 403),
    (errors.InvalidValue, 400),
    (errors.MediaRefused, 422),
    (errors.StoreFull, 507),
    (errors.ChainError, 503),
    (errors.ContentError, 503),
    (errors.StorageError, 503),
    (errors.MediaError, 503),
    (errors.SealBroken, 503),
    (errors.RetryLater, 503),
    (errors.WyllohError, 500),
)

_SENTENCES = {
    400: "The server does not understand this request.",
    404: "There is no such page here.",
    405: "This address cannot be used that way.",
    413: "That is more than this server accepts at once.",
    415: "The server does not read this kind of content.",
}


def describe_error(error: Exception) -> Problem | None:
    """Return what to tell about an error; None for one nobody expected."""
    if isinstance(error, BadRequest):
        return Problem(error.status, _whole(str(error)), _whole(error.fix))
    if isinstance(error, web.HTTPException):
        return Problem(error.status, _SENTENCES.get(error.status, error.reason))
    if isinstance(error, errors.WyllohError):
        status = next(status for kind, status in _STATUSES if isinstance(error, kind))
        code = "signature-needed" if isinstance(error, SignatureNeeded) else ""
        return Problem(status, _whole(str(error)), _whole(error.fix), code=code)
    return None


def _whole(sentence: str) -> str:
    """Return a sentence with its full stop: the page may put another one right after it."""
    return sentence if not sentence or sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
