"""Sums of what happened, which only ever add up: what a reorg takes back are the same sums, subtracted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from operator import add, sub
from typing import TYPE_CHECKING, Any

from wylloh_analytics.time_buckets import HOURS, Grain, month_of
from wylloh_server.sdk import Wallet

if TYPE_CHECKING:
    from collections.abc import Mapping

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

CAME, LEFT, HELD, MOVED, FRESH, AGAIN, PRESOLD, SOLD, RESOLD = range(len(FLOW))

HOUR, DAY, MONTH = map(int, Grain)
"""Plain numbers, which a database driver takes without asking what they are."""

KINDS_OF_MONEY = ("presale", "release", "resale", "royalty", "fee")
"""What buyers paid in first sales before and after the regular sale began, and for resold tokens; what of the
latter went to the makers; and what the store kept of first sales. All in the smallest unit of the coin."""

STILL_HELD = 9_999_999
"""Stands for the day on which tokens left, while they have not."""

FlowKey = tuple[int, int, int]
"""Scope, grain, and which hour or day."""
SizeKey = tuple[int, int, int, int]
"""Scope, grain, which day or month, and a number of tokens held."""
SpanKey = tuple[int, int, int]
"""Scope, the day tokens left (or `STILL_HELD`), and the day they had come."""
MoneyKey = tuple[int, int, int, str, Wallet]
"""Scope, grain, which hour or day, kind of money, and coin."""


def _no_flow() -> defaultdict[FlowKey, list[int]]:
    return defaultdict(lambda: [0] * len(FLOW))


@dataclass(slots=True)
class Totals:
    """Changes of the sums. While events are counted, only of the shortest times; `roll_up` adds the others.

    Attributes:
        flow: of the counts of `FLOW`, in that order.
        sizes: how many more wallets hold exactly so many tokens.
        spans: how many more tokens came and left on such days.
        money: how much more was paid.
    """

    flow: defaultdict[FlowKey, list[int]] = field(default_factory=_no_flow)
    sizes: defaultdict[SizeKey, int] = field(default_factory=lambda: defaultdict(int))
    spans: defaultdict[SpanKey, int] = field(default_factory=lambda: defaultdict(int))
    money: defaultdict[MoneyKey, int] = field(default_factory=lambda: defaultdict(int))

    def roll_up(self) -> None:
        """Add hours up to days, and days of sizes to months. Only once."""
        for (scope, grain, hour), counts in list(self.flow.items()):
            if grain == HOUR:
                day = scope, DAY, hour // HOURS
                self.flow[day] = list(map(add, self.flow[day], counts))
        for (scope, _, hour, kind, coin), amount in list(self.money.items()):
            self.money[scope, DAY, hour // HOURS, kind, coin] += amount
        for (scope, _, day_, tokens), wallets in list(self.sizes.items()):
            self.sizes[scope, MONTH, month_of(day_), tokens] += wallets

    def add(self, other: Totals, sign: int = 1) -> None:
        """Add other changes to these, or with `sign` -1 subtract them."""
        merge = add if sign > 0 else sub
        for key, counts in other.flow.items():
            self.flow[key] = list(map(merge, self.flow[key], counts))
        for name in _NUMBERS:
            mine = getattr(self, name)
            for key, count in getattr(other, name).items():
                mine[key] += sign * count

    def as_json(self) -> dict[str, Any]:
        """Return them as plain lists, for storage. Numbers of any size become texts."""
        flow = {
            (*key, name): count
            for key, counts in self.flow.items()
            for name, count in zip(FLOW, counts, strict=True)
        }
        parts = {"flow": flow} | {name: getattr(self, name) for name in _NUMBERS}
        return {
            part: [[*key, str(count)] for key, count in counts.items() if count]
            for part, counts in parts.items()
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Totals:
        """Read what `as_json` returned."""
        totals = cls()
        for *key, name, count in stored["flow"]:
            totals.flow[tuple(key)][FLOW.index(name)] = int(count)
        for part in _NUMBERS:
            getattr(totals, part).update({tuple(key): int(count) for *key, count in stored[part]})
        return totals


_NUMBERS = ("sizes", "spans", "money")
