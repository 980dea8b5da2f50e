"""What a plugin declares once: routes, tasks, batch actions and commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.plugin_batch import BatchField, BatchPlan, BatchRequest
    from wylloh_server.domain.plugin_pages import PluginRequest, Reply
    from wylloh_server.domain.task import TaskProgress, TaskResult
    from wylloh_server.plugins.context import PluginContext

_PLACE = re.compile(r"\{([a-z_]+)(:\.\+)?\}")
_ROUTE_PATH = re.compile(r"(?:[A-Za-z0-9._/-]|\{[a-z_]+(?::\.\+)?\})*")
_MOST_PLACES = 2
"""Most places between two '/': the time to match is the length of a path to the power of this."""

Handler = Callable[["PluginContext", "PluginRequest"], Coroutine[Any, Any, "Reply"]]


@dataclass(frozen=True, slots=True)
class PluginRoute:
    """A route of a plugin, mounted below `/plugins/<plugin>/`.

    Attributes:
        path: without a leading '/'. `{name}` matches one path segment, `{name:.+}` all that follow.
        handler: `async def handler(context, request) -> Reply`. It may raise InvalidValue (answered 400),
            AccessRefused (403), NotFound (404) or ChainError (503); any other error is answered 500.
        role: the lowest role that may call it; None for everybody, signed in or not.
        token: for webhooks: the name of a secret setting, whose value they send as `Authorization: Bearer …`,
            from any site, with any body (`request.body`). It is closed while the setting is empty, and for a
            while to an address that sent ten wrong values. Errors are answered as JSON.
        tv: whether a paired TV may call it, too. A TV is for watching: leave it out of what changes anything.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    role: Role | None = Role.VIEWER
    token: str = ""
    tv: bool = False

    def __post_init__(self) -> None:
        """Raise PluginError if the route cannot be mounted."""
        if self.method not in {"GET", "POST"}:
            raise PluginError(f"The route {self.path!r} has the method {self.method!r}. Use GET or POST.")
        if self.path.startswith("/") or not _ROUTE_PATH.fullmatch(self.path):
            raise PluginError(f"The route path {self.path!r} is not of the form 'film/{{film}}/tags'.")
        most = max(part.count("{") for part in self.path.split("/"))
        rests = self.path.count(":.+}")
        if most > _MOST_PLACES or rests > 1 or (most > 1 and rests):
            raise PluginError(f"The route path {self.path!r} has too many places that no '/' parts.")
        if self.path.split("/")[0] == "static":
            raise PluginError(f"The route path {self.path!r} hides the plugin's static files.")

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the places in a path below the plugin's address; None if it does not match."""
        parts = _PLACE.split(self.path)
        places = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
        expression = re.escape(parts[0]) + "".join(
            f"(?P<{name}>{'.+' if rest else '[^/]+'}){re.escape(text)}" for name, rest, text in places
        )
        found = re.fullmatch(expression, path)
        return found.groupdict() if found else None


@dataclass(frozen=True, slots=True)
class MountedRoute:
    """A route and the plugin it belongs to."""

    plugin: str
    route: PluginRoute

    @property
    def url(self) -> str:
        """Its path pattern on this server: `/plugins/<plugin>/<path>`."""
        return f"/plugins/{self.plugin}/{self.route.path}"


TaskHandler = Callable[["PluginContext", "TaskProgress"], Coroutine[Any, Any, "TaskResult"]]


@dataclass(frozen=True, slots=True)
class BackgroundTask:
    """A kind of background task.

    Attributes:
        kind: a lower-case word, unique within the plugin.
        handler: `async def handler(context, progress) -> TaskResult`. After a crash, or when the plugin is
            started again, it is called again with the same arguments, so it must be idempotent.
        every: seconds after which the server starts it again by itself, with no arguments; at least 60, from
            the plugin's first start on. 0 for a task that only the plugin starts.
        title: what people read on `/tasks` of one that the server starts.
    """

    kind: str
    handler: TaskHandler
    every: float = 0
    title: str = ""


@dataclass(frozen=True, slots=True)
class BatchAction:
    """An action on many films at once, offered where films are selected.

    Attributes:
        name: a lower-case word, unique within the plugin.
        plan: returns what would be done; `async def plan(context, request) -> BatchPlan`.
        task: the kind of the plugin's background task that does it; its arguments are
            `{"films": [ids], "values": {…}}`.
        fields: returns what to fill in first; `async def fields(context, viewer)`.
    """

    name: str
    label: str
    plan: Callable[[PluginContext, BatchRequest], Coroutine[Any, Any, BatchPlan]]
    task: str
    fields: Callable[[PluginContext, Viewer], Coroutine[Any, Any, Sequence[BatchField]]] | None = None
    role: Role = Role.VIEWER


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the plugin: `wylloh plugin run <plugin> <name> [arguments]`.

    `run` receives the arguments as texts and returns the text to print. The server must not be running.
    """

    name: str
    help: str
    run: Callable[[PluginContext, Sequence[str]], Coroutine[Any, Any, str]]
