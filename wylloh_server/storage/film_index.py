"""Full-text search over titles, synopses, credits and genres, with tantivy (an embedded search library).

The index lies in memory: ten thousand films take less than a second, and there is no file that could disagree
with the library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tantivy import (
    Document,
    Filter,
    Index,
    Occur,
    Query,
    SchemaBuilder,
    TextAnalyzer,
    TextAnalyzerBuilder,
    Tokenizer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wylloh_server.domain.film import Film

_PLACE = "place"
_WEIGHTS = {"title": 8.0, "credits": 3.0, "genres": 3.0, "synopsis": 1.0}
_EXACT, _BEGINS, _MISTYPED = 3.0, 1.5, 0.3
_TIE = 0.1
_LONGEST_WORD = 40
_MOST_WORDS = 12
_TYPO_FROM, _TWO_TYPOS_FROM = 4, 8
"""Words shorter than this must be typed right: nearly everything is one letter away from `it`."""
_HEAP = 15_000_000
"""Bytes; the least that tantivy accepts for one writing thread."""


class FilmIndex:
    """Finds films by words. Each film has a place, a whole number; `search` gives places.

    `put` and `drop` block for a moment and belong in a thread; `search` may run meanwhile.
    """

    def __init__(self) -> None:
        builder = SchemaBuilder()
        # Not an unsigned field: of those, deleting by term silently deletes nothing (tantivy 0.27).
        builder.add_integer_field(_PLACE, indexed=True, fast=True)
        for name in _WEIGHTS:
            builder.add_text_field(name, tokenizer_name="folded", index_option="freq")
        self._schema = builder.build()
        self._index = Index(self._schema)
        self._words = _analyzer()
        self._index.register_tokenizer("folded", _analyzer())
        self._writer = self._index.writer(_HEAP, 1)

    def put(self, films: Iterable[tuple[int, Film]]) -> None:
        """Add films or replace what stood at their places."""
        for place, film in films:
            self._writer.delete_documents_by_term(_PLACE, place)
            self._writer.add_document(_document(place, film))
        self._settle()

    def drop(self, places: Iterable[int]) -> None:
        """Forget films."""
        for place in places:
            self._writer.delete_documents_by_term(_PLACE, place)
        self._settle()

    def search(self, text: str, limit: int) -> list[int]:
        """Return the places of films that have all words, or words that begin with them, the best first.

        If there is none, also words that differ by a letter count (long ones: by two). Accents and capitals
        do not matter. Without any word in the text nothing is found.
        """
        words = self._words.analyze(text)[:_MOST_WORDS]
        if not words or limit < 1:
            return []
        return self._found(words, limit, typos=False) or self._found(words, limit, typos=True)

    def _found(self, words: Sequence[str], limit: int, *, typos: bool) -> list[int]:
        query = Query.boolean_query([(Occur.Must, self._one_word(word, typos=typos)) for word in words])
        searcher = self._index.searcher()
        found = searcher.search(query, limit=limit, count=False)
        places = searcher.fast_field_values(_PLACE, [address for _, address in found.hits])
        return [int(place) for place in places if place is not None]

    def _one_word(self, word: str, *, typos: bool) -> Query:
        wrong = (len(word) >= _TYPO_FROM) + (len(word) >= _TWO_TYPOS_FROM) if typos else 0
        tries = [part for name, weight in _WEIGHTS.items() for part in self._tries(name, weight, word, wrong)]
        return Query.disjunction_max_query(tries, _TIE)

    def _tries(self, name: str, weight: float, word: str, wrong: int) -> Sequence[Query]:
        exact = Query.term_query(self._schema, name, word, "freq")
        begins = Query.fuzzy_term_query(self._schema, name, word, 0, prefix=True)
        tries = [Query.boost_query(exact, weight * _EXACT), Query.boost_query(begins, weight * _BEGINS)]
        if wrong:
            near = Query.fuzzy_term_query(self._schema, name, word, wrong, prefix=True)
            tries.append(Query.boost_query(near, weight * _MISTYPED))
        return tries

    def _settle(self) -> None:
        self._writer.commit()
        self._index.reload()


def _analyzer() -> TextAnalyzer:
    """Cut a text into words, lower case and without accents: `Große Häschen` is `grosse haschen`."""
    return (
        TextAnalyzerBuilder(Tokenizer.simple())
        .filter(Filter.remove_long(_LONGEST_WORD))
        .filter(Filter.lowercase())
        .filter(Filter.ascii_fold())
        .build()
    )


def _document(place: int, film: Film) -> Document:
    about = film.description
    document = Document()
    document.add_integer(_PLACE, place)
    document.add_text("title", about.title)
    document.add_text("synopsis", about.synopsis)
    document.add_text("credits", " · ".join(f"{credit.name} {credit.role}" for credit in about.credits))
    document.add_text("genres", " · ".join(about.genres))
    return document
