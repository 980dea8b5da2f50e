"""Where events are told. Telling one never waits for a listener and never fails."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.events import Event

_log = logging.getLogger(__name__)


class Bus:
    """Hands each event to every listener, in the order they subscribed."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """Add a listener. It must return at once: the plugin machinery only fills its queues."""
        self._listeners.append(listener)

    def publish(self, event: Event) -> None:
        """Tell everybody what happened."""
        for listener in self._listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - whatever a listener does wrong, the teller goes on
                _log.exception("a listener failed on %s", type(event).__name__)
