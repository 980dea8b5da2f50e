from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from tests.components.corpus import Corpus
from tests.components.films import FFMPEGS, make_film
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.files.local_files import LocalFolders


@pytest.fixture(scope="session")
def film(tmp_path_factory):
    """12 s at 24 frames a second, two sounds, subtitles."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4")


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """Films of many kinds, each made when it is wanted first."""
    return Corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(params=FFMPEGS)
def tool(request):
    return find_ffmpeg(request.param)


@pytest.fixture
def media(loopback, tool):
    return FfmpegMediaTools(loopback, tool, threads=2)


@pytest.fixture
async def loopback():
    async with LoopbackMediaServer() as loopback:
        yield loopback


@pytest.fixture
def opened():
    """Opens a file on disk."""

    @asynccontextmanager
    async def open_file(path):
        source = await LocalFolders().open(path)
        try:
            yield source
        finally:
            await source.close()

    return open_file


@pytest.fixture
def lent(loopback, opened):
    """Lends a file on disk through the loopback."""

    @asynccontextmanager
    async def lend(path):
        async with opened(path) as source, loopback.serve(source) as url:
            yield url

    return lend
