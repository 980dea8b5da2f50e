"""Everybody's own history, where the household has turned it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_analytics.number_format import PERCENT, short
from wylloh_analytics.play_counts import WatchHistory
from wylloh_server.sdk import InvalidValue, NotFound, Page, PluginRoute, Redirect, quote_input

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Wallet

_ON_A_PAGE = 50
_HERE = "/plugins/analytics/history"


async def own_history(context: PluginContext, request: PluginRequest) -> Reply:
    """Show what the viewer watched; nobody can see anybody else's."""
    history, wallet = _history(context), _wallet(request)
    page = _page(request)
    count = await history.count(wallet)
    titles = {card.film.id: card.film.title for card in await context.library.films(None)}
    lines = [
        {
            "id": one.id,
            "film": one.film,
            "title": titles.get(one.film, ""),
            "ended": one.ended,
            "message": "" if one.share is None else f"{short(round(one.share * 100))}{PERCENT} watched",
        }
        for one in await history.of(wallet, _ON_A_PAGE, (page - 1) * _ON_A_PAGE)
    ]
    pages = max(1, -(-count // _ON_A_PAGE))
    return Page("history.html", {"lines": lines, "count": count, "page": page, "pages": pages})


async def forget_one(context: PluginContext, request: PluginRequest) -> Reply:
    """Delete one line."""
    number = request.value("id")
    if not number.isdecimal() or len(number) > len(str(1 << 31)):
        raise InvalidValue(f"{quote_input(number)} is no line of a history.", fix="Go back to your history.")
    await _history(context).forget(_wallet(request), int(number))
    return Redirect(_HERE)


async def forget_all(context: PluginContext, request: PluginRequest) -> Reply:
    """Delete everything the viewer ever watched."""
    await _history(context).forget(_wallet(request))
    return Redirect(_HERE)


ROUTES = (
    PluginRoute("GET", "history", own_history),
    PluginRoute("POST", "history/forget", forget_one),
    PluginRoute("POST", "history/forget-all", forget_all),
)


def _history(context: PluginContext) -> WatchHistory:
    if not context.settings["household_history"]:
        raise NotFound(
            "Nobody's history is kept here.", fix="Who runs this server can turn on household_history."
        )
    return WatchHistory(context.tables)


def _wallet(request: PluginRequest) -> Wallet:
    if request.viewer is None:
        raise InvalidValue("Nobody is signed in.", fix="Sign in first.")
    return request.viewer.wallet


def _page(request: PluginRequest) -> int:
    text = request.query.get("page", "1")
    if not (text.isdecimal() and len(text) < 7 and int(text)):  # noqa: PLR2004 - a million pages are enough
        raise InvalidValue(f"{quote_input(text)} is no page.", fix="Go back to the first page.")
    return int(text)
