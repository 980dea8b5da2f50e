"""Tags as a file: JSON, which holds everything, and CSV, which holds one tag of one film a line.

A film is found again by its id, or else by its token, or else by title and year if only one here has them:
ids of films from folders differ from server to server.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import InvalidValue, quote_input, unescape_cell, write_csv
from wylloh_tagging.expression import parse, written
from wylloh_tagging.tag_style import checked_grey
from wylloh_tagging.tags import Tag, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

FORMAT = "wylloh-tags-v1"
"""What the JSON file names itself."""
_COLUMNS = ("film", "token", "title", "year", "tag")
_FIX = "Export a file from the page Tags to see what one looks like."


@dataclass(frozen=True, slots=True)
class Entry:
    """One film of a file. Everything but `tags` may be empty; `year` is text, as a table has it."""

    film: str = ""
    token: str = ""
    title: str = ""
    year: str = ""
    tags: tuple[Tag, ...] = ()

    @property
    def named(self) -> bool:
        """Whether it names its film."""
        return bool(self.film or self.token or self.title)


@dataclass(frozen=True, slots=True)
class SavedText:
    """A collection of the household."""

    name: str
    text: str
    home: bool


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file."""

    films: tuple[Entry, ...] = ()
    categories: tuple[Tag, ...] = ()
    greys: Mapping[Tag, str] = field(default_factory=dict)
    locked: tuple[Tag, ...] = ()
    collections: tuple[SavedText, ...] = ()


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """What is wrong with one place of a file: `line 7`, `film 3`."""

    where: str
    sentence: str


def to_json(content: Content) -> bytes:
    """Write everything, UTF-8, indented so that people can read and compare it."""
    value = {
        "format": FORMAT,
        "categories": list(content.categories),
        "greys": dict(sorted(content.greys.items())),
        "locked": list(content.locked),
        "collections": [
            {"name": one.name, "filter": one.text, "home": one.home} for one in content.collections
        ],
        "films": [asdict(one) for one in content.films],
    }
    return json.dumps(value, ensure_ascii=False, indent=1).encode()


def to_csv(films: Iterable[Entry]) -> bytes:
    """Write tags of films, a line each (RFC 4180), with a byte order mark so that spreadsheets see UTF-8."""
    rows = ((one.film, one.token, one.title, one.year, tag) for one in films for tag in one.tags)
    return write_csv([_COLUMNS, *rows], byte_order_mark=True)


def read(text: str) -> tuple[Content, tuple[ImportProblem, ...]]:
    """Read a file of either kind, and say what is wrong with it, place by place."""
    text = text.removeprefix("\ufeff")
    faults: list[ImportProblem] = []
    content = _from_json(text, faults) if text.lstrip().startswith("{") else _from_csv(text, faults)
    return content, tuple(faults)


def _from_csv(text: str, faults: list[ImportProblem]) -> Content:
    header, _, _ = text.partition("\n")
    delimiter = ";" if header.count(";") > header.count(",") else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restkey="more", restval="")
    tags: dict[Entry, dict[Tag, None]] = {}
    try:
        names = [(name or "").strip().lower() for name in reader.fieldnames or ()]
        if "tag" not in names or not {"film", "token", "title"} & set(names):
            faults.append(ImportProblem("line 1", f"It must name the columns {', '.join(_COLUMNS)}. {_FIX}"))
            return Content()
        reader.fieldnames = names
        for row in reader:
            _take(f"line {reader.line_num}", faults, partial(_row, row, tags))
    except csv.Error as error:
        faults.append(ImportProblem(f"line {reader.line_num}", f"It cannot be read: {error}."))
    films = (Entry(one.film, one.token, one.title, one.year, tuple(found)) for one, found in tags.items())
    return Content(tuple(films))


def _row(row: Mapping[str, Any], tags: dict[Entry, dict[Tag, None]]) -> None:
    film, token, title, year = (unescape_cell(row.get(name, "").strip()) for name in _COLUMNS[:-1])
    entry = Entry(film, token, title, year)
    if not entry.named:
        raise InvalidValue("It does not say which film.", fix=_FIX)
    tag = tag_of(unescape_cell(row["tag"]))
    tags.setdefault(entry, {})[tag] = None


def _from_json(text: str, faults: list[ImportProblem]) -> Content:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        faults.append(ImportProblem("the file", f"It is not JSON: {str(error)[:100]}."))
        return Content()
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        faults.append(ImportProblem("the file", f"Its format is not {FORMAT}. {_FIX}"))
        return Content()
    greys = [
        _take(f"grey of {tag[:40]}", faults, partial(_grey, tag, grey)) for tag, grey in _pairs(value, faults)
    ]
    return Content(
        films=_each(value, "films", "film", _film, faults),
        categories=_each(value, "categories", "category", _tag, faults),
        greys=dict(pair for pair in greys if pair),
        locked=_each(value, "locked", "lock", _tag, faults),
        collections=_each(value, "collections", "collection", _collection, faults),
    )


def _pairs(value: Mapping[str, Any], faults: list[ImportProblem]) -> list[tuple[str, Any]]:
    found = value.get("greys", {})
    if isinstance(found, dict):
        return list(found.items())
    faults.append(ImportProblem("greys", "It must be an object of tags and greys."))
    return []


def _each(
    value: Mapping[str, Any], name: str, one: str, reading: Callable[[Any], Any], faults: list[ImportProblem]
) -> tuple[Any, ...]:
    items = value.get(name, [])
    if not isinstance(items, list):
        faults.append(ImportProblem(name, "It must be a list."))
        return ()
    read_ = [_take(f"{one} {number}", faults, partial(reading, item)) for number, item in enumerate(items, 1)]
    return tuple(item for item in read_ if item is not None)


def _take(where: str, faults: list[ImportProblem], reading: Callable[[], Any]) -> Any:
    try:
        return reading()
    except InvalidValue as error:
        faults.append(ImportProblem(where, str(error)))
        return None


def _film(item: Any) -> Entry:
    if not isinstance(item, dict) or not isinstance(item.get("tags"), list):
        raise InvalidValue("It must be an object with a list of tags.", fix=_FIX)
    year = item.get("year")
    entry = Entry(
        film=_text(item.get("film", "")),
        token=_text(item.get("token", "")),
        title=_text(item.get("title", "")),
        year=str(year) if isinstance(year, int) else _text(year or ""),
        tags=tuple(dict.fromkeys(_tag(tag) for tag in item["tags"])),
    )
    if not entry.named:
        raise InvalidValue("It does not say which film.", fix=_FIX)
    return entry


def _collection(item: Any) -> SavedText:
    if not isinstance(item, dict):
        raise InvalidValue("It must be an object with a name and a filter.", fix=_FIX)
    name, text = _text(item.get("name", "")), written(parse(_text(item.get("filter", ""))))
    return SavedText(name, text, item.get("home") is True)


def _grey(tag: str, grey: Any) -> tuple[Tag, str]:
    return tag_of(tag), checked_grey(_text(grey))


def _tag(item: Any) -> Tag:
    return tag_of(_text(item))


def _text(item: Any) -> str:
    if not isinstance(item, str):
        raise InvalidValue(f"{quote_input(str(item))} is no text.", fix=_FIX)
    return item


def summary(faults: Sequence[ImportProblem]) -> str:
    """Return how many places cannot be read, and that nothing was done."""
    places = "One place" if len(faults) == 1 else f"{len(faults):,} places"
    return f"{places} in this file cannot be read, so nothing was imported."
