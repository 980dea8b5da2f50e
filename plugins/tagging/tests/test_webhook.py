"""Other programs tag films, with the token of the settings."""

from __future__ import annotations

TOKEN = {"Authorization": f"Bearer {'t' * 32}"}


async def test_a_program_tags_a_film_and_takes_the_tag_off(tagging):
    async with tagging(webhook_token="t" * 32, automatic=False) as app:
        film = app.films[0].id
        reply = await app.post("webhook", json={"film": film, "tag": "seen"}, by=None, headers=TOKEN)
        assert reply.value == {"tags": ["seen"]}
        reply = await app.post(
            "webhook", json={"film": film, "tag": "seen", "remove": True}, by=None, headers=TOKEN
        )
        assert reply.value == {"tags": []}


async def test_what_is_no_film_no_tag_or_no_json_is_refused(tagging):
    async with tagging(webhook_token="t" * 32) as app:
        film = app.films[0].id
        for sent, status in (
            ({"film": "nothing", "tag": "seen"}, 404),
            ({"film": film, "tag": "//"}, 400),
            ({"film": film}, 400),
            (["seen"], 400),
            (None, 400),
        ):
            assert (await app.post("webhook", json=sent, by=None, headers=TOKEN)).status == status
        assert app.record.errors == 0
