"""All tags of all films at a glance: which films a tag has, what a word means, what a filter finds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_tagging.expression import And, Not, Or, Term
from wylloh_tagging.tags import Tag, ancestors, reaches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import FilmId
    from wylloh_tagging.expression import Expression

_NONE: frozenset[FilmId] = frozenset()


class TagIndex:
    """A picture of the tags at one moment.

    Attributes:
        exact: the films that have a tag itself.
        films: the films that have a tag or one below it; also for levels that no film has itself.
    """

    def __init__(self, pairs: Iterable[tuple[FilmId, Tag]]) -> None:
        exact: dict[Tag, set[FilmId]] = {}
        for film, tag in pairs:
            exact.setdefault(tag, set()).add(film)
        films: dict[Tag, set[FilmId]] = {}
        for tag, own in exact.items():
            for level in (*ancestors(tag), tag):
                films.setdefault(level, set()).update(own)
        self.exact = {tag: frozenset(exact[tag]) for tag in sorted(exact)}
        self.films = {tag: frozenset(films[tag]) for tag in sorted(films)}
        self._endings: dict[str, list[Tag]] = {}
        for tag in self.films:
            self._endings.setdefault(tag.rpartition("/")[2], []).append(tag)

    def counts(self) -> dict[FilmId, int]:
        """Return how many tags each film has, if it has any."""
        counts: dict[FilmId, int] = {}
        for films in self.exact.values():
            for film in films:
                counts[film] = counts.get(film, 0) + 1
        return counts

    def below(self, tag: Tag) -> tuple[Tag, ...]:
        """Return the tags that films have, of a tag and those below it."""
        return tuple(one for one in self.exact if reaches(tag, one))

    def meant(self, word: Tag) -> tuple[Tag, ...]:
        """Return the tags a word in a filter means: `noir` is `genre/noir`, wherever that stands."""
        near = self._endings.get(word.rpartition("/")[2], ())
        return tuple(tag for tag in near if tag == word or tag.endswith(f"/{word}"))

    def matching(self, expression: Expression, everything: frozenset[FilmId]) -> frozenset[FilmId]:
        """Return the films a filter finds among all there are."""
        match expression:
            case Term(tag):
                found = _NONE.union(*(self.films[one] for one in self.meant(tag)))
                return found & everything
            case Not(inner):
                return everything - self.matching(inner, everything)
            case And(parts):
                return everything.intersection(*(self.matching(part, everything) for part in parts))
            case Or(parts):
                return _NONE.union(*(self.matching(part, everything) for part in parts))
