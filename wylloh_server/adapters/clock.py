"""The present moment."""

from __future__ import annotations

import time

from wylloh_server.domain.types import Timestamp

__all__ = ["system_clock"]


def system_clock() -> Timestamp:
    """Give the operating system's time. See `domain.ports.world.Clock`."""
    return Timestamp(time.time())
