"""The plugin in the server as it ships: what is said in a film becomes a suggestion, and a suggestion a tag."""

from __future__ import annotations

import pytest
from eth_account import Account

from tests.components.films import make_film
from tests.components.server import eventually, guest, running_server, server_settings

OWNER = Account.create()
HERE = "/plugins/tagging"
SAID = "".join(
    f"{n}\n00:00:{n:02},000 --> 00:00:{n:02},900\nThe smugglers are {where}.\n\n"
    for n, where in enumerate(["in the harbour", "on deck", "asleep", "below", "armed", "gone"], 1)
)


@pytest.fixture
def folder(tmp_path):
    """A short film with subtitles inside, and one with subtitles beside it."""
    films = tmp_path / "films"
    films.mkdir()
    make_film(films / "Inside.mkv", seconds=10, languages=())
    make_film(films / "Beside.mkv", seconds=2, languages=("eng",), subtitles=False)
    (films / "Inside.srt").unlink()
    (films / "Beside.en.srt").write_text(SAID)
    return films


async def test_what_is_said_in_a_film_is_suggested(tmp_path, folder):
    settings = server_settings(tmp_path, library={"folders": [str(folder)]})
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200

        async def ids():
            pages = await owner.films()
            found = {
                title: path.rpartition("/")[2]
                for path, text in pages.items()
                for title in ("Inside", "Beside")
                if f"<h1>{title}</h1>" in text
            }
            return found if len(found) == 2 else None

        films = await eventually(ids)

        async def suggested(title):
            _, answer = await owner.json(f"{HERE}/film/{films[title]}/suggestions")
            return [one["tag"] for one in answer["suggestions"]]

        assert "smugglers" not in await suggested("Beside")
        assert (await owner.post(f"{HERE}/suggestions"))[0] == 200

        async def looked():
            return "smugglers" in await suggested("Beside") and "sound/silent" in await suggested("Inside")

        await eventually(looked)
        address = f"{HERE}/film/{films['Beside']}"
        assert (await owner.post(f"{address}/suggestions/accept", tag="smugglers"))[0] == 200
        assert (await owner.json(f"{address}/tags"))[1] == {"tags": ["smugglers"]}
        assert "Suggested tags" in await owner.page(f"/films/{films['Beside']}")
        assert "smugglers" not in await suggested("Beside")
        assert await server.stop() == 0
