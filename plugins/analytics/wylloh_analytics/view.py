"""What somebody looks at: which films, over which time, in which coin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from wylloh_analytics.queries import TotalsQueries
    from wylloh_analytics.time_buckets import ChartPeriod
    from wylloh_server.sdk import Coin, FilmId


@dataclass(frozen=True, slots=True)
class View:
    """What charts are made for.

    Attributes:
        sums: what they ask.
        period: the time they show.
        today: the number of today.
        hour: the number of the hour it is.
        scope: under which the sums are kept; None when the chain knows nothing of these films.
        one_film: whether it is one film, not several.
        viewing: the films whose plays may be seen; None all of them, empty none.
        coin: in which money is shown, None when nothing was ever paid.
        coins: every coin something was paid in.
        part: which of its choices a chart shows; empty is the first.
    """

    sums: TotalsQueries
    period: ChartPeriod
    today: int
    hour: int
    scope: int | None
    one_film: bool
    viewing: Collection[FilmId] | None
    coin: Coin | None = None
    coins: tuple[Coin, ...] = ()
    part: str = ""

    @property
    def day_before(self) -> int:
        """The last day before the period."""
        return self.period.first - 1

    @property
    def films(self) -> str:
        """How a sentence calls them."""
        return "this film" if self.one_film else "these films"
