"""`wylloh plugin new` writes a plugin that passes its own tests and shows its page."""

from __future__ import annotations

import ast
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from eth_account import Account

from tests.components.server import clean_environment, guest, running_server, server_settings, wylloh
from wylloh_server.cli import main
from wylloh_server.cli.plugin.new_command import write_plugin
from wylloh_server.domain.errors import InvalidValue

FILES = {
    "README.md",
    "pyproject.toml",
    "tests/test_counting.py",
    "wylloh_counting/__init__.py",
    "wylloh_counting/_pages.py",
    "wylloh_counting/_plays.py",
    "wylloh_counting/templates/most_watched.html",
}


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A plugin as the command writes it."""
    shelf = tmp_path_factory.mktemp("shelf") / "deeper"
    done = wylloh("plugin", "new", "counting", "--folder", shelf)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Wrote the plugin counting to {shelf}/counting" in done.stdout
    return shelf / "counting"


def test_it_holds_a_route_a_template_a_table_a_listener_a_setting_tests_and_a_readme(written):
    assert {str(path.relative_to(written)) for path in written.rglob("*") if path.is_file()} == FILES
    hooks = (written / "wylloh_counting/__init__.py").read_text()
    for hook in ("settings", "migrations", "routes", "template_dirs", "nav_items", "on_event"):
        assert re.search(rf"@hookimpl\n(async )?def {hook}\(", hooks)
    texts = "".join((written / name).read_text() for name in FILES).lower()
    assert "example" not in texts
    assert [path.name for path in written.parent.iterdir()] == ["counting"], "nothing unfinished is left"


def test_it_passes_its_own_tests(written):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=written,
        env=clean_environment(PYTHONDONTWRITEBYTECODE="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"^5 passed", done.stdout, re.M)


def test_a_check_finds_nothing_wrong_with_it(written):
    done = wylloh("plugin", "check", written)
    assert done.returncode == 0, done.stdout
    assert [line[0] for line in done.stdout.splitlines()] == ["✓"] * 4
    assert "counting 0.1.0 loads. It was written for SDK" in done.stdout


def test_23_mypy_finds_nothing_in_it_and_in_its_tests(written, tmp_path):
    """As its author calls it, who has the server as an installed package."""
    code = [str(written / "wylloh_counting"), str(written / "tests")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *code],
        cwd=written,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "Success: no issues found in 4 source files\n")


async def test_its_page_shows(written, tmp_path):
    owner = Account.create()
    settings = server_settings(tmp_path, plugins={"path": [str(written.parent)]})
    async with running_server(settings) as server, guest(server.url) as person:
        assert (await person.sign_in(owner, server.claim_code))[0] == 200
        page = await person.page("/plugins/counting/")
        assert "<h1>Nothing has been watched yet.</h1>" in page
        assert re.search(r'href="/plugins/counting/"[^>]*>Counting</a>', page)


def test_what_the_page_for_authors_shows_works_as_it_stands(tmp_path, monkeypatch):
    page = (Path(__file__).parents[2] / "docs/plugin-author.md").read_text()
    block = re.search(r"```\n(.*?)```", page, re.DOTALL)[1]
    lines = [shlex.split(line, comments=True) for line in block.splitlines()]
    assert [line[:3] for line in lines] == [["wylloh", "plugin", word] for word in ("new", "check", "list")]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for _, *words in lines:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output


def test_no_name_stands_where_it_could_hide_another(written):
    tree = ast.parse((written / "tests/test_counting.py").read_text())
    names = {getattr(node, field, None) for node in ast.walk(tree) for field in ("id", "arg", "name", "attr")}
    assert "counting" not in names, "a plugin called len or app would break its own tests"


BAD_NAMES = {
    "Counting": "A plugin's name is lower-case letters and digits, not 'Counting'.",
    "two_words": "A plugin's name is lower-case letters and digits, not 'two_words'.",
    "../escape": "A plugin's name is lower-case letters and digits, not '../escape'.",
    "": "A plugin's name is lower-case letters and digits, not ''.",
    "x" * 40: f"A plugin's name is lower-case letters and digits, not {'x' * 40!r}.",
    "class": "class is a reserved word of Python; no plugin can have that name.",
    "async": "async is a reserved word of Python; no plugin can have that name.",
    "server": "There is a Python package called wylloh_server.",
    "tagging": "A plugin called tagging is installed here already.",
}


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_cannot_be_is_refused(tmp_path, name):
    with pytest.raises(InvalidValue) as refused:
        write_plugin(name, tmp_path)
    assert (str(refused.value), bool(refused.value.fix)) == (BAD_NAMES[name], True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("keep me")
    with pytest.raises(InvalidValue, match="There is something at"):
        write_plugin("mine", tmp_path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["precious.txt"]


def test_when_it_cannot_be_written_nothing_is(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.copymode", lambda *_: (_ for _ in ()).throw(OSError("no room")))
    with pytest.raises(OSError, match="no room"):
        write_plugin("mine", tmp_path)
    assert list(tmp_path.iterdir()) == []
