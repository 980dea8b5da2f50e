"""Batch actions: plan one action on many films, and start it once exactly that plan is confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.plugin_batch import BatchRequest
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.plugin_batch import BatchField, BatchPlan
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.types import FilmId
    from wylloh_server.plugins.declarations import BatchAction
    from wylloh_server.services.library.plugin_batch_actions import PluginBatchActions
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.storage.films import FilmRepository

MOST_FILMS = 10_000
"""Most films of one batch."""
_LONGEST_VALUE = 1000


class BatchActionService:
    """Plans and starts the batch actions of plugins.

    Attributes:
        offers: the actions there are.
    """

    def __init__(self, *, offers: PluginBatchActions, films: FilmRepository, tasks: TaskService) -> None:
        self.offers = offers
        self._films = films
        self._tasks = tasks

    async def plan(
        self, viewer: Viewer, plugin: str, name: str, films: Sequence[FilmId], values: Mapping[str, str]
    ) -> BatchPlan:
        """Return what an action would do.

        Raises:
            InvalidValue: no film, too many films, or a value that does not fit.
            NotFound: there is no such action, or a film is not here.
            AccessRefused: the viewer's role is too low.
            PluginError: the plugin failed.
        """
        return (await self._planned(viewer, plugin, name, films, values))[1]

    async def run(
        self,
        viewer: Viewer,
        plugin: str,
        name: str,
        films: Sequence[FilmId],
        values: Mapping[str, str],
        *,
        confirmed: str,
    ) -> TaskId:
        """Start the background task of an action. `confirmed` is the sentence of the confirmed plan.

        Raises:
            InvalidValue: as for `plan`; or there is nothing to do; or the plan has changed.
            NotFound, AccessRefused, PluginError: as for `plan`.
        """
        request, plan = await self._planned(viewer, plugin, name, films, values)
        if plan.fix:
            raise InvalidValue(plan.sentence, fix=plan.fix)
        if plan.sentence != confirmed:
            raise InvalidValue(
                f"Something has changed meanwhile. Now: {plan.sentence}",
                fix="Look at it again, and confirm that.",
            )
        action = self.offers.find(plugin, name, viewer)
        arguments = {"films": [film.id for film in request.films], "values": dict(request.values)}
        title = _title(action, request)
        return await self._tasks.start(f"{plugin}.{action.task}", title, arguments, viewer.wallet)

    async def _planned(
        self, viewer: Viewer, plugin: str, name: str, films: Sequence[FilmId], values: Mapping[str, str]
    ) -> tuple[BatchRequest, BatchPlan]:
        wanted = _checked(films)
        fields = await self.offers.fields(plugin, name, viewer)
        filled = {field.name: _filled(field, values.get(field.name, "")) for field in fields}
        request = BatchRequest(viewer, await self._chosen(wanted), filled)
        return request, await self.offers.plan(plugin, name, request)

    async def _chosen(self, wanted: Sequence[FilmId]) -> tuple[Film, ...]:
        found = {film.id: film for film in await self._films.some(wanted)}
        if len(found) < len(wanted):
            gone = len(wanted) - len(found)
            verb = "is" if gone == 1 else "are"
            raise NotFound(
                f"{gone:,} of the selected films {verb} not here any more.",
                fix="Reload the page and select again.",
            )
        return tuple(found[film] for film in wanted)


def _checked(films: Sequence[FilmId]) -> tuple[FilmId, ...]:
    wanted = tuple(dict.fromkeys(films))
    if not wanted:
        raise InvalidValue("No film is selected.", fix="Select at least one.")
    if len(wanted) > MOST_FILMS:
        raise InvalidValue(
            f"{len(wanted):,} films are too many at once.", fix=f"Select at most {MOST_FILMS:,}."
        )
    return wanted


def _filled(field: BatchField, value: str) -> str:
    if field.choices and value not in field.choices:
        raise InvalidValue(f"{field.label}: {quote_input(value)} is no choice.", fix="Choose from the list.")
    if len(value) > _LONGEST_VALUE:
        raise InvalidValue(f"{field.label}: that is too long.", fix=f"Use up to {_LONGEST_VALUE} characters.")
    return value


def _title(action: BatchAction, request: BatchRequest) -> str:
    values = ", ".join(value for value in request.values.values() if value)
    number = len(request.films)
    films = f"{number:,} film{'' if number == 1 else 's'}"
    return f"{action.label}: {values} · {films}" if values else f"{action.label} · {films}"
