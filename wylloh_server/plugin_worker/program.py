"""The program of a plugin's own process.

It imports the plugin, tells the server what that declares, and runs it until the server closes the line.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wylloh_server.config import ThemeSettings
from wylloh_server.domain.types import Seconds
from wylloh_server.plugins.isolation.channel import LENGTH
from wylloh_server.plugins.isolation.remote_errors import describe_error
from wylloh_server.plugins.isolation.running_call import RunningCall
from wylloh_server.plugins.isolation.wire import to_json
from wylloh_server.plugins.isolation.worker import Worker, WorkerParts, description
from wylloh_server.plugins.loading import Candidate, declare, hooks_of, import_file, import_package
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP
from wylloh_server.storage.connections import Connections
from wylloh_server.storage.engine import engine_for
from wylloh_server.storage.plugin_schemas import PluginSchemas
from wylloh_server.web.templating import draw_for_plugin, template_environment
from wylloh_server.web.theme import find_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType

    from wylloh_server.domain.ports.plugin_tables import Migration, PluginTables
    from wylloh_server.plugins.isolation.worker import Draw
    from wylloh_server.plugins.loading import Declared

_BUSY = Seconds(10)


def main(given: dict[str, Any]) -> None:
    """Run a plugin. What is given comes from `app.plugin_processes`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal: the server ends this process
    line = socket.socket(fileno=given["line"])
    running = RunningCall(given["memory"])
    if given["memory"] >= 0:
        os.close(given["memory"])
    candidate = _candidate(given)
    try:
        code = candidate.load()
        hooks = hooks_of(code, candidate.name)
        declared = declare(hooks)
        said: Any = description(candidate, code, hooks, declared)
    except BaseException as error:  # noqa: BLE001 - importing a plugin may raise anything, SystemExit included
        _send(line, {"error": describe_error(error, candidate.folder)})
        return
    _send(line, said)
    parts = WorkerParts(
        open_tables=partial(_open_tables, Path(given["tables"])),
        templates=partial(_templates, candidate.name, declared, given),
    )
    asyncio.run(_run(partial(Worker, candidate, hooks, declared, parts, running), line))


async def _run(worker: Callable[[], Worker], line: socket.socket) -> None:
    line.setblocking(False)
    await worker().run(line)
    os._exit(0)  # what the plugin has left running is not waited for


def _candidate(given: dict[str, Any]) -> Candidate:
    folder, file = (Path(given[place]) if given[place] else None for place in ("folder", "file"))

    def load() -> ModuleType:
        package = import_package(folder) if folder else import_file(given["package"], file) if file else None
        if package is not None and given["module"] == given["folder"]:
            return package
        module: ModuleType = EntryPoint(given["name"], given["module"], ENTRY_POINT_GROUP).load()
        return module

    return Candidate(given["name"], given["version"], given["module"], given["package"], folder, load)


async def _open_tables(file: Path, plugin: str, migrations: Sequence[Migration]) -> PluginTables:
    """Open the plugin's own database, brought up to date.

    Raises:
        PluginError: a migration failed. The data is as it was.
    """
    schemas = PluginSchemas(Connections(engine_for(file, _BUSY)))
    if migrations:
        await schemas.migrate(plugin, migrations)
    return schemas.tables(plugin)


def _templates(name: str, declared: Declared, given: dict[str, Any]) -> Draw:
    """Return what draws the plugin's templates, as they are on the disk now."""
    theme = find_theme(ThemeSettings(**given["theme"]))
    environment = template_environment(lambda: {name: declared.template_dirs}, theme=theme)

    async def draw(template: str, values: Mapping[str, object]) -> str:
        return await draw_for_plugin(environment, theme, declared.template_dirs, f"{name}/{template}", values)

    return draw


def _send(line: socket.socket, said: object) -> None:
    written = to_json(said)
    line.sendall(LENGTH.pack(len(written)) + written)
