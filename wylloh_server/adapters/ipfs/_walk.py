"""Which blocks a block leads to."""

from __future__ import annotations

from wylloh_server.adapters.ipfs.cid import RAW, ContentId
from wylloh_server.adapters.ipfs.dagpb import decode_node


def links_of(cid: ContentId, block: bytes) -> list[ContentId]:
    """Give the links of a block in order; a raw block has none.

    Raises:
        PackageInvalid: the block is no file or directory of UnixFS.
    """
    return [] if cid.codec == RAW else [link.cid for link in decode_node(block).links]
