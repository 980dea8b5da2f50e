"""The first page: one's splitters, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.asking import viewer_of
from wylloh_royalties.coins import Coins
from wylloh_royalties.films import films_line
from wylloh_royalties.keeper import TOPIC, keeper_of, topic_of
from wylloh_royalties.money import Money, money_in, sums_of
from wylloh_royalties.shares import percent
from wylloh_royalties.splitters import find_splitter, owner_of, splitters_of
from wylloh_royalties.words import listed
from wylloh_server.sdk import ChainError, Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.money import Purse
    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer, Wallet

_PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class Mine:
    """One splitter as one of those concerned sees it.

    Attributes:
        films: whose money it gets, in a few words.
        share: the viewer's share and role; empty for who has none.
    """

    splitter: Splitter
    films: str
    share: str
    owner: bool
    money: Money

    @property
    def topic(self) -> str:
        """The live topic of its money."""
        return topic_of(self.splitter.address)


@dataclass(frozen=True, slots=True)
class First:
    """The one purse whose button is white: what somebody came here to do."""

    splitter: Wallet
    coin: Wallet
    act: str


async def overview(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the viewer's splitters."""
    viewer = viewer_of(request)
    addresses = await splitters_of(context, viewer.wallet)
    pages = max(1, -(-len(addresses) // _PAGE_SIZE))
    page = min(_page_number(request), pages)
    found = []
    for address in addresses[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        one = await _mine(context, viewer, address)
        found += [one] if one else []
    values = {
        "lead": lead_of([one.money for one in found]) if found else "",
        "splitters": found,
        "first": first_of([(one.splitter.address, one.money.purses) for one in found]),
        "page": page,
        "pages": pages,
        "can_make": context.chain.contracts.splitters is not None,
        "topic": TOPIC,
    }
    return Page("overview.html", values)


def lead_of(moneys: Sequence[Money]) -> str:
    """Say in a sentence what waits."""
    coins = Coins({coin: known for money in moneys for coin, known in money.coins.known.items()})
    purses = [purse for money in moneys for purse in money.purses]
    owed = sums_of([(purse.coin, purse.owed) for purse in purses], coins)
    pending = sums_of([(purse.coin, purse.pending or 0) for purse in purses], coins)
    if owed:
        return f"{listed(owed)} {'is' if len(owed) == 1 else 'are'} set aside for you."
    if pending:
        return f"{listed(pending)} came in and {'is' if len(pending) == 1 else 'are'} not divided yet."
    return "Nothing waits for you."


def first_of(splitters: Sequence[tuple[Wallet, Sequence[Purse]]]) -> First | None:
    """Choose what to do first: take out what is set aside, else divide what came in."""
    for act in ("withdraw", "distribute"):
        for address, purses in splitters:
            for purse in purses:
                if purse.owed if act == "withdraw" else purse.pending:
                    return First(address, purse.coin, act)
    return None


async def _mine(context: PluginContext, viewer: Viewer, address: Wallet) -> Mine | None:
    """Look at one splitter; None for one the factory did not make, and one that is somebody else's now."""
    splitter = await find_splitter(context, address)
    if splitter is None:
        return None
    keeper = keeper_of(context)
    money = await money_in(context, keeper, address, viewer.wallet)
    owner = await _owns(context, splitter, viewer)
    share = splitter.share_of(viewer.wallet)
    has_money = any(balance.recipient == viewer.wallet for balance in money.balances)
    if not (owner or share or has_money):
        return None
    says = " · ".join(filter(None, (percent(share.basis_points), share.role))) if share else ""
    return Mine(splitter, await films_line(keeper, address), says, owner, money)


async def _owns(context: PluginContext, splitter: Splitter, viewer: Viewer) -> bool:
    try:
        return await owner_of(context, splitter.address) == viewer.wallet
    except ChainError:  # as of what was read last; who may do what is asked again where it matters
        return splitter.maker == viewer.wallet


def _page_number(request: PluginRequest) -> int:
    text = request.query.get("page", "")
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1  # noqa: PLR2004
