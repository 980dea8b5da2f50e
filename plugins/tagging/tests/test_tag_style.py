"""Categories, greys and locks."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import wylloh_tagging
from wylloh_server.sdk import Redirect, Role, Slot, Verdict
from wylloh_tagging.export import FORMAT
from wylloh_tagging.tag_style import GREYS, PLAIN, TagGreys
from wylloh_tagging.tags import tag_of

OWNER, ADMIN, PUBLISHER, VIEWER = Role.OWNER, Role.ADMIN, Role.PUBLISHER, Role.VIEWER
CSS = (Path(wylloh_tagging.__file__).parent / "static/tagging.css").read_text()


async def categories(app):
    return [group.name for group in (await app.get()).values["tag_groups"]]


async def test_categories_are_made_ordered_and_unmade(tagging, add):
    async with tagging() as app:
        assert await categories(app) == ["genre", "mood", "decade"]
        assert await app.post("categories", {"name": " Place "}, by=PUBLISHER) == Redirect(
            "/plugins/tagging/"
        )
        await app.post("categories", {"name": "place"}, by=PUBLISHER)
        assert await categories(app) == ["genre", "mood", "decade", "place"]
        for do in ("up", "up"):
            await app.post("categories/change", {"name": "place", "do": do}, by=PUBLISHER)
        await app.post("categories/change", {"name": "genre", "do": "up"}, by=PUBLISHER)
        await app.post("categories/change", {"name": "decade", "do": "down"}, by=PUBLISHER)
        assert await categories(app) == ["genre", "place", "mood", "decade"]
        await add(app, app.films[0], "mood/dark")
        await app.post("categories/change", {"name": "mood", "do": "remove"}, by=PUBLISHER)
        assert await categories(app) == ["genre", "place", "decade", ""]
        html = await app.render(await app.get())
        assert 'href="/plugins/tagging/tag/mood/dark"' in html
        assert "Without a category" in html


@pytest.mark.parametrize(
    ("path", "form", "status"),
    [
        ("categories", {"name": "a/b"}, 400),
        ("categories", {"name": ""}, 400),
        ("categories/change", {"name": "genre", "do": "burn"}, 400),
        ("categories/change", {"name": "nothing", "do": "up"}, 303),
        ("grey", {"tag": "genre", "grey": "pink"}, 400),
        ("grey", {"tag": "a//b", "grey": "coal"}, 400),
    ],
)
async def test_bad_input_changes_nothing(tagging, path, form, status):
    async with tagging() as app:
        reply = await app.post(path, form, by=OWNER)
        assert getattr(reply, "status", 303) == status
        assert await categories(app) == ["genre", "mood", "decade"]
        assert app.record.errors == 0


@pytest.mark.parametrize("path", ["categories", "categories/change", "grey", "lock", "rename"])
async def test_viewers_change_nothing(tagging, path):
    async with tagging() as app:
        form = {"name": "place", "do": "up", "tag": "genre", "grey": "coal", "to": "x"}
        assert (await app.post(path, form)).status == 403
        assert "Add category" not in await app.render(await app.get())


async def test_there_are_at_most_thirty_categories(tagging):
    async with tagging() as app:
        text = json.dumps({"format": FORMAT, "categories": [f"c{number}" for number in range(27)]})
        await app.post("import/confirmed", {"text": text}, by=OWNER)
        assert len(await app.tasks()) == 1
        refused = await app.post("categories", {"name": "one more"}, by=OWNER)
        assert (refused.status, refused.sentence) == (400, "There are at most 30 categories.")


async def test_a_grey_shows_on_chips_and_reaches_the_tags_below(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        await add(app, film, "genre/noir")
        await add(app, film, "genre/drama")
        await app.post("grey", {"tag": "genre", "grey": "slate"}, by=PUBLISHER)
        await app.post("grey", {"tag": "genre/noir", "grey": "pearl"}, by=PUBLISHER)
        (fragment,) = await app.fragments(Slot.FILM_TAGS, film)
        html = await app.render(fragment)
        assert 'class="tag pearl" href="/plugins/tagging/tag/genre/noir"' in html
        assert 'class="tag slate" href="/plugins/tagging/tag/genre/drama"' in html
        page = await app.render(await app.get("tag/genre/noir", by=PUBLISHER), by=PUBLISHER)
        assert re.search(r'value="pearl" checked', page)
        await app.post("grey", {"tag": "genre/noir", "grey": "plain"}, by=PUBLISHER)
        (fragment,) = await app.fragments(Slot.FILM_TAGS, film)
        assert 'class="tag slate" href="/plugins/tagging/tag/genre/noir"' in await app.render(fragment)


def test_the_nearest_grey_above_counts():
    greys = {tag_of("a"): "coal", tag_of("a/b/c"): "pearl"}
    assert [TagGreys(greys).of(tag_of(tag)) for tag in ("a", "a/b", "a/b/c", "a/b/c/d", "ab")] == [
        "coal",
        "coal",
        "pearl",
        "pearl",
        PLAIN,
    ]


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("grey", [grey for grey in GREYS if grey != PLAIN])
def test_every_grey_can_be_read(grey):
    """WCAG 2.2, success criterion 1.4.3: 4.5 to 1. And grey means grey."""
    rule = re.search(
        rf"\.tag\.{grey} {{ background: (#\w{{6}}); border-color: #\w{{6}}; color: (#\w{{6}}|#\w{{3}});", CSS
    )
    background, text = rule.groups()
    text = text if len(text) == 7 else "#" + "".join(2 * digit for digit in text[1:])
    assert contrast(background, text) >= 4.5
    red, green, blue = (int(background[place : place + 2], 16) for place in (1, 3, 5))
    assert max(red, green, blue) - min(red, green, blue) <= 10


def test_the_greys_can_be_told_apart():
    backgrounds = [re.search(rf"\.tag\.{grey} {{ background: (#\w{{6}})", CSS)[1] for grey in GREYS[1:]]
    for one, next_ in zip(backgrounds, backgrounds[1:]):
        assert contrast(one, next_) > 1.3


async def test_admins_lock_a_tag_on_its_page_and_open_it_again(tagging, add):
    async with tagging() as app:
        film = app.films[0]
        await add(app, film, "horror/gore")
        assert "yours will not play them either" in await app.render(
            await app.get("tag/horror", by=OWNER), by=OWNER
        )
        for role in (PUBLISHER, VIEWER):
            assert (await app.post("lock", {"tag": "horror"}, by=role)).status == 403
        assert await app.post("lock", {"tag": "horror"}, by=ADMIN) == Redirect("/plugins/tagging/tag/horror")
        assert (await app.access_vote(film)).verdict is Verdict.DENY
        html = await app.render(await app.get("tag/horror", by=ADMIN), by=ADMIN)
        assert "Unlock for viewers and TVs" in html
        assert "1 film, locked for viewers and on TVs." in " ".join(html.split())
        below = await app.render(await app.get("tag/horror/gore", by=ADMIN), by=ADMIN)
        assert "or a tag above, locks these films" in below
        await app.post("lock", {"tag": "horror", "open": "yes"}, by=ADMIN)
        assert (await app.access_vote(film)).verdict is Verdict.ABSTAIN


async def test_a_lock_of_the_settings_file_is_opened_only_there(tagging, add):
    async with tagging(locked_for_viewers=["horror"]) as app:
        film = app.films[0]
        await add(app, film, "horror")
        await app.post("lock", {"tag": "horror", "open": "yes"}, by=OWNER)
        assert (await app.access_vote(film)).verdict is Verdict.DENY
        html = await app.render(await app.get("tag/horror", by=OWNER), by=OWNER)
        assert "The settings file, or a tag above, locks these films for viewers and on TVs." in html
