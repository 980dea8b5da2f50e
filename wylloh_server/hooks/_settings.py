"""A plugin's settings: what was written in the file, checked against what the plugin declares."""

from __future__ import annotations

import difflib
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.hooks.declarations import Setting, SettingValue

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def settings_of(
    plugin: str, declared: Sequence[Setting], given: Mapping[str, object]
) -> Mapping[str, SettingValue]:
    """Give every declared setting its value: the given one, or its default.

    Raises:
        SettingsError: an unknown name or a value of another type; one sentence that names it.
    """
    unknown = sorted(set(given) - {setting.name for setting in declared})
    if unknown:
        raise _unknown(plugin, unknown[0], [setting.name for setting in declared])
    return MappingProxyType(
        {
            setting.name: _value(plugin, setting, given[setting.name])
            if setting.name in given
            else setting.default
            for setting in declared
        }
    )


def _unknown(plugin: str, name: str, known: list[str]) -> SettingsError:
    near = difflib.get_close_matches(name, known, 1, 0.0)
    hint = f" Did you mean {near[0]}?" if near else " This plugin has no settings."
    return SettingsError(f"plugins.settings.{plugin}.{name} is no setting of this plugin.{hint}")


def _value(plugin: str, setting: Setting, given: object) -> SettingValue:
    value = _read(setting, given)
    if value is None:
        kind = "list of texts" if setting.type is tuple else setting.type.__name__
        raise SettingsError(f"plugins.settings.{plugin}.{setting.name} must be a {kind}, not {given!r}.")
    return value


def _read(setting: Setting, given: object) -> SettingValue | None:
    """Read a value from TOML, or from an environment variable, which is always text."""
    if setting.type is tuple:
        return _texts(given)
    if setting.type is bool:
        return _FLAGS.get(given.lower()) if isinstance(given, str) else _exactly(bool, given)
    if setting.type is str:
        return _exactly(str, given)
    return _number(int if setting.type is int else float, given)


def _texts(given: object) -> tuple[str, ...] | None:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    if isinstance(given, list | tuple) and all(isinstance(item, str) for item in given):
        return tuple(given)
    return None


def _exactly(kind: type[bool | str], given: object) -> bool | str | None:
    return given if isinstance(given, kind) else None


def _number(kind: type[int | float], given: object) -> float | None:
    if isinstance(given, bool) or not isinstance(given, int | float | str):
        return None
    try:
        value = kind(given)
    except (ValueError, OverflowError):
        return None
    return value if value == float(given) else None
