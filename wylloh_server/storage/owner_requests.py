"""Requests to the owner and their answers, stored as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select, update

from wylloh_server.domain.title import Answer, OwnerRequest, OwnerRequestKind, SubmittedFile
from wylloh_server.storage.tables import requests
from wylloh_server.storage.upsert import insert_new

if TYPE_CHECKING:
    from sqlalchemy import Select

    from wylloh_server.domain.title import OwnerRequestId
    from wylloh_server.domain.types import Wallet
    from wylloh_server.storage.connections import Connections


class OwnerRequestRepository:
    """Questions to the owner and their answers; only what its asker took back unanswered is ever deleted."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ask(self, request: OwnerRequest) -> bool:
        """Add a request; False if one of the same kind and subject waits already.

        It takes the place of those about the same subject that were withdrawn before anybody answered.
        """
        row = {**asdict(request), "open_subject": _open_subject(request)}
        about = (requests.c.kind == request.kind) & (requests.c.subject == request.subject)
        unanswered = (requests.c.answer == Answer.WITHDRAWN) & requests.c.answered_by.is_(None)
        async with self._connections.writing() as connection:
            await connection.execute(delete(requests).where(about & unanswered))
            return await insert_new(connection, requests, row)

    async def waiting(self) -> tuple[OwnerRequest, ...]:
        """Return the requests that wait, oldest first."""
        waiting = select(requests).where(requests.c.answer == Answer.WAITING)
        return await self._some(waiting.order_by(requests.c.asked, requests.c.id))

    async def get(self, request: OwnerRequestId) -> OwnerRequest | None:
        """Find a request."""
        found = await self._some(select(requests).where(requests.c.id == request))
        return found[0] if found else None

    async def of_subject(self, kind: OwnerRequestKind, subject: str) -> tuple[OwnerRequest, ...]:
        """Return every request about something, newest first."""
        about = select(requests).where((requests.c.kind == kind) & (requests.c.subject == subject))
        return await self._some(about.order_by(requests.c.asked.desc(), requests.c.id))

    async def answered(self, limit: int) -> tuple[OwnerRequest, ...]:
        """Return the last requests that do not wait any more, newest answer first."""
        done = select(requests).where(requests.c.answer != Answer.WAITING)
        return await self._some(done.order_by(requests.c.answered.desc(), requests.c.id).limit(limit))

    async def unseen(self, wallet: Wallet) -> tuple[OwnerRequest, ...]:
        """Return a wallet's requests whose answer, by somebody else, it has not seen; oldest first."""
        theirs = (requests.c.wallet == wallet) & (requests.c.answered_by != wallet) & ~requests.c.seen
        answered = select(requests).where(theirs & (requests.c.answer != Answer.WAITING))
        return await self._some(answered.order_by(requests.c.answered, requests.c.id))

    async def mark_seen(self, wallet: Wallet, kind: OwnerRequestKind, subject: str) -> bool:
        """Record that a wallet has seen the answers about something; False if it had."""
        about = (requests.c.kind == kind) & (requests.c.subject == subject)
        theirs = (requests.c.wallet == wallet) & (requests.c.answer != Answer.WAITING) & ~requests.c.seen
        async with self._connections.writing() as connection:
            changed = await connection.execute(update(requests).where(about & theirs).values(seen=True))
        return bool(changed.rowcount)

    async def answer(self, request: OwnerRequest, answer: Answer) -> bool:
        """Store an answered request; False if it had been answered already, and then nothing changes."""
        waiting = (requests.c.id == request.id) & (requests.c.answer == Answer.WAITING)
        values = {**asdict(request), "answer": answer, "open_subject": None}
        async with self._connections.writing() as connection:
            changed = await connection.execute(update(requests).where(waiting).values(values))
        return bool(changed.rowcount)

    async def _some(self, wanted: Select[Any]) -> tuple[OwnerRequest, ...]:
        async with self._connections.reading() as connection:
            return tuple(_to_request(row) for row in await connection.execute(wanted))


def _open_subject(request: OwnerRequest) -> str:
    return f"{request.kind}:{request.subject}"


def _to_request(row: Row[Any]) -> OwnerRequest:
    known = row._asdict()
    del known["open_subject"]
    files = None if row.files is None else tuple(SubmittedFile(**file) for file in row.files)
    kind, answer = OwnerRequestKind(row.kind), Answer(row.answer)
    return OwnerRequest(**{**known, "kind": kind, "answer": answer, "files": files})
