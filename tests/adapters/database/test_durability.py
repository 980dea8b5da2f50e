"""What happens to a database under kill -9, a full disk, other processes and damage."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select

from wylloh_server.adapters.database import open_database
from wylloh_server.adapters.database._tables import metadata
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import SettingsError, StorageError, StoreFull
from wylloh_server.domain.types import Seconds

_WRITER = Path(__file__).with_name("_writer.py")
_spec = importlib.util.spec_from_file_location("_writer", _WRITER)
writer = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(writer)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "wylloh.db"


async def test_kill_9_in_the_middle_of_writing_loses_nothing_that_was_confirmed(file):
    for confirmed_before_killing in (3, 40, 77):
        process = subprocess.Popen([sys.executable, _WRITER, file], stdout=subprocess.PIPE, text=True)
        seen = [int(next(process.stdout)) for _ in range(confirmed_before_killing)]
        process.kill()
        seen += [int(line) for line in process.stdout if line.endswith("\n")]
        process.wait()
        process.stdout.close()
        async with open_database(file) as database:
            tables = database.plugins.tables("pair")
            lefts = {row[0] for row in (await tables.fetch(select(writer.left))).rows}
            rights = {row[0] for row in (await tables.fetch(select(writer.right))).rows}
        assert set(seen) <= lefts
        assert lefts == rights
        with sqlite3.connect(file) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
        file.unlink()


CLAIM = """
import asyncio, sys
from pathlib import Path
from wylloh_server.adapters.database import open_database

async def main(place, wallets):
    async with open_database(place if "://" in place else Path(place)) as database:
        print("ready", flush=True)
        sys.stdin.readline()
        for wallet in wallets:
            if await database.storage.accounts.claim(wallet):
                print(wallet, flush=True)

asyncio.run(main(sys.argv[1], sys.argv[2:]))
"""


async def test_of_two_processes_that_claim_at_once_one_wins(place):
    wallets = [[f"0x{process}{number:039x}" for number in range(10)] for process in range(2)]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIM, str(place), *mine],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for mine in wallets
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [line.strip() for process in processes for line in process.communicate()[0].splitlines()]
    assert len(won) == 1
    async with open_database(place) as database:
        assert await database.storage.accounts.all() == ((won[0], Role.OWNER),)


async def test_two_servers_may_make_the_tables_at_once(place):
    async def once():
        async with open_database(place) as database:
            await database.storage.cursors.put("x", 1)

    await asyncio.gather(once(), once(), once())


async def test_another_program_may_write_in_between(file):
    async with open_database(file) as database:
        await database.storage.cursors.put("ours", 1)
        async with open_database(file) as other:
            await asyncio.gather(
                *(each.storage.cursors.put("shared", 1) for each in (database, other) for _ in range(10))
            )
        assert await database.storage.cursors.get("shared") == 1


async def test_a_database_that_stays_locked_is_a_clear_error_and_heals(file):
    async with open_database(file, busy=Seconds(0.1)) as database:
        other = sqlite3.connect(file)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match="Another program"):
            await database.storage.cursors.put("x", 1)
        other.close()
        await database.storage.cursors.put("x", 2)
        assert await database.storage.cursors.get("x") == 2


FILL = """
import asyncio, sys
from pathlib import Path
from wylloh_server.adapters.database import open_database
from wylloh_server.domain.errors import StoreFull

async def main(folder):
    async with open_database(folder / "wylloh.db") as database:
        cursors, ballast = database.storage.cursors, folder / "ballast"
        await cursors.put("before", 1)
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(4096))
            except OSError:
                pass
        try:
            await cursors.put("x" * 20_000, 2)
        except StoreFull as full:
            print("full:", full, full.fix)
        assert await cursors.get("before") == 1
        ballast.unlink()
        await cursors.put("x" * 20_000, 3)
        print("after:", await cursors.get("x" * 20_000), await cursors.get("before"))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_is_a_clear_error_and_nothing_is_lost(tmp_path):
    mount = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    small = f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && "
    if subprocess.run([*mount, f"{small} true"], capture_output=True, check=False).returncode:
        pytest.skip("cannot be installed: this kernel lets nobody mount a small disk for the test")
    done = subprocess.run(
        [*mount, f'{small} exec "$0" "$@"', sys.executable, "-c", FILL, tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("full: There is no room left")
    assert done.stdout.endswith("after: 3 1\n")


async def test_a_writer_that_is_cancelled_leaves_no_lock_behind(database):
    cursors = database.storage.cursors
    for pause in range(30):
        task = asyncio.create_task(cursors.put("x", pause))
        for _ in range(pause):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
    await asyncio.gather(*(cursors.put(f"after {number}", number) for number in range(10)))
    assert await cursors.get("after 9") == 9


async def test_sqlite_is_set_up_for_safety(file):
    async with open_database(file) as database:
        async with database.storage.cursors._connections.reading() as connection:
            settings = {
                name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
    assert settings == {"journal_mode": "delete", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_the_migrations_make_the_tables_that_the_code_knows(place):
    async with open_database(place) as database:
        async with database.storage.cursors._connections.reading() as connection:
            different = await connection.run_sync(
                lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
            )
    assert different == []


async def test_what_was_stored_is_there_after_reopening(place):
    async with open_database(place) as database:
        await database.storage.cursors.put("x", 7)
    async with open_database(place) as database:
        assert await database.storage.cursors.get("x") == 7


async def test_a_newer_database_is_refused_and_left_alone(file):
    async with open_database(file):
        pass
    connection = sqlite3.connect(file)
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="newer version"):
        async with open_database(file):
            pass
    assert file.read_bytes() == before


async def test_a_file_that_is_no_database_is_refused_and_left_alone(file):
    file.write_bytes(b"These are my notes. " * 100)
    with pytest.raises(StorageError, match="no database"):
        async with open_database(file):
            pass
    assert file.read_bytes() == b"These are my notes. " * 100


async def test_a_missing_folder_is_a_clear_error(tmp_path):
    with pytest.raises(StorageError, match="No such file") as refused:
        async with open_database(tmp_path / "missing" / "wylloh.db"):
            pass
    assert refused.value.fix


@pytest.mark.parametrize("url", ["mysql://secret@host/x", "no url", "sqlite://", "sqlite:///:memory:"])
async def test_other_databases_are_refused_without_repeating_a_password(url):
    with pytest.raises(SettingsError) as refused:
        async with open_database(url):
            pass
    assert "secret" not in str(refused.value)


async def test_a_url_names_the_same_file_as_a_path(file):
    async with open_database(f"sqlite:///{file}") as database:
        await database.storage.cursors.put("x", 1)
    async with open_database(file) as database:
        assert await database.storage.cursors.get("x") == 1


async def test_a_folder_with_odd_characters_works(tmp_path):
    folder = tmp_path / "my films? 100% #1 ümlaut"
    folder.mkdir()
    async with open_database(folder / "wylloh.db") as database:
        await database.storage.cursors.put("x", 1)
    assert os.listdir(folder) == ["wylloh.db"]


async def test_a_database_server_that_is_away_is_a_clear_error():
    with pytest.raises(StorageError, match="cannot be reached"):
        async with open_database("postgresql://nobody@127.0.0.1:1/none"):
            pass
