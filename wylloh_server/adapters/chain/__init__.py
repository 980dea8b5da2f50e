"""The chain, through web3: a pool of RPCs, what it says of films and holdings, and wallet signatures.

`transactions`, `registry_calls` and `keystore` beside it are for the command line only: they need a key, and
the running server holds none. They are imported by their full names, which also keeps them out of its memory.
Importing web3 takes about a second, so command-line modules import this package inside the command.
"""

from __future__ import annotations

from wylloh_server.adapters.chain._faults import CallReverted, RequestRefused
from wylloh_server.adapters.chain.chain import RegistryChain
from wylloh_server.adapters.chain.discovery import FilmDiscovery
from wylloh_server.adapters.chain.history import ChainHistory
from wylloh_server.adapters.chain.holdings import read_holdings
from wylloh_server.adapters.chain.ladders import Ladders
from wylloh_server.adapters.chain.reader import PoolReader
from wylloh_server.adapters.chain.rpc import RpcPool
from wylloh_server.adapters.chain.signatures import WalletSignatures
from wylloh_server.adapters.chain.typed_data import manifest_digest, manifest_typed_data, sign_manifest

__all__ = [
    "CallReverted",
    "ChainHistory",
    "FilmDiscovery",
    "Ladders",
    "PoolReader",
    "RegistryChain",
    "RequestRefused",
    "RpcPool",
    "WalletSignatures",
    "manifest_digest",
    "manifest_typed_data",
    "read_holdings",
    "sign_manifest",
]
