"""Quiet hours: no film starts then, and none that plays is cut off."""

from __future__ import annotations

import time as clock
from datetime import time

import pytest

from wylloh_server.sdk import AccessRequest, DeviceKind, Role, Verdict
from wylloh_tagging.quiet_hours import is_quiet, vote

ZONE = clock.strftime("%Z")
NIGHT = (time(21), time(6, 30))


@pytest.mark.parametrize(
    ("hours", "now", "quiet"),
    [
        (NIGHT, time(21), True),
        (NIGHT, time(23, 59), True),
        (NIGHT, time(0), True),
        (NIGHT, time(6, 29), True),
        (NIGHT, time(6, 30), False),
        (NIGHT, time(20, 59), False),
        ((time(13), time(15)), time(14), True),
        ((time(13), time(15)), time(15), False),
    ],
)
def test_hours_may_go_past_midnight(hours, now, quiet):
    assert is_quiet(hours, now) is quiet


def request_of(app, by=Role.VIEWER, **rest):
    from dataclasses import replace

    from wylloh_server.sdk.testing.samples import sample_viewer

    kind = rest.pop("device", DeviceKind.BROWSER)
    return AccessRequest(replace(sample_viewer(by), kind=kind), app.films[0], "personal", **rest)


async def test_a_film_is_not_started_and_one_that_plays_goes_on(tagging):
    async with tagging(quiet_hours="21:00-06:30", quiet_on_tvs=False) as app:
        late, early = time(22), time(20)
        denied = vote(app.context, request_of(app), late)
        assert (denied.verdict, denied.sentence) == (
            Verdict.DENY,
            f"No film starts here between 21:00 and 06:30 ({ZONE}).",
        )
        assert vote(app.context, request_of(app, renewal=True), late) is None
        assert vote(app.context, request_of(app), early) is None
        assert vote(app.context, request_of(app, by=Role.PUBLISHER), late) is None
        assert vote(app.context, request_of(app, device=DeviceKind.TV), late) is None


async def test_they_hold_on_tvs_unless_the_settings_say_otherwise(tagging):
    async with tagging(quiet_hours="00:00-23:59") as app:
        for device in DeviceKind:
            assert (await app.access_vote(app.films[0], device=device)).verdict is Verdict.DENY
            assert (
                await app.access_vote(app.films[0], device=device, renewal=True)
            ).verdict is Verdict.ABSTAIN
        (admin,) = await app.fragments("admin", by=Role.OWNER)
        assert f"No film starts between 00:00 and 23:59 ({ZONE})." in await app.render(admin, by=Role.OWNER)


@pytest.mark.parametrize("hours", ["21-6", "24:00-06:00", "21:00", "nights"])
async def test_hours_that_cannot_be_read_keep_the_plugin_from_starting(tagging, hours):
    async with tagging(quiet_hours=hours) as app:
        assert app.record.status == "failed"
        assert "quiet_hours is" in app.record.reason
