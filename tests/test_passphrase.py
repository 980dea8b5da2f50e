"""The passphrase comes from where an operator may keep one, and does not stay where children could read it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wylloh_server.domain.errors import SettingsError
from wylloh_server.passphrase import environment_without_settings, take_passphrase


@pytest.fixture(autouse=True)
def _nothing_taken_yet(monkeypatch):
    for name in ("WYLLOH_PASSPHRASE", "WYLLOH_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    take_passphrase.cache_clear()
    yield
    take_passphrase.cache_clear()


def test_a_passphrase_that_was_read_is_no_longer_in_the_environment(monkeypatch):
    monkeypatch.setenv("WYLLOH_PASSPHRASE", "correct horse")
    assert take_passphrase() == "correct horse"
    assert "WYLLOH_PASSPHRASE" not in os.environ
    assert take_passphrase() == "correct horse", "for whatever opens the store next"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_nor_does_the_kernel_show_it_to_who_asks_for_the_process():
    program = (
        "from wylloh_server.passphrase import take_passphrase\n"
        "print(take_passphrase()); print(open('/proc/self/environ', 'rb').read())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "WYLLOH_PASSPHRASE": "correct horse"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    passphrase, _, environment = done.stdout.partition("\n")
    assert passphrase == "correct horse"
    assert "WYLLOH_PASSPHRASE=" in environment
    assert "correct horse" not in environment


def test_a_file_or_a_systemd_credential_holds_it_as_well(tmp_path, monkeypatch):
    assert take_passphrase() is None
    take_passphrase.cache_clear()
    (tmp_path / "wylloh-passphrase").write_text("battery staple\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert take_passphrase() == "battery staple"
    take_passphrase.cache_clear()
    Path(tmp_path / "mine").write_text(" with spaces \r\n")
    monkeypatch.setenv("WYLLOH_PASSPHRASE_FILE", str(tmp_path / "mine"))
    assert take_passphrase() == " with spaces "


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_passphrase_is_refused(tmp_path, monkeypatch, content):
    file = tmp_path / "mine"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("WYLLOH_PASSPHRASE_FILE", str(file))
    with pytest.raises(SettingsError, match=str(file)) as caught:
        take_passphrase()
    assert caught.value.fix


def test_other_programs_get_no_setting_of_this_server(monkeypatch):
    monkeypatch.setenv("WYLLOH_CHAIN__RPC", '["https://rpc.example/key"]')
    assert not [name for name in environment_without_settings() if name.startswith("WYLLOH")]
    assert environment_without_settings()["PATH"] == os.environ["PATH"]
