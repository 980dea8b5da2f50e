"""`wylloh demo`: a chain, a publisher and a holder on this machine, with six films on their way."""

from __future__ import annotations

from wylloh_server.cli.demo.run import command

__all__ = ["command"]
