#!/usr/bin/env python3
"""Measure the structure of the code: names, protocols, sizes, docstrings and import circles.

Prints one table. `--list NAME` prints the places behind one figure, `--json` prints everything for programs.
Reads the files with `ast` and imports nothing of the product, so that it also runs over older checkouts.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
import sys
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PRODUCT = ("wylloh_server", "plugins/*/wylloh_*", "demo", "scripts")
NOT_NAMED = {"tests", "migrations", "scaffold"}
"""Folders whose names are not the product's: tests, migrations and the example for plugin authors."""
SHARED_MODULES = {
    "__init__", "__main__", "tables", "pages", "queries", "messages", "projection", "export", "conftest",
}  # fmt: skip
"""Module names that may appear in several packages, because they mean the same thing in each."""
MACHINERY = ("wylloh_server/plugins", "wylloh_server/hooks")
"""Where the plugin machinery lies; the second is where it was."""
FEATURES = ("wylloh_server/services", "wylloh_server/adapters")
OTHER_SOURCES = {".js", ".mjs", ".css", ".html"}
OLD_REGISTER = re.compile(r"(Give|Say|Let|Take note|Tell)s?\b")
LISTED_FUNCTIONS = 20

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class CodeFigure:
    """One row of the table: a number, and the places that make it."""

    key: str
    title: str
    value: float
    places: list[str]


@dataclass(frozen=True, slots=True)
class SourceModule:
    """One parsed Python file.

    `path` is relative to the root and uses slashes, `lines` counts blank lines and comments too, `nodes` are
    all nodes of the tree, in no order.
    """

    path: PurePosixPath
    lines: int
    nodes: tuple[ast.AST, ...]

    def place(self, node: ast.stmt, name: str) -> str:
        """Return `path:line name`."""
        return f"{self.path}:{node.lineno} {name}"

    @property
    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in self.nodes if isinstance(node, Function))

    @property
    def classes(self) -> Iterator[ast.ClassDef]:
        """Every class, nested ones too."""
        return (node for node in self.nodes if isinstance(node, ast.ClassDef))


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1], metavar="DIR")
    parser.add_argument("--list", metavar="NAME", help="print the places behind one figure")
    parser.add_argument("--json", action="store_true", help="print figures and places as JSON")
    wanted = parser.parse_args(arguments)
    figures = {figure.key: figure for figure in measure(wanted.root)}
    if wanted.list and wanted.list not in figures:
        parser.error(f"no figure is called {wanted.list}; there are: {', '.join(figures)}")
    if wanted.json:
        lines = [json.dumps([asdict(figure) for figure in figures.values()], indent=1)]
    else:
        lines = figures[wanted.list].places if wanted.list else table(list(figures.values()))
    sys.stdout.writelines(f"{line}\n" for line in lines)


def table(figures: list[CodeFigure]) -> list[str]:
    """Return one aligned line for each figure: what it counts, the number, the name for `--list`."""
    width = max(len(figure.title) for figure in figures)
    return [f"{figure.title:<{width}}  {figure.value:>8,g}  {figure.key}" for figure in figures]


def measure(root: Path) -> list[CodeFigure]:
    """Return every figure of the checkout in `root`.

    Raises:
        SyntaxError: a file of the product is not Python.
    """
    modules = list(_modules(root))
    named = [module for module in modules if not NOT_NAMED.intersection(module.path.parts)]
    core = [module for module in modules if not {"demo", "scripts"}.intersection(module.path.parts)]
    return [
        _repeated("classes", "class names with more than one meaning", _class_places(named)),
        _repeated("modules", "module names with more than one meaning", _module_places(named)),
        _listed("protocols", "protocols", named, _protocols),
        _listed("forwarders", "one-line methods that only forward", named, _forwarders),
        *_machinery(modules),
        _size("lines", "lines of Python, without tests, demo and contracts", core),
        _other_sources(root),
        _old_docstrings(named),
        _longest_function(named),
        *(_circles(modules, package) for package in FEATURES),
    ]


def _modules(root: Path) -> Iterator[SourceModule]:
    for folder in sorted(folder for pattern in PRODUCT for folder in root.glob(pattern)):
        for file in sorted(folder.rglob("*.py")):
            path = PurePosixPath(file.relative_to(root).as_posix())
            if "tests" not in path.parts:
                text = file.read_text(encoding="utf-8")
                nodes = tuple(ast.walk(ast.parse(text, str(path))))
                yield SourceModule(path, len(text.splitlines()), nodes)


def _class_places(modules: list[SourceModule]) -> Iterator[tuple[str, str]]:
    return ((node.name, module.place(node, node.name)) for module in modules for node in module.classes)


def _module_places(modules: list[SourceModule]) -> Iterator[tuple[str, str]]:
    return (
        (module.path.stem, str(module.path)) for module in modules if module.path.stem not in SHARED_MODULES
    )


def _repeated(key: str, title: str, named: Iterator[tuple[str, str]]) -> CodeFigure:
    places = defaultdict(list)
    for name, place in named:
        places[name].append(place)
    lines = [f"{name}: {', '.join(found)}" for name, found in sorted(places.items()) if len(found) > 1]
    return CodeFigure(key, title, len(lines), lines)


def _listed(
    key: str, title: str, modules: list[SourceModule], find: Callable[[SourceModule], Iterator[str]]
) -> CodeFigure:
    places = [place for module in modules for place in find(module)]
    return CodeFigure(key, title, len(places), places)


def _protocols(module: SourceModule) -> Iterator[str]:
    for node in module.classes:
        # `Protocol`, `typing.Protocol`, and either of them with type parameters; asyncio's is none
        bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
        if any(ast.unparse(base) in {"Protocol", "typing.Protocol"} for base in bases):
            yield module.place(node, node.name)


def _forwarders(module: SourceModule) -> Iterator[str]:
    for owner in module.classes:
        for method in owner.body:
            if isinstance(method, Function) and _only_forwards(method):
                yield module.place(method, f"{owner.name}.{method.name}: {ast.unparse(method.body[-1])}")


def _only_forwards(method: Function) -> bool:
    """Whether the whole body is one call of an attribute's method with exactly the method's own parameters.

    Dunder methods are left out, they are called by the language, and so are properties, they rename.
    """
    decorators = [ast.unparse(decorator) for decorator in method.decorator_list]
    if method.name.startswith("__") or any("property" in name or ".setter" in name for name in decorators):
        return False
    body = method.body[1:] if ast.get_docstring(method) is not None else method.body
    if len(body) != 1 or not isinstance(body[0], ast.Return | ast.Expr):
        return False
    value = body[0].value
    call = value.value if isinstance(value, ast.Await | ast.YieldFrom) else value
    return isinstance(call, ast.Call) and _of_an_attribute(call.func) and _passed(call) == _parameters(method)


def _of_an_attribute(function: ast.expr) -> bool:
    """Whether the expression is `self.attribute.method`, with any number of attributes."""
    depth = 0
    while isinstance(function, ast.Attribute):
        function, depth = function.value, depth + 1
    return isinstance(function, ast.Name) and function.id == "self" and depth > 1


def _passed(call: ast.Call) -> list[str]:
    """Return the sources of all arguments of the call, sorted."""
    arguments = [argument.value if isinstance(argument, ast.Starred) else argument for argument in call.args]
    return sorted(ast.unparse(one) for one in [*arguments, *(keyword.value for keyword in call.keywords)])


def _parameters(method: Function) -> list[str]:
    """Return the names of all parameters but the first, sorted."""
    given = method.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs][1:]
    return sorted(one.arg for one in [*named, given.vararg, given.kwarg] if one is not None)


def _machinery(modules: list[SourceModule]) -> list[CodeFigure]:
    found = [module for module in modules if any(module.path.is_relative_to(folder) for folder in MACHINERY)]
    files = [str(module.path) for module in found]
    return [
        CodeFigure("machinery-files", "files of the plugin machinery", len(files), files),
        _size("machinery-lines", "lines of the plugin machinery", found),
    ]


def _size(key: str, title: str, modules: list[SourceModule]) -> CodeFigure:
    by_folder: dict[str, int] = defaultdict(int)
    for module in modules:
        by_folder[str(module.path.parent)] += module.lines
    places = [f"{lines:>6,}  {folder}" for folder, lines in sorted(by_folder.items())]
    return CodeFigure(key, title, sum(module.lines for module in modules), places)


def _other_sources(root: Path) -> CodeFigure:
    folders = [folder for pattern in (*PRODUCT[:2], "themes/*/*") for folder in root.glob(pattern)]
    by_folder = {}
    for folder in sorted(folder for folder in folders if folder.name not in {"node_modules", "tests"}):
        files = [file for file in folder.rglob("*") if file.suffix in OTHER_SOURCES and file.is_file()]
        by_folder[folder.relative_to(root)] = sum(len(file.read_text().splitlines()) for file in files)
    places = [f"{lines:>6,}  {folder}" for folder, lines in by_folder.items() if lines]
    title = "lines of JavaScript, CSS and templates, likewise"
    return CodeFigure("other-lines", title, sum(by_folder.values()), places)


def _old_docstrings(modules: list[SourceModule]) -> CodeFigure:
    documented, places = 0, []
    for module in modules:
        for node in module.functions:
            text = ast.get_docstring(node)
            documented += bool(text)
            if text and OLD_REGISTER.match(text):
                places.append(module.place(node, f"{node.name}: {text.splitlines()[0]}"))
    title = "% of functions' docstrings that begin with Give, Say, Let, Take note or Tell"
    return CodeFigure("docstrings", title, round(100 * len(places) / max(documented, 1), 1), places)


def _longest_function(modules: list[SourceModule]) -> CodeFigure:
    found = sorted(
        ((node.end_lineno or node.lineno) - node.lineno + 1, module.place(node, node.name))
        for module in modules
        for node in module.functions
    )[::-1]
    places = [f"{lines:>4}  {place}" for lines, place in found[:LISTED_FUNCTIONS]]
    longest = found[0][0] if found else 0
    return CodeFigure("longest-function", "lines of the longest function", longest, places)


def _circles(modules: list[SourceModule], package: str) -> CodeFigure:
    """Count the groups of features of a package that import one another in a circle.

    A feature is a folder directly in the package, or a module there. Every import counts, also one inside a
    function or for type checking only.
    """
    imports: dict[str, dict[str, str]] = defaultdict(dict)
    for module in modules:
        if module.path.is_relative_to(package):
            own = _feature(module, package)
            for node, name in _imported(module):
                other = _below(name, package.replace("/", "."))
                if own and other and other != own:
                    imports[own].setdefault(other, module.place(node, name))
    circles = _groups({own: set(others) for own, others in imports.items()})
    places = [
        f"{own} → {other}: {imports[own][other]}"
        for circle in circles
        for own in sorted(circle)
        for other in sorted(circle & set(imports[own]))
    ]
    key = f"{package.rpartition('/')[2]}-circles"
    return CodeFigure(key, f"import circles between features of {package}", len(circles), places)


def _feature(module: SourceModule, package: str) -> str:
    first = module.path.relative_to(package).parts[0].removesuffix(".py")
    return "" if first == "__init__" else first


def _below(name: str, package: str) -> str:
    """Return the part of a dotted name that follows the package, '' if the name lies elsewhere."""
    return name.removeprefix(f"{package}.").partition(".")[0] if name.startswith(f"{package}.") else ""


def _imported(module: SourceModule) -> Iterator[tuple[ast.stmt, str]]:
    """Yield every absolute dotted name that the module imports; `from a import b` is `a.b`."""
    for node in module.nodes:
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            start = module.path.parts[: -node.level] if node.level else ()
            base = [*start, *([node.module] if node.module else [])]
            yield from ((node, ".".join([*base, alias.name])) for alias in node.names)


def _groups(imports: dict[str, set[str]]) -> list[set[str]]:
    """Return the strongly connected components with more than one member."""
    reachable = {name: _reachable(name, imports) for name in imports}
    found: list[set[str]] = []
    for name, others in sorted(reachable.items()):
        group = {other for other in others if name in reachable.get(other, ())}
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def _reachable(start: str, imports: dict[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = set(imports[start])
    while waiting:
        seen |= waiting
        waiting = {other for name in waiting for other in imports.get(name, ())} - seen
    return seen


if __name__ == "__main__":
    main()
