"""Values on their way between the server and a plugin's process.

The server pickles what it sends: a plugin may trust it. What a plugin sends is JSON, from which only plain
values and the value classes of `wylloh_server.domain` are built, by their constructors: it cannot run code in
the server.
"""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import pickle
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

from wylloh_server.domain.errors import PluginError
from wylloh_server.domain.events import Event

_DOMAIN = "wylloh_server.domain."
_PLAIN = (type(None), bool, int, float, str)
_COLLECTIONS: dict[str, Callable[[Any], Any]] = {"tuple": tuple, "set": set, "frozenset": frozenset}
_TYPES = {kind.__name__: kind for kind in (bool, int, float, str, tuple)}
_MOST_VALUES = 1_000_000
"""Most values in a message: each takes a hundred times the memory of what was sent."""
_MOST_KEYS = 5_000
"""Most keys in one place that are no texts: they can be chosen so that finding one takes as many steps."""
_PLAIN_FIELDS: dict[str, type | tuple[type, ...]] = {
    "str": str,
    "FilmId": str,
    "Wallet": str,
    "bytes": bytes,
    "bool": bool,
    "int": int,
    "float": (int, float),
}
NOT_LENT = 0
"""The number of functions that stay out of reach."""
_FUNCTIONS = (FunctionType, MethodType, partial)


def to_json(value: Any) -> bytes:
    """Return a value as a plugin's process sends it.

    Raises:
        PluginError: it holds an object that is neither plain nor of the SDK.
    """
    return json.dumps(_encoded(value), separators=(",", ":")).encode()


def from_json(sent: bytes) -> Any:
    """Return the value that a plugin's process has sent.

    Raises:
        PluginError: it is malformed, or of a class that the server does not accept.
    """
    try:
        return _decoded(json.loads(_bounded(sent)))
    except Exception as error:
        raise PluginError(f"sent what the server does not understand: {error}") from error


def _bounded(sent: bytes) -> bytes:
    if sum(map(sent.count, (b"[", b"{", b","))) > _MOST_VALUES:
        raise ValueError(f"more than {_MOST_VALUES:,} values")
    return sent


def _encoded(value: Any) -> Any:
    if type(value) in _PLAIN:
        return value
    if isinstance(value, list):
        return [_encoded(one) for one in value]
    if isinstance(value, Mapping):
        return {"dict": [[_encoded(key), _encoded(one)] for key, one in value.items()]}
    for name, kind in _COLLECTIONS.items():
        if isinstance(value, kind):  # type: ignore[arg-type]
            return {name: [_encoded(one) for one in value]}
    return _encoded_object(value)


def _encoded_object(value: Any) -> Any:
    kind = type(value)
    if isinstance(value, Enum):
        return {"enum": _reference(kind), "name": value.name}
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, type):
        return {"type": value.__name__ if value in _TYPES.values() else _reference(value)}
    if not dataclasses.is_dataclass(kind) or not kind.__module__.startswith(_DOMAIN):
        raise PluginError(
            f"{kind.__name__} cannot be sent to the server.",
            fix="Send plain values and what the SDK has, or set plugins.isolation to thread for this plugin.",
        )
    fields = _checked_fields(kind, {field.name: getattr(value, field.name) for field in _fields(kind)})
    return {"class": _reference(kind), "fields": {name: _encoded(one) for name, one in fields.items()}}


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(one) for one in value]
    if not isinstance(value, dict):
        return value
    for name, kind in _COLLECTIONS.items():
        if name in value:
            found = [_decoded(one) for one in value[name]]
            return kind(found if kind is tuple else _checked_keys(found))
    if "dict" in value:
        keys = _checked_keys([_decoded(key) for key, _ in value["dict"]])
        return dict(zip(keys, [_decoded(one) for _, one in value["dict"]], strict=True))
    return _decoded_object(value)


def _checked_keys(keys: list[Any]) -> list[Any]:
    if sum(not isinstance(key, str) for key in keys) > _MOST_KEYS:
        raise ValueError(f"more than {_MOST_KEYS:,} keys that are no texts")
    return keys


def _decoded_object(value: dict[str, Any]) -> Any:
    if "enum" in value:
        return _class(value["enum"], Enum)[value["name"]]
    if "bytes" in value:
        return base64.b64decode(value["bytes"], validate=True)
    if "path" in value:
        return Path(value["path"])
    if "type" in value:
        return _TYPES[value["type"]] if value["type"] in _TYPES else _class(value["type"])
    kind = _class(value["class"])
    return kind(**_checked_fields(kind, {name: _decoded(one) for name, one in value["fields"].items()}))


def _checked_fields(kind: type, given: dict[str, Any]) -> dict[str, Any]:
    """Return values for a class whose plain fields are what they should be: the server relies on that."""
    for field in dataclasses.fields(kind):
        wanted = _PLAIN_FIELDS.get(str(field.type))
        if field.name in given and wanted is not None and not isinstance(given[field.name], wanted):
            raise PluginError(f"{kind.__name__}.{field.name} must be {field.type}.")
    return given


def _fields(kind: type) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(kind) if field.init]


def _reference(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _class(reference: str, base: type = object) -> Any:
    """Return a value class of the domain by `<module>:<name>`. Raise ValueError for anything else."""
    module, _, name = reference.partition(":")
    found = getattr(sys.modules.get(module), name, None) if module.startswith(_DOMAIN) else None
    is_value = isinstance(found, type) and (dataclasses.is_dataclass(found) or issubclass(found, Enum))
    if not is_value or not issubclass(found, base) or found.__module__ != module:  # type: ignore[arg-type]
        raise ValueError(f"no value class {reference}")
    return found


def to_pickle(value: object, lend: Callable[[Callable[..., Any]], int]) -> bytes:
    """Return a value as the server sends it. Functions stay here: `lend` returns the number of each."""
    written = io.BytesIO()
    _ServerPickler(written, lend).dump(value)
    return written.getvalue()


def from_pickle(sent: bytes, borrow: Callable[[int], Any]) -> Any:
    """Return the value that the server has sent; `borrow` returns what calls the function of a number.

    A function in an answer of the server cannot be called, and is None.
    """
    return _WorkerUnpickler(io.BytesIO(sent), borrow).load()


class _ServerPickler(pickle.Pickler):
    """Send functions as numbers, and events of plugins by their names: their classes are not here."""

    def __init__(self, file: io.BytesIO, lend: Callable[[Callable[..., Any]], int]) -> None:
        super().__init__(file, protocol=5)
        self._lend = lend

    def persistent_id(self, value: Any) -> Any:
        """Return what stands for a function or a plugin's event; None for what is pickled as it is."""
        if isinstance(value, _FUNCTIONS) and getattr(value, "__module__", "") != "copyreg":
            return "function", self._lend(value)
        if isinstance(value, Event) and not type(value).__module__.startswith(_DOMAIN):
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            return "event", type(value).__module__, type(value).__name__, fields
        return None


class _WorkerUnpickler(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, borrow: Callable[[int], Any]) -> None:
        super().__init__(file)
        self._borrow = borrow

    def persistent_load(self, sent: Any) -> Any:
        """Return the function or the event that was sent."""
        if sent[0] == "function":
            return None if sent[1] == NOT_LENT else self._borrow(sent[1])
        _, module, name, fields = sent
        own = getattr(sys.modules.get(module), name, None)
        is_event = isinstance(own, type) and issubclass(own, Event)  # names of another plugin may be any
        known: Any = own if is_event else event_class(module, name, "An event of another plugin.", fields)
        return known(**fields)


def event_class(module: str, name: str, doc: str, fields: Any) -> type[Event]:
    """Return a class for events that a plugin declares in another process.

    Raises:
        TypeError: a name is no identifier.
    """
    namespace = {"__doc__": doc, "__module__": module}
    made = dataclasses.make_dataclass(
        name, [(field, Any) for field in fields], bases=(Event,), namespace=namespace, frozen=True
    )
    made.__module__ = module
    return made
