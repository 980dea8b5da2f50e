"""Film packages on IPFS: CIDs, UnixFS, CAR, the block store, trustless gateways and a node's RPC."""

from __future__ import annotations

from wylloh_server.adapters.ipfs._gateway import Deadlines
from wylloh_server.adapters.ipfs.blockstore import BlockStore, open_block_store
from wylloh_server.adapters.ipfs.gateways import GatewayPool, GatewayStatus
from wylloh_server.adapters.ipfs.node_rpc import NodeIdentity, NodeRpc
from wylloh_server.adapters.ipfs.packages import IpfsPackages

__all__ = [
    "BlockStore",
    "Deadlines",
    "GatewayPool",
    "GatewayStatus",
    "IpfsPackages",
    "NodeIdentity",
    "NodeRpc",
    "open_block_store",
]
