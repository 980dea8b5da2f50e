"""The plugin's tables. Wallets are kept as 20 bytes; sums of coins as text, as they may be beyond 64 bits.

Without row ids SQLite keeps rows in the order of their key: half the space, and neighbours are read quickly.
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.schema import CreateIndex, CreateTable

from wylloh_analytics.totals import FLOW
from wylloh_server.sdk import Migration

_metadata = MetaData()


state = Table(
    "plugin_analytics_state",
    _metadata,
    Column("name", String(16), primary_key=True),
    Column("cursor", BigInteger, nullable=False),
    Column("counted", BigInteger, nullable=False),
    Column("rules", String(64), nullable=False),
    Column("whole", Boolean, nullable=False),
)
"""One row; see `totals_store.Checkpoint`."""

films = Table(
    "plugin_analytics_films",
    _metadata,
    Column("token", String(250), primary_key=True),
    Column("scope", Integer, nullable=False),
    Column("publisher", String(42)),
    Column("publisher_scope", Integer),
)

ladders = Table(
    "plugin_analytics_ladders",
    _metadata,
    Column("scope", Integer, primary_key=True),
    Column("block", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("day", Integer, nullable=False),
    Column("tiers", JSON, nullable=False),
)
"""Every ladder a film has had; `number` orders those of one block."""

standings = Table(
    "plugin_analytics_standings",
    _metadata,
    Column("wallet", LargeBinary(20), primary_key=True),
    Column("scope", Integer, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    Column("got", Integer, nullable=False),
    Column("lots", JSON(none_as_null=True)),
    sqlite_with_rowid=False,
)

flow = Table(
    "plugin_analytics_flow",
    _metadata,
    Column("scope", Integer, primary_key=True),
    Column("grain", Integer, primary_key=True),
    Column("start", Integer, primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in FLOW),
    sqlite_with_rowid=False,
)

sizes = Table(
    "plugin_analytics_sizes",
    _metadata,
    Column("scope", Integer, primary_key=True),
    Column("grain", Integer, primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("tokens", BigInteger, primary_key=True),
    Column("wallets", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

spans = Table(
    "plugin_analytics_spans",
    _metadata,
    Column("scope", Integer, primary_key=True),
    Column("left", Integer, primary_key=True),
    Column("came", Integer, primary_key=True),
    Column("tokens", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

money = Table(
    "plugin_analytics_money",
    _metadata,
    Column("scope", Integer, primary_key=True),
    Column("grain", Integer, primary_key=True),
    Column("start", Integer, primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("coin", String(42), primary_key=True),
    Column("amount", String(90), nullable=False),
    sqlite_with_rowid=False,
)

undo = Table(
    "plugin_analytics_undo",
    _metadata,
    Column("block", BigInteger, primary_key=True),
    Column("hash", String(66), nullable=False),
    Column("counted", JSON, nullable=False),
)
"""What each block that a reorg may still take back has changed."""

plays = Table(
    "plugin_analytics_plays",
    _metadata,
    Column("film", String(32), primary_key=True),
    Column("day", Integer, primary_key=True),
    Column("begun", BigInteger, nullable=False),
    Column("told", BigInteger, nullable=False),
    Column("finished", BigInteger, nullable=False),
    Column("permille", BigInteger, nullable=False),
)
"""How often a film was played on a day: never by whom."""

history = Table(
    "plugin_analytics_history",
    _metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("wallet", String(42), nullable=False),
    Column("film", String(32), nullable=False),
    Column("ended", Double, nullable=False),
    Column("watched", Double),
)
"""What somebody watched; only where the household has turned that on."""

_history_by_wallet = Index("plugin_analytics_history_by_wallet", history.c.wallet, history.c.ended)

SUMS = (films, ladders, standings, flow, sizes, spans, money, undo)
"""What a rebuild makes from the chain."""

MIGRATIONS = (
    Migration("0001_chain", (CreateTable(state), *(CreateTable(table) for table in SUMS))),
    Migration("0002_viewing", (CreateTable(plays), CreateTable(history), CreateIndex(_history_by_wallet))),
)
