"""The catalog: every title with its facets as bit maps, so that counting them over 10,000 is quick.

A facet's value is one whole number whose bit n says whether the title at place n has it. Choosing several
values of one facet joins their maps (or), several facets cut them (and), and a count is a number of bits.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_store.search_query import FACETS, NEWEST, RELEVANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from decimal import Decimal

    from wylloh_server.sdk import FilmId
    from wylloh_store.search_query import SearchQuery
    from wylloh_store.store_film import StoreFilm

PAGE_SIZE = 48
_RIGHT = "right"


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value one can choose, and how many films would be found with it (beside the other facets)."""

    value: str
    label: str
    count: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class Found:
    """One page of a search.

    Attributes:
        page: the page given; the last one if a later one was asked for.
        facets: values by facet; those nobody would find anything with are left out unless chosen.
    """

    titles: tuple[StoreFilm, ...]
    total: int
    page: int
    pages: int
    facets: Mapping[str, tuple[FacetValue, ...]]


@dataclass(frozen=True, slots=True)
class _View:
    """The bit maps by facet as one viewer sees them, and how rights are called that only they can reach."""

    maps: Mapping[str, Mapping[str, int]]
    labels: Mapping[str, str]


class Catalog:
    """All titles. It never waits and belongs to one event loop."""

    def __init__(self) -> None:
        self._titles: list[StoreFilm | None] = []
        self._places: dict[FilmId, int] = {}
        self._free: list[int] = []
        self._present = 0
        self._maps: dict[str, defaultdict[str, int]] = {name: defaultdict(int) for name in FACETS}
        self._labels: dict[str, defaultdict[str, Counter[str]]] = {
            name: defaultdict(Counter) for name in FACETS
        }
        self._orders: dict[str, list[int]] = {}

    def __len__(self) -> int:
        """Count the titles."""
        return len(self._places)

    def get(self, film: FilmId) -> StoreFilm | None:
        """Find a title."""
        place = self._places.get(film)
        return None if place is None else self._titles[place]

    def put(self, title: StoreFilm) -> int:
        """Add a title or replace it; gives its place."""
        place = self._places.get(title.film.id)
        if place is None:
            place = self._new_place()
            self._places[title.film.id] = place
        else:
            self._unmark(place)
        self._titles[place] = title
        self._mark(place, title)
        self._orders.clear()
        return place

    def drop(self, film: FilmId) -> int | None:
        """Forget a title; gives the place it had."""
        place = self._places.pop(film, None)
        if place is not None:
            self._unmark(place)
            self._titles[place] = None
            self._free.append(place)
            self._orders.clear()
        return place

    def find(
        self,
        query: SearchQuery,
        ranked: Sequence[int] | None = None,
        within: Mapping[FilmId, Mapping[str, str]] | None = None,
    ) -> Found:
        """Return a page of what matches.

        Args:
            query: the search.
            ranked: the places that match its text, the best first.
            within: of films that the viewer holds, further rights within reach, each with its label.
        """
        matching = self._present if ranked is None else self._present & _map_of(ranked)
        view = self._seen_with(within or {})
        cuts = {name: self._chosen(view.maps[name], query.chosen.get(name, ())) for name in FACETS}
        hits = matching
        for cut in cuts.values():
            hits &= cut
        total = hits.bit_count()
        pages = max(1, -(-total // PAGE_SIZE))
        page = min(query.page, pages)
        ordered = ranked if ranked is not None and query.order == RELEVANCE else self._order(query.order)
        places = _pick(ordered, hits, (page - 1) * PAGE_SIZE, PAGE_SIZE)
        titles = tuple(title for place in places if (title := self._titles[place]) is not None)
        return Found(titles, total, page, pages, self._counted(matching, cuts, query, view))

    def _counted(
        self, matching: int, cuts: Mapping[str, int], query: SearchQuery, view: _View
    ) -> dict[str, tuple[FacetValue, ...]]:
        """Count each value among what the other facets leave."""
        counted = {}
        for name in FACETS:
            left = matching
            for other, cut in cuts.items():
                if other != name:
                    left &= cut
            counted[name] = self._values(name, view, left, query.chosen.get(name, ()))
        return counted

    def _seen_with(self, within: Mapping[FilmId, Mapping[str, str]]) -> _View:
        """Return the bit maps with what only this viewer can reach: a few films, added at each look."""
        rights: dict[str, int] = dict(self._maps[_RIGHT])
        for film, values in within.items():
            place = self._places.get(film)
            if place is not None:
                rights |= {value: rights.get(value, 0) | 1 << place for value in values}
        labels = {value: label for values in within.values() for value, label in values.items()}
        return _View({**self._maps, _RIGHT: rights}, labels)

    def _values(self, name: str, view: _View, left: int, chosen: Sequence[str]) -> tuple[FacetValue, ...]:
        maps = view.maps[name]
        found = [
            FacetValue(
                value, self._label(name, value) or view.labels.get(value, value), count, value in chosen
            )
            for value, bits in maps.items()
            if (count := (left & bits).bit_count()) or value in chosen
        ]
        unknown = [FacetValue(value, value, 0, True) for value in chosen if value not in maps]
        return (*found, *unknown)

    def _label(self, name: str, value: str) -> str:
        """Return the spelling most films use; empty when only this viewer can reach it."""
        spellings = self._labels[name].get(value)
        return spellings.most_common(1)[0][0] if spellings else ""

    def _chosen(self, maps: Mapping[str, int], values: Sequence[str]) -> int:
        if not values:
            return self._present
        joined = 0
        for value in values:
            joined |= maps.get(value, 0)
        return joined

    def _new_place(self) -> int:
        if self._free:
            return self._free.pop()
        self._titles.append(None)
        return len(self._titles) - 1

    def _mark(self, place: int, title: StoreFilm) -> None:
        bit = 1 << place
        self._present |= bit
        for name, values in title.keys.items():
            for value, label in values.items():
                self._maps[name][value] |= bit
                self._labels[name][value][label] += 1

    def _unmark(self, place: int) -> None:
        title = self._titles[place]
        if title is None:
            return
        bit = 1 << place
        self._present &= ~bit
        for name, values in title.keys.items():
            for value, label in values.items():
                self._maps[name][value] &= ~bit
                self._forget_label(name, value, label)

    def _forget_label(self, name: str, value: str, label: str) -> None:
        spellings = self._labels[name][value]
        spellings[label] -= 1
        if not spellings[label]:
            del spellings[label]
        if not spellings:
            del self._labels[name][value], self._maps[name][value]

    def _order(self, sort: str) -> list[int]:
        if sort not in self._orders:
            key = _KEYS.get(sort, _KEYS[NEWEST])
            there = [(key(title), place) for place, title in enumerate(self._titles) if title is not None]
            self._orders[sort] = [place for _, place in sorted(there)]
        return self._orders[sort]


def _map_of(places: Iterable[int]) -> int:
    """Set the bits of some places. By way of bytes: setting one bit of a long number copies all of it."""
    wanted = list(places)
    if not wanted:
        return 0
    bits = bytearray((max(wanted) >> 3) + 1)
    for place in wanted:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def _pick(ordered: Sequence[int], hits: int, skip: int, most: int) -> list[int]:
    """Return places that are hits, in order, after the first `skip`."""
    bits = hits.to_bytes((hits.bit_length() >> 3) + 1, "little")
    reach = len(bits) << 3
    picked = []
    for place in ordered:
        if place < reach and bits[place >> 3] >> (place & 7) & 1:
            if skip:
                skip -= 1
                continue
            picked.append(place)
            if len(picked) == most:
                break
    return picked


def _name(title: StoreFilm) -> tuple[str, str]:
    return title.film.title.casefold(), title.film.id


def _by(value: Callable[[StoreFilm], Any], direction: int) -> Callable[[StoreFilm], tuple[object, ...]]:
    """Sort by a value, films without one last."""

    def key(title: StoreFilm) -> tuple[object, ...]:
        found = value(title)
        return (found is None, (found or 0) * direction, _name(title))

    return key


def _runtime(title: StoreFilm) -> float | None:
    return title.film.description.runtime or None


def _price(title: StoreFilm) -> Decimal | None:
    return title.nominal


_KEYS: Mapping[str, Callable[[StoreFilm], tuple[object, ...]]] = {
    NEWEST: lambda title: (-title.market.created, _name(title)),
    "title": lambda title: (_name(title),),
    "price": _by(_price, 1),
    "dearest": _by(_price, -1),
    "runtime": _by(_runtime, 1),
    "longest": _by(_runtime, -1),
}
