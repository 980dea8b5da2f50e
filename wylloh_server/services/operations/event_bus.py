"""Where events are told. Telling one never waits for a listener and never fails."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.domain.events import Event

_log = logging.getLogger(__name__)


class EventBus:
    """Hands each event to every listener in turn.

    Attributes:
        listeners: each must return at once: the plugin machinery only fills its queues.
    """

    def __init__(self) -> None:
        self.listeners: list[Callable[[Event], None]] = []

    def publish(self, event: Event) -> None:
        """Pass an event to every listener."""
        for listener in self.listeners:
            try:
                listener(event)
            except Exception:  # noqa: BLE001 - whatever a listener does wrong, the teller goes on
                _log.exception("a listener failed on %s", type(event).__name__)
