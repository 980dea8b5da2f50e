from __future__ import annotations

import pytest
from store_samples import FILMS, LIGHT, MEADOW, NIGHT, stocked, titles_of

from wylloh_server.sdk import Role


async def test_it_runs_as_the_server_installs_it(store):
    async with store() as app:
        assert (app.record.status, app.record.reason, app.record.errors) == ("running", "", 0)
        assert [(item.label, item.path) for item in await app.nav_items()] == [("Store", "/plugins/store/")]
        assert await app.nav_items(by=None) == ()


async def test_the_grid_shows_every_film_with_a_token_and_what_it_costs(store):
    async with store() as app:
        await stocked(app)
        page = await app.get()
        assert {shelf.card.film.title: shelf.line for shelf in page.values["shelves"]} == {
            "Winter Light": "4.99 dUSD",
            "The Meadow": "Resale · 2.50 dUSD",
            "Night Bus": "Not offered",
        }
        html = await app.render(page)
        assert "3 films" in html
        assert "4.99 dUSD" in html
        assert f'href="/films/{LIGHT.id}"' in html
