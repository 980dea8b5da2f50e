"""Finds the files that ship beside the code: themes, browser packages, contracts, the development chain.

A built wheel carries them inside the package (`hatch_build.py` puts them there). In a checkout they lie where
they are made: `themes/`, `contracts/artifacts/` and the `node_modules` folders of the npm packages. Every
function here looks in the wheel's place first and in the checkout's second.
"""

from __future__ import annotations

import json
import re
import shutil
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "VENDOR_FILES",
    "abi_type",
    "anvil_path",
    "artifact_folders",
    "bundled_themes",
    "contract_artifact",
    "contract_function",
    "contract_outputs",
    "vendor_file",
]

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
        "idiomorph/LICENSE": "idiomorph/LICENSE",
        "idiomorph/idiomorph.esm.js": "idiomorph/dist/idiomorph.esm.js",
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


def bundled_themes() -> Mapping[str, Path]:
    """The folders of the bundled themes by name, with `theme.toml`, `templates/` and `static/`."""
    places = (_CHECKOUT / "themes", _PACKAGE / "themes")
    return {file.parent.name: file.parent for place in places for file in place.glob("*/theme.toml")}


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
    return _first([folder / file for folder in artifact_folders()], missing)


def artifact_folders() -> tuple[Path, ...]:
    """Return where artifacts of contracts are looked for."""
    return _PACKAGE / "contracts", _CHECKOUT / "contracts/artifacts"


def contract_function(contract: str, name: str) -> str:
    """Return the canonical signature of a contract's function, such as `mint(address,uint256,uint256)`.

    Raises:
        NotFound: there is no such artifact, or no such function in it.
    """
    inputs = _function(contract, name)["inputs"]
    return f"{name}({','.join(abi_type(parameter) for parameter in inputs)})"


def contract_outputs(contract: str, name: str) -> tuple[str, ...]:
    """Return the canonical types that a contract's function returns. Raises as `contract_function`."""
    return tuple(abi_type(parameter) for parameter in _function(contract, name)["outputs"])


@cache
def _function(contract: str, name: str) -> Mapping[str, Any]:
    abi = json.loads(contract_artifact(contract).read_text(encoding="utf-8"))["abi"]
    for entry in abi:
        if (entry["type"], entry.get("name")) == ("function", name):
            return MappingProxyType(entry)
    raise NotFound(f"{contract} has no function {name!r}.", fix="Look into contracts/ for its name.")


def abi_type(parameter: Mapping[str, Any]) -> str:
    """Return the canonical type of a parameter in an ABI; a struct is its members in brackets.

    https://docs.soliditylang.org/en/latest/abi-spec.html#handling-tuple-types
    """
    written: str = parameter["type"]
    if not written.startswith("tuple"):
        return written
    members = ",".join(abi_type(member) for member in parameter["components"])
    return f"({members}){written.removeprefix('tuple')}"


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
