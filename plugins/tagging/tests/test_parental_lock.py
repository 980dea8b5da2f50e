"""What locks can be changed by admins only, by every road: the right is asked at the change."""

from __future__ import annotations

import asyncio
import json

import pytest
from wylloh_tagging.export import FORMAT
from wylloh_tagging.lock_changes import changed_films
from wylloh_tagging.parental_lock import locked_tags
from wylloh_tagging.queries import TagStore
from wylloh_tagging.rename_merge import do_move
from wylloh_tagging.tag_index import TagIndex
from wylloh_tagging.tags import tag_of

from wylloh_server.sdk import AccessRefused, Role, Verdict

EDITORS = (Role.VIEWER, Role.PUBLISHER)
LOCK = "adults-only"


@pytest.fixture
def locked(tagging, add):
    """The plugin with one locked film, `films[0]`, tagged drama, too; viewers are editors."""

    class _Locked:
        async def __aenter__(self):
            self._run = tagging(locked_for_viewers=[LOCK], viewers_may_edit=True)
            app = await self._run.__aenter__()
            await add(app, app.films[0], LOCK)
            await add(app, app.films[0], "drama")
            await add(app, app.films[1], "horror")
            return app

        async def __aexit__(self, *error):
            await self._run.__aexit__(*error)

    return _Locked


async def is_locked(app, film):
    return (await app.access_vote(film, by=Role.VIEWER)).verdict is Verdict.DENY


async def import_file(app, by, *, replace=False, **content):
    form = {"text": json.dumps({"format": FORMAT} | content)} | ({"replace": "yes"} if replace else {})
    await app.post("import/confirmed", form, by=by)
    await app.tasks()


async def batch(app, action, films, tag, by):
    await app.batch(action, films, {"tag": tag}, by=by)
    await app.tasks()


async def rename(app, old, new, by):
    """Rename as the pages do, with what they ask to be confirmed."""
    plan = await app.get("rename", query={"tag": old, "to": new}, by=Role.OWNER)
    sentences = " ".join(plan.values["plan"].sentences)
    await app.post("rename", {"tag": old, "to": new, "confirmed": sentences}, by=by)


LOCKING = {
    "on a film's page": lambda app, by: app.post(f"film/{app.films[1].id}/tags", {"tag": LOCK}, by=by),
    "below the lock": lambda app, by: app.post(f"film/{app.films[1].id}/tags", {"tag": f"{LOCK}/x"}, by=by),
    "as a suggestion": lambda app, by: app.post(
        f"film/{app.films[1].id}/suggestions/accept", {"tag": LOCK}, by=by
    ),
    "in a batch": lambda app, by: batch(app, "tag", [app.films[1]], LOCK, by),
    "by a file": lambda app, by: import_file(app, by, films=[{"film": app.films[1].id, "tags": [LOCK]}]),
    "by a lock in a file": lambda app, by: import_file(app, by, locked=["horror"]),
    "by a rename": lambda app, by: rename(app, "horror", f"{LOCK}/horror", by),
    "by a merge": lambda app, by: rename(app, "horror", LOCK, by),
    "by its own form": lambda app, by: app.post("lock", {"tag": "horror"}, by=by),
}
UNLOCKING = {
    "on a film's page": lambda app, by: app.post(f"film/{app.films[0].id}/tags/remove", {"tag": LOCK}, by=by),
    "in a batch": lambda app, by: batch(app, "untag", [app.films[0]], LOCK, by),
    "by a file that replaces": lambda app, by: import_file(
        app, by, replace=True, films=[{"film": app.films[0].id, "tags": ["drama"]}]
    ),
}


@pytest.mark.parametrize("road", LOCKING)
async def test_only_an_admin_locks_a_film(locked, road):
    async with locked() as app:
        for by in EDITORS:
            await _tried(LOCKING[road], app, by)
            assert not await is_locked(app, app.films[1]), (road, by)
            assert await locked_tags(app.context) == (LOCK,)
        await LOCKING[road](app, Role.ADMIN)
        assert await is_locked(app, app.films[1])


@pytest.mark.parametrize("road", UNLOCKING)
async def test_only_an_admin_unlocks_a_film(locked, road):
    async with locked() as app:
        for by in EDITORS:
            await _tried(UNLOCKING[road], app, by)
            assert await is_locked(app, app.films[0]), (road, by)
        await UNLOCKING[road](app, Role.ADMIN)
        assert not await is_locked(app, app.films[0])


async def test_a_lock_opens_by_no_editor_once_it_was_made_here(tagging, add):
    async with tagging(viewers_may_edit=True) as app:
        await add(app, app.films[0], "horror")
        await app.post("lock", {"tag": "horror"}, by=Role.ADMIN)
        for by in EDITORS:
            assert (await app.post("lock", {"tag": "horror", "open": "yes"}, by=by)).status == 403
        assert await is_locked(app, app.films[0])


async def test_a_file_cannot_prepare_a_lock_for_later(locked):
    """No film has the tag, so no film changes; but the next one that gets it would be locked."""
    async with locked() as app:
        await import_file(app, Role.PUBLISHER, locked=["nothing-yet"])
        film = {"film": app.films[0].id, "tags": ["nothing-yet"]}
        await import_file(app, Role.PUBLISHER, locked=["nothing-yet"], films=[film])
        assert await locked_tags(app.context) == (LOCK,)


async def test_what_changes_no_lock_stays_open_to_editors(locked):
    async with locked() as app:
        film, by = app.films[0], Role.VIEWER
        assert (await app.post(f"film/{film.id}/tags", {"tag": "comedy"}, by=by)).to == f"/films/{film.id}"
        assert (await app.post(f"film/{film.id}/tags/remove", {"tag": "drama"}, by=by)).to
        assert (await app.post(f"film/{film.id}/tags", {"tag": f"{LOCK}/gore"}, by=by)).to, (
            "it is locked already"
        )
        assert (await app.post(f"film/{film.id}/tags/remove", {"tag": f"{LOCK}/gore"}, by=by)).to
        await rename(app, "horror", "gothic", by)
        assert await is_locked(app, film)
        assert not await is_locked(app, app.films[1])


MOVES = {
    "its name": ("own-lock", "elsewhere"),
    "what is below it": ("own-lock/gore", "gore"),
    "what is above it": ("above", "beyond"),
    "a merge": ("own-lock", "horror"),
    "the settings' own": (LOCK, "grown-ups"),
}


@pytest.mark.parametrize("road", MOVES)
async def test_only_an_admin_moves_a_lock(locked, add, road):
    """Every film stays locked, but the next one that gets the tag would not be."""
    old, new = MOVES[road]
    async with locked() as app:
        for tag in ("own-lock/gore", "above/locked"):
            await add(app, app.films[0], tag)
        for tag in ("own-lock", "above/locked"):
            await app.post("lock", {"tag": tag}, by=Role.ADMIN)
        before = await locked_tags(app.context)
        for by in EDITORS:
            assert (await app.get("rename", query={"tag": old, "to": new}, by=by)).status == 403
            await _tried(lambda app, by: rename(app, old, new, by), app, by)
            with pytest.raises(AccessRefused):
                await do_move(app.context, tag_of(old), new, may_lock=False)
            assert await locked_tags(app.context) == before, by
        await rename(app, old, new, Role.ADMIN)
        assert await locked_tags(app.context) != before
        assert await is_locked(app, app.films[0])


async def test_two_harmless_changes_at_once_unlock_nothing(locked, add):
    """Either tag alone may go, as the other one keeps the film locked; both may not."""
    async with locked() as app:
        await app.post("lock", {"tag": "drama"}, by=Role.ADMIN)
        film, store = app.films[0], TagStore(app.context)
        outcomes = await asyncio.gather(
            *(store.exchange([(film.id, tag_of(tag))], (), may_lock=False) for tag in (LOCK, "drama")),
            return_exceptions=True,
        )
        assert [type(one) for one in outcomes].count(AccessRefused) == 1
        assert await is_locked(app, film)


async def test_cards_of_locked_films_say_so(locked):
    async with locked() as app:
        for by, words in ((Role.VIEWER, "Locked here"), (Role.OWNER, "Locked for viewers and TVs")):
            (fragment,) = await app.film_cards(app.films, by=by)
            assert fragment.film == app.films[0].id
            assert words in await app.render(fragment)


async def test_a_refusal_says_who_may(locked):
    async with locked() as app:
        reply = await app.post(f"film/{app.films[0].id}/tags/remove", {"tag": LOCK}, by=Role.PUBLISHER)
        assert reply.status == 403
        assert (
            reply.sentence == "This would lock 1 film for viewers, or unlock them. Only admins may do that."
        )
        plan = await app.get("rename", query={"tag": "horror", "to": LOCK}, by=Role.PUBLISHER)
        assert plan.status == 403


def test_which_films_change():
    index = TagIndex([("a", "x"), ("a", "y"), ("b", "y/z"), ("c", "w")])

    def changed(gone=(), come=(), before=("x",), after=("x",)):
        return set(changed_films(index, gone=gone, come=come, before=before, after=after))

    assert changed() == set()
    assert changed(gone=[("a", "x")]) == {"a"}
    assert changed(gone=[("a", "x")], come=[("a", "x/below")]) == set()
    assert changed(come=[("a", "x/below"), ("c", "x")]) == {"c"}
    assert changed(after=("x", "y")) == {"b"}
    assert changed(after=()) == {"a"}
    assert changed(gone=[("a", "x")], come=[("a", "x")]) == set()


async def _tried(road, app, by):
    """Take a road; it is refused on the way, or ends with nothing changed."""
    try:
        await road(app, by)
    except AccessRefused:
        pass
