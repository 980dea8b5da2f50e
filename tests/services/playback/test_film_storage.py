"""What films take on the disk, over real packages and a real segment store; and what removing it leaves."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.services.packing import published
from wylloh_server.adapters.files.segment_files import DiskSegmentStore
from wylloh_server.domain.access import Role, Viewer
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, film_id_for
from wylloh_server.domain.task import Task, TaskState, TaskSubject
from wylloh_server.domain.types import parse_wallet
from wylloh_server.services.operations.film_tasks import PULL, TRANSCODE
from wylloh_server.services.playback.film_storage import FilmStorage
from wylloh_server.services.playback.leases import Leases

VIEWER = Viewer("s", "d", parse_wallet("0x" + "a" * 40), Role.VIEWER)
OWN = Film(film_id_for("file:/own.mp4"), Description("Own"), FolderOrigin("/own.mp4", 5_000), FilmState.READY)


def storage_of(server, folder):
    return FilmStorage(
        films=server.storage.films,
        versions=server.storage.versions,
        packages=server.packages,
        retention=server.retention,
        segments=DiskSegmentStore(folder / "segments", limit=1 << 20),
        leases=Leases(server.clock),
        tasks=server.storage.tasks,
        keeps_key=server.film_keys.keeps,
        disk=lambda: (100, 40),
    )


@pytest.fixture
async def kept(publisher, holder, tmp_path):
    """A holder's server with a film from the network, prepared in part, and one of its owner's own."""
    packed = await published(publisher, size=200_000)
    await holder.follow_chain()
    await holder.puller.pull(packed.film_id)
    await holder.storage.films.save(OWN)
    kept = storage_of(holder, tmp_path)
    for name in (f"{packed.film_id}-abc", packed.film_id, f"{OWN.id}-def", "goneaway-123"):
        await kept.segments.put(name, "v", "0.m4s", bytes(1000))
    return SimpleNamespace(
        kept=kept, film=packed.film_id, root=packed.root, token=packed.token, key=packed.key
    )


def running(kind, film):
    return Task(
        f"{kind}-{film}", kind, f"{kind} it", None, TaskState.RUNNING, 1.0, subject=TaskSubject("film", film)
    )


async def test_51_what_each_film_takes_is_told_the_largest_first(kept):
    used = await kept.kept.usage()
    gated, own, gone = sorted(used, key=lambda one: (one.film is None, one.file))
    assert [one.id for one in used] == [kept.film, OWN.id, "goneaway"]
    assert 200_000 < gated.package < 300_000 and (gated.prepared, gated.others, gated.file) == (2000, 0, 0)
    assert (own.package, own.prepared, own.file, own.total) == (0, 1000, 5_000, 1000)
    assert (gone.film, gone.prepared) == (None, 1000)
    assert await kept.kept.space() == (100, 40)


async def test_51_what_is_prepared_is_removed_of_one_film_alone(kept):
    for film, freed in ((kept.film, 2000), ("goneaway", 1000), ("goneaway", 0)):
        assert await kept.kept.remove_prepared(film) == freed
    assert list(await kept.kept.segments.sizes()) == [f"{OWN.id}-def"]


async def test_51_a_copy_is_removed_not_fetched_by_itself_and_fetched_again_on_demand(kept, holder):
    freed = await kept.kept.remove_package(kept.film)
    assert freed > 200_000
    film = await holder.storage.films.get(kept.film)
    assert (film.state, film.progress, "make room" in film.reason) == (FilmState.STOPPED, 0.0, True)
    assert await holder.packages.stored_bytes([kept.root]) == 0
    assert kept.film not in {one.id for one in await kept.kept.usage() if one.package}
    await holder.starter(everything=True).start()
    assert holder.tasks.started == []
    await kept.kept.fetch_again(kept.film)
    await holder.starter(everything=True).start()
    assert holder.tasks.started == [(PULL, kept.film)]
    await holder.puller.pull(kept.film)
    assert (await holder.storage.films.get(kept.film)).state is FilmState.READY
    with pytest.raises(InvalidValue, match="not stopped"):
        await kept.kept.fetch_again(kept.film)


async def test_51_nothing_is_removed_of_a_film_that_is_played_or_worked_on(kept, holder):
    film = await holder.storage.films.get(kept.film)
    held = kept.kept.leases.grant(VIEWER, SimpleNamespace(film=film), None, "", None)
    assert [one.id for one in await kept.kept.usage() if one.playing] == [kept.film]
    for remove in (kept.kept.remove_prepared, kept.kept.remove_package):
        with pytest.raises(InvalidValue, match="watches this film now") as refused:
            await remove(kept.film)
        assert refused.value.fix
    kept.kept.leases.end(held, "stopped")
    for kind in (PULL, TRANSCODE):
        await holder.storage.tasks.add(running(kind, kept.film), {})
    with pytest.raises(InvalidValue, match="being made ready"):
        await kept.kept.remove_prepared(kept.film)
    with pytest.raises(InvalidValue, match="being fetched"):
        await kept.kept.remove_package(kept.film)
    assert await holder.packages.complete(kept.root)
    assert sum((await kept.kept.segments.sizes()).values()) == 4000


async def test_51_a_copy_that_others_need_stays(kept, holder, publisher, tmp_path):
    """That of the server which published it; and one that another film here has too."""
    await publisher.film_keys.keep_as_custodian(kept.token, kept.key)
    assert any(one.published for one in await storage_of(publisher, tmp_path).usage())
    assert not any(one.published for one in await kept.kept.usage())
    with pytest.raises(InvalidValue, match="published here.* from nobody, unless others pinned it"):
        await storage_of(publisher, tmp_path).remove_package(kept.film)
    film = await holder.storage.films.get(kept.film)
    twin = replace(film.origin, token=replace(kept.token, token_id=99))
    await holder.storage.films.save(replace(film, id="twin", origin=twin))
    with pytest.raises(InvalidValue, match="Another film"):
        await kept.kept.remove_package(kept.film)
    assert (await holder.storage.films.get(kept.film)).state is FilmState.READY
    for film in (OWN.id, "nobody"):
        with pytest.raises(NotFound):
            await kept.kept.remove_package(film)
