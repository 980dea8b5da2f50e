"""`wylloh plugin run`: a command that a plugin offers to anybody who runs the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.plugin.known_plugins import keep_quiet, known_plugin, no_such
from wylloh_server.cli.settings_option import with_settings
from wylloh_server.domain.error_location import located
from wylloh_server.domain.errors import PluginError, WyllohError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.config import Settings
    from wylloh_server.plugins import PluginRegistry
    from wylloh_server.plugins.declarations import Command
    from wylloh_server.plugins.loading import Candidate
    from wylloh_server.plugins.state import Plugin

_GRACE = 5.0
"""Seconds for a command to end when it is interrupted."""


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("plugin")
@click.argument("name", metavar="COMMAND", required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@with_settings
def run(settings: Settings, plugin: str, name: str | None, arguments: tuple[str, ...]) -> None:
    """Run a command of a plugin; without COMMAND, list them. The server must not be running."""
    keep_quiet()
    candidate = known_plugin(settings, plugin)
    if candidate.name in settings.plugins.disabled:
        raise PluginError(f"The plugin {plugin} is disabled.", fix=f"Type: wylloh plugin enable {plugin}")
    registry, found = _loaded(settings, candidate)
    if name is None:
        _list(found)
        return
    command = _command(found, name)
    click.echo(asyncio.run(_done(settings, registry, found, command, arguments)))


def _loaded(settings: Settings, candidate: Candidate) -> tuple[PluginRegistry, Plugin]:
    from wylloh_server.app import plugin_registry

    registry = plugin_registry(settings, [candidate])
    plugin = registry.plugin(candidate.name)
    if plugin is None or plugin.status != "loaded":
        reason = plugin.reason if plugin else ""
        raise PluginError(f"The plugin {candidate.name} does not run: {reason}")
    return registry, plugin


def _list(plugin: Plugin) -> None:
    if not plugin.declared.cli_commands:
        click.echo(f"The plugin {plugin.name} has no commands.")
    for one in plugin.declared.cli_commands:
        click.echo(f"{one.name:<16}  {one.help}")


async def _done(
    settings: Settings, registry: PluginRegistry, plugin: Plugin, command: Command, arguments: Sequence[str]
) -> str:
    from wylloh_server.app import plugins_at_work

    async with plugins_at_work(settings, registry):
        if plugin.context is None or plugin.reason:
            raise PluginError(f"The plugin {plugin.name} does not run: {plugin.reason}")
        try:
            work = command.run(plugin.context, arguments)
            return str(await plugin.call(f"the command {command.name}", work, None, _GRACE))
        except WyllohError:
            raise
        except Exception as error:
            raise PluginError(
                f"The plugin {plugin.name} made a mistake: {located(error, plugin.candidate.folder)}",
                fix="Tell the plugin's author.",
            ) from error


def _command(plugin: Plugin, name: str) -> Command:
    for one in plugin.declared.cli_commands:
        if one.name == name:
            return one
    raise no_such("command", name, [one.name for one in plugin.declared.cli_commands])
