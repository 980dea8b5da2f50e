"""Write `plugins/README.md` from the code: `make plugin-docs`.

What people wrote stands in `reference.md` beside this file; each line `<!-- name -->` in it is replaced by
what the code says. So a hook, event, slot, setting or command is documented where it is written, once.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wylloh_server import sdk
from wylloh_server.cli.plugin.docstring_parser import attribute_texts, first_lines, origins, sections
from wylloh_server.cli.plugin.markdown import table
from wylloh_server.cli.plugin.reference_types import attribute_docs, fixture, macros, method_rows, sdk_types
from wylloh_server.config import PluginSettings
from wylloh_server.domain import chain_events, events
from wylloh_server.domain.chain_events import ChainEvent
from wylloh_server.domain.events import Event
from wylloh_server.domain.plugin_pages import Slot
from wylloh_server.plugins import HOOKS, Limits, PluginContext, PluginRegistry
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, RUNNING_HOOKS, Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import ModuleType

_TEMPLATE = Path(__file__).with_name("reference.md")
_PLACE = re.compile(r"^<!-- ([a-z-]+) -->$", re.MULTILINE)


def reference() -> str:
    """Return the whole page."""
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "declared-hooks": lambda: _hook_rows(hook for hook in HOOKS if hook not in RUNNING_HOOKS),
        "running-hooks": lambda: _hook_rows(hook for hook in HOOKS if hook in RUNNING_HOOKS),
        "hook-details": _hook_details,
        "context": _context,
        "sdk": _names,
        "sdk-types": sdk_types,
        "fixture": fixture,
        "macros": macros,
        "slots": _slots,
        "events": lambda: _facts("event", "told when", events, Event),
        "onchain": lambda: _facts("fact", "what happened", chain_events, ChainEvent),
        "limits": _limits,
        "settings": _settings,
        "bundled-settings": lambda: _bundled(_setting_rows),
        "bundled-commands": lambda: _bundled(_command_rows),
        "cli": _cli,
    }
    template = _TEMPLATE.read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: "\n".join(parts[place[1]]()), template)


def _called(hook: str) -> str:
    given = [name for name in inspect.signature(getattr(Hooks, hook)).parameters if name != "self"]
    return f"`{hook}({', '.join(given)})`"


def _hook_rows(hooks: Iterable[str]) -> Iterator[str]:
    return table(("hook", "what for"), ((_called(hook), first_lines(getattr(Hooks, hook))) for hook in hooks))


def _hook_details() -> Iterator[str]:
    for hook in HOOKS:
        yield f"### {_called(hook)}\n"
        for head, text in sections(getattr(Hooks, hook)):
            yield f"- **{head}:** {text}" if head else f"{text}\n"
        yield ""


def _context() -> Iterator[str]:
    yield from table(("`context.…`", "what it is"), _context_rows())
    for field in dataclasses.fields(PluginContext):
        kind = _protocol(field)
        rows = list(method_rows(kind)) if kind is not None else []
        if kind is not None and rows:
            yield f"\n`context.{field.name}` ({kind.__name__}):\n"
            yield from table(("method", "what it does"), rows)


def _context_rows() -> Iterator[tuple[str, str]]:
    said = attribute_docs(PluginContext)
    for field in dataclasses.fields(PluginContext):
        kind = _protocol(field)
        text = said[field.name] if kind is None else said.get(field.name) or first_lines(kind)
        yield f"`{field.name}`", _sentence(text)


def _protocol(field: dataclasses.Field[Any]) -> type | None:
    """Return the protocol a field of the context is annotated with; None for plain values."""
    found = getattr(sdk, str(field.type), None)
    return found if inspect.isclass(found) else None


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _names() -> Iterator[str]:
    modules = origins(sdk)
    rows = ((f"`{name}`", _about(name, modules[name])) for name in sdk.__all__)
    return table(("name", "what it is"), rows)


def _about(name: str, module: ModuleType) -> str:
    item = getattr(sdk, name)
    if inspect.isclass(item) or inspect.isfunction(item):
        return first_lines(item)
    return attribute_texts(inspect.getsource(module))[name]


def _slots() -> Iterator[str]:
    said = attribute_texts(inspect.getsource(Slot))
    return table(("slot", "where"), ((f"`{slot}`", said[slot.name]) for slot in Slot))


def _facts(head: str, what: str, module: ModuleType, root: type) -> Iterator[str]:
    rows = (
        (f"`{item.__name__}`", first_lines(item), _own_fields(item, root))
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, root) and item is not root
    )
    return table((head, what, "carries"), rows)


def _own_fields(item: type[Any], root: type[Any]) -> str:
    inherited = {field.name for field in dataclasses.fields(root)}
    own = (field.name for field in dataclasses.fields(item) if field.name not in inherited)
    return ", ".join(f"`{name}`" for name in own)


def _limits() -> Iterator[str]:
    said, limits = attribute_docs(Limits), Limits()
    names = [field.name for field in dataclasses.fields(Limits)]
    rows = ((f"`{name}`", f"{getattr(limits, name):,}", _sentence(said[name])) for name in names)
    return table(("limit", "value", "what it bounds"), rows)


def _settings() -> Iterator[str]:
    rows = (
        (f"`plugins.{name}`", field.description or "") for name, field in PluginSettings.model_fields.items()
    )
    return table(("setting", "what it does"), rows)


def _bundled(rows: Callable[[PluginRegistry, str], Iterable[str]]) -> Iterator[str]:
    own = distribution("wylloh-server").entry_points
    points = sorted(own.select(group=ENTRY_POINT_GROUP), key=lambda point: point.name)
    registry = PluginRegistry(points=points)
    registry.load()
    for point in points:
        yield from rows(registry, point.name)


def _setting_rows(registry: PluginRegistry, name: str) -> Iterator[str]:
    declared = registry.settings().get(name, ())
    if declared:
        yield f"\n`[plugins.settings.{name}]`\n"
        rows = ((f"`{one.name}`", f"`{_toml(one.default)}`", one.help) for one in declared)
        yield from table(("setting", "default", "what it does"), rows)


def _command_rows(registry: PluginRegistry, name: str) -> Iterator[str]:
    plugin = registry.plugin(name)
    for one in plugin.declared.cli_commands if plugin else ():
        yield f"- `wylloh plugin run {name} {one.name}`: {one.help}"


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _cli() -> Iterator[str]:
    from wylloh_server.cli.plugin import command

    rows = ((f"`{_usage(one)}`", first_lines(one.callback)) for one in command.commands.values())
    return table(("command", "what it does"), rows)


def _usage(command: click.Command) -> str:
    words = command.collect_usage_pieces(click.Context(command))
    return " ".join(["wylloh plugin", str(command.name), *(word for word in words if word != "[OPTIONS]")])


if __name__ == "__main__":
    sys.stdout.write(reference())
