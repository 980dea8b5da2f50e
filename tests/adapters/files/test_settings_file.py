"""Settings of plugins are written into the settings file, and nothing else of it changes."""

from __future__ import annotations

import tomllib

import pytest

from wylloh_server.adapters.files.settings_file import check_plugin_settings, write_plugin_settings
from wylloh_server.config import load_settings
from wylloh_server.domain.errors import SettingsError

OWN = """# My server.
[server]
name = "Attic"   # what the TV shows

[plugins.settings.tagging]
automatic = false  # I do it myself
locked_for_viewers = ["horror"]
"""


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch):
    monkeypatch.delenv("WYLLOH_PLUGINS__SETTINGS__TAGGING__AUTOMATIC", raising=False)


def test_what_changes_is_written_and_every_comment_stays(tmp_path):
    file = tmp_path / "wylloh.toml"
    file.write_text(OWN)
    file.chmod(0o640)
    changed = {
        "automatic": True,
        "locked_for_viewers": ("horror", "gore"),
        "language": 'de "neu"',
        "size": 0.5,
    }
    write_plugin_settings(file, "tagging", changed, secret=False)
    read = tomllib.loads(file.read_text())
    assert read["plugins"]["settings"]["tagging"] == changed | {"locked_for_viewers": ["horror", "gore"]}
    for line in (
        "# My server.",
        'name = "Attic"   # what the TV shows',
        "automatic = true  # I do it myself",
    ):
        assert line in file.read_text().splitlines()
    assert file.stat().st_mode & 0o777 == 0o640
    assert load_settings(file).file == file
    write_plugin_settings(file, "store", {"fee": 1}, secret=False)
    assert tomllib.loads(file.read_text())["plugins"]["settings"].keys() == {"tagging", "store"}


def test_a_file_that_receives_a_secret_is_read_by_nobody_else(tmp_path):
    file = tmp_path / "wylloh.toml"
    file.write_text(OWN)
    file.chmod(0o644)
    write_plugin_settings(file, "tagging", {"webhook_token": "hush"}, secret=True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert tomllib.loads(file.read_text())["plugins"]["settings"]["tagging"]["webhook_token"] == "hush"
    write_plugin_settings(file, "tagging", {"automatic": True}, secret=False)
    assert file.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_written_is_left_alone_and_said(tmp_path, monkeypatch):
    file = tmp_path / "wylloh.toml"
    file.write_text("plugins = { settings = { tagging = { automatic = false } } }\n")
    before = file.read_text()
    with pytest.raises(SettingsError, match="written in a way") as caught:
        write_plugin_settings(file, "tagging", {"automatic": True}, secret=False)
    assert (file.read_text(), caught.value.fix) == (before, "Edit plugins.settings.tagging there by hand.")
    with pytest.raises(SettingsError, match="There is no settings file"):
        check_plugin_settings(None, "tagging")
    monkeypatch.setenv("WYLLOH_PLUGINS__SETTINGS__TAGGING__AUTOMATIC", "true")
    with pytest.raises(SettingsError, match="win over any file"):
        write_plugin_settings(file, "tagging", {"automatic": True}, secret=False)
