"""What templates do with plain values: each function is a filter of the same name."""

from __future__ import annotations

import datetime as dt
import time
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.types import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["FILTERS", "ago", "count", "date", "language", "languages", "runtime", "shortened", "size"]

_LANGUAGES = MappingProxyType(
    {
        "ar": "العربية",
        "bg": "Български",
        "ca": "Català",
        "cs": "Čeština",
        "da": "Dansk",
        "de": "Deutsch",
        "el": "Ελληνικά",
        "en": "English",
        "es": "Español",
        "et": "Eesti",
        "eu": "Euskara",
        "fa": "فارسی",
        "fi": "Suomi",
        "fr": "Français",
        "ga": "Gaeilge",
        "he": "עברית",
        "hi": "हिन्दी",
        "hr": "Hrvatski",
        "hu": "Magyar",
        "id": "Bahasa Indonesia",
        "is": "Íslenska",
        "it": "Italiano",
        "ja": "日本語",
        "ko": "한국어",
        "lt": "Lietuvių",
        "lv": "Latviešu",
        "nb": "Norsk bokmål",
        "nl": "Nederlands",
        "nn": "Norsk nynorsk",
        "no": "Norsk",
        "pl": "Polski",
        "pt": "Português",
        "ro": "Română",
        "ru": "Русский",
        "sk": "Slovenčina",
        "sl": "Slovenščina",
        "sr": "Српски",
        "sv": "Svenska",
        "th": "ไทย",
        "tr": "Türkçe",
        "uk": "Українська",
        "vi": "Tiếng Việt",
        "zh": "中文",
    }
)

_THREE_LETTERS = MappingProxyType(
    {
        "ara": "ar",
        "ces": "cs",
        "dan": "da",
        "deu": "de",
        "ell": "el",
        "eng": "en",
        "fin": "fi",
        "fra": "fr",
        "fre": "fr",
        "ger": "de",
        "heb": "he",
        "hin": "hi",
        "hun": "hu",
        "ita": "it",
        "jpn": "ja",
        "kor": "ko",
        "nld": "nl",
        "nor": "no",
        "pol": "pl",
        "por": "pt",
        "ron": "ro",
        "rus": "ru",
        "spa": "es",
        "swe": "sv",
        "tur": "tr",
        "ukr": "uk",
        "zho": "zh",
    }
)
"""ISO 639-2 codes as containers carry them, for files that do not follow BCP 47."""


_NAMELESS = frozenset({"", "und"})
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_JUST_NOW = 5 * _MINUTE
"""Sessions note no more often than this that they were seen."""
_SHORT = 5 * _MINUTE
"""Below this a film's seconds are worth a word."""


def runtime(seconds: float) -> str:
    """Write a length as people say it: `1 h 04 min`, `12 min`, `1 min 30 s`, `45 s`."""
    if seconds < _SHORT:
        minutes, rest = divmod(max(0, int(seconds)), _MINUTE)
        words = [f"{minutes} min"] * bool(minutes) + [f"{rest} s"] * (rest > 0 or not minutes)
        return " ".join(words)
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min"


def count(number: int) -> str:
    """Write a number with thousands separators: `5,000`."""
    return f"{number:,}"


def language(tag: str) -> str:
    """Give a language's own name: `de-AT` is `Deutsch (AT)`, one we do not know its tag."""
    primary, _, rest = tag.partition("-")
    code = _THREE_LETTERS.get(primary.lower(), primary.lower())
    name = _LANGUAGES.get(code)
    if name is None:
        return "Unknown language" if primary.lower() in _NAMELESS else tag
    return f"{name} ({rest})" if rest else name


def languages(tags: Iterable[str]) -> str:
    """Name languages in a row, `English, Deutsch`; those nobody named are left out."""
    return ", ".join(language(tag) for tag in tags if tag.partition("-")[0].lower() not in _NAMELESS)


def date(moment: float) -> str:
    """Write the day of a moment (seconds since 1970, UTC): `20 November 2026`."""
    day = dt.datetime.fromtimestamp(moment, dt.UTC)
    return f"{day.day} {day:%B %Y}"


def ago(moment: float, now: float | None = None) -> str:
    """Write how long ago a moment (UTC seconds) was: `just now`, `9 min ago`, `2 h ago`, or its day."""
    passed = (time.time() if now is None else now) - moment
    if passed <= _JUST_NOW:
        return "just now"
    if passed < _HOUR:
        return f"{int(passed / _MINUTE)} min ago"
    return f"{int(passed / _HOUR)} h ago" if passed < _DAY else date(moment)


def size(count: int) -> str:
    """Write a number of bytes: `640 bytes`, `3.2 MB`, `4.4 GB`; powers of ten, as disks are sold."""
    for name, unit in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count} byte{'' if count == 1 else 's'}"


FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {
        "shortened": shortened,
        "runtime": runtime,
        "count": count,
        "language": language,
        "languages": languages,
        "date": date,
        "ago": ago,
        "size": size,
    }
)
