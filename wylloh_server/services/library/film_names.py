"""What the names of files and folders say of films: titles, years, parts, versions, and what is no film."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.media_formats import DISC_FOLDERS, FILM_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.types import FilmId

_YEAR = re.compile(r"[\s._(\[-]+((?:188[89]|189\d|19\d\d|20[0-4]\d))(?=[\s._)\]-]|$)")
"""A year since the first film there is (1888)."""
_NOISE = re.compile(
    r"(?i)(?<![^\W_])(?:2160p|1080[pi]|720p|576p|480p|4k|uhd|bluray|brrip|bdrip|dvdrip|hdtv|web-?dl|webrip"
    r"|x26[45]|h\.?26[45]|hevc|xvid|divx|remux)(?![^\W_]).*$"
)
_ACRONYM = re.compile(r"(?<![^\W_])(?:[^\W\d_]\.){2,}[^\W\d_]?(?![^\W_])")
_PART = re.compile(r"(?i)(?:^|[\s._(\[-])(?:cd|part|pt|disc|disk)[\s._-]*(\d{1,2})(?=[\s._)\]-]|$)")
_NAMELESS = re.compile(r"(?i)\d{1,3}|video|movie|film|feature|title[\s_]?\d*|index|vts[\s_]\d+[\s_]\d|\d{5}")
_SEASON = re.compile(r"(?i)(?:season|series|staffel|saison|s)[\s._-]*\d{1,3}")
_TWIN = " · "
"""Between a title and what tells it from another film of that title."""

_RELEASE = frozenset({"source", "video_codec", "audio_codec", "proper_count"})
"""What guessit finds only in the names of releases."""
_EXTRA_FOLDERS = frozenset(
    {"sample", "samples", "trailer", "trailers", "extra", "extras", "featurette", "featurettes", "bonus"}
) | {"interviews", "scenes", "shorts", "behind the scenes", "deleted scenes"}
_EXTRA = re.compile(
    r"(?i)(?:(.*)[\s._-])?(?:sample|trailer|featurette|behindthescenes|deleted|deletedscene|interview|extra)\d*"
)
"""The name of the film that it belongs to, if any, and what it is."""
_TRAILER = re.compile(r"(?i)(?:(.*)[\s._-])?trailer\d*")
"""The same of a trailer."""
_TRAILER_FOLDERS = frozenset({"trailer", "trailers"})


def film_name(path: PurePath, roots: Collection[PurePath] = ()) -> tuple[str, int | None]:
    """Return a film's title and year by its file, and by its folder where the file says less.

    Args:
        path: of the file.
        roots: the folders of the settings, whose own names say nothing.
    """
    title, year = title_from(path.name)
    folder = _telling_folder(path, roots)
    if folder is not None:
        about, since = title_from(f"{folder.name}.mkv")
        if path.parent != folder and _SEASON.fullmatch(path.parent.name) and _NAMELESS.fullmatch(path.stem):
            return f"{about}, {path.parent.name}, {path.stem}", since
        if _NAMELESS.fullmatch(path.stem) or _is_only_a_part(path.stem):
            title, year = about, since
        elif year is None and _bare(title) == _bare(about):
            year = since
    part = _PART.search(path.stem)
    named = folder is not None or not _is_only_a_part(path.stem)
    return (f"{title}, part {int(part[1])}" if part and named else title), year


def _is_only_a_part(stem: str) -> bool:
    return not _bare(_PART.sub("", stem))


def title_from(name: str) -> tuple[str, int | None]:
    """Read title and year from a file name: `Big.Buck.Bunny.(2008).1080p.mkv` is Big Buck Bunny, 2008."""
    stem = _stem(name)
    years = [match for match in _YEAR.finditer(stem) if match.start() > 0]
    # `Blade Runner 2049 (2017)`: the year in brackets, or else the last one.
    match = next((one for one in years if "(" in one[0] or "[" in one[0]), years[-1] if years else None)
    rest = stem[: match.start()] if match else stem
    bare = _PART.sub("", _NOISE.sub("", rest)) or _NOISE.sub("", rest)
    title = _words(bare, _gaps(stem)) or _words(stem, _gaps(stem)) or name
    if match is None:
        title = _without_release(name, title)
    title = title if title != title.lower() else title[:1].upper() + title[1:]
    return title, int(match[1]) if match else None


def _stem(name: str) -> str:
    stem = name.rsplit(".", 1)[0]
    while PurePath(stem).suffix.lower() in FILM_SUFFIXES:
        stem = stem.rsplit(".", 1)[0]
    return stem


def _gaps(stem: str) -> str:
    """Return what stands between words: spaces, or else dots and underscores, or else hyphens."""
    if " " in stem.strip():
        return r"\s+"
    return r"[._]+" if re.search(r"[._]", stem.strip("._")) else r"[._-]+"


def _words(stem: str, gaps: str) -> str:
    kept = _ACRONYM.sub(lambda match: match[0].rstrip(".").replace(".", "\0") + " ", stem)
    return re.sub(gaps, " ", kept).rstrip(" -_.([").strip(" -_").replace("\0", ".")


def _without_release(name: str, title: str) -> str:
    """Take away what guessit knows as the marks of a release, where it finds such marks after the title."""
    if not re.search(r"[._\[-]", name.rsplit(".", 1)[0].strip("._-")):
        return title
    found = _guessed(name)
    if "alternative_title" in found or "episode" in found:
        return title
    group = f"[{found.get('release_group', '')}]"
    if title.startswith(f"{group} "):
        return title.removeprefix(group).lstrip()
    is_release = _RELEASE & found.keys() or (re.search(r"\.[a-z]{2,3}\.\w+$", name) and "language" in found)
    guess = str(found.get("title", ""))
    if not is_release or not guess or not _bare(title).startswith(_bare(guess)):
        return title
    return " ".join(title.split()[: len(guess.split())])


def _guessed(name: str) -> Mapping[str, Any]:
    from guessit import guessit  # noqa: PLC0415 - takes a second to load, and only some names need it

    try:
        return dict(guessit(name, {"type": "movie"}))
    except Exception:  # noqa: BLE001 - it raises for a few names; those stay as they are
        return {}


def _bare(title: str) -> str:
    return re.sub(r"[\W_]+", "", title).casefold()


def _telling_folder(path: PurePath, roots: Collection[PurePath]) -> PurePath | None:
    """Return the nearest folder whose name is about the film: no disc, season or folder of the settings."""
    for folder in path.parents:
        if folder in roots or not folder.name:
            return None
        inside_disc = folder.name.upper() in DISC_FOLDERS or folder.parent.name.upper() in DISC_FOLDERS
        if not inside_disc and not _SEASON.fullmatch(folder.name) and not _PART.fullmatch(folder.name):
            return folder
    return None


def extras(paths: Iterable[PurePath], roots: Collection[PurePath] = ()) -> set[PurePath]:
    """Return those files that belong to a film beside them and are none: samples, trailers, featurettes.

    Films may be called so, too. So a file is left out where the name before such a word is that of a film
    beside it (`Meadow-trailer.mkv`), or, without one (`trailer.mkv`), where its folder is that of one film.
    In a folder that has the name of its only film all trailers are of that film (`Teaser-trailer.mkv`).
    A folder is left out where there is a film beside it, unless it lies right in a folder of the settings.
    """
    found = set(paths)
    folders = {path: [one for one in path.parents if one.name.lower() in _EXTRA_FOLDERS] for path in found}
    named = {path for path in found if _EXTRA.fullmatch(path.stem) or folders[path]}
    films: dict[PurePath, list[PurePath]] = {}
    for path in found - named:
        films.setdefault(path.parent, []).append(path)
    return {
        path
        for path in named
        if _belongs_to_one(path, films.get(path.parent, []), roots)
        or any(one.parent in films and one.parent not in roots for one in folders[path])
    }


def _belongs_to_one(path: PurePath, beside: Sequence[PurePath], roots: Collection[PurePath]) -> bool:
    match = _EXTRA.fullmatch(path.stem)
    if match is None:
        return False
    names = {_bare(title_from(film.name)[0]) for film in beside}
    about = _bare(title_from(f"{path.parent.name}.mkv")[0])
    if match[1]:
        is_of_folder = names == {about} and path.parent not in roots and bool(_TRAILER.fullmatch(path.stem))
        return is_of_folder or _bare(match[1]) in names | {_bare(film.stem) for film in beside}
    return path.parent not in roots and (len(names) == 1 or about in names)


def trailers(left_out: Iterable[PurePath], films: Iterable[PurePath]) -> dict[PurePath, PurePath]:
    """Return the trailer of each film that has one; of several the first by name.

    Args:
        left_out: what `extras` found.
        films: the files of the films.
    """
    beside: dict[PurePath, list[PurePath]] = {}
    for film in films:
        beside.setdefault(film.parent, []).append(film)
    found: dict[PurePath, PurePath] = {}
    for path in sorted(left_out):
        in_folder = path.parent.name.lower() in _TRAILER_FOLDERS
        match = _TRAILER.fullmatch(path.stem)
        if match or in_folder:
            place = path.parent.parent if in_folder else path.parent
            name = (match[1] or "") if match else path.stem
            for film in _advertised(name, beside.get(place, [])):
                found.setdefault(film, path)
    return found


def _advertised(name: str, beside: Sequence[PurePath]) -> list[PurePath]:
    """Return the films a trailer is of: those that it is named after, else all versions of the only one."""
    titles = {film: _bare(title_from(film.name)[0]) for film in beside}
    named = [film for film in beside if _bare(name) in {titles[film], _bare(film.stem)}]
    return named or (list(beside) if len(set(titles.values())) == 1 else [])


def twins_told_apart(
    films: Sequence[Film], paths: Mapping[FilmId, PurePath], roots: Collection[PurePath] = ()
) -> dict[FilmId, str]:
    """Return new titles, by film id, for films that have the same title and year, and for those no longer so.

    Args:
        films: all films of the folders.
        paths: where each is, by film id.
        roots: the folders of the settings, whose own names say nothing.
    """
    groups: dict[tuple[str, int | None], list[Film]] = {}
    for film in films:
        base = _base(film.title, paths[film.id], roots)
        groups.setdefault((base, film.description.year), []).append(film)
    wanted = {}
    for (base, _), alike in groups.items():
        marks = _marks([paths[film.id] for film in alike]) if len(alike) > 1 else [""]
        for film, mark in zip(alike, marks, strict=True):
            wanted[film.id] = f"{base}{_TWIN}{mark}" if mark else base
    return {film.id: wanted[film.id] for film in films if film.title != wanted[film.id]}


def _base(title: str, path: PurePath, roots: Collection[PurePath]) -> str:
    """Return a title without what told it apart before; a name itself may have such a mark in it."""
    if _TWIN not in title:
        return title
    name, _ = film_name(path, roots)
    return name if title.startswith(f"{name}{_TWIN}") else title


def _marks(paths: list[PurePath]) -> list[str]:
    """Return what tells files apart: their versions, else their folders, else their whole names."""
    versions = [_version(path) for path in paths]
    for marks in (versions, [path.parent.name for path in paths]):
        if len(set(marks)) == len(marks) and all(marks):
            return marks
    return [f"{path.parent.name}/{path.name}" for path in paths]


def _version(path: PurePath) -> str:
    """Return what a name says after its year or title: `Wood (2003) - 1080p.mkv` is the version 1080p."""
    stem = _stem(path.name)
    years = list(_YEAR.finditer(stem))
    after = stem[years[-1].end() :].strip(" )]-._[(") if years else ""
    if not after and (noise := _NOISE.search(stem)):
        after = noise[0]
    return " ".join(re.sub(r"[._]+", " ", after).split())[:40]
