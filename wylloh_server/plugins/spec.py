"""Every hook a plugin can implement. The docstrings are the documentation.

Each says when the hook is called, what to return, and what happens if it fails. An implementation takes
only the arguments it needs, by name. Two families:

- *declared once*, plain functions, called when the server loads the plugin;
- *called while running*, `async def`, each with a deadline (`plugins.timeout_seconds`).

All of a plugin's code runs in a process or a thread of its own. One that keeps failing, or does not come
back, is stopped; `limits` says when.

A hook ships together with a bundled plugin that uses it.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from wylloh_server.domain.access import AccessRequest, Viewer, Vote
    from wylloh_server.domain.events import Event
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.plugin_pages import CardFragment, Fragment, NavItem
    from wylloh_server.domain.plugin_settings import Setting
    from wylloh_server.domain.ports.plugin_tables import Migration
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.plugins.context import PluginContext
    from wylloh_server.plugins.declarations import (
        BackgroundTask,
        BatchAction,
        Command,
        PluginRoute,
    )

PROJECT = "wylloh"
ENTRY_POINT_GROUP = "wylloh.plugins"
PREFIX = "wylloh_"
"""What a plugin's package is called before its name: the plugin `mine` is the package `wylloh_mine`."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as the implementation of the hook of its name."""


class Hooks(ABC):
    """The hooks. A plugin is a module; `self` is not one of its arguments."""

    @abstractmethod
    def settings(self) -> Sequence[Setting]:
        """Declare the plugin's settings.

        When: the server loads the plugin, before anything else of it is called.
        Return: the settings; their values arrive checked in `context.settings`.
        If it fails, or the settings file holds a wrong value: the plugin does not start, and its record
        says which.
        """

    @abstractmethod
    def migrations(self) -> Sequence[Migration]:
        """Declare the plugin's tables.

        When: the server loads the plugin; steps not yet run on this database run at start-up, on a copy of
        the plugin's tables first.
        Return: the steps, oldest first, with names that sort (`0001_…`). All tables and indexes are named
        `plugin_<plugin>_…`. A step that has been released is never changed; add another.
        If it fails: the tables stay as they were, the plugin does not start, and its record says why.
        """

    @abstractmethod
    def event_types(self) -> Sequence[type[Event]]:
        """Declare the events the plugin emits, beside those the server has.

        When: the server loads the plugin.
        Return: frozen dataclasses that derive from `Event`, named in the past tense, each with a docstring.
        If it fails: the plugin does not start, and its record says why.
        """

    @abstractmethod
    def routes(self) -> Sequence[PluginRoute]:
        """Declare the plugin's own addresses, mounted below `/plugins/<plugin>/`.

        When: the server loads the plugin.
        Return: the routes; the first that matches answers.
        If it fails: the plugin does not start. If a handler fails later: whoever asked gets a plain
        sentence with status 500 (504 when it took too long), and the record counts it.
        """

    @abstractmethod
    def template_dirs(self) -> Sequence[Path]:
        """Declare folders of Jinja templates.

        When: the server loads the plugin.
        Return: existing folders. Inside templates a plugin's own are called `<plugin>/<file>`; `Page` and
        `Fragment` name them without the prefix. They extend the theme's `base.html`.
        If it fails: the plugin does not start. If a template fails: that page or fragment is missing.
        """

    @abstractmethod
    def static_dirs(self) -> Sequence[Path]:
        """Declare folders of files for browsers, served below `/plugins/<plugin>/static/`.

        When: the server loads the plugin.
        Return: existing folders. Everybody who can reach the server can read these files.
        If it fails: the plugin does not start, and its record says why.
        """

    @abstractmethod
    def cli_commands(self) -> Sequence[Command]:
        """Declare commands for who runs the server: `wylloh plugin run <plugin> <command>`.

        When: the plugin is loaded. A command runs while the server does not, with everything else of the
        plugin at work: its migrations have run and its `lifespan` has begun.
        Return: the commands, each with a name of its own.
        If it fails: the plugin does not start. If a command fails later: it ends with its sentence and
        exit code 1.
        """

    @abstractmethod
    def background_tasks(self) -> Sequence[BackgroundTask]:
        """Declare the kinds of background task the plugin does; `context.tasks.start` starts one.

        When: the server loads the plugin.
        Return: the kinds. A task has no deadline. People see it on `/tasks` with its progress, and can cancel
        it; after a crash or restart of server or plugin its handler is called again with the same arguments.
        If it fails: the plugin does not start. If a handler fails later: the task is shown as failed, with
        the sentence of an InvalidValue, AccessRefused, NotFound or ChainError; other errors are counted.
        """

    @abstractmethod
    def batch_actions(self) -> Sequence[BatchAction]:
        """Declare actions on many films at once, offered wherever films are selected.

        When: the server loads the plugin.
        Return: the actions. Each says what it would do before it does it, and is done by one of the plugin's
        background tasks.
        If it fails: the plugin does not start. If `plan` or `fields` fails later: whoever asked is told so,
        nothing is done, and the record counts it.
        """

    @abstractmethod
    def lifespan(self, context: PluginContext) -> AsyncIterator[object]:
        """Run code when the server starts and when it stops, and keep state between the two.

        When: after the migrations, before the first request; the second half when the server stops.
        Return: write it as `async def` with one `yield` between the two halves. What it yields is
        `context.state` in every hook, handler, task and command called afterwards.
        If the first half fails or takes too long: the plugin does not start, and its record says why. If
        the second does: it is cancelled, and the server stops all the same.
        """

    @abstractmethod
    async def nav_items(self, context: PluginContext, viewer: Viewer | None) -> Sequence[NavItem]:
        """Add to the navigation of every page.

        When: a page is drawn. `viewer` is None when nobody is signed in.
        Return: the entries.
        If it fails or takes too long: the page is drawn without them.
        """

    @abstractmethod
    async def page_fragments(
        self, context: PluginContext, slot: str, film: Film | None, viewer: Viewer | None
    ) -> Sequence[Fragment]:
        """Put something on one of the core's pages.

        When: a page with a slot is drawn; `Slot` lists them. `film` is the page's film, if it has one.
        Return: fragments for this slot, none for slots the plugin does not know.
        If it fails or takes too long: the page is drawn without them.
        """

    @abstractmethod
    async def film_cards(
        self, context: PluginContext, films: Sequence[Film], viewer: Viewer
    ) -> Sequence[CardFragment]:
        """Put something on the cards of films in the library.

        When: a page with cards is drawn; once for all of its `films`.
        Return: at most a few fragments for each film, none for those without anything to say.
        If it fails or takes too long: the cards are drawn without them.
        """

    @abstractmethod
    async def admin_notices(self, context: PluginContext) -> Sequence[str]:
        """Show owner and admins what they should look at, beside the plugin's name on the admin page.

        When: the admin page is drawn.
        Return: sentences, each with what to do; none while all is well.
        If it fails or takes too long: the page is drawn without them, and the record counts it.
        """

    @abstractmethod
    async def on_event(self, context: PluginContext, event: Event) -> None:
        """Hear about something that has happened.

        When: afterwards, one event at a time and in order, from the plugin's own bounded queue. While that
        queue is full, new events are dropped, and the record counts them.
        Return: nothing.
        If it fails or takes too long: the record counts it, and the next event comes. A plugin that misses
        too many while it hears one is stopped.
        """

    @abstractmethod
    async def access_vote(self, context: PluginContext, request: AccessRequest) -> Vote | None:
        """Have a say in whether somebody may use a right of a film, by default to watch it.

        When: playback is asked for, again while it lasts, and each time the film's page is drawn.
        Return: a vote with a sentence for the viewer; None abstains. Deny beats allow beats abstain.
        If it fails or takes too long: it counts as a denial, though a film that plays already goes on. The
        same while a plugin with this hook is stopped or could not start, until it is disabled.
        """

    @abstractmethod
    async def renew_proposal(
        self, context: PluginContext, viewer: Viewer, recipe: Mapping[str, str]
    ) -> Proposal | None:
        """Prepare one of the plugin's proposals anew, because prices, holdings and permissions change.

        When: a proposal with a `recipe` waits for its wallet, nothing of it was sent yet, and it is shown
        again or the wallet is about to be asked.
        Return: what would be proposed now; None keeps what was. An InvalidValue, AccessRefused, NotFound or
        ChainError says why it cannot be done now; then the wallet is not asked.
        If it fails or takes too long: the proposal stays as it was, and its call is tried on the chain.
        """


HOOKS: tuple[str, ...] = tuple(name for name in vars(Hooks) if name in Hooks.__abstractmethods__)
"""The names of all hooks, in the order of this file."""

for _name in HOOKS:
    pluggy.HookspecMarker(PROJECT)(vars(Hooks)[_name])

RUNNING_HOOKS = frozenset(name for name in HOOKS if inspect.iscoroutinefunction(vars(Hooks)[name]))
"""The hooks that are `async def` and have a deadline. All others are declared once."""
