"""Sums of what happened, which only ever add up: what a reorg took back is the same tally with a minus."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from wylloh_server.sdk import Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

_Key = TypeVar("_Key")

EVERYTHING = 1
"""The scope of all films together. Scopes are numbers: one for each film and publisher, and this."""

FLOW = ("came", "left", "held", "moved", "fresh", "again", "presold", "sold", "resold")
"""What is counted for each scope and each hour and day:

came     wallets that held nothing and now hold something
left     wallets that held something and now hold nothing
held     tokens that holders got, less those they passed on for good
moved    tokens that went from one holder to another
fresh    wallets that got tokens for the first time ever
again    wallets that got tokens and had got some before; each once an hour, and once a day
presold  tokens bought before their regular sale began
sold     tokens bought from the publisher after that
resold   tokens bought from another holder
"""

KINDS_OF_MONEY = ("presale", "release", "resale", "royalty", "fee")
"""What buyers paid in first sales before and after the regular sale began, and for resold tokens; what of the
latter went to the makers; and what the store kept of first sales. All in the smallest unit of the coin."""

STILL_HELD = 9_999_999
"""Stands for the day on which tokens left, while they have not."""

FlowKey = tuple[int, int, int, str]
"""Scope, grain, which hour or day, and one of `FLOW`."""
SizeKey = tuple[int, int, int, int]
"""Scope, grain, which day or month, and a number of tokens held."""
SpanKey = tuple[int, int, int]
"""Scope, the day tokens left (or `STILL_HELD`), and the day they had come."""
MoneyKey = tuple[int, int, int, str, Wallet]
"""Scope, grain, which hour or day, kind of money, and coin."""


@dataclass(slots=True)
class Tally:
    """Changes of the sums.

    Attributes:
        flow: of the counts of `FLOW`.
        sizes: how many more wallets hold exactly so many tokens.
        spans: how many more tokens came and left on such days.
        money: how much more was paid.
    """

    flow: Counter[FlowKey] = field(default_factory=Counter)
    sizes: Counter[SizeKey] = field(default_factory=Counter)
    spans: Counter[SpanKey] = field(default_factory=Counter)
    money: Counter[MoneyKey] = field(default_factory=Counter)

    def add(self, other: Tally, sign: int = 1) -> None:
        """Add another tally to this one, or with `sign` -1 take it off."""
        _add(self.flow, other.flow, sign)
        _add(self.sizes, other.sizes, sign)
        _add(self.spans, other.spans, sign)
        _add(self.money, other.money, sign)

    def as_json(self) -> dict[str, Any]:
        """Give it as plain lists, for keeping. Numbers of any size become texts."""
        return {
            name: [[*key, str(count)] for key, count in getattr(self, name).items() if count]
            for name in _PARTS
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Tally:
        """Read what `as_json` gave."""
        return cls(*(Counter({tuple(key): int(count) for *key, count in kept[name]}) for name in _PARTS))


_PARTS = ("flow", "sizes", "spans", "money")


def _add(mine: Counter[_Key], theirs: Counter[_Key], sign: int) -> None:
    for key, count in theirs.items():
        mine[key] += sign * count
