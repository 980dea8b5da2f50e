"""`wylloh serve` when it cannot: a line or two in plain words, exit code 1, and nothing broken."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.components.server import PATIENCE, guest, running_server, server_settings, wylloh
from tests.components.small_disk import read_only_folder

_IMPORTED = """
import sys
from importlib.metadata import entry_points
import wylloh_server.cli.serve, wylloh_server.app
for plugin in entry_points(group="wylloh.plugins"):
    plugin.load()
print(*sys.modules)
"""


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """What a command that gave up has said, in one or two lines."""
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) <= 2, done.stderr
    assert lines[0].startswith("wylloh: ")
    assert done.stdout == ""
    return done.stderr


def test_a_settings_file_that_is_not_there(tmp_path):
    assert "cannot read" in refused(wylloh("serve", "--config", tmp_path / "missing.toml"))


def test_a_settings_file_named_by_the_environment(tmp_path):
    words = refused(wylloh("serve", env={"WYLLOH_CONFIG": str(tmp_path / "missing.toml")}))
    assert str(tmp_path / "missing.toml") in words


def test_an_unknown_key(tmp_path):
    settings = server_settings(tmp_path, playback={"ffmpg": "x"})
    assert f'unknown key "playback.ffmpg" in {settings}: did you mean "ffmpeg"?' in refused(
        wylloh("serve", "--config", settings)
    )


def test_a_misspelt_variable(tmp_path):
    words = refused(wylloh("serve", "--config", server_settings(tmp_path), env={"WYLLOH_SERVER__PROT": "1"}))
    assert "WYLLOH_SERVER__PROT" in words
    assert '"port"' in words


@pytest.mark.parametrize("words", [["nonsense"], ["serve", "--nonsense"], ["serve", "--log-level", "LOUD"]])
def test_wrong_usage_is_another_exit_code(words):
    done = wylloh(*words)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "Usage: " in done.stderr


def test_a_port_that_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = refused(wylloh("serve", "--config", server_settings(tmp_path, port=port)))
    assert f"port {port}" in words
    assert "server.port" in words
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_none(tmp_path):
    settings = server_settings(tmp_path, server={"host": "no such host"})
    assert "no such host" in refused(wylloh("serve", "--config", settings))


def test_a_data_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    settings = server_settings(tmp_path, server={"data": str(tmp_path / "file" / "data")})
    words = refused(wylloh("serve", "--config", settings))
    assert str(tmp_path / "file" / "data") in words
    assert "server.data" in words


def test_a_data_folder_that_cannot_be_written(tmp_path):
    with read_only_folder(tmp_path / "readonly") as folder:
        settings = server_settings(tmp_path, server={"data": str(folder)})
        words = refused(wylloh("serve", "--config", settings))
    assert f"cannot write to the data folder {folder}" in words


def test_an_ffmpeg_that_is_none(tmp_path):
    settings = server_settings(tmp_path, playback={"ffmpeg": "/bin/true"})
    words = refused(wylloh("serve", "--config", settings))
    assert "playback.ffmpeg" in words
    assert "/bin/true" in words


def test_a_database_that_is_none(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "wylloh.sqlite3").write_text("This is a diary and no database.\n" * 100)
    words = refused(wylloh("serve", "--config", server_settings(tmp_path)))
    assert "is no database" in words
    assert (tmp_path / "data" / "wylloh.sqlite3").read_text().startswith("This is a diary")


def test_a_database_url_with_a_password_is_not_repeated(tmp_path):
    settings = server_settings(tmp_path, database={"url": "oracle://me:verysecret@127.0.0.1/x"})
    assert "verysecret" not in refused(wylloh("serve", "--config", settings))


def test_a_proxy_that_is_no_address(tmp_path):
    settings = server_settings(tmp_path, server={"trusted_proxies": ["my proxy"]})
    assert "my proxy" in refused(wylloh("serve", "--config", settings))


@pytest.fixture(scope="module")
def at_home(tmp_path_factory):
    """Settings of the server that the following tests start one after the other."""
    return server_settings(tmp_path_factory.mktemp("home"))


async def test_a_second_server_of_the_same_folder_does_no_harm(at_home):
    async with (
        running_server(at_home, WYLLOH_PASSPHRASE="correct horse") as first,
        guest(first.url) as somebody,
    ):
        done = wylloh("serve", "--config", at_home, env={"WYLLOH_PASSPHRASE": "correct horse"})
        assert "another server is working with the data folder" in refused(done)
        assert "claim" not in done.stdout
        assert (await somebody.get("/"))[0] == 200
        assert await first.stop() == 0


def test_commands_with_another_passphrase_are_refused(at_home):
    for passphrase in ({"WYLLOH_PASSPHRASE": "wrong horse"}, {}):
        words = refused(wylloh("serve", "--config", at_home, env=passphrase))
        assert "passphrase" in words
        assert "horse" not in words


async def test_the_right_passphrase_still_opens(at_home):
    async with running_server(at_home, WYLLOH_PASSPHRASE="correct horse") as server:
        assert "correct horse" not in server.out() + server.err()


def test_help_imports_nothing_heavy():
    done = wylloh("serve", "--help", env={"PYTHONPROFILEIMPORTTIME": "1"})
    assert done.returncode == 0
    assert "--config" in done.stdout
    assert " wylloh_server.cli.settings_option\n" in done.stderr
    for heavy in ("web3", "aiohttp", "dbos", "sqlalchemy"):
        assert f" {heavy}\n" not in done.stderr


def test_version():
    assert wylloh("--version").stdout.startswith("wylloh, version ")


def test_stopping_ends_even_when_something_never_comes_back():
    code = (
        "import time; from wylloh_server.cli import serve; serve._STOP_SECONDS = 0.2; "
        "serve._stop_in_any_case(); time.sleep(600)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0
    assert "Stopping took longer than 0.2 s" in done.stderr


def test_a_server_answers_before_it_imports_the_libraries_that_take_longest():
    done = subprocess.run([sys.executable, "-c", _IMPORTED], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert {"aiohttp", "wylloh_store"} <= loaded
    assert not loaded & {"web3", "eth_account", "dbos", "alembic", "requests"}
