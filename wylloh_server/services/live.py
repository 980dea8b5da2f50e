"""Tells open pages that something changed. Telling never waits for a page and never fails.

What is told is a topic: a short name such as `film:<id>`, and a page draws anew what shows that topic. The
newest news are kept in one ring for everybody, and each page only remembers how far it has read; a page that
was too slow, or away for too long, finds what it missed gone from the ring, and draws everything anew.

`domain.topics` names the topics. Who is not signed in hears of plugins' topics only.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from wylloh_server.domain.events import FilmAdded, FilmReady, FilmRemoved
from wylloh_server.domain.topics import LIBRARY, film_topic, is_public, is_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.types import DeviceId, Seconds, Wallet
    from wylloh_server.services.bus import Bus

_KEPT = 1000
"""News a page may be behind before it has to draw everything anew."""

_LONGEST_SENTENCE = 300
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_MARK = re.compile(r"([0-9a-f]{8})-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence to show on a wallet's open pages.

    Attributes:
        link: the path on this server it leads to; may be empty.
        task: the background task that ended with it; empty for all else.
    """

    sentence: str
    link: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """What one page is told at once.

    Attributes:
        mark: how far the page has read with this; ask on from there.
        everything: the page missed too much, and shall draw all that is live anew.
    """

    mark: str
    topics: frozenset[str] = frozenset()
    notices: tuple[Notice, ...] = ()
    everything: bool = False


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    topics: tuple[str, ...]
    wallet: Wallet | None
    notice: Notice | None = None


class Live:
    """The news of one server. Call it from the event loop."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._ring: deque[_Entry] = deque(maxlen=kept)
        self._listeners: set[Listener] = set()
        self._run = secrets.token_hex(4)
        self._number = 0

    @property
    def mark(self) -> str:
        """Where the news stand now; a page drawn at this moment has seen all of it."""
        return f"{self._run}-{self._number}"

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Tell every open page, or only those of one wallet. What can be no topic is left out."""
        sound = tuple(topic for topic in topics if is_topic(topic))
        if sound:
            self._tell(sound, wallet)

    def notify(self, wallet: Wallet, sentence: str, link: str = "", task: str = "") -> None:
        """Show a sentence on the open pages of a wallet; a `link` is dropped unless it is a path here."""
        here = link if _PATH.fullmatch(link) else ""
        self._tell((), wallet, Notice(sentence[:_LONGEST_SENTENCE], here, task))

    @contextmanager
    def listening(
        self, wallet: Wallet | None, device: DeviceId | None = None, since: str = ""
    ) -> Iterator[Listener]:
        """Listen until the context ends, from the mark `since` on; without one, from now on."""
        listener = Listener(self, wallet, device, self._position(since))
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    def end(self, device: DeviceId) -> None:
        """Let the listeners of a device end: it was signed out."""
        for listener in self._listeners:
            if listener.device == device:
                listener.end()

    def close(self) -> None:
        """Let all listeners end: the server stops."""
        for listener in self._listeners:
            listener.end()

    def read(self, listener: Listener) -> News | None:
        """Give what a listener has not heard yet; None when there is nothing for it."""
        behind = listener.position < self._number - len(self._ring)
        listener.position, after = self._number, listener.position
        if behind:
            return News(self.mark, everything=True)
        fresh = [entry for entry in self._since(after) if _is_for(entry, listener.wallet)]
        topics = {topic for entry in fresh for topic in entry.topics}
        told = frozenset(topic for topic in topics if _may_hear(topic, listener.wallet))
        notices = tuple(entry.notice for entry in fresh if entry.notice)
        return News(self.mark, told, notices) if told or notices else None

    def _since(self, number: int) -> list[_Entry]:
        """Give what came after a number, oldest first, without looking at what is older."""
        newest_first = takewhile(lambda entry: entry.number > number, reversed(self._ring))
        return list(newest_first)[::-1]

    def _tell(self, topics: tuple[str, ...], wallet: Wallet | None, notice: Notice | None = None) -> None:
        self._number += 1
        entry = _Entry(self._number, topics, wallet, notice)
        self._ring.append(entry)
        for listener in self._listeners:
            if _is_for(entry, listener.wallet):
                listener.wake()

    def _position(self, since: str) -> int:
        """Give the number after which to read; one before all that is kept for a mark of another run."""
        if not since:
            return self._number
        found = _MARK.fullmatch(since)
        if found is None or found[1] != self._run or int(found[2]) > self._number:
            return -1
        return int(found[2])


class Listener:
    """One page that listens, or the worker of several.

    Attributes:
        position: the number of the last news it has heard.
    """

    def __init__(self, live: Live, wallet: Wallet | None, device: DeviceId | None, position: int) -> None:
        self.wallet = wallet
        self.device = device
        self.position = position
        self.ended = False
        self._live = live
        self._woken = asyncio.Event()
        self._woken.set()

    async def next(self, patience: Seconds) -> News | None:
        """Wait for news; None when there are none for so long, or when the listener has ended."""
        try:
            async with asyncio.timeout(patience):
                while not self.ended:
                    await self._woken.wait()
                    self._woken.clear()
                    news = self._live.read(self)
                    if news is not None:
                        return news
        except TimeoutError:
            pass
        return None

    def wake(self) -> None:
        """There is something to read."""
        self._woken.set()

    def end(self) -> None:
        """There will be nothing more."""
        self.ended = True
        self._woken.set()


def tell_of_films(live: Live, bus: Bus) -> None:
    """Tell open pages what happens to films in the library, from now on."""

    def heard(event: Event) -> None:
        if isinstance(event, FilmAdded | FilmReady | FilmRemoved):
            live.changed(LIBRARY, film_topic(event.film))

    bus.subscribe(heard)


def _is_for(entry: _Entry, wallet: Wallet | None) -> bool:
    return entry.wallet is None or entry.wallet == wallet


def _may_hear(topic: str, wallet: Wallet | None) -> bool:
    return wallet is not None or is_public(topic)
