"""Asks the running plugins. Each answers for itself: one that fails or hangs costs its own answer only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.domain.access import Verdict, Vote
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound, PluginError, WyllohError
from wylloh_server.hooks._calls import answered, invoke
from wylloh_server.hooks.declarations import Fragment, Json, NavItem, Page, Redirect, Refusal
from wylloh_server.hooks.records import PluginStatus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pluggy import HookImpl

    from wylloh_server.domain.access import AccessRequest, Role, Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.hooks.declarations import MountedRoute, PluginRequest, Reply
    from wylloh_server.hooks.records import Plugin
    from wylloh_server.hooks.registry import PluginRegistry

_Item = TypeVar("_Item", NavItem, Fragment)

_STATUS: tuple[tuple[type[WyllohError], int], ...] = (
    (InvalidValue, 400),
    (AccessRefused, 403),
    (NotFound, 404),
)
_LOOK = "Whoever runs this server finds the reason on the admin page."


@dataclass(frozen=True, slots=True)
class Ballot:
    """The outcome of a vote. `plugins` names those whose vote was the outcome; nobody's if they abstained."""

    vote: Vote
    plugins: tuple[str, ...] = ()


class Dispatch:
    """Calls hooks and routes of a registry's running plugins. It keeps no state: make one anywhere."""

    def __init__(self, registry: PluginRegistry) -> None:
        self._registry = registry

    async def nav_items(self, viewer: Viewer | None) -> tuple[NavItem, ...]:
        """Give all entries in order; `path` is the whole path on this server."""
        found = [
            NavItem(item.label, f"/plugins/{plugin.name}/{item.path}", item.order)
            async for plugin, item in self._gather("nav_items", NavItem, viewer=viewer)
        ]
        return tuple(sorted(found, key=lambda item: (item.order, item.label)))

    async def fragments(
        self, slot: str, film: Film | None, viewer: Viewer | None
    ) -> tuple[tuple[str, Fragment], ...]:
        """Give the fragments for a slot, each with its plugin's name (the prefix of its template)."""
        given = {"slot": slot, "film": film, "viewer": viewer}
        return tuple(
            [(plugin.name, item) async for plugin, item in self._gather("page_fragments", Fragment, **given)]
        )

    async def access_vote(self, request: AccessRequest) -> Vote:
        """Ask everybody: deny beats allow beats abstain, and a vote that fails is a denial."""
        return (await self.ballot(request)).vote

    async def ballot(self, request: AccessRequest) -> Ballot:
        """Ask everybody, as `access_vote` does, and say whose votes made the outcome."""
        votes = [
            (plugin.name, await self._vote(plugin, implementation, request))
            for plugin, implementation in self._registry.implementations("access_vote")
        ]
        for verdict in (Verdict.DENY, Verdict.ALLOW):
            same = [(name, vote) for name, vote in votes if vote.verdict is verdict]
            if same:
                return Ballot(same[0][1], tuple(name for name, _ in same))
        return Ballot(Vote(Verdict.ABSTAIN))

    async def answer(self, mounted: MountedRoute, request: PluginRequest) -> Reply:
        """Call a route's handler. Never raises: what goes wrong is a Refusal.

        A refusal for want of a role has status 401 when nobody is signed in and 403 otherwise.
        """
        plugin = self._registry.plugin(mounted.plugin)
        if plugin is None or plugin.context is None or plugin.status is not PluginStatus.RUNNING:
            return Refusal(503, f"The plugin {mounted.plugin} is not running.", _LOOK)
        refusal = _role_refusal(mounted.route.role, request.viewer)
        if refusal is not None:
            return refusal
        try:
            work = mounted.route.handler(plugin.context, request)
            return _checked(await answered(work, self._registry.limits.answer))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            return _refusal(plugin, mounted, error)

    def report(self, plugin: str, where: str, error: BaseException) -> None:
        """Count a failure that showed elsewhere, such as in a template of the plugin."""
        found = self._registry.plugin(plugin)
        if found is not None:
            found.blame(where, error)

    async def _gather(
        self, hook: str, kind: type[_Item], **given: object
    ) -> AsyncIterator[tuple[Plugin, _Item]]:
        for plugin, implementation in self._registry.implementations(hook):
            try:
                items = await self._ask(plugin, implementation, **given)
                if not isinstance(items, Sequence) or not all(isinstance(item, kind) for item in items):
                    raise PluginError(f"must return a list of {kind.__name__}")  # noqa: TRY301 - one place blames
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything
                plugin.blame(hook, error)
                continue
            for item in items:
                yield plugin, item

    async def _vote(self, plugin: Plugin, implementation: HookImpl, request: AccessRequest) -> Vote:
        try:
            vote = await self._ask(plugin, implementation, request=request)
            if vote is not None and not isinstance(vote, Vote):
                raise PluginError("must return a Vote or None")  # noqa: TRY301 - one place blames
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            plugin.blame("access_vote", error)
            sentence = f"The plugin {plugin.name} could not say whether you may watch this. {_LOOK}"
            return Vote(Verdict.DENY, sentence)
        return vote or Vote(Verdict.ABSTAIN)

    async def _ask(self, plugin: Plugin, implementation: HookImpl, **given: object) -> object:
        work = invoke(implementation, context=plugin.context, **given)
        return await answered(work, self._registry.limits.answer)


def _role_refusal(role: Role | None, viewer: Viewer | None) -> Refusal | None:
    if role is None:
        return None
    if viewer is None:
        return Refusal(401, "Please sign in first.", "Sign in with your wallet.")
    if not viewer.role.includes(role):
        return Refusal(403, f"This is for the role {role} or above.", "Ask the owner of this server.")
    return None


def _checked(reply: Reply) -> Reply:
    if not isinstance(reply, Page | Json | Redirect | Refusal):
        raise PluginError(f"a route must return Page, Json, Redirect or Refusal, not {type(reply).__name__}")
    return reply


def _refusal(plugin: Plugin, mounted: MountedRoute, error: Exception) -> Refusal:
    if isinstance(error, WyllohError):
        for kind, status in _STATUS:
            if isinstance(error, kind):
                return Refusal(status, str(error), error.fix)
    plugin.blame(f"{mounted.route.method} {mounted.url}", error)
    if isinstance(error, TimeoutError):
        return Refusal(504, f"The plugin {plugin.name} took too long to answer.", _LOOK)
    return Refusal(500, f"The plugin {plugin.name} made a mistake and could not answer.", _LOOK)
