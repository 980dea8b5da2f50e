"""The core's tables as they are now. How they came to be is in `migrations/`; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

from wylloh_server.adapters.database._columns import BigCount, TokenText

metadata = MetaData()

# SQLite numbers rows by itself only in a column typed INTEGER.
_row_number = BigInteger().with_variant(Integer, "sqlite")

films = Table(
    "films",
    metadata,
    Column("id", String, primary_key=True),
    Column("token", TokenText, unique=True),
    Column("root", String),
    Column("publisher", String),
    Column("manifest_sha256", String),
    Column("path", String),
    Column("description", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("progress", Double, nullable=False),
    Column("reason", String, nullable=False),
)
"""Either `path` is set (from a folder) or `token` and the three after it (from a chain)."""

locks = Table("locks", metadata, Column("name", String, primary_key=True))
"""Rows that exist to be locked by whoever must decide something alone."""

accounts = Table(
    "accounts",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("role", String, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", String, primary_key=True),
    Column("device", String, nullable=False, index=True),
    Column("wallet", String, nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("created", Double, nullable=False),
    Column("last_seen", Double, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

bindings = Table(
    "bindings",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("device_key", String, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("signed_at", BigInteger, nullable=False),
    Column("signature", String, nullable=False),
)

envelopes = Table(
    "envelopes",
    metadata,
    Column("token", TokenText, primary_key=True),
    Column("wallet", String, primary_key=True),
    Column("right", String, primary_key=True),
    Column("not_after", BigInteger, nullable=False),
    Column("envelope", JSON, nullable=False),
)
"""`envelope` is the whole signed document; the other columns find it."""

receipts = Table(
    "receipts",
    metadata,
    Column("number", _row_number, primary_key=True),
    Column("film", String, nullable=False),
    Column("wallet", String, nullable=False),
    Column("right", String, nullable=False),
    Column("allowed", Boolean, nullable=False),
    Column("reason", String, nullable=False),
    Column("sentence", String, nullable=False),
    Column("at", Double, nullable=False, index=True),
    Column("block", BigInteger),
    Column("contract", String, nullable=False),
    Column("balance", BigCount),
    Column("tier", String, nullable=False),
    Column("missing", BigCount, nullable=False),
    Column("plugins", JSON, nullable=False),
    Index("ix_receipts_film_wallet_at", "film", "wallet", "at"),
)

positions = Table(
    "positions",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("film", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("of", Double, nullable=False),
    Column("updated", Double, nullable=False),
)
