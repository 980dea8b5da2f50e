"""Column types for what the chain's history is made of: millions of rows, so that short ones count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, Numeric, String
from sqlalchemy.types import TypeDecorator

from wylloh_server.domain.types import ChainId, TokenReference, Wallet

if TYPE_CHECKING:
    from decimal import Decimal

    from sqlalchemy import Dialect
    from sqlalchemy.types import TypeEngine

_DIGITS = 78
"""Of 2^256, in decimal."""

_CHAIN_BYTES = 8
_ADDRESS_BYTES = 20
_ID_BYTES = 32


class HexBytes(TypeDecorator[str]):
    """An address or a hash, written 0x… outside and kept as bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Write the bytes."""
        del dialect
        return None if value is None else bytes.fromhex(value[2:])

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:
        """Read the bytes."""
        del dialect
        return None if value is None else "0x" + bytes(value).hex()


class TokenBytes(TypeDecorator[TokenReference]):
    """A token reference as chain id (8 bytes), contract (20) and token id (32)."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: TokenReference | None, dialect: Dialect) -> bytes | None:
        """Write the bytes."""
        del dialect
        if value is None:
            return None
        chain = value.chain_id.to_bytes(_CHAIN_BYTES, "big")
        return chain + bytes.fromhex(value.contract[2:]) + value.token_id.to_bytes(_ID_BYTES, "big")

    def process_result_value(self, value: Any | None, dialect: Dialect) -> TokenReference | None:
        """Read the bytes."""
        del dialect
        if value is None:
            return None
        body = bytes(value)
        contract = Wallet("0x" + body[_CHAIN_BYTES : _CHAIN_BYTES + _ADDRESS_BYTES].hex())
        return TokenReference(
            ChainId(int.from_bytes(body[:_CHAIN_BYTES], "big")),
            contract,
            int.from_bytes(body[_CHAIN_BYTES + _ADDRESS_BYTES :], "big"),
        )


class SortedCount(TypeDecorator[int]):
    """A number of tokens, up to 2^256, that the database can sort: a number, in SQLite text of one length.

    A negative one (a history that begins after tokens were made) sorts before all others.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the column's type."""
        wide = Numeric(_DIGITS, 0) if dialect.name == "postgresql" else String()
        return dialect.type_descriptor(wide)

    def process_bind_param(self, value: int | None, dialect: Dialect) -> Any:
        """Write the number."""
        if value is None or dialect.name == "postgresql":
            return value
        return f"{value:0{_DIGITS}d}"

    def process_result_value(self, value: Decimal | str | None, dialect: Dialect) -> int | None:
        """Read the number."""
        del dialect
        return None if value is None else int(value)
