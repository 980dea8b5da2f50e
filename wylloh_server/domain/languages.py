"""Languages as files tag them (ISO 639-2), as the web writes them (BCP 47), and as people read them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_Track = TypeVar("_Track")
_NAMES = {
    "ar": ("ara", "العربية"),
    "bg": ("bul", "Български"),
    "ca": ("cat", "Català"),
    "cs": ("ces cze", "Čeština"),
    "da": ("dan", "Dansk"),
    "de": ("deu ger", "Deutsch"),
    "el": ("ell gre", "Ελληνικά"),
    "en": ("eng", "English"),
    "es": ("spa", "Español"),
    "et": ("est", "Eesti"),
    "fa": ("fas per", "فارسی"),
    "fi": ("fin", "Suomi"),
    "fr": ("fra fre", "Français"),
    "he": ("heb", "עברית"),
    "hi": ("hin", "हिन्दी"),
    "hr": ("hrv", "Hrvatski"),
    "hu": ("hun", "Magyar"),
    "id": ("ind", "Bahasa Indonesia"),
    "is": ("isl ice", "Íslenska"),
    "it": ("ita", "Italiano"),
    "ja": ("jpn", "日本語"),
    "ko": ("kor", "한국어"),
    "lt": ("lit", "Lietuvių"),
    "lv": ("lav", "Latviešu"),
    "nl": ("nld dut", "Nederlands"),
    "no": ("nor", "Norsk"),
    "pl": ("pol", "Polski"),
    "pt": ("por", "Português"),
    "ro": ("ron rum", "Română"),
    "ru": ("rus", "Русский"),
    "sk": ("slk slo", "Slovenčina"),
    "sl": ("slv", "Slovenščina"),
    "sr": ("srp", "Српски"),
    "sv": ("swe", "Svenska"),
    "ta": ("tam", "தமிழ்"),
    "th": ("tha", "ไทย"),
    "tr": ("tur", "Türkçe"),
    "uk": ("ukr", "Українська"),
    "ur": ("urd", "اردو"),
    "vi": ("vie", "Tiếng Việt"),
    "zh": ("zho chi", "中文"),
}
_SHORT = {long: short for short, (longs, _) in _NAMES.items() for long in longs.split()}
_TAG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")

UNKNOWN = "und"
"""The tag for a language nobody named."""


def language_tag(text: str) -> str:
    """Give the BCP 47 tag for what a file says: `ger` and `deu` are `de`; nonsense is `und`."""
    if not _TAG.fullmatch(text):
        return UNKNOWN
    primary, *rest = text.split("-")
    primary = primary.lower()
    return "-".join([_SHORT.get(primary, primary), *rest])


def after_the_sound(
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
    """Name a language in itself, with its region if it has one; the tag when we do not know its name."""
    if tag == UNKNOWN:
        return ""
    primary, *rest = tag.split("-")
    name = _NAMES[primary][1] if primary in _NAMES else primary
    return f"{name} ({'-'.join(rest)})" if rest else name
