"""The chain, through web3: a pool of RPCs, the events of contracts, rights read live, wallet signatures.

`transaction_sender`, `registry_calls` and `eth_keyfile` are for the command line only: they need a key, and
the running server holds none. They are imported by their full names, which also keeps them out of its memory.
web3 and eth_account take about a second to import: both are imported when they are first needed.
"""

from __future__ import annotations

from wylloh_server.adapters.chain.chain_log_reader import ChainLogReader
from wylloh_server.adapters.chain.contract_reader import PoolContractReader
from wylloh_server.adapters.chain.registry_chain import RegistryChain
from wylloh_server.adapters.chain.rpc_errors import CallReverted, RequestRefused
from wylloh_server.adapters.chain.rpc_node import BlockAgeLimit, NodeLimits
from wylloh_server.adapters.chain.rpc_pool import RpcPool
from wylloh_server.adapters.chain.typed_data import manifest_digest, manifest_typed_data, sign_manifest

__all__ = [
    "BlockAgeLimit",
    "CallReverted",
    "ChainLogReader",
    "NodeLimits",
    "PoolContractReader",
    "RegistryChain",
    "RequestRefused",
    "RpcPool",
    "manifest_digest",
    "manifest_typed_data",
    "sign_manifest",
]
