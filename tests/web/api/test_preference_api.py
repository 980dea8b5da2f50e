"""What a viewer chose in the player is remembered piece by piece, and nonsense is refused."""

from __future__ import annotations

import pytest

from tests.web.conftest import OWNER
from wylloh_server.domain.player_preferences import PlayerPreferences, TrackChoice

PATH = "/api/player/preferences"


async def test_what_is_not_named_stays_as_it_was(server_under_test, owner):
    await owner.post(PATH, {"audio": {"language": "de", "name": "Deutsch", "forced": False}, "volume": 0.4})
    await owner.post(PATH, {"muted": True, "subtitle_size": "large"})
    stored = await server_under_test.storage.preferences.of_wallet(OWNER)
    assert stored == PlayerPreferences(
        audio=TrackChoice("de", "Deutsch"), volume=0.4, muted=True, subtitle_size="large"
    )


@pytest.mark.parametrize(
    "body",
    [
        {"volume": "loud"},
        {"volume": -1},
        {"muted": 1},
        {"audio": "de"},
        {"audio": {"language": 7}},
        {"subtitle_size": "enormous"},
    ],
    ids=str,
)
async def test_what_is_no_choice_is_refused_and_changes_nothing(server_under_test, owner, body):
    reply = await owner.post(PATH, {"subtitle_background": "solid", **body})
    assert reply.status == 400
    assert (await reply.json())["fix"]
    assert await server_under_test.storage.preferences.of_wallet(OWNER) == PlayerPreferences()


async def test_nobody_who_is_signed_out_is_remembered(browser):
    assert (await browser.post(PATH, {"muted": True})).status == 401
