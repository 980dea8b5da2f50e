"""What the chain said about who is paid, kept as it became known and taken back on a reorg."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, insert, select

from wylloh_royalties.tables import balances, incomes, reading, receivers
from wylloh_server.sdk import (
    NOBODY,
    FilmCreated,
    IncomeCredited,
    OfferChanged,
    PayoutMade,
    RecipientsChanged,
    SplitterCreated,
    TokensSold,
    Wallet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import ChainEvent, Change, Mark, PluginContext

SALE, ROYALTY = "sale", "royalty"
"""First sale of a film, and its resale."""

KINDS: tuple[type[ChainEvent], ...] = (
    FilmCreated,
    OfferChanged,
    TokensSold,
    SplitterCreated,
    RecipientsChanged,
    IncomeCredited,
    PayoutMade,
)
_CURSOR = "chain"
_AT_ONCE = 1000
_IN_ONE_QUESTION = 400
"""Values in one `IN (…)`; SQLite takes 999 and more, depending on how it was built."""

_Place = tuple[int, int, str]
"""A block's number, a log's index in it, and the block's hash."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What a splitter set aside for a recipient in all, and what it paid of it, in a coin's base unit."""

    splitter: Wallet
    recipient: Wallet
    coin: Wallet
    credited: int
    paid: int

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


@dataclass(frozen=True, slots=True)
class Touched:
    """What a stretch of changes concerns: whose money moved, and whether somebody has another share."""

    splitters: frozenset[Wallet]
    shares: bool


class Ledger:
    """The plugin's view of the chain, in its tables."""

    def __init__(self, context: PluginContext) -> None:
        self._tables = context.tables
        self._chain = context.chain

    async def read_on(self) -> Touched | None:
        """Take in the next changes and say what they concern; None when there was nothing new.

        Changes and the place up to which they were read are stored together, so none counts twice.
        """
        cursor = await self._cursor()
        changes = await self._chain.changes(cursor, kinds=KINDS, limit=_AT_ONCE)
        if changes.cursor == cursor:
            return None
        sheet = _Sheet(await self._offers(changes.steps))
        for step in changes.steps:
            sheet.take(step)
        moved = [
            delete(reading).where(reading.c.name == _CURSOR),
            insert(reading).values(name=_CURSOR, cursor=changes.cursor),
        ]
        await self._tables.change([*sheet.statements(), *await self._balances(sheet), *moved])
        return Touched(frozenset(sheet.touched), sheet.shares)

    async def balances(
        self, *, splitter: Wallet | None = None, recipient: Wallet | None = None
    ) -> tuple[Balance, ...]:
        """Give balances of a splitter, of a recipient, or of both."""
        wanted = select(balances)
        if splitter is not None:
            wanted = wanted.where(balances.c.splitter == splitter)
        if recipient is not None:
            wanted = wanted.where(balances.c.recipient == recipient)
        return tuple(
            Balance(row["splitter"], row["recipient"], row["coin"], int(row["credited"]), int(row["paid"]))
            for row in await self._asked(wanted)
        )

    async def incomes(self, receiver: Wallet) -> tuple[Income, ...]:
        """Add up what sales brought to a receiver, by film, kind and coin."""
        wanted = select(incomes).where(incomes.c.receiver == receiver)
        sums: defaultdict[tuple[str, str, Wallet], int] = defaultdict(int)
        for row in await self._asked(wanted):
            sums[row["token"], row["kind"], row["coin"]] += int(row["amount"])
        return tuple(Income(*key, amount) for key, amount in sums.items())

    async def paying(self, receiver: Wallet) -> tuple[Payee, ...]:
        """Give which films pay a receiver now."""
        tokens = select(receivers.c.token).where(receivers.c.receiver == receiver)
        found = await self._asked(select(receivers).where(receivers.c.token.in_(tokens)))
        return tuple(payee for payee in _newest(found) if payee.receiver == receiver)

    async def payees(self, tokens: Sequence[str]) -> tuple[Payee, ...]:
        """Give whom some films pay now."""
        found = []
        for begin in range(0, len(tokens), _IN_ONE_QUESTION):
            part = receivers.c.token.in_(tokens[begin : begin + _IN_ONE_QUESTION])
            found += await self._asked(select(receivers).where(part))
        return _newest(found)

    async def coins_in_use(self) -> tuple[Wallet, ...]:
        """Give the coins in which films are sold, the most used first."""
        count = func.count()
        wanted = select(receivers.c.coin, count.label("uses")).where(receivers.c.coin.is_not(None))
        ordered = wanted.group_by(receivers.c.coin).order_by(count.desc(), receivers.c.coin)
        return tuple(Wallet(row["coin"]) for row in await self._asked(ordered))

    async def _cursor(self) -> int:
        rows = await self._asked(select(reading.c.cursor).where(reading.c.name == _CURSOR))
        return int(rows[0]["cursor"]) if rows else 0

    async def _offers(self, steps: Iterable[Change]) -> dict[str, dict[_Place, Wallet]]:
        """Give every offer known so far of the films that were sold in these steps."""
        tokens = sorted({str(step.event.token) for step in steps if isinstance(step.event, TokensSold)})
        found: dict[str, dict[_Place, Wallet]] = defaultdict(dict)
        for begin in range(0, len(tokens), _IN_ONE_QUESTION):
            part = receivers.c.token.in_(tokens[begin : begin + _IN_ONE_QUESTION])
            for row in await self._asked(select(receivers).where(part, receivers.c.kind == SALE)):
                place = (row["block"], row["position"], row["block_hash"])
                found[row["token"]][place] = Wallet(row["receiver"])
        return found

    async def _balances(self, sheet: _Sheet) -> list[object]:
        """Add what was credited and paid to what is kept."""
        splitters = sorted({key[0] for key in sheet.credited.keys() | sheet.paid.keys()})
        known: dict[tuple[Wallet, Wallet, Wallet], Balance] = {}
        for splitter in splitters:
            for one in await self.balances(splitter=splitter):
                known[one.splitter, one.recipient, one.coin] = one
        rows = []
        for key in sheet.credited.keys() | sheet.paid.keys():
            before = known.get(key) or Balance(*key, 0, 0)
            credited, paid = before.credited + sheet.credited[key], before.paid + sheet.paid[key]
            rows.append((*key, str(credited), str(paid)))
        names = ("splitter", "recipient", "coin", "credited", "paid")
        gone = delete(balances).where(
            balances.c.splitter == bindparam("a_splitter"),
            balances.c.recipient == bindparam("a_recipient"),
            balances.c.coin == bindparam("a_coin"),
        )
        keys = [{"a_splitter": row[0], "a_recipient": row[1], "a_coin": row[2]} for row in rows]
        return [(gone, keys), (insert(balances), [dict(zip(names, row, strict=True)) for row in rows])]

    async def _asked(self, question: object) -> list[dict[str, Any]]:
        found = await self._tables.fetch(question)
        return [dict(zip(found.columns, row, strict=True)) for row in found.rows]


@dataclass(slots=True)
class _Sheet:
    """What a stretch of changes comes to. `offers` are those known before, by film and place."""

    offers: dict[str, dict[_Place, Wallet]]
    received: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    earned: dict[tuple[str, int], dict[str, Any]] = field(default_factory=dict)
    gone: set[tuple[str, int]] = field(default_factory=set)
    credited: defaultdict[tuple[Wallet, Wallet, Wallet], int] = field(
        default_factory=lambda: defaultdict(int)
    )
    paid: defaultdict[tuple[Wallet, Wallet, Wallet], int] = field(default_factory=lambda: defaultdict(int))
    touched: set[Wallet] = field(default_factory=set)
    shares: bool = False

    def take(self, step: Change) -> None:
        """Take in one step of the feed."""
        event, sign = step.event, 1 if step.added else -1
        match event:
            case FilmCreated():
                self._payee(step, ROYALTY, event.royalty_receiver, None)
            case OfferChanged():
                self._offer(step, event)
            case TokensSold():
                self._sale(step, event)
            case IncomeCredited():
                self.credited[event.splitter, event.recipient, event.coin] += sign * event.amount
                self.touched.add(event.splitter)
            case PayoutMade():
                self.paid[event.splitter, event.recipient, event.coin] += sign * event.amount
                self.touched.add(event.splitter)
            case SplitterCreated() | RecipientsChanged():
                self.touched.add(event.splitter)
                self.shares = True

    def statements(self) -> list[object]:
        """Give what to store of facts. What came and went within the stretch is not stored at all."""
        keys = [{"a_hash": block_hash, "a_position": position} for block_hash, position in self.gone]
        found: list[object] = []
        for table, rows in ((receivers, self.received), (incomes, self.earned)):
            gone = delete(table).where(
                table.c.block_hash == bindparam("a_hash"), table.c.position == bindparam("a_position")
            )
            found += [(gone, keys), (insert(table), list(rows.values()))]
        return found

    def _offer(self, step: Change, event: OfferChanged) -> None:
        self._payee(step, SALE, event.payee, event.coin)
        known = self.offers.setdefault(str(event.token), {})
        if step.added:
            known[_place(event.mark)] = event.payee
        else:
            known.pop(_place(event.mark), None)

    def _payee(self, step: Change, kind: str, receiver: Wallet, coin: Wallet | None) -> None:
        event: Any = step.event
        row = {"block": event.mark.block, "token": str(event.token), "kind": kind}
        self._keep(step, self.received, {**row, "receiver": receiver, "coin": coin})
        self.touched.add(receiver)

    def _sale(self, step: Change, event: TokensSold) -> None:
        if event.listing:
            receiver, kind, amount = event.royalty_receiver, ROYALTY, event.royalty
        else:
            receiver, kind, amount = self._payee_at(event), SALE, event.total - event.fee
        row = {"receiver": receiver, "token": str(event.token), "kind": kind, "coin": event.coin}
        if not step.added or (amount and receiver != NOBODY):
            self._keep(step, self.earned, {**row, "amount": str(amount)})
            self.touched.add(receiver)

    def _payee_at(self, event: TokensSold) -> Wallet:
        """Give whom the offer paid under which tokens were sold: the newest before the sale."""
        known = self.offers.get(str(event.token), {})
        before = [place for place in known if place < _place(event.mark)]
        return known[max(before)] if before else NOBODY

    def _keep(self, step: Change, rows: dict[tuple[str, int], dict[str, Any]], row: dict[str, Any]) -> None:
        key = step.event.mark.block_hash, step.event.mark.index
        self.gone.add(key)  # also what is added: after a crash in between it might be there already
        if step.added:
            rows[key] = {"block_hash": key[0], "position": key[1], **row}
        else:
            rows.pop(key, None)


def _place(mark: Mark) -> _Place:
    return mark.block, mark.index, mark.block_hash


def _newest(rows: Iterable[Mapping[str, Any]]) -> tuple[Payee, ...]:
    """Give the row that holds now of each film and kind: the newest, in the chain's order of films."""
    found: dict[tuple[str, str], Payee] = {}
    for row in sorted(rows, key=lambda row: (row["block"], row["position"])):
        coin = None if row["coin"] is None else Wallet(row["coin"])
        key = row["token"], row["kind"]
        found.pop(key, None)
        found[key] = Payee(*key, Wallet(row["receiver"]), coin)
    return tuple(found.values())
