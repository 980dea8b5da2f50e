"""The first page: one's splitters, and what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.coins import Coins
from wylloh_royalties.film_income import films_line
from wylloh_royalties.splitter_balances import SplitterMoney, money_in
from wylloh_royalties.splitter_sync import TOPIC, sync_of, topic_of
from wylloh_royalties.splitters import find_splitter, owner_of, splitters_of
from wylloh_server.sdk import (
    ChainError,
    Page,
    format_list,
    format_percent,
    page_count,
    page_number,
    require_viewer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer, Wallet

_PAGE_SIZE = 10


@dataclass(frozen=True, slots=True)
class OwnShare:
    """One splitter as one of those concerned sees it.

    Attributes:
        films: whose money it gets, in a few words.
        share: the viewer's share and role; empty for who has none.
    """

    splitter: Splitter
    films: str
    share: str
    owner: bool
    money: SplitterMoney

    @property
    def topic(self) -> str:
        """The live topic of its money."""
        return topic_of(self.splitter.address)


@dataclass(frozen=True, slots=True)
class PrimaryAction:
    """The one balance with the primary button: what somebody came here to do."""

    splitter: Wallet
    coin: Wallet
    act: str


async def overview(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the viewer's splitters."""
    viewer = require_viewer(request)
    addresses = await splitters_of(context, viewer.wallet)
    pages = page_count(len(addresses), _PAGE_SIZE)
    page = page_number(request, pages)
    found = []
    for address in addresses[(page - 1) * _PAGE_SIZE : page * _PAGE_SIZE]:
        one = await _own_share(context, viewer, address)
        found += [one] if one else []
    values = {
        "lead": lead_of([one.money for one in found]) if found else "",
        "splitters": found,
        "first": primary_action([(one.splitter.address, one.money) for one in found]),
        "page": page,
        "pages": pages,
        "can_make": context.chain.contracts.splitters is not None,
        "topic": TOPIC,
    }
    return Page("overview.html", values)


def lead_of(moneys: Sequence[SplitterMoney]) -> str:
    """Return a sentence about what waits."""
    coins = Coins({coin: known for money in moneys for coin, known in money.coins.known.items()})
    balances = [balance for money in moneys for balance in money.shown]
    owed = coins.sums((balance.coin, balance.owed) for balance in balances)
    pending = coins.sums((balance.coin, balance.pending or 0) for balance in balances)
    if owed:
        return f"{format_list(owed)} {'is' if len(owed) == 1 else 'are'} set aside for you."
    if pending:
        return f"{format_list(pending)} came in and {'is' if len(pending) == 1 else 'are'} not divided yet."
    return "Nothing waits for you."


def primary_action(splitters: Sequence[tuple[Wallet, SplitterMoney]]) -> PrimaryAction | None:
    """Return what to do first: take out what is set aside, else divide what came in."""
    for act in ("withdraw", "distribute"):
        for address, money in splitters:
            for balance in money.shown:
                if balance.owed if act == "withdraw" else balance.pending:
                    return PrimaryAction(address, balance.coin, act)
    return None


async def _own_share(context: PluginContext, viewer: Viewer, address: Wallet) -> OwnShare | None:
    """Return one splitter; None for one the factory did not make, and one that is somebody else's now."""
    splitter = await find_splitter(context, address)
    if splitter is None:
        return None
    sync = sync_of(context)
    money = await money_in(context, sync, address, viewer.wallet)
    owner = await _owns(context, splitter, viewer)
    share = splitter.share_of(viewer.wallet)
    has_money = any(balance.recipient == viewer.wallet for balance in money.balances)
    if not (owner or share or has_money):
        return None
    written = " · ".join(filter(None, (format_percent(share.basis_points), share.role))) if share else ""
    return OwnShare(splitter, await films_line(sync, address), written, owner, money)


async def _owns(context: PluginContext, splitter: Splitter, viewer: Viewer) -> bool:
    try:
        return await owner_of(context, splitter.address) == viewer.wallet
    except ChainError:  # as of what was read last; who may do what is asked again where it matters
        return splitter.maker == viewer.wallet
