"""A house whose shelves hold a film in every state, and pages opened in it."""

from __future__ import annotations

import pytest

from tests.web.pages.samples import stock
from wylloh_server.services.licensing import Licensing
from wylloh_server.web import keys


class LateLicensing:
    """Takes the place of the service until the house it belongs to stands."""

    def __init__(self) -> None:
        self.real: Licensing | None = None

    async def standing(self, wallet, film):
        return await self.real.standing(wallet, film)


@pytest.fixture
async def house(open_house):
    """An owned server with a film in every state."""
    return await stocked(open_house)


async def stocked(open_house, **sections):
    """Open an owned server with a film in every state, and other settings than the usual ones."""
    licensing = LateLicensing()
    house = await open_house(add=lambda app: app.__setitem__(keys.LICENSING, licensing), **sections)
    licensing.real = Licensing(
        chain=house.chain,
        envelopes=house.app[keys.ENVELOPES],
        receipts=house.storage.receipts,
        votes=None,
        bus=None,
        clock=house.clock,
    )
    await stock(house)
    return house
