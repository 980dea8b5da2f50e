"""A wheel, built as a release is, carries everything the code looks for and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The content of a fresh wheel, as an installer would lay it down."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", str(ROOT), "--no-deps"]
    subprocess.run([*command, "--no-build-isolation", "--quiet", "--wheel-dir", folder], check=True)
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def test_it_finds_its_files_without_the_checkout(unpacked: Path) -> None:
    program = """
import json
from wylloh_server.resources import VENDOR_FILES, bundled_themes, contract_artifact, vendor_file
CONTRACTS = ["FilmRegistry", "FilmStore", "RoyaltySplitter", "RoyaltySplitterFactory", "DemoDollar"]
print(json.dumps([str(p) for p in
    [*bundled_themes().values(), *map(contract_artifact, CONTRACTS), *map(vendor_file, VENDOR_FILES)]]))
"""
    command = [
        sys.executable,
        "-I",
        "-B",
        "-c",
        f"import sys; sys.path.insert(0, {str(unpacked)!r}){program}",
    ]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = [Path(name) for name in json.loads(done.stdout)]
    assert all(path.is_relative_to(unpacked) for path in found)


def test_the_themes_in_it_are_those_of_the_checkout(unpacked: Path) -> None:
    def content(theme: Path) -> dict[str, bytes]:
        files = [path for path in theme.rglob("*") if path.is_file() and "node_modules" not in path.parts]
        return {str(p.relative_to(theme)): p.read_bytes() for p in files}

    tooling = {"package.json", "package-lock.json", ".npmrc"}
    for theme in ("default", "light"):
        expected = {k: v for k, v in content(ROOT / "themes" / theme).items() if k not in tooling}
        assert content(unpacked / "wylloh_server/themes" / theme) == expected


def test_it_carries_every_bundled_plugin_with_all_its_files(unpacked: Path) -> None:
    packages = sorted((ROOT / "plugins").glob("*/wylloh_*"))
    assert packages
    for package in packages:
        for file in package.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert (unpacked / package.name / file.relative_to(package)).is_file(), file


def test_it_carries_the_licences_of_what_it_brings_along(unpacked: Path) -> None:
    assert "Apache License" in (unpacked / "wylloh_server/vendor/hls/LICENSE").read_text()
    assert "SIL OPEN FONT LICENSE" in (unpacked / "wylloh_server/vendor/inter/LICENSE").read_text().upper()
    [own] = unpacked.glob("*.dist-info/licenses/LICENSE")
    assert "Apache License" in own.read_text()


def test_nothing_else_comes_along(unpacked: Path) -> None:
    top = {path.name for path in unpacked.iterdir() if not path.name.endswith(".dist-info")}
    plugins = {path.name for path in (ROOT / "plugins").glob("*/wylloh_*")}
    assert top == {"wylloh_server"} | plugins
    assert not [path for path in unpacked.rglob("*") if path.name == "node_modules" or path.suffix == ".pyc"]


def test_it_tells_type_checkers_that_it_has_types(unpacked: Path) -> None:
    assert (unpacked / "wylloh_server/py.typed").is_file()


def test_it_carries_the_model_of_a_new_plugin(unpacked: Path) -> None:
    def content(model: Path) -> dict[str, bytes]:
        files = [path for path in model.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {str(path.relative_to(model)): path.read_bytes() for path in files}

    model = "wylloh_server/cli/plugin/scaffold"
    assert content(ROOT / model)
    assert content(unpacked / model) == content(ROOT / model)
