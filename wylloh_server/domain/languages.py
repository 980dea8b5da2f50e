"""Languages as files tag them (ISO 639-2), as the web writes them (BCP 47), and as people read them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from babel.core import Locale, UnknownLocaleError, get_global

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_Track = TypeVar("_Track")
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")

_THREE_LETTERS = 3
_NAMELESS = frozenset({"", "und", "mul", "zxx", "mis"})
"""Codes for no language in particular: undetermined, several, none, uncoded (ISO 639-2)."""

ENGLISH = "en-GB"
"""The locale of the pages: days before months, no comma before the last "and"."""

UNKNOWN = "und"
"""The tag for a language nobody named."""


def language_tag(text: str) -> str:
    """Return the BCP 47 tag for what a file says: `ger` and `deu` are `de`; nonsense is `und`."""
    if not _TAG.fullmatch(text):
        return UNKNOWN
    primary, *rest = text.split("-")
    return "-".join([_short_code(primary.lower()), *rest])


def sort_subtitles_by_audio(
    tracks: Iterable[_Track], sound: Sequence[str], tag: Callable[[_Track], str]
) -> tuple[_Track, ...]:
    """Order subtitles by the languages of the sound, `pt-BR` where `pt` stands; then the others as they came.

    Args:
        tracks: the subtitles.
        sound: BCP 47 tags of the sound, the first one first.
        tag: gives the BCP 47 tag of subtitles.
    """
    spoken = [_primary(language) for language in sound]

    def place(track: _Track) -> int:
        primary = _primary(tag(track))
        return spoken.index(primary) if primary in spoken and primary != UNKNOWN else len(spoken)

    return tuple(sorted(tracks, key=place))


def _primary(tag: str) -> str:
    return tag.partition("-")[0].lower()


def language_name(tag: str) -> str:
    """Return a language's own name, with its region if it has one: `Deutsch (AT)`; the tag if it has no name.

    Empty for a tag that says that the language is not known.
    """
    primary, *rest = tag.split("-")
    code = _short_code(primary.lower())
    if code in _NAMELESS:
        return ""
    name = _own_name(code)
    if not name:
        return tag
    return f"{name} ({'-'.join(rest)})" if rest else name


def english_name(tag: str) -> str:
    """Return the English name of a tag's language, whatever the region; empty if it has none."""
    code = _short_code(tag.partition("-")[0].lower())
    return "" if code in _NAMELESS else str(Locale("en").languages.get(code, ""))


def _short_code(code: str) -> str:
    """Return the two-letter code (ISO 639-1) for a code of three letters (ISO 639-2), if there is one."""
    short = str(get_global("language_aliases").get(code, code))
    return short if len(code) == _THREE_LETTERS and re.fullmatch("[a-z]{2,3}", short) else code


@lru_cache(maxsize=512)
def _own_name(code: str) -> str:
    try:
        locale = Locale(code)
    except (UnknownLocaleError, ValueError):
        return ""
    name = locale.languages.get(code) or ""
    return name[:1].upper() + name[1:]
