"""Film packages on IPFS: CIDs, UnixFS, CAR, the block store, trustless gateways and a node's RPC."""
