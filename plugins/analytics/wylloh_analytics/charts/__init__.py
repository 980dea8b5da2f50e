"""The charts, in the order of the page."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_analytics.charts.holding import concentration, holders, holding_periods
from wylloh_analytics.charts.people import exhibitors, geography, newcomers
from wylloh_analytics.charts.sales import presale, revenue
from wylloh_analytics.charts.turnover import velocity
from wylloh_analytics.charts.viewing import plays

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from wylloh_analytics.chart import Chart
    from wylloh_analytics.view import View

CHARTS: Mapping[str, Callable[[View], Awaitable[Chart]]] = MappingProxyType(
    {
        "revenue": revenue,
        "holders": holders,
        "concentration": concentration,
        "holding-periods": holding_periods,
        "velocity": velocity,
        "newcomers": newcomers,
        "exhibitors": exhibitors,
        "presale": presale,
        "plays": plays,
        "geography": geography,
    }
)
"""What makes each chart, by its name in addresses."""

TITLES: Mapping[str, str] = MappingProxyType(
    {
        "revenue": "Revenue",
        "holders": "Holders",
        "concentration": "Concentration",
        "holding-periods": "Holding periods",
        "velocity": "Token velocity",
        "newcomers": "New and returning wallets",
        "exhibitors": "Small holders and exhibitors",
        "presale": "Presale and release",
        "plays": "Plays and completion",
        "geography": "Geography",
    }
)
"""What a chart is called while it is not there yet."""

NEEDS_VIEWING = frozenset({"plays"})
"""Charts of what is watched on this server; all others are of what everybody can read on the chain."""
