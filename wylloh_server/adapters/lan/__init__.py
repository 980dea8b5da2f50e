"""Announcing the server on the LAN."""
