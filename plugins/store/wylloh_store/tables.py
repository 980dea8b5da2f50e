"""The plugin's tables.

Numbers of tokens and coins are kept as text: a contract's go up to 2^256, beyond any database's. What is a
sum (`minted`, `in_store`, `sold`, what remains of a listing) may be added up in any order; what is a fact
has its event's place on chain as its key, so that a reorg takes away exactly what it undid.
"""

from __future__ import annotations

from sqlalchemy import JSON, BigInteger, Column, Double, Index, Integer, MetaData, String, Table, delete
from sqlalchemy.schema import CreateIndex, CreateTable, DropTable

from wylloh_server.sdk import Migration

_NUMBER = String(80)
"""A whole number below 2^256 and its sign."""

_metadata = MetaData()

reading = Table(
    "plugin_store_reading",
    _metadata,
    Column("name", String(20), primary_key=True),
    Column("cursor", BigInteger, nullable=False),
)
"""How far the chain's changes are in the tables below."""

sums = Table(
    "plugin_store_sums",
    _metadata,
    Column("token", String(250), primary_key=True),
    Column("minted", _NUMBER, nullable=False),
    Column("in_store", _NUMBER, nullable=False),
    Column("sold", _NUMBER, nullable=False),
)

listings = Table(
    "plugin_store_listings",
    _metadata,
    Column("listing", _NUMBER, primary_key=True),
    Column("token", String(250), nullable=False),
    Column("remaining", _NUMBER, nullable=False),
)
listings_by_token = Index("plugin_store_listings_by_token", listings.c.token)

facts = Table(
    "plugin_store_facts",
    _metadata,
    Column("block_hash", String(66), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("token", String(250), nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("at", Double, nullable=False),
    Column("said", JSON, nullable=False),
)
"""Films, ladders, offers and listings, with the fields of their events; the newest of a kind holds."""
facts_by_token = Index("plugin_store_facts_by_token", facts.c.token)

names = Table(
    "plugin_store_names",
    _metadata,
    Column("viewer", String(42), primary_key=True),
    Column("address", String(42), primary_key=True),
    Column("name", String(80), nullable=False),
)

MIGRATIONS = (
    Migration(
        "0001_catalogue",
        (
            CreateTable(reading),
            CreateTable(sums),
            CreateTable(listings),
            CreateIndex(listings_by_token),
            CreateTable(facts),
            CreateIndex(facts_by_token),
        ),
    ),
    Migration("0002_names", (CreateTable(names),)),
    # What the publisher has sold was not counted before: the chain's history is read again.
    Migration(
        "0003_sold", (delete(reading), delete(listings), delete(facts), DropTable(sums), CreateTable(sums))
    ),
)
