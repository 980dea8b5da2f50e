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
    format_count,
)
from wylloh_tagging.lock_changes import refuse_lock_changes
from wylloh_tagging.permissions import HERE, may_lock, role_may_lock
from wylloh_tagging.queries import MOST, TagStore
from wylloh_tagging.rename_merge import do_move
from wylloh_tagging.suggestions import Suggestions
from wylloh_tagging.tag_import import do_import
from wylloh_tagging.tags import Tag, tag_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from wylloh_server.sdk import BatchRequest, PluginContext, TaskProgress, Viewer

_STEP = 200
"""Films tagged at once; between steps the task can be cancelled, and others hear of what was done."""


async def _ask_for_tag(_: PluginContext, __: Viewer) -> Sequence[BatchField]:
    return (BatchField("tag", "Tag, a word or a path such as genre/noir"),)


async def _ask_which_tag(context: PluginContext, _: Viewer) -> Sequence[BatchField]:
    return (BatchField("tag", "Tag", tuple((await TagStore(context).index()).exact)),)


async def plan_tag(context: PluginContext, request: BatchRequest) -> BatchPlan:
    """Return how many films would get a tag."""
    tag = tag_of(request.values.get("tag", ""))
    index = await TagStore(context).index()
    chosen = {film.id for film in request.films}
    have = chosen & index.exact.get(tag, frozenset())
    full = {film for film, count in index.counts().items() if count >= MOST} & (chosen - have)
    get = len(chosen) - len(have) - len(full)
    parts = [f"{format_count(get, 'film gets', 'films get')} the tag {tag}"] * bool(get)
    parts += [f"{_some(len(have), parts)} it already"] * bool(have)
    parts += [f"{_some(len(full), parts)} {MOST} tags and no room for another"] * bool(full)
    if not may_lock(request.viewer):
        come = [(film, tag) for film in chosen - have - full]
        refuse_lock_changes(await TagStore(context).lock_changes((), come))
    return BatchPlan(f"{'; '.join(parts)}.", "" if get else "Choose other films or another tag.")


def _some(number: int, before: Sequence[str]) -> str:
    """Return `3 films have`, or `3 have` after films were mentioned."""
    return format_count(number, "has", "have") if before else format_count(number, "film has", "films have")


async def plan_untag(context: PluginContext, request: BatchRequest) -> BatchPlan:
    """Return how many films would lose a tag."""
    tag = tag_of(request.values.get("tag", ""))
    chosen = {film.id for film in request.films}
    have = len(chosen & (await TagStore(context).index()).exact.get(tag, frozenset()))
    if not have:
        return BatchPlan(f"None of these films has the tag {tag}.", "Choose other films or another tag.")
    if not may_lock(request.viewer):
        refuse_lock_changes(await TagStore(context).lock_changes([(film, tag) for film in chosen], ()))
    rest = len(chosen) - have
    more = f"; {format_count(rest, 'does', 'do')} not have it" if rest else ""
    return BatchPlan(f"{format_count(have, 'film loses', 'films lose')} the tag {tag}{more}.")


async def _tag_many(context: PluginContext, progress: TaskProgress) -> TaskResult:
    tag, done = await _change_many(context, progress, TagStore(context).add_to_all)
    return TaskResult(f"{format_count(done, 'film')} got the tag {tag}.", f"{HERE}/tag/{quote(tag)}")


async def _untag_many(context: PluginContext, progress: TaskProgress) -> TaskResult:
    tag, done = await _change_many(context, progress, TagStore(context).remove_from_all)
    return TaskResult(f"{format_count(done, 'film')} lost the tag {tag}.", f"{HERE}/")


async def _change_many(
    context: PluginContext, progress: TaskProgress, change: Callable[..., Awaitable[int]]
) -> tuple[Tag, int]:
    """Change the films of a task that are still here, step by step; return the tag and how many changed."""
    tag, done = tag_of(progress.arguments["values"]["tag"]), 0
    asked = [FilmId(film) for film in progress.arguments["films"]]
    films = [card.film.id for card in await context.library.cards(None, asked)]
    for start in range(0, len(films), _STEP):
        await progress.update(start, len(films))
        done += await change(films[start : start + _STEP], tag, may_lock=role_may_lock(progress.role))
    return tag, done


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
        await progress.update(number, len(films), film.title)
        found += bool(await suggestions.study(film))
        looked += 1
    sentence = (
        f"Looked into {format_count(looked, 'film')} and found suggestions for {found or 'none'} of them."
    )
    return TaskResult(sentence, f"{HERE}/suggestions")


async def _import(context: PluginContext, progress: TaskProgress) -> TaskResult:
    await progress.update(0, 1, "Reading the file")
    plan = await do_import(
        context,
        progress.arguments["text"],
        replace=bool(progress.arguments.get("replace")),
        may_lock=role_may_lock(progress.role),
    )
    return TaskResult(" ".join(plan.result), f"{HERE}/")


async def _move(context: PluginContext, progress: TaskProgress) -> TaskResult:
    old, new = tag_of(progress.arguments["tag"]), tag_of(progress.arguments["to"])
    await progress.update(0, 1, "Renaming")
    link = f"{HERE}/tag/{quote(new)}"
    if old not in (await TagStore(context).index()).films:
        return TaskResult(f"{old} is called {new}.", link)  # done before a crash
    done = await do_move(context, old, new, may_lock=role_may_lock(progress.role))
    return TaskResult(
        f"{format_count(len(done.films), 'film')} tagged {old} before are tagged {new} now.", link
    )


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
