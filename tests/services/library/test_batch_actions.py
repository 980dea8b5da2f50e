"""One action on many films: refused before anything is begun, or done exactly as confirmed."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from tests.services.server_environment import viewer_with
from wylloh_server.domain.errors import InvalidValue, NotFound
from wylloh_server.domain.film import Description, Film, FolderOrigin, film_id_for
from wylloh_server.domain.types import FilmId, parse_wallet
from wylloh_server.domain.plugin_batch import BatchField, BatchPlan
from wylloh_server.services.library.batch_actions import MOST_FILMS, BatchActionService

VIEWER = viewer_with(parse_wallet("0x" + "a" * 40))


class Asker:
    """One plugin, `tagging`, with one action."""

    def __init__(self) -> None:
        self.fields_ = [BatchField("tag", "Tag"), BatchField("how", "How", ("add", "remove"))]
        self.plan_ = lambda request: BatchPlan(f"{len(request.films)} films get {request.values['tag']}.")
        self.asked = []

    def offered(self, viewer):
        return (("tagging", self.find("tagging", "tag", viewer)),)

    def find(self, plugin, name, viewer):
        return SimpleNamespace(name="tag", label="Tag", task="retag")

    async def fields(self, plugin, name, viewer):
        return tuple(self.fields_)

    async def plan(self, plugin, name, request):
        self.asked.append(request)
        return self.plan_(request)


class Tasks:
    def __init__(self) -> None:
        self.started = []

    async def start(self, *task):
        self.started.append(task)
        return "task"


def film(number):
    path = f"/films/{number}.mp4"
    return Film(film_id_for(f"file:{path}"), Description(f"Film {number}"), FolderOrigin(path))


FILMS = [film(number) for number in range(3)]
IDS = [item.id for item in FILMS]
VALUES = {"tag": "noir", "how": "add"}


@pytest.fixture
async def service(storage):
    for item in FILMS:
        await storage.films.save(item)
    return BatchActionService(offers=Asker(), films=storage.films, tasks=Tasks())


async def test_it_is_planned_and_done_with_what_was_selected(service):
    plan = await service.plan(VIEWER, "tagging", "tag", [IDS[2], IDS[0], IDS[2]], VALUES)
    assert plan.sentence == "2 films get noir."
    assert service._tasks.started == []
    (asked,) = service.offers.asked
    assert (asked.viewer, asked.films, asked.values) == (VIEWER, (FILMS[2], FILMS[0]), VALUES)
    task = await service.run(VIEWER, "tagging", "tag", IDS[:2], VALUES, confirmed=plan.sentence)
    assert task == "task"
    assert service._tasks.started == [
        ("tagging.retag", "Tag: noir, add · 2 films", {"films": IDS[:2], "values": VALUES}, VIEWER.wallet)
    ]


@pytest.mark.parametrize(
    ("films", "values", "error", "sentence"),
    [
        ([], VALUES, InvalidValue, "No film is selected."),
        ([FilmId(str(n)) for n in range(MOST_FILMS + 1)], VALUES, InvalidValue, "10,001 films are too many"),
        ([*IDS, "gone"], VALUES, NotFound, "1 of the selected films is not here"),
        (["gone", "away"], VALUES, NotFound, "2 of the selected films are not here"),
        (IDS, {"tag": "noir", "how": "burn"}, InvalidValue, "How: “burn” is no choice"),
        (IDS, {"tag": "noir"}, InvalidValue, "How: “” is no choice"),
        (IDS, {"tag": "x" * 1001, "how": "add"}, InvalidValue, "Tag: that is too long"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_nothing_asked(service, films, values, error, sentence):
    for refused in (
        service.plan(VIEWER, "tagging", "tag", films, values),
        service.run(VIEWER, "tagging", "tag", films, values, confirmed="3 films get noir."),
    ):
        with pytest.raises(error, match=sentence):
            await refused
    assert service._tasks.started == service.offers.asked == []


async def test_ten_thousand_films_are_not_too_many(service, storage):
    many = [film(number) for number in range(MOST_FILMS)]
    asked = []

    async def some(ids):
        asked.append(len(ids))
        return many

    service._films = SimpleNamespace(some=some)
    plan = await service.plan(VIEWER, "tagging", "tag", [item.id for item in many], VALUES)
    assert plan.sentence == "10000 films get noir."
    assert asked == [MOST_FILMS]


async def test_nothing_to_do_starts_nothing(service):
    service.offers.plan_ = lambda request: BatchPlan("All have it already.", fix="Select others.")
    with pytest.raises(InvalidValue, match="All have it already") as refused:
        await service.run(VIEWER, "tagging", "tag", IDS, VALUES, confirmed="All have it already.")
    assert refused.value.fix == "Select others."
    assert service._tasks.started == []


@pytest.mark.parametrize("confirmed", ["3 films get horror.", ""])
async def test_only_what_was_confirmed_is_done(service, confirmed):
    with pytest.raises(InvalidValue, match="Now: 3 films get noir"):
        await service.run(VIEWER, "tagging", "tag", IDS, VALUES, confirmed=confirmed)
    assert service._tasks.started == []


async def test_values_nobody_asked_for_are_left_out(service):
    service.offers.fields_ = []
    service.offers.plan_ = lambda request: BatchPlan(str(dict(request.values)))
    assert (await service.plan(VIEWER, "tagging", "tag", IDS, {"evil": "1"})).sentence == "{}"
