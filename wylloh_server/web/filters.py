"""What templates do with plain values: each function is a filter of the same name."""

from __future__ import annotations

import datetime as dt
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.domain.types import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FILTERS", "count", "date", "language", "runtime", "shortened"]

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


_MINUTE = 60


def runtime(seconds: float) -> str:
    """Write a length as people say it: `1 h 04 min`, `12 min`, `45 s`."""
    if seconds < _MINUTE:
        return f"{max(0, int(seconds))} s"
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
        return "Unknown language" if primary.lower() in {"", "und"} else tag
    return f"{name} ({rest})" if rest else name


def date(moment: float) -> str:
    """Write the day of a moment (seconds since 1970, UTC): `20 November 2026`."""
    day = dt.datetime.fromtimestamp(moment, dt.UTC)
    return f"{day.day} {day:%B %Y}"


FILTERS: Mapping[str, Callable[..., str]] = MappingProxyType(
    {"shortened": shortened, "runtime": runtime, "count": count, "language": language, "date": date}
)
