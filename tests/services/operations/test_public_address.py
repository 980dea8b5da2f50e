from __future__ import annotations

import pytest

from wylloh_server.services.operations.health import CheckFailed
from wylloh_server.services.operations.public_address import check_public_address

EVERYWHERE = "0.0.0.0"


async def resolve(name):
    if name != "films.example":
        raise OSError("unknown")


@pytest.mark.parametrize(
    ("url", "listens_on"),
    [
        ("", EVERYWHERE),
        ("https://films.example", EVERYWHERE),
        ("http://192.168.1.20:8484", EVERYWHERE),
        ("http://wylloh.local:8484", EVERYWHERE),
        ("http://localhost:8484", "127.0.0.1"),
        ("http://[fd00::5]:8484", "::"),
    ],
)
async def test_an_address_that_others_can_open_is_fine(url, listens_on):
    assert url in await check_public_address(url, listens_on, resolve)


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("http://localhost:8484", "every other device to itself"),
        ("http://127.0.0.1", "every other device to itself"),
        ("http://0.0.0.0:8484", "leads nowhere"),
        ("http://[::]:8484", "leads nowhere"),
        ("http://flims.example", "not known here"),
        ("https://films.example/wylloh", "more or less than an address"),
        ("https://owner@films.example", "more or less than an address"),
        ("https://films.example:99999", "more or less than an address"),
        ("https://", "more or less than an address"),
    ],
)
async def test_an_address_that_nobody_or_nobody_else_can_open_is_told(url, what):
    with pytest.raises(CheckFailed, match=what) as failed:
        await check_public_address(url, EVERYWHERE, resolve)
    assert url in str(failed.value) and failed.value.fix
