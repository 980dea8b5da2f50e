"""The present moment."""

from __future__ import annotations

from collections.abc import Callable

from wylloh_server.domain.types import Timestamp

Clock = Callable[[], Timestamp]
"""Gives the present moment."""
