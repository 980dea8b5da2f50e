from __future__ import annotations

import pytest

from tests.components.films import make_film
from tests.components.transcoding_workspace import folder_film, transcoding_workspace


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """12 s, two sounds, subtitles."""
    return folder_film(make_film(tmp_path_factory.mktemp("films") / "Short film.mp4", size="320x180"))


@pytest.fixture(scope="session")
def long(tmp_path_factory):
    """100 s without sound: long enough for two key periods, and to seek in."""
    path = tmp_path_factory.mktemp("films") / "long.mp4"
    return folder_film(make_film(path, 100, size="320x180", languages=(), subtitles=False))


@pytest.fixture
async def room(tmp_path, short, long):
    async with transcoding_workspace(tmp_path, short, long) as room:
        yield room
