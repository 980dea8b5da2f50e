from __future__ import annotations

import pytest
from store_samples import (
    HOLDER,
    LIGHT,
    PUBLISHER,
    STORE,
    VIEWER,
    created,
    happened,
    ladder,
    listed,
    minted,
    moved,
    sold,
    stocked,
    token,
)

from wylloh_server.sdk import AccountRemoved, ListingCancelled, Role, Wallet
from wylloh_server.sdk.testing import SOMEWHERE
from wylloh_server.sdk.testing.samples import sample_viewer
from wylloh_store.explorer import share_of

FRIEND = "0x" + "f1" * 20


async def page(app, **query):
    return await app.get(f"film/{LIGHT.id}/holders", query=query)


async def told(app):
    return [
        (move.kind, move.amount, move.sender, move.receiver, move.price)
        for move in (await page(app)).values["transfers"]
    ]


async def test_every_transfer_says_what_it_was(store):
    async with store() as app:
        await happened(app, created(1), ladder(1), minted(1, 600), minted(1, 50, PUBLISHER))
        await happened(app, *sold(1, VIEWER, 12, 450))
        await happened(app, moved(1, PUBLISHER, STORE, 50))
        await happened(app, *listed(1, 9, 5, 600, seller=VIEWER))
        await happened(app, *sold(1, HOLDER, 2, 600, listing=9, seller=VIEWER))
        await happened(app, ListingCancelled(SOMEWHERE, token(1), 9, VIEWER, 3), moved(1, STORE, VIEWER, 3))
        await happened(app, moved(1, VIEWER, FRIEND, 1))
        assert await told(app) == [
            ("Gift", 1, VIEWER, FRIEND, ""),
            ("Taken back", 3, STORE, VIEWER, ""),
            ("Resale", 2, VIEWER, HOLDER, "12.00 dUSD"),
            ("Put up for resale", 5, VIEWER, STORE, ""),
            ("Put on sale", 50, PUBLISHER, STORE, ""),
            ("Sale", 12, PUBLISHER, VIEWER, "54.00 dUSD"),
            ("Minted", 50, None, PUBLISHER, ""),
            ("Minted into the store", 600, None, STORE, ""),
        ]


async def test_several_sales_in_one_transaction_are_told_apart(store):
    async with store() as app:
        await happened(app, created(1), ladder(1), minted(1, 600))
        await happened(
            app, *listed(1, 9, 5, 600), *sold(1, VIEWER, 3, 499), *sold(1, VIEWER, 3, 600, 9, HOLDER)
        )
        assert [(kind, price) for kind, *_, price in await told(app)][:2] == [
            ("Resale", "18.00 dUSD"),
            ("Sale", "14.97 dUSD"),
        ]


async def test_holders_with_their_share_and_the_store_under_its_name(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 100, 400), *sold(1, HOLDER, 50, 450))
        await happened(app, *listed(1, 9, 20, 600))
        values = (await page(app)).values
        assert [(line.wallet, line.amount, line.share, line.tier) for line in values["holders"]] == [
            (VIEWER, 100, "16.67\xa0%", "Small venue"),
            (HOLDER, 30, "5\xa0%", "Personal viewing"),
        ]
        assert (values["holder_count"], values["store_share"]) == (2, "78.33\xa0%")
        html = await app.render(await page(app))
        assert "2 holders" in html
        assert "Everybody with a token counts as a holder here, the publisher too." in html
        assert "There are 600 tokens, of at most 1,000" in html
        assert "450 not yet sold, 20 on offer by holders" in html
        assert ">You</span>" in html
        assert "0xe3e3…e3e3" in html
        assert 'href="https://explorer.example/block/' in html


async def test_the_publisher_is_named_as_such(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, PUBLISHER, 5, 499))
        html = await app.render(await page(app))
        assert "<small>The publisher</small>" in html
        assert f'title="{PUBLISHER}">The publisher</a>' in html


async def test_pages_of_holders_leave_out_the_store_and_nobody_else(store, monkeypatch):
    monkeypatch.setattr("wylloh_store.explorer._HOLDERS", 2)
    people = [Wallet(f"0x{number:040x}") for number in range(1, 6)]
    async with store() as app:
        await stocked(app)
        amounts = (300, 200, 40, 30, 20)  # the store's 10 come last
        for wallet, amount in zip(people, amounts, strict=True):
            await happened(app, moved(1, STORE, wallet, amount))
        pages = [(await page(app, holders=str(number))).values for number in (1, 2, 3)]
        assert [line.wallet for values in pages for line in values["holders"]] == people
        assert [values["holders_pages"] for values in pages] == [3, 3, 3]


async def test_a_name_shows_only_to_who_has_given_it(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, HOLDER, 50, 450))
        back = f"/plugins/store/film/{LIGHT.id}/holders"
        form = {
            "address": HOLDER.upper().replace("0X", "0x"),
            "name": " Cinema  on the corner ",
            "back": back,
        }
        assert (await app.post("names", form)).to == back
        assert "Cinema on the corner" in await app.render(await page(app))
        other = await app.get(f"film/{LIGHT.id}/holders", by=Role.OWNER)
        assert "Cinema on the corner" not in await app.render(other, by=Role.OWNER)
        assert "Cinema on the corner" in await app.render(await app.get("names"))
        assert "Cinema on the corner" not in await app.render(await app.get("names", by=Role.OWNER))
        await app.post("names", {"address": HOLDER, "name": "Cinema"})
        assert (await app.get("names")).values["names"] == {HOLDER: "Cinema"}
        await app.post("names", {"address": HOLDER, "name": "Mine"}, by=Role.OWNER)
        await app.emit(AccountRemoved(sample_viewer(Role.OWNER).wallet))
        assert (await app.get("names", by=Role.OWNER)).values["names"] == {}
        assert (await app.get("names")).values["names"] == {HOLDER: "Cinema"}
        assert (
            await app.post("names/remove", {"address": HOLDER}, by=Role.OWNER)
        ).to == "/plugins/store/names"
        assert (await app.get("names")).values["names"] == {HOLDER: "Cinema"}
        await app.post("names/remove", {"address": HOLDER})
        assert (await app.get("names")).values["names"] == {}


BAD = [
    ({"address": "0x12", "name": "a"}, "is not an address"),
    ({"address": HOLDER, "name": "  "}, "The name is missing."),
    ({"address": HOLDER, "name": "x" * 61}, "A name has at most 60 characters."),
    ({"address": HOLDER, "name": "a\u202eb"}, "A name cannot hold control characters."),
]


async def test_what_is_no_name_shows_the_form_again(store):
    async with store() as app:
        for form, sentence in BAD:
            reply = await app.post("names", form)
            assert reply.status == 400, form
            assert sentence in await app.render(reply), form
        assert (await app.get("names")).values["names"] == {}


async def test_a_form_leads_back_only_to_the_store(store):
    async with store() as app:
        for back in (
            "https://evil.example/",
            "//evil.example",
            "/admin",
            "/plugins/store/film/../../admin\n",
        ):
            reply = await app.post("names", {"address": HOLDER, "name": "a", "back": back})
            assert getattr(reply, "to", "/plugins/store/names") == "/plugins/store/names"


async def test_pages_of_transfers_leave_none_out_and_show_none_twice(store):
    async with store() as app:
        await happened(app, created(1), ladder(1), minted(1, 900))
        for number in range(70):
            await app.happened(*sold(1, VIEWER, 1 + number % 3, 499))
        await happened(app)
        seen = []
        first = (await page(app)).values
        assert (first["page"], first["pages"]) == (1, 3)
        for number in range(1, first["pages"] + 1):
            seen += (await page(app, page=str(number))).values["transfers"]
        assert len(seen) == 71
        assert len({move.block for move in seen}) == 71
        assert {move.kind for move in seen} == {"Sale", "Minted into the store"}
        beyond = (await page(app, page="99", holders="99")).values
        assert (beyond["page"], beyond["holders_at"]) == (3, 1)
        assert (await page(app, page="x", holders="-1")).values["page"] == 1


async def test_a_film_of_which_there_is_nothing_yet(store):
    async with store() as app:
        await happened(app, created(1), ladder(1))
        html = await app.render(await page(app))
        assert "no token of this film has been made" in html
        assert (await app.get("film/nowhere/holders")).status == 404


@pytest.mark.parametrize(
    ("amount", "whole", "text"),
    [
        (1, 1, "100\xa0%"),
        (1, 3, "33.33\xa0%"),
        (248, 1200, "20.67\xa0%"),
        (10**9 - 1, 10**9, "over 99.99\xa0%"),
        (1, 2**256 - 1, "under 0.01\xa0%"),
        (0, 5, "0\xa0%"),
        (0, 0, "0\xa0%"),
    ],
)
def test_a_share_is_written_exactly(amount, whole, text):
    assert share_of(amount, whole) == text
