"""A plugin tells of its own topics and of films, and of nothing else."""

from __future__ import annotations

import inspect

import pytest

from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import FilmId, wallet_of
from wylloh_server.hooks.live import OwnTopics
from wylloh_server.sdk import PluginError, PluginLive
from wylloh_server.testing._live import RecordedLive, Shown, Told

ANNA = wallet_of("0x" + "a" * 40)
FILM = film_topic(FilmId("abcdefghijklmnop"))


@pytest.fixture
def channel():
    return RecordedLive()


@pytest.fixture
def own(channel):
    return OwnTopics("store", channel)


def test_own_topics_and_films_are_told(own, channel):
    own.changed("plugin:store", "plugin:store:prices", FILM)
    own.changed(FILM, wallet=ANNA)
    own.notify(ANNA, "Sold.", "/plugins/store/")
    assert channel.told == [Told(("plugin:store", "plugin:store:prices", FILM)), Told((FILM,), ANNA)]
    assert channel.shown == [Shown(ANNA, "Sold.", "/plugins/store/")]


@pytest.mark.parametrize(
    "topic", ["wallet", "library", "tasks", "plugin:stores", "plugin:tags", "plugin:store:", "film: x", ""]
)
def test_topics_of_others_are_refused_and_then_nothing_is_told(own, channel, topic):
    with pytest.raises(PluginError, match="may not tell") as caught:
        own.changed("plugin:store", topic)
    assert "plugin:store" in caught.value.fix
    assert channel.told == []


def test_it_has_the_methods_of_its_type(own):
    for name in ("changed", "notify"):
        wanted = list(inspect.signature(getattr(PluginLive, name)).parameters)[1:]
        assert list(inspect.signature(getattr(own, name)).parameters) == wanted


async def test_a_plugin_s_context_tells_open_pages(house):
    house.write(
        "mine",
        """
        @hookimpl
        async def on_event(context, event):
            context.live.changed("plugin:mine", "film:x")
        """,
    )
    async with house.running() as (registry, _):
        context = registry.plugin("mine").context
        context.live.changed("plugin:mine")
        with pytest.raises(PluginError):
            context.live.changed("wallet")
    assert house.live.topics == {"plugin:mine"}
