"""Who is paid, and how much, as tables that follow the chain."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from wylloh_royalties.tables import balances, incomes, reading, receivers
from wylloh_server.sdk import (
    ZERO_ADDRESS,
    ChainProjection,
    FilmCreated,
    IncomeCredited,
    OfferChanged,
    PayoutMade,
    RecipientsChanged,
    SplitterCreated,
    TokensSold,
    Wallet,
    replace_rows,
    select_rows,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import ChainEvent, LogPosition

SALE, ROYALTY = "sale", "royalty"
"""First sale of a film, and its resale."""

_Position = tuple[int, int, str]
"""A block's number, a log's index in it, and the block's hash."""
_Account = tuple[Wallet, Wallet, Wallet]
"""A splitter, a recipient, and a coin."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a splitter set aside for a recipient in all, and what it paid of it, in a coin's base unit."""

    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    credited: int = 0
    paid: int = 0

    @property
    def owed(self) -> int:
        """What is set aside now."""
        return self.credited - self.paid


@dataclass(frozen=True, slots=True)
class Income:
    """What sales of one film brought to a receiver, by kind (`SALE`, `ROYALTY`) and coin."""

    token: str
    kind: str
    coin: Wallet
    amount: int


@dataclass(frozen=True, slots=True)
class Payee:
    """Whom a film pays: the kind of sale, and in which coin it is (None where it can be any)."""

    token: str
    kind: str
    receiver: Wallet
    coin: Wallet | None


class RoyaltiesProjection(ChainProjection):
    """The plugin's tables of who is paid, and how much.

    Attributes:
        touched: the splitters and payees that the last batch was about.
    """

    kinds = (
        FilmCreated,
        OfferChanged,
        TokensSold,
        SplitterCreated,
        RecipientsChanged,
        IncomeCredited,
        PayoutMade,
    )
    cursors = reading
    touched: frozenset[Wallet] = frozenset()

    async def apply(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that add events."""
        return await self._statements_of(events, 1)

    async def undo(self, events: Sequence[ChainEvent]) -> Sequence[object]:
        """Return the statements that undo events."""
        return await self._statements_of(events, -1)

    async def _statements_of(self, events: Sequence[ChainEvent], sign: int) -> Sequence[object]:
        batch = _SplitterBatch(sign, await self._offers(events))
        for event in events:
            batch.take(event)
        self.touched = frozenset(batch.touched)
        return [
            *replace_rows(receivers, batch.payees),
            *replace_rows(incomes, batch.incomes),
            *replace_rows(balances, await self._balance_rows(batch.changes)),
        ]

    async def balances(
        self, *, splitter: Wallet | None = None, recipient: Wallet | None = None
    ) -> tuple[Balance, ...]:
        """Return balances of a splitter, of a recipient, or of both."""
        wanted = select(balances)
        if splitter is not None:
            wanted = wanted.where(balances.c.splitter == splitter)
        if recipient is not None:
            wanted = wanted.where(balances.c.recipient == recipient)
        rows = await select_rows(self._tables, wanted)
        return tuple(
            Balance(**row | {"credited": int(row["credited"]), "paid": int(row["paid"])}) for row in rows
        )

    async def incomes(self, receiver: Wallet) -> tuple[Income, ...]:
        """Return the sums of what sales brought to a receiver, by film, kind and coin."""
        sums: defaultdict[tuple[str, str, Wallet], int] = defaultdict(int)
        for row in await select_rows(self._tables, select(incomes).where(incomes.c.receiver == receiver)):
            sums[row["token"], row["kind"], row["coin"]] += int(row["amount"])
        return tuple(Income(*key, amount) for key, amount in sums.items())

    async def paying(self, receiver: Wallet) -> tuple[Payee, ...]:
        """Return which films pay a receiver now."""
        tokens = select(receivers.c.token).where(receivers.c.receiver == receiver)
        found = await select_rows(self._tables, select(receivers).where(receivers.c.token.in_(tokens)))
        return tuple(payee for payee in _newest(found) if payee.receiver == receiver)

    async def tokens_that_paid(self, receiver: Wallet) -> tuple[str, ...]:
        """Return the films that ever named a receiver, in order."""
        wanted = select(receivers.c.token).where(receivers.c.receiver == receiver).distinct()
        rows = await select_rows(self._tables, wanted.order_by(receivers.c.token))
        return tuple(row["token"] for row in rows)

    async def payees(self, tokens: Sequence[str]) -> tuple[Payee, ...]:
        """Return whom some films pay now."""
        return _newest(await select_rows(self._tables, select(receivers), receivers.c.token, tokens))

    async def coins_in_use(self) -> tuple[Wallet, ...]:
        """Return the coins in which films are sold, the most used first."""
        count = func.count()
        wanted = select(receivers.c.coin).where(receivers.c.coin.is_not(None))
        ordered = wanted.group_by(receivers.c.coin).order_by(count.desc(), receivers.c.coin)
        return tuple(row["coin"] for row in await select_rows(self._tables, ordered))

    async def _offers(self, events: Iterable[ChainEvent]) -> dict[str, dict[_Position, Wallet]]:
        """Return the payee of every offer known so far of the films that these events sold."""
        tokens = {str(event.token) for event in events if isinstance(event, TokensSold)}
        wanted = select(receivers).where(receivers.c.kind == SALE)
        found: dict[str, dict[_Position, Wallet]] = defaultdict(dict)
        for row in await select_rows(self._tables, wanted, receivers.c.token, tokens):
            found[row["token"]][row["block"], row["position"], row["block_hash"]] = row["receiver"]
        return found

    async def _balance_rows(
        self, changes: Mapping[_Account, Mapping[str, int]]
    ) -> dict[tuple[object, ...], dict[str, Any] | None]:
        """Return the balances that some changes lead to."""
        splitters = {splitter for splitter, *_ in changes}
        rows = await select_rows(self._tables, select(balances), balances.c.splitter, splitters)
        known = {(row["splitter"], row["recipient"], row["coin"]): row for row in rows}
        return {
            account: {
                name: str(int(known[account][name] if account in known else 0) + change[name])
                for name in ("credited", "paid")
            }
            for account, change in changes.items()
        }


@dataclass(slots=True)
class _SplitterBatch:
    """What a batch of events adds up to.

    Attributes:
        sign: 1 for events that are added, -1 for such as are undone.
        offers: payees of offers, by film and position; those known before to begin with.
        payees: rows by position on chain; None for one that goes. `incomes` likewise.
        changes: what is credited and paid, by account.
    """

    sign: int
    offers: dict[str, dict[_Position, Wallet]]
    payees: dict[tuple[object, ...], dict[str, Any] | None] = field(default_factory=dict)
    incomes: dict[tuple[object, ...], dict[str, Any] | None] = field(default_factory=dict)
    changes: defaultdict[_Account, defaultdict[str, int]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(int))
    )
    touched: set[Wallet] = field(default_factory=set)

    def take(self, event: ChainEvent) -> None:
        """Add one event, or undo it."""
        match event:
            case FilmCreated():
                self._payee(event, ROYALTY, event.royalty_receiver, None)
            case OfferChanged():
                self._payee(event, SALE, event.payee, event.coin)
                known = self.offers.setdefault(str(event.token), {})
                known[_position(event.mark)] = event.payee
                if self.sign < 0:
                    del known[_position(event.mark)]
            case TokensSold():
                self._sale(event)
            case IncomeCredited() | PayoutMade():
                name = "credited" if isinstance(event, IncomeCredited) else "paid"
                self.changes[event.splitter, event.recipient, event.coin][name] += self.sign * event.amount
                self.touched.add(event.splitter)
            case SplitterCreated() | RecipientsChanged():
                self.touched.add(event.splitter)

    def _payee(
        self, event: FilmCreated | OfferChanged, kind: str, receiver: Wallet, coin: Wallet | None
    ) -> None:
        row = {"block": event.mark.block, "token": str(event.token), "kind": kind}
        key = event.mark.block_hash, event.mark.index
        self.payees[key] = {**row, "receiver": receiver, "coin": coin} if self.sign > 0 else None
        self.touched.add(receiver)

    def _sale(self, event: TokensSold) -> None:
        if event.listing:
            receiver, kind, amount = event.royalty_receiver, ROYALTY, event.royalty
        else:
            receiver, kind, amount = self._payee_at(event), SALE, event.total - event.fee
        row = {"receiver": receiver, "token": str(event.token), "kind": kind, "coin": event.coin}
        key = event.mark.block_hash, event.mark.index
        if self.sign < 0 or (amount and receiver != ZERO_ADDRESS):
            self.incomes[key] = {**row, "amount": str(amount)} if self.sign > 0 else None
            self.touched.add(receiver)

    def _payee_at(self, event: TokensSold) -> Wallet:
        """Return the payee of the offer under which tokens were sold: the newest before the sale."""
        known = self.offers.get(str(event.token), {})
        before = [position for position in known if position < _position(event.mark)]
        return known[max(before)] if before else ZERO_ADDRESS


def _position(mark: LogPosition) -> _Position:
    return mark.block, mark.index, mark.block_hash


def _newest(rows: Iterable[Mapping[str, Any]]) -> tuple[Payee, ...]:
    """Return the row that holds now of each film and kind: the newest, in the chain's order of films."""
    found: dict[tuple[str, str], Payee] = {}
    for row in sorted(rows, key=lambda row: (row["block"], row["position"])):
        key = row["token"], row["kind"]
        found.pop(key, None)
        found[key] = Payee(*key, row["receiver"], row["coin"])
    return tuple(found.values())
