"""Says what is wrong with a setting in one line: which key, where it stands, and what was probably meant."""

from __future__ import annotations

import difflib
import os
from typing import TYPE_CHECKING

from pydantic import BaseModel

from wylloh_server.domain.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_PREFIX = "WYLLOH_"
_CORRECT = "Correct the value and start again."
_EXPECTED = {
    "tuple_type": ("must be a list", 'Write it in square brackets, such as ["first", "second"].'),
    "model_type": ("must be a section", "Write [{key}] on a line of its own, and the keys below it."),
    "dict_type": ("must be a section", "Write [{key}] on a line of its own, and the keys below it."),
    "string_type": ("must be text", "Put it between quotation marks."),
    "int_type": ("must be a whole number", _CORRECT),
    "int_parsing": ("must be a whole number", _CORRECT),
    "int_from_float": ("must be a whole number", _CORRECT),
    "float_type": ("must be a number", _CORRECT),
    "float_parsing": ("must be a number", _CORRECT),
    "bool_type": ("must be true or false", _CORRECT),
    "bool_parsing": ("must be true or false", _CORRECT),
    "path_type": ("must be a path", "Put it between quotation marks."),
}


def refuse_unknown_variables(settings: type[BaseModel]) -> None:
    """Refuse variables that name no section: the reader of the environment would overlook them for ever.

    Raises:
        SettingsError: one line that names the variable and the nearest valid one.
    """
    sections = list(settings.model_fields)
    for name in sorted(os.environ):
        words = name.removeprefix(_PREFIX).lower()
        if not name.startswith(_PREFIX):
            continue
        if "__" in words and words.split("__")[0] not in sections:
            wrong = words.split("__")[0]
            valid = [_PREFIX + one.upper() + name[len(_PREFIX + wrong) :] for one in sections]
            raise SettingsError(_unknown(name, "the environment", name, valid))
        section = next((one for one in sections if words.startswith(f"{one}_")), None)
        if section and "__" not in words:
            key = words.removeprefix(f"{section}_").upper()
            meant = f"{_PREFIX}{section.upper()}__{key}"
            raise SettingsError(f'unknown key "{name}" in the environment: did you mean "{meant}"?')


def explained(error: ValidationError, settings: type[BaseModel], where: str) -> SettingsError:
    """Make one line of the first thing that is wrong.

    Args:
        error: what validation said.
        settings: the model of all settings.
        where: the file's name.
    """
    first = error.errors(include_url=False)[0]
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    variable = _variable(location)
    source = f"the environment ({variable})" if variable else where
    if first["type"] == "extra_forbidden":
        return SettingsError(_unknown(key, source, location[-1], _valid(settings, location)))
    if first["type"] in _EXPECTED:
        expected, fix = _EXPECTED[first["type"]]
        return SettingsError(f"{key} in {source} {expected}", fix=fix.format(key=key))
    return SettingsError(f"{key} in {source}: {_said(first)}", fix=_CORRECT)


def _said(first: ErrorDetails) -> str:
    message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return message[:1].lower() + message[1:]


def _variable(location: list[str]) -> str | None:
    """Find the variable that sets a key, or the section around it; it wins over the file."""
    names = {name.lower(): name for name in os.environ}
    keys = [part for part in location if not part.isdigit()]
    for count in range(len(keys), 0, -1):
        wanted = (_PREFIX + "__".join(keys[:count])).lower()
        if wanted in names:
            return names[wanted]
    return None


def _valid(settings: type[BaseModel], location: list[str]) -> list[str]:
    """List what may stand beside a key; beside a section, the keys of all sections as well."""
    model = settings
    for part in location[:-1]:
        inner = _section(model, part)
        if inner is None:
            break
        model = inner
    names = list(model.model_fields)
    for name in model.model_fields:
        inner = _section(model, name)
        if inner is not None and location[-1] in inner.model_fields:
            names.insert(0, f"{name}.{location[-1]}")
    return names


def _section(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    kind = field.annotation if field else None
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _unknown(key: str, where: str, wrong: str, valid: list[str]) -> str:
    inside = [name for name in valid if name.endswith(f".{wrong}")]
    near = inside or _nearest(wrong, valid)
    hint = f'did you mean "{near[0]}"?' if near else f"valid here: {', '.join(valid)}"
    return f'unknown key "{key}" in {where}: {hint}'


def _nearest(wrong: str, valid: list[str]) -> list[str]:
    by_low = {name.lower(): name for name in valid}
    return [by_low[low] for low in difflib.get_close_matches(wrong.lower(), by_low, n=1, cutoff=0.4)]
