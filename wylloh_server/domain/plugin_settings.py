"""The settings that a plugin declares, and the values given for them."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError, SettingsError
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SettingValue = bool | int | float | str | tuple[str, ...]
"""The value of a setting; a list of texts is a tuple."""

READ_AT_START = "A changed settings file is read when the server starts again."
"""What to know about a refusal by the settings file: to start the plugin again is not enough."""

_SETTING_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_KINDS: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    tuple: "a list of texts",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a plugin, written as `[plugins.settings.<plugin>]` in the settings file.

    Attributes:
        type: bool, int, float, str, or tuple for a list of texts.
        help: one sentence for the person who fills it in.
        choices: the values it may have; none for any.
        least, most: bounds of a number.
        secret: whether its value is shown to nobody, as that of a password or token.
    """

    name: str
    type: type[bool | int | float | str | tuple[str, ...]]
    default: SettingValue
    help: str
    choices: tuple[SettingValue, ...] = ()
    least: float | None = None
    most: float | None = None
    secret: bool = False

    def __post_init__(self) -> None:
        """Check the name, the type, the help and the default.

        Raises:
            PluginError: one of them is wrong.
        """
        if not _SETTING_NAME.fullmatch(self.name):
            raise PluginError(f"The setting name {self.name!r} is not lower_case_with_underscores.")
        if self.type not in _KINDS:
            raise PluginError(f"The setting {self.name!r} must be bool, int, float, str or tuple.")
        if not self.help.strip():
            raise PluginError(f"The setting {self.name!r} has no help.")
        if not isinstance(self.default, self.type):
            raise PluginError(f"The default of the setting {self.name!r} must be {_KINDS[self.type]}.")
        if problem := self._problem(self.default):
            raise PluginError(f"The default of the setting {self.name!r} must be {problem}.")

    def parse(self, given: object) -> SettingValue:
        """Read a value from TOML, or from a variable or a form, which are always text.

        Raises:
            SettingsError: it has another type, is none of the choices, or out of bounds.
        """
        value = self._parsed(given)
        problem = _KINDS[self.type] if value is None else self._problem(value)
        if value is None or problem:
            raise SettingsError(
                f"{self.name} must be {problem}" + ("." if self.secret else f", not {_quoted(given)}.")
            )
        return value

    def _problem(self, value: SettingValue) -> str:
        """Return what a value has to be and is not; empty if it may stand."""
        if self.choices and value not in self.choices:
            return " or ".join(map(_quoted, self.choices))
        if isinstance(value, int | float) and self.least is not None and value < self.least:
            return f"at least {self.least:g}"
        if isinstance(value, int | float) and self.most is not None and value > self.most:
            return f"at most {self.most:g}"
        return ""

    def _parsed(self, given: object) -> SettingValue | None:
        if self.type is tuple:
            return _texts(given)
        if self.type is bool and isinstance(given, str):
            return _FLAGS.get(given.lower())
        if self.type is bool or self.type is str or isinstance(given, bool):
            return given if isinstance(given, bool | str) and type(given) is self.type else None
        return _number(int if self.type is int else float, given)


def checked_settings(
    plugin: str, declared: Sequence[Setting], given: Mapping[str, object]
) -> Mapping[str, SettingValue]:
    """Return the value of each declared setting: the given one, or its default.

    Raises:
        SettingsError: an unknown name, or a value of another type.
    """
    names = [setting.name for setting in declared]
    for name in sorted(set(given) - set(names)):
        near = difflib.get_close_matches(name, names, 1, 0.0)
        hint = f"Did you mean {near[0]}?" if near else "This plugin has no settings."
        raise SettingsError(
            f"plugins.settings.{plugin}.{name} is no setting of this plugin. {hint}", fix=READ_AT_START
        )
    values, wrong = read_settings(declared, given)
    for problem in wrong.values():
        fix = f"Correct it on the plugin's settings page, or by hand. {READ_AT_START}"
        raise SettingsError(f"plugins.settings.{plugin}.{problem}", fix=fix)
    return values


def read_settings(
    declared: Sequence[Setting], given: Mapping[str, object]
) -> tuple[Mapping[str, SettingValue], Mapping[str, str]]:
    """Return the value of each declared setting whose given one can be read, and what is wrong with others.

    A setting that is not given has its default.
    """
    values, wrong = {}, {}
    for setting in declared:
        try:
            found = setting.parse(given[setting.name]) if setting.name in given else setting.default
            values[setting.name] = found
        except SettingsError as error:
            wrong[setting.name] = str(error)
    return MappingProxyType(values), MappingProxyType(wrong)


def _texts(given: object) -> tuple[str, ...] | None:
    if isinstance(given, str):
        return tuple(part.strip() for part in given.split(",") if part.strip())
    if isinstance(given, list | tuple) and all(isinstance(item, str) for item in given):
        return tuple(given)
    return None


def _number(kind: type[int | float], given: object) -> float | None:
    if not isinstance(given, int | float | str):
        return None
    try:
        value = kind(given)
    except (ValueError, OverflowError):
        return None
    return value if math.isfinite(value) and value == float(given) else None


def _quoted(given: object) -> str:
    """Return a value as a sentence repeats it: a number stands for itself."""
    return str(given) if isinstance(given, int | float) else quote_input(str(given))
