"""Tries a plugin out, in a process of its own: `python -m wylloh_server.cli.plugin._trial RESULTS PLUGIN`.

PLUGIN is a folder, or `name:` and the name of an installed plugin. Each finding is written to the file
RESULTS as a line of JSON as soon as it is known: the plugin may end the process, or never come back.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.cli.plugin._findings import (
    BY_NAME,
    Finding,
    import_findings,
    inline_findings,
    syntax_findings,
)
from wylloh_server.cli.plugin._known import keep_quiet
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.hooks import PluginStatus, check_name
from wylloh_server.hooks.discovery import Candidate, in_folder, installed
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP
from wylloh_server.hooks.version import SDK_VERSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import jinja2

    from wylloh_server.hooks import PluginRecord, PluginRegistry


def candidate_of(target: str) -> Candidate:
    """Find the plugin that is to be tried.

    Raises:
        NotFound: there is none.
    """
    if target.startswith(BY_NAME):
        points = entry_points(group=ENTRY_POINT_GROUP, name=target.removeprefix(BY_NAME))
        found = next(iter(installed(points)), None)
    else:
        found = in_folder(Path(target))
    if found is None:
        raise NotFound(
            f"There is no plugin in {target}.",
            fix="Name a folder that is, or holds, a package wylloh_<name> with an __init__.py.",
        )
    return found


_MEND = "Mend that and check again."


async def findings(target: str) -> AsyncIterator[Finding]:
    """Look at everything that can be seen of a plugin without a server."""
    try:
        candidate = candidate_of(target)
        check_name(candidate.name)
    except (NotFound, PluginError) as error:
        yield Finding(ok=False, says=str(error), fix=error.fix or "Rename its package.")
        return
    if candidate.folder is not None:
        unreadable = tuple(syntax_findings(candidate.folder))
        for finding in unreadable:
            yield finding
        if unreadable:
            return
        for finding in import_findings(candidate.folder):
            yield finding
    with tempfile.TemporaryDirectory() as data:
        async for finding in _started(candidate, Path(data)):
            yield finding


async def _started(candidate: Candidate, data: Path) -> AsyncIterator[Finding]:
    from wylloh_server.app import plugin_registry, plugins_at_work
    from wylloh_server.config import Settings

    settings = Settings(server={"data": data}, lan={"announce": False})
    registry = plugin_registry(settings, [candidate])
    if reason := _trouble(registry):
        yield Finding(ok=False, says=reason, fix=_MEND)
        return
    yield Finding(ok=True, says=_about(_record(registry)))
    for again in (registry, plugin_registry(settings, [candidate])):
        async with plugins_at_work(settings, again):
            pass
        if reason := _trouble(again):
            yield Finding(ok=False, says=reason, fix=_MEND)
            return
    yield Finding(ok=True, says="It starts on an empty database, starts again on its own tables, and stops.")
    for finding in _templates(registry, candidate.name):
        yield finding


def _record(registry: PluginRegistry) -> PluginRecord:
    return registry.records()[0]


def _trouble(registry: PluginRegistry) -> str:
    record = _record(registry)
    if record.status is PluginStatus.LOADED:
        return f"It failed: {record.last_error}." if record.last_error else ""
    return record.reason


def _about(record: PluginRecord) -> str:
    version = f" {record.version}" if record.version else ""
    return f"{record.name}{version} loads. It was written for SDK {record.sdk}; this is {SDK_VERSION}."


def _templates(registry: PluginRegistry, name: str) -> list[Finding]:
    from wylloh_server.resources import theme_dir
    from wylloh_server.web.templating import template_environment

    folders = registry.template_dirs()
    environment = template_environment(theme_dir("default") / "templates", folders)
    files = [
        f"{name}/{file.relative_to(folder)}"
        for folder in folders.get(name, ())
        for file in sorted(folder.rglob("*.html"))
    ]
    wrong = [finding for file in files for finding in _template(environment, file)]
    return wrong or [Finding(ok=True, says=f"Its templates ({len(files)}) can be read.")]


def _template(environment: jinja2.Environment, name: str) -> list[Finding]:
    import jinja2

    try:
        environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        said = f"The template {name}, line {error.lineno}: {error.message}"
        return [Finding(ok=False, says=f"{said}.", fix="Mend that line.")]
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        return [Finding(ok=False, says=f"The template {name}: {error}.", fix="Mend it.")]
    source = environment.loader.get_source(environment, name)[0] if environment.loader else ""
    return list(inline_findings(name, source))


async def _write(results: Path, target: str) -> None:
    with results.open("a", encoding="utf-8") as file:
        async for finding in findings(target):
            file.write(json.dumps(asdict(finding)) + "\n")
            file.flush()


if __name__ == "__main__":
    keep_quiet()
    asyncio.run(_write(Path(sys.argv[1]), sys.argv[2]))
    sys.stdout.flush()
    os._exit(0)  # the plugin's own threads need not let Python end
