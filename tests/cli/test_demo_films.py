"""The demo's films are made beside everything else, by a process that leaves nothing running."""

from __future__ import annotations

import os
import time
import uuid
import wave
from dataclasses import replace

import av
import numpy as np
import pytest

from demo.child_processes import child
from demo.demo_films import CATALOGUE, LIGHT
from demo.film_generator import backdrop_file, make_film, poster_file
from demo.film_maker import film_file, film_maker
from demo.landscape.score import write_score
from demo.landscape.scenes import Stage
from demo.landscape.scores import SCORES
from demo.landscape.shot import prepare_shot
from demo.landscape.still import still
from demo.landscape.takes import TAKES
from demo.trailer_cut import cut_trailer
from tests.components.demo import running_with
from tests.components.films import BUNDLED, run_ffmpeg
from wylloh_server.domain.errors import WyllohError

PATIENCE = 60


@pytest.fixture
def encoder(tmp_path, monkeypatch):
    """Stand in for ffmpeg: `encoder("exit 1")` is what it does."""

    def stand_in(script):
        program = tmp_path / "ffmpeg"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        found = type("Found", (), {"path": str(program)})
        monkeypatch.setattr("wylloh_server.adapters.ffmpeg.find_ffmpeg", lambda: found)

    return stand_in


@pytest.mark.parametrize("film", CATALOGUE, ids=lambda film: film.key)
def test_a_film_looks_like_one(tmp_path, film):
    """Each scene for a second: full HD, 24 frames, with sound; light and dark in it, and something moves."""
    target = film_file(tmp_path, film)
    make_film(BUNDLED, replace(film, seconds=1), target)
    with av.open(target) as opened:
        video = opened.streams.video[0]
        frames = [frame.to_ndarray(format="gray") for frame in opened.decode(video)]
        assert (video.width, video.height, video.average_rate, len(frames)) == (1920, 1080, 24, 24)
        assert [stream.metadata["language"] for stream in opened.streams.audio] == ["eng", "deu"][
            : 1 + (film is LIGHT)
        ]
    assert np.percentile(frames[12], 99) > 150 > np.percentile(frames[12], 5)
    assert np.abs(frames[23].astype(int) - frames[0]).max() > 40
    with av.open(poster_file(target)) as poster, av.open(backdrop_file(target)) as backdrop:
        sizes = [(one.streams.video[0].width, one.streams.video[0].height) for one in (poster, backdrop)]
    assert sizes == [(720, 1080), (1920, 1080)]
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_trailer_is_cut_out_of_the_film_and_browsers_play_it(tmp_path):
    film = tmp_path / "light.mp4"
    sound = ["-f", "lavfi", "-i", "sine=d=40"]
    run_ffmpeg("-f", "lavfi", "-i", "testsrc2=s=64x36:r=24:d=40", *sound, "-pix_fmt", "yuv420p", str(film))
    trailer = cut_trailer(BUNDLED, film)
    with av.open(trailer) as opened:
        assert [stream.codec_context.name for stream in opened.streams] == ["h264", "aac"]
        assert 11 < opened.duration / av.time_base < 23, "from the key frame before on"
    before = trailer.stat().st_mtime_ns
    assert cut_trailer(BUNDLED, film).stat().st_mtime_ns == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["light.mp4", "light.trailer.mp4"]


def test_a_still_is_a_frame_of_the_film_and_birds_fly(tmp_path):
    """The poster is composed by numpy and the film by ffmpeg: both must put every layer in the same place."""
    scene = TAKES["colony"].scene(Stage(24))
    shot = prepare_shot(scene, tmp_path)
    film = tmp_path / "colony.mp4"
    run_ffmpeg(*shot.inputs, "-filter_complex", shot.graph, "-map", "[picture]", "-t", "1", str(film))
    with av.open(film) as opened:
        frames = [frame.to_ndarray(format="gray").astype(float) for frame in opened.decode(video=0)]
    luma = still(scene, 20) @ np.array([0.299, 0.587, 0.114]) * 255
    assert np.abs(frames[20] - luma).mean() < 4
    dark = [frame[120:460] < 70 for frame in (frames[0], frames[20])]
    flown = np.roll(dark[0], -20 * 4, axis=1)
    assert (flown & dark[1]).sum() > 2 * (dark[0] & dark[1]).sum()


def test_scores_are_sound(tmp_path):
    """No silence, nothing clipped, and what is heard left and right differs."""
    for key, tracks in SCORES.items():
        write_score(tracks[0], 4, tmp_path / f"{key}.wav")
        with wave.open(str(tmp_path / f"{key}.wav")) as file:
            sound = np.frombuffer(file.readframes(-1), "<i2").reshape(-1, 2).astype(float) / 32_768
        assert 0.2 < np.abs(sound).max() <= 0.51, key
        assert np.sqrt((sound**2).mean()) > 0.02, key
        assert np.abs(sound[:, 0] - sound[:, 1]).max() > 0.01, key


def test_films_that_are_there_are_not_made_again(tmp_path):
    for film in CATALOGUE:
        film_file(tmp_path, film).write_bytes(b"made")
    with film_maker(tmp_path, tmp_path / "films.log") as maker:
        assert maker.file(LIGHT).read_bytes() == b"made"
    assert not (tmp_path / "films.log").exists()


def test_a_film_that_cannot_be_made_says_why(tmp_path, encoder):
    encoder("echo no such codec >&2; exit 1")
    with (
        film_maker(tmp_path, tmp_path / "films.log") as maker,
        pytest.raises(WyllohError, match="could not make the demo film: no such codec"),
    ):
        maker.file(LIGHT)


def test_encoders_end_with_the_demo(tmp_path, encoder, monkeypatch):
    mark = uuid.uuid4().hex
    monkeypatch.setenv("WYLLOH_TEST_FILMS", mark)
    encoder("exec sleep 600")
    with film_maker(tmp_path, tmp_path / "films.log"):
        wait_until(lambda: any("sleep" in one for one in running_with("WYLLOH_TEST_FILMS", mark)))
    wait_until(lambda: not [one for one in running_with("WYLLOH_TEST_FILMS", mark) if "sleep" in one])


def test_what_a_program_did_last_counts_although_it_has_ended(tmp_path):
    made = tmp_path / "made"
    with child("maker", ["touch", str(made)], tmp_path / "maker.log") as maker:
        os.waitid(os.P_PID, maker.pid, os.WEXITED | os.WNOWAIT)
        maker.wait_for(made.exists, PATIENCE)
        with pytest.raises(WyllohError, match="the maker has stopped"):
            maker.wait_for(lambda: False, PATIENCE)


def wait_until(condition):
    patience = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < patience
        time.sleep(0.1)
