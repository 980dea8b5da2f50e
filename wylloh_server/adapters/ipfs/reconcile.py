"""Brings the block index in line with the files, whatever happened: a crash, a copy, a deleted index."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from wylloh_server.adapters.ipfs.cid import DAG_PB, ContentId, parse_cid
from wylloh_server.adapters.ipfs.dagpb import block_links
from wylloh_server.domain.errors import ContentError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from wylloh_server.adapters.ipfs.block_files import BlockFiles
    from wylloh_server.adapters.ipfs.block_index import BlockIndex

BUILDING = "building:"
"""Begins the name under which blocks are adopted while the root of a new package is not known yet."""

_ABANDONED_AFTER = 24 * 3600.0


def reconcile(files: BlockFiles, index: BlockIndex, read: Callable[[ContentId], bytes]) -> None:
    """Make the index say what the files say.

    Args:
        files: the truth.
        index: what is brought in line.
        read: gives a block, or raises ContentError.
    """
    files.sweep()
    # What another process adds meanwhile must not look lost: each list of promises is read before its proofs.
    known, roots = index.known(), index.roots()
    there = {name: (name, size, when) for name, size, when in files.all() if _parsed(name)}
    index.remove(known - there.keys())
    index.add(there[name] for name in there.keys() - known)
    pins = files.pins()
    for root, (complete, since) in roots.items():
        abandoned = root.startswith(BUILDING) and since < time.time() - _ABANDONED_AFTER
        if abandoned or (complete and root not in pins):
            index.forget(root)
    for root in pins:
        cid = _parsed(root)
        if cid is not None and not index.is_complete(root):
            _readopt(cid, index, there.keys(), read)


def _readopt(
    root: ContentId, index: BlockIndex, there: Collection[str], read: Callable[[ContentId], bytes]
) -> None:
    """Walk a pinned package again; it is complete where every block is here."""
    seen, waiting = {root}, [root]
    whole = True
    while waiting:
        cid = waiting.pop()
        whole = whole and cid.text in there
        if cid.codec != DAG_PB:
            continue
        try:
            links = block_links(cid, read(cid))
        except ContentError:
            whole = False
            continue
        fresh = [link for link in dict.fromkeys(links) if link not in seen]
        seen.update(fresh)
        waiting += fresh
    index.adopt(root.text, [cid.text for cid in seen])
    if whole:
        index.complete(root.text)


def _parsed(name: str) -> ContentId | None:
    """Return the CID a file is named after; other people's files are left alone."""
    try:
        cid = parse_cid(name)
    except InvalidValue:
        return None
    return cid if cid.text == name else None
