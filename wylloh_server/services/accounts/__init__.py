"""Accounts, sessions and paired devices."""
