from __future__ import annotations

import asyncio
import io

import av
import pytest

from tests.components.workroom import ALICE, BOB, HOME, folder_film, workroom
from wylloh_server.domain.access import Reason
from wylloh_server.domain.errors import (
    AccessRefused,
    MediaRefused,
    NotFound,
    PlaybackRefused,
    StorageError,
    StoreFull,
)
from wylloh_server.domain.events import PlaybackEnded, PlaybackStarted
from wylloh_server.domain.playback import LeaseEnd, Position
from wylloh_server.domain.ports.media import PictureOrder, SoundOrder
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
    while len(room.encoder.orders) < 2:
        await asyncio.sleep(0.01)
    assert {type(order) for order in room.encoder.orders} == {PictureOrder, SoundOrder}
    assert not any(order.patient for order in room.encoder.orders)
    assert room.to_fill == [short.id]
    assert [type(event) for event in room.events] == [PlaybackStarted]


async def test_playback_that_goes_on_in_the_middle_begins_to_encode_there(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME, Seconds(51))
    await room.playback.segment(lease, "v-144p-160k", "25.m4s")
    assert [order.first for order in room.encoder.orders] == [25]


async def test_a_seek_far_ahead_and_back_starts_new_runs_and_ends_the_old_ones(room, long):
    lease = await room.playback.start(ALICE, long.id, HOME)
    name = "v-180p-200k"
    await room.playback.segment(lease, name, "0.m4s")
    await room.playback.segment(lease, name, "40.m4s")
    await room.playback.segment(lease, name, "20.m4s")
    firsts = [order.first for order in room.encoder.orders if order.rendition.name == name[2:]]
    assert firsts == [0, 40, 20]
    assert len(room.encoder.running) <= 1
    before = len(room.encoder.orders)
    await room.playback.segment(lease, name, "40.m4s")
    assert len(room.encoder.orders) == before, "what was made before is not made again"


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
    assert all(order.patient for order in room.encoder.orders)
    assert room.encoder.most_at_once == 1
    before = len(room.encoder.orders)
    await room.playback.fill(short.id)
    assert len(room.encoder.orders) == before


async def test_filling_gives_way_to_a_viewer_and_goes_on_after(room, short, long):
    filling = asyncio.create_task(room.playback.fill(long.id))
    while not room.encoder.running:
        await asyncio.sleep(0.01)
    lease = await room.playback.start(ALICE, short.id, HOME)
    await asyncio.gather(
        room.playback.segment(lease, "v-180p-200k", "0.m4s"), room.playback.segment(lease, "a0", "0.m4s")
    )
    assert room.encoder.most_at_once <= 2
    await filling
    tracks = {order.rendition.name for order in room.encoder.orders if isinstance(order, PictureOrder)}
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
    assert room.encoder.most_at_once <= 2


async def test_after_a_crash_a_restart_goes_on_with_what_is_stored(tmp_path, long):
    async with workroom(tmp_path, long) as room:
        lease = await room.playback.start(ALICE, long.id, HOME)
        for number in range(6):
            await room.playback.segment(lease, "v-144p-160k", f"{number}.m4s")
    leftover = next((tmp_path / "segments").glob("*/v-144p-160k")) / "6.m4s.1-2.partial"
    leftover.write_bytes(b"half a segment")
    async with workroom(tmp_path, long) as room:
        await room.playback.fill(long.id)
        first = next(o for o in room.encoder.orders if o.rendition.name == "144p-160k")
        assert first.first > 5
        assert not leftover.exists()


async def test_a_refusal_carries_the_receipt_and_starts_nothing(room, short):
    room.licensing.verdicts[BOB.wallet] = Reason.TOO_FEW_TOKENS
    with pytest.raises(PlaybackRefused) as caught:
        await room.playback.start(BOB, short.id, HOME)
    assert caught.value.receipt.reason is Reason.TOO_FEW_TOKENS
    assert (room.encoder.orders, room.events) == ([], [])


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
    assert room.playback.ended(lease.token) is None, "not asked yet"
    room.clock.now += 5
    await room.playback.check_leases()
    assert room.playback.ended(lease.token) is LeaseEnd.RIGHTS_GONE
    assert room.encoder.running == {}
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
    while not any(order.first == 49 for order in room.encoder.orders):
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


async def test_a_lease_nobody_uses_ends(room, short):
    lease = await room.playback.start(ALICE, short.id, HOME)
    room.clock.now += 500
    await room.playback.master(lease)
    room.clock.now += 500
    await room.playback.check_leases()
    assert room.playback.ended(lease.token) is None
    room.clock.now += 601
    await room.playback.check_leases()
    assert room.playback.ended(lease.token) is LeaseEnd.IDLE


async def test_leases_are_checked_without_being_told_to(tmp_path, short):
    async with workroom(tmp_path, short) as room:
        room.playback._lease_seconds = Seconds(0.1)
        lease = await room.playback.start(ALICE, short.id, HOME)
        async with room.playback.running():
            room.licensing.verdicts[ALICE.wallet] = Reason.TOO_FEW_TOKENS
            room.clock.now += 60
            while room.playback.ended(lease.token) is None:
                await asyncio.sleep(0.01)


async def test_stopping_and_signing_out_end_leases_and_their_runs(room, long):
    stopped = await room.playback.start(ALICE, long.id, HOME)
    await room.playback.segment(stopped, "v-180p-200k", "0.m4s")
    signed_out = await room.playback.start(BOB, long.id, HOME)
    await room.playback.stop(stopped)
    await room.playback.end_device(BOB.device)
    assert room.playback.ended(stopped.token) is LeaseEnd.STOPPED
    assert room.playback.ended(signed_out.token) is LeaseEnd.SIGNED_OUT


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
    async with workroom(tmp_path, folder_film(path), missing) as room:
        with pytest.raises(MediaRefused, match="not a film"):
            await room.playback.start(ALICE, folder_film(path).id, HOME)
        with pytest.raises(MediaRefused, match=r"gone\.mp4 cannot be opened"):
            await room.playback.start(ALICE, missing.id, HOME)


async def test_a_full_store_is_told_to_the_viewer(tmp_path, long):
    async with workroom(tmp_path, long, limit=20_000) as room:
        lease = await room.playback.start(ALICE, long.id, HOME)
        with pytest.raises(StoreFull, match="No room"):
            await room.playback.segment(lease, "v-180p-200k", "9.m4s")
