"""Changes the settings file: what is asked for and no more; comments and everything else stay as they are."""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Table

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomlkit import TOMLDocument

    from wylloh_server.domain.plugin_settings import SettingValue

_VARIABLES = "WYLLOH_PLUGINS__SETTINGS"
_DISABLED = "WYLLOH_PLUGINS__DISABLED"


def change_disabled(file: Path, change: Callable[[Array], None]) -> None:
    """Change the list in the file; comments and everything else stay as they are. All is written, or nothing.

    Raises:
        SettingsError: the file cannot be read, or is written in a way that cannot be changed here.
        OSError: it cannot be written.
    """
    document = _document(file)
    plugins = document.setdefault("plugins", tomlkit.table())
    disabled = plugins.setdefault("disabled", tomlkit.array()) if isinstance(plugins, Table) else None
    if not isinstance(disabled, Array):
        raise _by_hand(file, "plugins.disabled")
    change(disabled)
    written = document.as_string()
    if tomllib.loads(written)["plugins"]["disabled"] != disabled.unwrap():
        raise _by_hand(file, "plugins.disabled")
    _replace(file.resolve(), written)


def check_disabled_variable() -> None:
    """Raise SettingsError if a variable of the environment says which plugins are disabled.

    Raises:
        SettingsError: one does.
    """
    if any(name.upper() == _DISABLED for name in os.environ):
        raise SettingsError(
            f"the variable {_DISABLED} says which plugins are disabled, and wins over any file",
            fix="Change that variable.",
        )


def write_disabled(file: Path | None, plugin: str, off: bool) -> None:
    """Add a plugin to the list of disabled ones in the file, or take it off; it may be so already.

    Raises:
        SettingsError: there is no file, it cannot be written, or a variable of the environment wins over it.
        OSError: it cannot be written.
    """
    check_disabled_variable()
    file = _writable(file, "plugins.disabled")

    def change(disabled: Array) -> None:
        if off and plugin not in disabled:
            disabled.append(plugin)
        elif not off and plugin in disabled:
            disabled.remove(plugin)

    change_disabled(file, change)


def check_plugin_settings(file: Path | None, plugin: str) -> Path:
    """Return the file if a plugin's settings can be changed in it.

    Raises:
        SettingsError: there is none, it cannot be read or written, or variables of the environment win over
            it.
    """
    if any(name.upper().startswith(_VARIABLES) for name in os.environ):
        raise SettingsError(
            f"Variables {_VARIABLES}… say how plugins are set, and win over any file.",
            fix="Change those variables.",
        )
    return _writable(file, f"plugins.settings.{plugin}")


def _writable(file: Path | None, what: str) -> Path:
    if file is None:
        raise SettingsError(
            "There is no settings file.", fix="Start the server with --config FILE, or set WYLLOH_CONFIG."
        )
    if not os.access(file, os.W_OK) or not os.access(file.resolve().parent, os.W_OK):
        raise SettingsError(f"The server may not write {file}.", fix=f"Edit {what} there.")
    _document(file)
    return file


def write_plugin_settings(
    file: Path | None, plugin: str, values: Mapping[str, SettingValue], secret: bool
) -> None:
    """Write settings of a plugin into the file; those that are not named stay. All is written, or nothing.

    Only the server's user may read the file afterwards if one of them is `secret`.

    Raises:
        SettingsError: like `check_plugin_settings`, or the file is written in a way that cannot be changed.
        OSError: it cannot be written.
    """
    file = check_plugin_settings(file, plugin)
    document = _document(file)
    table: TOMLDocument | Table = document
    for name in ("plugins", "settings", plugin):
        inner = table.setdefault(name, tomlkit.table())
        if not isinstance(inner, Table):
            raise _by_hand(file, f"plugins.settings.{plugin}")
        table = inner
    for name, value in values.items():
        table[name] = list(value) if isinstance(value, tuple) else value
    written = document.as_string()
    if tomllib.loads(written)["plugins"]["settings"][plugin] != table.unwrap():
        raise _by_hand(file, f"plugins.settings.{plugin}")
    _replace(file.resolve(), written, 0o600 if secret else 0o777)


def _document(file: Path) -> TOMLDocument:
    try:
        return tomlkit.parse(file.read_text(encoding="utf-8"))
    except (TOMLKitError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is no TOML now: {error}.", fix="Correct it and try again.") from None


def _by_hand(file: Path, what: str) -> SettingsError:
    return SettingsError(
        f"the plugins in {file} are written in a way that this server cannot change",
        fix=f"Edit {what} there by hand.",
    )


def _replace(file: Path, text: str, allowed: int = 0o777) -> None:
    descriptor, new = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as written:
            written.write(text)
        Path(new).chmod(file.stat().st_mode & allowed)
        Path(new).replace(file)
    except BaseException:
        Path(new).unlink(missing_ok=True)
        raise
