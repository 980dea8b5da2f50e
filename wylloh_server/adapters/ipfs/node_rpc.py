"""A configured IPFS node, over its RPC (`/api/v0`): it keeps packages available when this server is off.

`ipfshttpclient` is synchronous and no longer maintained; it is used for one call only, in a thread, never
while a film plays, and the root it gives is checked. Tested against js-ipfs; never tried against Kubo.
"""

from __future__ import annotations

import asyncio
import warnings
from typing import TYPE_CHECKING, Any

from wylloh_server.adapters.ipfs.cid import ContentId, parse_cid
from wylloh_server.domain.errors import BlockUnavailable, InvalidValue, PackageInvalid

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.types import Cid

# ipfshttpclient still names an option that urllib3 2 no longer has; an operator can do nothing about it.
warnings.filterwarnings("ignore", message="The 'strict' parameter", category=FutureWarning)

_CONNECT_SECONDS = 5.0
_ANSWER_SECONDS = 120.0
# Kubo reads these; nodes that do not know an option pass over it, and the root shows whether it mattered.
_PROFILE = {"cid-base": "base32", "max-file-links": "1024"}


class NodeRpc:
    """The RPC of one node.

    Args:
        address: a multiaddr such as `/ip4/127.0.0.1/tcp/5001` or `/dns/node.lan/tcp/5001`. Who can reach it
            commands the node: keep it on a private network.
    """

    def __init__(self, address: str) -> None:
        self._address = address

    async def add_folder(self, folder: Path, expected: Cid) -> None:
        """Add and pin a package from the folder it was built of.

        Args:
            folder: the files.
            expected: the package's root, as this server built it.

        Raises:
            BlockUnavailable: the node does not answer, or refuses.
            PackageInvalid: the node gave the same files another root; what it added is of no use.
        """
        root = await asyncio.to_thread(self._added_root, folder)
        if root != parse_cid(expected):
            raise PackageInvalid(
                f"The node gave {folder.name} the root {root.text}, but the package is {expected}.",
                fix="Set the node's import profile to unixfs-v1-2025, or have it pin the package instead.",
            )

    def _added_root(self, folder: Path) -> ContentId:
        import ipfshttpclient  # noqa: PLC0415 - only a server with a node of its own needs it
        from ipfshttpclient import exceptions  # noqa: PLC0415

        waits = (_CONNECT_SECONDS, _ANSWER_SECONDS)
        try:
            # A client of its own for each call: its connection must not be shared between threads.
            with ipfshttpclient.Client(self._address, timeout=waits) as client:
                return _add(client, folder)
        except exceptions.AddressError as error:
            raise InvalidValue(
                f"{self._address!r} is not the address of an IPFS node.",
                fix="Use a multiaddr such as /ip4/127.0.0.1/tcp/5001.",
            ) from error
        except exceptions.Error as error:
            raise BlockUnavailable(
                f"The IPFS node at {self._address} did not do it: {error}",
                fix="Check that the node runs and that this server may use its RPC.",
            ) from error


def _add(client: Any, folder: Path) -> ContentId:
    added = client.add(
        str(folder),
        recursive=True,
        period_special=False,
        chunker="size-1048576",
        raw_leaves=True,
        cid_version=1,
        pin=True,
        opts=_PROFILE,
    )
    for item in added if isinstance(added, list) else [added]:
        if item["Name"] == folder.name:
            return parse_cid(item["Hash"])
    raise PackageInvalid(f"The node did not say under which root it added {folder.name}.", fix="Try again.")
