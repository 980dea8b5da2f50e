"""A backup that is whole or not there, and a restore onto an empty folder after which the films open."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sqlite3
import stat
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import scrypt

import asyncpg
import pytest

from tests.adapters.crypto.test_streaming_aead import reference_implementation
from tests.components.postgres import postgres
from wylloh_server.adapters.crypto import TinkFilmCipher, load_server_keys, open_key_store
from wylloh_server.adapters.crypto import sealed_file
from wylloh_server.adapters.crypto.backup_record import backup_status
from wylloh_server.adapters.crypto.sealed_file import seal_file, unseal_file
from wylloh_server.app import backup_archive, backup_contents
from wylloh_server.app.backup_archive import create_backup, restore_backup
from wylloh_server.config import Settings
from wylloh_server.domain.access import DeviceKind, Role, Session
from wylloh_server.domain.errors import InvalidValue, NotFound, SealBroken, SettingsError, StorageError
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, TokenOrigin
from wylloh_server.domain.types import (
    ChainId,
    Cid,
    DeviceId,
    FilmId,
    SessionId,
    Timestamp,
    TokenReference,
    parse_wallet,
)
from wylloh_server.passphrase import take_passphrase
from wylloh_server.services.licensing.film_keys import FilmKeys
from wylloh_server.services.operations.health import check_backup, run_checks
from wylloh_server.storage import open_database

WORDS = "correct horse battery staple"
OWNER = parse_wallet("0x" + "aa" * 20)
TOKEN = TokenReference(ChainId(31337), parse_wallet("0x" + "9a" * 20), 7)
ORIGIN = TokenOrigin(TOKEN, Cid("bafy"), OWNER, "0" * 64)
BOUGHT = Film(FilmId("b" * 16), Description("Bought"), ORIGIN, FilmState.READY, 1.0)
OWN = Film(FilmId("o" * 16), Description("Own"), FolderOrigin("/own.mp4"), FilmState.READY, 1.0)
FILM = b"this is the film in the clear " * 50_000


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Guessing costs half a second of processor; what is tested here does not depend on it."""
    monkeypatch.setattr(sealed_file, "_SCRYPT_COST", 1 << 10)


@pytest.fixture(autouse=True)
def nothing_taken(monkeypatch):
    """Each test gives the key store's passphrase by its own means, or none."""
    for name in ("WYLLOH_PASSPHRASE", "WYLLOH_PASSPHRASE_FILE", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    take_passphrase.cache_clear()
    yield
    take_passphrase.cache_clear()


def give_passphrase(monkeypatch, folder, source, words):
    """Give a passphrase to whatever opens the key store next, as an operator would."""
    take_passphrase.cache_clear()
    if source == "variable":
        monkeypatch.setenv("WYLLOH_PASSPHRASE", words)
        return
    (folder / "wylloh-passphrase").write_text(words + "\n")
    if source == "file":
        monkeypatch.setenv("WYLLOH_PASSPHRASE_FILE", str(folder / "wylloh-passphrase"))
    else:
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))


def settings_of(folder, url=""):
    return Settings(server={"data": folder}, database={"url": url})


@pytest.fixture
async def source(tmp_path):
    """A server with an owner, its own keys and a film it published; gives its settings and the film's ciphertext."""
    settings = settings_of(tmp_path / "data")
    return settings, await filled(settings)


async def filled(settings):
    settings.server.data.mkdir(mode=0o700)
    store = await open_key_store(settings.server.data / "keys", take_passphrase())
    await load_server_keys(store)
    key = await FilmKeys(store).keep_as_custodian(TOKEN, TinkFilmCipher().new_key())
    sealed = io.BytesIO()
    TinkFilmCipher().encrypt(io.BytesIO(FILM), sealed, key, b"bound")
    async with open_database(settings.database_url) as database:
        await database.storage.accounts.claim(OWNER)
        await database.storage.voting_plugins.replace({"lock"})
        now = Timestamp(1000.0)
        browser = Session(SessionId("s" * 64), DeviceId("d" * 16), OWNER, DeviceKind.BROWSER, "x", now, now)
        assert await database.storage.sessions.add(browser)
        for film in (BOUGHT, OWN):
            await database.storage.films.save(film)
    return sealed.getvalue()


class Bytes:
    """`RandomAccess` over bytes."""

    def __init__(self, data):
        self.data, self.size = data, len(data)

    async def read(self, offset, length):
        return self.data[offset : offset + length]

    async def close(self):
        pass


async def plays(settings, sealed):
    """Open the film with the key of a data folder, and find the owner in its database."""
    store = await open_key_store(settings.server.data / "keys", take_passphrase())
    key = await FilmKeys(store).in_custody(TOKEN)
    opened = TinkFilmCipher().open(Bytes(sealed), key, b"bound")
    assert await opened.read(0, opened.size) == FILM
    async with open_database(settings.database_url) as database:
        assert await database.storage.accounts.role(OWNER) is Role.OWNER
        assert await database.storage.voting_plugins.all() == {"lock"}, "a lock stays one"
        assert not await database.storage.sessions.of_wallet(OWNER), "signed out since, perhaps"
        assert await database.storage.films.get(OWN.id) == OWN
        gone = replace(BOUGHT, state=FilmState.DISCOVERED, progress=0.0)
        assert await database.storage.films.get(BOUGHT.id) == gone, "its blocks are in no backup"


async def told(settings):
    async def check():
        return await check_backup(lambda: backup_status(settings.server.data))

    (answer,) = await run_checks({"Backup": check})
    return answer


@asynccontextmanager
async def somebody_writing(settings):
    """Write into the database all the time, as a running server does."""

    async def write():
        async with open_database(settings.database_url) as database:
            for number in range(10_000):
                await database.storage.cursors.put("busy", number)

    task = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("given", [None, "variable", "file", "credential"])
async def test_what_was_restored_onto_an_empty_folder_plays(tmp_path, monkeypatch, given):
    if given:
        give_passphrase(monkeypatch, tmp_path, given, "of the key store")
    passphrase = take_passphrase()
    settings, file = settings_of(tmp_path / "data"), tmp_path / "safe" / "one.backup"
    sealed = await filled(settings)
    file.parent.mkdir()
    before = await load_server_keys(await open_key_store(settings.server.data / "keys", passphrase))
    async with somebody_writing(settings):
        summary = await asyncio.to_thread(create_backup, settings, file, WORDS)
    assert summary.unreadable == ()
    assert os.listdir(file.parent) == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not list(settings.server.data.glob(".backup-*"))
    content = file.read_bytes()
    assert OWNER.encode() not in content
    assert b"custody" not in content

    elsewhere = settings_of(tmp_path / "new")
    shutil.rmtree(settings.server.data)
    assert await asyncio.to_thread(restore_backup, elsewhere, file, WORDS, check_only=True) == summary
    assert not elsewhere.server.data.exists()
    assert await asyncio.to_thread(restore_backup, elsewhere, file, WORDS) == summary
    await plays(elsewhere, sealed)
    after = await load_server_keys(await open_key_store(elsewhere.server.data / "keys", passphrase))
    assert (after.device_public, after.custodian_public) == (before.device_public, before.custodian_public)
    assert stat.S_IMODE((elsewhere.server.data / "wylloh.sqlite3").stat().st_mode) == 0o600
    assert (await told(elsewhere)).ok
    left = {path.name for path in elsewhere.server.data.iterdir()}
    assert left == {"backup.json", "keys", "server.lock", "wylloh.sqlite3"}
    if given:
        give_passphrase(monkeypatch, tmp_path, given, "another")
        with pytest.raises(SealBroken, match="another passphrase"):
            restore_backup(settings_of(tmp_path / "third"), file, WORDS)


async def test_the_owner_is_told_until_every_film_key_is_in_a_backup(source, tmp_path):
    settings, _ = source
    assert (await told(settings_of(tmp_path / "nothing"))).sentence == "No film keys yet."
    first = await told(settings)
    assert (first.ok, first.sentence[:25]) == (False, "No backup of 1 film key. ")
    assert "wylloh backup" in first.fix
    create_backup(settings, tmp_path / "one.backup", WORDS)
    assert (await told(settings)).ok
    store = await open_key_store(settings.server.data / "keys")
    await FilmKeys(store).keep_as_custodian(TokenReference(ChainId(1), OWNER, 2), TinkFilmCipher().new_key())
    newer = await told(settings)
    assert (newer.ok, newer.sentence[:35]) == (False, "1 film key came after the last back")
    create_backup(settings, tmp_path / "two.backup", WORDS)
    assert (await told(settings)).ok


async def test_a_backup_is_never_replaced_and_never_half(source, tmp_path, monkeypatch):
    settings, _ = source
    file = tmp_path / "safe" / "one.backup"
    file.parent.mkdir()
    file.write_text("mine")
    with pytest.raises(InvalidValue, match="there already"):
        create_backup(settings, file, WORDS)
    assert file.read_text() == "mine"
    file.unlink()
    with pytest.raises(InvalidValue, match="12 characters"):
        create_backup(settings, file, "short")
    with pytest.raises(NotFound):
        create_backup(settings_of(tmp_path / "nothing"), file, WORDS)

    def full(source, target, passphrase):
        target.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(backup_contents, "seal_file", full)
    with pytest.raises(OSError, match="No space"):
        create_backup(settings, file, WORDS)
    monkeypatch.setattr(
        backup_contents,
        "seal_file",
        lambda source, target, passphrase: seal_file(io.BytesIO(b"something else"), target, passphrase),
    )
    with pytest.raises(SealBroken, match="reads differently"):
        create_backup(settings, file, WORDS)
    assert os.listdir(file.parent) == []
    assert (await told(settings)).ok is False, "a backup that failed does not count"


async def test_a_damaged_key_is_named_and_keeps_no_other_from_being_backed_up(source, tmp_path):
    settings, sealed = source
    store = await open_key_store(settings.server.data / "keys")
    await store.put("film:damaged", b"k" * 32)
    path = store._path("film:damaged")
    path.write_text(path.read_text().replace('"sealed": "', '"sealed": "AA'))
    summary = create_backup(settings, tmp_path / "one.backup", WORDS)
    assert summary.unreadable == ("film:damaged",)
    restore_backup(settings_of(tmp_path / "new"), tmp_path / "one.backup", WORDS)
    await plays(settings_of(tmp_path / "new"), sealed)


async def test_a_key_file_cut_short_keeps_no_other_from_being_backed_up_and_counts_as_missing(
    source, tmp_path
):
    settings, sealed = source
    keys = settings.server.data / "keys"
    first = min(path for path in keys.glob("*.json"))
    store = await open_key_store(keys)
    await store.put("film:cut", b"k" * 32)
    for path in {store._path("film:cut"), first}:
        path.write_bytes(path.read_bytes()[:9])
    summary = create_backup(settings, tmp_path / "one.backup", WORDS)
    assert summary.unreadable == tuple(sorted({store._path("film:cut").name, first.name}))
    said = await told(settings)
    assert (said.ok, said.sentence[:46]) == (False, "2 entries of the key store did not open at the")
    assert "older backup" in said.fix
    target = settings_of(tmp_path / "new")
    restore_backup(target, tmp_path / "one.backup", WORDS)
    assert await (await open_key_store(target.server.data / "keys")).names()


async def test_a_database_elsewhere_comes_back_to_where_the_settings_name_it(tmp_path):
    (tmp_path / "here").mkdir()
    before = settings_of(tmp_path / "data", f"sqlite:///{tmp_path}/here/own name.db")
    sealed = await filled(before)
    create_backup(before, tmp_path / "one.backup", WORDS)
    after = settings_of(tmp_path / "new", f"sqlite:///{tmp_path}/there/own name.db")
    with pytest.raises(SettingsError, match="there, is not there"):
        restore_backup(after, tmp_path / "one.backup", WORDS)
    file = tmp_path / "there" / "own name.db"
    file.parent.mkdir()
    for taken in (file, file.with_name(f"{file.name}-journal")):
        taken.write_bytes(b"mine")
        with pytest.raises(SettingsError, match="is there already"):
            restore_backup(after, tmp_path / "one.backup", WORDS)
        assert taken.read_bytes() == b"mine"
        assert not (tmp_path / "new").exists()
        taken.unlink()
    restore_backup(after, tmp_path / "one.backup", WORDS)
    await plays(after, sealed)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (tmp_path / "new" / "wylloh.sqlite3").exists()
    assert os.listdir(file.parent) == [file.name]


def killed_in(monkeypatch, module, step, work):
    """Do some work in a process that ends at a step of it as by kill -9."""
    with monkeypatch.context() as deadly:
        deadly.setattr(module, step, lambda *_: os._exit(9))
        child = os.fork()
        if not child:
            work()
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


async def test_what_a_killed_backup_or_restore_left_is_deleted_by_the_next(source, tmp_path, monkeypatch):
    settings, sealed = source
    safe, target = tmp_path / "safe", settings_of(tmp_path / "new")
    safe.mkdir()
    (safe / ".wylloh-backup-of-another-server").write_text("theirs")
    file = safe / "one.backup"
    killed_in(monkeypatch, backup_contents, "seal_file", lambda: create_backup(settings, file, WORDS))
    assert list(settings.server.data.glob(".backup-*"))
    assert len(os.listdir(safe)) == 2
    create_backup(settings, file, WORDS)
    assert not list(settings.server.data.glob(".backup-*"))
    assert set(os.listdir(safe)) == {".wylloh-backup-of-another-server", "one.backup"}
    killed_in(monkeypatch, backup_archive, "check_copy", lambda: restore_backup(target, file, WORDS))
    (left,) = target.server.data.glob(".restore-*")
    assert {path.name for path in left.rglob("*")} == {"wylloh.sqlite3"}, "no key is unsealed to a disk"
    restore_backup(target, file, WORDS)
    assert not list(target.server.data.glob(".restore-*"))
    await plays(target, sealed)


async def test_a_file_that_came_meanwhile_is_not_replaced_also_where_there_are_no_links(
    source, tmp_path, monkeypatch
):
    settings, _ = source
    file = tmp_path / "one.backup"

    def no_links(written, target):
        raise PermissionError("Operation not permitted")

    def meanwhile(contents, sealed, words):
        write_sealed(contents, sealed, words)
        file.write_text("mine")

    write_sealed = backup_archive.write_sealed
    for link in (os.link, no_links):
        monkeypatch.setattr(os, "link", link)
        monkeypatch.setattr(backup_archive, "write_sealed", meanwhile)
        with pytest.raises(InvalidValue, match="there already"):
            create_backup(settings, file, WORDS)
        assert file.read_text() == "mine"
        file.unlink()
        monkeypatch.setattr(backup_archive, "write_sealed", write_sealed)
        create_backup(settings, file, WORDS)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        restore_backup(settings_of(tmp_path / "new"), file, WORDS, check_only=True)
        file.unlink()


async def test_two_backups_at_once_do_not_delete_each_others_drafts(source, tmp_path, monkeypatch):
    settings, _ = source
    write_sealed = backup_archive.write_sealed

    def second_one(contents, sealed, words):
        with pytest.raises(SettingsError, match="another backup"):
            create_backup(settings, tmp_path / "two.backup", WORDS)
        write_sealed(contents, sealed, words)

    monkeypatch.setattr(backup_archive, "write_sealed", second_one)
    create_backup(settings, tmp_path / "one.backup", WORDS)


async def test_nothing_is_restored_over_something_or_from_a_broken_file(source, tmp_path):
    settings, _ = source
    file, target = tmp_path / "one.backup", settings_of(tmp_path / "new")
    create_backup(settings, file, WORDS)
    with pytest.raises(SettingsError, match="not empty"):
        restore_backup(settings, file, WORDS)
    whole = file.read_bytes()
    for words, content, kind in (
        ("another passphrase", whole, SealBroken),
        (WORDS, whole[:-1], SealBroken),
        (WORDS, whole[: len(whole) // 2], SealBroken),
        (WORDS, whole[:20] + bytes([whole[20] ^ 1]) + whole[21:], SealBroken),
        (WORDS, b"no backup at all", InvalidValue),
        (WORDS, b"", InvalidValue),
    ):
        file.write_bytes(content)
        with pytest.raises(kind):
            restore_backup(target, file, words)
        assert os.listdir(target.server.data) == ["server.lock"]
    file.write_bytes(whole)
    restore_backup(target, file, WORDS)


async def test_what_is_inside_is_checked_before_it_is_put_in_place(source, tmp_path, monkeypatch):
    """A backup of a disk that lied, or of a newer server."""
    settings, _ = source
    file, target = tmp_path / "one.backup", settings_of(tmp_path / "new")
    create_backup(settings, file, WORDS)
    with monkeypatch.context() as newer:
        newer.setattr(backup_contents, "BACKUP_FORMAT", "wylloh-backup-2")
        with pytest.raises(InvalidValue, match="unknown here"):
            restore_backup(target, file, WORDS)
    for name, spoil in (
        ("three", "UPDATE alembic_version SET version_num = '9999'"),
        ("four", "DROP TABLE alembic_version"),
    ):
        with sqlite3.connect(settings.server.data / "wylloh.sqlite3") as database:
            database.execute(spoil)
        with monkeypatch.context() as careless:
            careless.setattr(backup_archive, "check_copy", lambda copy: None)
            create_backup(settings, tmp_path / f"{name}.backup", WORDS)
        with pytest.raises(StorageError):
            restore_backup(target, tmp_path / f"{name}.backup", WORDS)
    assert os.listdir(target.server.data) == ["server.lock"]


async def test_postgresql_is_backed_up_by_its_own_programs(tmp_path, monkeypatch):
    with postgres(tls=True) as url:
        settings, file = settings_of(tmp_path / "data", url), tmp_path / "one.backup"
        sealed = await filled(settings)
        await asyncio.to_thread(create_backup, settings, file, WORDS)
        with pytest.raises(SettingsError, match="not for the database"):
            restore_backup(settings_of(tmp_path / "new"), file, WORDS)
        again = settings_of(tmp_path / "new", url)
        with pytest.raises(StorageError, match="not empty"):
            await asyncio.to_thread(restore_backup, again, file, WORDS)
        assert os.listdir(again.server.data) == ["server.lock"]
        connection = await asyncpg.connect(url)
        await connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        await connection.close()
        await asyncio.to_thread(restore_backup, again, file, WORDS)
        await plays(again, sealed)
        monkeypatch.setenv("PATH", "")
        with pytest.raises(StorageError, match="pg_dump is not here") as missing:
            create_backup(settings, tmp_path / "two.backup", WORDS)
        assert "client programs" in missing.value.fix


def test_the_seal_is_tinks(tmp_path, monkeypatch):
    """Tink itself opens what is behind the first 32 bytes, with the key that scrypt derives."""
    monkeypatch.undo()
    file = tmp_path / "sealed"
    with file.open("wb") as target:
        seal_file(io.BytesIO(FILM), target, WORDS)
    head, body = file.read_bytes()[:32], file.read_bytes()[32:]
    key = scrypt(WORDS.encode(), salt=head[16:], n=1 << 17, r=8, p=1, dklen=32, maxmem=1 << 28)
    assert head.startswith(sealed_file._MAGIC)
    with reference_implementation(key).new_decrypting_stream(io.BytesIO(body), head) as stream:
        assert stream.read() == FILM
    opened = io.BytesIO()
    unseal_file(file, opened, WORDS)
    assert opened.getvalue() == FILM
