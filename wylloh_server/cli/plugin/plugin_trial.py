"""Run a plugin in a trial process: `python -m wylloh_server.cli.plugin.plugin_trial RESULTS PLUGIN DATA`.

PLUGIN is a folder, or `name:` and the name of an installed plugin; DATA its data folder (see `trial_data`).
Each finding is written to the file RESULTS as a line of JSON as soon as it is known: the plugin may end the
process, or never come back.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_server.cli.plugin.known_plugins import keep_quiet
from wylloh_server.cli.plugin.plugin_findings import (
    BY_NAME,
    PluginFinding,
    card_templates,
    import_findings,
    inline_findings,
    syntax_findings,
)
from wylloh_server.cli.plugin.trial_data import has_tables, trial_settings
from wylloh_server.domain.errors import NotFound, PluginError
from wylloh_server.domain.plugin_record import PluginIsolation
from wylloh_server.domain.sdk_version import SDK_VERSION
from wylloh_server.plugins import PluginStatus
from wylloh_server.plugins.loading import Candidate, check_name, in_folder, installed
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import jinja2

    from wylloh_server.plugins import PluginRecord, PluginRegistry


def find_candidate(target: str) -> Candidate:
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


async def findings(target: str, data: Path) -> AsyncIterator[PluginFinding]:
    """Look at everything that can be seen of a plugin without a server, in a data folder of its own."""
    try:
        candidate = find_candidate(target)
        check_name(candidate.name)
    except (NotFound, PluginError) as error:
        yield PluginFinding(str(error), fix=error.fix or "Rename its package.")
        return
    if candidate.folder is not None:
        unreadable = tuple(syntax_findings(candidate.folder))
        for finding in unreadable:
            yield finding
        if unreadable:
            return
        for finding in import_findings(candidate.folder):
            yield finding
    async for finding in _started(candidate, data):
        yield finding


async def _started(candidate: Candidate, data: Path) -> AsyncIterator[PluginFinding]:
    from wylloh_server.app import plugin_registry, plugins_at_work
    from wylloh_server.config import Settings

    upgraded = has_tables(data)
    own = {candidate.name: trial_settings(data)}
    # In this process, which is the trial's own: so every error is located, and templates can be looked at.
    plugins = {"settings": own, "isolation": {candidate.name: PluginIsolation.THREAD}}
    settings = Settings(server={"data": data}, lan={"announce": False}, plugins=plugins)
    registry = plugin_registry(settings, [candidate])
    if trouble := _trouble(registry, candidate.name):
        yield trouble
        return
    yield PluginFinding(_about(_record(registry)))
    for again in (registry, plugin_registry(settings, [candidate])):
        async with plugins_at_work(settings, again):
            pass
        if trouble := _trouble(again, candidate.name):
            yield trouble
            return
    begun = "a copy of the tables it has here" if upgraded else "an empty database"
    yield PluginFinding(f"It starts on {begun}, starts again on its own tables, and stops.")
    for finding in _templates(registry, candidate.name):
        yield finding


def _record(registry: PluginRegistry) -> PluginRecord:
    return registry.records()[0]


def _trouble(registry: PluginRegistry, name: str) -> PluginFinding | None:
    record, plugin = _record(registry), registry.plugin(name)
    reason = record.reason
    if record.status is PluginStatus.LOADED:
        reason = f"It failed: {record.last_error}." if record.last_error else ""
    return PluginFinding(reason, _MEND, plugin.traceback if plugin else "") if reason else None


def _about(record: PluginRecord) -> str:
    version = f" {record.version}" if record.version else ""
    return f"{record.name}{version} loads. It was written for SDK {record.sdk}; this is {SDK_VERSION}."


def _templates(registry: PluginRegistry, name: str) -> list[PluginFinding]:
    from wylloh_server.web.templating import template_environment

    folders = registry.template_dirs()
    environment = template_environment(registry.template_dirs)
    files = [
        f"{name}/{file.relative_to(folder)}"
        for folder in folders.get(name, ())
        for file in sorted(folder.rglob("*.html"))
    ]
    plugin = registry.plugin(name)
    package = plugin.candidate.folder if plugin else None
    cards = {f"{name}/{file}" for file in card_templates(package)} if package else set()
    wrong = [finding for file in files for finding in _template(environment, file, is_card=file in cards)]
    return wrong or [PluginFinding(f"Its templates ({len(files)}) can be read.")]


def _template(environment: jinja2.Environment, name: str, *, is_card: bool) -> list[PluginFinding]:
    import jinja2

    from wylloh_server.web.card_markup import check_card

    try:
        environment.get_template(name)
    except jinja2.TemplateSyntaxError as error:
        said = f"The template {name}, line {error.lineno}: {error.message}"
        return [PluginFinding(f"{said}.", fix="Mend that line.")]
    except (jinja2.TemplateError, UnicodeDecodeError) as error:
        return [PluginFinding(f"The template {name}: {error}.", fix="Mend it.")]
    source = environment.loader.get_source(environment, name)[0] if environment.loader else ""
    if is_card:
        try:
            check_card(source)
        except PluginError as error:
            return [PluginFinding(f"The template {name}: {error}.", fix=error.fix)]
    return list(inline_findings(name, source))


async def _write(results: Path, target: str, data: Path) -> None:
    with results.open("a", encoding="utf-8") as file:
        async for finding in findings(target, data):
            file.write(json.dumps(asdict(finding)) + "\n")
            file.flush()


if __name__ == "__main__":
    keep_quiet()
    asyncio.run(_write(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])))
    sys.stdout.flush()
    os._exit(0)  # the plugin's own threads need not let Python end
