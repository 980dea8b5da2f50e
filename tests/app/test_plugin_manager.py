"""A broken plugin costs its own feature and nothing else, wherever it breaks."""

from __future__ import annotations

import textwrap

import pytest
from eth_account import Account

from tests.components.server import eventually, guest, running_server, server_settings

OWNER = Account.create()

AT_IMPORT = """
raise RuntimeError("it breaks at import")
"""

AT_START = """
from wylloh_server.sdk import hookimpl
WYLLOH_SDK = "1.0"

@hookimpl
async def lifespan(context):
    raise RuntimeError("it breaks at start-up")
    yield
"""

IN_A_HOOK = """
from wylloh_server.sdk import hookimpl
WYLLOH_SDK = "1.0"

@hookimpl
async def nav_items(context, viewer):
    raise RuntimeError("it breaks in a hook")

@hookimpl
async def page_fragments(context, slot, film, viewer):
    raise RuntimeError("it breaks in a slot")
"""

IN_A_ROUTE = """
from wylloh_server.sdk import Role, PluginRoute, hookimpl
WYLLOH_SDK = "1.0"

@hookimpl
def routes():
    return (PluginRoute("GET", "page", _page, role=Role.VIEWER),)

async def _page(context, request):
    raise RuntimeError("it breaks in a route")
"""

GOOD = """
from wylloh_server.sdk import Json, Role, PluginRoute, hookimpl
WYLLOH_SDK = "1.0"

@hookimpl
def routes():
    return (PluginRoute("GET", "page", _page, role=Role.VIEWER),)

async def _page(context, request):
    return Json({"fine": True})
"""

PLUGINS = {
    "atimport": AT_IMPORT,
    "atstart": AT_START,
    "inahook": IN_A_HOOK,
    "inaroute": IN_A_ROUTE,
    "good": GOOD,
}


@pytest.fixture
def shelf(tmp_path):
    """A folder with four broken plugins and a good one."""
    for name, code in PLUGINS.items():
        package = tmp_path / "plugins" / f"wylloh_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(textwrap.dedent(code))
    return tmp_path / "plugins"


async def test_four_broken_plugins(tmp_path, shelf):
    settings = server_settings(tmp_path, plugins={"path": [str(shelf)]})
    async with running_server(settings) as server, guest(server.url) as owner:
        assert (await owner.sign_in(OWNER, server.claim_code))[0] == 200
        assert (await owner.json("/healthz"))[0] == 503  # no film; but an answer
        assert "first film" in await owner.page("/")

        async def all_have_come():
            """A plugin that is slow to import starts when it is there; the server does not wait for it."""
            return "Loading." not in await owner.page("/admin")

        await eventually(all_have_come)
        assert await owner.json("/plugins/good/page") == (200, {"fine": True})
        status, answer = await owner.json("/plugins/inaroute/page")
        assert status == 500
        assert "inaroute" in answer["error"]
        assert "Traceback" not in str(answer)

        told = " ".join((await owner.page("/admin")).split())
        assert "It could not be loaded: RuntimeError: it breaks at import" in told
        assert "it breaks at start-up" in told
        assert "it breaks in a" in told
        assert "it breaks in a route" in told

        assert await server.stop() == 0
    assert all(entry["event"] for entry in server.log())
