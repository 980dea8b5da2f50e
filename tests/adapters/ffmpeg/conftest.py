from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.components.films import FFMPEGS, make_film
from wylloh_server.adapters.ffmpeg import FfmpegEncoder, find_ffmpeg
from wylloh_server.adapters.folders import LocalFolders
from wylloh_server.web.door import LoopbackDoor


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """12 s at 24 frames a second, two sounds, subtitles."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(params=FFMPEGS)
def tool(request):
    return find_ffmpeg(request.param)


@pytest.fixture
def encoder(tool):
    return FfmpegEncoder(tool, threads=2)


@pytest.fixture
async def door():
    async with LoopbackDoor() as door:
        yield door


@pytest.fixture
def lent(door):
    """Lends a file on disk through the door."""

    @asynccontextmanager
    async def lend(path):
        source = await LocalFolders().open(path)
        try:
            async with door.lend(source) as url:
                yield url
        finally:
            await source.close()

    return lend
