"""The data folder that a plugin is tried in: with its settings, and a copy of its tables, of this server."""

from __future__ import annotations

import sqlite3
import tomllib
from typing import TYPE_CHECKING, Any

import tomlkit

from wylloh_server.domain.errors import PluginError
from wylloh_server.storage.engine import sqlite_file
from wylloh_server.storage.plugin_dry_run import copy_tables
from wylloh_server.storage.plugin_schemas import table_prefix
from wylloh_server.storage.plugin_tables_move import tables_file

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.config import Settings

_TABLES, _SETTINGS = "wylloh.sqlite3", "plugin.toml"


def prepare_trial_data(settings: Settings, plugin: str, folder: Path) -> None:
    """Put what this server has of a plugin into the empty data folder of a trial.

    Tables in PostgreSQL are not copied: a transaction there includes their changes, see `PluginSchemas`.

    Raises:
        PluginError: the tables cannot be copied.
    """
    own = tomlkit.dumps(settings.plugins.settings.get(plugin, {}))
    (folder / _SETTINGS).write_text(own, encoding="utf-8")
    own_file = tables_file(settings.server.data, plugin)
    file = own_file if own_file.exists() else sqlite_file(settings.database_url)
    if file is None or not file.exists():
        return
    try:
        copy_tables(file, folder / _TABLES, table_prefix(plugin))
    except (sqlite3.Error, OSError) as error:
        raise PluginError(
            f"The tables of {plugin} could not be copied to try its upgrade on: {error}.",
            fix="Free some room for temporary files, or set TMPDIR to a folder that has it.",
        ) from error


def has_tables(folder: Path) -> bool:
    """Return whether a trial's data folder holds tables already."""
    return (folder / _TABLES).exists() and (folder / _TABLES).stat().st_size > 0


def trial_settings(folder: Path) -> dict[str, Any]:
    """Return the settings that the plugin has on this server."""
    file = folder / _SETTINGS
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
