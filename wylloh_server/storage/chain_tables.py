"""The tables of the chain's history. How they came to be is in `migrations/`; a test compares the two."""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Boolean, Column, Double, Index, Integer, String, Table, text

from wylloh_server.storage.chain_column_types import HexBytes, SortedCount, TokenBytes
from wylloh_server.storage.tables import metadata

# In SQLite a column typed INTEGER is the row's own number, which every index holds anyway.
_rowid = BigInteger().with_variant(Integer, "sqlite")

state = Table(
    "chain_state",
    metadata,
    Column("name", String, primary_key=True),
    Column("subject", String, nullable=False),
    Column("step", BigInteger, nullable=False),
    Column("final", BigInteger),
    Column("head", BigInteger),
    Column("complete", Boolean, nullable=False),
    Column("kinds", JSON, nullable=False),
)
"""One row. `step` numbers every event that came to be known and every one that was taken back.

`complete` is set once the newest block was reached: before that, the projections say too little. `kinds` are
those events that were recorded from the first block on; a later version may know more.
"""

blocks = Table(
    "chain_blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", HexBytes, nullable=False),
    Column("at", Double, nullable=False),
    Column("eventful", Boolean, nullable=False),
)
"""Headers by which a reorg is detected: blocks with events for good, others until a newer is final."""

splitters = Table(
    "chain_splitters",
    metadata,
    Column("address", HexBytes, primary_key=True),
    Column("block", BigInteger, nullable=False),
)
"""Splitters that are followed, each with the block in which it was first named."""


def _live(name: str, *columns: str, condition: str = "removed IS NULL") -> Index:
    """Make an index that leaves out what a reorg took back: nobody asks for that by these columns."""
    where = text(condition)
    return Index(f"ix_chain_events_{name}", *columns, sqlite_where=where, postgresql_where=where)


events = Table(
    "chain_events",
    metadata,
    Column("sequence", _rowid, primary_key=True, autoincrement=False),
    Column("removed", BigInteger),
    Column("kind", String, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("block_hash", HexBytes, nullable=False),
    Column("transaction", HexBytes, nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("token", TokenBytes),
    Column("contract", HexBytes),
    Column("payload", JSON, nullable=False),
    _live("place", "block", "log_index"),
    _live("kind", "kind", "block", "log_index"),
    _live("token", "token", "kind", "block", "log_index", condition="token IS NOT NULL AND removed IS NULL"),
    _live("contract", "contract", "block", "log_index", condition="contract IS NOT NULL AND removed IS NULL"),
    _live("removed", "removed", condition="removed IS NOT NULL"),
)
"""Facts. `sequence` is the step at which one came to be known, `removed` that at which it was taken back."""

parties = Table(
    "chain_parties",
    metadata,
    Column("wallet", HexBytes, primary_key=True),
    Column("event", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Which wallets took part in which facts."""

balances = Table(
    "chain_balances",
    metadata,
    Column("token", TokenBytes, primary_key=True),
    Column("wallet", HexBytes, primary_key=True),
    Column("amount", SortedCount, nullable=False),
    Index("ix_chain_balances_amount", "token", "amount"),
    Index("ix_chain_balances_wallet", "wallet"),
    sqlite_with_rowid=False,
)
"""Who holds what by the facts that hold now; nobody with nothing."""

films = Table(
    "chain_films",
    metadata,
    Column("token", TokenBytes, primary_key=True),
    Column("step", BigInteger, nullable=False, index=True),
    Column("publisher", HexBytes),
    Column("max_supply", SortedCount),
    Column("root", String),
    Column("manifest_sha256", String),
    Column("ladder", JSON(none_as_null=True)),
)
"""What the registry says of each film by the events that hold now; `step` is when that last changed.

A column is empty where the event that fills it is unknown: it stands before the first block read, or it
could not be decoded.
"""

coins = Table(
    "coins",
    metadata,
    Column("address", HexBytes, primary_key=True),
    Column("symbol", String, nullable=False),
    Column("decimals", Integer, nullable=False),
    Column("permits", Boolean, nullable=False),
)
