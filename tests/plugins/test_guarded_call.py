"""The thread a plugin runs in, the proxy that leads out of it, and the way of its events."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time

import pytest

from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.plugins.loop_proxy import LoopProxy
from wylloh_server.plugins.event_emitter import EventEmitter
from wylloh_server.plugins.guarded_call import PluginBusy, PluginThread, call_within


@pytest.fixture
async def thread():
    """A plugin's thread; `thread.told` is what it complained of."""
    told = []
    thread = PluginThread(
        "test", hang=0.2, hung=lambda where, place: told.append(("hung", where)), stray=told.append
    )
    thread.told = told
    yield thread
    await thread.stop(2)


async def number():
    return threading.get_ident()


async def test_work_is_done_in_the_thread_and_answered_at_home(thread):
    there = await thread.call("x", number(), 5)
    assert there != threading.get_ident()
    assert there == await thread.call("x", number(), None, 1)


async def test_calls_run_side_by_side_there(thread):
    gate = []

    async def wait():
        gate.append(asyncio.Event())
        await gate[0].wait()

    async def open_it():
        while not gate:
            await asyncio.sleep(0.01)
        gate[0].set()

    await asyncio.gather(thread.call("a", wait(), 10), thread.call("b", open_it(), 10))


async def test_errors_come_home(thread):
    async def fail():
        raise NotFound("nothing")

    with pytest.raises(NotFound, match="nothing"):
        await thread.call("x", fail(), 5)
    for error in (SystemExit, KeyboardInterrupt, GeneratorExit):

        async def leave(error=error):
            raise error

        with pytest.raises(PluginError):
            await thread.call("x", leave(), 5)
    assert await thread.call("x", number(), 5)


async def test_work_that_takes_too_long_is_called_off(thread):
    ended = threading.Event()

    async def dawdle():
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    with pytest.raises(TimeoutError, match="took longer than 0.1 s"):
        await thread.call("x", dawdle(), 0.1)
    assert ended.is_set()
    assert not thread.blocked
    await asyncio.sleep(0.4)
    assert thread.told == []


async def test_a_thread_that_is_blocked_refuses_until_it_comes_back(thread):
    async def block():
        time.sleep(1.2)

    with pytest.raises(TimeoutError):
        await thread.call("the hook", block(), 0.1)
    with pytest.raises(PluginBusy):
        await thread.call("another", number(), 5)
    async with asyncio.timeout(10):
        while thread.blocked:
            await asyncio.sleep(0.02)
    assert thread.told == [("hung", "the hook")]
    assert await thread.call("x", number(), 5)


async def test_of_work_that_waits_for_a_blocked_thread_none_is_blamed(thread):
    async def block():
        time.sleep(1.2)

    blocking = asyncio.create_task(thread.call("the route", block(), 0.3))
    await asyncio.sleep(0.1)
    waiting = [asyncio.create_task(thread.call(f"vote {one}", number(), 0.05)) for one in range(3)]
    results = await asyncio.gather(*waiting, blocking, return_exceptions=True)
    assert [type(one) for one in results] == [PluginBusy] * 3 + [TimeoutError], "and is held against none"
    async with asyncio.timeout(10):
        while thread.blocked:
            await asyncio.sleep(0.02)
    assert thread.told == [("hung", "the route")], "though the others were cancelled first"


async def test_a_task_that_was_left_behind_is_told_from_calls(thread):
    async def leave_behind():
        async def block():
            await asyncio.sleep(0.1)
            time.sleep(1.2)

        thread.left = asyncio.create_task(block())

    await thread.call("x", leave_behind(), 5)
    await asyncio.sleep(0.2)
    with pytest.raises(TimeoutError):
        await thread.call("the vote", number(), 0.05)
    async with asyncio.timeout(10):
        while thread.blocked:
            await asyncio.sleep(0.02)
    assert thread.told == [("hung", "")]


async def test_whoever_stops_waiting_calls_the_work_off(thread):
    begun, ended = threading.Event(), threading.Event()

    async def dawdle():
        begun.set()
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()

    for way in (thread.call("x", dawdle(), 30), thread.call("x", dawdle(), None, 5)):
        begun.clear()
        ended.clear()
        asking = asyncio.create_task(way)
        await asyncio.to_thread(begun.wait, 10)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await asyncio.to_thread(ended.wait, 10)


async def test_work_that_is_not_wanted_any_more_never_begins(thread):
    ran = []

    async def block():
        time.sleep(0.5)

    async def late():
        ran.append(1)

    blocking = asyncio.create_task(thread.call("a", block(), 10))
    await asyncio.sleep(0.1)
    waiting = asyncio.create_task(thread.call("b", late(), 10))
    await asyncio.sleep(0.1)
    waiting.cancel()
    await blocking
    assert await thread.call("x", number(), 5)
    assert ran == []


async def test_stopping_cancels_what_is_left_and_ends_the_thread():
    thread = PluginThread("test", hang=1, hung=print, stray=print)
    begun, ended = threading.Event(), threading.Event()

    async def leave_something():
        async def stay():
            begun.set()
            try:
                await asyncio.sleep(30)
            finally:
                ended.set()

        asyncio.get_running_loop().kept = asyncio.create_task(stay())

    await thread.call("x", leave_something(), 5)
    assert await asyncio.to_thread(begun.wait, 10)
    assert await thread.stop(5)
    assert ended.is_set()
    assert not [one for one in threading.enumerate() if one.name == "plugin test"]
    with pytest.raises(PluginError, match="is not running any more"):
        await thread.call("x", number(), 5)


async def test_a_thread_that_does_not_come_back_is_left_and_interrupted():
    thread = PluginThread("test deaf", hang=30, hung=print, stray=print)

    async def count():
        while True:
            pass

    with pytest.raises(TimeoutError):
        await thread.call("x", count(), 0.1)
    assert not await thread.stop(0.1)
    async with asyncio.timeout(10):
        while [one for one in threading.enumerate() if one.name == "plugin test deaf"]:
            await asyncio.sleep(0.02)


def test_a_plain_function_is_given_some_time():
    assert call_within(5, None, lambda a, b: a + b, 1, 2) == 3
    with pytest.raises(TimeoutError, match="took longer than 0.1 s"):
        call_within(0.1, None, time.sleep, 1)
    for error in (ValueError, SystemExit, TimeoutError):
        with pytest.raises(error):
            call_within(5, None, lambda error=error: (_ for _ in ()).throw(error("own")))


class Port:
    """As a port of the server: `async` methods, plain ones, and values."""

    name = "port"

    @property
    def place(self):
        return threading.get_ident()

    async def ask(self, question: str, *, loud: bool = False) -> int:
        if question == "why":
            raise NotFound("no answer")
        return threading.get_ident()

    def tell(self, *words: str) -> int:
        if not words:
            raise PluginError("say something")
        return threading.get_ident()


async def test_the_proxy_leads_home(thread):
    port, home = LoopProxy().wrap(Port()), threading.get_ident()

    async def use():
        with pytest.raises(NotFound, match="no answer"):
            await port.ask("why")
        with pytest.raises(PluginError, match="say something"):
            port.tell()
        return await port.ask("where"), port.tell("hello"), port.name, port.place != home

    assert await thread.call("x", use(), 10) == (home, home, "port", True)
    assert await port.ask("where") == port.tell("hello") == home, "and from home it is no detour"


async def test_what_looks_like_the_port_has_its_signatures():
    port = LoopProxy().wrap(Port())
    assert str(inspect.signature(port.ask)) == "(question: 'str', *, loud: 'bool' = False) -> 'int'"
    assert inspect.iscoroutinefunction(port.ask)
    assert not inspect.iscoroutinefunction(port.tell)
    with pytest.raises(AttributeError):
        port.nothing


async def test_whoever_stops_waiting_over_the_proxy_stops_the_work_at_home(thread):
    ended = asyncio.Event()

    class Slow:
        async def wait(self):
            try:
                await asyncio.sleep(30)
            finally:
                ended.set()

    port = LoopProxy().wrap(Slow())
    with pytest.raises(TimeoutError):
        await thread.call("x", port.wait(), 0.2)
    async with asyncio.timeout(5):
        await ended.wait()


async def test_a_closed_proxy_leaves_nothing_at_work_behind(thread):
    begun, ended = asyncio.Event(), asyncio.Event()

    class Slow:
        async def wait(self):
            begun.set()
            try:
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.05)  # as a database does that is interrupted
                ended.set()

    proxy = LoopProxy()
    port = proxy.wrap(Slow())
    asked = asyncio.create_task(thread.call("x", port.wait(), 20))
    await begun.wait()
    await proxy.close()
    assert ended.is_set()
    with pytest.raises(PluginError, match="cancelled its own task"):
        await asked
    begun.clear()
    with pytest.raises(PluginError, match="is not running any more"):
        await thread.call("x", port.wait(), 20)
    assert not begun.is_set()


async def test_events_are_told_in_order_and_others_get_their_turn():
    told, turns = [], []
    emitter = EventEmitter(told.append, most=10_000, flooded=lambda: told.append("flood"))

    async def others():
        while len(told) < 1000:
            turns.append(len(told))
            await asyncio.sleep(0)

    other = asyncio.create_task(others())
    await asyncio.to_thread(lambda: [emitter.put(number) for number in range(1000)])
    await emitter.published()
    await other
    assert told == list(range(1000))
    assert len(turns) > 5


async def test_a_flood_is_told_once_and_then_nothing():
    told = []
    emitter = EventEmitter(told.append, most=100, flooded=lambda: told.append("flood"))
    await asyncio.to_thread(lambda: [emitter.put(number) for number in range(1000)])
    await emitter.published()
    await asyncio.sleep(0)
    assert told.count("flood") == 1
    assert told.index("flood") == len(told) - 1
    emitter.put("late")
    await emitter.published()
    assert "late" not in told
