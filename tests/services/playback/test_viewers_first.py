"""Several viewers, films and seeks on few encoder places: viewers come first, whoever has least left before the others.

Simulated encoders and time; `test_transcode_manager` and `test_playback` do the same with ffmpeg.
"""

from __future__ import annotations

import asyncio
from fractions import Fraction
from functools import wraps
from pathlib import Path
from statistics import median

import pytest

from tests.components.simulated_time import run_simulated
from tests.components.transcoding_workspace import folder_film
from tests.fakes import FakeEncoders, FakeSegments, FakeSources
from wylloh_server.adapters.crypto import HlsSegmentCipher
from wylloh_server.domain.errors import AccessRefused, RetryLater, TranscodeUnavailable
from wylloh_server.domain.ports.media import VideoEncodeJob
from wylloh_server.domain.rendition import AudioTrack, Probe, VideoTrack
from wylloh_server.domain.types import Seconds
from wylloh_server.services.library.film_contents import FilmContents
from wylloh_server.services.playback.playback_plan import make_playback_plan
from wylloh_server.services.playback.transcode_manager import TranscodeManager, encoder_places
from wylloh_server.services.playback.transcode_session import TranscodeDependencies

HOUR = Seconds(3600)


def plan_of(name, seconds=HOUR):
    probe = Probe(
        "mov", seconds, VideoTrack("h264", 1280, 720, Fraction(24)), (AudioTrack(0, "aac", "en", 2, ""),)
    )
    return make_playback_plan(folder_film(Path(f"/films/{name}")), FilmContents(name, probe, None), ())


class Machine:
    """A transcode manager with simulated encoders."""

    def __init__(self, *, processes=2, **encoders) -> None:
        self.media, self.store = FakeEncoders(**encoders), FakeSegments()
        cipher = HlsSegmentCipher(bytes(32))
        tools = TranscodeDependencies(FakeSources(), self.media, self.store, cipher)
        self.manager = TranscodeManager(tools, processes=processes)
        self.fills = []

    def fill(self, *plans):
        self.fills += [asyncio.create_task(self.manager.fill(plan)) for plan in plans]

    async def close(self):
        for task in self.fills:
            task.cancel()
        await asyncio.gather(*self.fills, return_exceptions=True)
        await self.manager.close()


class SimulatedPlayer:
    """Plays like hls.js: asks for segments in order, keeps half a minute ahead, stands still when it has nothing."""

    def __init__(self, machine, name, plan, at=0.0) -> None:
        self._manager, self.name, self.plan = machine.manager, name, plan
        self.played = self.stood = 0.0
        self.started_after = None
        self._jump(at)

    def _jump(self, at):
        self.position = at
        self._until = {track.name: at for track in self._tracks}

    @property
    def _tracks(self):
        return self.plan.start, self.plan.sounds[0]

    async def watch(self, seconds):
        """Play until so much was played, or ten times that has passed."""
        loop = asyncio.get_running_loop()
        pressed, waited = loop.time(), 0.0
        fetching = [asyncio.create_task(self._fetch(track)) for track in self._tracks]
        while self.played < seconds and loop.time() < pressed + 10 * seconds:
            await asyncio.sleep(0.1)
            if min(self._until.values()) > self.position:
                self.started_after = (
                    loop.time() - pressed if self.started_after is None else self.started_after
                )
                self.position += 0.1
                self.played += 0.1
            elif self.started_after is not None:
                self.stood += 0.1
            for task in fetching:
                if task.done():
                    await task  # fails if the server refused what the player waits for
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)

    async def seek(self, at):
        """Jump, and return how long it took until the picture was there."""
        loop = asyncio.get_running_loop()
        pressed = loop.time()
        number = int(at / float(self.plan.start.timeline.segment))
        sound = int(at / float(self.plan.sounds[0].timeline.segment))
        await asyncio.gather(
            self._manager.file(self.name, self.plan, self.plan.start, f"{number}.m4s"),
            self._manager.file(self.name, self.plan, self.plan.sounds[0], f"{sound}.m4s"),
        )
        self._jump(at)
        return loop.time() - pressed

    async def leave(self):
        await self._manager.detach(self.name)

    async def _fetch(self, track):
        segment = float(track.timeline.segment)
        while True:
            if self._until[track.name] - self.position > 30:
                await asyncio.sleep(0.1)
                continue
            number = int(self._until[track.name] / segment + 1e-6)
            if number >= track.timeline.count:
                return
            await self._manager.file(self.name, self.plan, track, f"{number}.m4s")
            self._until[track.name] = (number + 1) * segment


def simulated(test):
    """Run an async test on simulated time."""

    async def bounded(**arguments):
        async with asyncio.timeout(100_000):
            await test(**arguments)

    @wraps(test)
    def run(**arguments):
        run_simulated(bounded(**arguments))

    return run


@simulated
async def test_two_people_watch_two_films_while_others_are_made_ready():
    starts, stood = [], []
    for at in (0, 1800):
        machine = Machine(processes=2, cores=2)
        machine.fill(plan_of("third"), plan_of("fourth"))
        await asyncio.sleep(20)
        players = [SimulatedPlayer(machine, name, plan_of(name), at) for name in ("one", "two")]
        await asyncio.gather(*(player.watch(120) for player in players))
        starts += [player.started_after for player in players]
        stood += [player.stood / 120 for player in players]
        assert machine.media.most_at_once <= 2
        await machine.close()
    assert median(starts) < 3
    assert max(starts) < 6
    assert max(stood) < 0.01


@simulated
async def test_as_many_watch_as_the_machine_can_encode():
    """Four films at a quarter of real time each on two places and two processors."""
    machine = Machine(processes=2, cores=2, video=0.2)
    players = [
        SimulatedPlayer(machine, f"v{number}", plan_of(f"film {number}"), 60 * number) for number in range(4)
    ]
    await asyncio.gather(*(player.watch(120) for player in players))
    assert all(player.played >= 119 for player in players)
    assert max(player.started_after for player in players) < 25
    assert max(player.stood for player in players) < 12
    await machine.close()


@simulated
async def test_a_far_seek_in_a_fresh_film_comes_before_filling_and_before_who_has_enough():
    machine = Machine(processes=2, cores=2)
    machine.fill(plan_of("third"))
    other = SimulatedPlayer(machine, "other", plan_of("other"))
    watching = asyncio.create_task(other.watch(400))
    await asyncio.sleep(60)
    viewer = SimulatedPlayer(machine, "viewer", plan_of("film"))
    times = [await viewer.seek(at) for at in (0.0, 3000.0, 900.0, 1800.0)]
    assert max(times) < 4
    await watching
    assert other.stood < 4
    await machine.close()


@simulated
async def test_who_has_least_left_is_served_first():
    machine = Machine(processes=1, cores=1)
    plans = {name: plan_of(name, Seconds(600)) for name in ("rich", "poor", "busy")}
    manager = machine.manager
    for number in range(20):
        machine.store.files[plans["rich"].store, plans["rich"].start.name, f"{number}.m4s"] = b"there"
        await manager.file("rich", plans["rich"], plans["rich"].start, f"{number}.m4s")
    busy = asyncio.create_task(manager.file("busy", plans["busy"], plans["busy"].start, "0.m4s"))
    await asyncio.sleep(0.1)
    order = []

    async def wants(name, number):
        await manager.file(name, plans[name], plans[name].start, f"{number}.m4s")
        order.append(name)

    await asyncio.gather(wants("rich", 20), wants("poor", 100), busy)
    assert order == ["poor", "rich"], "40 s left against none, though it asked later"
    await machine.close()


@simulated
async def test_filling_never_takes_a_place_that_somebody_waits_for():
    machine = Machine(processes=2, cores=1)
    machine.fill(plan_of("third"))
    players = [SimulatedPlayer(machine, f"v{number}", plan_of(f"film {number}")) for number in range(3)]
    await asyncio.gather(*(player.watch(60) for player in players))
    begun = next(index for index, order in enumerate(machine.media.orders) if not order.low_priority)
    for player in players:
        await player.leave()
    assert machine.manager.preparing("v0") is None
    behind = [order.low_priority for order in machine.media.orders[begun : begun + 6]]
    assert not any(behind), "six tracks were waited for"
    for _ in range(100):
        await asyncio.sleep(1)
    assert machine.media.at_work, "afterwards it goes on"
    assert all(order.low_priority for order in machine.media.at_work)
    await machine.close()


@simulated
async def test_pressing_play_for_a_second_makes_no_more_than_that():
    machine = Machine()
    plan = plan_of("film")
    await machine.manager.prepare("viewer", plan, plan.start, 0)
    await machine.manager.file("viewer", plan, plan.start, "0.m4s")
    await machine.manager.detach("viewer")
    made = machine.media.worked
    await asyncio.sleep(600)
    assert machine.media.worked == made
    assert not machine.media.at_work


@simulated
async def test_nothing_is_made_hours_ahead_of_a_viewer():
    machine = Machine()
    plan = plan_of("film")
    player = SimulatedPlayer(machine, "viewer", plan)
    await player.watch(60)
    names = await machine.store.names(plan.store, plan.start.name)
    assert 60 < 2 * len(names) < 60 + 30 + 120 + 20
    await player.watch(600)
    assert player.stood == 0, "what comes next is begun in time"
    videos = [order for order in machine.media.orders if isinstance(order, VideoEncodeJob)]
    assert len(videos) > 1
    await machine.close()


@simulated
async def test_an_encoder_slower_than_its_viewer_leaves_the_others_a_turn():
    machine = Machine(processes=1, cores=1, video=2.0)
    slow = SimulatedPlayer(machine, "slow", plan_of("slow"))
    watching = asyncio.create_task(slow.watch(100))
    await asyncio.sleep(30)
    other = plan_of("other")
    begun = asyncio.get_running_loop().time()
    await machine.manager.file("other", other, other.start, "0.m4s")
    assert asyncio.get_running_loop().time() - begun < 20
    await machine.manager.detach("other")
    await watching
    assert slow.played > 20
    await machine.close()


@simulated
async def test_a_viewer_is_told_about_how_long_preparing_takes():
    machine = Machine(processes=1, cores=1, start=5.0)
    plan = plan_of("film")
    assert machine.manager.preparing("viewer") is None
    waiting = asyncio.create_task(machine.manager.file("viewer", plan, plan.start, "0.m4s"))
    await asyncio.sleep(0.5)
    assert 1 <= machine.manager.preparing("viewer") <= 5
    await waiting
    assert machine.manager.preparing("viewer") is None
    seeking = asyncio.create_task(machine.manager.file("viewer", plan, plan.start, "900.m4s"))
    await asyncio.sleep(0.5)
    assert machine.manager.preparing("viewer") > 3, "it has learned from the first time"
    await seeking
    await machine.close()


@simulated
async def test_an_encoder_that_dies_is_started_again_three_times_for_all_who_wait():
    machine = Machine()
    plan = plan_of("film")
    machine.media.failures = 3
    wishes = [machine.manager.file(f"v{number}", plan, plan.start, "0.m4s") for number in range(31)]
    assert len(set(await asyncio.gather(*wishes))) == 1
    assert len(machine.media.orders) == 4
    machine.media.failures = 100
    wishes = [machine.manager.file(f"v{number}", plan, plan.start, "90.m4s") for number in range(31)]
    outcomes = await asyncio.gather(*wishes, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {TranscodeUnavailable}
    assert all(0 < outcome.retry_after <= 30 and outcome.fix for outcome in outcomes)
    assert len(machine.media.orders) == 8
    with pytest.raises(TranscodeUnavailable):
        await machine.manager.file("late", plan, plan.start, "200.m4s")
    assert len(machine.media.orders) == 8, "it is left alone for a while"
    machine.media.failures = 0
    await asyncio.sleep(31)
    assert await machine.manager.file("late", plan, plan.start, "200.m4s")
    await machine.close()


@simulated
async def test_a_wish_in_the_queue_ends_with_its_lease_and_with_the_server():
    machine = Machine(processes=1, cores=1, start=100.0)
    one, two = plan_of("one"), plan_of("two")
    first = asyncio.create_task(machine.manager.file("one", one, one.start, "0.m4s"))
    await asyncio.sleep(1)
    queued = asyncio.create_task(machine.manager.file("two", two, two.start, "0.m4s"))
    await asyncio.sleep(1)
    await machine.manager.detach("two")
    with pytest.raises(AccessRefused):
        await queued
    queued = asyncio.create_task(machine.manager.file("two", two, two.start, "0.m4s"))
    await asyncio.sleep(1)
    await machine.close()
    outcomes = await asyncio.gather(first, queued, return_exceptions=True)
    assert all(isinstance(outcome, Exception) for outcome in outcomes)


@simulated
@pytest.mark.parametrize("places", [1, 2, 8])
@pytest.mark.parametrize("goes_on", ["seek", "quality"])
@pytest.mark.parametrize("slow", [0.05, 0.3, 1.0])
async def test_looking_ahead_never_refuses_what_the_player_waits_for(places, goes_on, slow):
    """The store is slow: it is found that a segment will be missing when the player has already gone on."""
    machine = Machine(processes=places, cores=2)
    plan, other, names = plan_of("film"), plan_of("other"), machine.store.names

    async def slow_names(*track):
        await asyncio.sleep(slow)
        return await names(*track)

    machine.store.names = slow_names
    busy = asyncio.create_task(machine.manager.file("other", other, other.start, "0.m4s"))
    first = (machine.manager.file("v", plan, plan.start, name) for name in ("init.mp4", "0.m4s"))
    await asyncio.gather(*first)
    track, number = (plan.start, 900) if goes_on == "seek" else (plan.pictures[0], 1)
    then = (machine.manager.file("v", plan, track, name) for name in ("init.mp4", f"{number}.m4s"))
    assert all(await asyncio.gather(*then))
    await busy
    await machine.close()


@simulated
@pytest.mark.parametrize("hung_up_after", [0.1, 0.5, 3.0])
async def test_a_request_that_was_given_up_never_refuses_a_newer_one(hung_up_after):
    """The older one's session is ending for somebody else's turn while the player seeks."""
    for before_the_turn in (False, True):
        machine = Machine(processes=1, cores=1, video=8.0, ending=0.3)
        plan, other = plan_of("film"), plan_of("other")
        await machine.manager.file("v", plan, plan.start, "10.m4s")
        stale = asyncio.create_task(machine.manager.file("v", plan, plan.start, "11.m4s"))
        turn = asyncio.create_task(machine.manager.file("other", other, other.start, "0.m4s"))
        await asyncio.sleep(5)
        while not (before_the_turn or any(session.stopping for session in machine.manager._sessions)):
            await asyncio.sleep(0.05)
        live = asyncio.create_task(machine.manager.file("v", plan, plan.start, "500.m4s"))
        await asyncio.sleep(hung_up_after)
        stale.cancel()
        assert await live
        outcomes = await asyncio.gather(stale, turn, return_exceptions=True)
        assert isinstance(outcomes[0], RetryLater | asyncio.CancelledError)
        assert isinstance(outcomes[1], bytes)
        await machine.close()


@simulated
async def test_a_player_that_has_gone_on_is_told_to_ask_again():
    """Whoever still waits for the older place may try again: 503 with Retry-After, not 403."""
    machine = Machine(processes=1, start=5.0)
    plan = plan_of("film")
    older = asyncio.create_task(machine.manager.file("v", plan, plan.start, "10.m4s"))
    await asyncio.sleep(1)
    newer = asyncio.create_task(machine.manager.file("v", plan, plan.start, "900.m4s"))
    with pytest.raises(RetryLater) as refusal:
        await older
    assert refusal.value.retry_after == 1
    assert await newer
    assert await machine.manager.file("v", plan, plan.start, "10.m4s"), "asked for again, it is made"
    await machine.close()


@simulated
async def test_beginning_early_never_takes_the_place_of_what_the_player_asks_for():
    for places in (1, 2):
        machine = Machine(processes=places)
        plan = plan_of("film")
        seeking = asyncio.create_task(machine.manager.file("v", plan, plan.start, "900.m4s"))
        await asyncio.sleep(0.1)
        await machine.manager.prepare("v", plan, plan.start, 0)
        assert await seeking
        assert [order.first for order in machine.media.orders] == [900]
        await machine.close()


@simulated
async def test_beginning_early_gives_way_when_the_player_asks_for_another_place():
    machine = Machine(processes=1, start=5.0)
    plan, other = plan_of("film"), plan_of("other")
    busy = asyncio.create_task(machine.manager.file("other", other, other.start, "0.m4s"))
    await asyncio.sleep(0.1)
    early = asyncio.create_task(machine.manager.prepare("v", plan, plan.start, 0))
    await asyncio.sleep(0.1)
    seeking = asyncio.create_task(machine.manager.file("v", plan, plan.start, "900.m4s"))
    await asyncio.gather(early, busy, seeking)
    assert not [order for order in machine.media.orders if order.first == 0][1:], "only the other's"
    await machine.close()


@simulated
async def test_a_failing_encoder_is_left_alone_by_whatever_begins_without_a_viewer():
    machine = Machine()
    plan = plan_of("film")
    machine.media.failures = 100
    with pytest.raises(TranscodeUnavailable):
        await machine.manager.file("v", plan, plan.start, "0.m4s")
    begun = len(machine.media.orders)
    with pytest.raises(TranscodeUnavailable):
        await machine.manager.prepare("v", plan, plan.start, 50)
    with pytest.raises(TranscodeUnavailable):
        await machine.manager.fill(plan)
    machine.store.files[plan.store, plan.start.name, "7.m4s"] = b"there"
    await machine.manager.file("v", plan, plan.start, "7.m4s")
    await asyncio.sleep(5)
    assert len(machine.media.orders) == begun
    await machine.close()


@simulated
async def test_an_init_segment_is_made_where_its_viewer_is():
    """The one of a new rendition comes with the segments that are wanted next, not with the film's first."""
    machine = Machine(processes=1, start=5.0)
    plan, other = plan_of("film"), plan_of("other")
    low, high = plan.pictures[-1], plan.pictures[0]
    machine.store.files[plan.store, low.name, "700.m4s"] = b"there"
    await machine.manager.file("v", plan, low, "700.m4s")
    await machine.manager.file("v", plan, high, "init.mp4")
    assert machine.media.orders[-1].first == 701
    busy = asyncio.create_task(machine.manager.file("other", other, other.start, "0.m4s"))
    await asyncio.sleep(0.1)
    both = [machine.manager.file("w", plan, low, name) for name in ("init.mp4", "300.m4s")]
    await asyncio.gather(busy, *both)
    firsts = [order.first for order in machine.media.orders if order.rendition == low.rendition]
    assert 0 not in firsts
    assert 300 in firsts
    await machine.close()


@simulated
async def test_a_turn_ends_after_ten_seconds_also_when_it_began_after_the_wish():
    machine = Machine(processes=1, cores=1, video=4.0)
    plans = {name: plan_of(name) for name in ("one", "two", "three")}
    wishes = []
    for name, plan in plans.items():
        wishes.append(asyncio.create_task(machine.manager.file(name, plan, plan.start, "3.m4s")))
        await asyncio.sleep(1)
    while len(machine.media.orders) < 3:
        await asyncio.sleep(0.1)
    assert asyncio.get_running_loop().time() < 25, "ten seconds after the second, which came after ten"
    await asyncio.gather(*(machine.manager.detach(name) for name in plans))
    await asyncio.gather(*wishes, return_exceptions=True)
    await machine.close()


@simulated
async def test_turns_are_long_enough_that_everybody_gets_something():
    """Encoders that need a minute for a segment must not take turns for ever without making any."""
    machine = Machine(processes=1, cores=1, video=30.0)
    plans = {name: plan_of(name) for name in ("one", "two", "three")}
    made = (machine.manager.file(name, plan, plan.start, "0.m4s") for name, plan in plans.items())
    assert all(await asyncio.gather(*made))
    assert asyncio.get_running_loop().time() < 200
    await machine.close()


def test_the_number_of_encoders_follows_the_processors(monkeypatch):
    for cores, places in ((1, 2), (2, 2), (4, 4), (16, 16)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, cores=cores: set(range(cores)))
        assert encoder_places() == places
