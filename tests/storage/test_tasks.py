"""Background tasks and the look-up of many films, on both databases."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from tests.storage.conftest import upgrade_to
from tests.storage.test_repositories import OTHER, PLAIN, WALLET
from wylloh_server.storage import open_database
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for
from wylloh_server.domain.film import Description, Film, FolderOrigin, film_id_for
from wylloh_server.domain.task import Task, TaskState, TaskSubject

RUNNING = Task("a" * 32, "tagging.tag", "Tag “noir”", WALLET, TaskState.RUNNING, 100.5, 3, 2**53, "Third")
OLDER = Task("b" * 32, "store.sync", "Read prices", None, TaskState.WAITING, 50.0)
ENDED = replace(
    OLDER, id="c" * 32, wallet=OTHER, state=TaskState.DONE, message="Done.", link="/x", finished=60.0
)


async def test_a_task_comes_back_whole(storage):
    arguments = {"films": ["a", "ü"], "values": {"tag": None, "deep": [1, 2.5, True]}}
    await storage.tasks.add(RUNNING, arguments)
    await storage.tasks.add(OLDER, {})
    assert await storage.tasks.get(RUNNING.id) == RUNNING
    assert await storage.tasks.arguments(RUNNING.id) == arguments
    assert await storage.tasks.get("gone") is None
    assert await storage.tasks.arguments("gone") == {}
    assert await storage.tasks.all() == (RUNNING, OLDER)
    assert await storage.tasks.all(WALLET) == (RUNNING,)


async def test_an_older_database_keeps_what_its_tasks_and_requests_read(place):
    connections = Connections(engine_for(place, 10))
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0010")
        await connection.execute(
            text(
                "INSERT INTO tasks (id, kind, title, state, started, done, total, says, link, arguments, attempts, pause)"
                " VALUES ('t', 'k', 'Fetch', 'done', 1, 1, 1, 'It is here.', '', '{}', 0, 0)"
            )
        )
        await connection.execute(
            text(
                "INSERT INTO requests (id, kind, subject, wallet, says, asked, answer, note)"
                " VALUES ('r', 'publisher', :who, :who, 'Let me in.', 1, 'waiting', '')"
            ),
            {"who": WALLET},
        )
    await connections.close()
    async with open_database(place) as database:
        assert (await database.storage.tasks.get("t")).message == "It is here."
        (request,) = await database.storage.requests.waiting()
        assert (request.message, request.files) == ("Let me in.", None)


async def test_an_older_database_keeps_its_revocations(place):
    connections = Connections(engine_for(place, 10))
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0023")
        row = "INSERT INTO binding_revocations (wallet, device_key, issued_at) VALUES (:who, 'ab', 7)"
        await connection.execute(text(row), {"who": WALLET})
    await connections.close()
    async with open_database(place) as database:
        revocations = database.storage.revocations
        assert await revocations.of_wallet(WALLET) == {"ab": 7}
        assert await revocations.count_strangers() == 0, "until somebody looks what is held"


async def test_only_what_has_not_ended_can_change(storage):
    await storage.tasks.add(RUNNING, {"films": ["a"]})
    further = replace(RUNNING, done=4, message="Fourth")
    assert await storage.tasks.save(further)
    assert await storage.tasks.get(RUNNING.id) == further
    assert await storage.tasks.arguments(RUNNING.id) == {"films": ["a"]}
    failed = replace(further, state=TaskState.FAILED, message="No.", finished=120.0)
    assert await storage.tasks.save(failed)
    assert not await storage.tasks.save(replace(failed, state=TaskState.CANCELLED))
    assert not await storage.tasks.save(OLDER)
    assert await storage.tasks.get(RUNNING.id) == failed
    assert await storage.tasks.arguments(RUNNING.id) == {"films": ["a"]}, "it could not be tried again"
    again = replace(failed, state=TaskState.WAITING, attempts=1, finished=None)
    assert await storage.tasks.reopen(again)
    assert not await storage.tasks.reopen(again)
    assert await storage.tasks.begin(RUNNING.id, 0) is None
    begun = await storage.tasks.begin(RUNNING.id, 1)
    assert begun == replace(again, state=TaskState.RUNNING)
    assert await storage.tasks.save(replace(begun, state=TaskState.DONE, finished=130.0))
    assert await storage.tasks.arguments(RUNNING.id) == {}


async def test_of_one_kind_and_subject_one_task_is_unfinished(storage):
    film = TaskSubject("film", "light")
    first = replace(OLDER, kind="pull", subject=film)
    assert await storage.tasks.add(first, {})
    assert not await storage.tasks.add(replace(first, id="d" * 32), {})
    assert await storage.tasks.add(replace(first, id="e" * 32, kind="transcode"), {})
    assert await storage.tasks.add(replace(first, id="f" * 32, subject=TaskSubject("film", "the light")), {})
    assert {task.id[0] for task in await storage.tasks.about(film)} == {"b", "e"}
    failed = replace(first, state=TaskState.FAILED, finished=60.0)
    assert await storage.tasks.save(failed)
    assert await storage.tasks.add(replace(first, id="d" * 32), {})
    assert await storage.tasks.get(first.id) is None, "what the server did before is shown for ever"


async def test_those_that_ended_can_be_cleared_away(storage):
    for task in (RUNNING, OLDER, ENDED, replace(ENDED, id="d" * 32, wallet=WALLET)):
        await storage.tasks.add(task, {})
    assert await storage.tasks.unfinished() == (RUNNING, OLDER)
    await storage.tasks.clear(WALLET)
    assert await storage.tasks.all() == (RUNNING, OLDER, ENDED)
    await storage.tasks.clear()
    assert await storage.tasks.all() == (RUNNING, OLDER)


async def test_many_films_are_found_at_once(storage):
    films = [
        Film(film_id_for(f"file:/{number}"), Description(f"{number}"), FolderOrigin(f"/{number}"))
        for number in range(3)
    ]
    for film in films:
        await storage.films.save(film)
    wanted = [films[2].id, PLAIN.id, films[0].id, *(f"gone{number}" for number in range(1200))]
    found = {film.id: film for film in await storage.films.some(wanted)}
    assert found == {film.id: film for film in (films[0], films[2])}
    assert await storage.films.some([]) == ()
