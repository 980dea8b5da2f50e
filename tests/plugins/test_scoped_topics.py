"""A plugin tells of its own topics and of films, and of nothing else."""

from __future__ import annotations

import pytest

from wylloh_server.domain.topics import film_topic
from wylloh_server.domain.types import FilmId, parse_wallet
from wylloh_server.domain.plugin_scopes import ScopedTopics
from wylloh_server.sdk import PluginError
from wylloh_server.sdk.testing.recorded_live import RecordedLive, ShownToast, TopicChange

ANNA = parse_wallet("0x" + "a" * 40)
FILM = film_topic(FilmId("abcdefghijklmnop"))


@pytest.fixture
def channel():
    return RecordedLive()


@pytest.fixture
def own(channel):
    return ScopedTopics("store", channel.changed, channel.notify)


def test_own_topics_and_films_are_told(own, channel):
    own.changed("plugin:store", "plugin:store:prices", FILM)
    own.changed(FILM, wallet=ANNA)
    own.notify(ANNA, "Sold.", "/plugins/store/")
    assert channel.changes == [
        TopicChange(("plugin:store", "plugin:store:prices", FILM)),
        TopicChange((FILM,), ANNA),
    ]
    assert channel.toasts == [ShownToast(ANNA, "Sold.", "/plugins/store/")]


@pytest.mark.parametrize(
    "topic", ["wallet", "library", "tasks", "plugin:stores", "plugin:tags", "plugin:store:", "film: x", ""]
)
def test_topics_of_others_are_refused_and_then_nothing_is_told(own, channel, topic):
    with pytest.raises(PluginError, match="may not tell") as caught:
        own.changed("plugin:store", topic)
    assert "plugin:store" in caught.value.fix
    assert channel.changes == []


async def test_a_plugin_s_context_tells_open_pages(environment):
    environment.write(
        "mine",
        """
        @hookimpl
        async def on_event(context, event):
            context.live.changed("plugin:mine", "film:x")
        """,
    )
    async with environment.running() as (registry, _):
        context = registry.plugin("mine").context
        context.live.changed("plugin:mine")
        with pytest.raises(PluginError):
            context.live.changed("wallet")
    assert environment.live.topics == {"plugin:mine"}
