"""Filters in words: `noir AND (1940s OR 1950s) NOT short`.

Grammar, with operators in capitals so that tags may hold the words (`rock and roll`):

    expression = all {"OR" all}
    all        = one {"AND" one | "NOT" one}      `a NOT b` is `a AND NOT b`
    one        = ["NOT"] (tag | "(" expression ")")
    tag        = words, or anything in quotes: `film noir`, `genre/noir`, `"what (if)"`

A tag means itself and those below it, wherever it stands: `noir` finds `genre/noir` and `genre/noir/french`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import InvalidValue
from wylloh_tagging.tags import Tag, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_FILTER = 500
"""Most characters in a filter."""
_DEEPEST = 10
_EXAMPLE = "Write a filter like: noir AND (1940s OR 1950s) NOT short"
_OPERATORS = frozenset({"AND", "OR", "NOT"})
_TOKEN = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<bracket>[()])|(?P<word>[^\s()"]+)|(?P<stray>")')


@dataclass(frozen=True, slots=True)
class Term:
    """Films with a tag, or with one below it."""

    tag: Tag


@dataclass(frozen=True, slots=True)
class Not:
    """Films that are not among others."""

    inner: Expression


@dataclass(frozen=True, slots=True)
class And:
    """Films that are in every part; at least two parts, none of them an `And`."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Films that are in any part; at least two parts, none of them an `Or`."""

    parts: tuple[Expression, ...]


Expression = Term | Not | And | Or


def all_of(parts: Iterable[Expression]) -> Expression:
    """Join parts of which all must hold. There must be at least one."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, And) else (part,))]
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else And(unique)


def any_of(parts: Iterable[Expression]) -> Expression:
    """Join parts of which one must hold. There must be at least one."""
    flat = [one for part in parts for one in (part.parts if isinstance(part, Or) else (part,))]
    unique = tuple(dict.fromkeys(flat))
    return unique[0] if len(unique) == 1 else Or(unique)


def parse(text: str) -> Expression:
    """Read a filter.

    Raises:
        InvalidValue: it cannot be read; the message says where and why, for the person who typed it.
    """
    if len(text) > LONGEST_FILTER:
        raise InvalidValue(
            f"A filter has at most {LONGEST_FILTER} characters, this one has {len(text)}.",
            fix="Shorten it, or save a part of it as a filter of its own.",
        )
    reader = _ExpressionParser(_tokens(text))
    found = reader.expression(0)
    reader.end()
    return found


def written(expression: Expression) -> str:
    """Write a filter so that `parse` reads the same again."""
    match expression:
        case Term(tag):
            return _written_tag(tag)
        case Not(inner):
            return f"NOT {_inside(inner)}"
        case Or(parts):
            return " OR ".join(_inside(part) for part in parts)
        case And(parts):
            return "".join(_joined(number, part) for number, part in enumerate(parts))


def terms(expression: Expression) -> tuple[Tag, ...]:
    """Return the tags a filter names, each once, in the order of reading."""
    match expression:
        case Term(tag):
            return (tag,)
        case Not(inner):
            return terms(inner)
        case And(parts) | Or(parts):
            return tuple(dict.fromkeys(tag for part in parts for tag in terms(part)))


def replaced(expression: Expression, tags: Callable[[Tag], Iterable[Tag]]) -> Expression:
    """Return the filter with every tag replaced by one or more, any of which will do."""
    match expression:
        case Term(tag):
            return any_of(Term(one) for one in tags(tag))
        case Not(inner):
            return Not(replaced(inner, tags))
        case And(parts):
            return all_of(replaced(part, tags) for part in parts)
        case Or(parts):
            return any_of(replaced(part, tags) for part in parts)


@dataclass(frozen=True, slots=True)
class _Token:
    """`kind` is 'tag', 'bracket', 'operator' or 'end'."""

    kind: str
    text: str


def _tokens(text: str) -> list[_Token]:
    """Cut a filter into pieces; words in a row are one tag."""
    found: list[_Token] = []
    words: list[str] = []

    def finish() -> None:
        if words:
            found.append(_Token("tag", " ".join(words)))
            words.clear()

    for match in _TOKEN.finditer(text):
        piece = match[0]
        if match.lastgroup == "stray":
            raise InvalidValue("A quotation mark is opened and not closed.", fix=_EXAMPLE)
        if match.lastgroup == "word" and piece not in _OPERATORS:
            words.append(piece)
            continue
        finish()
        if match.lastgroup == "quoted":
            found.append(_Token("tag", match["quoted"].replace('""', '"')))
        else:
            found.append(_Token("bracket" if match.lastgroup == "bracket" else "operator", piece))
    finish()
    return [*found, _Token("end", "the end")]


class _ExpressionParser:
    """Reads tokens by recursive descent, one function for each rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def expression(self, depth: int) -> Expression:
        parts = [self._all(depth)]
        while self._take("OR"):
            parts.append(self._all(depth))
        return any_of(parts)

    def end(self) -> None:
        here = self._tokens[self._at]
        if here.kind != "end":
            raise InvalidValue("A bracket is closed that was not opened.", fix=_EXAMPLE)

    def _all(self, depth: int) -> Expression:
        parts = [self._one(depth)]
        while True:
            here = self._tokens[self._at]
            # NOT joins without an AND before it, as people write it.
            if not self._take("AND") and here.text != "NOT":
                self._check_joined(here)
                return all_of(parts)
            parts.append(self._one(depth))

    def _one(self, depth: int) -> Expression:
        if depth > _DEEPEST:
            raise InvalidValue(f"Brackets go at most {_DEEPEST} deep.", fix=_EXAMPLE)
        if self._take("NOT"):
            return Not(self._one(depth + 1))
        here = self._tokens[self._at]
        if here.kind == "tag":
            self._at += 1
            return Term(tag_of(here.text))
        if self._take("("):
            inner = self.expression(depth + 1)
            if not self._take(")"):
                raise InvalidValue("A bracket is opened and not closed.", fix=_EXAMPLE)
            return inner
        raise self._missing(here)

    def _take(self, text: str) -> bool:
        here = self._tokens[self._at]
        taken = here.kind in {"operator", "bracket"} and here.text == text
        self._at += taken
        return taken

    def _check_joined(self, here: _Token) -> None:
        if here.kind == "tag" or here.text == "(":
            before = self._tokens[self._at - 1].text
            raise InvalidValue(
                f"Between “{before}” and “{here.text}” something is missing.",
                fix="Write AND, OR or NOT between them.",
            )

    def _missing(self, here: _Token) -> InvalidValue:
        if len(self._tokens) == 1:
            return InvalidValue("A filter needs at least one tag.", fix=_EXAMPLE)
        where = f"after “{self._tokens[self._at - 1].text}”" if self._at else f"before “{here.text}”"
        return InvalidValue(f"There is no tag {where}.", fix=_EXAMPLE)


def _written_tag(tag: Tag) -> str:
    plain = not set(tag) & set('()"')
    return tag if plain else '"' + tag.replace('"', '""') + '"'


def _inside(part: Expression) -> str:
    return f"({written(part)})" if isinstance(part, And | Or) else written(part)


def _joined(number: int, part: Expression) -> str:
    if number == 0:
        return _inside(part)
    return f" {_inside(part)}" if isinstance(part, Not) else f" AND {_inside(part)}"
