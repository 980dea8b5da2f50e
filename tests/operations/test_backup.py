"""`wylloh backup` and `wylloh restore` with real servers: what was restored plays with the keys it brought."""

from __future__ import annotations

import re

from tests.components.environment import HOLDER
from tests.components.player import play
from tests.components.server import eventually, guest, running_server, server_settings, wylloh_async


def holder_settings(folder, environment, gateway):
    folder.mkdir(exist_ok=True)
    return server_settings(
        folder,
        chain=environment.chain.settings,
        ipfs={"gateways": [gateway]},
        plugins={"disabled": ["tagging", "analytics", "store", "royalties"]},
    )


def keys_of(folder):
    """The content of the key store, which differs whenever a key is written, were it the same."""
    return {path.name: path.read_bytes() for path in (folder / "data" / "keys").iterdir()}


async def test_a_server_restored_onto_an_empty_folder_plays(tmp_path, environment):
    words, safe = tmp_path / "words", tmp_path / "safe"
    safe.mkdir()
    first = holder_settings(tmp_path / "first", environment, environment.gateway)
    async with running_server(first) as server, guest(server.url) as owner:
        assert (await owner.sign_in(HOLDER, server.claim_code, bind=True))[0] == 200
        await eventually(owner.healthy)
        # Beside the running server, as by a timer.
        done = await wylloh_async("backup", "--new-recovery-key", str(safe), "--config", first)
        assert done.returncode == 0, done.stderr
    words.write_text(
        re.search(r"^Recovery key: ((?:[A-Z2-7]{5}-){7}[A-Z2-7]{5})$", done.stdout, re.M)[1] + "\n"
    )
    (file,) = safe.iterdir()
    second = holder_settings(tmp_path / "second", environment, environment.gateway)
    refused = await wylloh_async("restore", str(file), "--config", first, "--passphrase-file", words)
    assert refused.returncode == 1
    assert "is not empty" in refused.stderr
    checked = await wylloh_async(
        "restore", "--check", str(file), "--config", second, "--passphrase-file", words
    )
    assert "can be restored" in checked.stdout, checked.stderr
    assert not (tmp_path / "second" / "data").exists()
    done = await wylloh_async("restore", str(file), "--config", second, "--passphrase-file", words)
    assert done.returncode == 0, done.stderr
    said = (await wylloh_async("doctor", "--config", second)).stdout
    assert "1 film key in the backup of" in said
    async with running_server(second) as server, guest(server.url) as owner:
        assert (await owner.sign_in(HOLDER))[0] == 200, "the owner is the owner here, too"
        (film,) = await owner.films()
        await eventually(owner.healthy)
        player = await play(owner, film)
        track = await player.track((await player.tracks())[0])
        assert await player.picture(track, 0)
    assert keys_of(tmp_path / "second") == keys_of(tmp_path / "first"), "a key was fetched again"
