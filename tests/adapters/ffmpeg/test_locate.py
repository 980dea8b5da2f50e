from __future__ import annotations

import os

import pytest

from tests.components.films import BUNDLED, FFMPEGS
from wylloh_server.adapters.ffmpeg import find_ffmpeg
from wylloh_server.domain.errors import SettingsError


def program(folder, name, text):
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("path", FFMPEGS)
def test_a_path_in_the_settings_is_used(path):
    found = find_ffmpeg(path)
    assert (found.path, found.origin) == (path, "setting")
    assert found.tone_maps


@pytest.mark.parametrize(
    "text",
    ["exit 1", "echo ffmpeg version 4.4.2", "echo ffmpeg version 9.0.2"],
    ids=["broken", "old", "no-x264"],
)
def test_a_setting_that_does_not_work_is_an_error_with_its_name(text, tmp_path):
    path = program(tmp_path, "ffmpeg", text)
    with pytest.raises(SettingsError, match=r"playback\.ffmpeg = .*libx264") as caught:
        find_ffmpeg(str(path))
    assert caught.value.fix


def test_without_setting_the_one_on_path_comes_first(tmp_path, monkeypatch):
    (tmp_path / "ffmpeg").symlink_to(BUNDLED)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert find_ffmpeg().path == str(tmp_path / "ffmpeg")
    assert find_ffmpeg().origin == "PATH"


def test_an_old_one_on_path_is_passed_over_for_the_bundled_one(tmp_path, monkeypatch):
    program(tmp_path, "ffmpeg", "echo ffmpeg version 4.4.2")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    found = find_ffmpeg()
    assert (found.path, found.origin) == (BUNDLED, "imageio-ffmpeg")
