"""The live channel: who hears what, and that nobody ever waits for a slow page."""

from __future__ import annotations

import asyncio

import pytest

from wylloh_server.domain.events import FilmAdded, FilmReady, FilmRemoved, PlaybackEnded, PlaybackStarted
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.topics import film_topic, is_topic
from wylloh_server.domain.types import DeviceId, FilmId, parse_wallet
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates, Toast, publish_film_updates

ANNA, BERT = (parse_wallet("0x" + digit * 40) for digit in "ab")
AT_ONCE = 0.01


@pytest.fixture
def live():
    return LiveUpdates()


async def heard(listener):
    news = await listener.next(AT_ONCE)
    return news and sorted(news.topics)


async def test_everybody_signed_in_hears_of_a_change(live):
    with live.listening(ANNA) as anna, live.listening(BERT) as bert:
        live.changed("film:x", "library")
        assert await heard(anna) == await heard(bert) == ["film:x", "library"]
        assert await heard(anna) is None


async def test_what_concerns_one_wallet_is_told_to_it_alone(live):
    with live.listening(ANNA) as anna, live.listening(BERT) as bert, live.listening(None) as nobody:
        live.changed("wallet", wallet=ANNA)
        live.notify(ANNA, "It arrived.", "/films/x")
        news = await anna.next(AT_ONCE)
        assert (news.topics, news.notices) == ({"wallet"}, (Toast("It arrived.", "/films/x"),))
        assert await heard(bert) is None
        assert await heard(nobody) is None


async def test_who_is_not_signed_in_hears_of_plugins_only(live):
    with live.listening(None) as nobody:
        live.changed("library", "film:x", "plugin:store", "plugin:store:x")
        assert await heard(nobody) == ["plugin:store", "plugin:store:x"]
        live.changed("tasks")
        assert await heard(nobody) is None


async def test_a_listener_waits_until_something_happens(live):
    with live.listening(ANNA) as anna:
        waiting = asyncio.create_task(anna.next(20))
        await asyncio.sleep(0)
        assert not waiting.done()
        live.changed("tasks", wallet=BERT)
        live.changed("tasks")
        assert (await waiting).topics == {"tasks"}


async def test_who_asks_on_from_a_mark_misses_nothing(live):
    mark = live.mark
    live.changed("film:x")
    with live.listening(ANNA, since=mark) as anna:
        news = await anna.next(AT_ONCE)
        assert news.topics == {"film:x"}
    live.changed("film:y")
    with live.listening(ANNA, since=news.mark) as anna:
        assert await heard(anna) == ["film:y"]
    with live.listening(ANNA) as anna:
        assert await heard(anna) is None


@pytest.mark.parametrize("mark", ["00000000-0", "nonsense", "{run}-9999", "{run}--1", "-1", "{run}-1e3"])
async def test_a_mark_of_another_run_or_none_at_all_means_everything(live, mark):
    run = live.mark.split("-")[0]
    with live.listening(ANNA, since=mark.format(run=run)) as anna:
        news = await anna.next(AT_ONCE)
        assert news.everything
        assert news.mark == live.mark


async def test_a_page_that_was_too_slow_draws_everything_anew_and_then_hears_on():
    live = LiveUpdates(kept=10)
    with live.listening(ANNA) as slow, live.listening(BERT) as quick:
        for number in range(11):
            live.changed(f"film:{number}")
            assert await heard(quick) == [f"film:{number}"]
        assert (await slow.next(AT_ONCE)).everything
        live.changed("film:x")
        assert await heard(slow) == ["film:x"]


async def test_ten_news_that_all_fit_are_told_together():
    live = LiveUpdates(kept=10)
    with live.listening(ANNA) as slow:
        for number in range(10):
            live.changed(f"film:{number}")
        assert len(await heard(slow)) == 10


async def test_a_device_that_was_signed_out_hears_nothing_more(live):
    with live.listening(ANNA, device="tv") as tv, live.listening(ANNA, device="phone") as phone:
        waiting = asyncio.create_task(tv.next(20))
        await asyncio.sleep(0)
        live.end("tv")
        assert await waiting is None
        assert tv.ended
        assert not phone.ended
        live.close()
        assert phone.ended
        assert await phone.next(20) is None


async def test_what_is_no_topic_and_no_path_is_left_out(live):
    with live.listening(ANNA) as anna:
        live.changed("two words", "", "film:")
        assert await heard(anna) is None
        live.changed("film:x", "film:x\ndata: 1")
        assert await heard(anna) == ["film:x"]
        for link in ("https://elsewhere.example", "//elsewhere.example", "/\\elsewhere", "javascript:1", ""):
            live.notify(ANNA, "x" * 1000, link)
        notices = (await anna.next(AT_ONCE)).notices
        assert {notice.link for notice in notices} == {""}
        assert all(len(notice.sentence) == 300 for notice in notices)


async def test_films_are_told_as_they_come_and_go(live):
    bus = EventBus()
    publish_film_updates(live, bus)
    film = FilmId("abcdefghijklmnop")
    with live.listening(ANNA) as anna:
        for event in (FilmAdded(film, "Light"), FilmReady(film), FilmRemoved(film)):
            bus.publish(event)
            assert await heard(anna) == [film_topic(film), "library"]


async def test_51_the_list_of_what_plays_is_told_of_a_beginning_and_an_end(live):
    bus = EventBus()
    publish_film_updates(live, bus)
    who = FilmId("abcdefghijklmnop"), ANNA, DeviceId("sofa")
    with live.listening(ANNA) as anna:
        for event in (PlaybackStarted(*who), PlaybackEnded(*who, LeaseEnd.STOPPED)):
            bus.publish(event)
            assert await heard(anna) == ["playing"]


def test_topics_are_short_names():
    assert all(map(is_topic, ("wallet", "film:abc", "plugin:store:film-7.x", "plugin:a:b:c")))
    assert not any(map(is_topic, ("", "Film", "film:", "film:a b", "film:ü", "film:" + "x" * 101, "7")))
