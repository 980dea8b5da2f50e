"""Pages of the library without reading every film; receipts that count repeated decisions."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_TOKEN = re.compile(r"eip155:(\d+)/erc1155:0x([0-9a-f]{40})/(\d+)")
_AT_ONCE = 1000

_films = sa.table(
    "films",
    *(sa.column(name) for name in ("id", "token", "state", "shelf", "title_key", "token_key")),
    sa.column("description", sa.JSON()),
)


def upgrade() -> None:
    """Add the columns, fill them from the films there are, and index them."""
    title_key = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    with op.batch_alter_table("films") as table:
        table.add_column(sa.Column("shelf", sa.String(), nullable=False, server_default=""))
        table.add_column(sa.Column("title_key", title_key, nullable=False, server_default=""))
        table.add_column(sa.Column("token_key", sa.LargeBinary()))
    _fill()
    with op.batch_alter_table("films") as table:
        table.alter_column("shelf", server_default=None)
        table.alter_column("title_key", server_default=None)
        table.create_unique_constraint("uq_films_token_key", ["token_key"])
        table.create_index("ix_films_shelf_title_key", ["shelf", "title_key", "id"])
        table.create_index("ix_films_publisher_title_key", ["publisher", "title_key", "id"])
        table.create_index("ix_films_shelf_state", ["shelf", "state"])
        table.create_index("ix_films_title_key", ["title_key", "id"])
        table.create_index("ix_films_state", ["state"])
    with op.batch_alter_table("receipts") as table:
        table.add_column(sa.Column("count", sa.BigInteger(), nullable=False, server_default="1"))
        table.add_column(sa.Column("last", sa.Double(), nullable=False, server_default="0"))
    op.execute(sa.text("UPDATE receipts SET last = at"))
    with op.batch_alter_table("receipts") as table:
        table.alter_column("count", server_default=None)
        table.alter_column("last", server_default=None)
        table.create_index("ix_receipts_last", ["last"])
        table.create_index("ix_receipts_wallet_last", ["wallet", "last"])


def _fill() -> None:
    connection = op.get_bind()
    found = connection.execute(sa.select(_films.c.id, _films.c.token, _films.c.state, _films.c.description))
    rows = [_derived(row) for row in found]
    change = (
        sa.update(_films)
        .where(_films.c.id == sa.bindparam("film"))
        .values({name: sa.bindparam(f"new_{name}") for name in ("shelf", "title_key", "token_key")})
    )
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(change, rows[start : start + _AT_ONCE])


def _derived(row: Any) -> dict[str, Any]:
    token = _TOKEN.fullmatch(row.token) if row.token else None
    shelf = "broken" if row.state == "failed" else "token" if row.token else "folder"
    # The form of storage.chain_column_types: chain id, contract and token id at fixed widths.
    key = token and int(token[1]).to_bytes(8, "big") + bytes.fromhex(token[2]) + int(token[3]).to_bytes(
        32, "big"
    )
    return {
        "film": row.id,
        "new_shelf": shelf,
        "new_title_key": row.description["title"].casefold(),
        "new_token_key": key,
    }
