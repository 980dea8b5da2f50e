"""One demo for all of these tests, started by its own command, and visitors with browsers of their own."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import pytest_asyncio

from tests.components.browser import chromium
from tests.components.demo import Demo, running
from tests.components.browser_user import BrowserUser

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Everything here shares one browser, hence one event loop."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.timeout(1200))
            if inspect.iscoroutinefunction(item.function):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="package")
def demo(tmp_path_factory):
    """A running demo with its own film; Ctrl-C must end it and leave no process."""
    with running(Demo(tmp_path_factory.mktemp("demo"))) as started:
        yield started


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def browser():
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def new_user(browser):
    """Let somebody arrive at a demo with a browser of their own: `await new_user(demo, viewport, session)`."""
    browser_users = []

    async def opened(demo, viewport=None, session=None):
        browser_user = await BrowserUser.opened(browser, demo, viewport, session)
        browser_users.append(browser_user)
        return browser_user

    yield opened
    problems = [problem for browser_user in browser_users for problem in browser_user.problems]
    for browser_user in browser_users:
        await browser_user.leave()
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
    browser_user = await BrowserUser.opened(browser, demo)
    await browser_user.sign_in(wallet)
    session = await browser_user.context.storage_state()
    await browser_user.leave()
    return session
