"""The plugin's own addresses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_analytics._counting import counted_to
from wylloh_analytics._export import CSV, as_csv, as_zip
from wylloh_analytics._films import films_of
from wylloh_analytics._headline import headline
from wylloh_analytics._history_pages import ROUTES as HISTORY_ROUTES
from wylloh_analytics._looking import Looking, look
from wylloh_analytics.charts import CHARTS, NEEDS_VIEWING, TITLES
from wylloh_analytics.labels import between
from wylloh_analytics.moments import PERIODS, date_of
from wylloh_server.sdk import AccessRefused, Download, NotFound, Page, Route

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from wylloh_analytics.chart import Chart
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply


async def overview(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the figures and charts of a film, or of several: the first at once, others when they are seen."""
    looking = await look(context, request, kindly=True)
    first, *others = _shown(looking)
    on_chain = looking.subject.on_chain
    values = {
        **await _common(context, looking),
        "figures": await headline(looking.view) if on_chain else (),
        "charts": [await _section(looking, first)],
        "waiting": [_waiting(looking, name) for name in others],
        "films": await films_of(context, looking, request),
        "history": context.settings["household_history"],
    }
    return Page("overview.html", values, status=_status(looking))


async def one_chart(context: PluginContext, request: PluginRequest) -> Reply:
    """Show one chart."""
    looking = await look(context, request, kindly=True)
    section = await _section(looking, _named(looking, request))
    values = {**await _common(context, looking), "charts": [section]}
    return Page("one.html", values, status=_status(looking))


async def one_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Give a chart's table as a file."""
    looking = await look(context, request)
    chart = await CHARTS[_named(looking, request)](looking.view)
    return Download(f"{_file(looking)} {chart.name}.csv", CSV, as_csv(chart))


async def all_csv(context: PluginContext, request: PluginRequest) -> Reply:
    """Give all tables as one archive."""
    looking = await look(context, request)
    charts = [await CHARTS[name](looking.view) for name in _shown(looking)]
    return Download(f"{_file(looking)}.zip", "application/zip", as_zip(charts))


ROUTES = (
    *HISTORY_ROUTES,
    *(
        Route("GET", f"{of}{path}".strip("/"), handler)
        for of in ("", "film/{film}/")
        for path, handler in (
            ("", overview),
            ("tables", all_csv),
            ("chart/{chart}", one_chart),
            ("chart/{chart}/csv", one_csv),
        )
    ),
)


async def _common(context: PluginContext, looking: Looking) -> Mapping[str, Any]:
    """Give what every page shows: the films, the times one can choose, and where the numbers come from."""
    period, today = looking.view.period, looking.view.today
    return {
        "subject": looking.subject,
        "looking": looking,
        "period": period,
        "periods": _periods(looking),
        "first": date_of(period.first),
        "last": date_of(period.last),
        "today": date_of(today),
        "span": between(period),
        "file": _file(looking),
        "earlier": looking.address(**_moved(period.before.first, period.before.last, period.name)),
        "later": ""
        if period.last >= today
        else looking.address(**_moved(period.after.first, period.after.last, period.name)),
        "counted": await counted_to(context),
    }


def _periods(looking: Looking) -> list[tuple[str, str, bool]]:
    """Give the periods one can choose: a label, an address, and whether it is the one shown."""
    period = looking.view.period
    named = [
        (name.capitalize(), looking.address(period=name, **{"from": ""}), period.name == name)
        for name in PERIODS
    ]
    custom = looking.address(**_moved(period.first, period.last, "custom"), period="custom")
    return [*named, ("Custom", custom, period.name == "custom")]


def _moved(first: int, last: int, name: str) -> dict[str, str]:
    begins = {"from": date_of(first).isoformat()} if name == "custom" else {}
    return begins | {"to": date_of(last).isoformat()}


async def _section(looking: Looking, name: str) -> Mapping[str, Any]:
    chart: Chart = await CHARTS[name](looking.view)
    return {
        "chart": chart,
        "csv": looking.address(f"chart/{name}/csv"),
        "page": looking.address(f"chart/{name}"),
        "choices": [(choice, looking.address(f"chart/{name}", part=choice.part)) for choice in chart.choices],
    }


def _waiting(looking: Looking, name: str) -> Mapping[str, str]:
    return {"name": name, "title": TITLES[name], "page": looking.address(f"chart/{name}", part="")}


def _shown(looking: Looking) -> list[str]:
    """Give the names of the charts that the viewer may see, of these films.

    Raises:
        AccessRefused: there is none.
    """
    viewing = looking.view.viewing is None or bool(looking.view.viewing)
    on_chain = looking.subject.on_chain
    if not viewing and not on_chain:
        raise AccessRefused(
            "How often films are watched here is shown to the owner of this server.",
            fix="Go back to the library.",
        )
    return [name for name in CHARTS if (viewing if name in NEEDS_VIEWING else on_chain)]


def _named(looking: Looking, request: PluginRequest) -> str:
    name = request.params["chart"]
    if name not in _shown(looking):
        raise NotFound("There is no such chart here.", fix="Choose another one under Analytics.")
    return name


def _status(looking: Looking) -> int:
    return 400 if looking.wrong else 200


def _file(looking: Looking) -> str:
    """Name files after the films and the time in them."""
    period = looking.view.period
    return f"{looking.subject.title} {date_of(period.first)} to {date_of(period.last)}"
