"""The plugin's tables: who is paid by on-chain events, added up so that pages need not read it all.

Amounts are kept as text: a contract's go up to 2^256, beyond any database's. What is a sum (`balances`) may
be added up in any order; what is a fact has its event's place on chain as its key, so that a reorg takes
away exactly what it undid. Statements use none of it: they are computed from the chain's history each time.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, String, Table
from sqlalchemy.schema import CreateIndex, CreateTable

from wylloh_server.sdk import Migration

_ADDRESS = String(42)
_AMOUNT = String(80)
_HASH = String(66)
_TOKEN = String(250)

_metadata = MetaData()

reading = Table(
    "plugin_royalties_reading",
    _metadata,
    Column("name", String(20), primary_key=True),
    Column("cursor", BigInteger, nullable=False),
)
"""How far the chain's changes are in the tables below."""

receivers = Table(
    "plugin_royalties_receivers",
    _metadata,
    Column("block_hash", _HASH, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("block", BigInteger, nullable=False),
    Column("token", _TOKEN, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("receiver", _ADDRESS, nullable=False),
    Column("coin", _ADDRESS, nullable=True),
)
"""Whom films pay: `royalty` of resales as registered, `sale` of first sales since an offer."""
receivers_by_receiver = Index("plugin_royalties_receivers_by_receiver", receivers.c.receiver)
receivers_by_token = Index("plugin_royalties_receivers_by_token", receivers.c.token)

incomes = Table(
    "plugin_royalties_incomes",
    _metadata,
    Column("block_hash", _HASH, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("receiver", _ADDRESS, nullable=False),
    Column("token", _TOKEN, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("coin", _ADDRESS, nullable=False),
    Column("amount", _AMOUNT, nullable=False),
)
"""What sales in the store brought to whom."""
incomes_by_receiver = Index("plugin_royalties_incomes_by_receiver", incomes.c.receiver)

balances = Table(
    "plugin_royalties_balances",
    _metadata,
    Column("splitter", _ADDRESS, primary_key=True),
    Column("recipient", _ADDRESS, primary_key=True),
    Column("coin", _ADDRESS, primary_key=True),
    Column("credited", _AMOUNT, nullable=False),
    Column("paid", _AMOUNT, nullable=False),
)
"""What splitters set aside for recipients in all, and how much of it they paid."""
balances_by_recipient = Index("plugin_royalties_balances_by_recipient", balances.c.recipient)

MIGRATIONS = (
    Migration(
        "0001_income",
        (
            CreateTable(reading),
            CreateTable(receivers),
            CreateIndex(receivers_by_receiver),
            CreateIndex(receivers_by_token),
            CreateTable(incomes),
            CreateIndex(incomes_by_receiver),
            CreateTable(balances),
            CreateIndex(balances_by_recipient),
        ),
    ),
)
