"""Pages in a block explorer, by the address of a block's page that the settings give.

Etherscan, Blockscout and most others name their pages alike: `/block/…`, `/tx/…`, `/address/…`. Where the
setting looks otherwise, only blocks are links.
"""

from __future__ import annotations

_BLOCK = "/block/{block}"


def block_url(explorer: str, block: int) -> str:
    """Return the address of a block's page; empty if there is none."""
    return explorer.replace("{block}", str(block))


def transaction_url(explorer: str, transaction: str) -> str:
    """Return the address of a transaction's page; empty if there is none."""
    return _other(explorer, f"/tx/{transaction}")


def address_url(explorer: str, address: str) -> str:
    """Return the address of a contract's or wallet's page; empty if there is none."""
    return _other(explorer, f"/address/{address}")


def _other(explorer: str, path: str) -> str:
    return explorer.replace(_BLOCK, path) if explorer.endswith(_BLOCK) else ""
