"""Publishers' titles and the questions to the owner as rows."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row, delete, select, update

from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import Title, TitleState, TitleTerms
from wylloh_server.storage.films import description_of
from wylloh_server.storage.tables import titles
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from wylloh_server.domain.title import TitleId
    from wylloh_server.domain.types import TokenReference, Wallet
    from wylloh_server.storage.connections import Connections


class TitleRepository:
    """Publishers' titles."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def save(self, title: Title) -> None:
        """Add a title or replace what was known of it."""
        async with self._connections.writing() as connection:
            await upsert(connection, titles, _to_row(title))

    async def save_if(self, title: Title, state: TitleState) -> bool:
        """Replace a title only while it is in this state; False if it is not (any more)."""
        here = update(titles).where((titles.c.id == title.id) & (titles.c.state == state))
        async with self._connections.writing() as connection:
            changed = await connection.execute(here.values(_to_row(title)))
        return bool(changed.rowcount)

    async def get(self, title: TitleId) -> Title | None:
        """Find a title."""
        return await self._one(titles.c.id == title)

    async def by_token(self, token: TokenReference) -> Title | None:
        """Find a title by the token that was chosen for it."""
        return await self._one(titles.c.token == token)

    async def all(self, publisher: Wallet | None = None) -> tuple[Title, ...]:
        """Return every title, or one publisher's, last changed first."""
        wanted = select(titles).order_by(titles.c.changed.desc(), titles.c.id)
        if publisher is not None:
            wanted = wanted.where(titles.c.publisher == publisher)
        async with self._connections.reading() as connection:
            return tuple(_to_title(row) for row in await connection.execute(wanted))

    async def remove(self, title: TitleId) -> None:
        """Delete a title."""
        async with self._connections.writing() as connection:
            await connection.execute(delete(titles).where(titles.c.id == title))

    async def _one(self, condition: ColumnElement[bool]) -> Title | None:
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(titles).where(condition))).one_or_none()
        return None if row is None else _to_title(row)


def _to_row(title: Title) -> dict[str, Any]:
    row = {name: getattr(title, name) for name in titles.c.keys()}  # noqa: SIM118 - not a mapping
    terms = asdict(title.terms)
    # Counts reach 2^256, further than a number in JSON is safe in everybody's hands.
    terms["supply"] = str(title.terms.supply)
    return row | {"description": asdict(title.description), "terms": terms}


def _to_title(row: Row[Any]) -> Title:
    known = row._asdict()
    return Title(
        **{
            **known,
            "description": description_of(known["description"]),
            "state": TitleState(row.state),
            "terms": terms_from_json(known["terms"]),
        }
    )


def terms_from_json(terms: dict[str, Any]) -> TitleTerms:
    """Return terms that were stored with `asdict`."""
    tiers = tuple(Tier(**{**tier, "territories": tuple(tier["territories"])}) for tier in terms["tiers"])
    return TitleTerms(**{**terms, "supply": int(terms["supply"]), "tiers": tiers})
