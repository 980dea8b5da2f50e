"""Transactions: the server prepares and explains, the wallet signs and sends, the server follows.

`TransactionDesk` answers people and plugins, `Follower` asks the chain what became of what was sent, and both
change what is kept through one `Ledger`.
"""

from __future__ import annotations

from wylloh_server.services.transactions.desk import Asked, TransactionDesk
from wylloh_server.services.transactions.follower import Follower
from wylloh_server.services.transactions.ledger import Ledger
from wylloh_server.services.transactions.renewal import Looked, Renewer

__all__ = ["Asked", "Follower", "Ledger", "Looked", "Renewer", "TransactionDesk"]
