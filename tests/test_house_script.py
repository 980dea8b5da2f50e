"""`scripts/house.py` finds what it counts, in a small checkout made for each test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "house.py"

FORWARDERS = '''
class Service:
    def __init__(self, store):
        self._store = store

    def plain(self, key, *more, flag=False, **options):
        """Return something."""
        return self._store.plain(key, *more, flag=flag, **options)

    async def awaited(self, key):
        await self._store.inner.awaited(key)

    def adds_an_argument(self, key):
        return self._store.load(key, 3)

    def drops_an_argument(self, key, size):
        return self._store.load(key)

    def changes_an_argument(self, key):
        return self._store.load(key.lower())

    def calls_itself(self, key):
        return self.plain(key)

    def does_more(self, key):
        self._store.load(key)
        return key

    def __len__(self):
        return self._store.size()

    @property
    def size(self):
        return self._store.size()
'''
PROTOCOLS = """
import typing
from typing import Protocol, TypeVar

T = TypeVar("T")

class Plain(Protocol): ...
class Dotted(typing.Protocol): ...
class Generic(Protocol[T]): ...
class ProtocolError(Exception): ...
class Connection(asyncio.Protocol): ...
class Implementation(Plain): ...
"""
DOCSTRINGS = '''
def one():
    """Give a number."""

def two():
    """Gives a number."""

def three():
    """Give: a noun is no better."""

def four():
    """Given a number, return another."""

def five():
    """Letters of the alphabet."""

def six():
    pass
'''


def measured(root: Path, files: dict[str, str]) -> dict[str, dict]:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    command = [sys.executable, str(SCRIPT), "--root", str(root), "--json"]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {figure["key"]: figure for figure in json.loads(printed)}


def test_a_class_name_in_two_modules_is_counted_once_with_both_places(tmp_path: Path) -> None:
    figures = measured(
        tmp_path,
        {
            "wylloh_server/domain/a.py": "class Row: ...\nclass Other: ...\n",
            "plugins/store/wylloh_store/b.py": "class Outer:\n    class Row: ...\n",
            "plugins/store/tests/test_b.py": "class Other: ...\n",
            "wylloh_server/cli/plugin/scaffold/c.py": "class Other: ...\n",
        },
    )

    assert figures["classes"]["value"] == 1
    assert figures["classes"]["places"] == [
        "Row: plugins/store/wylloh_store/b.py:2 Row, wylloh_server/domain/a.py:1 Row"
    ]


def test_a_module_name_that_every_plugin_has_may_repeat(tmp_path: Path) -> None:
    names = [
        "wylloh_server/films.py",
        "wylloh_server/storage/films.py",
        "wylloh_server/storage/migrations/films.py",
        "plugins/store/wylloh_store/tables.py",
        "plugins/royalties/wylloh_royalties/tables.py",
    ]

    figures = measured(tmp_path, dict.fromkeys(names, ""))

    assert figures["modules"]["places"] == [f"films: {names[0]}, {names[1]}"]


def test_protocols_are_counted_however_they_are_written(tmp_path: Path) -> None:
    figures = measured(tmp_path, {"wylloh_server/ports.py": PROTOCOLS})

    assert [place.split()[-1] for place in figures["protocols"]["places"]] == ["Plain", "Dotted", "Generic"]


def test_a_forwarder_passes_exactly_its_own_parameters_to_another_object(tmp_path: Path) -> None:
    figures = measured(tmp_path, {"wylloh_server/service.py": FORWARDERS})

    names = [place.split()[1] for place in figures["forwarders"]["places"]]
    assert names == ["Service.plain:", "Service.awaited:"]


def test_docstrings_of_the_old_register_are_a_share_of_all(tmp_path: Path) -> None:
    figures = measured(tmp_path, {"wylloh_server/numbers.py": DOCSTRINGS})

    assert figures["docstrings"]["value"] == 60
    assert len(figures["docstrings"]["places"]) == 3


@pytest.mark.parametrize("folder", ["plugins", "hooks"])
def test_sizes_are_of_the_product_alone(tmp_path: Path, folder: str) -> None:
    figures = measured(
        tmp_path,
        {
            f"wylloh_server/{folder}/context.py": "a = 1\n\n# a comment\n",
            "wylloh_server/web/static/page.js": "let a;\n",
            "plugins/store/wylloh_store/shop.py": "b = 1\n",
            "plugins/store/tests/test_shop.py": "c = 1\n",
            "tests/test_all.py": "d = 1\n",
            "demo/scenario.py": "e = 1\n",
            "wylloh_server/cli/demo/scenario.py": "f = 1\n",
            "themes/default/static/page.css": "a {\n}\n",
            "themes/default/node_modules/other/page.css": "a {\n}\n",
        },
    )

    assert figures["machinery-files"]["value"] == 1
    assert figures["machinery-lines"]["value"] == 3
    assert figures["lines"]["value"] == 4
    assert figures["other-lines"]["value"] == 3


@pytest.mark.parametrize(
    "statement",
    [
        "from wylloh_server.services.library.service import Library",
        "from wylloh_server.services import library",
        "import wylloh_server.services.library.service",
        "from ..library import service",
        "def late():\n    from ..library.service import Library",
    ],
)
def test_features_that_import_each_other_are_a_circle(tmp_path: Path, statement: str) -> None:
    services = "wylloh_server/services"
    files = {
        f"{services}/library/service.py": "from wylloh_server.services.licensing import decide\n",
        f"{services}/licensing/decide.py": "from ..chain import index\n",
        f"{services}/chain/index.py": f"{statement}\n",
        f"{services}/accounts/login.py": "from ..chain import index\n",
    }

    figures = measured(tmp_path, files)

    assert figures["services-circles"]["value"] == 1
    assert [place.partition(":")[0] for place in figures["services-circles"]["places"]] == [
        "chain → library",
        "library → licensing",
        "licensing → chain",
    ]
    assert figures["adapters-circles"]["value"] == 0


def test_the_longest_function_comes_first(tmp_path: Path) -> None:
    text = "def short():\n    pass\n\n\ndef long():\n    a = 1\n    b = 2\n    return a, b\n"

    figures = measured(tmp_path, {"wylloh_server/a.py": text})

    assert figures["longest-function"]["value"] == 4
    assert figures["longest-function"]["places"][0].split() == ["4", "wylloh_server/a.py:5", "long"]


def test_the_table_and_the_places_of_one_figure_are_printed(tmp_path: Path) -> None:
    (tmp_path / "wylloh_server").mkdir()
    (tmp_path / "wylloh_server" / "ports.py").write_text("class Clock(Protocol): ...\n")
    command = [sys.executable, str(SCRIPT), "--root", str(tmp_path)]

    table = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    listed = subprocess.run(
        [*command, "--list", "protocols"], check=True, capture_output=True, text=True
    ).stdout
    wrong = subprocess.run([*command, "--list", "beauty"], check=False, capture_output=True, text=True)

    assert ["protocols", "1", "protocols"] in [line.split() for line in table.splitlines()]
    assert listed == "wylloh_server/ports.py:1 Clock\n"
    assert wrong.returncode == 2
    assert "protocols" in wrong.stderr
