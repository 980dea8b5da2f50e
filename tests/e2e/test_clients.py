"""Players nobody here wrote: the same master playlist, by its address."""

from __future__ import annotations

import asyncio
import json
import re
from urllib.parse import urljoin

import pytest
import pytest_asyncio

from demo.demo_films import LIGHT
from tests.components.films import FFMPEGS
from tests.components.hls import judged

FILM = "Light"


@pytest_asyncio.fixture(loop_scope="session")
async def master(demo, new_user, signed_in):
    """The address of the master playlist, as the holder's browser got it."""
    holder = await new_user(demo, session=signed_in)
    await holder.open_film(FILM)
    status, answer = await holder.ask_to_play()
    assert status == 200
    return urljoin(demo.url.replace("localhost", "127.0.0.1"), answer["url"]), holder


@pytest.mark.parametrize("ffmpeg", FFMPEGS)
async def test_ffmpeg_decodes_ten_seconds_without_a_word(master, ffmpeg):
    url, _ = master
    said = await run(
        *[ffmpeg, "-nostdin", "-hide_banner", "-v", "error", "-xerror", "-progress", "pipe:1", "-i", url],
        *["-map", "0:v:0", "-map", "0:a:0", "-t", "10", "-f", "null", "-"],
    )
    assert re.findall(r"^frame=(\d+)", said, re.MULTILINE)[-1] == "240"
    assert re.findall(r"^out_time=00:00:(\d+)", said, re.MULTILINE)[-1] in {"09", "10"}


async def test_ffmpeg_finds_every_rendition_and_language(master):
    url, _ = master
    probe = await run("ffprobe", "-v", "error", "-show_streams", "-print_format", "json", url)
    streams = json.loads(probe)["streams"]
    assert {stream["height"] for stream in streams if stream["codec_type"] == "video"} == {720, 480, 360, 240}
    languages = {stream["tags"].get("language") for stream in streams if stream["codec_type"] == "audio"}
    assert {"en", "de"} <= languages


async def test_a_strict_parser_accepts_every_playlist(master):
    url, holder = master
    text = await (await holder.context.request.get(url)).text()
    variants = judged(text)["variants"]
    assert len(variants) >= 3
    assert {sound["language"] for sound in variants[0]["audio"]} == {"en", "de"}
    assert {line["language"] for line in variants[0]["subtitles"]} == {"en", "de"}
    renditions = [variant["uri"] for variant in variants]
    others = [track["uri"] for track in (*variants[0]["audio"], *variants[0]["subtitles"])]
    for relative in (*renditions, *others):
        playlist = await (await holder.context.request.get(urljoin(url, relative))).text()
        read = judged(playlist)
        assert read["endlist"] and read["segments"]
        assert sum(segment["duration"] for segment in read["segments"]) == pytest.approx(
            LIGHT.seconds, abs=0.6
        )


async def run(*command: str) -> str:
    """Run a program that must succeed and complain about nothing; gives what it prints.

    ffmpeg looks into every rendition and hangs up on those it does not play in the middle of a segment. What a
    parser without a decoder (NULL) then says about their last packet is no complaint about ours.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, complained = await process.communicate()
    complaints = [line for line in complained.decode().splitlines() if not line.startswith("[NULL @")]
    assert (process.returncode, complaints) == (0, [])
    return printed.decode()
