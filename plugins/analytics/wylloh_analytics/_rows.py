"""Asks the plugin's tables. What comes back is plain values whose kinds the tables tell, not the types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Select

    from wylloh_server.sdk import PluginTables

AT_ONCE = 500
"""Values in one question: databases take some thousands."""

_T = TypeVar("_T")


async def rows_of(tables: PluginTables, question: Select[Any]) -> Sequence[Any]:
    """Give the rows of a select, each a tuple."""
    return (await tables.fetch(question)).rows


def chunks(values: Sequence[_T], size: int = AT_ONCE) -> Iterator[Sequence[_T]]:
    """Cut values into pieces that fit into one question."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def packed(wallet: str) -> bytes:
    """Give an address as the 20 bytes that tables keep."""
    return bytes.fromhex(wallet[2:])
