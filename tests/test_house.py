"""The rules of the house that no other tool checks, held against every file of the repository."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wylloh_server.resources import VENDOR_FILES, vendor_file

ROOT = Path(__file__).resolve().parents[1]
LONGEST_FUNCTION = 50
HASHED = re.compile(r"^\S+==\S+( ; .+)? \\$")
OTHER_LINE = re.compile(r"^(    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*|#.*|)$")
# Written apart, so that this file does not break its own rule.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
]


def tracked(*patterns: str) -> list[Path]:
    """Every file of the repository whose path fits one of git's patterns."""
    # A checkout that belongs to another user is fine: nothing in it is run by git.
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def product_modules() -> list[Path]:
    return [path for path in tracked("*.py") if "tests" not in path.relative_to(ROOT).parts]


def test_the_floors_are_kept() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def imported(path: Path) -> set[str]:
    """The modules a file imports anywhere in it, `from a import b` as `a`."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}


def test_a_plugin_imports_the_sdk_and_nothing_else_of_the_house() -> None:
    packages = {path.name for path in (ROOT / "plugins").glob("*/wylloh_*")}
    for path in tracked("plugins/*/wylloh_*.py"):
        own = path.relative_to(ROOT).parts[2]
        house = {
            name for name in imported(path) if name.split(".")[0] in {"wylloh_server", *packages} - {own}
        }
        assert house <= {"wylloh_server.sdk"}, path


def test_the_core_names_no_plugin() -> None:
    names = [path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()]
    assert names
    named = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in tracked("wylloh_server/*.py")
        for name in names
        if re.search(rf"\bwylloh_{name}\b|['\"]{name}['\"]", path.read_text())
    ]
    assert not named


def test_no_function_is_longer_than_fifty_lines() -> None:
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name} has {length} lines"
        for path in product_modules()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := node.end_lineno - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert product_modules()
    assert not too_long, "\n".join(too_long)


def test_no_suppression_is_blanket() -> None:
    blanket = re.compile(
        r"#\s*noqa(?!:)|#\s*type:\s*ignore(?!\[)|#\s*ruff:\s*noqa(?!:)|#\s*mypy:\s*ignore-errors"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in product_modules()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if blanket.search(line)
    ]
    assert not found


def test_nothing_is_left_for_later() -> None:
    later = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    found = [
        str(path.relative_to(ROOT))
        for path in [*product_modules(), *tracked("*.html", "*.js", "*.mjs", "*.css", "*.sol")]
        if later.search(path.read_text())
    ]
    assert not found


def test_files_of_other_projects_are_not_copied_in() -> None:
    theirs = {vendor_file(name).read_bytes() for name in VENDOR_FILES}
    copied = [path for path in tracked() if path.read_bytes() in theirs]
    by_name = tracked(
        "*.woff", "*.woff2", "*.ttf", "*.otf", "*.min.js", "*.min.mjs", "*.map", "*.whl", "*.so", "*.wasm"
    )
    solidity = [path for path in tracked("*.sol") if "OpenZeppelin Contracts (" in path.read_text()]
    assert not copied + by_name + solidity


def test_lockfiles_carry_hashes_and_no_addresses() -> None:
    locks = tracked("*package-lock.json")
    assert len(locks) == len(tracked("*package.json"))
    for lock in locks:
        packages = json.loads(lock.read_text())["packages"]
        for name, package in packages.items():
            assert "resolved" not in package, f"{lock}: {name}"
            assert not name or "integrity" in package or package.get("inBundle"), f"{lock}: {name}"


@pytest.mark.parametrize("name", ["runtime", "development", "lock"])
def test_constraints_are_pinned_hashed_and_name_no_host(name: str) -> None:
    lines = (ROOT / f"constraints/{name}.txt").read_text().splitlines()
    pinned = [line for line in lines if HASHED.match(line)]
    strange = [line for line in lines if not HASHED.match(line) and not OTHER_LINE.match(line)]
    assert pinned
    assert not strange


def test_development_pins_what_the_runtime_pins() -> None:
    def pins(name: str) -> set[str]:
        lines = (ROOT / f"constraints/{name}.txt").read_text().splitlines()
        return {re.split(r" ;| \\", line)[0] for line in lines if HASHED.match(line)}

    assert pins("runtime") <= pins("development")


def test_every_dependency_is_pinned() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [need for needs in project["optional-dependencies"].values() for need in needs]
    for file, needs in {"runtime": project["dependencies"], "development": extras}.items():
        text = (ROOT / f"constraints/{file}.txt").read_text()
        for need in needs:
            name = re.match(r"[A-Za-z0-9._-]+", need)[0]
            assert re.search(rf"^{re.escape(name)}(\[[a-z,]+\])?==", text, re.M), f"{name}: make lock"


def test_no_package_registry_is_named() -> None:
    named = [
        f"{path.relative_to(ROOT)}: {registry}"
        for path in tracked()
        for registry in REGISTRIES
        if registry.encode() in path.read_bytes()
    ]
    assert not named
