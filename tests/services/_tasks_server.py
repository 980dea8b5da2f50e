"""A server that does one plugin's background tasks, to be killed. Arguments: its folder, and what to start."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import fields
from pathlib import Path

from wylloh_server.adapters.clock import system_clock
from wylloh_server.adapters.database import open_database
from wylloh_server.adapters.jobs import DbosJobs
from wylloh_server.hooks import PluginRegistry, PluginServices
from wylloh_server.hooks.tasks import PluginWork
from wylloh_server.services.bus import Bus
from wylloh_server.services.live import Live
from wylloh_server.services.tasks import JOB, TaskDesk


async def serve(folder: Path, start: str) -> None:
    registry = PluginRegistry(path=[folder / "plugins"], points=[])
    registry.load()
    jobs, bus, live = DbosJobs(folder / "jobs.sqlite3"), Bus(), Live()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(folder / "wylloh.sqlite3"))
        desk = TaskDesk(
            tasks=database.storage.tasks,
            jobs=jobs,
            plugins=PluginWork(registry),
            bus=bus,
            live=live,
            clock=system_clock,
        )
        ended = asyncio.Event()
        bus.subscribe(lambda event: ended.set())
        given = {"database": database.plugins, "publish": bus.publish, "tasks": desk, "live": live}
        services = PluginServices(**{part.name: given.get(part.name) for part in fields(PluginServices)})
        await stack.enter_async_context(registry.running(services))
        jobs.register(JOB, desk.work)
        await stack.enter_async_context(jobs.running())
        await stack.enter_async_context(desk.running())
        if start:
            context = registry.plugin("counting").context
            await context.tasks.start("count", "Count to six", {"to": 6, "file": str(folder / "counted")})
        await ended.wait()
        (task,) = await database.storage.tasks.all()
        print(task.state, task.says, flush=True)


asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
