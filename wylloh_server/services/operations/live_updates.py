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
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from wylloh_server.domain.events import (
    FilmAdded,
    FilmAway,
    FilmDescribed,
    FilmReady,
    FilmRemoved,
    PlaybackEnded,
    PlaybackStarted,
)
from wylloh_server.domain.topics import LIBRARY, PLAYING, film_topic, is_public, is_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.events import Event
    from wylloh_server.domain.types import DeviceId, Seconds, Wallet
    from wylloh_server.services.operations.event_bus import EventBus

_KEPT = 1000
"""News a page may be behind before it has to draw everything anew."""

_LONGEST_SENTENCE = 300
_PATH = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]*")
_MARK = re.compile(r"([0-9a-f]{8})-(\d{1,15})")


@dataclass(frozen=True, slots=True)
class Toast:
    """A sentence to show on a wallet's open pages.

    Attributes:
        link: the path on this server it leads to; may be empty.
        task: the background task that ended with it; empty for all else.
    """

    sentence: str
    link: str = ""
    task: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What one page is told at once.

    Attributes:
        mark: how far the page has read with this; ask on from there.
        everything: the page missed too much, and shall draw all that is live anew.
        open: the path of the page to show in place of this one; empty to stay.
    """

    mark: str
    topics: frozenset[str] = frozenset()
    notices: tuple[Toast, ...] = ()
    everything: bool = False
    open: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    topics: tuple[str, ...]
    wallet: Wallet | None
    notice: Toast | None = None
    device: DeviceId | None = None
    open: str = ""


class LiveUpdates:
    """The news of one server. Call it from the event loop."""

    def __init__(self, kept: int = _KEPT) -> None:
        self._ring: deque[_Entry] = deque(maxlen=kept)
        self._listeners: set[Listener] = set()
        self._run = secrets.token_hex(4)
        self._number = 0
        self._awaited: dict[tuple[DeviceId, str], asyncio.Event] = {}

    @property
    def mark(self) -> str:
        """The current stream position; a page rendered now includes every update up to it."""
        return f"{self._run}-{self._number}"

    def changed(self, *topics: str, wallet: Wallet | None = None) -> None:
        """Notify every open page, or only those of one wallet. Invalid topics are left out."""
        sound = tuple(topic for topic in topics if is_topic(topic))
        if sound:
            self._tell(sound, wallet)

    def notify(self, wallet: Wallet, sentence: str, link: str = "", task: str = "") -> None:
        """Show a sentence on the open pages of a wallet; a `link` is dropped unless it is a path here."""
        here = link if _PATH.fullmatch(link) else ""
        self._tell((), wallet, Toast(sentence[:_LONGEST_SENTENCE], here, task))

    async def open_on(self, device: DeviceId, path: str, patience: Seconds) -> bool:
        """Show a page of this server on a device; return whether it has asked for the page before long.

        That a page listens is not enough: a device that was switched off is missed only after a while.
        """
        if not self.listens(device):
            return False
        entry = _Entry(self._number + 1, (), None, device=device, open=path)
        shown = self._awaited.setdefault((device, path), asyncio.Event())
        self._add(entry)
        try:
            async with asyncio.timeout(patience):
                await shown.wait()
        except TimeoutError:
            self._withdraw(entry)
        finally:
            self._awaited.pop((device, path), None)
        return shown.is_set()

    def opened(self, device: DeviceId, path: str) -> None:
        """Notify who had a page opened on a device that the device asks for it."""
        if shown := self._awaited.get((device, path)):
            shown.set()

    def listens(self, device: DeviceId) -> bool:
        """Return whether a page of a device listens now."""
        return any(listener.device == device and not listener.ended for listener in self._listeners)

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
        """End the listeners of a device that was signed out."""
        for listener in self._listeners:
            if listener.device == device:
                listener.end()

    def close(self) -> None:
        """End all listeners, because the server stops."""
        for listener in self._listeners:
            listener.end()

    def read(self, listener: Listener) -> Update | None:
        """Return what a listener has not heard yet; None when there is nothing for it."""
        behind = listener.position < self._number - len(self._ring)
        listener.position, after = self._number, listener.position
        if behind:
            return Update(self.mark, everything=True)
        fresh = [entry for entry in self._since(after) if _is_for(entry, listener)]
        topics = {topic for entry in fresh for topic in entry.topics}
        told = frozenset(topic for topic in topics if _may_hear(topic, listener.wallet))
        notices = tuple(entry.notice for entry in fresh if entry.notice)
        path = next((entry.open for entry in reversed(fresh) if entry.open), "")
        return Update(self.mark, told, notices, open=path) if told or notices or path else None

    def _since(self, number: int) -> list[_Entry]:
        """Return what came after a number, oldest first, without looking at what is older."""
        newest_first = takewhile(lambda entry: entry.number > number, reversed(self._ring))
        return list(newest_first)[::-1]

    def _tell(self, topics: tuple[str, ...], wallet: Wallet | None, notice: Toast | None = None) -> None:
        self._add(_Entry(self._number + 1, topics, wallet, notice))

    def _add(self, entry: _Entry) -> None:
        self._number = entry.number
        self._ring.append(entry)
        for listener in self._listeners:
            if _is_for(entry, listener):
                listener.woken.set()

    def _withdraw(self, entry: _Entry) -> None:
        """Have a device that comes back later not show what nobody waits for any more."""
        kept = (replace(one, open="") if one is entry else one for one in self._ring)
        self._ring = deque(kept, maxlen=self._ring.maxlen)

    def _position(self, since: str) -> int:
        """Return the number after which to read; one before all that is kept for a mark of another run."""
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
        woken: set when there is something to read.
    """

    def __init__(
        self, live: LiveUpdates, wallet: Wallet | None, device: DeviceId | None, position: int
    ) -> None:
        self.wallet = wallet
        self.device = device
        self.position = position
        self.ended = False
        self._live = live
        self.woken = asyncio.Event()
        self.woken.set()

    async def next(self, patience: Seconds) -> Update | None:
        """Wait for news; None when there are none for so long, or when the listener has ended."""
        try:
            async with asyncio.timeout(patience):
                while not self.ended:
                    await self.woken.wait()
                    self.woken.clear()
                    news = self._live.read(self)
                    if news is not None:
                        return news
        except TimeoutError:
            pass
        return None

    def end(self) -> None:
        """Close the listener."""
        self.ended = True
        self.woken.set()


def publish_film_updates(live: LiveUpdates, bus: EventBus) -> None:
    """Notify open pages of events of films and of playback, from now on."""

    def heard(event: Event) -> None:
        if isinstance(event, FilmAdded | FilmAway | FilmDescribed | FilmReady | FilmRemoved):
            live.changed(LIBRARY, film_topic(event.film))
        elif isinstance(event, PlaybackStarted | PlaybackEnded):
            live.changed(PLAYING)

    bus.listeners.append(heard)


def _is_for(entry: _Entry, listener: Listener) -> bool:
    if entry.device is not None and entry.device != listener.device:
        return False
    return entry.wallet is None or entry.wallet == listener.wallet


def _may_hear(topic: str, wallet: Wallet | None) -> bool:
    return wallet is not None or is_public(topic)
