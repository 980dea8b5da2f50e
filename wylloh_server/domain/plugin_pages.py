"""Requests to plugins, their replies, and what they add to the core's pages. No web framework."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.languages import ENGLISH

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.types import FilmId

LOCAL_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
"""A path on this server: it begins with exactly one slash."""


class Slot(StrEnum):
    """The places on the core's pages where plugins may put a fragment."""

    FILM_ACTIONS = "film.actions"
    """On a film's page, in the card of what its tokens unlock: how to get, sell or lend them. Not on TVs."""
    FILM_TAGS = "film.tags"
    """On a film's page, below its rights and details. `film` is that film. Not on TVs."""
    LIBRARY_ACTIONS = "library.actions"
    """On the library page, beside its first button. `film` is None. Not on TVs."""
    SIGN_IN = "sign-in"
    """On the sign-in page, below the browser's wallets. `film` is None."""
    LIBRARY_FILTERS = "library.filters"
    """On the library page, above the films; on TVs below them. `film` is None."""
    FILM_DETAILS = "film.details"
    """On a film's page, in a section of its own below its rights. `film` is that film. Not on TVs."""
    TRANSACTION = "transaction"
    """On the page of a transaction that a wallet has to confirm, below its steps. `film` is None."""
    HOME_ROWS = "home.rows"
    """On the library page, as a row of films, also on TVs. `film` is None."""
    ADMIN = "admin"
    """On the admin page, in a section of its own below the plugins. `film` is None."""
    TITLE = "title"
    """On a publisher's page of a title that is on chain, as what comes next. `film` is the film it became."""
    HEAD = "head"
    """In the head of every page: `<link>` and `<script src>` only. `film` is None."""
    PLAYER = "player"
    """Over the picture while a film plays; scripts use `player-api.js`. `film` is that film."""


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A small uploaded file, held in memory."""

    filename: str
    body: bytes


class SentValues(dict[str, Any]):
    """What somebody sent, by name. A name that is missing raises InvalidValue, which is answered 400."""

    def __missing__(self, name: str) -> Any:
        """Refuse a name that was not sent."""
        raise InvalidValue(f"{name} is missing.", fix=f"Fill in {name} and send it again.")


@dataclass(frozen=True, slots=True)
class PluginRequest:
    """A request to a plugin's route.

    Attributes:
        viewer: the signed-in viewer; None if nobody is (only on a route with `role=None`).
        params: the values of the places in the route's path, percent-decoded.
        query: the query parameters, first value of each name.
        form: fields of a posted form, 200 at most with the files; a list where a name came more than once.
        json: the decoded JSON body; None if there is none, or it is none on a route with a token.
        files: the files of a posted form, by field name.
        headers: the request's headers by lower-case name, without cookies and authorization.
        body: the body as it was sent; empty for a form with files.
        locale: how the viewer's browser wants numbers and dates (BCP 47), for `sdk.formatting`.

    What is read as `request.form["tag"]` and was not sent is answered 400; likewise in `query`, `files`, and
    a JSON object.
    """

    viewer: Viewer | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    json: Any = None
    files: Mapping[str, UploadedFile] = field(default_factory=dict)
    locale: str = ENGLISH
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        """Make a name that was not sent a mistake of who sent the request, not of the plugin."""
        for name in ("query", "form", "files", "json", "headers"):
            sent = getattr(self, name)
            if isinstance(sent, Mapping):
                object.__setattr__(self, name, SentValues(sent))

    def value(self, name: str) -> str:
        """Return a text from the JSON object or else from the form; empty if there is none.

        Raises:
            InvalidValue: the value is not a single text.
        """
        source = self.json if isinstance(self.json, Mapping) else self.form
        found = source.get(name, "")
        if not isinstance(found, str):
            raise InvalidValue(f"{name} must be one text.", fix=f"Send {name} once, as text.")
        return found


@dataclass(frozen=True, slots=True)
class Page:
    """Answer with one of the plugin's own templates (a name inside its `template_dirs`)."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Json:
    """Answer with a value that `json.dumps` can write."""

    value: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Answer a form with another page of this server (303 See Other)."""

    to: str

    def __post_init__(self) -> None:
        """Check that it does not lead to another site.

        Raises:
            InvalidValue: `to` is not a path on this server.
        """
        if not LOCAL_PATH.fullmatch(self.to):
            raise InvalidValue(f"{self.to!r} is not a path on this server.", fix="Begin it with one '/'.")


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """Answer with an error: an HTTP status from 400 up, a plain sentence, and what to do about it."""

    status: int
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """Answer with a file to download: a name without folders, its media type, its bytes."""

    filename: str
    content_type: str
    body: bytes


Reply = Page | Json | Redirect | ErrorReply | Download
"""The answer of a route."""


@dataclass(frozen=True, slots=True)
class NavItem:
    """An entry of the navigation; lower `order` comes first.

    Attributes:
        path: below the plugin's own URL, without a leading '/'; in the result of `Dispatch.nav_items`
            the whole path.
    """

    label: str
    path: str = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class Fragment:
    """A part of a core page: one of the plugin's own templates with its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardFragment:
    """A part of a film's card: one of the plugin's own templates, which draws a few words or a sign.

    The card is a link: what is drawn can hold no link, button or form. If it does, it is not shown, and
    counts as an error of the plugin; `plugin check` finds it in templates.
    """

    film: FilmId
    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
