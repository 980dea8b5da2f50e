"""A process with one slow job that counts its steps in a file, until it is killed or has done them all."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from wylloh_server.adapters.jobs.dbos_engine import DbosEngine
from wylloh_server.domain.ports.jobs import Job, JobQueue

STEPS = 6


async def serve(folder: Path, *, begin: bool, steps_before_hanging: int) -> None:
    done = asyncio.Event()

    async def count(key: str) -> None:
        steps = folder / key
        while (number := len(steps.read_text().split()) if steps.exists() else 0) < STEPS:
            if number == steps_before_hanging:
                print("hanging", flush=True)
                await asyncio.Event().wait()
            with steps.open("a") as file:
                file.write(f"{number} ")
        done.set()

    engine = DbosEngine(folder / "jobs.db")
    async with engine.running([JobQueue("count", 1)], count):
        if begin:
            await engine.start(Job("film", "count"))
        await done.wait()
        while await engine.unfinished():
            await asyncio.sleep(0.01)
    print("done", flush=True)


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), begin=sys.argv[2] == "begin", steps_before_hanging=int(sys.argv[3])))
