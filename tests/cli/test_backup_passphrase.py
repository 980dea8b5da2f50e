"""A recovery key opens its backup however it was typed; a passphrase is taken as it is."""

from __future__ import annotations

import pytest

from wylloh_server.cli.backup_passphrase import VARIABLE, new_recovery_key, read_passphrase


@pytest.mark.parametrize("typed", [str.lower, lambda key: key.replace("-", " "), lambda key: f" {key}\n",
                                   lambda key: key.replace("-", ""), lambda key: key])  # fmt: skip
def test_a_recovery_key_may_be_typed_in_any_groups_and_in_small_letters(tmp_path, monkeypatch, typed):
    key = new_recovery_key()
    monkeypatch.setenv(VARIABLE, typed(key))
    assert read_passphrase(None, confirm=False) == key
    (tmp_path / "words").write_text(typed(key) + "\n")
    assert read_passphrase(tmp_path / "words", confirm=False) == key


def test_another_passphrase_is_taken_as_it_is(monkeypatch):
    for words in ("correct horse battery staple", "abc-def ghi", "a" * 39, "a" * 41, "0" * 40):
        monkeypatch.setenv(VARIABLE, words)
        assert read_passphrase(None, confirm=False) == words
