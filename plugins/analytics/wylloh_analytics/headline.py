"""The four figures above the charts."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from wylloh_analytics.chart import Figure
from wylloh_analytics.charts.holding import ages, days, flow_of
from wylloh_analytics.charts.sales import amount, money_of
from wylloh_analytics.charts.time_axis import begun, total
from wylloh_analytics.labels import spoken
from wylloh_analytics.measures import median, top_share
from wylloh_analytics.number_format import NONE, PERCENT, grouped, in_coins, in_percent

if TYPE_CHECKING:
    from wylloh_analytics.view import View


async def headline(view: View) -> tuple[Figure, ...]:
    """Return revenue, holders, what the ten largest have, and how long tokens are held."""
    return (await _revenue(view), await _holders(view), await _top(view), await _held(view))


async def _revenue(view: View) -> Figure:
    if view.coin is None:
        return Figure("Revenue", NONE, "Nothing was sold yet")
    known = begun(view)
    now = amount(total(await money_of(view, view.period)))
    before = amount(total((await money_of(view, view.period.before))[:known]))
    value = grouped(in_coins(view.coin.decimals)(now))
    return Figure("Revenue", value, f"{_change(now, before, view)}{_others(view)}", view.coin.symbol)


def _change(now: int, before: int, view: View) -> str:
    whole = begun(view) == len(view.period.buckets)
    than = f"the {spoken(view.period)} before" if whole else "the same hours of the day before"
    if not before:
        return f"Nothing in {than}" if now else f"Nothing in {than} either"
    change = round(Fraction(now - before, before) * 100)
    return f"{_signed(change)}{PERCENT} on {than}" if change else f"As much as in {than}"


def _others(view: View) -> str:
    others = len(view.coins) - 1
    return f"; {others} more {'coin' if others == 1 else 'coins'}" if others > 0 else ""


async def _holders(view: View) -> Figure:
    if view.scope is None:
        return Figure("Holders", "0", "Nobody holds a token yet")
    count, _ = await view.sums.held_before(view.scope, view.period.last + 1)
    changed = total(await flow_of(view, view.period))
    message = f"+{changed['came']:,} new, {changed['left']:,} left"
    nothing = not changed["came"] and not changed["left"]
    return Figure("Holders", f"{count:,}", "Nobody came or left" if nothing else message)


async def _top(view: View) -> Figure:
    now = before = None
    if view.scope is not None:
        now = top_share(await view.sums.sizes(view.scope, view.period.last))
        before = top_share(await view.sums.sizes(view.scope, view.day_before))
    message = "Nobody held tokens before" if before is None else f"{in_percent(before)} before"
    return Figure("Held by the top ten", in_percent(now), message)


async def _held(view: View) -> Figure:
    now, before = median(await ages(view, view.period.last)), median(await ages(view, view.day_before))
    if now is None:
        return Figure("Median time held", NONE, "Nobody holds tokens")
    if before is None:
        return Figure("Median time held", days(now), "Nobody held tokens before")
    change = now - before
    return Figure(
        "Median time held", days(now), f"{_sign(change)}{days(abs(change))}" if change else "As before"
    )


def _sign(number: Fraction) -> str:
    return "+" if number > 0 else "\N{MINUS SIGN}"


def _signed(number: int) -> str:
    return f"{'+' if number > 0 else ''}{grouped(str(number))}"
