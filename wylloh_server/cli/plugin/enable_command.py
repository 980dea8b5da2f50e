"""`wylloh plugin enable` and `disable`: change `plugins.disabled` in the settings file, and no more."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.adapters.files.settings_file import check_disabled_variable, write_disabled
from wylloh_server.cli.plugin.known_plugins import known_plugin
from wylloh_server.cli.settings_option import settings_file
from wylloh_server.config import load_settings
from wylloh_server.domain.errors import NotFound, SettingsError

if TYPE_CHECKING:
    from wylloh_server.config import Settings

_NEXT = "The server follows when it starts the next time."

_config = click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")


@click.command()
@click.argument("name")
@_config
def disable(name: str, config: Path | None) -> None:
    """Keep a plugin from being loaded; its tables stay."""
    _switch(name, _file(config), off=True)


@click.command()
@click.argument("name")
@_config
def enable(name: str, config: Path | None) -> None:
    """Enable a disabled plugin."""
    _switch(name, _file(config), off=False)


def _switch(name: str, file: Path, *, off: bool) -> None:
    settings, state = load_settings(file), "disabled" if off else "enabled"
    is_off = name in settings.plugins.disabled
    if not is_off:
        _check_known(settings, name)
    if is_off is off:
        click.echo(f"{name} is {state} already.")
        return
    write_disabled(file, name, off)
    click.echo(f"{name} is {state} in {file}. {_NEXT}")


def _check_known(settings: Settings, name: str) -> None:
    """Raise NotFound unless there is such a plugin, or it is gone and had a say in who may watch."""
    from wylloh_server.app.plugin_status import known_voters

    try:
        known_plugin(settings, name)
    except NotFound:
        if name not in asyncio.run(known_voters(settings)):
            raise


def _file(config: Path | None) -> Path:
    check_disabled_variable()
    file = settings_file(config)
    if file is None:
        raise SettingsError("there is no settings file", fix="Name one with --config.")
    return file
