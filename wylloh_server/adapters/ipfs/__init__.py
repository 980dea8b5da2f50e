"""Film packages on IPFS: CIDs, UnixFS, CAR, the block store, trustless gateways and a node's RPC."""

from __future__ import annotations

from wylloh_server.adapters.ipfs.block_store import BlockStore, open_block_store
from wylloh_server.adapters.ipfs.gateway_client import GatewayDeadlines
from wylloh_server.adapters.ipfs.gateway_pool import GatewayPool
from wylloh_server.adapters.ipfs.ipfs_packages import IpfsPackages
from wylloh_server.adapters.ipfs.node_rpc import NodeRpc

__all__ = [
    "BlockStore",
    "GatewayDeadlines",
    "GatewayPool",
    "IpfsPackages",
    "NodeRpc",
    "open_block_store",
]
