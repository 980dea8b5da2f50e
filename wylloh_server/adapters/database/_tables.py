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

tasks = Table(
    "tasks",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("title", String, nullable=False),
    Column("wallet", String, index=True),
    Column("state", String, nullable=False),
    Column("started", Double, nullable=False),
    Column("done", BigInteger, nullable=False),
    Column("total", BigInteger, nullable=False),
    Column("says", String, nullable=False),
    Column("link", String, nullable=False),
    Column("finished", Double),
    Column("arguments", JSON, nullable=False),
)

titles = Table(
    "titles",
    metadata,
    Column("id", String, primary_key=True),
    Column("publisher", String, nullable=False, index=True),
    Column("description", JSON, nullable=False),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    Column("state", String, nullable=False),
    Column("terms", JSON, nullable=False),
    Column("note", String, nullable=False),
    Column("token", TokenText, unique=True),
    Column("staged", Boolean, nullable=False),
    Column("root", String),
)

requests = Table(
    "requests",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("wallet", String, nullable=False),
    Column("says", String, nullable=False),
    Column("asked", Double, nullable=False),
    Column("answer", String, nullable=False),
    Column("answered_by", String),
    Column("answered", Double, index=True),
    Column("note", String, nullable=False),
    Column("open_subject", String, unique=True),
)
"""`open_subject` is `<kind>:<subject>` while a request waits, so that nothing is asked twice at once."""

transactions = Table(
    "transactions",
    metadata,
    Column("id", String, primary_key=True),
    Column("wallet", String, nullable=False),
    Column("plugin", String, nullable=False),
    Column("proposal", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("hashes", JSON, nullable=False),
    Column("sent", BigInteger, nullable=False),
    Column("created", Double, nullable=False),
    Column("changed", Double, nullable=False),
    Column("block", BigInteger),
    Column("reason", String, nullable=False),
    Column("signatures", JSON, nullable=False),
    Column("trail_asked", Double),
    Column("trail_block", BigInteger),
    Column("trail_nonce", BigInteger),
    Column("trail_exact", BigInteger),
    Column("final", Boolean, nullable=False, index=True),
    Index("ix_transactions_wallet_created", "wallet", "created"),
)
"""`sent` counts `hashes`. The columns named `trail_…` are all empty until the wallet was asked for a call."""

transaction_hashes = Table(
    "transaction_hashes",
    metadata,
    Column("hash", String, primary_key=True),
    Column("transaction", String, nullable=False, index=True),
)
"""To which transaction a hash belongs: what was sent once must not count twice."""

stack_groups = Table(
    "stack_groups",
    metadata,
    Column("id", String, primary_key=True),
    Column("wallet", String, nullable=False),
    Column("film", String, nullable=False),
    Column("name", String, nullable=False),
    Column("count", BigCount, nullable=False),
    Column("made", Double, nullable=False),
    Index("ix_stack_groups_wallet_film", "wallet", "film"),
)
