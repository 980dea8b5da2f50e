"""Background tasks, batch actions, groups of stacks, and the server's own long work, put together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.adapters.clock import system_clock
from wylloh_server.app.inside import TRANSCODE
from wylloh_server.hooks.batch import BatchAsker
from wylloh_server.hooks.tasks import PluginWork
from wylloh_server.services.batch import BatchDesk
from wylloh_server.services.groups import GroupDesk
from wylloh_server.services.housework import Chore, Housework, share_here
from wylloh_server.services.ingest import PULL
from wylloh_server.services.tasks import JOB, TaskDesk

if TYPE_CHECKING:
    from wylloh_server.app.outside import Outside
    from wylloh_server.domain.ports.world import Jobs
    from wylloh_server.hooks.registry import PluginRegistry
    from wylloh_server.services.bus import Bus
    from wylloh_server.services.ingest import Puller
    from wylloh_server.services.live import Live
    from wylloh_server.services.playback import Playback


def build_tasks(outside: Outside, plugins: PluginRegistry, jobs: Jobs, bus: Bus, live: Live) -> TaskDesk:
    """Build what keeps background tasks, and name what does them."""
    tasks = TaskDesk(
        tasks=outside.database.storage.tasks,
        jobs=jobs,
        plugins=PluginWork(plugins),
        bus=bus,
        live=live,
        clock=system_clock,
    )
    jobs.register(JOB, tasks.work)
    return tasks


def build_batch(outside: Outside, plugins: PluginRegistry, tasks: TaskDesk) -> BatchDesk:
    """Build what does one thing to many films."""
    return BatchDesk(asker=BatchAsker(plugins), films=outside.database.storage.films, tasks=tasks)


def build_groups(outside: Outside, live: Live) -> GroupDesk:
    """Build what splits stacks into named groups."""
    return GroupDesk(groups=outside.database.storage.groups, live=live, clock=system_clock)


def build_housework(
    outside: Outside, playback: Playback, puller: Puller, *, jobs: Jobs, bus: Bus, live: Live
) -> Housework:
    """Build what does and shows the server's own long work, and give it the work."""
    films = outside.database.storage.films
    housework = Housework(jobs=jobs, films=films, bus=bus, live=live, clock=system_clock)
    fetch = Chore(PULL, "Fetch", "It is here, and checked.", share_here(films), fetches=True)
    make = Chore(TRANSCODE, "Make ready", "Every player can play it at once.", playback.made)
    housework.register(fetch, puller.pull)
    housework.register(make, playback.fill)
    return housework
