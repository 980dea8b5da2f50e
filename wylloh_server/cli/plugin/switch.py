"""`wylloh plugin enable` and `disable`: change `plugins.disabled` in the settings file, and no more."""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click
import tomlkit
from tomlkit.items import Array, Table

from wylloh_server.cli.options import settings_file
from wylloh_server.cli.plugin._known import known_plugin
from wylloh_server.config import load_settings
from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE = "WYLLOH_PLUGINS__DISABLED"
_NEXT = "The server follows when it starts the next time."

_config = click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")


@click.command()
@click.argument("name")
@_config
def disable(name: str, config: Path | None) -> None:
    """Keep a plugin from being loaded; its tables stay."""
    file = _file(config)
    settings = load_settings(file)
    if name in settings.plugins.disabled:
        click.echo(f"{name} is disabled already.")
        return
    known_plugin(settings, name)
    change_disabled(file, lambda disabled: disabled.append(name))
    click.echo(f"{name} is disabled in {file}. {_NEXT}")


@click.command()
@click.argument("name")
@_config
def enable(name: str, config: Path | None) -> None:
    """Let a disabled plugin be loaded again."""
    file = _file(config)
    settings = load_settings(file)
    if name not in settings.plugins.disabled:
        known_plugin(settings, name)
        click.echo(f"{name} is enabled already.")
        return
    change_disabled(file, lambda disabled: disabled.remove(name))
    click.echo(f"{name} is enabled in {file}. {_NEXT}")


def change_disabled(file: Path, change: Callable[[Array], None]) -> None:
    """Change the list in the file; comments and everything else stay as they are. All is written, or nothing.

    Raises:
        SettingsError: the file is written in a way that cannot be changed here.
        OSError: it cannot be written.
    """
    text = file.read_text(encoding="utf-8")
    document = tomlkit.parse(text)
    plugins = document.setdefault("plugins", tomlkit.table())
    disabled = plugins.setdefault("disabled", tomlkit.array()) if isinstance(plugins, Table) else None
    if not isinstance(disabled, Array):
        raise _by_hand(file)
    change(disabled)
    written = document.as_string()
    if tomllib.loads(written)["plugins"]["disabled"] != disabled.unwrap():
        raise _by_hand(file)
    _replace(file.resolve(), written)


def _by_hand(file: Path) -> SettingsError:
    return SettingsError(
        f"the plugins in {file} are written in a way that this command cannot change",
        fix="Edit plugins.disabled there by hand.",
    )


def _file(config: Path | None) -> Path:
    if _VARIABLE in os.environ:
        raise SettingsError(
            f"the variable {_VARIABLE} says which plugins are disabled, and wins over any file",
            fix="Change that variable.",
        )
    file = settings_file(config)
    if file is None:
        raise SettingsError("there is no settings file", fix="Name one with --config.")
    return file


def _replace(file: Path, text: str) -> None:
    descriptor, new = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as written:
            written.write(text)
        Path(new).chmod(file.stat().st_mode & 0o777)
        Path(new).replace(file)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
