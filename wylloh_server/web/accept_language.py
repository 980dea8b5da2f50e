"""Which language a browser wants, from `Accept-Language` (RFC 9110, section 12.5.4)."""

from __future__ import annotations

import re
from functools import lru_cache

from babel.core import negotiate_locale
from babel.localedata import locale_identifiers

from wylloh_server.domain.languages import ENGLISH

_RANGE = re.compile(r"([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3})(?:;q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?))?")
_MOST_RANGES = 20


@lru_cache(maxsize=256)
def preferred_locale(header: str) -> str:
    """Return the locale (BCP 47) that Babel knows and the browser wants most; English when there is none."""
    found = [_RANGE.fullmatch(re.sub(r"\s", "", part)) for part in header.split(",", _MOST_RANGES)]
    weighed = [(float(one[2] or 1), one[1].replace("-", "_")) for one in found if one]
    wanted = [tag for weight, tag in sorted(weighed, key=lambda pair: -pair[0]) if weight]
    locale = negotiate_locale(wanted, locale_identifiers())
    return locale.replace("_", "-") if locale else ENGLISH
