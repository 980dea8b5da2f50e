"""The terms of use that the owner of this server has written, as a row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from wylloh_server.domain.types import Timestamp
from wylloh_server.storage.tables import terms_of_use
from wylloh_server.storage.upsert import upsert

if TYPE_CHECKING:
    from wylloh_server.storage.connections import Connections

_ONLY = 1


@dataclass(frozen=True, slots=True)
class TermsOfUse:
    """The text and when it was changed last; an empty one at moment 0 while nobody has written any."""

    text: str = ""
    changed: Timestamp = Timestamp(0)


class TermsOfUseRepository:
    """The newest terms; earlier ones are not kept."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def get(self) -> TermsOfUse:
        """Return the terms."""
        async with self._connections.reading() as connection:
            row = (await connection.execute(select(terms_of_use))).one_or_none()
        return TermsOfUse() if row is None else TermsOfUse(row.text, Timestamp(row.changed))

    async def save(self, terms: TermsOfUse) -> None:
        """Replace the terms."""
        row = {"id": _ONLY, "text": terms.text, "changed": terms.changed}
        async with self._connections.writing() as connection:
            await upsert(connection, terms_of_use, row)
