"""Background tasks on a whole server: a film's fetching seen, cancelled for good, begun again; a play's afterwork."""

from __future__ import annotations

from contextlib import AsyncExitStack

from tests.components.bad_gateway import bad_gateway
from tests.components.player import play
from tests.components.server import eventually, guest, server_of
from tests.operations.test_pulling import TITLE, all_are_what_they_say, come_in, holder_settings, stored


async def tasks(owner, word: str = "Fetch") -> list[dict]:
    _, found = await owner.json("/api/tasks")
    return [task for task in found["tasks"] if task["title"].startswith(word)]


async def the_task(owner, state: str, word: str = "Fetch"):
    """The task, once it is in a state; falsy before."""
    found = [task for task in await tasks(owner, word) if task["state"] == state]
    return found[0] if found else None


async def test_a_fetch_cancelled_for_good_stays_so_over_kill_9_and_is_begun_again(tmp_path, environment):
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(bad_gateway(environment.gateway, "silent", honest_for=14))
        with server_of(holder_settings(tmp_path, environment, gateway.url)) as server:
            await server.start()
            async with guest(server.url) as owner:
                await come_in(owner, server)
                await eventually(lambda: len(stored(tmp_path)) >= 14)
                task = await eventually(lambda: the_task(owner, "running", f"Fetch {TITLE}"))
                page = await owner.page("/tasks")
                assert "is running." in page and f"Cancel Fetch {TITLE}" in page
                assert await owner.post(f"/api/tasks/{task['id']}/cancel") == (200, {})
                assert (await tasks(owner))[0]["state"] == "cancelled"

                server.kill()
                before = stored(tmp_path)
                good = await stack.enter_async_context(bad_gateway(environment.gateway, "honest"))
                holder_settings(tmp_path, environment, good.url)
                await server.start()
                owner.url = server.url
                (task,) = await eventually(lambda: tasks(owner))
                assert task["state"] == "cancelled"
                assert any("Not here" in film for film in (await owner.films()).values())
                assert not [path for path in good.asked if "/ipfs/" in path]

                assert await owner.post(f"/api/tasks/{task['id']}/again") == (200, {})
                task = await eventually(lambda: the_task(owner, "done"))
                assert task["link"] in await owner.films()
                assert before < stored(tmp_path) and all_are_what_they_say(tmp_path)
                await eventually(owner.healthy)

                (film,) = await owner.films()
                await play(owner, film)
                assert not await tasks(owner, "Make"), "what nobody asked for is not made"
                assert await owner.post(f"/api{film}/ready") == (200, {})
                made = await eventually(lambda: the_task(owner, "done", "Make ready"))
                assert made["done"] == made["total"] > 0
                assert await owner.post("/api/tasks/clear") == (200, {})
                assert await tasks(owner) == await tasks(owner, "Make") == []
                assert await server.stop() == 0
