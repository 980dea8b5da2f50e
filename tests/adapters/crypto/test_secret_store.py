from __future__ import annotations

import asyncio
import json

import pytest

from wylloh_server.adapters.crypto import load_segment_cipher, load_server_keys, open_key_store
from wylloh_server.domain.errors import InvalidValue, SealBroken

NAME = "content/eip155:31337/erc1155:0x00000000000000000000000000000000000000aa/1"
SECRET = b"the-film-key-that-must-not-leak!"


def everything(folder) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.parametrize("passphrase", [None, "correct horse battery staple"])
async def test_what_was_put_is_there_after_a_restart_and_nowhere_in_the_clear(tmp_path, passphrase):
    store = await open_key_store(tmp_path / "keys", passphrase)
    assert await store.get(NAME) is None
    await store.put(NAME, b"older")
    await store.put(NAME, SECRET)
    again = await open_key_store(tmp_path / "keys", passphrase)
    assert await again.get(NAME) == SECRET
    assert await again.names() == (NAME,)
    assert SECRET not in everything(tmp_path)


async def test_processes_that_start_side_by_side_have_the_same_keys(tmp_path):
    """The server and `film publish` on a new data folder: a custodian key must not be replaced behind one's back."""
    first = await open_key_store(tmp_path / "keys")
    second = await open_key_store(tmp_path / "keys")
    server, command = await asyncio.gather(load_server_keys(first), load_server_keys(second))
    after = await load_server_keys(await open_key_store(tmp_path / "keys"))
    for keys in (server, command):
        assert (keys.device_public, keys.custodian_public) == (after.device_public, after.custodian_public)


async def test_what_is_there_is_not_put_again(tmp_path):
    store = await open_key_store(tmp_path / "keys")
    assert await store.put_once(NAME, SECRET) == SECRET
    assert await store.put_once(NAME, b"later") == SECRET
    assert await store.get(NAME) == SECRET


async def test_files_are_for_the_owner_only_even_after_a_careless_restore(tmp_path):
    folder = tmp_path / "keys"
    store = await open_key_store(folder)
    await store.put(NAME, SECRET)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    (folder / "master.key").chmod(0o644)
    await open_key_store(folder)
    assert (folder / "master.key").stat().st_mode & 0o777 == 0o600


async def test_another_master_key_is_refused_clearly_and_nothing_is_lost(tmp_path):
    store = await open_key_store(tmp_path)
    await store.put(NAME, SECRET)
    master = tmp_path / "master.key"
    right = master.read_bytes()
    master.write_bytes(bytes(32))
    before = everything(tmp_path)
    with pytest.raises(SealBroken) as refused:
        await open_key_store(tmp_path)
    assert refused.value.fix
    assert everything(tmp_path) == before
    master.write_bytes(right)
    assert await (await open_key_store(tmp_path)).get(NAME) == SECRET


async def test_a_missing_or_damaged_master_key_is_never_replaced_by_a_new_one(tmp_path):
    store = await open_key_store(tmp_path)
    await store.put(NAME, SECRET)
    (tmp_path / "master.key").write_bytes(b"short")
    with pytest.raises(SealBroken):
        await open_key_store(tmp_path)
    (tmp_path / "master.key").unlink()
    with pytest.raises(SealBroken):
        await open_key_store(tmp_path)
    assert not (tmp_path / "master.key").exists()


async def test_wrong_passphrase_is_refused(tmp_path):
    await open_key_store(tmp_path, "right")
    with pytest.raises(SealBroken):
        await open_key_store(tmp_path, "wrong")
    with pytest.raises(SealBroken):
        await open_key_store(tmp_path)


async def test_the_key_is_proved_on_another_entry_if_the_probe_is_gone(tmp_path):
    store = await open_key_store(tmp_path)
    await store.put(NAME, SECRET)
    next(path for path in tmp_path.glob("*.json") if json.loads(path.read_bytes())["name"] != NAME).unlink()
    assert await (await open_key_store(tmp_path)).get(NAME) == SECRET
    (tmp_path / "master.key").write_bytes(bytes(32))
    with pytest.raises(SealBroken):
        await open_key_store(tmp_path)


async def test_an_entry_moved_under_another_name_or_damaged_does_not_open(tmp_path):
    store = await open_key_store(tmp_path)
    await store.put(NAME, SECRET)
    await store.put("content/other", b"x")
    files = {json.loads(path.read_bytes())["name"]: path for path in tmp_path.glob("*.json")}
    moved = files[NAME].read_bytes()
    for damaged in (moved, moved[: len(moved) // 2], b"[]", b"{}", b""):
        files["content/other"].write_bytes(damaged)
        with pytest.raises(SealBroken):
            await store.get("content/other")
    assert await store.get(NAME) == SECRET


async def test_nothing_half_written_is_left(tmp_path):
    store = await open_key_store(tmp_path)
    for number in range(5):
        await store.put(f"content/{number}", SECRET)
    assert not list(tmp_path.glob(".new-*"))


async def test_server_keys_are_the_same_after_a_restart_and_differ_between_servers(tmp_path):
    first = await load_server_keys(await open_key_store(tmp_path / "a"))
    again = await load_server_keys(await open_key_store(tmp_path / "a"))
    other = await load_server_keys(await open_key_store(tmp_path / "b"))
    assert (first.device_public, first.custodian_public) == (again.device_public, again.custodian_public)
    assert first.device_public != other.device_public
    sealed = other.seal(SECRET, first.device_public, b"terms")
    assert again.unseal(sealed, b"terms") == SECRET
    signature = other.sign(b"envelope")
    assert first.verify(other.custodian_public, b"envelope", signature)
    assert not first.verify(first.custodian_public, b"envelope", signature)


async def test_malformed_hex_from_outside(tmp_path):
    keys = await load_server_keys(await open_key_store(tmp_path))
    assert not keys.verify("zz", b"", "00")
    assert not keys.verify(keys.custodian_public, b"", "é")
    with pytest.raises(SealBroken):
        keys.unseal("zz", b"")
    for public in ("zz", "00", ""):
        with pytest.raises(InvalidValue):
            keys.seal(SECRET, public, b"")


async def test_segment_keys_survive_a_restart_and_differ_by_film_track_and_period(tmp_path):
    first = await load_segment_cipher(await open_key_store(tmp_path))
    again = await load_segment_cipher(await open_key_store(tmp_path))
    assert first.key_for("film", "720p", 0) == again.key_for("film", "720p", 0)
    keys = {first.key_for(film, track, period) for film in "ab" for track in "cd" for period in range(3)}
    assert len(keys) == 12
    assert {len(key) for key in keys} == {16}
