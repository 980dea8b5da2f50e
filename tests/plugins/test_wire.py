"""What travels between the server and a plugin's process arrives as it was, and what is no value does not."""

from __future__ import annotations

import asyncio
import json
import pickle
import socket
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wylloh_server.domain.access import Role, Verdict, Vote
from wylloh_server.domain.chain_events import EventQuery, TokensSold
from wylloh_server.domain.errors import NotFound, PluginError, ThemeError
from wylloh_server.domain.events import Event
from wylloh_server.domain.plugin_pages import Json, NavItem, Redirect
from wylloh_server.domain.plugin_settings import Setting
from wylloh_server.plugins.isolation.channel import LENGTH, Channel
from wylloh_server.plugins.isolation.remote_errors import describe_error, rebuild_error
from wylloh_server.plugins.isolation.wire import event_class, from_json, from_pickle, to_json, to_pickle
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

VALUES = [
    sample_viewer(Role.OWNER),
    *sample_films(),
    Vote(Verdict.DENY, "Closed."),
    NavItem("Shelf", "shelf", 3),
    Json({"a": [1, None, 2.5, True, "x"], "b": {"c": {}}}),
    Setting("days", int, 30, "How long.", least=1, most=365),
    EventQuery(kinds=(TokensSold,), limit=3),
    {1: (b"\x00\xff", {"x"}, frozenset({2})), ("a", "b"): Path("/x")},
    2**300,
]

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=20,
)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_12_10_values_arrive_as_they_were(value):
    assert from_json(to_json(value)) == value
    assert from_pickle(to_pickle(value, lambda _: 0), lambda _: None) == value


@given(plain)
def test_12_10_plain_values_arrive_as_they_were(value):
    assert from_json(to_json(value)) == value


HOSTILE = [
    pickle.dumps(print),
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 100_000,
    json.dumps({"class": "os:system", "fields": {}}),
    json.dumps({"class": "builtins:eval", "fields": {"source": "1"}}),
    json.dumps({"class": "wylloh_server.config:Settings", "fields": {}}),
    json.dumps({"class": "wylloh_server.domain.access:check_role", "fields": {}}),
    json.dumps({"class": "wylloh_server.domain.types:re.compile", "fields": {}}),
    json.dumps({"class": "wylloh_server.domain.access:Vote", "fields": {"no_such": 1}}),
    json.dumps({"class": "wylloh_server.domain.access:Vote"}),
    json.dumps({"class": 7, "fields": {}}),
    json.dumps({"class": "wylloh_server.domain.plugin_pages:Redirect", "fields": {"to": "//evil.example"}}),
    json.dumps({"enum": "wylloh_server.domain.access:Vote", "name": "x"}),
    json.dumps({"enum": "wylloh_server.domain.access:Role", "name": "GOD"}),
    json.dumps({"type": "os:PathLike"}),
    json.dumps({"type": "eval"}),
    json.dumps({"bytes": "no base64!"}),
    json.dumps({"dict": [[{"dict": []}, 1]]}),
    json.dumps({"what": "is this"}),
]


@pytest.mark.parametrize("sent", HOSTILE)
def test_12_10_nothing_but_values_is_built_in_the_server(sent):
    with pytest.raises((PluginError, Exception)) as refused:
        from_json(sent if isinstance(sent, bytes) else sent.encode())
    assert type(refused.value).__module__ == "wylloh_server.domain.errors"


@given(st.binary(max_size=60))
def test_12_10_garbage_is_refused_in_a_sentence(sent):
    try:
        from_json(sent)
    except PluginError as refused:
        assert str(refused).startswith("sent what the server does not understand")


def test_12_10_functions_stay_in_the_server():
    lent = []

    def lend(function):
        lent.append(function)
        return len(lent)

    sent = to_pickle({"asset": lambda name: name, "title": "x"}, lend)
    arrived = from_pickle(sent, lambda number: f"function {number}")
    assert arrived == {"asset": "function 1", "title": "x"}
    assert lent[0]("y") == "y"


@dataclass(frozen=True, slots=True)
class Brewed(Event):
    """Tea was brewed."""

    cups: int


def test_12_10_events_of_plugins_arrive_by_their_names():
    (arrived,) = from_pickle(to_pickle([Brewed(2)], lambda _: 0), lambda _: None)
    assert arrived == Brewed(2)


def test_12_10_objects_of_the_plugin_itself_are_refused_where_it_is():
    with pytest.raises(PluginError, match="object cannot be sent to the server"):
        to_json([object()])
    with pytest.raises(PluginError, match="Brewed cannot be sent"):
        to_json(Brewed(1))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (NotFound("There is no tea.", fix="Boil some."), "There is no tea."),
        (ThemeError("mine", "mine/x.html:3"), "A template of the theme mine is broken."),
        (TimeoutError("late"), "late"),
    ],
)
def test_12_10_errors_of_the_domain_arrive_as_themselves(error, message):
    arrived = rebuild_error(describe_error(error, None))
    assert (type(arrived), str(arrived)) == (type(error), message)
    assert vars(arrived).get("fix", "") == getattr(error, "fix", "") or isinstance(arrived, ThemeError)


def test_12_10_other_errors_arrive_as_what_is_told_of_them():
    arrived = rebuild_error(describe_error(ValueError("too hot"), None))
    assert str(arrived) == "ValueError: too hot"
    assert Redirect("/x").to == "/x"


@pytest.mark.parametrize(
    "sent",
    [
        b"[" + b"[]," * 1_000_000 + b"1]",
        json.dumps({"set": [number * (2**61 - 1) for number in range(5001)]}).encode(),
        json.dumps({"dict": [[number * (2**61 - 1), 1] for number in range(5001)]}).encode(),
        to_json(NavItem("Shelf")).replace(b'"Shelf"', b"[1]"),
    ],
)
def test_12_10_what_would_take_the_server_long_or_lead_it_astray_is_refused(sent):
    with pytest.raises(PluginError):
        from_json(sent)


def test_12_10_an_event_of_another_plugin_calls_nothing():
    """Its class may have the name of anything that is imported where it is heard."""
    made = event_class("subprocess", "Popen", "A trap.", ["args"])
    heard = from_pickle(to_pickle(made("true"), lambda _: 0), lambda _: None)
    assert isinstance(heard, Event)
    assert heard.args == "true"


async def test_12_10_a_flood_is_read_in_turns():
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    heard = []
    channel = Channel(
        to_json, from_json, answer=None, heard=lambda *said: heard.append(said), folder=None, trusted=False
    )
    message = to_json(["say", 0, "log", []])
    sending = asyncio.to_thread(theirs.sendall, (LENGTH.pack(len(message)) + message) * 6000)
    serving = asyncio.create_task(channel.serve(await channel.open(ours)))
    sent = asyncio.create_task(sending)
    await asyncio.sleep(1)
    assert 500 < len(heard) < 4000
    channel.close()
    theirs.close()
    await asyncio.gather(serving, sent, return_exceptions=True)
