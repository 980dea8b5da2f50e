"""What happens to a database under kill -9, a full disk, other processes and damage."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, inspect, make_url, select, text

from tests.storage.conftest import upgrade_to
from wylloh_server.storage import open_database
from wylloh_server.storage.accounts import Account
from wylloh_server.storage.alembic_upgrade import upgrade
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.database_copy import _connection_variables
from wylloh_server.storage.engine import engine_for
from wylloh_server.storage.migrate import newest_migration
from wylloh_server.storage.tables import metadata
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
    for confirmed_before_killing, writers in ((3, 1), (40, 1), (77, 30), (500, 30)):
        command = [sys.executable, _WRITER, file, str(writers)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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
from wylloh_server.storage import open_database
from wylloh_server.storage.alembic_upgrade import upgrade
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.database_copy import _connection_variables
from wylloh_server.storage.engine import engine_for

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
        (account,) = await database.storage.accounts.all()
        assert (account.wallet, account.role) == (won[0], Role.OWNER)


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
from wylloh_server.storage import open_database
from wylloh_server.storage.alembic_upgrade import upgrade
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.database_copy import _connection_variables
from wylloh_server.storage.engine import engine_for
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


@pytest.fixture
async def upgraded(place):
    """A database that has had every migration, one after the other."""
    connections = Connections(engine_for(place, 10))
    async with connections.writing() as connection:
        await connection.run_sync(upgrade)
    yield connections
    await connections.close()


async def test_the_migrations_make_the_tables_that_the_code_knows(upgraded):
    async with upgraded.reading() as connection:
        different = await connection.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync), metadata)
        )
    assert different == []


async def test_a_new_database_is_like_one_that_had_every_migration(upgraded, new_place):
    async with upgraded.reading() as connection:
        migrated = await connection.run_sync(described)
    async with open_database(new_place) as database:
        async with database.storage.cursors._connections.reading() as connection:
            assert await connection.run_sync(described) == migrated


def described(connection):
    """Everything about a database's tables, and its rows."""
    inspector, schema = inspect(connection), MetaData()
    schema.reflect(connection)
    return {
        name: (
            {
                column["name"]: (str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            },
            inspector.get_pk_constraint(name)["constrained_columns"],
            {
                index["name"]: index_sql(index)
                for index in inspector.get_indexes(name)
                if "duplicates_constraint" not in index
            },
            sorted(sorted(unique["column_names"]) for unique in inspector.get_unique_constraints(name)),
            inspector.get_foreign_keys(name),
            [row._mapping for row in connection.execute(select(table))],
        )
        for name, table in schema.tables.items()
    }


def index_sql(index):
    conditions = {name: str(condition) for name, condition in index.get("dialect_options", {}).items()}
    return index["column_names"], bool(index["unique"]), conditions


async def test_an_up_to_date_database_is_opened_without_a_write(file):
    async with open_database(file):
        pass
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")  # whoever wants to write now has to wait
        async with open_database(file, busy=0.1) as database:
            assert await database.storage.cursors.get("x") is None
    other.close()


async def test_an_upgrade_that_fails_half_way_leaves_the_old_database_usable(place):
    """The third of four migrations meets a row that it cannot read."""
    rows = await older(place, "0008", description="{}")
    with pytest.raises(
        StorageError, match="could not be brought up to date: KeyError.*It is as it was"
    ) as failed:
        async with open_database(place):
            pass
    assert failed.value.fix
    connections = Connections(engine_for(place, 10))
    async with connections.reading() as connection:
        version = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        assert version == "0008", "the version before opens it"
        assert (await connection.execute(text("SELECT * FROM films"))).all() == rows
    await connections.close()


async def test_an_upgrade_keeps_a_copy_that_the_version_before_opens(file):
    await older(file, "0008", description='{"title": "Old"}')
    (file.parent / f"{file.name}.before-0007").write_bytes(b"an older copy")
    before = described_file(file)
    async with open_database(file):
        pass
    (copy,) = file.parent.glob("*.before-*")
    assert copy.name == f"{file.name}.before-{newest_migration()}"
    assert (copy.stat().st_mode & 0o077, described_file(copy)) == (0, before)
    assert described_file(file) != before
    copied = copy.stat().st_mtime_ns
    async with open_database(file):
        pass
    assert copy.stat().st_mtime_ns == copied, "one that is up to date is not copied again"


async def test_servers_and_commands_that_open_an_older_database_at_once_keep_one_whole_copy(file):
    await older(file, "0008", description='{"title": "Old"}')
    before = described_file(file)

    async def opened():
        async with open_database(file) as database:
            return sum((await database.storage.films.count_by_state()).values())

    assert await asyncio.gather(*(opened() for _ in range(4))) == [1] * 4
    (copy,) = file.parent.glob("*.before-*")
    assert described_file(copy) == before


async def test_without_room_for_the_copy_nothing_is_upgraded(file):
    await older(file, "0008", description='{"title": "Old"}')
    before = described_file(file)
    (file.parent / f"{file.name}.before-{newest_migration()}").mkdir()
    with pytest.raises(StorageError, match="could not be copied before") as refused:
        async with open_database(file):
            pass
    assert "room" in refused.value.fix
    assert described_file(file) == before


async def test_51_accounts_of_an_older_database_come_through_without_a_name(place):
    wallet, connections = f"0x{'a' * 40}", Connections(engine_for(place, 10))
    account = text("INSERT INTO accounts (wallet, role, since, self_admitted) VALUES (:w, 'owner', 7, false)")
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, "0023")
        await connection.execute(account, {"w": wallet})
    await connections.close()
    async with open_database(place) as database:
        assert await database.storage.accounts.all() == (Account(wallet, Role.OWNER, 7.0, ""),)
        await database.storage.accounts.rename(wallet, "Ada")
        assert await database.storage.accounts.names() == {wallet: "Ada"}


async def older(place, revision, *, description):
    """Make a database as an older version had it, with one film; gives the film's row."""
    connections = Connections(engine_for(place, 10))
    film = """INSERT INTO films (id, path, description, state, progress, reason)
        VALUES ('f', '/f.mp4', :description, 'ready', 1, '')"""
    async with connections.writing() as connection:
        await connection.run_sync(upgrade_to, revision)
        await connection.execute(text(film), {"description": description})
        rows = (await connection.execute(text("SELECT * FROM films"))).all()
    await connections.close()
    return rows


def described_file(file):
    with closing(sqlite3.connect(file)) as database:
        return list(database.iterdump())


async def test_tables_of_somebody_else_are_left_alone(file):
    with sqlite3.connect(file) as other:
        other.execute("CREATE TABLE films (mine TEXT)")
    other.close()
    before = file.read_bytes()
    with pytest.raises(StorageError, match="films"):
        async with open_database(file):
            pass
    assert file.read_bytes() == before


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


def test_postgresqls_programs_connect_as_the_server_does(monkeypatch):
    monkeypatch.setattr(os, "environ", {"PGSSLROOTCERT": "/ca.pem", "HOME": "/h", "WYLLOH_PASSPHRASE": "x"})
    url = make_url("postgresql://w:p%40ss@/films?host=/run/postgresql&port=5433&ssl=verify-full")
    assert _connection_variables(url) == {
        "PGSSLROOTCERT": "/ca.pem",
        "HOME": "/h",
        "PGHOST": "/run/postgresql",
        "PGPORT": "5433",
        "PGUSER": "w",
        "PGPASSWORD": "p@ss",
        "PGDATABASE": "films",
        "PGSSLMODE": "verify-full",
    }
