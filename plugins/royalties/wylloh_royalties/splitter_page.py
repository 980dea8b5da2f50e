"""The page of one splitter: who shares, what is in it, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.addresses import checksummed
from wylloh_royalties.asking import splitter_in, viewer_of
from wylloh_royalties.films import earned, paying_films
from wylloh_royalties.keeper import TOPIC, keeper_of, topic_of
from wylloh_royalties.links import address_url, block_url
from wylloh_royalties.money import money_in, sums_of
from wylloh_royalties.overview import first_of, lead_of
from wylloh_royalties.shares import percent, points
from wylloh_royalties.sheet import sheet_of
from wylloh_royalties.splitters import splitter_of, standing_of
from wylloh_royalties.words import minute, shares_sentence
from wylloh_server.sdk import Download, Page, RecipientsChanged, Share, Wallet

if TYPE_CHECKING:
    from wylloh_royalties.money import Money
    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

_MOST_CHANGES = 20


@dataclass(frozen=True, slots=True)
class Person:
    """One recipient in words. `owed` and `paid` are empty for who may not see them."""

    account: Wallet
    address: str
    role: str
    share: str
    points: str
    owed: str
    paid: str


@dataclass(frozen=True, slots=True)
class Change:
    """How income was divided from a block on."""

    when: str
    says: str
    block: int
    url: str


async def splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Show a splitter to its owner and its recipients."""
    viewer, keeper = viewer_of(request), keeper_of(context)
    found = await splitter_of(context, splitter_in(request))
    standing = await standing_of(context, found.address, viewer)
    money = await money_in(context, keeper, found.address, viewer.wallet)
    incomes = await keeper.ledger.incomes(found.address)
    values = {
        "splitter": found,
        "address": checksummed(found.address),
        "url": address_url(context.chain.explorer, found.address),
        "standing": standing,
        "lead": lead_of([money]),
        "divides": shares_sentence(found.shares, viewer.wallet),
        "purses": money.purses,
        "first": first_of([(found.address, money.purses)]),
        "people": _people(found, money, viewer.wallet, all_of=standing.owner),
        "films": paying_films(keeper, await keeper.ledger.paying(found.address)),
        "earned": earned(keeper, incomes, money.balances, money.pending, money.coins),
        "changes": await _changes(context, found, viewer.wallet),
        "topics": f"{TOPIC} {topic_of(found.address)} wallet",
    }
    return Page("splitter.html", values)


async def recipients_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Give the recipients as a file that can be read in again."""
    found = await splitter_of(context, splitter_in(request))
    await standing_of(context, found.address, viewer_of(request))
    return Download(f"recipients-{found.address[:10]}.csv", "text/csv; charset=utf-8", sheet_of(found.shares))


def _people(splitter: Splitter, money: Money, viewer: Wallet, *, all_of: bool) -> list[Person]:
    """Put recipients into words: those who share now, then those who once did and have money here."""
    now = {share.account for share in splitter.shares}
    once = sorted({balance.recipient for balance in money.balances if balance.recipient not in now})
    shown = [*splitter.shares, *(Share(account, 0) for account in once if all_of or account == viewer)]
    return [_person(share, money, sees=all_of or share.account == viewer) for share in shown]


def _person(share: Share, money: Money, *, sees: bool) -> Person:
    own = [balance for balance in money.balances if balance.recipient == share.account] if sees else []
    owed = sums_of([(balance.coin, balance.owed) for balance in own], money.coins)
    paid = sums_of([(balance.coin, balance.paid) for balance in own], money.coins)
    nothing = money.nothing if sees else ""
    return Person(
        account=share.account,
        address=checksummed(share.account),
        role=share.role,
        share=percent(share.basis_points) if share.basis_points else "no longer",
        points=points(share.basis_points) if share.basis_points else "",
        owed=", ".join(owed) or nothing,
        paid=", ".join(paid) or nothing,
    )


async def _changes(context: PluginContext, splitter: Splitter, viewer: Wallet) -> list[Change]:
    facts = await context.chain.history(
        kinds=(RecipientsChanged,), contract=splitter.address, limit=_MOST_CHANGES
    )
    return [
        Change(
            minute(fact.mark.at),
            shares_sentence(fact.shares, viewer),
            fact.mark.block,
            block_url(context.chain.explorer, fact.mark.block),
        )
        for fact in facts
        if isinstance(fact, RecipientsChanged)
    ]
