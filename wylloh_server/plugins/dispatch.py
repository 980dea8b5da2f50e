"""Call the hooks, routes and templates of running plugins. A plugin that fails costs its own answer only."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.access import Verdict, Vote, VoteResult, check_role
from wylloh_server.domain.errors import (
    AccessRefused,
    ChainError,
    InvalidValue,
    NotFound,
    PluginError,
    ThemeError,
    WyllohError,
)
from wylloh_server.domain.plugin_pages import CardFragment, ErrorReply, Fragment, NavItem, Reply
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.domain.transaction import Proposal
from wylloh_server.plugins.isolation.remote_errors import ProcessStopped
from wylloh_server.plugins.loading import checked_items
from wylloh_server.plugins.state import PlaceClosed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence

    from wylloh_server.domain.access import AccessRequest, Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.plugin_pages import PluginRequest
    from wylloh_server.plugins.declarations import MountedRoute
    from wylloh_server.plugins.hook import Hook
    from wylloh_server.plugins.plugin_registry import PluginRegistry
    from wylloh_server.plugins.state import Plugin

_Answer = TypeVar("_Answer")
_Item = TypeVar("_Item", NavItem, Fragment, CardFragment, str)
_Function = TypeVar("_Function", bound="Callable[..., Any]")

_STATUS: dict[type[WyllohError], int] = {
    InvalidValue: 400,
    AccessRefused: 403,
    NotFound: 404,
    ChainError: 503,
}
FOR_PEOPLE = tuple(_STATUS)
"""Errors whose message is for the person who asked; they are not failures of the plugin."""
SEE_ADMIN_PAGE = "Whoever runs this server finds the reason on the admin page."


class PluginCallFailed(PluginError):
    """A plugin failed. The failure is recorded; the message is for the person who asked.

    Attributes:
        detail: what failed, with file and line, for who develops the plugin.
    """

    def __init__(self, plugin: Plugin, action: str, error: Exception) -> None:
        self.status, problem = 500, f"made a mistake and could not {action}"
        if isinstance(error, PlaceClosed):
            self.status, problem = 503, f"failed so often that it is not asked to {action} for a while"
        elif isinstance(error, TimeoutError):
            self.status, problem = 504, "took too long to answer"
        self.detail = plugin.last_error
        super().__init__(f"The plugin {plugin.name} {problem}.", fix=SEE_ADMIN_PAGE)


class Dispatch:
    """Calls the running plugins of a registry. Keeps no state."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    async def nav_items(self, viewer: Viewer | None) -> tuple[NavItem, ...]:
        """Return all navigation entries in order; `path` is the whole path on this server."""
        found = [
            NavItem(item.label, f"/plugins/{plugin}/{item.path}", item.order)
            for plugin, item in await self._gather("nav_items", NavItem, viewer=viewer)
        ]
        return tuple(sorted(found, key=lambda item: (item.order, item.label)))

    async def fragments(
        self, slot: str, film: Film | None, viewer: Viewer | None, failed: list[Exception] | None = None
    ) -> list[tuple[str, Fragment]]:
        """Return the fragments of a slot, each with its plugin's name; `failed` takes errors."""
        return await self._gather("page_fragments", Fragment, failed, slot=slot, film=film, viewer=viewer)

    async def film_cards(
        self, films: Sequence[Film], viewer: Viewer, failed: list[Exception] | None = None
    ) -> list[tuple[str, CardFragment]]:
        """Return the fragments of films' cards in the same way. Each plugin is asked once."""
        return await self._gather("film_cards", CardFragment, failed, films=films, viewer=viewer)

    async def admin_notices(self) -> list[tuple[str, str]]:
        """Return what plugins want owner and admins to look at, each with the plugin's name."""
        return await self._gather("admin_notices", str)

    async def count_votes(self, request: AccessRequest) -> VoteResult:
        """Ask every plugin with a vote: deny beats allow beats abstain; a vote that fails is a denial.

        Plugins with a vote that do not run, unless disabled, deny: what they have locked stays locked.
        """
        asked = self._registry.implementations("access_vote")
        votes = list(await asyncio.gather(*(self._vote(*one, request) for one in asked)))
        votes += [
            _failed_vote(plugin, "has a say in who may watch, and it is not running")
            for plugin in self._registry.disabled_voters()
        ]
        for verdict, failed in ((Verdict.DENY, False), (Verdict.DENY, True), (Verdict.ALLOW, False)):
            same = [one for one in votes if one.vote.verdict is verdict and one.failed is failed]
            if same:
                return VoteResult(same[0].vote, tuple(name for one in same for name in one.plugins), failed)
        return VoteResult(Vote(Verdict.ABSTAIN))

    async def renew(self, plugin: str, viewer: Viewer, recipe: Mapping[str, str]) -> Proposal | None:
        """Return a plugin's proposal as it would be now; None if it stays, or the plugin cannot be asked.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: it cannot be done now, and why.
        """
        for found, implementation in self._registry.implementations("renew_proposal"):
            if found.name == plugin:
                try:
                    with recording(found, "renew_proposal", FOR_PEOPLE):
                        work = implementation(context=found.context, viewer=viewer, recipe=recipe)
                        renewed = await found.call("renew_proposal", work, self._registry.limits.page)
                        return _optional(renewed, Proposal)
                except PluginCallFailed:
                    return None
        return None

    async def answer(self, mounted: MountedRoute, request: PluginRequest) -> Reply:
        """Call a route's handler. Never raises: an error becomes an `ErrorReply`.

        A missing role is answered with status 401 when nobody is signed in and with 403 otherwise.
        """
        plugin = self._registry.plugin(mounted.plugin)
        if plugin is None or plugin.context is None or plugin.status is not PluginStatus.RUNNING:
            return _not_running(mounted.plugin, plugin)
        # The route as declared now: the plugin may have been restarted since it was mounted.
        route = plugin.declared.route(mounted.route.method, mounted.route.path)
        if route is None or route.token != mounted.route.token:
            return ErrorReply(404, f"The plugin {plugin.name} no longer has this page.", "Go back.")
        try:
            check_role(request.viewer, route.role)
            where = f"{mounted.route.method} {mounted.url}"
            with recording(plugin, where, FOR_PEOPLE):
                reply = await plugin.call(
                    where, route.handler(plugin.context, request), self._registry.limits.page
                )
                if not isinstance(reply, Reply):
                    raise PluginError(f"a route must return a Reply, not {type(reply).__name__}")
                return reply
        except PluginCallFailed as error:
            return ErrorReply(error.status, str(error), error.fix)
        except FOR_PEOPLE as error:
            signed_out = isinstance(error, AccessRefused) and request.viewer is None and not route.token
            status = next(code for kind, code in _STATUS.items() if isinstance(error, kind))
            return ErrorReply(401 if signed_out else status, str(error), error.fix)

    async def render(self, plugin: str, template: str, work: Coroutine[Any, Any, _Answer]) -> _Answer:
        """Render a plugin's template, once or more often, in the plugin's thread.

        Raises:
            PluginError: there is no such plugin, or its template fails, which is recorded.
            ThemeError: the theme's template in its place fails.
        """
        found, where = self._registry.plugin(plugin), f"the template {template}"
        if found is None or found.failures.is_closed(where):
            work.close()
            raise PluginError(f"The plugin {plugin} cannot draw {template} now.")
        with recording(found, where, (ThemeError,), f"draw {template}"):
            return await found.call(where, work, self._registry.limits.draw)

    def drawing(
        self, plugin: str, template: str, here: Callable[[Mapping[str, object]], Awaitable[str]]
    ) -> Callable[[Mapping[str, object]], Awaitable[str]]:
        """Return what draws a plugin's template: `here`, or its process if it has one."""
        found = self._registry.plugin(plugin)
        return found.remote.drawing(template) if found and found.remote else here

    def on_server_loop(self, plugin: str, function: _Function) -> _Function:
        """Return a function for a plugin's templates that runs on the server's loop."""
        found = self._registry.plugin(plugin)
        return found.proxy.wrap_function(function) if found and found.proxy else function

    def report(self, plugin: str, where: str, error: BaseException) -> None:
        """Record a failure that was found elsewhere, such as in an answer of the plugin."""
        found = self._registry.plugin(plugin)
        if found is not None:
            found.record_failure(where, error)

    async def _gather(
        self, hook: str, kind: type[_Item], failed: list[Exception] | None = None, **given: object
    ) -> list[tuple[str, _Item]]:
        """Ask all plugins at the same time; return each answer with the name of its plugin."""

        async def ask(plugin: Plugin, implementation: Hook) -> list[tuple[str, _Item]]:
            try:
                with recording(plugin, hook):
                    found = await self._hook(plugin, implementation, **given)
                    items = checked_items(found, kind, "it")
            except PluginCallFailed as error:
                if failed is not None:
                    failed.append(error)
                return []
            return [(plugin.name, item) for item in items]

        answers = await asyncio.gather(*(ask(*one) for one in self._registry.implementations(hook)))
        return [found for items in answers for found in items]

    async def _vote(self, plugin: Plugin, implementation: Hook, request: AccessRequest) -> VoteResult:
        try:
            with recording(plugin, "access_vote"):
                vote = _optional(await self._hook(plugin, implementation, request=request), Vote)
        except PluginCallFailed:
            return _failed_vote(plugin, "could not say whether you may watch this")
        return VoteResult(vote or Vote(Verdict.ABSTAIN), (plugin.name,))

    async def _hook(self, plugin: Plugin, implementation: Hook, **given: object) -> Any:
        work = implementation(context=plugin.context, **given)
        return await plugin.call(implementation.name, work, self._registry.limits.answer)


@contextmanager
def recording(
    plugin: Plugin, where: str, passing: tuple[type[Exception], ...] = (), action: str = "answer"
) -> Iterator[None]:
    """Record an error as a failure of the plugin, except those that pass.

    Raises:
        PluginCallFailed: instead of the error; or the place failed too often and is closed.
    """
    try:
        plugin.check_open(where)
        yield
    except passing:
        raise
    except PlaceClosed as error:
        raise PluginCallFailed(plugin, action, error) from error
    except Exception as error:
        if not isinstance(error, ProcessStopped):
            plugin.record_failure(where, error)
        raise PluginCallFailed(plugin, action, error) from error


def _optional(answer: object, kind: type[_Answer]) -> _Answer | None:
    if answer is not None and not isinstance(answer, kind):
        raise PluginError(f"must return a {kind.__name__} or None")
    return answer


def _failed_vote(plugin: Plugin, problem: str) -> VoteResult:
    message = f"The plugin {plugin.name} {problem}. {SEE_ADMIN_PAGE}"
    return VoteResult(Vote(Verdict.DENY, message), (plugin.name,), failed=True)


def _not_running(name: str, plugin: Plugin | None) -> ErrorReply:
    stopped = plugin is not None and plugin.status is PluginStatus.STOPPED
    problem = "was stopped because it misbehaved" if stopped else "is not running"
    return ErrorReply(503, f"The plugin {name} {problem}.", SEE_ADMIN_PAGE)
