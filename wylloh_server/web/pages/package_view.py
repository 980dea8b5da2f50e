"""What owner and admins read and choose on a film's page about its packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.film import FilmState, TokenOrigin
from wylloh_server.domain.package_version import SuccessorState
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.template_filters import date, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.package_version import FilmVersions, FormerPackage, Successor

_NEWER = "Its publisher has registered a newer version"


@dataclass(frozen=True, slots=True)
class VersionChoice:
    """A button: the word for the API, what stands on it, and the package it is about, if it is about one."""

    version: str
    words: str
    root: str = ""


@dataclass(frozen=True, slots=True)
class PackageView:
    """What stands about a film's packages.

    Attributes:
        lines: sentences, the most important one first.
        choices: what may be chosen.
    """

    lines: tuple[str, ...]
    choices: tuple[VersionChoice, ...]


async def package_view(request: web.Request, viewer: Viewer, film: Film) -> PackageView | None:
    """Return what there is to choose; None for viewers, and for films that do not play from a package."""
    playing = isinstance(film.origin, TokenOrigin) and film.state is FilmState.READY
    if not playing or not _looks_after(viewer):
        return None
    versions = await request.app[SERVICES].versions.get(film.id)
    # After a restore they are noted, and not here.
    return _view(versions, await request.app[SERVICES].package_switch.former_here(versions))


async def asks_to_fetch(request: web.Request, viewer: Viewer, film: Film) -> bool:
    """Return whether the viewer may say, and has not said yet, whether a film is to be fetched."""
    if not _looks_after(viewer) or not film.reason:
        return False
    return film.id in {asked.id for asked in await request.app[SERVICES].consents.asked()}


def _looks_after(viewer: Viewer) -> bool:
    """Return whether somebody looks after the server, and sits before a screen on which that is done."""
    return viewer.role.includes(Role.ADMIN) and viewer.kind is DeviceKind.BROWSER


def _view(versions: FilmVersions, former: tuple[FormerPackage, ...]) -> PackageView:
    lines = []
    if versions.kept:
        lines.append("You keep this version, whatever its publisher registers.")
    if versions.successor is not None:
        lines.append(_successor_line(versions.successor, kept=versions.kept))
    if former:
        lines.append(_former_line(former))
    choices = (*_newer_choices(versions), *_former_choices(former))
    return PackageView(tuple(lines) or ("It follows its publisher to newer versions.",), choices)


def _newer_choices(versions: FilmVersions) -> Iterator[VersionChoice]:
    if versions.kept:
        yield VersionChoice("follow", "Follow its publisher again")
        return
    successor = versions.successor
    if successor is not None and successor.state is SuccessorState.UNPROVED:
        yield VersionChoice("take", "Take the newer version", successor.origin.root)
    elif successor is not None and successor.state in {SuccessorState.REFUSED, SuccessorState.STOPPED}:
        yield VersionChoice("follow", "Try the newer version again")
    yield VersionChoice("keep", "Keep this version")


def _former_choices(former: tuple[FormerPackage, ...]) -> Iterator[VersionChoice]:
    for one in former:
        words = (
            Markup("the one until {}").format(moment(one.since)) if len(former) > 1 else "the version before"
        )
        yield VersionChoice("back", Markup("Go back to {}").format(words), one.origin.root)


def _former_line(former: tuple[FormerPackage, ...]) -> str:
    if len(former) > 1:
        return f"{len(former)} versions that played before this one are still here."
    since = date(former[0].since)
    return Markup("The version before this one was replaced on {} and is still here.").format(since)


def _successor_line(successor: Successor, *, kept: bool) -> str:
    if kept:
        return "Its publisher has registered another version."
    if successor.state is SuccessorState.REFUSED:
        return f"Its publisher's newer version was refused. {successor.reason}"
    if successor.state is SuccessorState.UNPROVED:
        return f"{_NEWER}. It is here and waits for you; this one plays on. {successor.reason}"
    if successor.reason:
        return f"{_NEWER}; this one plays until that is here. {successor.reason}"
    return f"{_NEWER}: {successor.progress:.0%} of it is here. This one plays until it is whole."
