"""What somebody bought and sold, as a page and as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    CSV_TYPE,
    Coin,
    Download,
    EventQuery,
    Page,
    TokensSold,
    block_url,
    format_exact,
    format_iso,
    format_minute,
    page_count,
    page_number,
    read_coins,
    require_viewer,
    write_csv,
)
from wylloh_store.address_book import names_of
from wylloh_store.messages import money
from wylloh_store.sync import index_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wylloh_server.sdk import Film, PluginContext, PluginRequest, Reply, Wallet

_PAGE_SIZE = 50
_IN_ONE_FILE = 10_000


@dataclass(frozen=True, slots=True)
class Trade:
    """One purchase or sale from the viewer's side."""

    sold: TokensSold
    bought: bool
    film: Film | None
    coin: Coin | None
    url: str

    @property
    def when(self) -> str:
        """The block's time."""
        return format_minute(self.sold.mark.at)

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
        """That amount, with the coin's symbol."""
        return money(self.amount, self.coin)

    def number(self, amount: int) -> str:
        """Return an amount as a number for programs; of an unknown coin in its smallest unit."""
        return format_exact(amount, self.coin) if self.coin else str(amount)


async def history(context: PluginContext, request: PluginRequest) -> Reply:
    """Show own purchases and sales, the newest first."""
    viewer = require_viewer(request)
    total = await context.chain.count(EventQuery(kinds=(TokensSold,), wallet=viewer.wallet))
    pages = page_count(total, _PAGE_SIZE)
    page = page_number(request, pages)
    values = {
        "trades": await _trades(context, viewer.wallet, _PAGE_SIZE, (page - 1) * _PAGE_SIZE),
        "names": await names_of(context, viewer),
        "total": total,
        "page": page,
        "pages": pages,
    }
    return Page("history.html", values)


async def history_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Return all of it as a file."""
    viewer = require_viewer(request)
    trades = await _trades(context, viewer.wallet, _IN_ONE_FILE, 0)
    names = await names_of(context, viewer)
    rows = [[value(trade, names) for value in _COLUMNS.values()] for trade in trades]
    return Download("bought-and-sold.csv", CSV_TYPE, write_csv([_COLUMNS, *rows]))


_COLUMNS: Mapping[str, Callable[[Trade, Mapping[Wallet, str]], object]] = {
    "time": lambda trade, _: format_iso(trade.sold.mark.at),
    "what": lambda trade, _: trade.kind,
    "film": lambda trade, _: trade.film.title if trade.film else str(trade.sold.token),
    "tokens": lambda trade, _: trade.sold.quantity,
    "paid or received": lambda trade, _: trade.number(trade.amount),
    "coin": lambda trade, _: trade.coin.symbol if trade.coin else trade.sold.coin,
    "total": lambda trade, _: trade.number(trade.sold.total),
    "fee": lambda trade, _: trade.number(trade.sold.fee),
    "royalty": lambda trade, _: trade.number(trade.sold.royalty),
    "other side": lambda trade, _: trade.other,
    "its name": lambda trade, names: names.get(trade.other, ""),
    "block": lambda trade, _: trade.sold.mark.block,
    "transaction": lambda trade, _: trade.sold.mark.transaction,
}
"""The columns of the file: a function of a trade and of the viewer's names for wallets."""


async def _trades(context: PluginContext, wallet: Wallet, limit: int, offset: int) -> list[Trade]:
    found = await context.chain.history(
        EventQuery(kinds=(TokensSold,), wallet=wallet, limit=limit, offset=offset)
    )
    sold = [
        event for event in found if isinstance(event, TokensSold) and wallet in (event.buyer, event.seller)
    ]
    coins = await read_coins(context.chain, [event.coin for event in sold])
    index, explorer = index_of(context), context.chain.explorer
    return [
        Trade(
            sold=event,
            bought=event.buyer == wallet,
            film=index.films.get(str(event.token)),
            coin=coins.get(event.coin),
            url=block_url(explorer, event.mark.block),
        )
        for event in sold
    ]
