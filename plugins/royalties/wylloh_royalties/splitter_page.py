"""The page of one splitter: who shares, what is in it, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.film_income import earned, paying_films
from wylloh_royalties.messages import shares_sentence
from wylloh_royalties.overview import lead_of, primary_action
from wylloh_royalties.recipients_csv import write_recipients
from wylloh_royalties.shares import points
from wylloh_royalties.splitter_balances import money_in
from wylloh_royalties.splitter_sync import TOPIC, sync_of, topic_of
from wylloh_royalties.splitters import requested_splitter
from wylloh_server.sdk import (
    CSV_TYPE,
    Download,
    EventQuery,
    Page,
    RecipientsChanged,
    Share,
    Wallet,
    address_url,
    block_url,
    checksummed,
    format_minute,
    format_percent,
)

if TYPE_CHECKING:
    from wylloh_royalties.splitter_balances import SplitterMoney
    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

_MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class RecipientRow:
    """One recipient as text. `owed` and `paid` are empty for who may not see them."""

    account: Wallet
    address: str
    role: str
    share: str
    points: str
    owed: str
    paid: str


@dataclass(frozen=True, slots=True)
class SharesChange:
    """How income was divided from a block on."""

    when: str
    shares: str
    block: int
    url: str


async def splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a splitter to its owner and its recipients."""
    viewer, found, standing = await requested_splitter(context, request)
    sync = sync_of(context)
    money = await money_in(context, sync, found.address, viewer.wallet)
    incomes = await sync.projection.incomes(found.address)
    values = {
        "splitter": found,
        "address": checksummed(found.address),
        "url": address_url(context.chain.explorer, found.address),
        "standing": standing,
        "lead": lead_of([money]),
        "divides": shares_sentence(found.shares, viewer.wallet),
        "balances": money.shown,
        "first": primary_action([(found.address, money)]),
        "people": _people(found, money, viewer.wallet, all_of=standing.owner),
        "films": paying_films(sync, await sync.projection.paying(found.address)),
        "earned": earned(sync, incomes, money.balances, money.pending, money.coins),
        "changes": await _changes(context, found, viewer.wallet),
        "topics": f"{TOPIC} {topic_of(found.address)} wallet",
    }
    return Page("splitter.html", values)


async def recipients_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Return the recipients as a file that can be read in again."""
    _, found, _ = await requested_splitter(context, request)
    return Download(f"recipients-{found.address[:10]}.csv", CSV_TYPE, write_recipients(found.shares))


def _people(splitter: Splitter, money: SplitterMoney, viewer: Wallet, *, all_of: bool) -> list[RecipientRow]:
    """Return the recipients: those who share now, then those who once did and have money here."""
    now = {share.account for share in splitter.shares}
    once = sorted({balance.recipient for balance in money.balances if balance.recipient not in now})
    shown = [*splitter.shares, *(Share(account, 0) for account in once if all_of or account == viewer)]
    return [_person(share, money, sees=all_of or share.account == viewer) for share in shown]


def _person(share: Share, money: SplitterMoney, *, sees: bool) -> RecipientRow:
    own = [balance for balance in money.balances if balance.recipient == share.account] if sees else []
    owed = money.coins.sums((balance.coin, balance.owed) for balance in own)
    paid = money.coins.sums((balance.coin, balance.paid) for balance in own)
    nothing = money.nothing if sees else ""
    return RecipientRow(
        account=share.account,
        address=checksummed(share.account),
        role=share.role,
        share=format_percent(share.basis_points) if share.basis_points else "no longer",
        points=points(share.basis_points) if share.basis_points else "",
        owed=", ".join(owed) or nothing,
        paid=", ".join(paid) or nothing,
    )


async def _changes(context: PluginContext, splitter: Splitter, viewer: Wallet) -> list[SharesChange]:
    facts = await context.chain.history(
        EventQuery(kinds=(RecipientsChanged,), contract=splitter.address, limit=_MOST_CHANGES)
    )
    return [
        SharesChange(
            format_minute(fact.mark.at),
            shares_sentence(fact.shares, viewer),
            fact.mark.block,
            block_url(context.chain.explorer, fact.mark.block),
        )
        for fact in facts
        if isinstance(fact, RecipientsChanged)
    ]
