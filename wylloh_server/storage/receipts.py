"""What was decided and why, as rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Row, delete, func, insert, select, true, update

from wylloh_server.domain.access import Reason, Receipt
from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.storage.tables import receipts
from wylloh_server.storage.upsert import insert_new

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from wylloh_server.domain.types import Timestamp, Wallet
    from wylloh_server.storage.connections import Connections

_SAME_LEASE = 600.0
"""Seconds within which an equal decision repeats the last one: leases are checked more often than that."""

_VARYING = ("at", "block")
"""What differs between two decisions that are otherwise the same one."""


@dataclass(frozen=True, slots=True)
class ReceiptEntry:
    """A decision taken `count` times in a row: as it was the first time, and when it was taken last."""

    receipt: Receipt
    count: int
    last: Timestamp


class ReceiptRepository:
    """Decision receipts. Those that repeat the one before, as a running lease makes them, share a row."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def add(self, receipt: Receipt) -> None:
        """Record a decision."""
        row = _row(receipt)
        async with self._connections.writing() as connection:
            before = await _last_before(connection, receipt)
            if before is None or not _repeats(receipt, before):
                await connection.execute(insert(receipts).values({**row, "count": 1, "last": receipt.at}))
                return
            again = {"count": receipts.c.count + 1, "last": receipt.at}
            await connection.execute(update(receipts).where(receipts.c.number == before.number).values(again))

    async def count_by_day(self, receipt: Receipt, most_refused: int) -> None:
        """Record what another server asked: one row for each film, wallet and day, with the last answer.

        Anybody can make a wallet and ask. Refusals of a day beyond `most_refused` rows are counted for all
        further wallets together, under `ZERO_ADDRESS`.
        """
        async with self._connections.writing() as connection:
            if await _counted(connection, receipt):
                return
            if not receipt.allowed and await _refused_on(connection, receipt) >= most_refused:
                many = "Refused wallets beyond those listed singly."
                receipt = replace(receipt, wallet=ZERO_ADDRESS, sentence=many, balance=None, missing=0)
                if await _counted(connection, receipt):
                    return
            row = {**_row(receipt), "count": 1, "last": receipt.at, "day": _day(receipt.at)}
            if not await insert_new(connection, receipts, row):
                await _counted(connection, receipt)  # another process was quicker

    async def remove_refused_before(self, moment: Timestamp) -> None:
        """Delete what was counted of other servers' requests that were refused before a moment."""
        old = (receipts.c.day < _day(moment)) & ~receipts.c.allowed
        async with self._connections.writing() as connection:
            await connection.execute(delete(receipts).where(old))

    async def page(
        self, limit: int, offset: int = 0, *, wallet: Wallet | None = None
    ) -> tuple[ReceiptEntry, ...]:
        """Return decisions about a wallet, or about everybody, newest first."""
        # The number decides between receipts of the same moment.
        newest = select(receipts).order_by(receipts.c.last.desc(), receipts.c.number.desc())
        wanted = newest.where(_about(wallet)).limit(limit).offset(offset)
        async with self._connections.reading() as connection:
            return tuple(_entry_from_row(row) for row in await connection.execute(wanted))

    async def count(self, wallet: Wallet | None = None) -> int:
        """Count the rows that `page` returns."""
        wanted = select(func.count()).select_from(receipts).where(_about(wallet))
        async with self._connections.reading() as connection:
            return int(await connection.scalar(wanted) or 0)

    async def remove_before(self, moment: Timestamp) -> None:
        """Delete decisions that were last taken before a moment."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(receipts).where(receipts.c.last < moment))


def _row(receipt: Receipt) -> dict[str, Any]:
    return {**asdict(receipt), "plugins": list(receipt.plugins)}


def _day(moment: Timestamp) -> int:
    return int(moment // 86_400)


async def _counted(connection: AsyncConnection, receipt: Receipt) -> bool:
    """Count a request into its day's row; False if there is none yet."""
    theirs = (receipts.c.film == receipt.film) & (receipts.c.wallet == receipt.wallet)
    today = (receipts.c.day == _day(receipt.at)) & (receipts.c.allowed == receipt.allowed)
    newest = {name: value for name, value in _row(receipt).items() if name != "at"}
    again = {**newest, "count": receipts.c.count + 1, "last": receipt.at}
    changed = await connection.execute(update(receipts).where(theirs & today).values(again))
    return bool(changed.rowcount)


async def _refused_on(connection: AsyncConnection, receipt: Receipt) -> int:
    that_day = (receipts.c.day == _day(receipt.at)) & ~receipts.c.allowed
    return int(await connection.scalar(select(func.count()).select_from(receipts).where(that_day)) or 0)


def _about(wallet: Wallet | None) -> ColumnElement[bool]:
    return true() if wallet is None else receipts.c.wallet == wallet


async def _last_before(connection: AsyncConnection, receipt: Receipt) -> Row[Any] | None:
    theirs = (receipts.c.film == receipt.film) & (receipts.c.wallet == receipt.wallet)
    newest = (
        select(receipts)
        .where(theirs & receipts.c.day.is_(None))
        .order_by(receipts.c.at.desc(), receipts.c.number.desc())
    )
    return (await connection.execute(newest.limit(1))).one_or_none()


def _repeats(receipt: Receipt, before: Row[Any]) -> bool:
    """Whether a decision says the same as the one before it, soon after."""
    known = asdict(_entry_from_row(before).receipt)
    same = all(value == known[name] for name, value in asdict(receipt).items() if name not in _VARYING)
    return same and 0 <= receipt.at - before.last <= _SAME_LEASE


def _entry_from_row(row: Row[Any]) -> ReceiptEntry:
    values = row._asdict()
    count, last = values.pop("count"), values.pop("last")
    del values["number"], values["day"]
    receipt = Receipt(**{**values, "reason": Reason(row.reason), "plugins": tuple(row.plugins)})
    return ReceiptEntry(receipt, count, last)
