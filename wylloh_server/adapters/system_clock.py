"""The present moment."""

from __future__ import annotations

import time

from wylloh_server.domain.types import Timestamp

__all__ = ["system_clock"]


def system_clock() -> Timestamp:
    """Return the operating system's time. Implements `domain.ports.clock.Clock`."""
    return Timestamp(time.time())
