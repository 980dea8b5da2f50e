"""What takes longer than a page: tagging many films, looking for suggestions, importing a file."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from wylloh_server.sdk import (
    BackgroundTask,
    BatchAction,
    BatchField,
    BatchPlan,
    FilmId,
    NotFound,
    Role,
    TaskResult,
)
from wylloh_tagging._access import HERE
from wylloh_tagging._exchange import do_import
from wylloh_tagging._moves import do_move
from wylloh_tagging._store import MOST, TagStore
from wylloh_tagging._suggestions import Suggestions
from wylloh_tagging.tags import counted, tag_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import BatchRequest, PluginContext, TaskProgress, Viewer

_STEP = 200
"""Films tagged at once; between steps the task can be cancelled, and others hear of what was done."""


async def _ask_for_tag(_: PluginContext, __: Viewer) -> Sequence[BatchField]:
    return (BatchField("tag", "Tag, a word or a path such as genre/noir"),)


async def _ask_which_tag(context: PluginContext, _: Viewer) -> Sequence[BatchField]:
    return (BatchField("tag", "Tag", tuple((await TagStore(context).index()).exact)),)


async def plan_tag(context: PluginContext, request: BatchRequest) -> BatchPlan:
    """Say how many films would get a tag."""
    tag = tag_of(request.values.get("tag", ""))
    index = await TagStore(context).index()
    chosen = {film.id for film in request.films}
    have = chosen & index.exact.get(tag, frozenset())
    full = {film for film, count in index.counts().items() if count >= MOST} & (chosen - have)
    get = len(chosen) - len(have) - len(full)
    parts = [f"{counted(get, 'film')} {'gets' if get == 1 else 'get'} the tag {tag}"] * bool(get)
    parts += [f"{_some(len(have), parts)} it already"] * bool(have)
    parts += [f"{_some(len(full), parts)} {MOST} tags and no room for another"] * bool(full)
    return BatchPlan(f"{'; '.join(parts)}.", "" if get else "Choose other films or another tag.")


def _some(number: int, said: Sequence[str]) -> str:
    """Say `3 films have`, or, after something was said of films, `3 have`."""
    return f"{f'{number:,}' if said else counted(number, 'film')} {'has' if number == 1 else 'have'}"


async def plan_untag(context: PluginContext, request: BatchRequest) -> BatchPlan:
    """Say how many films would lose a tag."""
    tag = tag_of(request.values.get("tag", ""))
    chosen = {film.id for film in request.films}
    have = len(chosen & (await TagStore(context).index()).exact.get(tag, frozenset()))
    if not have:
        return BatchPlan(f"None of these films has the tag {tag}.", "Choose other films or another tag.")
    rest = len(chosen) - have
    more = f"; {rest} {'does' if rest == 1 else 'do'} not have it" if rest else ""
    return BatchPlan(f"{counted(have, 'film')} {'loses' if have == 1 else 'lose'} the tag {tag}{more}.")


async def _tag_many(context: PluginContext, progress: TaskProgress) -> TaskResult:
    tag = tag_of(progress.arguments["values"]["tag"])
    films = await _still_here(context, progress)
    done = 0
    for start in range(0, len(films), _STEP):
        await progress.tell(start, len(films))
        done += await TagStore(context).add_to_all(films[start : start + _STEP], tag)
    return TaskResult(f"{counted(done, 'film')} got the tag {tag}.", f"{HERE}/tag/{quote(tag)}")


async def _untag_many(context: PluginContext, progress: TaskProgress) -> TaskResult:
    tag = tag_of(progress.arguments["values"]["tag"])
    films = await _still_here(context, progress)
    done = 0
    for start in range(0, len(films), _STEP):
        await progress.tell(start, len(films))
        done += await TagStore(context).remove_from_all(films[start : start + _STEP], tag)
    return TaskResult(f"{counted(done, 'film')} lost the tag {tag}.", f"{HERE}/")


async def _suggest(context: PluginContext, progress: TaskProgress) -> TaskResult:
    """Look into the films named, or into all that nobody has looked into yet, or into all again."""
    suggestions, found, looked = Suggestions(context), 0, 0
    films = progress.arguments.get("films")
    if films is None:
        cards = await context.library.films(None)
        done = frozenset[FilmId]() if progress.arguments.get("again") else await suggestions.all_studied()
        films = [card.film.id for card in cards if card.film.id not in done]
    for number, film_id in enumerate(films):
        try:
            film = await context.library.film(FilmId(film_id))
        except NotFound:
            continue  # it left while the task waited
        await progress.tell(number, len(films), film.title)
        found += bool(await suggestions.study(film))
        looked += 1
    sentence = f"Looked into {counted(looked, 'film')} and found suggestions for {found or 'none'} of them."
    return TaskResult(sentence, f"{HERE}/suggestions")


async def _import(context: PluginContext, progress: TaskProgress) -> TaskResult:
    await progress.tell(0, 1, "Reading the file")
    plan = await do_import(
        context, progress.arguments["text"], replace=bool(progress.arguments.get("replace"))
    )
    return TaskResult(" ".join(plan.result), f"{HERE}/")


async def _move(context: PluginContext, progress: TaskProgress) -> TaskResult:
    old, new = tag_of(progress.arguments["tag"]), tag_of(progress.arguments["to"])
    await progress.tell(0, 1, "Renaming")
    link = f"{HERE}/tag/{quote(new)}"
    if old not in (await TagStore(context).index()).films:
        return TaskResult(f"{old} is called {new}.", link)  # done before a crash
    done = await do_move(context, old, new)
    return TaskResult(f"{counted(len(done.films), 'film')} tagged {old} before are tagged {new} now.", link)


BATCH_ACTIONS = (
    BatchAction("tag", "Add a tag", plan_tag, "tag", _ask_for_tag, Role.PUBLISHER),
    BatchAction("untag", "Remove a tag", plan_untag, "untag", _ask_which_tag, Role.PUBLISHER),
)
BACKGROUND_TASKS = (
    BackgroundTask("tag", _tag_many),
    BackgroundTask("untag", _untag_many),
    BackgroundTask("suggest", _suggest),
    BackgroundTask("import", _import),
    BackgroundTask("move", _move),
)


async def _still_here(context: PluginContext, progress: TaskProgress) -> list[FilmId]:
    asked = [FilmId(film) for film in progress.arguments["films"]]
    return [card.film.id for card in await context.library.cards(None, asked)]
