"""Settings: one file, the environment on top, and mistakes told in a line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from wylloh_server.config import load_settings
from wylloh_server.domain.errors import SettingsError


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    for name in os.environ:
        if name.startswith("WYLLOH_") and name != "WYLLOH_TEST_RUN":
            monkeypatch.delenv(name)


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes) -> Path:
        file = tmp_path / "wylloh.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def refusal(file: Path | None) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(file)
    assert "\n" not in str(caught.value)
    assert "\n" not in caught.value.fix
    return caught.value


MISTYPED = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def test_without_a_file_everything_has_a_default():
    settings = load_settings(None)
    assert settings.server.port == 8484
    assert settings.server.data == Path("~/.local/share/wylloh").expanduser()
    assert settings.chain.rpc == ()
    assert settings.database_url == f"sqlite+aiosqlite:///{settings.server.data}/wylloh.sqlite3"


def test_a_file_is_read_and_paths_are_made_whole(written, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    file = written('[library]\nfolders = ["~/films"]\n[plugins.settings.tagging]\nmost = 3\n')
    settings = load_settings(file)
    assert settings.library.folders == (Path("/home/somebody/films"),)
    assert settings.plugins.settings == {"tagging": {"most": 3}}


def test_the_environment_wins_over_the_file_key_by_key(written, monkeypatch):
    file = written('[server]\nport = 1000\nname = "Attic"\n')
    monkeypatch.setenv("WYLLOH_SERVER__PORT", "2000")
    monkeypatch.setenv("WYLLOH_LIBRARY__FOLDERS", '["/films", "/more"]')
    settings = load_settings(file)
    assert (settings.server.port, settings.server.name) == (2000, "Attic")
    assert settings.library.folders == (Path("/films"), Path("/more"))


def test_the_environment_alone_is_enough(monkeypatch):
    monkeypatch.setenv("WYLLOH_SERVER__PUBLIC_URL", "https://films.example/")
    assert load_settings(None).server.public_url == "https://films.example"


@pytest.mark.parametrize(
    ("text", "key", "nearest"),
    [
        ("[server]\nprt = 1\n", "server.prt", '"port"'),
        ("[srver]\nport = 1\n", "srver", '"server"'),
        ("port = 1\n", "port", '"server.port"'),
        ("[chain]\nRPC = []\n", "chain.RPC", '"rpc"'),
        (
            "[playback]\nzzzz = 1\n",
            "playback.zzzz",
            "ffmpeg, lease_seconds, cache_gb, encoders, make_ahead, remote_mbit, remote_height, receipt_days",
        ),
    ],
)
def test_an_unknown_key_is_named_with_its_file_and_the_nearest_valid_one(written, text, key, nearest):
    file = written(text)
    message = str(refusal(file))
    assert f'"{key}"' in message
    assert str(file) in message
    assert nearest in message


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('[server]\nport = "x"\n', "server.port", "whole number"),
        ("[server]\nport = 99999\n", "server.port", "65535"),
        ("[server]\nname = 3\n", "server.name", "text"),
        ('[server]\nadmit = "friends"\n', "server.admit", "'known' or 'anyone'"),
        ('[server]\npublic_url = "films.example"\n', "server.public_url", "http://"),
        ('[chain]\nrpc = "http://127.0.0.1:1"\n', "chain.rpc", "list"),
        ('[chain]\nrpc = ["ws://127.0.0.1:1"]\n', "chain.rpc.0", "https://"),
        (
            '[chain]\nrpc = ["http://A:80/key", "http://b", "http://a/key/"]\n',
            "chain.rpc",
            "address 3 is address 1",
        ),
        ('[chain]\ncontract = "0x12"\n', "chain.contract", "40 hexadecimal digits"),
        (f'[chain]\ncontract = "{MISTYPED}"\n', "chain.contract", "is mistyped: its capitals do not fit"),
        (f'[chain.trusted_contracts]\nx = "{MISTYPED}"\n', "chain.trusted_contracts.x", "EIP-55"),
        ('[ipfs]\ngateways = ["ipfs.example"]\n', "ipfs.gateways.0", "https://"),
        ("[library]\nfolders = [3]\n", "library.folders.0", "path"),
        ('[lan]\nannounce = "perhaps"\n', "lan.announce", "true or false"),
        ('[playback]\nlease_seconds = "soon"\n', "playback.lease_seconds", "number"),
        ("server = 1\n", "server", "section"),
        ("[plugins]\nsettings = 1\n", "plugins.settings", "section"),
    ],
)
def test_a_wrong_value_is_named_with_its_file_and_what_it_must_be(written, text, key, expected):
    file = written(text)
    problem = refusal(file)
    assert str(problem).startswith(f"{key} in {file}")
    assert expected in str(problem)
    assert problem.fix


def test_the_keys_of_two_accounts_at_one_provider_are_two_nodes(written):
    file = written('[chain]\nrpc = ["https://rpc.example/one", "https://rpc.example/two"]\n')
    assert len(load_settings(file).chain.rpc) == 2


def test_broken_toml_is_named_with_its_line(written):
    file = written("[server]\nport = = 1\n")
    assert str(refusal(file)).startswith(f"{file} is not valid TOML")
    assert "line 2" in str(refusal(file))


def test_a_file_that_is_no_text_is_refused(written):
    assert "not UTF-8" in str(refusal(written(b"\xff\xfe\x00")))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    assert "No such file" in str(refusal(tmp_path / "wylloh.toml"))
    assert "Is a directory" in str(refusal(tmp_path))


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("WYLLOH_SERVR__PORT", "1", '"WYLLOH_SERVER__PORT"'),
        ("WYLLOH_SERVER_PORT", "1", '"WYLLOH_SERVER__PORT"'),
        ("WYLLOH_SERVER__PRT", "1", 'WYLLOH_SERVER__PRT): did you mean "port"?'),
        ("WYLLOH_SERVER__PORT", "none", "(WYLLOH_SERVER__PORT) must be a whole number"),
        ("WYLLOH_CHAIN__RPC", "http://127.0.0.1:1", "(WYLLOH_CHAIN__RPC) must be a list"),
        ("WYLLOH_LIBRARY__FOLDERS", "[1]", "(WYLLOH_LIBRARY__FOLDERS) must be a path"),
        ("WYLLOH_SERVER", "8080", "(WYLLOH_SERVER) must be a section"),
    ],
)
def test_a_wrong_variable_is_named_and_not_the_file(written, monkeypatch, variable, value, said):
    monkeypatch.setenv(variable, value)
    file = written('[server]\nname = "Attic"\n')
    message = str(refusal(file))
    assert variable in message
    assert said in message
    assert str(file) not in message


def test_settings_cannot_be_changed():
    settings = load_settings(None)
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1
