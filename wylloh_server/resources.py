"""Finds the files that ship beside the code: themes, browser packages, contracts, the development chain.

A built wheel carries them inside the package (`hatch_build.py` puts them there). In a checkout they lie where
they are made: `themes/`, `contracts/artifacts/` and the `node_modules` folders of the npm packages. Every
function here looks in the wheel's place first and in the checkout's second.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["VENDOR_FILES", "anvil_path", "contract_artifact", "theme_dir", "vendor_file"]

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent
_VENDOR_MODULES = _CHECKOUT / "themes/default/node_modules"
_ANVIL_MODULES = _CHECKOUT / "contracts/anvil/node_modules/@foundry-rs"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")

_INTER_SUBSETS = ("cyrillic", "cyrillic-ext", "greek", "greek-ext", "latin", "latin-ext", "vietnamese")

VENDOR_FILES: Mapping[str, str] = MappingProxyType(
    {
        "hls/hls.min.js": "hls.js/dist/hls.min.js",
        "hls/hls.min.mjs": "hls.js/dist/hls.min.mjs",
        "hls/hls.worker.js": "hls.js/dist/hls.worker.js",
        "hls/LICENSE": "hls.js/LICENSE",
        "inter/index.css": "@fontsource-variable/inter/opsz.css",
        "inter/LICENSE": "@fontsource-variable/inter/LICENSE",
        "tus/LICENSE": "tus-js-client/LICENSE",
        "tus/tus.min.js": "tus-js-client/dist/tus.min.js",
        "uplot/LICENSE": "uplot/LICENSE",
        "uplot/uPlot.iife.min.js": "uplot/dist/uPlot.iife.min.js",
        "uplot/uPlot.min.css": "uplot/dist/uPlot.min.css",
    }
    | {
        f"inter/files/inter-{subset}-opsz-normal.woff2": (
            f"@fontsource-variable/inter/files/inter-{subset}-opsz-normal.woff2"
        )
        for subset in _INTER_SUBSETS
    }
)
"""Files of other projects that browsers get: their name here → their path under the theme's `node_modules`.

The names keep `index.css` and its relative `files/` together, so that they can be served as they are.
Of Inter it is the cut whose letters fit their size (the axis `opsz`): headlines are drawn with it.
"""


def theme_dir(name: str) -> Path:
    """The folder of a bundled theme, holding `theme.toml`, `templates/` and `static/`.

    Raises:
        NotFound: there is no bundled theme of that name.
    """
    missing = NotFound(f"There is no theme named {name!r}.", fix="Use the theme 'default'.")
    if not _PLAIN_NAME.fullmatch(name):
        raise missing
    return _first([_PACKAGE / "themes" / name, _CHECKOUT / "themes" / name], missing)


def vendor_file(name: str) -> Path:
    """The file behind a name of `VENDOR_FILES`, for example `hls/hls.min.mjs`.

    Raises:
        NotFound: the name is not listed, or the npm packages of the theme are not installed.
    """
    if name not in VENDOR_FILES:
        raise NotFound(f"No browser file is named {name!r}.", fix="Use a name of VENDOR_FILES.")
    return _first(
        [_PACKAGE / "vendor" / name, _VENDOR_MODULES / VENDOR_FILES[name]],
        NotFound(
            f"The browser file {name} is not installed.",
            fix="Type: npm ci --ignore-scripts --prefix themes/default",
        ),
    )


def contract_artifact(name: str) -> Path:
    """The JSON file with ABI and bytecode of one of the project's contracts, for example `FilmRegistry`.

    Raises:
        NotFound: there is no such artifact.
    """
    missing = NotFound(f"There is no contract artifact named {name!r}.", fix="Type: make contracts")
    if not _PLAIN_NAME.fullmatch(name):
        raise missing
    file = f"{name}.json"
    return _first([_PACKAGE / "contracts" / file, _CHECKOUT / "contracts/artifacts" / file], missing)


def anvil_path() -> Path:
    """The program of the development chain: the checkout's npm package, else `anvil` on PATH.

    Raises:
        NotFound: neither is there.
    """
    on_path = shutil.which("anvil")
    return _first(
        [*sorted(_ANVIL_MODULES.glob("anvil-*/bin/anvil")), *([Path(on_path)] if on_path else [])],
        NotFound(
            "The development chain (anvil) is not installed.",
            fix="Type: npm ci --ignore-scripts --prefix contracts/anvil, or put Foundry's anvil on PATH.",
        ),
    )


def _first(candidates: list[Path], missing: NotFound) -> Path:
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise missing
