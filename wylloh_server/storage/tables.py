"""The core's tables as they are now. How they came to be is in `migrations/`; a test compares the two."""

from __future__ import annotations

import time

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
    Text,
    false,
    true,
)

from wylloh_server.storage.chain_column_types import TokenBytes
from wylloh_server.storage.column_types import BigCount, TokenText

metadata = MetaData()

# SQLite numbers rows by itself only in a column typed INTEGER.
_row_number = BigInteger().with_variant(Integer, "sqlite")

# By code points, as SQLite and Python compare; PostgreSQL would sort by the rules of a language.
_code_points = String().with_variant(String(collation="C"), "postgresql")

films = Table(
    "films",
    metadata,
    Column("id", String, primary_key=True),
    Column("token", TokenText, unique=True),
    Column("root", String),
    Column("publisher", String),
    Column("manifest_sha256", String),
    Column("path", String),
    Column("file_size", BigInteger),
    Column("file_modified", BigInteger),
    Column("fingerprint", String),
    Column("notes", JSON),
    Column("description", JSON, nullable=False),
    Column("state", String, nullable=False),
    Column("progress", Double, nullable=False),
    Column("reason", String, nullable=False),
    Column("shelf", String, nullable=False),
    Column("title_key", _code_points, nullable=False),
    Column("token_key", TokenBytes, unique=True),
    Index("ix_films_shelf_title_key", "shelf", "title_key", "id"),
    Index("ix_films_shelf_state", "shelf", "state"),
    Index("ix_films_publisher_title_key", "publisher", "title_key", "id"),
    Index("ix_films_title_key", "title_key", "id"),
    Index("ix_films_state", "state"),
    Index("ix_films_root", "root"),
)
"""Either `path` is set (from a folder) or `token` and the three after it (from a chain).

The four columns after `path` tell what was known of the file when it was looked into; rows of older versions
lack them until the next scan.

The last three follow from the others: where the library shows the film (`StoredShelf`), what it is sorted
by, and its token as the chain's tables write it.
"""

successor_packages = Table(
    "successor_packages",
    metadata,
    Column("film", String, primary_key=True),
    Column("root", String, nullable=False, index=True),
    Column("publisher", String, nullable=False),
    Column("manifest_sha256", String, nullable=False),
    Column("state", String, nullable=False),
    Column("progress", Double, nullable=False),
    Column("reason", String, nullable=False),
)
"""What the chain names instead of the package that a film plays from."""

former_packages = Table(
    "former_packages",
    metadata,
    Column("film", String, primary_key=True),
    Column("root", String, primary_key=True, index=True),
    Column("publisher", String, nullable=False),
    Column("manifest_sha256", String, nullable=False),
    Column("since", Double, nullable=False),
)
"""Packages that a film played from before; `since` when another one plays."""

film_choices = Table(
    "film_choices",
    metadata,
    Column("film", String, primary_key=True),
    Column("keep", Boolean, nullable=False, server_default=false()),
    Column("consent", String),
)
"""What the owner chose about a film: to `keep` the package that plays; `consent` (a `FetchConsent`) to fetch
one whose tokens were sent to somebody here."""

locks = Table("locks", metadata, Column("name", String, primary_key=True))
"""Rows that exist to be locked by anybody who must decide something alone."""

accounts = Table(
    "accounts",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("since", Double, default=time.time),
    Column("self_admitted", Boolean, nullable=False, server_default=false()),
    Column("name", String, nullable=False, server_default=""),
)
"""`since` is when the wallet was first let in, NULL for those of versions that did not note it;
`self_admitted` whether it came by itself, where the server admits anyone; `name` may be empty."""

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
    Column("address", String, nullable=False, server_default=""),
    Column("signed", Double, nullable=False, server_default="0"),
    Column("let_in_by", String, nullable=False, server_default="", index=True),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
)

voting_plugins = Table("voting_plugins", metadata, Column("name", String, primary_key=True))

bindings = Table(
    "bindings",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("device_key", String, nullable=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("uri", String, nullable=False),
    Column("nonce", String, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("signature", String, nullable=False),
)

binding_revocations = Table(
    "binding_revocations",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("device_key", String, primary_key=True),
    Column("issued_at", BigInteger, nullable=False),
    Column("stranger", Boolean, nullable=False, server_default=false()),
    Index("ix_binding_revocations_stranger", "stranger", "issued_at"),
)
"""`device_key` is empty where every server is meant."""

holder_servers = Table(
    "holder_servers",
    metadata,
    Column("token", TokenText, primary_key=True),
    Column("wallet", String, primary_key=True),
    Column("device_key", String, primary_key=True),
    Column("uri", String, nullable=False),
    Column("last", Double, nullable=False),
    Index("ix_holder_servers_wallet", "wallet"),
    Index("ix_holder_servers_last", "last"),
)
"""What this server, as custodian, released to which servers."""

envelopes = Table(
    "envelopes",
    metadata,
    Column("token", TokenText, primary_key=True),
    Column("wallet", String, primary_key=True),
    Column("right", String, primary_key=True),
    Column("not_after", BigInteger, nullable=False),
    Column("envelope", JSON, nullable=False),
    Column("refused", Boolean, nullable=False, server_default=false()),
    Column("custodian", String, nullable=False, server_default=""),
    Column("asked_at", BigInteger),
)
"""`envelope` is the whole signed document; the other columns find it. One that is `refused` lets nobody begin
to watch: its wallet was last seen to hold too little. `custodian` is the address that sent it, empty for
those of versions that did not note it; `asked_at` a block at which the chain was asked about the wallet."""

key_faults = Table(
    "key_faults",
    metadata,
    Column("token", TokenText, primary_key=True),
    Column("custodian", String, primary_key=True),
    Column("at", Double, nullable=False),
    Column("message", String, nullable=False),
)
"""`custodian` is the address of the server that sent a wrong key; empty for this server itself."""

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
    Column("count", BigInteger, nullable=False),
    Column("last", Double, nullable=False, index=True),
    Column("day", Integer),
    Index("ix_receipts_day_allowed", "day", "allowed"),
    Index("ix_receipts_asked_on_day", "film", "wallet", "allowed", "day", unique=True),
    Index("ix_receipts_film_wallet_at", "film", "wallet", "at"),
    Index("ix_receipts_wallet_last", "wallet", "last"),
)
"""A decision taken `count` times in a row, first `at` and not again after `last`.

`day` is set where other servers asked (days since 1970, UTC): a film's and wallet's of a day share a row.
"""

media_indexes = Table(
    "media_indexes",
    metadata,
    Column("film", String, primary_key=True),
    Column("content", String, nullable=False),
    Column("probe", JSON, nullable=False),
    Column("streams", JSON, nullable=False),
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

player_preferences = Table(
    "player_preferences",
    metadata,
    Column("wallet", String, primary_key=True),
    Column("audio_language", String),
    Column("audio_name", String),
    Column("subtitle_language", String),
    Column("subtitle_name", String),
    Column("subtitles_off", Boolean, nullable=False),
    Column("volume", Double, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("subtitle_size", String, nullable=False),
    Column("subtitle_background", String, nullable=False),
)
"""What a wallet chose in the player; language and name of a track are NULL where it never chose one."""

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
    Column("message", String, nullable=False),
    Column("link", String, nullable=False),
    Column("finished", Double),
    Column("arguments", JSON, nullable=False),
    Column("subject_kind", String),
    Column("subject_id", String),
    Column("open_subject", String),
    Column("attempts", BigInteger, nullable=False, server_default="0"),
    Column("pause", Double, nullable=False, server_default="0"),
    Column("retry_at", Double),
    Index("ix_tasks_open_subject", "open_subject", unique=True),
)
"""`open_subject` is `<kind>:<subject>` until a task has ended, so that nothing is done twice at once."""

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
    Column("message", String, nullable=False),
    Column("asked", Double, nullable=False),
    Column("answer", String, nullable=False),
    Column("answered_by", String),
    Column("answered", Double, index=True),
    Column("note", String, nullable=False),
    Column("open_subject", String, unique=True),
    Column("seen", Boolean, nullable=False, server_default=true()),
    Column("files", JSON(none_as_null=True)),
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
    Column("claimed_by", String),
    Column("claimed_until", Double),
    Column("claimed_step", BigInteger),
    Column("claimed_first", Boolean),
    Index("ix_transactions_wallet_created", "wallet", "created"),
)
"""`sent` counts `hashes`. The columns named `trail_…` are empty until the wallet was asked for a call,
those named `claimed_…` while nobody asks the wallet for the step."""

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

terms_of_use = Table(
    "terms_of_use",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("text", Text, nullable=False),
    Column("changed", Double, nullable=False),
)
"""One row, once the owner has written any."""
