"""Unsigned varints: https://github.com/multiformats/unsigned-varint (protobuf uses the same form)."""

from __future__ import annotations

from wylloh_server.domain.errors import InvalidValue

_MAX_BYTES = 10


def varint(value: int) -> bytes:
    """Encode a number, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def read_varint(data: bytes | bytearray | memoryview, start: int) -> tuple[int, int]:
    """Read a number below 2^64 and return it with the offset behind it.

    Raises:
        InvalidValue: it is cut short, too large, or longer than it need be.
    """
    value = 0
    for index in range(_MAX_BYTES):
        if start + index >= len(data):
            raise InvalidValue("A number in a block was cut short.", fix="Pull the package again.")
        byte = data[start + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 - no continuation bit
            if value >> 64 or (byte == 0 and index):
                break
            return value, start + index + 1
    raise InvalidValue("A number in a block is malformed.", fix="Pull the package again.")
