"""A search of the store. All of it is in the page's address, so that it can be shared."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/plugins/store/"
FACETS: Mapping[str, str] = MappingProxyType(
    {
        "availability": "Availability",
        "price": "Price",
        "genre": "Genre",
        "right": "Right within reach",
        "runtime": "Runtime",
        "language": "Language",
        "year": "Year",
    }
)
"""The facets, in the order in which they are shown."""

RELEVANCE, NEWEST = "relevance", "newest"
SORTS: Mapping[str, str] = MappingProxyType(
    {
        RELEVANCE: "Best match",
        NEWEST: "Newest",
        "title": "Title",
        "price": "Lowest price",
        "dearest": "Highest price",
        "runtime": "Shortest",
        "longest": "Longest",
    }
)

_LONGEST_TEXT = 200
_MOST_VALUES = 20
_PAGE = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A search.

    Attributes:
        chosen: values by facet. Films must have one of each facet's.
        page: counted from 1.
    """

    text: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sort: str = ""
    page: int = 1

    @property
    def order(self) -> str:
        """How to sort: as asked for, else by relevance where there is a text, else the newest first."""
        fallback = RELEVANCE if self.text else NEWEST
        return self.sort if self.sort in SORTS and (self.text or self.sort != RELEVANCE) else fallback

    @property
    def url(self) -> str:
        """The address of the page with this search."""
        parts = {"q": self.text, **{name: ",".join(self.chosen.get(name, ())) for name in FACETS}}
        parts |= {"sort": self.sort, "page": str(self.page) if self.page > 1 else ""}
        given = {name: value for name, value in parts.items() if value}
        return PATH + (f"?{urlencode(given, safe=',', quote_via=quote)}" if given else "")

    def toggled(self, facet: str, value: str) -> SearchQuery:
        """Choose a value, or no longer; from the first page again."""
        values = self.chosen.get(facet, ())
        after = tuple(one for one in values if one != value) if value in values else (*values, value)
        return replace(self, chosen={**self.chosen, facet: after}, page=1)

    def at_page(self, page: int) -> SearchQuery:
        """Turn to a page."""
        return replace(self, page=page)


def parse_search_query(query: Mapping[str, str]) -> SearchQuery:
    """Read an address. What cannot be meant is left out, so that an old or mistyped address still works."""
    chosen = {name: values for name in FACETS if (values := _values(query.get(name, "")))}
    sort, page = query.get("sort", ""), query.get("page", "")
    return SearchQuery(
        text=" ".join(query.get("q", "").split())[:_LONGEST_TEXT],
        chosen=chosen,
        sort=sort if sort in SORTS else "",
        page=int(page) if _PAGE.fullmatch(page) else 1,
    )


def _values(text: str) -> tuple[str, ...]:
    parts = dict.fromkeys(part.strip() for part in text.split(","))
    return tuple(part for part in parts if part)[:_MOST_VALUES]
