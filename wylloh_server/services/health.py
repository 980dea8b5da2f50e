"""Is everything in order? One sentence each, with what to do if not."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.film import FilmState

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.onchain import IndexState
    from wylloh_server.domain.ports.chain import Chain, ChainStatus
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.types import Timestamp
    from wylloh_server.services.envelopes import EnvelopeDesk

_log = logging.getLogger(__name__)

_ENOUGH_ROOM = 5 << 30
_CLOCK_SLACK = 30.0
_FRESH_SECONDS = 5
_DEADLINE = 10.0
_NEARLY = 20
"""Blocks that the history may lag behind while all is well."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `wylloh doctor`. `fix` is empty when `ok`."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""


Probe = Callable[[], Awaitable[Check]]


class Health:
    """Runs the checks side by side, and counts what can be played."""

    def __init__(
        self, *, probes: tuple[Probe, ...], films: Films, envelopes: EnvelopeDesk, clock: Clock
    ) -> None:
        self._probes = probes
        self._films = films
        self._envelopes = envelopes
        self._clock = clock
        self._lock = asyncio.Lock()
        self._last: tuple[Timestamp, tuple[Check, ...]] | None = None

    async def checks(self) -> tuple[Check, ...]:
        """Run every check; one that hangs or crashes is a failed check.

        Answers are good for five seconds: a monitor that asks often must not become a load on the gateways.
        """
        async with self._lock:
            if self._last is None or self._clock() - self._last[0] >= _FRESH_SECONDS:
                self._last = self._clock(), await run_checks(self._probes)
            return self._last[1]

    async def playable(self) -> int:
        """Count the films that can be played now by whoever has the right."""
        films = [film for film in await self._films.all() if film.state is FilmState.READY]
        return sum([film.token is None or await self._envelopes.opens(film) for film in films])


async def run_checks(probes: tuple[Probe, ...]) -> tuple[Check, ...]:
    """Run checks side by side; one that hangs or crashes is a failed check."""
    return tuple(await asyncio.gather(*(_guarded(probe) for probe in probes)))


async def _guarded(probe: Probe) -> Check:
    name = getattr(probe, "name", "check")
    try:
        async with asyncio.timeout(_DEADLINE):
            return await probe()
    except TimeoutError:
        return Check(name, ok=False, sentence=f"No answer within {_DEADLINE:.0f} s.", fix="Try again.")
    except (WyllohError, OSError) as error:
        return Check(name, ok=False, sentence=str(error), fix=getattr(error, "fix", "") or "See the log.")
    except Exception as error:  # noqa: BLE001 - whatever a check does wrong is a failed check
        _log.exception("the check %s failed", name)
        return Check(
            name, ok=False, sentence=f"The check failed: {type(error).__name__}.", fix="See the log."
        )


class ChainCheck:
    """Is there a chain to ask, and is it the right one?"""

    name = "Chain"

    def __init__(self, chain: Chain, *, configured: bool, contract: bool = True) -> None:
        self._chain = chain
        self._configured = configured
        self._contract = contract

    async def __call__(self) -> Check:
        """Ask every RPC."""
        if not self._configured:
            return Check(self.name, ok=True, sentence="No chain configured: films from your folders only.")
        if not self._contract:
            return Check(
                self.name,
                ok=False,
                sentence="A chain is configured, but no contract.",
                fix="Set chain.contract to the address of the FilmRegistry.",
            )
        status = await self._chain.status()
        if not status.usable:
            return Check(self.name, ok=False, sentence=status.reason, fix=status.fix)
        return Check(self.name, ok=True, sentence=_nodes(status))


def _nodes(status: ChainStatus) -> str:
    usable = sum(node.usable for node in status.nodes)
    sick = "; ".join(f"{node.url}: {node.reason}" for node in status.nodes if not node.usable)
    sentence = f"Block {status.block:,}, {usable} of {len(status.nodes)} nodes answer."
    return f"{sentence} {sick}".strip()


class HistoryCheck:
    """Is what is known of the chain's history up to date?"""

    name = "History"

    def __init__(self, state: Callable[[], Awaitable[IndexState | None]]) -> None:
        self._state = state

    async def __call__(self) -> Check:
        """Compare the last block read with the newest; `state` gives None where nothing is followed."""
        state = await self._state()
        if state is None:
            return Check(self.name, ok=True, sentence="No chain is followed.")
        behind = blocks_behind(state)
        return Check(
            self.name,
            ok=behind <= _NEARLY,
            sentence=history_sentence(state),
            fix="" if behind <= _NEARLY else "It is being read. If the number stands still, see the log.",
        )


def blocks_behind(state: IndexState) -> int:
    """Count the blocks that the chain had when it was last asked and that were not read yet."""
    return max(0, (state.head or 0) - (state.block or 0))


def history_sentence(state: IndexState) -> str:
    """Say how far the chain's history has been read."""
    if state.block is None:
        return "Nothing has been read yet."
    behind = blocks_behind(state)
    newest = "the newest" if not behind else f"{behind:,} block{'' if behind == 1 else 's'} behind the newest"
    return f"Read up to block {state.block:,}, {newest}."


class GatewayCheck:
    """Do the gateways answer?"""

    name = "Gateways"

    def __init__(self, http: HttpClient, gateways: tuple[str, ...]) -> None:
        self._http = http
        self._gateways = gateways

    async def __call__(self) -> Check:
        """Ask each gateway for anything at all; whatever it answers, it is there."""
        if not self._gateways:
            return Check(self.name, ok=True, sentence="No gateway configured: nothing is fetched.")
        answers = await asyncio.gather(*(self._there(url) for url in self._gateways))
        silent = [_shown(url) for url, there in zip(self._gateways, answers, strict=True) if not there]
        sentence = f"{len(self._gateways) - len(silent)} of {len(self._gateways)} answer."
        if len(silent) < len(self._gateways):
            return Check(
                self.name,
                ok=True,
                sentence=f"{sentence} Silent: {', '.join(silent)}." if silent else sentence,
            )
        return Check(self.name, ok=False, sentence=sentence, fix="Check ipfs.gateways and the network.")

    async def _there(self, url: str) -> bool:
        try:
            async with asyncio.timeout(5), self._http.get(url):
                return True
        except (OSError, TimeoutError):
            return False


class FfmpegCheck:
    """Is there an ffmpeg that runs?"""

    name = "ffmpeg"

    def __init__(self, version: Callable[[], Awaitable[str]]) -> None:
        self._version = version

    async def __call__(self) -> Check:
        """Ask it for its version; raises MediaError with the fix."""
        return Check(self.name, ok=True, sentence=await self._version())


class DiskCheck:
    """Is there room for another film?"""

    name = "Disk"

    def __init__(self, free_bytes: Callable[[], int]) -> None:
        self._free_bytes = free_bytes

    async def __call__(self) -> Check:
        """Look at the data folder's file system."""
        free = await asyncio.to_thread(self._free_bytes)
        sentence = f"{free / (1 << 30):,.1f} GB free."
        if free >= _ENOUGH_ROOM:
            return Check(self.name, ok=True, sentence=sentence)
        return Check(
            self.name,
            ok=False,
            sentence=sentence,
            fix="Free some room, or move server.data to a larger disk.",
        )


class FoldersCheck:
    """Can the folders with films of one's own be read?"""

    name = "Folders"

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self._folders = folders

    async def __call__(self) -> Check:
        """Open each folder."""
        if not self._folders:
            return Check(self.name, ok=True, sentence="No folder configured: films from the chain only.")
        found = await asyncio.gather(*(asyncio.to_thread(_trouble, folder) for folder in self._folders))
        troubles = [trouble for trouble in found if trouble]
        sentence = f"{len(found) - len(troubles)} of {len(found)} can be read."
        if not troubles:
            return Check(self.name, ok=True, sentence=sentence)
        return Check(
            self.name,
            ok=False,
            sentence=f"{sentence} {'; '.join(troubles)}.",
            fix="Plug its disk in, let this server's user read it, or correct library.folders.",
        )


def _trouble(folder: Path) -> str:
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""


class FilmsCheck:
    """How are the films? One that cannot be played is told, and is no fault of the server."""

    name = "Films"

    def __init__(self, films: Callable[[], Awaitable[tuple[Film, ...]]]) -> None:
        self._films = films

    async def __call__(self) -> Check:
        """Count the films by what became of them."""
        states = [film.state for film in await self._films()]
        here, broken = states.count(FilmState.READY), states.count(FilmState.FAILED)
        coming = len(states) - here - broken
        parts = [f"{_films(here)} here"] if here or not states else []
        if coming:
            parts.append(f"{_films(coming)} waiting or on the way")
        if broken:
            parts.append(f"{_films(broken)} cannot be played: see Library")
        return Check(self.name, ok=True, sentence=f"{', '.join(parts)}.")


def _films(count: int) -> str:
    return f"{count:,} film{'' if count == 1 else 's'}"


class ClockCheck:
    """Is this machine's clock right? Sign-in and licences depend on it."""

    name = "Clock"

    def __init__(self, http: HttpClient, witnesses: tuple[str, ...], clock: Clock) -> None:
        self._http = http
        self._witnesses = witnesses
        self._clock = clock

    async def __call__(self) -> Check:
        """Compare with the Date header of the first witness that sends one."""
        answers = await asyncio.gather(*(self._off_by(url) for url in self._witnesses))
        for url, off in zip(self._witnesses, answers, strict=True):
            if off is not None:
                return self._judged(off, url)
        return Check(self.name, ok=True, sentence="Nobody to compare it with.")

    def _judged(self, off: float, url: str) -> Check:
        sentence = f"Within {max(1, round(abs(off)))} s of {_shown(url)}."
        if abs(off) <= _CLOCK_SLACK:
            return Check(self.name, ok=True, sentence=sentence)
        return Check(
            self.name,
            ok=False,
            sentence=f"{abs(off):.0f} s off from {_shown(url)}.",
            fix="Turn on time synchronisation.",
        )

    async def _off_by(self, url: str) -> float | None:
        try:
            async with asyncio.timeout(5), self._http.get(url) as reply:
                sent = email.utils.parsedate_to_datetime(reply.headers["Date"])
        except (OSError, TimeoutError, KeyError, ValueError, TypeError):
            return None
        return self._clock() - sent.timestamp()


def _shown(url: str) -> str:
    """Give an address without what may be secret in it: providers put API keys in path, query or user."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
