"""A server whose library has a film in every state, and pages opened on it."""

from __future__ import annotations

import pytest

from tests.web.pages.samples import stock


@pytest.fixture
async def server_under_test(open_server_under_test):
    """An owned server with a film in every state."""
    return await stocked(open_server_under_test)


async def stocked(open_server_under_test, **sections):
    """Open an owned server with a film in every state, and other settings than the usual ones."""
    server_under_test = await open_server_under_test(**sections)
    await stock(server_under_test)
    return server_under_test


@pytest.fixture
async def tv_cookies(owner, browsers):
    """The cookies of a TV that the owner has let in."""
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    assert (await (await tv.get("/api/tv/state")).json())["state"] == "approved"
    return tv.real_cookies
