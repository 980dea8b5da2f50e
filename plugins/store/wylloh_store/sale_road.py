"""From a film on chain to tokens on sale, as its publisher walks it: price, number, sale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import format_minute
from wylloh_store.messages import lead_of, priced, tokens
from wylloh_store.offer import Price

if TYPE_CHECKING:
    from wylloh_server.sdk import Film
    from wylloh_store.index import StoreIndex
    from wylloh_store.offer import FilmMarket, Offer


_FIRST = "Say what a token costs, and to whom the money goes. A presale can come before the sale."


@dataclass(frozen=True, slots=True)
class SaleRoad:
    """Where a publisher stands on the way to selling a film.

    Attributes:
        steps: the name of each step, and whether it is done; in their order.
        sentence: what is so now, and what comes next.
        label: of the button that leads to the next step.
        path: where that button leads.
        form: which form of the page of prices comes next: `terms`, `stock` or none.
    """

    steps: tuple[tuple[str, bool], ...]
    sentence: str
    label: str
    path: str
    form: str = ""

    @property
    def next(self) -> str:
        """The name of the step that comes next; empty when all are done."""
        return next((name for name, done in self.steps if not done), "")


def sale_road(film: Film, market: FilmMarket, index: StoreIndex) -> SaleRoad:
    """Return where the publisher of a film stands."""
    offer, base = market.offer, f"/plugins/store/film/{film.id}/prices"
    steps = (
        ("On chain", True),
        ("Price", (offer or market.ended) is not None),
        ("Number", market.stock > 0),
        ("On sale", market.on_first_sale(index.now)),
    )
    if offer is None:
        ended = market.ended is not None
        label = "Sell again" if ended else "Set the price"
        return SaleRoad(steps, _ended_sentence(market) if ended else _FIRST, label, f"{base}#terms", "terms")
    if not market.stock:
        label = "Put more on sale" if market.sold else "Put tokens on sale"
        return SaleRoad(steps, _number_sentence(market, offer, index), label, f"{base}#stock", "stock")
    left = f"{tokens(market.stock)} {'is' if market.stock == 1 else 'are'} in the store."
    if not offer.begun(index.now):
        begins = f"{left} The {'presale' if offer.has_presale else 'sale'} begins by itself on "
        return SaleRoad(steps, f"{begins}{format_minute(offer.presale_from)}.", "Change the price", base)
    return SaleRoad(steps, f"{lead_of(market, index)} {left}", "Change price or number", base)


def _ended_sentence(market: FilmMarket) -> str:
    left = f"{tokens(market.stock)} still {'lies' if market.stock == 1 else 'lie'} in the store."
    return f"You ended the sale{f'; {left}' if market.stock else '.'}"


def _number_sentence(market: FilmMarket, offer: Offer, index: StoreIndex) -> str:
    price = priced(Price(offer.coin, offer.unit_price(1, index.now)), index)
    if market.sold:
        return f"All {tokens(market.sold)} that you put on sale are sold. More can follow."
    return f"A token costs {price}, and none is on sale yet. Say how many there are to sell."
