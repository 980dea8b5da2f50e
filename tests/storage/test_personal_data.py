"""Of what names a wallet, some goes with its account; of everything else it is said why it stays."""

from __future__ import annotations

from sqlalchemy import insert, select

from wylloh_server.domain.types import parse_wallet
from wylloh_server.storage.personal_data import GOES, STAYS
from wylloh_server.storage.tables import metadata

GONE, OTHER = (parse_wallet("0x" + digit * 40) for digit in "ab")
NAMES = {"wallet", "publisher", "owner", "viewer", "account"}


def test_every_table_that_names_somebody_is_decided_about():
    naming = {table.name for table in metadata.tables.values() if NAMES & set(table.columns.keys())}
    assert naming == {table.name for table in GOES} | STAYS.keys()
    assert not {table.name for table in GOES} & STAYS.keys()


async def test_what_goes_with_an_account_is_only_its_own(storage):
    for table in GOES:
        async with storage.personal_data._connections.writing() as connection:
            for number, wallet in enumerate((GONE, OTHER)):
                await connection.execute(insert(table).values(row_of(table, wallet, number)))
    await storage.personal_data.remove_of(GONE)
    for table in GOES:
        async with storage.personal_data._connections.reading() as connection:
            assert list(await connection.scalars(select(table.c.wallet))) == [OTHER], table.name


def row_of(table, wallet, number):
    filled = {str: f"x{number}", int: 1, float: 1.0, bool: False, bytes: b"x"}
    return {column.name: filled.get(column.type.python_type, "x") for column in table.columns} | {
        "wallet": wallet
    }
