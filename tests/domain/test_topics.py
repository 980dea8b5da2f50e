"""Topics: what can be one, who may tell of it, and who may hear."""

from __future__ import annotations

import pytest

from wylloh_server.domain import topics
from wylloh_server.domain.types import FilmId

FILM = topics.film_topic(FilmId("abcdefghijklmnop"))


@pytest.mark.parametrize("topic", [topics.LIBRARY, topics.WALLET, topics.TRANSACTIONS, topics.TASKS, FILM])
def test_those_of_the_core_are_topics_and_for_who_is_signed_in(topic):
    assert topics.is_topic(topic)
    assert not topics.is_public(topic)
    assert topics.is_public("plugin:store")


@pytest.mark.parametrize(
    ("topic", "may"),
    [
        ("plugin:store", True),
        ("plugin:store:prices", True),
        (FILM, True),
        ("plugin:stores", False),
        ("plugin:tagging", False),
        (topics.WALLET, False),
        (topics.TASKS, False),
        ("film:", False),
        ("plugin:store:", False),
        ("plugin:store:a b", False),
    ],
)
def test_a_plugin_may_tell_of_its_own_and_of_films(topic, may):
    assert topics.may_tell("store", topic) is may
