"""Transactions: the server prepares and explains, the wallet signs and sends, the server follows.

`TransactionService` answers people and plugins, `ReceiptTracker` asks the chain what became of what was sent,
and both change what is stored through one `TransactionLog`.
"""
