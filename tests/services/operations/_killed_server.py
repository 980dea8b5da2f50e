"""Lives of a server that runs tasks and is killed again and again. Arguments: folder, seed, number of lives.

Every life is a fork, so that modules are loaded once. The last one is left alone until all tasks have ended.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import dbos  # noqa: F401 - loaded once, before the forks

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.adapters.crypto import TinkFilmCipher
from wylloh_server.adapters.files.upload_files import PIECE, EncryptedUploads
from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.task import TaskSubject
from wylloh_server.domain.title import Title, TitleId, TitleState, Upload, UploadId, UploadKind
from wylloh_server.domain.types import ChainId, Cid, Seconds, TokenReference, parse_wallet
from wylloh_server.domain.task import TaskResult
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.film_tasks import PULL, FilmTasks, FilmWork, download_share
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.operations.task_run import TaskRun
from wylloh_server.services.operations.task_service import TaskKind, TaskService
from wylloh_server.storage import open_database
from wylloh_server.storage.database import Storage

WALLET = parse_wallet("0x" + "a" * 40)
LIVES_EACH = 5
"""After so many lives there is something new to do, so that every kill meets work."""
CONTENT = b"film" * (PIECE // 2)
STEP_SECONDS = 0.03


class Server:
    """The work: a fetch in steps, a real upload, a real encryption, a registration in rows."""

    def __init__(self, folder: Path, storage: Storage) -> None:
        self.folder, self.storage = folder, storage
        self.uploads = EncryptedUploads(folder / "uploads", bytes(32))
        self.jobs, live = DbosEngine(folder / "jobs.sqlite3"), LiveUpdates()
        self.tasks = TaskService(
            tasks=storage.tasks,
            jobs=self.jobs,
            plugins=None,
            bus=EventBus(),
            live=live,
            clock=system_clock,
        )
        self.films = FilmTasks(tasks=self.tasks, films=storage.films, versions=storage.versions, live=live)
        fetch = FilmWork(self.pull, "Here.", download_share(storage.films, storage.versions), fetches=True)
        self.films.register(PULL, fetch, at_once=2, first_pause=Seconds(0.1))
        for kind, work in (("upload", self.upload), ("prepare", self.prepare), ("register", self.register)):
            self.tasks.register(kind, TaskKind(work))

    @contextmanager
    def alone(self, kind: str, number: str) -> Iterator[None]:
        """Note when a task is done twice at once; a lock of the system, which `kill -9` releases."""
        with (self.folder / f"{kind}-{number}.lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                (self.folder / "twice").write_text(f"{kind} {number}")
            yield

    async def pull(self, film_id: str) -> None:
        with self.alone(PULL, film_id):
            film = await self.storage.films.get(film_id)
            for step in range(round(10 * film.progress) + 1, 11):
                await asyncio.sleep(STEP_SECONDS)
                # No gateway has the rest, now and then.
                state = FilmState.WAITING if random.random() < 0.05 else FilmState.PULLING
                await self.storage.films.save(changed(film, state, step / 10))
                if state is FilmState.WAITING:
                    return
            await self.storage.films.save(changed(film, FilmState.READY, 1.0))

    async def upload(self, run: TaskRun) -> TaskResult:
        number = str(run.arguments["number"])
        upload_id = UploadId(number.zfill(32))
        with self.alone("upload", number):
            found = await self.uploads.get(upload_id)
            if found is None:
                found = Upload(upload_id, TitleId(number), UploadKind.FEATURE, "film", len(CONTENT))
                await self.uploads.remove(upload_id)
                await self.uploads.begin(found)
            if not found.whole:
                await self.uploads.append(found, self.pieces(found.received, run))
            whole = await self.uploads.get(upload_id)
            assert await self.uploads.content(whole) == CONTENT
        return TaskResult("Uploaded.")

    async def pieces(self, received: int, run: TaskRun) -> AsyncIterator[bytes]:
        for at in range(received, len(CONTENT), PIECE // 4):
            await asyncio.sleep(STEP_SECONDS)
            run.note(at, len(CONTENT))
            yield CONTENT[at : at + PIECE // 4]

    async def prepare(self, run: TaskRun) -> TaskResult:
        number = str(run.arguments["number"])
        source, target = self.folder / "clear", self.folder / f"sealed-{number}"
        with self.alone("prepare", number):
            await asyncio.sleep(STEP_SECONDS)

            def work() -> None:
                with source.open("rb") as clear, target.open("wb") as sealed:
                    cipher = TinkFilmCipher()
                    cipher.encrypt(clear, sealed, cipher.new_key(), b"", lambda done: time.sleep(0.01))

            await asyncio.to_thread(work)
        return TaskResult("Prepared.")

    async def register(self, run: TaskRun) -> TaskResult:
        number = str(run.arguments["number"])
        with self.alone("register", number):
            for state in (TitleState.PENDING, TitleState.ACTIVE, TitleState.TOKENISED):
                await asyncio.sleep(STEP_SECONDS)
                title = Title(TitleId(number), WALLET, Description("A"), 0.0, 0.0, state)
                await self.storage.titles.save(title)
        return TaskResult("Registered.")

    async def begin(self, life: int) -> None:
        """Start everything that has no task yet, as a person or the server would again after a crash."""
        for number in map(str, range(1 + life // LIVES_EACH)):
            film = first_film(number)
            if await self.storage.films.get(film.id) is None:
                await self.storage.films.save(film)
            if not await self.storage.tasks.about(TaskSubject("film", film.id)):
                await self.films.start_pulls([film])
            for kind in ("upload", "prepare", "register"):
                subject = TaskSubject(kind, number)
                if not await self.storage.tasks.about(subject):
                    await self.tasks.start(kind, kind, {"number": number}, WALLET, subject=subject)


def first_film(number: str) -> Film:
    token = TokenReference(ChainId(1), WALLET, int(number))
    origin = TokenOrigin(token, Cid(f"bafy{number}"), WALLET, "0" * 64)
    return Film(film_id_for(number), Description(f"Film {number}"), origin)


def changed(film: Film, state: FilmState, progress: float) -> Film:
    return Film(film.id, film.description, film.origin, state, progress)


async def live_once(folder: Path, life: int, *, last: bool) -> None:
    async with open_database(folder / "database.sqlite3") as database:
        server = Server(folder, database.storage)
        async with server.tasks.running():
            await server.begin(life)
            while not last or await database.storage.tasks.unfinished() or await server.jobs.unfinished():
                await asyncio.sleep(0.05)
            found = await database.storage.tasks.all()
        rows = [[task.kind, task.state, task.message] for task in found]
        (folder / "result.json").write_text(json.dumps(rows))


def main(folder: Path, seed: int, lives: int) -> None:
    chance = random.Random(seed)
    (folder / "clear").write_bytes(CONTENT)
    for life in range(lives + 1):
        child = os.fork()
        if not child:
            random.seed(seed + life)
            asyncio.run(live_once(folder, life, last=life == lives))
            os._exit(0)
        if life < lives:
            time.sleep(chance.uniform(0.05, 1.1))
            os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    print("ended", os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
