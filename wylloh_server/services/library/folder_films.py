"""Films without tokens, from folders on this machine: found, probed, named after their files, and kept."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import MediaError, MediaRefused, ProbeInterrupted
from wylloh_server.domain.events import FilmAdded, FilmAway, FilmDescribed, FilmReady
from wylloh_server.domain.film import Description, Film, FilmState, FolderOrigin, new_film_id
from wylloh_server.domain.languages import UNKNOWN, sort_subtitles_by_audio
from wylloh_server.domain.media_formats import unplayable_kind
from wylloh_server.domain.rendition import sidecar_subtitles
from wylloh_server.services.library.film_names import extras, film_name, trailers, twins_told_apart
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.library.missing_films import MissingFilms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wylloh_server.domain.ports.content import FileStamp, Folders
    from wylloh_server.domain.ports.media import MediaTools
    from wylloh_server.domain.rendition import Probe
    from wylloh_server.domain.types import FilmId
    from wylloh_server.services.operations.event_bus import EventBus
    from wylloh_server.storage.films import FilmRepository

_log = logging.getLogger(__name__)

_MOST_INTERRUPTED = 5
"""Looks into a film that took too long or crashed, until the next start."""


@dataclass(frozen=True, slots=True)
class FolderReport:
    """What a scan found in a folder.

    Attributes:
        films: how many films lie in it, with those that are away or cannot be played.
        problem: why it cannot be read; empty if it can.
    """

    path: Path
    films: int
    away: int
    unplayable: int
    problem: str


@dataclass(kw_only=True, eq=False)
class FolderFilms:
    """Keeps the library in step with the folders.

    Attributes:
        note_trailers: is told the trailers found, by the files of their films.
        reports: what the last scan found, by folder.
    """

    paths: tuple[Path, ...]
    folders: Folders
    media: MediaTools
    films: FilmRepository
    bus: EventBus
    note_trailers: Callable[[Mapping[PurePath, PurePath]], None]
    reports: tuple[FolderReport, ...] = field(init=False, default=())
    _problems: dict[Path, str] = field(init=False, default_factory=dict)
    _growing: dict[Path, FileStamp] = field(init=False, default_factory=dict)
    _tried: set[Path] = field(init=False, default_factory=set)
    _interrupted: Counter[Path] = field(init=False, default_factory=Counter)
    _left_out: set[PurePath] = field(init=False, default_factory=set)

    async def scan(self) -> None:
        """Look once: add new films, find renamed ones again, and note which are away.

        A film whose file is not there is away, whatever the reason, and loses nothing; only the owner removes
        it. A file that was written to since it was looked into is looked into again once two scans have found
        it alike. One that cannot be read is passed over until the next scan.
        """
        known = {
            film.origin.path: film
            for film in await self.films.from_folders()
            if isinstance(film.origin, FolderOrigin)
        }
        seen = await self._seen()
        missing = MissingFilms(film for path, film in known.items() if Path(path) not in seen)
        # One that an older version took for a film stays one.
        left_out = extras(seen, self._roots()) - {Path(name) for name in known}
        self._log_left_out(left_out)
        self.note_trailers(trailers(left_out, seen - left_out))
        for path in sorted(seen - left_out):
            try:
                await self._note(path, known.get(str(path)), missing)
            except OSError as error:
                _log.warning("cannot read %s: %s", path, error.strerror)
        for film in missing.left():
            await self._note_away(film)
        films = await self.films.from_folders()
        await self._tell_twins_apart(films)
        self.reports = self._reports(films)

    def _reports(self, films: Iterable[Film]) -> tuple[FolderReport, ...]:
        inside: dict[Path, Counter[FilmState]] = {folder: Counter() for folder in self.paths}
        for film in films:
            assert isinstance(film.origin, FolderOrigin)  # noqa: S101 - for the type checker: of folders
            path = Path(film.origin.path)
            for folder in (one for one in self.paths if _below(path, (one,))):
                inside[folder][film.state] += 1
        return tuple(
            FolderReport(
                path=folder,
                films=found.total(),
                away=found[FilmState.AWAY],
                unplayable=found[FilmState.FAILED],
                problem=self._problems.get(folder, ""),
            )
            for folder, found in inside.items()
        )

    def _log_left_out(self, left_out: set[PurePath]) -> None:
        for path in sorted(left_out - self._left_out):
            _log.info("%s is left out: by its name it belongs to the film beside it", path)
        self._left_out = left_out

    async def _seen(self) -> set[Path]:
        seen = set[Path]()
        self._problems = {}
        for folder in self.paths:
            try:
                seen.update(await self.folders.films(folder))
            except OSError as error:
                self._problems[folder] = error.strerror or type(error).__name__
                _log.warning("cannot read the film folder %s: %s", folder, error.strerror)
        return seen

    async def _note(self, path: Path, known: Film | None, missing: MissingFilms) -> None:
        stamp = await self.folders.stamp(path)
        if known is None:
            await self._add(path, stamp, missing)
        elif _unchanged(known, stamp):
            self._growing.pop(path, None)
            await self._keep(path, known, stamp)
        elif self._growing.get(path) == stamp:
            await self._look_again(path, known, stamp)
            del self._growing[path]
        else:
            self._growing[path] = stamp

    async def _keep(self, path: Path, film: Film, stamp: FileStamp) -> None:
        """Leave a film as it is, unless there is something to make up for."""
        if film.progress < 1:
            # Once after each start, or when it has been away: a newer server may know how to play it.
            if path not in self._tried:
                await self._look_again(path, film, stamp)
        elif film.state is FilmState.AWAY or not _noted(film):
            origin = film.origin if _noted(film) else await self._origin(path, stamp)
            await self.films.save(replace(film, origin=origin, state=FilmState.READY, reason=""))
            if film.state is FilmState.AWAY:
                self.bus.publish(FilmReady(film.id))

    async def _add(self, path: Path, stamp: FileStamp, missing: MissingFilms) -> None:
        """Add a file that nobody knew under this name: a new film, or one that was renamed or moved."""
        origin = await self._origin(path, stamp)
        moved = missing.take(origin)
        if moved is None:
            await self._added(await self._look_into(new_film_id(), origin))
            return
        title, year = await self._name(path)
        film = replace(moved, origin=origin, description=replace(moved.description, title=title, year=year))
        if moved.progress < 1:
            film = await self._look_into(moved.id, origin)
        else:
            film = replace(film, state=FilmState.READY, reason="")
        await self.films.save(film)
        _log.info("%s is %s now", moved.title, path)
        self.bus.publish(FilmDescribed(film.id, film.title))
        self._publish_if_ready(film)

    async def _added(self, film: Film) -> None:
        await self.films.save(film)
        self.bus.publish(FilmAdded(film.id, film.title))
        self._publish_if_ready(film)

    async def _look_again(self, path: Path, known: Film, stamp: FileStamp) -> None:
        origin = await self._origin(path, stamp)
        if known.progress == 1 and _same_file(known, origin):
            # Its time has changed and nothing else, as after copying it back.
            film = replace(known, origin=origin, state=FilmState.READY, reason="")
        else:
            film = await self._look_into(known.id, origin)
        await self.films.save(film)
        self._publish_if_ready(film)

    def _publish_if_ready(self, film: Film) -> None:
        if film.state is FilmState.READY:
            self.bus.publish(FilmReady(film.id))

    async def _origin(self, path: Path, stamp: FileStamp) -> FolderOrigin:
        return FolderOrigin(str(path), stamp.size, stamp.modified, await self.folders.fingerprint(path))

    async def _look_into(self, film_id: FilmId, origin: FolderOrigin) -> Film:
        path = Path(origin.path)
        title, year = await self._name(path)
        try:
            probe = await self._probe(path)
        except MediaError as error:
            blank = Description(title, year=year)
            film = Film(film_id, blank, origin, FilmState.FAILED, reason=error.explained)
            self._interrupted[path] += isinstance(error, ProbeInterrupted)
            if isinstance(error, ProbeInterrupted) and self._interrupted[path] < _MOST_INTERRUPTED:
                return film  # a busy machine: the next scan tries again
        else:
            about = described(probe, title, year, await self._sidecar_languages(path))
            film = Film(film_id, about, origin, FilmState.READY, progress=1.0, notes=probe.notes)
        # Only now, so that a look that was interrupted is taken again.
        self._tried.add(path)
        return film

    async def _sidecar_languages(self, path: Path) -> set[str]:
        try:
            files = await self.folders.subtitles(path)
        except OSError:
            return set()
        return {sidecar_subtitles(file, path).language for file in files} - {UNKNOWN}

    async def _probe(self, path: Path) -> Probe:
        if kind := unplayable_kind(path):
            raise MediaRefused(
                f"This is {kind}, which this server does not open.",
                fix="Make a Matroska file of it with a program such as MakeMKV or HandBrake.",
            )
        async with opened(self.folders.open(path)) as source:
            return await self.media.probe(source)

    async def _name(self, path: Path) -> tuple[str, int | None]:
        return await asyncio.to_thread(film_name, path, self._roots())

    def _roots(self) -> set[Path]:
        return {place for folder in self.paths for place in (folder, folder.resolve())}

    async def _tell_twins_apart(self, films: tuple[Film, ...]) -> None:
        paths = {film.id: Path(film.origin.path) for film in films if isinstance(film.origin, FolderOrigin)}
        titles = await asyncio.to_thread(twins_told_apart, films, paths, self._roots())
        for film in (film for film in films if film.id in titles):
            about = replace(film.description, title=titles[film.id])
            await self.films.save(replace(film, description=about))
            self.bus.publish(FilmDescribed(film.id, about.title))

    async def _note_away(self, film: Film) -> None:
        if film.state is FilmState.AWAY:
            return
        assert isinstance(film.origin, FolderOrigin)  # noqa: S101 - for the type checker: the films of folders
        path = Path(film.origin.path)
        self._growing.pop(path, None)
        self._tried.discard(path)
        del self._interrupted[path]
        _log.warning(
            "%s is away: %s is not there. The film keeps everything until it is back", film.title, path
        )
        await self.films.save(replace(film, state=FilmState.AWAY, reason=self._why_away(path)))
        self.bus.publish(FilmAway(film.id))

    def _why_away(self, path: Path) -> str:
        if not _below(path, self.paths):
            return (
                "Its folder is not among library.folders of the settings any more. Add it to watch the film."
            )
        return (
            f"{path.name} is not in its folder now. Connect its disk, or put the file back: the film returns "
            "by itself, with everything that was set."
        )


def _unchanged(film: Film, stamp: FileStamp) -> bool:
    """Return whether a file is as it was when it was looked into; True if nobody noted how it was."""
    origin = film.origin
    assert isinstance(origin, FolderOrigin)  # noqa: S101 - for the type checker: the films of folders
    return not _noted(film) or (origin.size, origin.modified) == (stamp.size, stamp.modified)


def _same_file(film: Film, origin: FolderOrigin) -> bool:
    return isinstance(film.origin, FolderOrigin) and film.origin.fingerprint == origin.fingerprint


def _noted(film: Film) -> bool:
    """Return whether it was noted how the file was; older versions did not."""
    return isinstance(film.origin, FolderOrigin) and bool(film.origin.fingerprint)


def _below(path: Path, folders: Iterable[Path]) -> bool:
    """Return whether a path lies in one of some folders; a folder may be named by a link to it."""
    return any(path.is_relative_to(folder) or path.is_relative_to(folder.resolve()) for folder in folders)


def described(probe: Probe, title: str, year: int | None, beside: Iterable[str] = ()) -> Description:
    """Describe a film by what its file contains, and the languages of subtitles `beside` it."""
    written = dict.fromkeys([*(track.language for track in probe.subtitles), *sorted(beside)])
    return with_tracks(Description(title, year=year), probe, written)


def with_tracks(description: Description, probe: Probe, subtitles: Iterable[str]) -> Description:
    """Return a description with what the film's file says of it, and the languages of its subtitles."""
    spoken = tuple(dict.fromkeys(track.language for track in probe.audio))
    return replace(
        description,
        runtime=probe.duration,
        languages=spoken,
        subtitles=sort_subtitles_by_audio(subtitles, spoken, str),
        height=probe.video.height,
    )
