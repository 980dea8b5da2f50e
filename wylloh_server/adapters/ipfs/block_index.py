"""What the block store knows about its files: size, last use, and which package each block belongs to.

SQLite with a rollback journal, because two processes may use one folder. Nothing in here is precious: it is
worked out again from the files when it is missing or damaged, so it is written without waiting for the disk.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import StoreFull
from wylloh_server.domain.types import Cid

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

_BUSY_SECONDS = 30.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks (
  cid TEXT PRIMARY KEY, size INTEGER NOT NULL, used REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS blocks_by_use ON blocks (used);
CREATE TABLE IF NOT EXISTS roots (
  root TEXT PRIMARY KEY, complete INTEGER NOT NULL, since REAL NOT NULL, loose INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS members (cid TEXT, root TEXT, PRIMARY KEY (cid, root)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_root ON members (root);
CREATE TABLE IF NOT EXISTS total (bytes INTEGER NOT NULL);
INSERT INTO total SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM total);
CREATE TRIGGER IF NOT EXISTS added AFTER INSERT ON blocks
BEGIN UPDATE total SET bytes = bytes + new.size; END;
CREATE TRIGGER IF NOT EXISTS gone AFTER DELETE ON blocks
BEGIN UPDATE total SET bytes = bytes - old.size; END;
"""
_UNPROTECTED = """
FROM blocks WHERE NOT EXISTS (
  SELECT 1 FROM members JOIN roots USING (root) WHERE members.cid = blocks.cid AND NOT roots.loose
)
"""
"""Blocks that belong to no package, or only to loose ones: they go when room is needed."""


class BlockIndex:
    """The index of one block store. Everything blocks: call it from a thread; any thread will do."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = _opened(path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def total(self) -> int:
        """Return how many bytes all blocks take."""
        return int(self._rows("SELECT bytes FROM total")[0][0])

    def add(self, blocks: Iterable[tuple[str, int, float]]) -> None:
        """Record blocks that are there: name, bytes, last use."""
        with self._changing() as connection:
            connection.executemany("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?)", blocks)

    def touch(self, used: Mapping[str, float]) -> None:
        """Record when blocks were last read."""
        with self._changing() as connection:
            updates = [(when, cid) for cid, when in used.items()]
            connection.executemany("UPDATE blocks SET used = ? WHERE cid = ?", updates)

    def remove(self, cids: Iterable[str]) -> None:
        """Record that blocks are gone; packages they belong to are no longer complete."""
        with self._changing() as connection:
            for cid in cids:
                connection.execute("DELETE FROM blocks WHERE cid = ?", (cid,))
                connection.execute(
                    "UPDATE roots SET complete = 0 WHERE root IN (SELECT root FROM members WHERE cid = ?)",
                    (cid,),
                )

    def evict(self, wanted: int) -> tuple[list[Cid], list[Cid]]:
        """Take the longest unused blocks that no package keeps, `wanted` bytes of them or all.

        Gives them, and the loose packages that are no longer complete without them.
        """
        victims, broken, freed = [], set(), 0
        oldest = f"SELECT cid, size {_UNPROTECTED} ORDER BY used LIMIT 256"
        with self._changing() as connection:
            while freed < wanted:
                batch = connection.execute(oldest).fetchall()
                if not batch:
                    break
                for cid, size in batch:
                    if freed >= wanted:
                        break
                    broken.update(_taken_out(connection, cid))
                    victims.append(Cid(cid))
                    freed += size
        return victims, sorted(broken)

    def unprotected(self) -> int:
        """Return how many bytes could be evicted."""
        return int(self._rows(f"SELECT coalesce(sum(size), 0) {_UNPROTECTED}")[0][0])

    def stored_bytes(self, roots: Sequence[str]) -> int:
        """Return how many bytes the blocks of some packages take, in each of them."""
        query = """SELECT coalesce(sum(size), 0) FROM members JOIN blocks USING (cid)
            WHERE root IN (SELECT value FROM json_each(?))"""
        return int(self._rows(query, json.dumps(list(roots)))[0][0])

    def sizes(self, roots: Sequence[str]) -> dict[str, int]:
        """Return how many bytes the blocks of each of some packages take."""
        query = """SELECT root, sum(size) FROM members JOIN blocks USING (cid)
            WHERE root IN (SELECT value FROM json_each(?)) GROUP BY root"""
        return {root: int(size) for root, size in self._rows(query, json.dumps(list(roots)))}

    def loosen(self, roots: Collection[str]) -> None:
        """Mark these complete packages as loose, and all other complete ones as kept."""
        known = self._rows("SELECT root, loose FROM roots WHERE complete")
        changed = [(root in roots, root) for root, loose in known if bool(loose) != (root in roots)]
        if changed:
            with self._changing() as connection:
                connection.executemany("UPDATE roots SET loose = ? WHERE root = ?", changed)

    def known(self) -> set[str]:
        """Return the names of all blocks noted."""
        return {cid for (cid,) in self._rows("SELECT cid FROM blocks")}

    def adopt(self, root: str, cids: Iterable[str], *, loose: bool = False) -> None:
        """Record that blocks belong to a package, present or not.

        That protects them from eviction, but not where the package is `loose`. One that was kept before stays
        so, and one that was loose is kept from now on where this call asks for it.
        """
        with self._changing() as connection:
            now = time.time()
            connection.execute("INSERT OR IGNORE INTO roots VALUES (?, 0, ?, ?)", (root, now, loose))
            if not loose:
                connection.execute("UPDATE roots SET loose = 0 WHERE root = ? AND loose", (root,))
            connection.executemany(
                "INSERT OR IGNORE INTO members VALUES (?, ?)", [(cid, root) for cid in cids]
            )

    def members(self, root: str) -> list[Cid]:
        """Return the blocks noted of a package."""
        return [Cid(cid) for (cid,) in self._rows("SELECT cid FROM members WHERE root = ?", root)]

    def complete(self, root: str) -> None:
        """Record that all of a package is here."""
        with self._changing() as connection:
            connection.execute("UPDATE roots SET complete = 1 WHERE root = ?", (root,))

    def forget(self, root: str) -> None:
        """Release a package: its blocks may be evicted."""
        with self._changing() as connection:
            connection.execute("DELETE FROM roots WHERE root = ?", (root,))
            connection.execute("DELETE FROM members WHERE root = ?", (root,))

    def discard(self, root: str) -> list[Cid]:
        """Take a package out, and those of its blocks that belong to no other one."""
        own = """SELECT cid FROM members WHERE root = ? AND NOT EXISTS
            (SELECT 1 FROM members AS other WHERE other.cid = members.cid AND other.root != members.root)"""
        with self._changing() as connection:
            gone = [Cid(cid) for (cid,) in connection.execute(own, (root,))]
            connection.executemany("DELETE FROM blocks WHERE cid = ?", [(cid,) for cid in gone])
            connection.execute("DELETE FROM roots WHERE root = ?", (root,))
            connection.execute("DELETE FROM members WHERE root = ?", (root,))
        return gone

    def roots(self) -> dict[str, tuple[bool, float]]:
        """Return each package: whether it is complete, and since when it is noted."""
        rows = self._rows("SELECT root, complete, since FROM roots")
        return {root: (bool(complete), since) for root, complete, since in rows}

    def is_complete(self, root: str) -> bool:
        """Return whether a package is complete."""
        return bool(self._rows("SELECT 1 FROM roots WHERE root = ? AND complete", root))

    def is_published(self, cid: str) -> bool:
        """Return whether a block belongs to a complete package."""
        query = "SELECT 1 FROM members JOIN roots USING (root) WHERE cid = ? AND complete LIMIT 1"
        return bool(self._rows(query, cid))

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(query, values).fetchall()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        """Change several things or none. The lock is taken at once: two processes wait for each other."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException as error:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                    raise StoreFull(
                        "The disk is full; the index of the block store cannot grow.",
                        fix="Free some space. The pull then goes on where it was.",
                    ) from error
                raise


def _taken_out(connection: sqlite3.Connection, cid: str) -> list[Cid]:
    """Delete a block, and return the packages that were complete with it."""
    connection.execute("DELETE FROM blocks WHERE cid = ?", (cid,))
    whole = """UPDATE roots SET complete = 0
        WHERE complete AND root IN (SELECT root FROM members WHERE cid = ?) RETURNING root"""
    return [Cid(root) for (root,) in connection.execute(whole, (cid,))]


def _opened(path: Path) -> sqlite3.Connection:
    try:
        return _connected(path)
    except sqlite3.OperationalError:
        # No permission, no room, or another process holds it: damage looks different.
        raise
    except sqlite3.DatabaseError:
        # Another process may still hold the damaged file: set it aside rather than overwrite it.
        path.replace(path.with_suffix(".damaged"))
        path.with_name(path.name + "-journal").unlink(missing_ok=True)
        return _connected(path)


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        _check(connection)
        _add_column(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
        raise sqlite3.DatabaseError("the index is damaged")


def _add_column(connection: sqlite3.Connection) -> None:
    """Bring an index that an earlier version made up to date."""
    columns = {row[1] for row in connection.execute("PRAGMA table_info(roots)")}
    if "loose" not in columns:
        # Another process may be doing the same.
        with contextlib.suppress(sqlite3.OperationalError):
            connection.execute("ALTER TABLE roots ADD COLUMN loose INTEGER NOT NULL DEFAULT 0")
