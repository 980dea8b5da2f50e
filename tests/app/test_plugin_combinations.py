"""Each plugin that ships with the server alone, all of them, and none: everything answers, and a film plays."""

from __future__ import annotations

from pathlib import Path

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.player import play
from tests.components.server import eventually, guest, running_server, server_settings

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = sorted(path.name.removeprefix("wylloh_") for path in (ROOT / "plugins").glob("*/wylloh_*"))
COMBINATIONS = {"none": [], **{name: [name] for name in BUNDLED}, "all": BUNDLED}
OWNER = Account.create()


@pytest.fixture(scope="module")
def films(tmp_path_factory):
    folder = tmp_path_factory.mktemp("films")
    make_film(folder / "Evening.mp4", 6)
    return folder


@pytest.mark.parametrize("names", COMBINATIONS.values(), ids=COMBINATIONS)
async def test_everything_answers_and_the_film_plays(tmp_path, films, names):
    disabled = [name for name in BUNDLED if name not in names]
    settings = server_settings(
        tmp_path, library={"folders": [str(films)]}, plugins={"disabled": disabled, "timeout_seconds": 10}
    )
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        await eventually(owner.healthy)
        status, told = await owner.json("/api/admin/plugins")
        assert status == 200
        states = {one["name"]: one["status"] for one in told["plugins"]}
        assert states == dict.fromkeys(names, "running") | dict.fromkeys(disabled, "disabled")

        (film,) = await owner.films()
        for path in ("/", film, "/admin", "/devices"):
            assert "<h1" in await owner.page(path)
        for name in BUNDLED:
            assert ((await owner.get(f"/plugins/{name}/"))[0] == 404) is (name in disabled)
        player = await play(owner, film)
        track = await player.track((await player.tracks())[0])
        assert await player.picture(track, 0)

        told = (await owner.json("/api/admin/plugins"))[1]["plugins"]
        assert [one["last_error"] for one in told] == [""] * len(BUNDLED)
        assert await server.stop() == 0
    assert [entry["event"] for entry in server.log() if entry["level"] in {"error", "critical"}] == []
