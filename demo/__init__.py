"""The demo: a chain, a publisher and a holder on this machine, with six films and three months of trade.

It stands beside the product and uses it as anybody would; it is not part of the wheel.
"""
