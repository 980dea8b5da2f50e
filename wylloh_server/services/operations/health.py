"""Is everything in order? One sentence each, with what to do if not."""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.film import FilmState
from wylloh_server.domain.moments import utc_minute

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.backup import BackupStatus
    from wylloh_server.domain.chain_events import IndexState
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.license import KeyFault
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.http import HttpClient
    from wylloh_server.domain.ports.media import SandboxReport
    from wylloh_server.storage.films import FilmRepository

_log = logging.getLogger(__name__)

_ENOUGH_ROOM = 5 * 10**9
_CLOCK_SLACK = 30.0
_FRESH_SECONDS = 5
_ENOUGH_FILMS = 60
_DEADLINE = 10.0
_DAMAGED_KEY = "Put the files back from an older backup if there is one, then type: wylloh backup FILE."
_NAMED_FAULTS = 3
_MAKE_BACKUP = "Type: wylloh backup FILE. Keep the file on another machine."
_NEARLY = 20
"""Blocks that the history may lag behind while all is well."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of `wylloh doctor`. `fix` is empty when `ok`."""

    name: str
    ok: bool
    sentence: str
    fix: str = ""


Probes = Mapping[str, Callable[[], Awaitable[str]]]
"""What is checked, by name: each returns a sentence for a person, or raises what is wrong and what to do."""


class CheckFailed(WyllohError):
    """Something is not in order; the message says what."""


@dataclass(kw_only=True, eq=False)
class Health:
    """Runs the checks side by side, and counts what can be played.

    `timer` counts seconds, whatever is done to the clock.
    """

    probes: Probes
    films: FilmRepository
    opens: Callable[[Film], Awaitable[bool]]
    timer: Callable[[], float] = time.monotonic
    _lock: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _last: tuple[float, tuple[Check, ...]] | None = field(init=False, default=None)
    _ready_lock: asyncio.Lock = field(init=False, default_factory=asyncio.Lock)
    _ready: tuple[float, bool] | None = field(init=False, default=None)

    async def checks(self) -> tuple[Check, ...]:
        """Run every check; one that hangs or crashes is a failed check.

        Answers are good for five seconds: a monitor that asks often must not become a load on the gateways.
        """
        async with self._lock:
            if self._last is None or self.timer() - self._last[0] >= _FRESH_SECONDS:
                self._last = self.timer(), await run_checks(self.probes)
            return self._last[1]

    async def is_ready(self) -> bool:
        """Whether somebody who has the right can play a film; looked up at most every five seconds."""
        async with self._ready_lock:
            if self._ready is None or self.timer() - self._ready[0] >= _FRESH_SECONDS:
                self._ready = self.timer(), await self._any_opens()
            return self._ready[1]

    async def playable(self) -> int:
        """Count the films that can be played now by somebody who has the right."""
        films = await self.films.in_state(FilmState.READY)
        return sum([film.token is None or await self.opens(film) for film in films])

    async def check(self, name: str) -> Check | None:
        """Return the newest outcome of the check of that name; None if there is no such check."""
        return next((check for check in await self.checks() if check.name == name), None)

    async def _any_opens(self) -> bool:
        """Look at a few films only: where all of them are sealed, one more hardly opens."""
        for film in await self.films.ready(_ENOUGH_FILMS):
            if film.token is None or await self.opens(film):
                return True
        return False


async def run_checks(probes: Probes) -> tuple[Check, ...]:
    """Run checks side by side; one that hangs or crashes is a failed check."""
    return tuple(await asyncio.gather(*(_guarded(name, probe) for name, probe in probes.items())))


async def _guarded(name: str, probe: Callable[[], Awaitable[str]]) -> Check:
    try:
        async with asyncio.timeout(_DEADLINE):
            return Check(name, ok=True, sentence=await probe())
    except TimeoutError:
        return Check(name, ok=False, sentence=f"No answer within {_DEADLINE:.0f} s.", fix="Try again.")
    except (WyllohError, OSError) as error:
        return Check(name, ok=False, sentence=str(error), fix=getattr(error, "fix", "") or "See the log.")
    except Exception as error:  # noqa: BLE001 - whatever a check does wrong is a failed check
        _log.exception("the check %s failed", name)
        return Check(
            name, ok=False, sentence=f"The check failed: {type(error).__name__}.", fix="See the log."
        )


CHAIN = "Chain"
"""The name of the check whether the chain can be asked."""


async def check_chain(chain: Chain, *, configured: bool, contract: bool = True) -> str:
    """Ask every RPC whether there is a chain, and whether it is the right one."""
    if not configured:
        return "No chain configured: films from your folders only."
    if not contract:
        raise CheckFailed(
            "A chain is configured, but no contract.",
            fix="Set chain.contract to the address of the FilmRegistry.",
        )
    status = await chain.status()
    if not status.usable:
        raise CheckFailed(status.reason, fix=status.fix)
    usable = sum(node.usable for node in status.nodes)
    sick = "; ".join(f"{node.url}: {node.reason}" for node in status.nodes if node.reason)
    return f"Block {status.block:,}, {usable} of {len(status.nodes)} nodes answer. {sick}".strip()


async def check_history(state: Callable[[], Awaitable[IndexState | None]]) -> str:
    """Compare the last block read with the newest; `state` returns None where nothing is followed."""
    known = await state()
    if known is None:
        return "No chain is followed."
    sentence = history_sentence(known)
    if blocks_behind(known) > _NEARLY:
        raise CheckFailed(sentence, fix="It is being read. If the number stands still, see the log.")
    return sentence


def blocks_behind(state: IndexState) -> int:
    """Count the blocks that the chain had when it was last asked and that were not read yet."""
    return max(0, (state.head or 0) - (state.block or 0))


def history_sentence(state: IndexState) -> str:
    """Return how far the chain's history has been read."""
    if state.block is None:
        return "Nothing has been read yet."
    behind = blocks_behind(state)
    newest = "the newest" if not behind else f"{behind:,} block{'' if behind == 1 else 's'} behind the newest"
    return f"Read up to block {state.block:,}, {newest}."


async def check_gateways(http: HttpClient, gateways: tuple[str, ...]) -> str:
    """Ask each gateway for anything at all; whatever it answers, it is there."""
    if not gateways:
        return "No gateway configured: nothing is fetched."
    answers = await asyncio.gather(*(_date_header(http, url) for url in gateways))
    silent = [_shown(url) for url, answer in zip(gateways, answers, strict=True) if answer is None]
    sentence = f"{len(gateways) - len(silent)} of {len(gateways)} answer."
    if len(silent) == len(gateways):
        raise CheckFailed(sentence, fix="Check ipfs.gateways and the network.")
    return f"{sentence} Silent: {', '.join(silent)}." if silent else sentence


async def check_disk(free_bytes: Callable[[], int]) -> str:
    """Look whether the data folder's file system has room for another film."""
    free = await asyncio.to_thread(free_bytes)
    sentence = f"{format_byte_size(free)} free."
    if free < _ENOUGH_ROOM:
        raise CheckFailed(sentence, fix="Free some room, or move server.data to a larger disk.")
    return sentence


async def check_sandbox(report: Callable[[], Awaitable[SandboxReport]]) -> str:
    """Report how strong the sandbox of decoders is; fail when a film could reach what it must not."""
    tried = await report()
    used = (
        f"Held back by {', '.join(tried.parts)}." if tried.parts else "Nothing holds a film's decoder back."
    )
    stronger = "".join(f" Missing: {name} ({remedy})." for name, remedy in tried.missing.items())
    if tried.reached:
        raise CheckFailed(
            f"A hostile film could {'; '.join(tried.reached)}. {used}",
            fix=stronger.strip() or "Keep the data folder apart from programs and their libraries.",
        )
    return f"A hostile film reaches no key, no database and no other program. {used}{stronger}"


async def check_folders(folders: tuple[Path, ...]) -> str:
    """Look whether the folders with films of one's own can be read."""
    if not folders:
        return "No folder configured: films from the chain only."
    found = await asyncio.gather(*(asyncio.to_thread(_trouble, folder) for folder in folders))
    troubles = [trouble for trouble in found if trouble]
    sentence = f"{len(found) - len(troubles)} of {len(found)} can be read."
    if troubles:
        raise CheckFailed(
            f"{sentence} {'; '.join(troubles)}.",
            fix="Plug its disk in, let this server's user read it, or correct library.folders.",
        )
    return sentence


def _trouble(folder: Path) -> str:
    try:
        with os.scandir(folder) as entries:
            next(entries, None)
    except OSError as error:
        return f"{folder}: {error.strerror}"
    return ""


async def check_films(counts: Callable[[], Awaitable[Mapping[FilmState, int]]]) -> str:
    """Count the films by what became of them. One that cannot be played is no fault of the server."""
    counted = await counts()
    total = sum(counted.values())
    here, broken = counted.get(FilmState.READY, 0), counted.get(FilmState.FAILED, 0)
    away = counted.get(FilmState.AWAY, 0)
    coming = total - here - broken - away
    parts = [f"{_films(here)} here"] if here or not total else []
    if coming:
        parts.append(f"{_films(coming)} waiting or on the way")
    if broken:
        parts.append(f"{_films(broken)} cannot be played: see Library")
    if away:
        parts.append(f"{_films(away)} away with disk or folder, keeping all that was set")
    return f"{', '.join(parts)}."


async def check_keys(faults: Callable[[], Awaitable[Sequence[tuple[str, KeyFault]]]]) -> str:
    """Look whether a custodian, or this server as one, has a wrong key of a film; `faults` names the film."""
    found = await faults()
    if not found:
        return "No wrong key was sent."
    raise CheckFailed(
        " ".join(_wrong_key(title, fault) for title, fault in found[:_NAMED_FAULTS]),
        fix="Tell the film's publisher. A wrong key is never used: the one that was here before stays.",
    )


async def check_backup(status: Callable[[], BackupStatus]) -> str:
    """Look whether every film key is in a backup: a key that is lost takes its film with it."""
    found = await asyncio.to_thread(status)
    if not found.film_keys:
        return "No film keys yet."
    if found.last is None:
        sentence = f"No backup of {_keys(found.film_keys)}. A film whose key is lost never opens again."
        raise CheckFailed(sentence, fix=_MAKE_BACKUP)
    made = utc_minute(found.last)
    if found.missing:
        raise CheckFailed(f"{_keys(found.missing)} came after the last backup, of {made}.", fix=_MAKE_BACKUP)
    if found.damaged:
        entries = "entry" if found.damaged == 1 else "entries"
        sentence = f"{found.damaged} {entries} of the key store did not open at the last backup, of {made}."
        raise CheckFailed(sentence, fix=_DAMAGED_KEY)
    return f"{_keys(found.film_keys)} in the backup of {made}."


def _keys(count: int) -> str:
    return f"{count:,} film key{'' if count == 1 else 's'}"


def _wrong_key(title: str, fault: KeyFault) -> str:
    who = f"{_shown(fault.custodian)} sent" if fault.custodian else "This server keeps"
    return f"{who} a wrong key of {title} ({utc_minute(fault.at)})."


async def check_packages(held_back: Callable[[], Awaitable[Sequence[tuple[str, str]]]]) -> str:
    """Look whether newer packages of films that play were not taken; those films play on."""
    found = await held_back()
    if not found:
        return "No newer package was held back."
    title, reason = found[0]
    more = f" So were those of {_films(len(found) - 1)} more." if len(found) > 1 else ""
    raise CheckFailed(
        f"A newer package of {title} was not taken; the one that is here plays on. {reason}{more}",
        fix="Choose on the film's page: keep the version that plays, take the newer one, or try it again.",
    )


def _films(count: int) -> str:
    return f"{count:,} film{'' if count == 1 else 's'}"


async def check_clock(http: HttpClient, witnesses: tuple[str, ...], clock: Clock) -> str:
    """Compare with the Date header of the first witness that sends one: sign-in and licences depend on it."""
    for url, sent in zip(witnesses, await _dates(http, witnesses), strict=True):
        if sent is not None:
            off = abs(clock() - sent)
            if off > _CLOCK_SLACK:
                raise CheckFailed(f"{off:.0f} s off from {_shown(url)}.", fix="Turn on time synchronisation.")
            return f"Within {max(1, round(off))} s of {_shown(url)}."
    return "Nobody to compare it with."


async def _dates(http: HttpClient, urls: tuple[str, ...]) -> list[float | None]:
    """Return the moments that servers say it is; None for those that do not."""

    def moment(header: str | None) -> float | None:
        try:
            return email.utils.parsedate_to_datetime(header or "").timestamp()
        except (ValueError, TypeError):
            return None

    return [moment(header) for header in await asyncio.gather(*(_date_header(http, url) for url in urls))]


async def _date_header(http: HttpClient, url: str) -> str | None:
    """Return the Date header of whatever a server answers, empty without one; None without an answer."""
    try:
        async with asyncio.timeout(5), http.get(url) as reply:
            return reply.headers.get("Date", "")
    except (OSError, TimeoutError):
        return None


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: providers put API keys in path, query or user."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
