"""Groups of a stack over HTTP."""

from __future__ import annotations

import pytest

from tests.web.conftest import GATED, OWNER, PLAIN, TOKEN
from tests.web.pages.samples import LADDER
from wylloh_server.domain.chain_events import LadderChanged
from wylloh_server.sdk.testing.sample_chain import SOMEWHERE

HERE = f"/api/films/{GATED.id}/groups"


@pytest.fixture
async def server_under_test(open_server_under_test):
    server_under_test = await open_server_under_test()
    await server_under_test.on_chain(LadderChanged(SOMEWHERE, TOKEN, LADDER))
    await server_under_test.hold(OWNER, TOKEN, 250)
    return server_under_test


async def answer(response, status=200):
    body = await response.json()
    assert response.status == status, body
    return body


def numbers(body):
    return {group["name"]: (group["count"], group["lost"]) for group in body["groups"]} | {"": body["rest"]}


async def test_split_change_merge_settle(owner, server_under_test):
    assert await answer(await owner.get(HERE)) == {"holding": "250", "rest": "250", "groups": []}
    made = await answer(await owner.post(HERE, {"name": "Berlin", "count": "100"}))
    (berlin,) = made["groups"]
    server_under_test.clock.now += 1
    paris = (await answer(await owner.post(HERE, {"name": "Paris", "count": " 60 "})))["groups"][1]
    changed = await owner.post(f"{HERE}/{paris['id']}", {"name": "Lyon", "count": "70"})
    assert numbers(await answer(changed)) == {"Berlin": ("100", "0"), "Lyon": ("70", "0"), "": "80"}
    await server_under_test.hold(OWNER, TOKEN, 150)
    assert numbers(await answer(await owner.get(HERE))) == {
        "Berlin": ("100", "0"),
        "Lyon": ("50", "20"),
        "": "0",
    }
    settled = await owner.post(f"{HERE}/settle")
    assert numbers(await answer(settled)) == {"Berlin": ("100", "0"), "Lyon": ("50", "0"), "": "0"}
    merged = await owner.post(f"{HERE}/{paris['id']}/merge", {"into": berlin["id"]})
    assert numbers(await answer(merged)) == {"Berlin": ("150", "0"), "": "0"}
    merged = await owner.post(f"{HERE}/{berlin['id']}/merge", {})
    assert numbers(await answer(merged)) == {"": "150"}


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"count": "1"}, "The field name must be a text."),
        ({"name": "Berlin"}, "The field count must be a text."),
        ({"name": "Berlin", "count": 5}, "The field count must be a text."),
        ({"name": "Berlin", "count": "-1"}, "“-1” is no number of tokens."),
        ({"name": "Berlin", "count": "1e3"}, "“1e3” is no number of tokens."),
        ({"name": "Berlin", "count": "٣"}, "“٣” is no number of tokens."),
        ({"name": "Berlin", "count": "0"}, "A group holds at least 1 token."),
        ({"name": "Berlin", "count": str(2**256)}, "Only 250 tokens can be put there."),
        ({"name": "Berlin", "count": "9" * 79}, "“" + "9" * 59 + "…” is no number of tokens."),
        ({"name": "", "count": "1"}, "A group needs a name."),
    ],
)
async def test_what_does_not_fit_is_refused(owner, body, error):
    assert (await answer(await owner.post(HERE, body), 400))["error"] == error
    assert (await answer(await owner.get(HERE)))["groups"] == []


async def test_only_of_films_with_tokens_that_can_be_counted(owner, browser, server_under_test):
    told = await answer(await owner.get(f"/api/films/{PLAIN.id}/groups"), 400)
    assert told["error"] == "This film has no tokens."
    assert (await owner.get("/api/films/gone/groups")).status == 404
    assert (await owner.post(f"{HERE}/gone", {"name": "x", "count": "1"})).status == 404
    assert (await browser.get(HERE)).status == 401
    await server_under_test.storage.chain_index.set_source("contracts that were never read")
    assert (await owner.post(HERE, {"name": "Berlin", "count": "1"})).status == 503


async def test_everybody_has_groups_of_their_own(owner, collector):
    (berlin,) = (await answer(await owner.post(HERE, {"name": "Berlin", "count": "5"})))["groups"]
    assert await answer(await collector.get(HERE)) == {"holding": "0", "rest": "0", "groups": []}
    assert (await collector.post(f"{HERE}/{berlin['id']}/merge", {})).status == 404
    assert (
        await owner.post(HERE, {"name": "x", "count": "1"}, {"Origin": "https://evil.example"})
    ).status == 403
