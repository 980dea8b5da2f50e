from __future__ import annotations

import asyncio
import gc
import io
import os
import re
from dataclasses import replace
from pathlib import Path

import av
import pytest

from tests.components.transcoding_workspace import ALICE, BOB, HOME, folder_film, transcoding_workspace
from wylloh_server.domain.access import Reason, Role
from wylloh_server.domain.errors import (
    AccessRefused,
    MediaRefused,
    NotFound,
    PlaybackRefused,
    StorageError,
    StoreFull,
    TranscodeFailed,
)
from wylloh_server.domain.events import PlaybackEnded, PlaybackStarted
from wylloh_server.domain.play_decision import PlaybackLimits
from wylloh_server.domain.playback import LeaseEnd, Position
from wylloh_server.domain.ports.media import VideoEncodeJob, AudioEncodeJob
from wylloh_server.domain.types import FilmId, Seconds


def decoded(data):
    with av.open(io.BytesIO(data), format="mp4") as container:
        return sum(1 for _ in container.decode(container.streams[0]))


async def test_a_whole_film_plays_while_it_is_made(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    film = b"".join([
        await room.clear(lease, "v-144p-160k", name) for name in ("init.mp4", *(f"{n}.m4s" for n in range(6)))
    ])  # fmt: skip
    assert decoded(film) == 12 * 24
    sound = b"".join([await room.clear(lease, "a1", name) for name in ("init.mp4", "0.m4s", "1.m4s")])
    assert decoded(sound) == pytest.approx(12 * 48_000 / 1024, abs=2)
    assert "We begin." in await room.playback.subtitles(lease, "s0")


async def test_encoding_begins_before_the_player_asks_and_the_rest_is_ordered(room, short):
    await room.playback.start(ALICE, short.id, HOME)
    while len(room.media.orders) < 2:
        await asyncio.sleep(0.01)
    assert {type(order) for order in room.media.orders} == {VideoEncodeJob, AudioEncodeJob}
    assert not any(order.low_priority for order in room.media.orders)
    assert room.to_fill == [], "the rest is made when the owner wants it"
    assert [type(event) for event in room.events] == [PlaybackStarted]


async def test_a_player_that_goes_on_at_once_does_not_keep_the_rest_from_being_ordered(tmp_path, short):
    async with transcoding_workspace(tmp_path, short, processes=1, make_ahead=True) as room:
        lease = await room.playback.start(ALICE, short.id, HOME)
        while not (room.transcodes._sessions and room.transcodes._wishes.all):
            await asyncio.sleep(0.001)
        other = room.playback.leases.find(lease.token).plan.sounds[1].name
        await room.playback.segment(lease, other, "0.m4s")  # while the first sound waits for its turn
        assert room.to_fill == [short.id]


async def test_playback_that_goes_on_in_the_middle_begins_to_encode_there(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME, Seconds(51))
    await room.playback.segment(lease, "v-144p-160k", "25.m4s")
    assert [order.first for order in room.media.orders] == [25]


async def test_a_seek_far_ahead_and_back_starts_new_runs_and_ends_the_old_ones(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME)
    name = "v-180p-200k"
    await room.playback.segment(lease, name, "0.m4s")
    await room.playback.segment(lease, name, "40.m4s")
    await room.playback.segment(lease, name, "20.m4s")
    firsts = [order.first for order in room.media.orders if order.rendition.name == name[2:]]
    assert firsts == [0, 40, 20]
    assert len(room.media.running) <= 1
    before = len(room.media.orders)
    await room.playback.segment(lease, name, "40.m4s")
    assert len(room.media.orders) == before, "what was made before is not made again"


async def test_a_run_ends_where_segments_are_there_already(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME, Seconds(98))
    await room.playback.segment(lease, "v-144p-160k", "49.m4s")
    await room.playback.segment(lease, "v-144p-160k", "40.m4s")
    await room.quiet()
    made = await room.store.names(next(room.store._root.iterdir()).name, "v-144p-160k")
    assert made == {"init.mp4", *(f"{number}.m4s" for number in range(40, 50))}


async def test_joins_between_runs_are_exact_through_the_whole_pipeline(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME, Seconds(30))
    name = "v-144p-160k"
    await room.playback.segment(lease, name, "15.m4s")
    await room.playback.segment(lease, name, "10.m4s")
    await room.playback.segment(lease, name, "14.m4s")
    film = b"".join(
        [await room.clear(lease, name, n) for n in ("init.mp4", *(f"{i}.m4s" for i in range(10, 20)))]
    )
    with av.open(io.BytesIO(film), format="mp4") as container:
        times = [round(frame.time * 24) for frame in container.decode(video=0)]
    assert times == list(range(20 * 24, 40 * 24))


async def test_filling_makes_everything_and_afterwards_nothing(room, short):
    await room.playback.fill(short.id)
    store = next(room.store._root.iterdir()).name
    for track in ("v-180p-200k", "v-144p-160k", "v-144p-80k"):
        assert await room.store.names(store, track) == {"init.mp4", *(f"{n}.m4s" for n in range(6))}
    for track in ("a0", "a1"):
        assert await room.store.names(store, track) == {"init.mp4", "0.m4s", "1.m4s"}
    assert all(order.low_priority for order in room.media.orders)
    assert room.media.most_at_once == 1
    before = len(room.media.orders)
    await room.playback.fill(short.id)
    assert len(room.media.orders) == before


async def test_subtitles_that_cannot_be_read_do_not_end_filling(room, short, monkeypatch, caplog):
    async def unreadable(source, track):
        raise TranscodeFailed("ffmpeg ended with code 1")

    monkeypatch.setattr(room.media, "subtitles", unreadable)
    monkeypatch.setattr(room.transcodes, "fill", lambda plan: asyncio.sleep(0))
    await room.playback.fill(short.id)
    assert "are left out: ffmpeg ended with code 1" in caplog.text


async def test_filling_gives_way_to_a_viewer_and_goes_on_after(room, short, long):
    filling = asyncio.create_task(room.playback.fill(long.id))
    while not room.media.running:
        await asyncio.sleep(0.01)
    lease = await room.playback.start(ALICE, short.id, HOME)
    await asyncio.gather(
        room.playback.segment(lease, "v-180p-200k", "0.m4s"), room.playback.segment(lease, "a0", "0.m4s")
    )
    assert room.media.most_at_once <= 2
    await filling
    tracks = {order.rendition.name for order in room.media.orders if isinstance(order, VideoEncodeJob)}
    assert {"180p-200k", "144p-160k", "144p-80k"} <= tracks


async def test_more_viewers_than_processes_are_all_served(room, short, long):
    leases = [
        await room.playback.start(viewer, film.id, HOME, Seconds(at))
        for viewer, film, at in ((ALICE, short, 0), (BOB, long, 0), (BOB, long, 60))
    ]
    wanted = [
        (leases[0], 0),
        (leases[1], 1),
        (leases[2], 31),
        (leases[0], 2),
        (leases[1], 2),
        (leases[2], 32),
    ]
    got = await asyncio.gather(
        *(room.playback.segment(lease, "v-144p-160k", f"{number}.m4s") for lease, number in wanted)
    )
    assert all(got)
    assert room.media.most_at_once <= 2


async def test_after_a_crash_a_restart_goes_on_with_what_is_stored(tmp_path, long):
    async with transcoding_workspace(tmp_path, long) as room:
        lease = await room.playback.start(ALICE, long.id, HOME)
        for number in range(6):
            await room.playback.segment(lease, "v-144p-160k", f"{number}.m4s")
    leftover = next((tmp_path / "segments").glob("*/v-144p-160k")) / "6.m4s.1-2.partial"
    leftover.write_bytes(b"half a segment")
    async with transcoding_workspace(tmp_path, long) as room:
        await room.playback.fill(long.id)
        first = next(o for o in room.media.orders if o.rendition.name == "144p-160k")
        assert first.first > 5
        assert not leftover.exists()


async def test_a_refusal_carries_the_receipt_and_starts_nothing(room, short):
    room.licensing.verdicts[BOB.wallet] = Reason.TOO_FEW_TOKENS
    with pytest.raises(PlaybackRefused) as caught:
        await room.playback.start(BOB, short.id, HOME)
    assert caught.value.receipt.reason is Reason.TOO_FEW_TOKENS
    assert (room.media.orders, room.events) == ([], [])


async def test_a_token_is_bound_to_session_and_without_cookie_to_the_address(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    assert room.playback.lease(lease.token, ALICE.session, "10.0.0.9") == lease
    assert room.playback.lease(lease.token, None, HOME) == lease
    for session, address in ((BOB.session, HOME), (None, "10.0.0.9")):
        with pytest.raises(AccessRefused, match="another screen"):
            room.playback.lease(lease.token, session, address)
    with pytest.raises(AccessRefused, match="no longer"):
        room.playback.lease("guess", ALICE.session, HOME)


async def test_when_the_tokens_are_gone_playback_ends_within_the_lease_interval(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME)
    await room.playback.segment(lease, "v-180p-200k", "0.m4s")
    room.licensing.verdicts[ALICE.wallet] = Reason.TOO_FEW_TOKENS
    room.clock.now += 50
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is None, "not asked yet"
    room.clock.now += 5
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.RIGHTS_GONE
    assert room.media.running == {}
    assert room.events[-1] == PlaybackEnded(long.id, ALICE.wallet, ALICE.device, LeaseEnd.RIGHTS_GONE)
    with pytest.raises(AccessRefused):
        await room.playback.key(lease, "v-180p-200k", 0)


@pytest.mark.parametrize(
    ("at", "of", "watched"),
    [(30, 120, 0.25), (120, 120, 1.0), (130, 120, 1.0), (-1, 120, 0.0), (30, 0, None)],
)
async def test_the_end_says_how_far_the_film_had_come(room, short, at, of, watched):
    lease = await room.playback.start(ALICE, short.id, HOME)
    room.clock.now += 40
    told = Position(short.id, Seconds(at), Seconds(of), room.clock.now)
    await room.positions.save(ALICE.wallet, told)
    await room.positions.save(BOB.wallet, Position(short.id, Seconds(60), Seconds(120), room.clock.now))
    await room.playback.stop(lease)
    ended = PlaybackEnded(short.id, ALICE.wallet, ALICE.device, LeaseEnd.STOPPED, watched)
    assert room.events[-1] == ended


async def test_a_position_from_an_earlier_evening_says_nothing_about_this_one(room, short):
    await room.positions.save(
        ALICE.wallet, Position(short.id, Seconds(110), Seconds(120), room.clock.now - 60)
    )
    lease = await room.playback.start(ALICE, short.id, HOME)
    await room.playback.stop(lease)
    assert room.events[-1].watched is None


async def test_playback_ends_also_when_positions_cannot_be_read(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    room.positions.broken = StorageError("The disk is gone.", fix="Put it back.")
    await room.playback.stop(lease)
    assert (type(room.events[-1]), room.events[-1].watched) == (PlaybackEnded, None)


async def test_a_waiting_request_is_refused_when_the_rights_go(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME)
    waiting = asyncio.create_task(room.playback.segment(lease, "v-180p-200k", "49.m4s"))
    while not any(order.first == 49 for order in room.media.orders):
        await asyncio.sleep(0.01)
    room.licensing.verdicts[ALICE.wallet] = Reason.TOO_FEW_TOKENS
    room.clock.now += 60
    await room.playback.check_leases()
    with pytest.raises(AccessRefused):
        await waiting


@pytest.mark.parametrize("reason", [Reason.CHAIN_UNKNOWN, Reason.VOTE_UNKNOWN])
async def test_who_cannot_be_asked_ends_nothing(room, short, reason):
    lease = await room.playback.start(ALICE, short.id, HOME)
    room.licensing.verdicts[ALICE.wallet] = reason
    room.clock.now += 60
    await room.playback.check_leases()
    asked = room.licensing.asked
    assert room.playback.lease(lease.token, ALICE.session, HOME).checked == room.clock.now
    await room.playback.check_leases()
    assert room.licensing.asked == asked, "and it is not asked again before the time"
    assert room.licensing.renewals == [False, True], "a start, and its renewal"


async def test_a_lease_nobody_uses_ends(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    room.clock.now += 500
    await room.playback.master(lease)
    room.clock.now += 500
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is None
    room.clock.now += 601
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.IDLE


@pytest.mark.parametrize("seconds", [7200, -7200])
async def test_12_6_a_clock_that_jumps_ends_no_lease_and_puts_no_check_off(room, short, seconds):
    lease = await room.playback.start(ALICE, short.id, HOME)
    asked = room.licensing.asked
    room.clock.jump(seconds)
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is None
    assert room.licensing.asked == asked
    room.clock.now += 60
    await room.playback.check_leases()
    assert room.licensing.asked > asked, "the right is checked again a lease's time later"
    room.clock.now += 601
    room.clock.jump(-7200)
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.IDLE


async def test_leases_are_checked_without_being_told_to(tmp_path, short):
    async with transcoding_workspace(tmp_path, short) as room:
        room.playback.lease_seconds = Seconds(0.1)
        lease = await room.playback.start(ALICE, short.id, HOME)
        async with room.playback.running():
            room.licensing.verdicts[ALICE.wallet] = Reason.TOO_FEW_TOKENS
            room.clock.now += 60
            while room.playback.leases.why_ended(lease.token) is None:
                await asyncio.sleep(0.01)


async def test_12_two_thousand_starts_and_stops_leave_nothing_behind(room, short):
    """Neither a descriptor, a thread, a process nor memory; a fifth of them begin to encode first."""

    async def begin_and_end(number):
        lease = await room.playback.start(ALICE if number % 2 else BOB, short.id, HOME)
        if number % 5 == 0:
            await room.playback.segment(lease, "v-144p-160k", f"{number % 6}.m4s")
        await room.playback.stop(lease)

    async def used():
        while room.media.running or room.transcodes._sessions:
            await asyncio.sleep(0.01)
        gc.collect()
        folders = Path("/proc/self/fd"), Path("/proc/self/task")
        return [len(list(folder.iterdir())) for folder in folders], resident_bytes()

    for number in range(200):
        await begin_and_end(number)
    (descriptors, threads), before = await used()
    for number in range(1800):
        await begin_and_end(number)
    (descriptors_then, threads_then), after = await used()
    assert room.playback.leases.all() == ()
    assert descriptors_then <= descriptors + 5
    assert threads_then <= threads + 5
    assert after - before < 20 << 20, f"{(after - before) >> 20} MiB more"


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def test_stopping_and_signing_out_end_leases_and_their_runs(room, long):
    stopped = await room.playback.start(ALICE, long.id, HOME)
    await room.playback.segment(stopped, "v-180p-200k", "0.m4s")
    signed_out = await room.playback.start(BOB, long.id, HOME)
    await room.playback.stop(stopped)
    await room.playback.end_device(BOB.device)
    assert room.playback.leases.why_ended(stopped.token) is LeaseEnd.STOPPED
    assert room.playback.leases.why_ended(signed_out.token) is LeaseEnd.SIGNED_OUT


async def test_51_who_looks_after_the_server_ends_what_plays(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME)
    (held,) = room.playback.leases.all()
    assert held.quality == ""
    await room.playback.segment(lease, "v-180p-200k", "0.m4s")
    assert held.quality == "180p"
    room.clock.now += 61
    assert room.playback.leases.silence(held) == 61
    await room.playback.end(held.name)
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.ENDED_BY_ADMIN
    assert room.media.running == {}
    assert room.events[-1].reason is LeaseEnd.ENDED_BY_ADMIN
    with pytest.raises(NotFound):
        await room.playback.end(held.name)


async def test_a_lease_ends_when_its_session_is_gone_however_that_came_about(room, short):
    gone, goes_on = [await room.playback.start(viewer, short.id, HOME) for viewer in (ALICE, BOB)]
    room.signed_out.add(ALICE.session)
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(gone.token) is LeaseEnd.SIGNED_OUT
    with pytest.raises(AccessRefused):
        await room.playback.segment(gone, "v-144p-160k", "0.m4s")
    assert room.playback.leases.why_ended(goes_on.token) is None


async def test_a_lease_goes_on_with_the_role_that_its_viewer_has_now(room, short):
    """A parental lock asks for the role: an admin who became a viewer watched what the lock is for."""
    admin = replace(ALICE, role=Role.ADMIN)
    lease = await room.playback.start(admin, short.id, HOME)
    room.roles[ALICE.wallet] = Role.VIEWER
    await room.playback.check_leases()
    assert room.licensing.roles == [Role.ADMIN, Role.VIEWER], "a new role is a reason to ask at once"
    await room.playback.check_leases()
    room.clock.now += 55
    await room.playback.check_leases()
    assert room.licensing.roles == [Role.ADMIN, Role.VIEWER, Role.VIEWER]
    assert room.playback.lease(lease.token, ALICE.session, HOME).viewer == ALICE
    room.roles[ALICE.wallet] = Role.PUBLISHER
    room.licensing.verdicts[ALICE.wallet] = Reason.VOTED_DOWN
    await room.playback.check_leases()
    assert room.playback.leases.why_ended(lease.token) is LeaseEnd.RIGHTS_GONE


async def test_what_the_film_has_not_is_not_found(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    for track, name in (
        ("v-9p", "0.m4s"),
        ("v-144p-160k", "6.m4s"),
        ("v-144p-160k", "00.m4s"),
        ("s0", "0.m4s"),
    ):
        with pytest.raises(NotFound):
            await room.playback.segment(lease, track, name)
    for period in (-1, 1):
        with pytest.raises(NotFound):
            await room.playback.key(lease, "v-144p-160k", period)
    with pytest.raises(NotFound):
        await room.playback.subtitles(lease, "s1")
    with pytest.raises(NotFound):
        await room.playback.start(ALICE, FilmId("nothing"), HOME)


async def test_a_file_that_is_no_film_is_refused_at_the_start(tmp_path):
    path = tmp_path / "diary.mp4"
    path.write_text("Dear diary")
    missing = folder_film(tmp_path / "gone.mp4")
    async with transcoding_workspace(tmp_path, folder_film(path), missing) as room:
        with pytest.raises(MediaRefused, match="not a film"):
            await room.playback.start(ALICE, folder_film(path).id, HOME)
        with pytest.raises(MediaRefused, match=r"gone\.mp4 cannot be opened"):
            await room.playback.start(ALICE, missing.id, HOME)


async def test_a_full_store_costs_no_viewer_but_what_is_made_ahead_is_told_so(tmp_path, long):
    async with transcoding_workspace(tmp_path, long, limit=20_000) as room:
        lease = await room.playback.start(ALICE, long.id, HOME)
        for number in (9, 0, 9):
            assert await room.playback.segment(lease, "v-180p-200k", f"{number}.m4s")
        await room.playback.stop(lease)
        with pytest.raises(StoreFull, match="No room"):
            await room.playback.fill(long.id)


async def test_9_only_players_from_elsewhere_are_bounded(tmp_path, short):
    async with transcoding_workspace(tmp_path, short, remote_limits=PlaybackLimits(height=144)) as room:
        tallest = {}
        for address in (HOME, "203.0.113.9"):
            lease = await room.playback.start(ALICE, short.id, address)
            listed = re.findall(r"RESOLUTION=\d+x(\d+)", await room.playback.master(lease))
            tallest[address] = max(map(int, listed))
    assert tallest == {HOME: 180, "203.0.113.9": 144}
