"""Column types for values no database has a type for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import String
from sqlalchemy.types import TypeDecorator

from wylloh_server.domain.types import TokenReference

if TYPE_CHECKING:
    from sqlalchemy import Dialect


class TokenText(TypeDecorator[TokenReference]):
    """A token reference as its CAIP-19 text: ids reach 2^256, further than any integer column."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: TokenReference | None, dialect: Dialect) -> str | None:
        """Write the text."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> TokenReference | None:
        """Read the text."""
        del dialect
        return None if value is None else TokenReference.parse(value)


class BigCount(TypeDecorator[int]):
    """A number of tokens, up to 2^256, as decimal text."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        """Write the digits."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """Read the digits."""
        del dialect
        return None if value is None else int(value)
