"""One demo for all of these tests, started by its own command, and visitors with browsers of their own."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import pytest_asyncio

from tests.components.browser import chromium
from tests.components.demo import running_demo
from tests.components.visitor import Visitor

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Everything here shares one browser, hence one event loop."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(300))
            if inspect.iscoroutinefunction(item.function):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    """A running demo with its own film; Ctrl-C must end it and leave no process."""
    with running_demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser():
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def arrive(browser):
    """Let somebody arrive at a demo with a browser of their own: `await arrive(demo, viewport, session)`."""
    visitors = []

    async def arriving(demo, viewport=None, session=None):
        visitor = await Visitor.arriving(browser, demo, viewport, session)
        visitors.append(visitor)
        return visitor

    yield arriving
    problems = [problem for visitor in visitors for problem in visitor.problems]
    for visitor in visitors:
        await visitor.leave()
    assert problems == []


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def signed_in(demo, browser):
    """The cookies of a browser that signed in with the demo wallet, for tests that need no session of their own."""
    return await _cookies_of(demo, browser, "demo")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def empty_handed(demo, browser):
    """The cookies of a browser that signed in with the empty wallet."""
    return await _cookies_of(demo, browser, "empty")


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def sessions(demo, browser):
    """The cookies of a browser that signed in with one of the demo's wallets: `await sessions("publisher")`."""
    known = {}

    async def session(wallet):
        if wallet not in known:
            known[wallet] = await _cookies_of(demo, browser, wallet)
        return known[wallet]

    return session


async def _cookies_of(demo, browser, wallet):
    visitor = await Visitor.arriving(browser, demo)
    await visitor.sign_in(wallet)
    session = await visitor.context.storage_state()
    await visitor.leave()
    return session
