"""Chapters named intro, recap or credits can be skipped in the player."""

from __future__ import annotations

import pytest

from wylloh_server.sdk import Chapter, Probe, Seconds
from wylloh_tagging.skip_chapters import segments_of


def probe(*chapters, duration=600):
    found = tuple(Chapter(Seconds(start), title) for start, title in chapters)
    return Probe(
        container="mp4", duration=Seconds(duration), video=(), audio=(), subtitles=(), chapters=found
    )


def test_chapters_are_known_by_a_word_of_their_title():
    found = segments_of(
        probe((0, "Prologue"), (60, "Main INTRO"), (95, "Introspection"), (540, "End Credits"))
    )
    assert found == [
        {"start": 60, "end": 95, "label": "Skip intro"},
        {"start": 540, "end": 600, "label": "Skip credits"},
    ]
    assert segments_of(probe()) == segments_of(None) == []
    assert segments_of(probe((600, "Credits"))) == []


@pytest.mark.parametrize(("skip_chapters", "automatic"), [("ask", False), ("always", True)])
async def test_the_player_asks_for_them(tagging, skip_chapters, automatic):
    async with tagging(skip_chapters=skip_chapters) as app:
        film = app.films[0]
        app.probes[film.id] = probe((0, "Intro"), (30, "One"))
        (fragment,) = await app.fragments("player", film)
        assert f'data-film="{film.id}"' in await app.render(fragment)
        reply = await app.get(f"film/{film.id}/segments")
        assert reply.value == {
            "segments": [{"start": 0, "end": 30, "label": "Skip intro", "automatic": automatic}]
        }
        assert (await app.get("film/nothing/segments")).status == 404


async def test_nothing_is_skipped_where_nobody_wants_it(tagging):
    async with tagging(skip_chapters="never") as app:
        assert await app.fragments("player", app.films[0]) == ()
    async with tagging(skip_chapters="sometimes") as app:
        assert "skip_chapters must be “never” or “ask” or “always”, not “sometimes”" in app.record.reason


async def test_the_locks_are_on_the_admin_page_and_the_stylesheet_in_every_head(tagging, add):
    async with tagging(locked_for_viewers=["noir"]) as app:
        await add(app, app.films[0], "noir")
        (admin,) = await app.fragments("admin")
        text = await app.render(admin)
        assert ">noir</a>" in text
        assert "1 film<" in text
        (head,) = await app.fragments("head")
        assert "plugins/tagging/tagging.css" in await app.render(head)
