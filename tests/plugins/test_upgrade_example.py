"""The upgrade that the plugin documents show runs on an old server's tables and on a new one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from wylloh_server.cli.plugin import reference
from wylloh_server.sdk import Migration, add_column, drop_column
from wylloh_server.storage import open_database

PAGE = Path(reference.__file__).with_name("reference.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("is_old", [True, False])
async def test_the_upgrade_of_the_documents_runs_on_old_and_on_new_servers(tmp_path, is_old):
    shown: dict[str, object] = {}
    exec(re.search(r"### An upgrade.*?```python\n(.*?)```", PAGE, re.DOTALL)[1], shown)
    assert shown["add_column"] is add_column
    wishes, steps = shown["wishes"], shown["MIGRATIONS"]
    async with open_database(tmp_path / "w.sqlite3") as database:
        tables = database.plugins.tables("counting")
        if is_old:
            await database.plugins.migrate("counting", steps[:1])
            await tables.change([insert(shown["_wishes_0001"]).values(film="f", note="good")])
        await database.plugins.migrate("counting", steps)
        await tables.change([insert(wishes).values(film="g", note="", stars=5)])
        found = await tables.fetch(select(wishes.c.stars).order_by(wishes.c.film))
        assert found.rows == (((0,), (5,)) if is_old else ((5,),))
        gone = Migration("0003_no_notes", (drop_column(wishes.name, "note"),))
        await database.plugins.migrate("counting", [*steps, gone])
