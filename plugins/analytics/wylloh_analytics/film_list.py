"""The films of a portfolio, listed below its charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_analytics.queries import TotalsQueries
from wylloh_analytics.time_buckets import Bucket

if TYPE_CHECKING:
    from wylloh_analytics.request_scope import RequestScope
    from wylloh_server.sdk import Film, PluginContext, PluginRequest

_MOST = 60


@dataclass(frozen=True, slots=True)
class Listed:
    """A film, how many wallets hold it, and how many tokens it sold in the period."""

    film: Film
    page: str
    holders: int
    sold: int


@dataclass(frozen=True, slots=True)
class FilmList:
    """The films that fit what somebody typed, as far as they are listed, and how many there are in all."""

    wanted: str
    listed: tuple[Listed, ...]
    fitting: int
    whole: int


async def films_of(context: PluginContext, scope: RequestScope, request: PluginRequest) -> FilmList | None:
    """List the films of a portfolio by title; None where it is one film."""
    if scope.subject.film is not None:
        return None
    wanted = request.query.get("find", "").strip()
    films = [card.film for card in await context.library.films(None)]
    if scope.subject.mine:
        films = [film for film in films if film.id in (scope.subject.viewing or ())]
    elif scope.view.viewing is not None:  # who sees no viewing sees nothing of films without a token
        films = [film for film in films if film.token is not None]
    fitting = [film for film in films if wanted.casefold() in film.title.casefold()]
    listed = await _listed(context, scope, fitting[:_MOST])
    return FilmList(wanted, listed, len(fitting), len(films))


async def _listed(context: PluginContext, scope: RequestScope, films: list[Film]) -> tuple[Listed, ...]:
    sums, period = TotalsQueries(context.tables), scope.view.period
    scopes = {token: scope for token, (scope, _, _) in (await sums.films()).items()}
    wanted = [scopes[str(film.token)] for film in films if str(film.token) in scopes]
    counts = await sums.of_films(wanted, Bucket(period.first, period.last))
    return tuple(
        Listed(
            film, f"/plugins/analytics/film/{film.id}", *counts.get(scopes.get(str(film.token), 0), (0, 0))
        )
        for film in films
    )
