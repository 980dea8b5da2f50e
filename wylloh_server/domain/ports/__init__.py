"""What the services need from the outside world, as protocols. Adapters implement them.

`chain` (holdings, signatures, logs), `wallet_calls`, `content` (packages on IPFS, folders), `crypto`, `media`
(probing and encoding), `uploads`, `http` (a client), `clock`, `jobs`. Plugins get `plugin_tables` and
`plugin_services`.
"""
