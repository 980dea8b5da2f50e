"""DAG-PB nodes and the UnixFS message inside them, hand-written and strict.

Sources: https://ipld.io/specs/codecs/dag-pb/spec/ and https://specs.ipfs.tech/unixfs/. Blocks come from
strangers: unknown fields, wrong wire types, doubled fields and contradicting numbers are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.cid import RAW, ContentId, read_cid
from wylloh_server.adapters.ipfs.varint import read_varint, varint
from wylloh_server.domain.errors import InvalidValue, PackageInvalid

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT = 0
_BYTES = 2
_FIX = "The package was not made as files on IPFS are. Tell its publisher."


class UnixfsKind(IntEnum):
    """What a UnixFS node is. Symlinks, metadata and sharded directories are not read."""

    RAW = 0
    DIRECTORY = 1
    FILE = 2


@dataclass(frozen=True, slots=True)
class DagLink:
    """A link to another block: `tsize` is the publisher's word for the bytes behind it, blocks and all."""

    cid: ContentId
    name: str
    tsize: int


@dataclass(frozen=True, slots=True)
class DagNode:
    """A UnixFS node: `data` are its own file bytes, `blocksizes` the file bytes behind each link."""

    kind: UnixfsKind
    links: tuple[DagLink, ...] = ()
    data: bytes = b""
    blocksizes: tuple[int, ...] = ()

    @property
    def filesize(self) -> int:
        """File bytes here and behind all links."""
        return len(self.data) + sum(self.blocksizes)


def encode_node(node: DagNode) -> bytes:
    """Write a node in its one canonical form: links first, then the UnixFS message."""
    links = b"".join(_field(2, _encoded_link(link)) for link in node.links)
    return links + _field(1, _encoded_message(node))


def decode_node(block: bytes) -> DagNode:
    """Read a node.

    Raises:
        PackageInvalid: the block is not a file or directory of UnixFS, or contradicts itself.
    """
    try:
        return _decoded(block)
    except (InvalidValue, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from error


def block_links(cid: ContentId, block: bytes) -> list[ContentId]:
    """Return the links of a block in order; a raw block has none.

    Raises:
        PackageInvalid: the block is no file or directory of UnixFS.
    """
    return [] if cid.codec == RAW else [link.cid for link in decode_node(block).links]


def _encoded_link(link: DagLink) -> bytes:
    return _field(1, link.cid.binary) + _field(2, link.name.encode()) + b"\x18" + varint(link.tsize)


def _encoded_message(node: DagNode) -> bytes:
    message = b"\x08" + varint(node.kind)
    if node.data:
        message += _field(2, node.data)
    if node.kind is not UnixfsKind.DIRECTORY:
        message += b"\x18" + varint(node.filesize)
    return message + b"".join(b"\x20" + varint(size) for size in node.blocksizes)


def _field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | _BYTES) + varint(len(content)) + content


def _decoded(block: bytes) -> DagNode:
    links: list[DagLink] = []
    message: bytes | None = None
    for number, value in _fields(block):
        if number == 2 and isinstance(value, bytes):  # noqa: PLR2004 - PBNode.Links
            links.append(_decoded_link(value))
        elif number == 1 and isinstance(value, bytes) and message is None:
            message = value
        else:
            raise _invalid(f"unexpected field {number} in a node")
    if message is None:
        raise _invalid("a node without UnixFS data")
    return _checked(_decoded_message(message, tuple(links)))


def _decoded_link(content: bytes) -> DagLink:
    found: dict[int, int | bytes] = {}
    for number, value in _fields(content):
        if number in found:
            raise _invalid("a doubled field in a link")
        found[number] = value
    binary, name, tsize = found.pop(1, None), found.pop(2, b""), found.pop(3, 0)
    if found or not isinstance(binary, bytes) or not isinstance(name, bytes) or not isinstance(tsize, int):
        raise _invalid("a malformed link")
    cid, end = read_cid(binary, 0)
    if end != len(binary):
        raise _invalid("a malformed CID in a link")
    return DagLink(cid, name.decode(), tsize)


def _decoded_message(message: bytes, links: tuple[DagLink, ...]) -> DagNode:
    single: dict[int, int | bytes] = {}
    blocksizes: list[int] = []
    for number, value in _fields(message):
        if number == 4:  # noqa: PLR2004 - Data.blocksizes
            blocksizes += [value] if isinstance(value, int) else _packed(value)
        elif number in single:
            raise _invalid("a doubled field in UnixFS data")
        else:
            single[number] = value
    kind, data, filesize = single.pop(1, None), single.pop(2, b""), single.pop(3, None)
    # Mode (7) and mtime (8) mean nothing to us. A fan-out (6) means a sharded directory.
    if kind not in tuple(UnixfsKind) or not isinstance(data, bytes) or not single.keys() <= {7, 8}:
        raise _invalid("a UnixFS node that is neither a file nor a plain directory")
    node = DagNode(UnixfsKind(kind), links, data, tuple(blocksizes))
    if filesize not in ({None, 0} if node.kind is UnixfsKind.DIRECTORY else {None, node.filesize}):
        raise _invalid("a file size that is not the sum of its parts")
    return node


def _packed(content: bytes) -> list[int]:
    numbers, position = [], 0
    while position < len(content):
        number, position = read_varint(content, position)
        numbers.append(number)
    return numbers


def _checked(node: DagNode) -> DagNode:
    if node.kind is UnixfsKind.DIRECTORY:
        names = [link.name for link in node.links]
        if node.data or node.blocksizes or len(set(names)) != len(names) or not all(map(_usable, names)):
            raise _invalid("a directory with doubled or unusable names")
    elif len(node.blocksizes) != len(node.links):
        raise _invalid("a file with more or fewer sizes than links")
    return node


def _usable(name: str) -> bool:
    return name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Return the fields of a protobuf message: number, and an integer or bytes."""
    position = 0
    while position < len(content):
        key, position = read_varint(content, position)
        value, position = read_varint(content, position)
        if key & 7 == _VARINT:
            yield key >> 3, value
            continue
        end = position + value
        if key & 7 != _BYTES or end > len(content):
            raise _invalid("a malformed protobuf field")
        yield key >> 3, content[position:end]
        position = end


def _invalid(what: str) -> PackageInvalid:
    return PackageInvalid(f"A block is not part of a film package: {what}.", fix=_FIX)
