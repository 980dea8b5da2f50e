"""What a server is called, and where it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServerIdentity:
    """What a server is called on its pages, and the address at which people open it (empty if not set)."""

    name: str = "Wylloh"
    url: str = ""


UNNAMED_SERVER = ServerIdentity()
"""A server about which nothing is known."""
