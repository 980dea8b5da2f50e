"""The values a plugin gives the server. They know no web framework and no database driver."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Protocol

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import InvalidValue, PluginError

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import Wallet
    from wylloh_server.hooks.context import PluginContext

_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ROUTE_PATH = re.compile(r"(?:[A-Za-z0-9._/-]|\{[a-z_]+(?::\.\+)?\})*")
_PLACE = re.compile(r"\{([a-z_]+)(:\.\+)?\}")


class Slot(StrEnum):
    """The places on the core's pages where plugins may put a fragment."""

    FILM_ACTIONS = "film.actions"
    """On a film's page, beside its Play button. `film` is that film."""
    FILM_TAGS = "film.tags"
    """On a film's page, below what is said about it. `film` is that film."""
    LIBRARY_ACTIONS = "library.actions"
    """On the library page, beside its first button. `film` is None."""
    SIGN_IN = "sign-in"
    """On the sign-in page, below the browser's wallets. `film` is None."""
    LIBRARY_FILTERS = "library.filters"
    """On the library page, above the films. `film` is None."""
    FILM_DETAILS = "film.details"
    """On a film's page, a section of its own below its rights. `film` is that film."""
    TRANSACTION = "transaction"
    """On the page of a transaction that a wallet has to confirm, below its steps. `film` is None."""
    HOME_ROWS = "home.rows"
    """On the library page, a row of films of its own, also on TVs. `film` is None."""


SettingValue = bool | int | float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a plugin, written as `[plugins.settings.<plugin>]` in the settings file.

    Attributes:
        type: bool, int, float, str, or tuple for a list of texts.
        help: one sentence for the person who fills it in.
    """

    name: str
    type: type[bool | int | float | str | tuple[str, ...]]
    default: SettingValue
    help: str

    def __post_init__(self) -> None:
        """Refuse a setting nobody could write down or understand.

        Raises:
            PluginError: bad name, no help, or a default of another type.
        """
        if not _SETTING_NAME.fullmatch(self.name):
            raise PluginError(f"The setting name {self.name!r} is not lower_case_with_underscores.")
        if not self.help.strip():
            raise PluginError(f"The setting {self.name!r} has no help.")
        if not isinstance(self.default, self.type):
            raise PluginError(f"The default of the setting {self.name!r} is no {self.type.__name__}.")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A small file somebody posted, all of it in memory."""

    filename: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PluginRequest:
    """What somebody asked a plugin's route.

    Attributes:
        viewer: who is signed in, None if nobody (only on a route with `role=None`).
        params: what the places in the route's path matched, percent-decoded.
        query: the address's query, first value of each name.
        form: fields of a posted form; a list where a name came more than once.
        json: the decoded JSON body, None if there was none.
        files: the files of a posted form, by field name.
    """

    viewer: Viewer | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    json: Any = None
    files: Mapping[str, UploadedFile] = field(default_factory=dict)

    def value(self, name: str) -> str:
        """Give one text from the JSON object or else from the form; empty if there is none.

        Raises:
            InvalidValue: there is something under that name, but it is not one text.
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
        """Refuse to send people to another site.

        Raises:
            InvalidValue: `to` is not a path on this server.
        """
        if not re.fullmatch(r"/(?![/\\])[^\\\x00-\x20\x7f]*", self.to):
            raise InvalidValue(f"{self.to!r} is not a path on this server.", fix="Begin it with one '/'.")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Answer no: an HTTP status from 400 up, a plain sentence, and what to do about it."""

    status: int
    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Download:
    """Answer with a file to keep: a name without folders, its media type, its bytes."""

    filename: str
    content_type: str
    body: bytes


Reply = Page | Json | Redirect | Refusal | Download
"""What a route may answer."""
Handler = Callable[["PluginContext", PluginRequest], Coroutine[Any, Any, Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """One address of a plugin, mounted below `/plugins/<plugin>/`.

    Attributes:
        path: without a leading '/'. `{name}` matches one path segment, `{name:.+}` all that follow.
        handler: `async def handler(context, request) -> Reply`. It may raise InvalidValue (answered 400),
            AccessRefused (403), NotFound (404) or ChainError (503); anything else is its own fault (500).
        role: who may call it; None also lets in who is not signed in.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    role: Role | None = Role.VIEWER

    def __post_init__(self) -> None:
        """Refuse paths the server could not mount.

        Raises:
            PluginError: what is wrong with the path.
        """
        if self.path.startswith("/") or not _ROUTE_PATH.fullmatch(self.path):
            raise PluginError(f"The route path {self.path!r} is not of the form 'film/{{film}}/tags'.")
        if self.path.split("/")[0] == "static":
            raise PluginError(f"The route path {self.path!r} hides the plugin's static files.")

    def match(self, path: str) -> dict[str, str] | None:
        """Match a decoded path below the plugin's address; give its places, or None."""
        found = re.fullmatch(self._expression(), path)
        return found.groupdict() if found else None

    def _expression(self) -> str:
        parts, at = [], 0
        for place in _PLACE.finditer(self.path):
            parts += [re.escape(self.path[at : place.start()]), f"(?P<{place[1]}>{_reach(place[2])})"]
            at = place.end()
        return "".join([*parts, re.escape(self.path[at:])])


def _reach(rest: str | None) -> str:
    return ".+" if rest else "[^/]+"


@dataclass(frozen=True, slots=True)
class MountedRoute:
    """A route with the plugin it belongs to. `url` is its path pattern on this server."""

    plugin: str
    route: Route

    @property
    def url(self) -> str:
        """Give `/plugins/<plugin>/<path>`."""
        return f"/plugins/{self.plugin}/{self.route.path}"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry of the navigation; lower `order` comes first.

    Attributes:
        path: below the plugin's own address, without a leading '/'. What `Dispatch.nav_items` gives to
            the pages has the whole path instead.
    """

    label: str
    path: str = ""
    order: int = 100


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of a core page: one of the plugin's own templates with its values."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)


class TaskProgress(Protocol):
    """What a running background task tells people. It ends with CancelledError when somebody cancels it."""

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What it was started with."""

    @property
    def wallet(self) -> Wallet | None:
        """Who started it."""

    async def tell(self, done: int, total: int, says: str = "") -> None:
        """Show progress."""


TaskHandler = Callable[["PluginContext", TaskProgress], Coroutine[Any, Any, "TaskResult"]]


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How a background task ended: one sentence, and the path on this server where its result is."""

    sentence: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A kind of background task.

    Attributes:
        kind: a lower-case word, unique within the plugin.
        handler: `async def handler(context, progress) -> TaskResult`. After a crash it is called again with
            the same arguments, so what it did already must not hurt to be done twice.
    """

    kind: str
    handler: TaskHandler


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """Films somebody selected in a grid, and what was filled in for the action."""

    viewer: Viewer
    films: tuple[Film, ...]
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What a batch action would do, before it does it.

    Attributes:
        sentence: what will happen: `12 films get the tag noir; 3 have it already.`
        fix: when there is nothing to do or it may not be done, what to do instead; then there is no Confirm.
    """

    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class BatchField:
    """Something to fill in before a batch action: `choices` offers a list, else free text."""

    name: str
    label: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BatchAction:
    """An action on many films at once, offered where films are selected.

    Attributes:
        name: a lower-case word, unique within the plugin.
        plan: says what would happen; `async def plan(context, request) -> BatchPlan`.
        task: kind of the plugin's background task that does it; its arguments are
            `{"films": [ids], "values": {…}}`.
        fields: what is asked for before the confirmation: `async def fields(context, viewer)`.
    """

    name: str
    label: str
    plan: Callable[[PluginContext, BatchRequest], Coroutine[Any, Any, BatchPlan]]
    task: str
    fields: Callable[[PluginContext, Viewer], Coroutine[Any, Any, Sequence[BatchField]]] | None = None
    role: Role = Role.VIEWER


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the plugin: `wylloh plugin run <plugin> <name> [arguments]`, for who runs the server.

    `run` gets the arguments as texts and gives what to print. The server must not be running.
    """

    name: str
    help: str
    run: Callable[[PluginContext, Sequence[str]], Coroutine[Any, Any, str]]
