"""`wylloh plugin list`, `enable` and `disable`."""

from __future__ import annotations

import asyncio
import json
import tomllib
from dataclasses import asdict

import pytest
from click.testing import CliRunner

from wylloh_server.app.instance_lock import instance_lock
from wylloh_server.app.plugin_status import known_voters, noted_voters
from wylloh_server.cli import main
from wylloh_server.adapters.files.settings_file import change_disabled
from wylloh_server.config import load_settings
from wylloh_server.domain.errors import SettingsError
from wylloh_server.domain.plugin_record import PluginRecord, PluginStatus
from wylloh_server.storage import open_database

OWN = """# My server.
[server]
name = "Attic"   # what the TV shows

[plugins]
disabled = [
  "store",  # nothing is sold here
]
path = ["{path}"]

[plugins.settings.tagging]
automatic = false
"""
BAD = "from wylloh_server.sdk import hookimpl\n"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    monkeypatch.delenv("WYLLOH_PLUGINS__DISABLED", raising=False)
    monkeypatch.setenv("WYLLOH_CONFIG", "")


@pytest.fixture
def file(tmp_path):
    """A settings file with a plugin folder that holds one plugin without a mark."""
    package = tmp_path / "plugins" / "wylloh_testbad"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(BAD)
    file = tmp_path / "wylloh.toml"
    file.write_text(OWN.format(path=tmp_path / "plugins"))
    file.chmod(0o640)
    return file


def run(*words):
    done = CliRunner().invoke(main, ["plugin", *map(str, words)])
    return done.exit_code, done.output


def test_a_plugin_is_disabled_and_enabled_and_every_comment_stays(file):
    before = file.read_text()
    assert run("disable", "testbad", "--config", file) == (
        0,
        f"testbad is disabled in {file}. The server follows when it starts the next time.\n",
    )
    after = file.read_text()
    assert tomllib.loads(after)["plugins"]["disabled"] == ["store", "testbad"]
    for line in before.splitlines():
        assert line in after.splitlines()
    assert file.stat().st_mode & 0o777 == 0o640

    assert run("disable", "testbad", "--config", file) == (0, "testbad is disabled already.\n")
    assert run("enable", "testbad", "--config", file)[0] == 0
    assert file.read_text() == before
    assert run("enable", "testbad", "--config", file) == (0, "testbad is enabled already.\n")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing yet\n",
        "[plugins]\ntimeout_seconds = 3\n",
        "plugins.timeout_seconds = 3\n",
        "[plugins.settings.tagging]\nautomatic = false\n",
        "[plugins]\ndisabled = []\n",
        'plugins = { disabled = ["x"] }\n',
    ],
)
def test_wherever_the_list_stands_or_does_not(tmp_path, text):
    file = tmp_path / "wylloh.toml"
    file.write_text(text)
    had = tomllib.loads(text).get("plugins", {}).get("disabled", [])
    try:
        change_disabled(file, lambda disabled: disabled.append("tagging"))
    except SettingsError:
        assert file.read_text() == text
        assert "{" in text, "only a list inside braces has to be changed by hand"
    else:
        new = tomllib.loads(file.read_text())
        assert new["plugins"].pop("disabled") == [*had, "tagging"]
        old = tomllib.loads(text) or {"plugins": {}}
        old["plugins"].pop("disabled", None)
        assert new == old


def test_what_cannot_be_changed_is_left_alone(file):
    for words, said in (
        (("disable", "tagginh"), "There is no plugin tagginh.\n        Did you mean tagging?"),
        (("enable", "nobody"), "There is no plugin nobody."),
    ):
        before = file.read_text()
        code, output = run(*words, "--config", file)
        assert (code, file.read_text()) == (1, before)
        assert said in output
    assert "cannot read" in run("disable", "tagging", "--config", file.with_name("nowhere.toml"))[1]
    assert "there is no settings file" in run("disable", "tagging")[1]


def test_a_variable_that_wins_over_the_file_is_named(file, monkeypatch):
    monkeypatch.setenv("WYLLOH_PLUGINS__DISABLED", '["tagging"]')
    code, output = run("enable", "tagging", "--config", file)
    assert code == 1
    assert "the variable WYLLOH_PLUGINS__DISABLED says which plugins are disabled" in output


def test_the_list_says_why_a_plugin_does_not_run(file):
    code, output = run("list", "--config", file)
    assert code == 0
    lines = [line.split() for line in output.splitlines()]
    assert ["testbad", "-", "failed"] in lines
    assert any(line[:1] == ["tagging"] and line[2:] == ["ready", "SDK", "1.0"] for line in lines)
    assert "The plugin does not say which SDK it was written for. Write WYLLOH_SDK" in output
    assert "Traceback" not in output


def test_the_list_shows_the_troubles_of_a_plugin_that_runs_also_when_no_place_is_closed(
    file, tmp_path, monkeypatch
):
    monkeypatch.setenv("WYLLOH_SERVER__DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    place = "nav_items: ValueError: no (wylloh_shelf/__init__.py:9)"
    record = PluginRecord("shelf", "1.0", PluginStatus.RUNNING, "", "x", 1, place, lost={"it failed": 2})
    (tmp_path / "data/plugins.json").write_text(json.dumps([asdict(record)]))
    with instance_lock(tmp_path / "data"):
        code, output = run("list", "--config", file)
    assert code == 0
    assert f"Errors so far: 1. The last one: {place}\n" in output
    assert "Events it did not hear, because it failed: 2." in output


def test_a_plugin_that_had_a_say_and_is_gone_can_be_disabled(file, tmp_path, monkeypatch):
    monkeypatch.setenv("WYLLOH_SERVER__DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    records = [{"name": "gonelock", "votes": True}, {"name": "goneshelf", "votes": False}]
    (tmp_path / "data/plugins.json").write_text(json.dumps(records))
    assert run("disable", "goneshelf", "--config", file)[0] == 1
    code, output = run("disable", "gonelock", "--config", file)
    assert (code, "gonelock is disabled in" in output) == (0, True)
    assert "gonelock" in tomllib.loads(file.read_text())["plugins"]["disabled"]


@pytest.mark.parametrize("text", ["", "{", "7", "[7]", '{"a": 1}', '[{"votes": true}]'])
def test_what_was_noted_of_plugins_may_be_damaged(file, tmp_path, monkeypatch, text):
    monkeypatch.setenv("WYLLOH_SERVER__DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data/plugins.json").write_text(text)
    settings = load_settings(file)
    assert noted_voters(settings) == ()
    remember(settings, "gonelock")
    assert asyncio.run(known_voters(settings)) == {"gonelock"}, "the database knows"
    assert run("disable", "gonelock", "--config", file)[0] == 0


def remember(settings, *names):
    async def write():
        async with open_database(settings.database_url) as database:
            await database.storage.voting_plugins.replace(names)

    asyncio.run(write())
