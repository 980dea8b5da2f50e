"""Events wait in one bounded queue for each plugin."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from wylloh_server.domain import events
from wylloh_server.domain.access import Reason, Receipt, Role
from wylloh_server.domain.events import Event, FilmReady
from wylloh_server.domain.playback import LeaseEnd
from wylloh_server.domain.task import Task, TaskId, TaskState
from wylloh_server.domain.transaction import TransactionId
from wylloh_server.domain.types import BlockNumber, DeviceId, FilmId, Timestamp, Wallet
from wylloh_server.plugins import Limits

FILM, WALLET, DEVICE = FilmId("film"), Wallet("0x" + "11" * 20), DeviceId("device")
TASK = Task(TaskId("cd" * 16), "mine.work", "Work", WALLET, TaskState.DONE, Timestamp(0))
RECEIPT = Receipt(FILM, WALLET, "personal", True, Reason.OWN_FOLDER, "Yes.", Timestamp(0))
SAMPLES = [
    events.FilmAdded(FILM, "A film"),
    events.FilmDescribed(FILM, "A film"),
    events.FilmReady(FILM),
    events.FilmAway(FILM),
    events.FilmRemoved(FILM),
    events.SignedIn(WALLET, Role.VIEWER),
    events.DevicePaired(DEVICE, WALLET),
    events.LicenseChecked(RECEIPT),
    events.EnvelopeReleased(FILM, WALLET, "personal"),
    events.PlaybackStarted(FILM, WALLET, DEVICE),
    events.PlaybackEnded(FILM, WALLET, DEVICE, LeaseEnd.STOPPED, watched=0.5),
    events.AccountRemoved(WALLET),
    events.ChainAdvanced(BlockNumber(7)),
    events.TransactionConfirmed(TransactionId("ab" * 16), WALLET, "mine"),
    events.TaskEnded(TASK),
]

EARS = """
heard = []

@hookimpl
async def on_event(event):
    heard.append(event)
"""


def record_of(registry, name):
    (record,) = [record for record in registry.records() if record.name == name]
    return record


def release(registry, name, event):
    """Set an asyncio.Event of a plugin's, in the plugin's own loop."""
    plugin = registry.plugin(name)
    plugin.thread._loop.call_soon_threadsafe(getattr(plugin.code, event).set)


def heard_by(registry, name):
    return registry.plugin(name).code.heard


def test_there_is_a_sample_of_every_event():
    declared = {
        item
        for _, item in inspect.getmembers(events, inspect.isclass)
        if issubclass(item, Event) and item is not Event
    }
    assert {type(sample) for sample in SAMPLES} == declared


async def test_every_event_is_heard_in_order(environment):
    environment.write("ears", EARS)
    async with environment.running() as (registry, _):
        for event in SAMPLES:
            registry.publish(event)
        await registry.settled()
        assert heard_by(registry, "ears") == SAMPLES


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
        ("raise SystemExit", "PluginError: tried to end the server"),
        ("raise asyncio.CancelledError", "PluginError: cancelled its own task"),
        ("await asyncio.Event().wait()", "TimeoutError: took longer than 0.5 s"),
    ],
)
async def test_a_broken_listener_costs_only_that_event(environment, body, error):
    environment.write("bad", f"{EARS}    if len(heard) == 1:\n        {body}\n")
    environment.write("good", EARS)
    async with environment.running(limits=Limits(event=0.5)) as (registry, _):
        for event in SAMPLES[:3]:
            registry.publish(event)
        await registry.settled()
        assert heard_by(registry, "bad") == heard_by(registry, "good") == SAMPLES[:3]
        assert record_of(registry, "bad").errors == 1
        assert record_of(registry, "bad").last_error.startswith(f"on_event(FilmAdded): {error}")
        assert sum(record_of(registry, "bad").lost.values()) == 1
        assert record_of(registry, "good").errors == 0


SLOW = """
heard, go = [], asyncio.Event()

@hookimpl
async def on_event(event):
    await go.wait()
    heard.append(event)
"""


async def test_a_flooded_queue_drops_the_newest_and_delays_nobody(environment):
    environment.write("slow", SLOW)
    environment.write("good", EARS)
    flood = [FilmReady(FilmId(str(number))) for number in range(30)]
    async with environment.running(limits=Limits(queue=10)) as (registry, _):
        for event in flood:
            registry.publish(event)
            await registry.plugin("good").queue.join()
        assert heard_by(registry, "good") == flood
        assert heard_by(registry, "slow") == []
        assert record_of(registry, "slow").lost == {
            "its queue was full": 19
        }  # ten wait, and one is being heard
        release(registry, "slow", "go")
        await registry.settled()
        assert heard_by(registry, "slow") == flood[: 30 - 19]
        assert record_of(registry, "good").lost == {}


async def test_one_slow_event_loses_only_itself(environment):
    gate = (
        "    gate = Path(__file__).parent / 'gate'\n"
        "    while len(heard) == 1 and not gate.exists():\n        time.sleep(0.02)\n"
    )
    package = environment.write("slow", "import time\n" + EARS + gate)
    async with environment.running(limits=Limits(event=0.3, hang=60)) as (registry, _):
        for number in range(12):
            registry.publish(FilmReady(FilmId(str(number))))
        async with asyncio.timeout(20):
            while not record_of(registry, "slow").errors:
                await asyncio.sleep(0.02)
        (package / "gate").touch()
        await registry.settled()
        assert len(heard_by(registry, "slow")) == 12
        record = record_of(registry, "slow")
        assert (record.status, record.errors, record.lost) == ("running", 1, {"it took too long": 1})
        assert "on_event(FilmReady): TimeoutError: took longer than 0.3 s at wylloh_slow" in record.last_error


async def test_every_lost_event_is_counted_with_its_reason(environment):
    environment.write("bad", "@hookimpl\nasync def on_event(event):\n    raise ValueError\n")
    environment.write("slow", SLOW)
    async with environment.running(limits=Limits(failures=3, stop=0.1)) as (registry, _):
        for _ in range(5):
            registry.publish(SAMPLES[0])
        await registry.plugin("bad").queue.join()
        assert record_of(registry, "bad").lost == {"it failed": 3, "it failed again and again": 2}
        assert record_of(registry, "bad").closed == ("on_event(FilmAdded)",)
    assert record_of(registry, "slow").lost == {"the plugin was stopped": 5}


async def test_what_is_queued_is_heard_before_the_plugin_stops(environment):
    environment.write("ears", EARS)
    async with environment.running() as (registry, _):
        for event in SAMPLES:
            registry.publish(event)
    assert heard_by(registry, "ears") == SAMPLES


async def test_a_hanging_listener_does_not_keep_the_server_from_stopping(environment):
    environment.write("slow", SLOW)
    async with environment.running(limits=Limits(stop=0.1)) as (registry, _):
        for event in SAMPLES:
            registry.publish(event)
    assert heard_by(registry, "slow") == []
    assert record_of(registry, "slow").status == "loaded"


async def test_events_before_the_start_and_after_the_end_are_nobodys(environment):
    environment.write("ears", EARS)
    registry = environment.registry()
    registry.publish(SAMPLES[0])
    async with environment.running() as (registry, _):
        pass
    registry.publish(SAMPLES[0])
    assert heard_by(registry, "ears") == []


EMITTING = """
@dataclass(frozen=True)
class TeaMade(Event):
    \"\"\"Tea is ready.\"\"\"

@hookimpl
def event_types():
    return [TeaMade]

async def make(context, request):
    context.emit(TeaMade() if request.query else FilmReady("x"))
    return Json(1)

@hookimpl
def routes():
    return [PluginRoute("GET", "make", make, None)]
"""


async def test_a_plugin_emits_only_what_it_declared(environment):
    from wylloh_server.domain.plugin_pages import PluginRequest

    environment.write("kettle", EMITTING)
    environment.write("ears", EARS)
    async with environment.running() as (registry, dispatch):
        (mounted,) = registry.routes()
        assert (await dispatch.answer(mounted, PluginRequest(query={"tea": "1"}))).value == 1
        assert (await dispatch.answer(mounted, PluginRequest())).status == 500
        await registry.settled()
        assert [type(event).__name__ for event in heard_by(registry, "ears")] == ["TeaMade"]
        assert "kettle has not declared the event FilmReady." in record_of(registry, "kettle").last_error
