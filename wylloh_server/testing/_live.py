"""Stands where the live channel is, and notes what a plugin tells open pages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class Told:
    """What changed, and whose pages were told; None for everybody's."""

    topics: tuple[str, ...]
    wallet: Wallet | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence shown to a wallet, and where it leads."""

    wallet: Wallet
    sentence: str
    link: str = ""


class RecordedLive:
    """The channel of a test.

    Attributes:
        told: every change, in order.
        shown: every sentence, in order.
    """

    def __init__(self) -> None:
        self.told: list[Told] = []
        self.shown: list[Shown] = []

    @property
    def topics(self) -> set[str]:
        """Every topic told so far."""
        return {topic for told in self.told for topic in told.topics}

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Note that topics changed."""
        self.told.append(Told(topics, wallet))

    def notify(self, wallet: Wallet, sentence: str, link: str = "", task: str = "") -> None:
        """Note that a sentence was shown."""
        del task
        self.shown.append(Shown(wallet, sentence, link))
