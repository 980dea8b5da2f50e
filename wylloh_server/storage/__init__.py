"""What the server remembers: SQLite by default, PostgreSQL when outgrown, one code path for both."""

from __future__ import annotations

from wylloh_server.storage.database import Database, open_database

__all__ = ["Database", "open_database"]
