"""Document types in full: fields, members, methods and signatures, of the SDK, of fixtures and of macros."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import re
from typing import TYPE_CHECKING, Any

from wylloh_server import sdk
from wylloh_server.cli.plugin.docstring_parser import attribute_texts, first_lines, origins, sections, whole
from wylloh_server.cli.plugin.markdown import table
from wylloh_server.resources import bundled_themes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

_ATTRIBUTES = r"([a-z_]+(?:, [a-z_]+)*)"
_MACRO = re.compile(r"(?:\{#-?\s*((?:(?!#\}).)*?)\s*-?#\}\s*)?\{%-? macro (\w+\([^)]*\))", re.DOTALL)


def sdk_types() -> Iterator[str]:
    """Return a section for each name of the SDK, with everything it has."""
    modules = origins(sdk)
    for name in sdk.__all__:
        yield f"#### `{_headline(name)}`\n"
        yield from _section(name, modules[name])
        yield ""


def attribute_docs(item: type) -> dict[str, str]:
    """Return what the section `Attributes:` of a docstring says, by name; `a, b: …` says it of both."""
    text = dict(sections(item)).get("Attributes", "")
    found = re.findall(rf"^{_ATTRIBUTES}: (.+?)(?=^{_ATTRIBUTES}: |\Z)", text, re.DOTALL | re.MULTILINE)
    return {name: " ".join(said.split()) for names, said, _ in found for name in names.split(", ")}


def method_rows(item: type) -> Iterator[tuple[str, str]]:
    """Return a row for each public method and property of a class: how it is called, and what it does."""
    for name, value in vars(item).items():
        function = getattr(value, "__func__", value)
        if name.startswith("_") or (inspect.isclass(value) and not isinstance(value, property)):
            continue
        if isinstance(value, property):
            yield f"`{name}`", whole(value)
        elif inspect.isfunction(function):
            wait = "await " if inspect.iscoroutinefunction(function) else ""
            yield f"`{wait}{name}{signature(function)}`", whole(function)


def signature(function: Any) -> str:
    """Return how a function is called, with types and defaults, without `self`."""
    found = inspect.signature(function)
    given = [one for one in found.parameters.values() if one.name not in {"self", "cls"}]
    return str(found.replace(parameters=given)).replace("'", "").removesuffix(" -> None")


def fixture() -> Iterator[str]:
    """Return what the fixture `plugin_app` and the objects it gives can do."""
    from wylloh_server.sdk.testing.plugin_harness import PluginApp, running_plugin

    given = signature(running_plugin).replace(", data: Path", "").partition(" -> ")[0]
    yield f"`plugin_app{given}`:\n"
    yield from table(("`app.…`", "what it is"), _fields_and_methods(PluginApp))
    for name, kind in _parts():
        yield f"\n`app.{name}`: {first_lines(kind)}\n"
        yield from table((f"`app.{name}.…`", "what it is"), _fields_and_methods(kind))


def _parts() -> tuple[tuple[str, type], ...]:
    from wylloh_server.sdk.testing.background_tasks import TaskHarness
    from wylloh_server.sdk.testing.recorded_live import RecordedLive
    from wylloh_server.sdk.testing.sample_chain import SampleChain
    from wylloh_server.sdk.testing.sample_transactions import SampleTransactions

    return (
        ("chain", SampleChain),
        ("live", RecordedLive),
        ("transactions", SampleTransactions),
        ("background", TaskHarness),
    )


def macros() -> Iterator[str]:
    """Return the theme's macros, each with the comment above it."""
    source = (bundled_themes()["default"] / "templates/macros.html").read_text(encoding="utf-8")
    rows = ((f"`ui.{call}`", " ".join(said.split())) for said, call in _MACRO.findall(source))
    return table(("macro", "what it draws"), rows)


def _headline(name: str) -> str:
    item = getattr(sdk, name)
    return f"{name}{signature(item)}" if inspect.isfunction(item) else name


def _section(name: str, module: ModuleType) -> Iterator[str]:
    item = getattr(sdk, name)
    if inspect.isfunction(item):
        yield whole(item)
    elif not inspect.isclass(item):
        yield attribute_texts(inspect.getsource(module))[name]
    elif issubclass(item, enum.Enum):
        said = attribute_texts(inspect.getsource(item))
        yield f"{first_lines(item)}\n"
        yield from table(
            ("member", "value", "what it is"),
            ((f"`{name}.{one.name}`", f"`{one.value}`", said.get(one.name, "")) for one in item),
        )
    else:
        yield " ".join([first_lines(item), *_rest(item)])
        rows = list(_fields_and_methods(item))
        if rows:
            yield ""
            yield from table(("has", "what it is"), rows)


def _rest(item: type) -> Iterable[str]:
    """Return what a docstring says beside its first paragraph and its attributes."""
    return (text for head, text in list(sections(item))[1:] if head not in {"Attributes", "Args"} and text)


def _fields_and_methods(item: type) -> Iterator[tuple[str, str]]:
    said = attribute_docs(item)
    fields = dataclasses.fields(item) if dataclasses.is_dataclass(item) else ()
    for field in fields:
        if not field.name.startswith("_"):
            yield f"`{field.name}: {_typed(field)}`", _sentence(said.pop(field.name, ""))
    known = {name for name, value in vars(item).items() if isinstance(value, property)}
    for name, text in said.items():
        if name not in known:
            yield f"`{name}`", _sentence(text)
    yield from method_rows(item)


def _typed(field: dataclasses.Field[Any]) -> str:
    kind = field.type if isinstance(field.type, str) else getattr(field.type, "__name__", str(field.type))
    plain = isinstance(field.default, bool | int | float | str | tuple) and field.default is not None
    shown = repr(str(field.default)) if isinstance(field.default, enum.Enum) else repr(field.default)
    return f"{kind} = {shown}" if plain else kind


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
