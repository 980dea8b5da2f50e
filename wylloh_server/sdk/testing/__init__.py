"""Fixtures for plugin authors: a published pytest plugin, loaded wherever this package is installed.

    async def test_my_page(plugin_app):
        async with plugin_app("wylloh_mine") as app:
            page = await app.get("hello")
            assert "Hello" in await app.render(page)

`plugin_app` runs a plugin as the server does: its migrations on a real SQLite database, its settings checked,
its events queued. `PluginApp` lists what a test can do with it, such as adding events to the chain:

    from wylloh_server.sdk.testing import SOMEWHERE

    await app.happened(TokensTransferred(SOMEWHERE, token, ZERO_ADDRESS, wallet, 12))
    app.chain.answer(store, "stockOf(uint256)", (88,))
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from wylloh_server.sdk.testing.plugin_harness import PluginApp
    from wylloh_server.sdk.testing.sample_chain import CONTRACTS, DOLLAR, SOMEWHERE, SampleChain

__all__ = ["CONTRACTS", "DOLLAR", "SOMEWHERE", "PluginApp", "SampleChain", "plugin_app"]

_PLACES = {"PluginApp": "plugin_harness"} | dict.fromkeys(
    ("CONTRACTS", "DOLLAR", "SOMEWHERE", "SampleChain"), "sample_chain"
)


def __getattr__(name: str) -> Any:
    """Return the other names on demand: pytest loads this module in every run, needed or not."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


@pytest.fixture
def plugin_app(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[PluginApp]]:
    """Return a function that runs one plugin until its `async with` ends.

    Its arguments: the name of the plugin's importable package, such as `wylloh_mine`; and by name `settings`
    (what the settings file would say), `films` (instead of the samples), `contracts` (instead of `CONTRACTS`)
    and `limits` (`wylloh_server.plugins`).
    Running it again within one test finds the same database.
    """
    from wylloh_server.sdk.testing.plugin_harness import running_plugin  # noqa: PLC0415 - pytest loads this in every run

    return partial(running_plugin, data=tmp_path)
