"""What the server remembers: SQLite by default, PostgreSQL when outgrown, one code path for both."""

from __future__ import annotations

from wylloh_server.adapters.database._database import Database, open_database

__all__ = ["Database", "open_database"]
