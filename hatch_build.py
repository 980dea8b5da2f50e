"""Puts into the wheel what `wylloh_server/resources.py` looks for there.

That is: the themes, the contract artifacts, and the browser files of other projects, which come from their
npm packages and are not part of this repository. An editable install needs none of it: it reads the checkout.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_THEMES = "themes"
_ARTIFACTS = "contracts/artifacts"
_NOT_SHIPPED = {"node_modules", "package.json", "package-lock.json", ".npmrc"}


class ResourcesHook(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own configs are untyped
    """Called by hatchling before it writes a wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the files. `version` is `editable` or `standard`."""
        if version == "editable":
            return
        root = Path(self.root)
        build_data["force_include"].update(
            {
                str(source): f"wylloh_server/{target}"
                for source, target in [*_themes(root), *_artifacts(root), *_vendor(root)]
            }
        )


def _themes(root: Path) -> list[tuple[Path, str]]:
    files = (file for file in sorted((root / _THEMES).rglob("*")) if file.is_file())
    return [
        (file, file.relative_to(root).as_posix())
        for file in files
        if not _NOT_SHIPPED.intersection(file.relative_to(root).parts)
    ]


def _artifacts(root: Path) -> list[tuple[Path, str]]:
    return [(file, f"contracts/{file.name}") for file in sorted((root / _ARTIFACTS).glob("*.json"))]


def _vendor(root: Path) -> list[tuple[Path, str]]:
    theme = root / _THEMES / "default"
    files = [(theme / "node_modules" / path, f"vendor/{name}") for name, path in _vendor_files(root).items()]
    if not all(source.is_file() for source, _ in files):
        _npm_ci(theme)
    return files


def _vendor_files(root: Path) -> dict[str, str]:
    """Read the one list of them. The module needs the standard library only, so it loads anywhere."""
    sys.path.insert(0, str(root))
    try:
        from wylloh_server.resources import VENDOR_FILES  # noqa: PLC0415 - importable only with root on the path
    finally:
        sys.path.remove(str(root))
    return dict(VENDOR_FILES)


def _npm_ci(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        sys.exit(
            "Building the wheel takes hls.js, Idiomorph, uPlot and Inter from their npm packages, "
            "and npm is not here. Install Node.js 20 or newer with npm, then build again."
        )
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=folder, check=True)  # noqa: S603 - nothing in it comes from outside
