"""Take docstrings apart, those below assignments included."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

_HEAD = re.compile(r"([A-Z][^:.`]{2,80}):(?:\s+|$)(.*)", re.DOTALL)


def first_lines(item: object) -> str:
    """Return the first paragraph of a docstring on one line."""
    return _line((inspect.getdoc(item) or "").split("\n\n")[0])


def whole(item: object) -> str:
    """Return a whole docstring on one line; what it raises as a sentence."""
    text = re.sub(r"\n\nRaises:\n\s+", " Raises ", inspect.getdoc(item) or "")
    return _line(re.sub(r"\n\s+(?=[A-Z]\w+: )", " ", text))


def sections(item: object) -> Iterator[tuple[str, str]]:
    """Return a docstring's parts by their heads (`When`, `Attributes`…); the first has an empty one.

    A head is a line that begins with words and a colon. Lines of `Attributes` stay lines.
    """
    summary, _, rest = (inspect.getdoc(item) or "").partition("\n\n")
    head, lines = "", [summary]
    for line in rest.splitlines():
        found = _HEAD.match(line)
        if found and not line.startswith(" "):
            yield head, _joined(head, lines)
            head, lines = found[1], [found[2]]
        else:
            lines.append(line)
    yield head, _joined(head, lines)


def attribute_texts(source: str) -> dict[str, str]:
    """Return the texts below assignments, by the assigned name: of a module, or of one class."""
    tree = ast.parse(textwrap.dedent(source))
    body = tree.body[0].body if tree.body and isinstance(tree.body[0], ast.ClassDef) else tree.body
    found = {}
    for assigned, below in pairwise(body):
        name = _assigned(assigned)
        if name and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
            found[name] = _line(str(below.value.value))
    return found


def origins(module: ModuleType) -> dict[str, ModuleType]:
    """Return the module from which each name is imported by `from … import …` at the top of another."""
    tree = ast.parse(inspect.getsource(module))
    return {
        alias.asname or alias.name: import_module(str(node.module))
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module != "__future__"
        for alias in node.names
    }


def _assigned(node: ast.stmt) -> str:
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else ""


def _joined(head: str, lines: list[str]) -> str:
    return textwrap.dedent("\n".join(lines)) if head == "Attributes" else _line("\n".join(lines))


def _line(text: str) -> str:
    return " ".join(text.split())
