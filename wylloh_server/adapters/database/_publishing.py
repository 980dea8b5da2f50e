"""Publishers' titles and the questions to the owner as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select, update

from wylloh_server.adapters.database._films import description_of
from wylloh_server.adapters.database._tables import requests, titles
from wylloh_server.adapters.database._upsert import insert_new, upsert
from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import Answer, Request, RequestKind, Terms, Title, TitleState

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Select

    from wylloh_server.adapters.database._connections import Connections
    from wylloh_server.domain.title import RequestId, TitleId
    from wylloh_server.domain.types import TokenReference, Wallet


class TitleTable:
    """Publishers' titles. See `domain.ports.publishing.Titles`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, title: Title) -> None:
        """Add a title or replace what was known of it."""
        async with self._connections.writing() as connection:
            await upsert(connection, titles, _row_of(title))

    async def save_if(self, title: Title, state: TitleState) -> bool:
        """Replace a title only while it is in this state; False if it is not (any more)."""
        here = update(titles).where((titles.c.id == title.id) & (titles.c.state == state))
        async with self._connections.writing() as connection:
            changed = await connection.execute(here.values(_row_of(title)))
        return bool(changed.rowcount)

    async def get(self, title: TitleId) -> Title | None:
        """Find a title."""
        return await self._one(titles.c.id == title)

    async def by_token(self, token: TokenReference) -> Title | None:
        """Find a title by the token that was chosen for it."""
        return await self._one(titles.c.token == token)

    async def all(self, publisher: Wallet | None = None) -> tuple[Title, ...]:
        """Give every title, or one publisher's, last changed first."""
        wanted = select(titles).order_by(titles.c.changed.desc(), titles.c.id)
        if publisher is not None:
            wanted = wanted.where(titles.c.publisher == publisher)
        async with self._connections.reading() as connection:
            return tuple(_title_of(row) for row in await connection.execute(wanted))

    async def remove(self, title: TitleId) -> None:
        """Forget a title."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(titles).where(titles.c.id == title))

    async def _one(self, condition: ColumnElement[bool]) -> Title | None:
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(titles).where(condition))).one_or_none()
        return None if row is None else _title_of(row)


class RequestTable:
    """Questions to the owner. See `domain.ports.publishing.Requests`."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ask(self, request: Request) -> bool:
        """Add a request; False if one of the same kind and subject waits already."""
        row = {**asdict(request), "open_subject": _open_subject(request)}
        async with self._connections.writing() as connection:
            return await insert_new(connection, requests, row)

    async def waiting(self) -> tuple[Request, ...]:
        """Give the requests that wait, oldest first."""
        waiting = select(requests).where(requests.c.answer == Answer.WAITING)
        return await self._some(waiting.order_by(requests.c.asked, requests.c.id))

    async def get(self, request: RequestId) -> Request | None:
        """Find a request."""
        found = await self._some(select(requests).where(requests.c.id == request))
        return found[0] if found else None

    async def of_subject(self, kind: RequestKind, subject: str) -> tuple[Request, ...]:
        """Give every request about something, newest first."""
        about = select(requests).where((requests.c.kind == kind) & (requests.c.subject == subject))
        return await self._some(about.order_by(requests.c.asked.desc(), requests.c.id))

    async def answered(self, limit: int) -> tuple[Request, ...]:
        """Give the last requests that do not wait any more, newest answer first."""
        done = select(requests).where(requests.c.answer != Answer.WAITING)
        return await self._some(done.order_by(requests.c.answered.desc(), requests.c.id).limit(limit))

    async def answer(self, request: Request, answer: Answer) -> bool:
        """Store an answered request; False if it had been answered already, and then nothing changes."""
        waiting = (requests.c.id == request.id) & (requests.c.answer == Answer.WAITING)
        values = {**asdict(request), "answer": answer, "open_subject": None}
        async with self._connections.writing() as connection:
            changed = await connection.execute(update(requests).where(waiting).values(values))
        return bool(changed.rowcount)

    async def _some(self, wanted: Select[Any]) -> tuple[Request, ...]:
        async with self._connections.reading() as connection:
            return tuple(_request_of(row) for row in await connection.execute(wanted))


def _open_subject(request: Request) -> str:
    return f"{request.kind}:{request.subject}"


def _request_of(row: Row[Any]) -> Request:
    known = row._asdict()
    del known["open_subject"]
    return Request(**{**known, "kind": RequestKind(row.kind), "answer": Answer(row.answer)})


def _row_of(title: Title) -> dict[str, Any]:
    row = {name: getattr(title, name) for name in titles.c.keys()}  # noqa: SIM118 - not a mapping
    terms = asdict(title.terms)
    # Counts reach 2^256, further than a number in JSON is safe in everybody's hands.
    terms["supply"] = str(title.terms.supply)
    return row | {"description": asdict(title.description), "terms": terms}


def _title_of(row: Row[Any]) -> Title:
    known = row._asdict()
    terms = known["terms"]
    tiers = tuple(Tier(**{**tier, "territories": tuple(tier["territories"])}) for tier in terms["tiers"])
    return Title(
        **{
            **known,
            "description": description_of(known["description"]),
            "state": TitleState(row.state),
            "terms": Terms(**{**terms, "supply": int(terms["supply"]), "tiers": tiers}),
        }
    )
