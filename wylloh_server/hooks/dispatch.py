"""Asks the running plugins. Each answers for itself: one that fails or hangs costs its own answer only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.domain.access import Verdict, Vote
from wylloh_server.domain.errors import (
    AccessRefused,
    ChainError,
    InvalidValue,
    NotFound,
    PluginError,
    WyllohError,
)
from wylloh_server.domain.transaction import Proposal
from wylloh_server.hooks._calls import invoke
from wylloh_server.hooks.declarations import Fragment, NavItem, Refusal, Reply
from wylloh_server.hooks.records import PluginStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from pluggy import HookImpl

    from wylloh_server.domain.access import AccessRequest, Role, Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.hooks.declarations import MountedRoute, PluginRequest
    from wylloh_server.hooks.records import Plugin
    from wylloh_server.hooks.registry import PluginRegistry

_Item = TypeVar("_Item", NavItem, Fragment)
_Function = TypeVar("_Function", bound="Callable[..., Any]")

_STATUS: tuple[tuple[type[WyllohError], int], ...] = (
    (InvalidValue, 400),
    (AccessRefused, 403),
    (NotFound, 404),
    (ChainError, 503),
)
_LOOK = "Whoever runs this server finds the reason on the admin page."


@dataclass(frozen=True, slots=True)
class Ballot:
    """The outcome of a vote.

    Attributes:
        plugins: those whose vote was the outcome; nobody's if they abstained.
        failed: it is a denial only because they could not be asked.
    """

    vote: Vote
    plugins: tuple[str, ...] = ()
    failed: bool = False


class Dispatch:
    """Calls hooks and routes of a registry's running plugins. It keeps no state: make one anywhere."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    async def nav_items(self, viewer: Viewer | None) -> tuple[NavItem, ...]:
        """Give all entries in order; `path` is the whole path on this server."""
        found = [
            NavItem(item.label, f"/plugins/{plugin.name}/{item.path}", item.order)
            for plugin, item in await self._gather("nav_items", NavItem, viewer=viewer)
        ]
        return tuple(sorted(found, key=lambda item: (item.order, item.label)))

    async def fragments(
        self, slot: str, film: Film | None, viewer: Viewer | None
    ) -> tuple[tuple[str, Fragment], ...]:
        """Give the fragments for a slot, each with its plugin's name (the prefix of its template)."""
        given = {"slot": slot, "film": film, "viewer": viewer}
        found = await self._gather("page_fragments", Fragment, **given)
        return tuple((plugin.name, item) for plugin, item in found)

    async def access_vote(self, request: AccessRequest) -> Vote:
        """Ask everybody: deny beats allow beats abstain, and a vote that fails is a denial."""
        return (await self.ballot(request)).vote

    async def ballot(self, request: AccessRequest) -> Ballot:
        """Ask everybody, as `access_vote` does, and say whose votes made the outcome.

        Plugins that have a vote and do not run (but for disabled ones) deny: what they locked stays locked.
        """
        votes = [
            await self._vote(plugin, implementation, request)
            for plugin, implementation in self._registry.implementations("access_vote")
        ]
        votes += [_silent(plugin) for plugin in self._registry.silenced()]
        for verdict, failed in ((Verdict.DENY, False), (Verdict.DENY, True), (Verdict.ALLOW, False)):
            same = [one for one in votes if one.vote.verdict is verdict and one.failed is failed]
            if same:
                names = tuple(name for one in same for name in one.plugins)
                return Ballot(same[0].vote, names, failed)
        return Ballot(Vote(Verdict.ABSTAIN))

    async def renew(self, plugin: str, viewer: Viewer, recipe: Mapping[str, str]) -> Proposal | None:
        """Have a plugin prepare a proposal anew; None when it keeps it, or cannot be asked.

        Raises:
            InvalidValue, AccessRefused, NotFound, ChainError: the plugin says why it cannot be done now.
        """
        asked = [one for one in self._registry.implementations("renew_proposal") if one[0].name == plugin]
        for found, implementation in asked:
            try:
                renewed = await self._ask(found, implementation, viewer=viewer, recipe=recipe)
                if renewed is not None and not isinstance(renewed, Proposal):
                    raise PluginError("must return a Proposal or None")  # noqa: TRY301 - one place blames
            except (InvalidValue, AccessRefused, NotFound, ChainError):
                raise
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                found.blame("renew_proposal", error)
                return None
            return renewed
        return None

    async def answer(self, mounted: MountedRoute, request: PluginRequest) -> Reply:
        """Call a route's handler. Never raises: what goes wrong is a Refusal.

        A refusal for want of a role has status 401 when nobody is signed in and 403 otherwise.
        """
        plugin = self._registry.plugin(mounted.plugin)
        if plugin is None or plugin.context is None or plugin.status is not PluginStatus.RUNNING:
            return _not_running(mounted.plugin, plugin)
        route = plugin.declared.route(mounted.route.method, mounted.route.path)
        if route is None:
            return Refusal(404, f"The plugin {plugin.name} no longer has this page.", "Go back.")
        refusal = _role_refusal(route.role, request.viewer)
        if refusal is not None:
            return refusal
        try:
            work = route.handler(plugin.context, request)
            return _checked(await plugin.ask(_address(mounted), work, self._registry.limits.answer))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return _refusal(plugin, mounted, error)

    async def drawn(self, plugin: str, template: str, work: Coroutine[Any, Any, str]) -> str:
        """Have one of a plugin's templates drawn in the plugin's thread.

        Raises:
            Exception: whatever the template raises, or TimeoutError. It has been counted.
        """
        found = self._registry.plugin(plugin)
        if found is None:
            work.close()
            raise PluginError(f"There is no plugin {plugin}.")
        try:
            return await found.ask(f"the template {template}", work, self._registry.limits.draw)
        except Exception as error:
            found.blame(f"the template {template}", error)
            raise

    def carried(self, plugin: str, function: _Function) -> _Function:
        """Give a function that runs on the server's loop, for the templates of a plugin."""
        found = self._registry.plugin(plugin)
        return found.bridge.carried(function) if found and found.bridge else function

    def report(self, plugin: str, where: str, error: BaseException) -> None:
        """Count a failure that showed elsewhere, such as in a template of the plugin."""
        found = self._registry.plugin(plugin)
        if found is not None:
            found.blame(where, error)

    async def _gather(self, hook: str, kind: type[_Item], **given: object) -> list[tuple[Plugin, _Item]]:
        """Ask all plugins at once, so that slow ones are waited for together."""

        async def asked(plugin: Plugin, implementation: HookImpl) -> list[tuple[Plugin, _Item]]:
            try:
                items = await self._ask(plugin, implementation, **given)
                if not isinstance(items, Sequence) or not all(isinstance(item, kind) for item in items):
                    raise PluginError(f"must return a list of {kind.__name__}")  # noqa: TRY301 - one place blames
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                plugin.blame(hook, error)
                return []
            return [(plugin, item) for item in items]

        answers = [asked(*one) for one in self._registry.implementations(hook)]
        return [found for items in await asyncio.gather(*answers) for found in items]

    async def _vote(self, plugin: Plugin, implementation: HookImpl, request: AccessRequest) -> Ballot:
        try:
            vote = await self._ask(plugin, implementation, request=request)
            if vote is not None and not isinstance(vote, Vote):
                raise PluginError("must return a Vote or None")  # noqa: TRY301 - one place blames
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            plugin.blame("access_vote", error)
            sentence = f"The plugin {plugin.name} could not say whether you may watch this. {_LOOK}"
            return Ballot(Vote(Verdict.DENY, sentence), (plugin.name,), failed=True)
        return Ballot(vote or Vote(Verdict.ABSTAIN), (plugin.name,))

    async def _ask(self, plugin: Plugin, implementation: HookImpl, **given: object) -> object:
        work = invoke(implementation, context=plugin.context, **given)
        return await plugin.ask(implementation.function.__name__, work, self._registry.limits.answer)


def _silent(plugin: Plugin) -> Ballot:
    sentence = f"The plugin {plugin.name} has a say in who may watch, and it is not running. {_LOOK}"
    return Ballot(Vote(Verdict.DENY, sentence), (plugin.name,), failed=True)


def _not_running(name: str, plugin: Plugin | None) -> Refusal:
    if plugin is not None and plugin.status is PluginStatus.STOPPED:
        return Refusal(503, f"The plugin {name} was stopped because it misbehaved.", _LOOK)
    return Refusal(503, f"The plugin {name} is not running.", _LOOK)


def _address(mounted: MountedRoute) -> str:
    return f"{mounted.route.method} {mounted.url}"


def _role_refusal(role: Role | None, viewer: Viewer | None) -> Refusal | None:
    if role is None:
        return None
    if viewer is None:
        return Refusal(401, "Please sign in first.", "Sign in with your wallet.")
    if not viewer.role.includes(role):
        return Refusal(403, f"This is for the role {role} or above.", "Ask the owner of this server.")
    return None


def _checked(reply: Reply) -> Reply:
    if not isinstance(reply, Reply):
        raise PluginError(f"a route must return a Reply, not {type(reply).__name__}")
    return reply


def _refusal(plugin: Plugin, mounted: MountedRoute, error: Exception) -> Refusal:
    if isinstance(error, WyllohError):
        for kind, status in _STATUS:
            if isinstance(error, kind):
                return Refusal(status, str(error), error.fix)
    plugin.blame(_address(mounted), error)
    if isinstance(error, TimeoutError):
        return Refusal(504, f"The plugin {plugin.name} took too long to answer.", _LOOK)
    return Refusal(500, f"The plugin {plugin.name} made a mistake and could not answer.", _LOOK)
