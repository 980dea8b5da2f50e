from __future__ import annotations

import csv
import io
import re

from store_samples import FILMS, HOLDER, PUBLISHER, VIEWER, film, happened, listed, sold, stocked

from wylloh_server.sdk import Role
from wylloh_server.sdk import write_csv


async def test_purchases_and_sales_from_one_s_own_side(store):
    async with store() as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 12, 450))
        await happened(app, *listed(1, 9, 5, 600, seller=VIEWER))
        await happened(app, *sold(1, HOLDER, 2, 600, listing=9, seller=VIEWER))
        page = await app.get("history")
        assert [
            (deal.kind, deal.sold.quantity, deal.money, deal.other) for deal in page.values["trades"]
        ] == [
            ("Resold", 2, "11.10 dUSD", HOLDER),
            ("Bought", 12, "54.00 dUSD", PUBLISHER),
        ]
        html = await app.render(page)
        assert "−54.00 dUSD" in html
        assert "+11.10 dUSD" in html
        assert 'href="https://explorer.example/block/' in html
        theirs = (await app.get("history", by=Role.PUBLISHER)).values["trades"]
        assert [(deal.kind, deal.money) for deal in theirs] == [("Sold", "52.65 dUSD")]


async def test_the_csv_has_every_deal_and_runs_in_no_spreadsheet(store):
    titled = film(1, '=HYPERLINK("http://evil.example")')
    async with store(films=[titled, *FILMS[1:]]) as app:
        await stocked(app)
        await happened(app, *sold(1, VIEWER, 12, 450))
        await app.post("names", {"address": PUBLISHER, "name": "+1 Films"})
        reply = await app.get("history.csv")
        assert (reply.filename, reply.content_type) == ("bought-and-sold.csv", "text/csv; charset=utf-8")
        head, row = csv.reader(io.StringIO(reply.body.decode()))
        told = dict(zip(head, row, strict=True))
        assert told["film"] == '\'=HYPERLINK("http://evil.example")'
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["time"])
        assert told["its name"] == "'+1 Films"
        assert (told["tokens"], told["paid or received"], told["coin"]) == ("12", "54.00", "dUSD")
        assert (told["fee"], told["royalty"], told["other side"]) == ("1.35", "0.00", PUBLISHER)


def test_a_cell_that_a_spreadsheet_would_run_gets_a_sign_before_it():
    cells = ["=1+1", "+1+1", "-1", "@x", "\tx", "plain", "a,b", 'say "hi"']
    (row,) = csv.reader(io.StringIO(write_csv([cells]).decode()))
    assert row == ["'=1+1", "'+1+1", "-1", "'@x", "'\tx", "plain", "a,b", 'say "hi"']


async def test_nothing_bought_yet(store):
    async with store() as app:
        await stocked(app)
        assert "has bought and sold nothing yet" in await app.render(await app.get("history"))
        assert (await app.get("history.csv")).body.decode().count("\n") == 1
