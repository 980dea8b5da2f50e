"""Which runs are at work: what a viewer waits for comes first, the rest is made when there is room."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import AccessRefused, TranscodeFailed
from wylloh_server.services.playback.plan import INIT, PictureTrack
from wylloh_server.services.playback.run import Run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.playback.plan import MadeTrack, Plan
    from wylloh_server.services.playback.run import Tools

_SOON = 2
"""A patient run is waited for when it comes to the wanted segment within this many; else it is replaced."""


class Workshop:
    """Hands out the files of tracks, having them made when they are missing.

    A client (one lease) has at most one run for the picture and one for the sound. A run that no client is on
    any more is ended, unless it is a patient one.

    Args:
        tools: what runs work with.
        processes: how many ffmpegs may run at once.
    """

    def __init__(self, tools: Tools, *, processes: int = 2) -> None:
        self._tools = tools
        self._processes = processes
        self._runs: list[Run] = []
        self._changed = asyncio.Event()
        self._closed = False

    async def file(self, client: str, plan: Plan, track: MadeTrack, name: str) -> bytes:
        """Give `init.mp4` in the clear or `<n>.m4s` encrypted, as soon as it is made.

        Args:
            client: who wants it.
            plan: of the film.
            track: one of the plan's.
            name: one of the track's files.

        Raises:
            AccessRefused: the film was abandoned, or the same client now waits for another place in it.
            WyllohError: it cannot be made.
        """
        number = None if name == INIT else int(name.partition(".")[0])
        data = await self._tools.store.get(plan.store, track.name, name)
        while data is None:
            run = await self._run_for(client, plan, track, number)
            try:
                with _waiting(run):
                    data = await self._made_by(run, name, number)
            finally:
                await self._end_forsaken(run)
            if data is None and run.abandoned:
                raise AccessRefused("This film is no longer played here.", fix="Press Play again.")
            if data is None and run.superseded:
                if number is not None or run.successor != track.name:
                    raise AccessRefused("The player has gone on to another place.", fix="Press Play again.")
                # A segment wanted together with this init segment took the place; its run makes both.
                await self._change()
                data = await self._tools.store.get(plan.store, track.name, name)
        return data

    async def prepare(self, client: str, plan: Plan, track: MadeTrack, number: int) -> None:
        """Begin with a segment that will be wanted soon, unless it is there."""
        if f"{number}.m4s" not in await self._tools.store.names(plan.store, track.name):
            await self._run_for(client, plan, track, number)

    async def fill(self, plan: Plan) -> None:
        """Make every segment that is missing, when nobody waits for anything else.

        Returns early when the film was left for good.

        Raises:
            WyllohError: a track cannot be made.
        """
        begin_at = dict.fromkeys((track.name for track in plan.in_order), 0)
        todo = list(plan.in_order)
        while todo:
            track = next((track for track in todo if not self._at_work(plan, track)), todo[0])
            number = await self._missing(plan, track, begin_at[track.name])
            if number is None:
                todo.remove(track)
                continue
            if self._busy() or self._at_work(plan, track):
                await self._change()
                continue
            run = self._start(plan, track, number, patient=True)
            try:
                await run.result()
            except asyncio.CancelledError:
                # Nobody fills any more; somebody may have begun to watch what it makes.
                if run.patient:
                    await run.stop()
                raise
            if run.abandoned:
                return
            # Never back: in a store that is too small, what was made may be gone again.
            begin_at[track.name] = run.next

    async def made(self, plan: Plan) -> tuple[int, int]:
        """Count the segments of a film that are made, and all there can be."""
        there = [await self._tools.store.names(plan.store, track.name) for track in plan.in_order]
        total = sum(track.timeline.count for track in plan.in_order)
        return sum(name != INIT for names in there for name in names), total

    async def leave(self, client: str) -> None:
        """Take a client off its runs."""
        await self._end(self._detached(client, None))

    async def abandon(self, film: FilmId) -> None:
        """End everything that is being made of a film, for good."""
        ending = [run for run in self._runs if run.plan.film.id == film]
        await asyncio.gather(*(run.stop(abandon=True) for run in ending))

    async def close(self) -> None:
        """End all runs; nothing is started afterwards."""
        self._closed = True
        await asyncio.gather(*(run.stop(abandon=True) for run in self._runs))

    async def _made_by(self, run: Run, name: str, number: int | None) -> bytes | None:
        """Wait for a file of a run's track; None when the run will not make it any more."""
        data = None
        while data is None:
            await run.news()
            data = await self._tools.store.get(run.plan.store, run.track.name, name)
            if not run.comes_to(number):
                break
        return data

    async def _run_for(self, client: str, plan: Plan, track: MadeTrack, number: int | None) -> Run:
        """Find or start the run that makes a file. No run is started between looking and starting."""
        while True:
            run = self._coming_to(plan, track, number)
            if run is None and len(self._runs) < self._processes:
                run = self._start(plan, track, number or 0, patient=False)
            if run is not None:
                run.patient = False
                run.wanted_at = asyncio.get_running_loop().time()
                left = self._detached(client, run)
                run.clients.add(client)
                await self._end(left)
                return run
            await self._make_room(client, track)

    def _coming_to(self, plan: Plan, track: MadeTrack, number: int | None) -> Run | None:
        for run in self._runs:
            soon = not run.patient or number is None or number - run.next < _SOON
            if run.makes(plan, track) and run.comes_to(number) and soon:
                return run
        return None

    async def _make_room(self, client: str, track: MadeTrack) -> None:
        """End a run that can be spared: the client's own, a patient one, the one wanted longest ago."""
        own = [run for run in self._runs if run.clients == {client} and _same_kind(run.track, track)]
        patient = [run for run in self._runs if run.patient]
        idle = sorted((run for run in self._runs if not run.waiting), key=lambda run: run.wanted_at)
        for run in own[:1]:
            # Whoever still waits for it is the same player, which has gone on since: two wishes of one
            # player must not take the place from each other for ever.
            run.superseded, run.successor = True, track.name
        if spare := [*own, *patient, *idle][:1]:
            await self._end(spare)
        else:
            await self._change()

    def _start(self, plan: Plan, track: MadeTrack, number: int, *, patient: bool) -> Run:
        if self._closed:
            raise TranscodeFailed("The server is stopping.", fix="Press Play again in a moment.")
        run = Run(self._tools, plan, track, number, patient=patient)
        self._runs.append(run)
        run.start(self._note)
        return run

    def _note(self) -> None:
        self._runs = [run for run in self._runs if not run.ended]
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _change(self) -> None:
        await self._changed.wait()

    def _busy(self) -> bool:
        return len(self._runs) >= self._processes or any(run.patient for run in self._runs)

    def _at_work(self, plan: Plan, track: MadeTrack) -> bool:
        return any(run.makes(plan, track) for run in self._runs)

    async def _missing(self, plan: Plan, track: MadeTrack, begin_at: int) -> int | None:
        there = await self._tools.store.names(plan.store, track.name)
        numbers = range(begin_at, track.timeline.count)
        return next((number for number in numbers if f"{number}.m4s" not in there), None)

    def _detached(self, client: str, kept: Run | None) -> list[Run]:
        """Take a client off its other runs (of the same kind), and give those that nobody is on any more."""
        left = []
        for run in self._runs:
            other = run is not kept and (kept is None or _same_kind(run.track, kept.track))
            if other and client in run.clients:
                run.clients.discard(client)
                if not run.clients and not run.waiting:
                    # For a wish that has just got this run and is about to wait for it.
                    run.superseded, run.successor = True, kept.track.name if kept else ""
                    left.append(run)
        return left

    async def _end_forsaken(self, run: Run) -> None:
        """End a run whose clients all left while somebody still waited for it."""
        if not (run.clients or run.waiting or run.patient or run.ended):
            await self._end([run])

    async def _end(self, runs: list[Run]) -> None:
        await asyncio.gather(*(run.stop() for run in runs))


def _same_kind(one: MadeTrack, other: MadeTrack) -> bool:
    return isinstance(one, PictureTrack) == isinstance(other, PictureTrack)


@contextmanager
def _waiting(run: Run) -> Iterator[None]:
    run.waiting += 1
    try:
        yield
    finally:
        run.waiting -= 1
