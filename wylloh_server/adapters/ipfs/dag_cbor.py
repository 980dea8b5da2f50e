"""The little DAG-CBOR that a CAR header needs: `{"roots": [CID, …], "version": 1}`.

Source: https://ipld.io/specs/codecs/dag-cbor/spec/ (a CID is tag 42 over bytes that begin with a zero).
"""

from __future__ import annotations

from wylloh_server.domain.errors import InvalidValue

_TAG_42 = b"\xd8\x2a"
_UINT, _BYTES, _TEXT, _ARRAY, _MAP = 0, 2, 3, 4, 5
_BYTE_FOLLOWS, _PAIR_FOLLOWS = 24, 25
_MAX_ROOTS = 16


def encode_header(root: bytes) -> bytes:
    """Encode the header of a CAR with one root, given as a binary CID of 36 bytes."""
    return b"\xa2\x65roots\x81" + _TAG_42 + bytes((0x58, len(root) + 1, 0)) + root + b"\x67version\x01"


def decode_header(header: bytes) -> list[bytes]:
    """Return the roots in a header as binary CIDs.

    Raises:
        InvalidValue: not the header of a CARv1.
    """
    reader = _Reader(header)
    roots: list[bytes] | None = None
    version: int | None = None
    for _ in range(reader.head(_MAP)):
        key = reader.take(reader.head(_TEXT))
        if key == b"roots" and roots is None:
            roots = reader.roots()
        elif key == b"version" and version is None:
            version = reader.head(_UINT)
        else:
            raise _malformed()
    if version != 1 or roots is None or reader.position != len(header):
        raise _malformed()
    return roots


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0

    def head(self, major: int) -> int:
        """Read the head of an item that must be of this major type, and give its number."""
        first = self.take(1)[0]
        number = first & 31
        if first >> 5 != major or number > _PAIR_FOLLOWS:
            raise _malformed()
        if number < _BYTE_FOLLOWS:
            return number
        return int.from_bytes(self.take(1 if number == _BYTE_FOLLOWS else 2), "big")

    def take(self, length: int) -> bytes:
        taken = self._data[self.position : self.position + length]
        self.position += length
        if len(taken) != length:
            raise _malformed()
        return taken

    def roots(self) -> list[bytes]:
        count = self.head(_ARRAY)
        if count > _MAX_ROOTS:
            raise _malformed()
        return [self._cid() for _ in range(count)]

    def _cid(self) -> bytes:
        if self.take(2) != _TAG_42:
            raise _malformed()
        binary = self.take(self.head(_BYTES))
        if not binary.startswith(b"\0"):
            raise _malformed()
        return binary[1:]


def _malformed() -> InvalidValue:
    return InvalidValue("its header is not that of a CARv1", fix="Ask another gateway.")
