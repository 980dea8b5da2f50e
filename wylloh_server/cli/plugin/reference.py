"""Writes `plugins/README.md` from the code: `make plugin-docs`.

What people wrote stands in `reference.md` beside this file; each line `<!-- name -->` in it is replaced by
what the code says. So a hook, event, slot, setting or command is documented where it is written, once.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wylloh_server import sdk
from wylloh_server.cli.plugin._docstrings import attribute_texts, first_lines, origins, sections, whole
from wylloh_server.config import PluginSettings
from wylloh_server.domain import events, onchain
from wylloh_server.domain.events import Event
from wylloh_server.domain.onchain import ChainEvent
from wylloh_server.hooks import HOOKS, Limits, PluginContext, PluginRegistry, Slot
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP, PREFIX, RUNNING_HOOKS, Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from types import ModuleType

_TEMPLATE = Path(__file__).with_name("reference.md")
_CHECKOUT = Path(__file__).resolve().parents[3]
_ATTRIBUTES = r"([a-z_]+(?:, [a-z_]+)*)"
_PLACE = re.compile(r"^<!-- ([a-z-]+) -->$", re.MULTILINE)


def reference(plugins: Path = _CHECKOUT / "plugins") -> str:
    """Give the whole page; `plugins` is the folder with the plugins that ship with the server."""
    parts: dict[str, Callable[[], Iterable[str]]] = {
        "declared-hooks": lambda: _hook_rows(hook for hook in HOOKS if hook not in RUNNING_HOOKS),
        "running-hooks": lambda: _hook_rows(hook for hook in HOOKS if hook in RUNNING_HOOKS),
        "hook-details": _hook_details,
        "context": _context,
        "sdk": _names,
        "slots": _slots,
        "events": lambda: _facts("event", "told when", events, Event),
        "onchain": lambda: _facts("fact", "what happened", onchain, ChainEvent),
        "limits": _limits,
        "settings": _settings,
        "bundled-settings": lambda: _bundled(plugins, _setting_rows),
        "bundled-commands": lambda: _bundled(plugins, _command_rows),
        "cli": _cli,
    }
    template = _TEMPLATE.read_text(encoding="utf-8")
    return _PLACE.sub(lambda place: "\n".join(parts[place[1]]()), template)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield _row(*heads)
    yield "|" + "---|" * len(heads)
    for row in rows:
        yield _row(*row)


def _called(hook: str) -> str:
    given = [name for name in inspect.signature(getattr(Hooks, hook)).parameters if name != "self"]
    return f"`{hook}({', '.join(given)})`"


def _hook_rows(hooks: Iterable[str]) -> Iterator[str]:
    return _table(
        ("hook", "what for"), ((_called(hook), first_lines(getattr(Hooks, hook))) for hook in hooks)
    )


def _hook_details() -> Iterator[str]:
    for hook in HOOKS:
        yield f"### {_called(hook)}\n"
        for head, text in sections(getattr(Hooks, hook)):
            yield f"- **{head}:** {text}" if head else f"{text}\n"
        yield ""


def _context() -> Iterator[str]:
    yield from _table(("`context.…`", "what it is"), _context_rows())
    for field in dataclasses.fields(PluginContext):
        kind = _port_of(field)
        if kind is not None:
            yield f"\n`context.{field.name}` ({kind.__name__}):\n"
            yield from _table(("method", "what it does"), _method_rows(kind))


def _context_rows() -> Iterator[tuple[str, str]]:
    said = _attributes_of(PluginContext)
    for field in dataclasses.fields(PluginContext):
        kind = _port_of(field)
        text = said.get(field.name) or (first_lines(kind) if kind else "the plugin's name")
        yield f"`{field.name}`", _sentence(text)


def _port_of(field: dataclasses.Field[Any]) -> type | None:
    """Give the protocol a field of the context is annotated with; None for plain values."""
    found = getattr(sdk, str(field.type), None)
    return found if inspect.isclass(found) else None


def _method_rows(port: type) -> Iterator[tuple[str, str]]:
    for name, item in vars(port).items():
        if name.startswith("_"):
            continue
        if isinstance(item, property):
            yield f"`{name}`", whole(item)
        elif inspect.isfunction(item):
            given = [_parameter(one) for one in inspect.signature(item).parameters.values()][1:]
            wait = "await " if inspect.iscoroutinefunction(item) else ""
            yield f"`{wait}{name}({', '.join(given)})`", whole(item)


def _parameter(one: inspect.Parameter) -> str:
    if one.kind is inspect.Parameter.VAR_POSITIONAL:
        return f"*{one.name}"
    return f"**{one.name}" if one.kind is inspect.Parameter.VAR_KEYWORD else one.name


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _attributes_of(item: type) -> dict[str, str]:
    """Give what the section `Attributes:` of a docstring says, by name; `a, b: …` says it of both."""
    text = dict(sections(item)).get("Attributes", "")
    found = re.findall(rf"^{_ATTRIBUTES}: (.+?)(?=^{_ATTRIBUTES}: |\Z)", text, re.DOTALL | re.MULTILINE)
    return {name: " ".join(said.split()) for names, said, _ in found for name in names.split(", ")}


def _names() -> Iterator[str]:
    modules = origins(sdk)
    rows = ((f"`{name}`", _about(name, modules[name])) for name in sdk.__all__)
    return _table(("name", "what it is"), rows)


def _about(name: str, module: ModuleType) -> str:
    item = getattr(sdk, name)
    if inspect.isclass(item) or inspect.isfunction(item):
        return first_lines(item)
    return attribute_texts(inspect.getsource(module))[name]


def _slots() -> Iterator[str]:
    said = attribute_texts(inspect.getsource(Slot))
    return _table(("slot", "where"), ((f"`{slot}`", said[slot.name]) for slot in Slot))


def _facts(head: str, what: str, module: ModuleType, root: type) -> Iterator[str]:
    rows = (
        (f"`{item.__name__}`", first_lines(item), _own_fields(item, root))
        for item in vars(module).values()
        if inspect.isclass(item) and issubclass(item, root) and item is not root
    )
    return _table((head, what, "carries"), rows)


def _own_fields(item: type[Any], root: type[Any]) -> str:
    inherited = {field.name for field in dataclasses.fields(root)}
    own = (field.name for field in dataclasses.fields(item) if field.name not in inherited)
    return ", ".join(f"`{name}`" for name in own)


def _limits() -> Iterator[str]:
    said, limits = _attributes_of(Limits), Limits()
    names = [field.name for field in dataclasses.fields(Limits)]
    rows = ((f"`{name}`", f"{getattr(limits, name):,}", _sentence(said[name])) for name in names)
    return _table(("limit", "value", "what it bounds"), rows)


def _settings() -> Iterator[str]:
    rows = (
        (f"`plugins.{name}`", field.description or "") for name, field in PluginSettings.model_fields.items()
    )
    return _table(("setting", "what it does"), rows)


def _bundled(plugins: Path, rows: Callable[[PluginRegistry, str], Iterable[str]]) -> Iterator[str]:
    names = sorted(path.name.removeprefix(PREFIX) for path in plugins.glob(f"*/{PREFIX}*"))
    registry = PluginRegistry(points=[EntryPoint(name, PREFIX + name, ENTRY_POINT_GROUP) for name in names])
    registry.load()
    for name in names:
        yield from rows(registry, name)


def _setting_rows(registry: PluginRegistry, name: str) -> Iterator[str]:
    declared = registry.settings().get(name, ())
    if declared:
        yield f"\n`[plugins.settings.{name}]`\n"
        rows = ((f"`{one.name}`", f"`{_toml(one.default)}`", one.help) for one in declared)
        yield from _table(("setting", "default", "what it does"), rows)


def _command_rows(registry: PluginRegistry, name: str) -> Iterator[str]:
    plugin = registry.plugin(name)
    for one in plugin.declared.commands if plugin else ():
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
    return _table(("command", "what it does"), rows)


def _usage(command: click.Command) -> str:
    words = command.collect_usage_pieces(click.Context(command))
    return " ".join(["wylloh plugin", str(command.name), *(word for word in words if word != "[OPTIONS]")])


if __name__ == "__main__":
    sys.stdout.write(reference())
