"""Column types for what the chain's history is made of: millions of rows, so that short ones count."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary
from sqlalchemy.types import TypeDecorator

from wylloh_server.domain.types import ChainId, TokenReference, Wallet

if TYPE_CHECKING:
    from sqlalchemy import Dialect

_CHAIN_BYTES = 8
_ADDRESS_BYTES = 20
_ID_BYTES = 32
_COUNT_BYTES = 33
_MIDDLE = 1 << 256


def hex_bytes(value: str) -> bytes:
    """Write an address or a hash as bytes."""
    return bytes.fromhex(value[2:])


def token_bytes(token: TokenReference) -> bytes:
    """Write a token reference as bytes."""
    chain = token.chain_id.to_bytes(_CHAIN_BYTES, "big")
    return chain + hex_bytes(token.contract) + token.token_id.to_bytes(_ID_BYTES, "big")


def count_bytes(value: int) -> bytes:
    """Write a number as bytes that sort as it does."""
    return (value + _MIDDLE).to_bytes(_COUNT_BYTES, "big")


@lru_cache(maxsize=4096)  # a history names the same few films again and again
def _token_from_bytes(body: bytes) -> TokenReference:
    contract = Wallet("0x" + body[_CHAIN_BYTES : _CHAIN_BYTES + _ADDRESS_BYTES].hex())
    return TokenReference(
        ChainId(int.from_bytes(body[:_CHAIN_BYTES], "big")),
        contract,
        int.from_bytes(body[_CHAIN_BYTES + _ADDRESS_BYTES :], "big"),
    )


class HexBytes(TypeDecorator[str]):
    """An address or a hash, written 0x… outside and kept as bytes."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Write the bytes."""
        del dialect
        return None if value is None else hex_bytes(value)

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
        return None if value is None else token_bytes(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> TokenReference | None:
        """Read the bytes."""
        del dialect
        return None if value is None else _token_from_bytes(bytes(value))


class SortedCount(TypeDecorator[int]):
    """A number of tokens between -2^256 and 2^256 that the database can sort: bytes of one length.

    Zero stands in the middle, because a history that begins after tokens were made has negative numbers.
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> bytes | None:
        """Write the bytes."""
        del dialect
        return None if value is None else count_bytes(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        """Read the bytes."""
        del dialect
        return None if value is None else int.from_bytes(value, "big") - _MIDDLE
