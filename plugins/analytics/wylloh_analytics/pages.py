"""The plugin's own addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_analytics.charts import CHARTS, NEEDS_VIEWING, TITLES
from wylloh_analytics.export import as_csv, as_zip
from wylloh_analytics.film_list import films_of
from wylloh_analytics.headline import headline
from wylloh_analytics.labels import between
from wylloh_analytics.projection import counted_to
from wylloh_analytics.request_scope import RequestScope, read_scope
from wylloh_analytics.time_buckets import PERIODS, date_of
from wylloh_analytics.watch_history_pages import ROUTES as HISTORY_ROUTES
from wylloh_server.sdk import CSV_TYPE, AccessRefused, Download, NotFound, Page, PluginRoute

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from wylloh_analytics.chart import Chart
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply


async def overview(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the figures and charts of a film, or of several: the first at once, others when they are seen."""
    scope = await read_scope(context, request, lenient=True)
    first, *others = _shown(scope)
    on_chain = scope.subject.on_chain
    values = {
        **await _common(context, scope),
        "figures": await headline(scope.view) if on_chain else (),
        "charts": [await _section(scope, first)],
        "waiting": [_waiting(scope, name) for name in others],
        "films": await films_of(context, scope, request),
        "history": context.settings["household_history"],
    }
    return Page("overview.html", values, status=_status(scope))


async def one_chart(context: PluginContext, request: PluginRequest) -> Reply:
    """Show one chart."""
    scope = await read_scope(context, request, lenient=True)
    section = await _section(scope, _named(scope, request))
    values = {**await _common(context, scope), "charts": [section]}
    return Page("one.html", values, status=_status(scope))


async def one_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Return a chart's table as a file."""
    scope = await read_scope(context, request)
    chart = await CHARTS[_named(scope, request)](scope.view)
    return Download(f"{_file(scope)} {chart.name}.csv", CSV_TYPE, as_csv(chart))


async def all_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Return all tables as one archive."""
    scope = await read_scope(context, request)
    charts = [await CHARTS[name](scope.view) for name in _shown(scope)]
    return Download(f"{_file(scope)}.zip", "application/zip", as_zip(charts))


ROUTES = (
    *HISTORY_ROUTES,
    *(
        PluginRoute("GET", f"{of}{path}".strip("/"), handler)
        for of in ("", "film/{film}/")
        for path, handler in (
            ("", overview),
            ("tables", all_csv),
            ("chart/{chart}", one_chart),
            ("chart/{chart}/csv", one_csv),
        )
    ),
)


async def _common(context: PluginContext, scope: RequestScope) -> Mapping[str, Any]:
    """Return what every page shows: the films, the times one can choose, and where the numbers come from."""
    period, today = scope.view.period, scope.view.today
    return {
        "subject": scope.subject,
        "scope": scope,
        "period": period,
        "periods": _periods(scope),
        "first": date_of(period.first),
        "last": date_of(period.last),
        "today": date_of(today),
        "span": between(period),
        "file": _file(scope),
        "earlier": scope.address(**_moved(period.before.first, period.before.last, period.name)),
        "later": ""
        if period.last >= today
        else scope.address(**_moved(period.after.first, period.after.last, period.name)),
        "counted": await counted_to(context),
    }


def _periods(scope: RequestScope) -> list[tuple[str, str, bool]]:
    """Return the periods one can choose: a label, an address, and whether it is the one shown."""
    period = scope.view.period
    named = [
        (name.capitalize(), scope.address(period=name, **{"from": ""}), period.name == name)
        for name in PERIODS
    ]
    custom = scope.address(**_moved(period.first, period.last, "custom"), period="custom")
    return [*named, ("Custom", custom, period.name == "custom")]


def _moved(first: int, last: int, name: str) -> dict[str, str]:
    begins = {"from": date_of(first).isoformat()} if name == "custom" else {}
    return begins | {"to": date_of(last).isoformat()}


async def _section(scope: RequestScope, name: str) -> Mapping[str, Any]:
    chart: Chart = await CHARTS[name](scope.view)
    return {
        "chart": chart,
        "csv": scope.address(f"chart/{name}/csv"),
        "page": scope.address(f"chart/{name}"),
        "choices": [(choice, scope.address(f"chart/{name}", part=choice.part)) for choice in chart.choices],
    }


def _waiting(scope: RequestScope, name: str) -> Mapping[str, str]:
    return {"name": name, "title": TITLES[name], "page": scope.address(f"chart/{name}", part="")}


def _shown(scope: RequestScope) -> list[str]:
    """Return the names of the charts that the viewer may see, of these films.

    Raises:
        AccessRefused: there is none.
    """
    viewing = scope.view.viewing is None or bool(scope.view.viewing)
    on_chain = scope.subject.on_chain
    if not viewing and not on_chain:
        raise AccessRefused(
            "How often films are watched here is shown to the owner of this server.",
            fix="Go back to the library.",
        )
    return [name for name in CHARTS if (viewing if name in NEEDS_VIEWING else on_chain)]


def _named(scope: RequestScope, request: PluginRequest) -> str:
    name = request.params["chart"]
    if name not in _shown(scope):
        raise NotFound("There is no such chart here.", fix="Choose another one under Analytics.")
    return name


def _status(scope: RequestScope) -> int:
    return 400 if scope.wrong else 200


def _file(scope: RequestScope) -> str:
    """Name files after the films and the time in them."""
    period = scope.view.period
    return f"{scope.subject.title} {date_of(period.first)} to {date_of(period.last)}"
