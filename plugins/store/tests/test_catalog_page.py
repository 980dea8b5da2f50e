from __future__ import annotations

from store_samples import (
    HOLDER,
    LIGHT,
    MEADOW,
    NIGHT,
    VIEWER,
    happened,
    listed,
    minted,
    moved,
    sold,
    stocked,
    titles_of,
)

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
        assert {row.card.film.title: row.line for row in page.values["rows"]} == {
            "Winter Light": "4.99 dUSD",
            "The Meadow": "Resale · 2.50 dUSD",
            "Night Bus": "Not offered",
        }
        html = await app.render(page)
        assert "3 films" in html
        assert "4.99 dUSD" in html
        assert f'href="/films/{LIGHT.id}"' in html


SEARCHES = [
    ({}, ["Night Bus", "The Meadow", "Winter Light"]),
    ({"q": "lihgt"}, ["Winter Light"]),
    ({"genre": "drama"}, ["Night Bus", "Winter Light"]),
    ({"genre": "drama,documentary"}, ["Night Bus", "The Meadow", "Winter Light"]),
    ({"genre": "drama", "year": "1990s"}, ["Winter Light"]),
    ({"year": "2021"}, ["The Meadow"]),
    ({"language": "de"}, ["Winter Light"]),
    ({"runtime": "short"}, ["The Meadow"]),
    ({"right": "small-venue"}, ["Winter Light"]),
    ({"right": "personal"}, ["The Meadow", "Winter Light"]),
    ({"price": "0-5"}, ["The Meadow", "Winter Light"]),
    ({"price": "none"}, ["Night Bus"]),
    ({"availability": "resale,not-offered"}, ["Night Bus", "The Meadow"]),
    ({"genre": "opera"}, []),
    ({"q": "winter", "genre": "comedy"}, []),
]


async def test_search_and_facets_find_together(store):
    async with store() as app:
        await stocked(app)
        for query, titles in SEARCHES:
            assert titles_of(await app.get(query={"sort": "title"} | query)) == titles, query


async def test_each_value_says_how_many_would_be_found_with_it(store):
    async with store() as app:
        await stocked(app)
        page = await app.get(query={"genre": "drama"})
        facets = {
            facet.name: {choice.label: choice.count for choice in facet.first}
            for facet in page.values["facets"]
        }
        assert facets["genre"] == {"Drama": 2, "Comedy": 1, "Documentary": 1, "Film noir": 1}
        assert facets["availability"] == {"On sale": 1, "Not offered": 1}
        assert facets["year"] == {"2020s": 1, "1990s": 1}
        assert [facet.label for facet in page.values["facets"]] == [
            "Availability",
            "Price in dUSD",
            "Genre",
            "Right within reach",
            "Runtime",
            "Language",
            "Year",
        ]


async def test_a_choice_is_a_link_that_takes_itself_away_again(store):
    async with store() as app:
        await stocked(app)
        (genre,) = [facet for facet in (await app.get()).values["facets"] if facet.name == "genre"]
        (drama,) = [choice for choice in genre.first if choice.label == "Drama"]
        assert (drama.url, drama.chosen) == ("/plugins/store/?genre=drama", False)
        page = await app.get(query={"genre": "drama"})
        (drama,) = page.values["chosen"]
        assert (drama.url, drama.chosen) == ("/plugins/store/", True)
        html = await app.render(page)
        assert 'aria-current="true">Drama' in html
        assert '<input type="hidden" name="genre" value="drama">' in html


async def test_the_years_of_a_decade_show_once_it_is_chosen(store):
    async with store() as app:
        await stocked(app)

        def years(page):
            return [
                choice.label
                for facet in page.values["facets"]
                if facet.name == "year"
                for choice in facet.first
            ]

        assert years(await app.get()) == ["2020s", "1990s"]
        assert years(await app.get(query={"year": "2020s"})) == ["2020s", "2024", "2021", "1990s"]
        assert years(await app.get(query={"year": "2024"})) == ["2020s", "2024", "2021", "1990s"]


async def test_a_right_within_reach_says_what_it_takes_from_where_one_stands(store):
    async with store() as app:
        await stocked(app)

        async def line():
            page = await app.get(query={"right": "small-venue", "q": "winter"})
            return [row.line for row in page.values["rows"]]

        assert await line() == ["100 tokens · 400.00 dUSD"]
        await happened(app, *sold(1, VIEWER, 88, 450))
        assert await line() == ["12 more tokens · 54.00 dUSD"]
        await happened(app, *sold(1, VIEWER, 12, 450))
        assert await line() == ["Yours: small-venue shows"]


async def test_a_right_that_cannot_be_reached_is_not_offered(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, HOLDER, 550, 400))
        assert titles_of(await app.get(query={"right": "small-venue"})) == []
        await happened(app, minted(1, 100))
        assert titles_of(await app.get(query={"right": "small-venue"})) == ["Winter Light"]


async def test_within_reach_counts_from_what_the_viewer_holds(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 60, 450), *sold(1, HOLDER, 490, 400))  # 50 are left
        right = {"right": "small-venue"}
        assert titles_of(await app.get(query=right)) == ["Winter Light"]
        assert titles_of(await app.get(query=right, by=Role.PUBLISHER)) == []
        (facet,) = [facet for facet in (await app.get()).values["facets"] if facet.name == "right"]
        assert {choice.label: choice.count for choice in facet.first}["Small venue"] == 1
        await happened(app, moved(1, VIEWER, HOLDER, 20))  # 40 held, 50 left
        assert titles_of(await app.get(query=right)) == []


async def test_what_one_offers_oneself_is_not_within_reach(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 99, 450), *sold(1, HOLDER, 501, 400))
        await happened(app, *listed(1, 9, 50, 300, VIEWER))
        assert titles_of(await app.get(query={"right": "small-venue"})) == []
        await happened(app, *listed(1, 10, 60, 300))
        assert titles_of(await app.get(query={"right": "small-venue"})) == ["Winter Light"]


async def test_a_right_that_takes_several_sellers_says_so(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *listed(1, 9, 30, 250))
        page = await app.get(query={"right": "small-venue", "q": "winter"})
        assert [row.line for row in page.values["rows"]] == ["100 tokens · 390.00 dUSD from several sellers"]


async def test_a_card_shows_what_the_viewer_holds(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 250, 400))
        html = await app.render(await app.get(query={"q": "winter"}))
        assert "You hold </span>×250" in html
        await happened(app, *sold(2, VIEWER, 1, 250, 7, HOLDER))
        assert "You hold </span>×1<" in await app.render(await app.get(query={"q": "meadow"}))


async def test_nothing_found_says_what_to_do(store):
    async with store() as app:
        await stocked(app)
        html = await app.render(await app.get(query={"q": "<b>zzzz</b>"}))
        assert "No film matches “&lt;b&gt;zzzz&lt;/b&gt;”." in html
        assert "look at everything" in html


async def test_pages_are_turned_by_links_that_keep_the_search(store):
    from store_samples import film

    many = [film(number, f"Film {number:03}") for number in range(1, 101)]
    async with store(films=many) as app:
        page = await app.get(query={"genre": "drama", "sort": "title", "page": "2"})
        assert titles_of(page)[0] == "Film 049"
        assert page.values["before"] == "/plugins/store/?genre=drama&sort=title"
        assert page.values["after"] == "/plugins/store/?genre=drama&sort=title&page=3"
        html = await app.render(page)
        assert 'rel="next"' in html
        assert "Page 2 of 3" in html


async def test_whoever_is_not_signed_in_sees_nothing(store):
    async with store() as app:
        for path in ("", "history", "selling", "names", f"film/{LIGHT.id}/buy", f"film/{LIGHT.id}/holders"):
            assert (await app.get(path, by=None)).status == 401
        assert (await app.get("prices", by=Role.VIEWER)).status == 403
        assert await app.fragments("film.actions", LIGHT, by=None) == ()


async def test_a_public_store_is_looked_at_by_everybody_and_sells_to_who_is_signed_in(store):
    async with store(settings={"public": True}) as app:
        await stocked(app)
        assert [item.label for item in await app.nav_items(by=None)] == ["Store"]
        page = await app.get(by=None)
        assert {row.line for row in page.values["rows"]} >= {"4.99 dUSD"}
        html = await app.render(page, by=None)
        assert 'href="/sign-in"' in html and "Your prices" not in html
        (row,) = await app.fragments("home.rows", by=None)
        assert [(card.film.title, line) for card, line in row.values["cards"]] == [
            ("Winter Light", "4.99 dUSD")
        ]
        for path in ("history", "selling", "names", f"film/{LIGHT.id}/buy"):
            assert (await app.get(path, by=None)).status == 401
        assert await app.fragments("film.actions", LIGHT, by=None) == ()


async def test_every_page_of_every_film_is_drawn(store):
    async with store() as app:
        await stocked(app)
        for page in ("buy", "sell", "holders"):
            for film in (LIGHT, MEADOW, NIGHT):
                assert "<h1>" in await app.render(await app.get(f"film/{film.id}/{page}"))
        assert app.record.errors == 0
