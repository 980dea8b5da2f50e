"""What watches the files of authors goes on, whatever a file is like in between."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from structlog.testing import capture_logs

from tests.web.pages.test_plugins_in_chromium import PAGE, TEMPLATE
from wylloh_server.domain.plugin_record import PluginStatus
from wylloh_server.web.development import _Watcher, develop

STATIC = '\n@hookimpl\ndef static_dirs():\n    return [Path(__file__).parent / "static"]\n'


async def test_a_file_that_cannot_be_read_is_on_the_log_and_the_watcher_goes_on(
    open_server_under_test, open_browser, tmp_path, caplog, monkeypatch
):
    package = tmp_path / "plugins" / "wylloh_testpage"
    (package / "static").mkdir(parents=True)
    (package / "__init__.py").write_text(PAGE + STATIC)
    page = package / "page.html"
    page.write_text(TEMPLATE)
    server = await open_server_under_test(plugin_folder=tmp_path / "plugins", add=develop)
    browser, broken = open_browser(server), package / "static" / "broken.css"

    async def shows(word):
        return word in await (await browser.get("/plugins/testpage/")).text()

    async with asyncio.timeout(20):
        while not await shows("between"):  # until it watches
            page.write_text(TEMPLATE.replace("before", "between"))
            await asyncio.sleep(0.05)
    readable = Path.read_bytes

    def read(file):
        if file == broken:
            raise OSError(5, "Input/output error", str(file))
        return readable(file)

    monkeypatch.setattr(Path, "read_bytes", read)  # root reads everything but what a disk has lost
    with caplog.at_level(logging.WARNING):
        broken.write_text("p { margin: 0 }")
        async with asyncio.timeout(20):
            while "watching files for changes: [Errno 5]" not in caplog.text:
                await asyncio.sleep(0.05)
    broken.unlink()
    (package / "page.html").write_text(TEMPLATE.replace("before", "after"))
    async with asyncio.timeout(20):
        while "after" not in await (await browser.get("/plugins/testpage/")).text():
            await asyncio.sleep(0.05)


async def test_code_that_changes_while_its_plugin_loads_is_taken_when_it_has(
    open_server_under_test, tmp_path
):
    package = tmp_path / "plugins" / "wylloh_testpage"
    package.mkdir(parents=True)
    (package / "page.html").write_text(TEMPLATE)
    (package / "__init__.py").write_text(PAGE)
    server = await open_server_under_test(plugin_folder=tmp_path / "plugins")
    watcher, plugin = _Watcher(server.app), server.plugins.plugin("testpage")
    await watcher.look()
    plugin.status = PluginStatus.LOADING
    (package / "__init__.py").write_text(PAGE + "\n__version__ = '2.0 beta'\n")
    await watcher.look()
    assert server.plugins.plugin("testpage") is plugin
    plugin.status = PluginStatus.RUNNING
    with capture_logs() as logs:
        await watcher.look()
    assert server.plugins.plugin("testpage").version == "2.0 beta"
    assert [one["event"] for one in logs] == ["plugin reloaded"]
    fresh = server.plugins.plugin("testpage")
    await watcher.look()
    assert server.plugins.plugin("testpage") is fresh, "and once only"
