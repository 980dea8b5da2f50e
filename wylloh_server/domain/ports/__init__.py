"""What the services need from the outside world, as protocols. Adapters implement them.

`chain` (holdings, ladders, signatures), `content` (packages on IPFS), `crypto` (film cipher, keys),
`media` (probing and encoding), `storage` (repositories), `http` (a client), `world` (clock, jobs, LAN).
"""
