"""What somebody bought and sold, as a page and as CSV."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import Coin, Download, Page, TokensSold
from wylloh_store.asking import page_of, viewer_of
from wylloh_store.coins import coins_in
from wylloh_store.keeper import shop_of
from wylloh_store.names import names_of
from wylloh_store.words import iso, minute, money

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply, Wallet

_PAGE_SIZE = 50
_IN_ONE_FILE = 10_000
_COMMANDS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is run by spreadsheets; titles and names come from strangers."""


@dataclass(frozen=True, slots=True)
class Deal:
    """One purchase or sale from the viewer's side."""

    sold: TokensSold
    bought: bool
    film: Film | None
    coin: Coin | None
    url: str

    @property
    def when(self) -> str:
        """The block's time."""
        return minute(self.sold.mark.at)

    @property
    def kind(self) -> str:
        """What it was."""
        if self.bought:
            return "Bought in the presale" if self.sold.presale else "Bought"
        return "Resold" if self.sold.listing else "Sold"

    @property
    def other(self) -> Wallet:
        """The other side."""
        return self.sold.seller if self.bought else self.sold.buyer

    @property
    def amount(self) -> int:
        """What the viewer paid, or got."""
        sold = self.sold
        return sold.total if self.bought else sold.total - sold.fee - sold.royalty

    @property
    def money(self) -> str:
        """The same, written."""
        return money(self.amount, self.coin)


async def history(context: PluginContext, request: PluginRequest) -> Reply:
    """Show own purchases and sales, the newest first."""
    viewer, page = viewer_of(request), page_of(request)
    total = await context.chain.count(kinds=(TokensSold,), wallet=viewer.wallet)
    pages = max(1, -(-total // _PAGE_SIZE))
    page = min(page, pages)
    values = {
        "deals": await _deals(context, viewer.wallet, _PAGE_SIZE, (page - 1) * _PAGE_SIZE),
        "names": await names_of(context, viewer),
        "total": total,
        "page": page,
        "pages": pages,
    }
    return Page("history.html", values)


async def history_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Give all of it as a file."""
    viewer = viewer_of(request)
    deals = await _deals(context, viewer.wallet, _IN_ONE_FILE, 0)
    names = await names_of(context, viewer)
    rows = [_HEAD, *(_row(deal, names.get(deal.other, "")) for deal in deals)]
    return Download("bought-and-sold.csv", "text/csv; charset=utf-8", written_csv(rows))


def written_csv(rows: Iterable[Iterable[object]]) -> bytes:
    """Write CSV (RFC 4180) that no spreadsheet takes for commands."""
    text = io.StringIO()
    csv.writer(text).writerows([[_harmless(str(cell)) for cell in row] for row in rows])
    return text.getvalue().encode()


_HEAD = (
    "time",
    "what",
    "film",
    "tokens",
    "paid or received",
    "coin",
    "total",
    "fee",
    "royalty",
    "other side",
    "its name",
    "block",
    "transaction",
)


def _row(deal: Deal, name: str) -> tuple[object, ...]:
    sold = deal.sold
    return (
        iso(sold.mark.at),
        deal.kind,
        deal.film.title if deal.film else str(sold.token),
        sold.quantity,
        _plain(deal.amount, deal.coin),
        deal.coin.symbol if deal.coin else sold.coin,
        _plain(sold.total, deal.coin),
        _plain(sold.fee, deal.coin),
        _plain(sold.royalty, deal.coin),
        deal.other,
        name,
        sold.mark.block,
        sold.mark.transaction,
    )


def _plain(amount: int, coin: Coin | None) -> str:
    """Write an amount as a number that programs read; of an unknown coin in its smallest unit."""
    return coin.written(amount).removesuffix(f" {coin.symbol}").replace(",", "") if coin else str(amount)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_COMMANDS) else cell


async def _deals(context: PluginContext, wallet: Wallet, limit: int, offset: int) -> list[Deal]:
    found = await context.chain.history(kinds=(TokensSold,), wallet=wallet, limit=limit, offset=offset)
    sold = [
        event for event in found if isinstance(event, TokensSold) and wallet in (event.buyer, event.seller)
    ]
    coins = await coins_in(context, [event.coin for event in sold])
    shop, explorer = shop_of(context), context.chain.explorer
    return [
        Deal(
            sold=event,
            bought=event.buyer == wallet,
            film=shop.film_of(event.token),
            coin=coins.get(event.coin),
            url=explorer.replace("{block}", str(event.mark.block)),
        )
        for event in sold
    ]
