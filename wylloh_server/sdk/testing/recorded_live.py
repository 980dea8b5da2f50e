"""Live updates for tests: records what a plugin sends to open pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.services.operations.live_updates import LiveUpdates

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class TopicChange:
    """Topics that changed, and the wallet whose pages are notified; None for all pages."""

    topics: tuple[str, ...]
    wallet: Wallet | None = None


@dataclass(frozen=True, slots=True)
class ShownToast:
    """A sentence shown to a wallet, and its link."""

    wallet: Wallet
    sentence: str
    link: str = ""


class RecordedLive(LiveUpdates):
    """Live updates that are recorded instead of sent.

    Attributes:
        changes: every change of topics, in order.
        toasts: every sentence, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.changes: list[TopicChange] = []
        self.toasts: list[ShownToast] = []

    @property
    def topics(self) -> set[str]:
        """Every topic that has changed so far."""
        return {topic for change in self.changes for topic in change.topics}

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Record that topics changed."""
        self.changes.append(TopicChange(topics, wallet))

    def notify(self, wallet: Wallet, sentence: str, link: str = "", task: str = "") -> None:
        """Record that a sentence was shown."""
        del task
        self.toasts.append(ShownToast(wallet, sentence, link))
