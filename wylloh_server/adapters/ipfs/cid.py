"""Content identifiers: https://github.com/multiformats/cid.

Read: CIDv1 in base32 (`bafy…`, `bafk…`) and CIDv0 (`Qm…`), with SHA-256 and the codecs raw or dag-pb: the
ones files are made of. Everything else is refused by name. Inside the server every CID is CIDv1 in base32.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from wylloh_server.adapters.ipfs.varint import read_varint
from wylloh_server.domain.errors import BlockCorrupt, InvalidValue
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import Cid

RAW = 0x55
DAG_PB = 0x70
SHA2_256 = 0x12
MAX_BLOCK_BYTES = 2 << 20
"""The size above which no IPFS implementation passes a block on; ours are at most 1 MiB and some bytes."""

_CODECS = (RAW, DAG_PB)
_DIGEST_BYTES = 32
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_FIX = "Use the CIDv1 of a file or directory, such as bafy… or bafk…"


@dataclass(frozen=True, slots=True)
class ContentId:
    """A parsed CID: codec (`RAW` or `DAG_PB`) and SHA-256 digest, 32 bytes."""

    codec: int
    digest: bytes

    @property
    def text(self) -> Cid:
        """The CIDv1 in base32, 59 characters."""
        return Cid("b" + base64.b32encode(self.binary).decode().rstrip("=").lower())

    @property
    def binary(self) -> bytes:
        """The CIDv1 in bytes, 36 of them."""
        return bytes((1, self.codec, SHA2_256, _DIGEST_BYTES)) + self.digest


def parse_cid(text: str) -> ContentId:
    """Read a CID from text.

    Raises:
        InvalidValue: not a CID, or of a kind that is not read here.
    """
    if len(text) == 46 and text.startswith("Qm"):  # noqa: PLR2004 - a base58 SHA-256 multihash
        return _version_0(_base58_decoded(text))
    if not text.startswith("b"):
        raise InvalidValue(f"{quote_input(text, 80)} is not a CID in base32.", fix=_FIX)
    try:
        binary = base64.b32decode(text[1:].upper() + "=" * (-(len(text) - 1) % 8))
    except (binascii.Error, ValueError) as error:
        raise InvalidValue(f"{quote_input(text, 80)} is not a CID.", fix=_FIX) from error
    cid, end = read_cid(binary, 0)
    if end != len(binary) or cid.text != text:
        raise InvalidValue(f"{quote_input(text, 80)} is not a CID in its one proper spelling.", fix=_FIX)
    return cid


def read_cid(data: bytes | memoryview, start: int) -> tuple[ContentId, int]:
    """Read a binary CID, version 1 or 0, and return it with the offset behind it.

    Raises:
        InvalidValue: not a CID, or of a kind that is not read here.
    """
    if bytes(data[start : start + 2]) == bytes((SHA2_256, _DIGEST_BYTES)):
        end = start + 2 + _DIGEST_BYTES
        return _version_0(bytes(data[start:end])), end
    version, position = read_varint(data, start)
    codec, position = read_varint(data, position)
    hash_name, position = read_varint(data, position)
    length, position = read_varint(data, position)
    if version != 1 or codec not in _CODECS:
        raise InvalidValue(
            f"A CID of version {version} and codec {codec:#x} is not part of a file.", fix=_FIX
        )
    if hash_name != SHA2_256 or length != _DIGEST_BYTES:
        raise InvalidValue(f"A CID with hash {hash_name:#x} is not SHA-256.", fix=_FIX)
    end = position + length
    digest = bytes(data[position:end])
    if len(digest) != _DIGEST_BYTES:
        raise InvalidValue("A CID was cut short.", fix=_FIX)
    return ContentId(codec, digest), end


@dataclass(frozen=True, slots=True)
class IpfsBlock:
    """Bytes that were hashed and belong to their CID. Only `of` and `checked` make one.

    Hashing 1 MiB takes about a millisecond: use a thread.
    """

    cid: ContentId
    data: bytes

    @classmethod
    def of(cls, codec: int, data: bytes) -> IpfsBlock:
        """Make a block of bytes of our own."""
        return cls(ContentId(codec, hashlib.sha256(data).digest()), data)

    @classmethod
    def checked(cls, cid: ContentId, data: bytes) -> IpfsBlock:
        """Make a block of bytes from elsewhere.

        Raises:
            BlockCorrupt: the CID names other bytes, or they are more than any block may have.
        """
        if len(data) > MAX_BLOCK_BYTES or hashlib.sha256(data).digest() != cid.digest:
            raise BlockCorrupt(
                f"The bytes found for {cid.text} are others than its CID names.",
                fix="They are not kept. Pull again; another gateway is asked first.",
            )
        return cls(cid, data)


def _version_0(multihash: bytes) -> ContentId:
    if len(multihash) != 2 + _DIGEST_BYTES or multihash[:2] != bytes((SHA2_256, _DIGEST_BYTES)):
        raise InvalidValue("A CIDv0 that is no SHA-256.", fix=_FIX)
    return ContentId(DAG_PB, multihash[2:])


def _base58_decoded(text: str) -> bytes:
    number = 0
    for character in text:
        value = _BASE58.find(character)
        if value < 0:
            raise InvalidValue(f"{quote_input(text, 80)} is not a CID.", fix=_FIX)
        number = number * 58 + value
    return number.to_bytes((number.bit_length() + 7) // 8, "big")
