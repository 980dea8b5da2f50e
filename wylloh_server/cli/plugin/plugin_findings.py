"""Findings of `plugin check`, and those that a plugin's source alone shows."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BY_NAME = "name:"
"""Stands before the name of an installed plugin where a folder could stand too."""

_SERVER, _SDK = "wylloh_server", "wylloh_server.sdk"
_INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle\s*=|\son[a-z]+\s*=\s*[\"']", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PluginFinding:
    """One thing that was looked at.

    Attributes:
        sentence: what was found.
        fix: what to do about it; empty when nothing is wrong.
        traceback: of the error, if there was one.
    """

    sentence: str
    fix: str = ""
    traceback: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return not self.fix


def syntax_findings(package: Path) -> Iterator[PluginFinding]:
    """Look for files of a plugin, and of the tests beside it, that Python cannot read."""
    for file in [*sorted(package.rglob("*.py")), *sorted(package.parent.glob("tests/**/*.py"))]:
        try:
            ast.parse(file.read_bytes())
        except (SyntaxError, ValueError) as error:
            said = error.msg if isinstance(error, SyntaxError) else str(error)
            line = f":{error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            where = f"{file.relative_to(package.parent)}{line}"
            yield PluginFinding(f"{where} cannot be read: {said}.", fix="Mend that line.")


def import_findings(package: Path) -> Iterator[PluginFinding]:
    """Look whether a plugin's code imports anything of the server but the SDK, or another plugin."""
    wrong = [
        PluginFinding(
            f"{file.relative_to(package.parent)}:{line} imports {module}.",
            fix=f"A plugin may import {_SDK} and nothing else of the server, and no other plugin.",
        )
        for file in sorted(package.rglob("*.py"))
        for line, module in _imports(file)
        if _foreign(module, package.name)
    ]
    yield from wrong or [PluginFinding(f"Of the server it imports only {_SDK}.")]


def inline_findings(template: str, source: str) -> Iterator[PluginFinding]:
    """Look for what the pages' content security policy keeps a browser from using."""
    for number, line in enumerate(source.splitlines(), 1):
        if found := _INLINE.search(line):
            yield PluginFinding(
                f"The template {template}, line {number}, holds {found[0].strip()!r}.",
                fix="Scripts and styles go into files in static_dirs; browsers ignore those inside pages.",
            )


def card_templates(package: Path) -> frozenset[str]:
    """Return the templates that a plugin's code names in a `CardFragment`."""
    calls = (
        node
        for file in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_bytes()))
        if isinstance(node, ast.Call) and "CardFragment" in ast.unparse(node.func)
    )
    named = (
        [*call.args[1:2], *(given.value for given in call.keywords if given.arg == "template")]
        for call in calls
    )
    return frozenset(str(one.value) for given in named for one in given if isinstance(one, ast.Constant))


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module == _SERVER:
            yield from ((node.lineno, f"{_SERVER}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.lineno, str(node.module)


def _foreign(module: str, own: str) -> bool:
    top = module.partition(".")[0]
    return top.startswith("wylloh_") and top != own and module != _SDK
