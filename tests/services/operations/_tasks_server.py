"""A server that does one plugin's background tasks, to be killed. Arguments: its folder, and what to start."""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import MISSING, fields
from pathlib import Path

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.storage import open_database
from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.plugins import PluginRegistry, PluginServices
from wylloh_server.services.operations.plugin_task_runner import PluginTaskRunner
from wylloh_server.services.operations.event_bus import EventBus
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.operations.task_service import TaskService


async def serve(folder: Path, start: str) -> None:
    registry = PluginRegistry(path=[folder / "plugins"], points=[])
    registry.load()
    jobs, bus, live = DbosEngine(folder / "jobs.sqlite3"), EventBus(), LiveUpdates()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(folder / "wylloh.sqlite3"))
        service = TaskService(
            tasks=database.storage.tasks,
            jobs=jobs,
            plugins=PluginTaskRunner(registry, database.storage.accounts.role),
            bus=bus,
            live=live,
            clock=system_clock,
        )
        ended = asyncio.Event()
        bus.listeners.append(lambda event: ended.set())
        given = {
            "migrate": database.plugins.migrate,
            "tables": database.plugins.tables,
            "publish": bus.publish,
            "start_task": service.start,
            "changed": live.changed,
            "notify": live.notify,
        }
        given = {
            part.name: given.get(part.name)
            for part in fields(PluginServices)
            if part.name in given or part.default is MISSING
        }
        services = PluginServices(**given)
        await stack.enter_async_context(registry.running(services))
        await stack.enter_async_context(service.running())
        if start:
            context = registry.plugin("counting").context
            await context.tasks.start("count", "Count to six", {"to": 6, "file": str(folder / "counted")})
        await ended.wait()
        (task,) = await database.storage.tasks.all()
        print(task.state, task.message, flush=True)


asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
